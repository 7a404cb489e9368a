import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct AuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Lists who changed what, and checks that the log is whole.",
    subcommands: [AuditList.self, AuditVerify.self]
  )
}

struct AuditList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists the last changes, oldest first.",
    discussion: """
      Examples:
        plumb audit list --limit 20
        plumb audit list --actor jane --action 'exception.*'
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var at: InstantOptions

  @Option(name: .long, help: "How many at most.")
  var limit = 100

  @Option(name: .long, help: ArgumentHelp("Only changes by this person.", valueName: "person"))
  var actor: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Only such changes; * and ? are wildcards.", valueName: "pattern")
  )
  var action: String?

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      guard self.limit > 0 else {
        throw ValidationError("--limit expects 1 or more, not \(self.limit)")
      }
      let given = try at.given()
      let context = ServerOptions.Context(local: store.given, format: format.ofRows)
      let list = APISketch.List(
        noun: "change",
        columns: ["number", "at", "actor", "action", "subject", "detail"],
        limit: limit,
        isReversed: true
      )
      let sketch = APISketch.list("audit-log", show: list)
        .asking("actor", actor).asking("action", action)
        .asking("to", given.map { "\($0.advanced(milliseconds: 1))" })
      if try await server.answers(context, { sketch }) { return }
      let now = given ?? .never
      let (limit, actor, action) = (limit, actor, action)
      let found = try await store.openForReading().read { transaction in
        var found: [AuditEntry] = []
        try transaction.auditLog { entry in
          guard entry.at <= now, actor.map({ Exception.isSamePerson($0, entry.actor) }) ?? true,
            action.map({ Wildcard.matches(entry.action, pattern: $0) }) ?? true
          else { return }
          found.append(entry)
          if found.count - limit > 1000 { found.removeFirst(found.count - limit) }
        }
        return Array(found.suffix(limit))
      }
      if format == .json { return print(JSONValue.array(found.map(\.json)).text) }
      for line in columns(found.map(\.cells)) { print(line) }
      print("\(found.count) changes")
    }
  }
}

struct AuditVerify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks that no entry of the log was changed, removed or put in.",
    discussion: """
      Each entry holds the digest of the one before. Every entry is checked; those up to the instant
      of --now are counted. Exit code 2 says that the log is broken, and where.

      Example: plumb audit verify
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var at: InstantOptions

  func run() async throws {
    try await reporting {
      let context = ServerOptions.Context(local: store.given, unheard: at.options)
      let sketch = APISketch("GET", "audit-log", "fault").answering(.words(Self.words))
      if try await server.answers(context, { sketch }) { return }
      let now = try at.given() ?? .never
      let (count, last, fault) = try await store.openForReading().read { transaction in
        var count = 0
        var last: AuditEntry?
        try transaction.auditLog { entry in
          guard entry.at <= now else { return }
          count += 1
          last = entry
        }
        return (count, last, try transaction.auditFault())
      }
      if let fault {
        complain("the audit log is broken: \(fault); \(count) entries were checked")
        throw Exit.notJudged
      }
      print("the audit log is whole: \(count) entries were checked")
      if let last { print("last entry \(last.number) of \(last.at), SHA-256 \(last.digest)") }
    }
  }
}

extension AuditVerify {
  private static func words(_ answer: JSONValue) throws -> [String] {
    let count = answer["entries"]?.cell ?? ""
    guard answer["is_whole"]?.bool == true else {
      complain("the audit log is broken: \(answer["fault"]?.cell ?? ""); it has \(count) entries")
      throw Exit.notJudged
    }
    return ["the audit log is whole: \(count) entries were checked"]
      + (answer["last_sha256"]?.string.map { ["last entry: SHA-256 \($0)"] } ?? [])
  }
}

extension AuditEntry {
  fileprivate var cells: [String] {
    ["\(number)", "\(at)", actor, action, subject, detail == "{}" ? "" : detail]
  }
}
