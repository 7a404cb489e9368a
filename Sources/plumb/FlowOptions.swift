import ArgumentParser
import Foundation
import Insights
import Model
import Operations
import Synchronization

/// Which flow logs are read, and how.
struct FlowOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Take every log for one of this format instead of recognising it: "
        + "\(FlowFormat.all.map(\.name).joined(separator: ", ")).",
      valueName: "format"
    )
  )
  var logFormat: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The columns of Amazon's flow logs without a header, as the flow log was set up with.",
      valueName: "columns"
    )
  )
  var fields: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A network of one's own; may be repeated. Without it private networks are.",
      valueName: "network"
    )
  )
  var ownNetwork: [String] = []

  @Option(name: .long, help: ArgumentHelp("How many cores to use.", valueName: "n"))
  var workers: Int?

  @Flag(name: .long, help: "At the end of the logs wait for what is added, until interrupted.")
  var follow = false

  @Option(
    name: .long,
    help: ArgumentHelp("With --follow: list buckets at most so often.", valueName: "seconds")
  )
  var listEvery = 30.0

  @OptionGroup var buckets: BucketOptions

  @Argument(help: LogPlaces.help)
  var paths: [String]

  func validate() throws {
    if let workers, !(1...256).contains(workers) {
      throw ValidationError("--workers expects a number from 1 to 256, not \(workers)")
    }
    if !(1...86_400).contains(listEvery) {
      throw ValidationError("--list-every expects seconds from 1 to 86400, not \(listEvery)")
    }
    try buckets.check(paths)
    if let logFormat, FlowFormat.named(logFormat) == nil {
      throw ValidationError(
        "--log-format expects \(FlowFormat.all.map(\.name).joined(separator: ", ")), "
          + "not \"\(logFormat)\""
      )
    }
    if fields != nil, let logFormat, logFormat != "aws" {
      throw ValidationError("--fields goes with --log-format aws")
    }
  }

  /// The options of a run.
  func run(_ purpose: FlowRun.Purpose, _ reputation: Reputation) throws -> FlowRun.Options {
    let own = try OwnNetworks(ownNetwork.isEmpty ? OwnNetworks.privateNetworks : ownNetwork)
    var options = FlowRun.Options(own: own)
    options.purpose = purpose
    options.reputation = reputation
    options.format = logFormat.flatMap { FlowFormat.named($0) }
    options.columns = try fields.map { try FlowColumns(fields: $0) }
    options.workers = workers ?? ProcessInfo.processInfo.activeProcessorCount
    options.isFollowing = follow
    return options
  }

  /// Runs, tells what could not be read, and refuses logs without a record.
  func read(
    _ options: FlowRun.Options,
    _ store: StoreOptions,
    finding: @escaping (Finding) throws -> Void = { _ in },
    lines: @escaping ([UInt8]) throws -> Void = { _ in },
    conversations: @escaping (LoggedConversations) -> Void = { _ in },
    settle: @escaping (Bool) async throws -> Void = { _ in }
  ) async throws -> FlowRun.Totals {
    let places = try await LogPlaces(
      paths,
      .flows,
      buckets,
      store,
      listingEvery: follow ? .seconds(listEvery) : nil
    )
    let first = try await places.inputs()
    if follow { Interrupt.attend() }
    let progress = Progress()
    var told = 0
    var totals = try await FlowRun(options).run(
      { follow ? try await places.inputs() : first },
      to: FlowRun.Sinks(
        finding: finding,
        lines: lines,
        fault: { file, position, message in
          told += 1
          guard told <= 20 else { return }
          complain(position == 0 ? message : "\(file):\(position): \(message)")
        },
        progress: { totals in
          progress.show(
            "\(totals.records) flows, \(totals.bytes >> 20) MiB read, \(totals.findings) findings"
          )
        },
        shouldStop: { Interrupt.isAsked },
        conversations: conversations,
        settle: settle
      )
    )
    progress.clear()
    if totals.faults > 20 {
      complain("\(totals.faults - 20) more lines or records could not be read")
    }
    tell(totals)
    totals.faults += places.unread.count
    if totals.records == 0, totals.logs == 0, totals.skipped == 0, !follow {
      complain(
        "no flow record was read; expected one of the formats \(FlowFormat.all.map(\.name).joined(separator: ", ")): "
          + "--log-format names it, --fields the columns of a log without a header"
      )
      throw Exit.notJudged
    }
    return totals
  }

  private func tell(_ totals: FlowRun.Totals) {
    if totals.empty > 0 {
      complain(
        "\(counted(totals.empty, "record")) by which a log says that it has left flows out or had none: "
          + "\(totals.firstEmpty ?? "")" + (totals.logs > 1 ? " first" : "")
      )
    }
    if totals.twice > 0 {
      complain(
        "\(counted(totals.twice, "record")) delivered before, or told by another observer, counted once"
      )
    }
    if totals.outOfTime > 0 {
      complain(
        "\(counted(totals.outOfTime, "record")) left out: more than an hour behind or a day ahead of those around"
      )
    }
    if totals.lostAccounts > 0 {
      complain("\(counted(totals.lostAccounts, "account")) not named, for want of room")
    }
    for (name, count) in totals.evictions {
      complain("\(name) forgot \(counted(count, "key")) for want of room")
    }
  }
}

/// Whether somebody has asked the process to end.
enum Interrupt {
  private static let asked = Atomic(false)

  /// Whether it was.
  static var isAsked: Bool { asked.load(ordering: .relaxed) }

  /// From now on the process ends itself when it is asked to.
  static func attend() {
    for number in [SIGINT, SIGTERM] {
      _ = signal(number) { _ in Interrupt.asked.store(true, ordering: .relaxed) }
    }
  }
}

/// What is known of external addresses.
struct ReputationOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "A list of addresses of bad reputation: a STIX 2.1 bundle, CSV, or one per line; may be repeated.",
      valueName: "file"
    )
  )
  var reputation: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Whose addresses are which: CSV with network, asn and owner, or an IP-to-ASN table.",
      valueName: "file"
    )
  )
  var owners: String?

  /// Whether anything is there to say something of addresses.
  var isGiven: Bool { !reputation.isEmpty || owners != nil }

  /// Reads the lists, and tells of those that are out of date.
  func read() throws -> Reputation {
    var lists: [ReputationList] = []
    let now = timeOfDay()
    for path in reputation {
      let url = URL(fileURLWithPath: path)
      guard let data = try? Data(contentsOf: url) else {
        throw InputError.unreadable(path, reason: "cannot be read")
      }
      let changed = try? url.resourceValues(forKeys: [.contentModificationDateKey])
        .contentModificationDate
      let date = Instant(
        milliseconds: Int64((changed?.timeIntervalSince1970 ?? 0) * 1000)
      )
      let list = try ReputationList(Array(data), name: url.lastPathComponent, date: date)
      for (position, message) in list.faults.prefix(5) {
        complain("\(path):\(position): \(message)")
      }
      if list.faults.count > 5 {
        complain("\(path): \(list.faults.count - 5) more entries left out")
      }
      if list.isExpired(at: now) {
        let until = list.expires.map { "ended on \($0.day)" } ?? "is of \(list.date.day)"
        complain("\(path): the list \(until) and is out of date; its findings say so")
      }
      lists.append(list)
    }
    let owners = try owners.map { try AddressOwners(textFile($0), name: $0) } ?? AddressOwners()
    return Reputation(lists, at: now, owners: owners)
  }
}
