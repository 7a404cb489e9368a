import ArgumentParser
import Content
import Foundation
import JSON
import Model
import Operations
import Store

struct AccessCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "access",
    abstract: "Shows who can access and who can manage each compute resource, and by which policy.",
    discussion: """
      Reads an inventory that a scan wrote with --inventory, or what is kept. An answer is certain,
      conditional (if what a policy asks for holds), or unknown where something that decides could
      not be read. With --from and --to it shows who gained and who lost access in between.

      Examples:
        plumb access --inventory estate.ndjson
        plumb access 'arn:aws:lambda:*' --level manage --format csv
        plumb access web-1 --holder 'user/ann' --as-of 2026-11-01T00:00:00Z
        plumb access --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z
      """
  )

  @OptionGroup var store: StoreOptions

  @Argument(
    help: ArgumentHelp("Ids or names of compute resources; default: all.", valueName: "pattern")
  )
  var resource: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("Read this inventory instead of what is kept.", valueName: "file")
  )
  var inventory: String?

  @Option(
    name: .long,
    help: ArgumentHelp("As of this instant, ISO 8601; default: now.", valueName: "instant")
  )
  var asOf: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Show what changed since this instant.", valueName: "instant")
  )
  var from: String?

  @Option(
    name: .long,
    help: ArgumentHelp("With --from: up to this instant; default: now.", valueName: "instant")
  )
  var to: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Only resources of this kind.", valueName: "service/kind")
  )
  var kind: [String] = []

  @Option(name: .long, help: ArgumentHelp("Only in this account.", valueName: "id"))
  var account: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("Only these holders, such as user/ann.", valueName: "pattern")
  )
  var holder: [String] = []

  @Option(name: .long, help: ArgumentHelp("Only access, or only manage.", valueName: "level"))
  var level: ReachLevel?

  @Option(name: .long, help: "text, json, ndjson or csv.")
  var format: RowFormat = .text

  func validate() throws {
    if inventory != nil, asOf != nil || from != nil || to != nil {
      throw ValidationError("--inventory is of one instant; leave out --as-of, --from and --to")
    }
    if to != nil, from == nil { throw ValidationError("--to needs --from") }
    if from != nil, asOf != nil { throw ValidationError("--as-of does not go with --from") }
  }

  func run() async throws {
    try await reporting {
      var filter = ReachFilter()
      filter.resources = resource
      filter.kinds = kind
      filter.accounts = account
      filter.holders = holder
      if let level { filter.levels = [level] }
      let facts = try ContentLibrary.layered().access()
      if let from = try moment(from, option: "--from") {
        return try await showChanges(since: from, facts, filter)
      }
      let (estate, faults) = try await estate(facts)
      let count = try show(estate, filter)
      for fault in faults.prefix(10) { complain(fault) }
      if !faults.isEmpty { throw Exit.notJudged }
      if count == 0, !resource.isEmpty {
        throw StoreError.notFound(
          kind: "compute resource",
          name: resource.joined(separator: ", ")
        )
      }
    }
  }

  private func estate(_ facts: [ReachFacts]) async throws -> (ReachEstate, faults: [String]) {
    var estate = ReachEstate(facts)
    if let inventory {
      let file = try InputFile(inventory)
      let faults = try estate.add(descriptor: file.descriptor, name: file.name)
      return (estate, faults)
    }
    let instant = try moment(asOf, option: "--as-of") ?? timeOfDay()
    return (try await stored(facts, at: instant), [])
  }

  private func stored(_ facts: [ReachFacts], at instant: Instant) async throws -> ReachEstate {
    try await store.openForReading().read { transaction in
      var estate = ReachEstate(facts)
      try estate.add(transaction, at: instant)
      return estate
    }
  }

  private func showChanges(
    since from: Instant,
    _ facts: [ReachFacts],
    _ filter: ReachFilter
  ) async throws {
    let to = try moment(to, option: "--to") ?? timeOfDay()
    guard from < to else { throw ValidationError("--from is not earlier than --to") }
    let changes = try await ReachChange.all(
      from: stored(facts, at: from),
      to: stored(facts, at: to),
      filter
    )
    AccessListing(format).show(changes)
  }

  /// Prints the answers, and returns how many resources there are.
  private func show(_ estate: ReachEstate, _ filter: ReachFilter) throws -> Int {
    var listing = AccessListing(format)
    listing.begin()
    estate.answers(filter) { listing.show($0) }
    listing.end()
    return listing.resources
  }
}

extension ReachLevel: ExpressibleByArgument {}
