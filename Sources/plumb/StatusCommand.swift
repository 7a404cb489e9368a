import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Shows the score per scope and profile, and what changed since the last scan.",
    discussion: """
      Examples:
        plumb status
        plumb status --as-of 2026-11-01T00:00Z --format json
        plumb status --server https://plumb.example.com --token-file key.txt
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Option(
    name: .long,
    help: ArgumentHelp("As of this instant, ISO 8601; default: now.", valueName: "instant")
  )
  var asOf: String?

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let given = try moment(asOf, option: "--as-of")
      let context = ServerOptions.Context(local: store.given, format: format.ofRows)
      if try await server.answers(context, { APISketch.status.asOf(given) }) { return }
      let instant = given ?? timeOfDay()
      let isNow = asOf == nil
      let status = try await store.openForReading().read { try Status($0, at: instant) }
      if format == .json { return print(status.json.text) }
      print(isNow ? "now, \(instant)" : "as of \(instant)")
      guard let scan = status.scan else {
        for line in status.notices { print(line) }
        return print("no scan is finished; plumb scan … --save keeps one")
      }
      print(
        "last scan \(scan.id) as of \(scan.instant): \(scan.subject.withoutControls), \(scan.counts)"
      )
      print("")
      for standing in status.standings { print(standing.text) }
      print("")
      print(Score.formula)
      for line in status.notices { print(line) }
    }
  }
}

extension APISketch {
  /// The score per scope and profile.
  fileprivate static var status: APISketch {
    APISketch("GET", "status").answering(
      .object(
        members: [
          "as of=as_of", "last scan=scan.id", "subject=scan.subject", "as of scan=scan.instant",
          "kinds not fully read=kinds_not_fully_read", "open scans=open_scans",
          "exceptions ending=exceptions_expiring", "exceptions waiting=exceptions_requested",
          "formula",
        ],
        tables: [
          "standings": [
            "score", "with exceptions=score_with_exceptions", "before=score_before", "profile",
            "version=profile_version", "scope", "scan",
          ]
        ]
      )
    )
  }
}

extension Standing {
  /// The profile and the scope in words.
  var title: String {
    let profile = entry.profile.isEmpty ? "everything judged" : "\(entry.profile) \(entry.version)"
    return (entry.scope.isEmpty ? profile : "\(profile) in \(entry.scope)").withoutControls
  }

  fileprivate var text: String {
    let score = entry.score
    let bands = score.bands
    func percent(_ value: Double) -> String { String(format: "%.1f", value) }
    var line = "\(score.value.map(percent) ?? "–")".padding(
      toLength: 6,
      withPad: " ",
      startingAt: 0
    )
    if score.excepted > 0, let excepted = score.valueWithExceptions {
      line += "(\(percent(excepted)) with exceptions) "
    }
    line += " \(title): pass \(percent(bands.pass)) %, fail \(percent(bands.fail)) %, "
    line += "unknown \(percent(bands.unknown)) %"
    // A scan with nothing to judge has no score to compare with.
    if let now = score.value, let then = before?.score.value, now != then {
      let change = now - then
      let points = String(format: "%+.3f", change)
      line += ", since the last scan \(points): risk \(change > 0 ? "fell" : "rose")"
    }
    return line
  }
}

extension Status {
  fileprivate var notices: [String] {
    var lines: [String] = []
    if isOutdated {
      lines.append("scopes or attachments changed since the last scan; the next one counts them")
    }
    if let gaps, gaps > 0 {
      lines.append("\(counted(gaps, "kind")) not fully read; plumb coverage names them")
    }
    if report.faultCount > 0 {
      lines.append("\(report.faultCount) lines of the last scan could not be judged")
    }
    for scan in open {
      lines.append("scan \(scan.id) has not ended; plumb scans resume \(scan.id) takes it up")
    }
    for exception in expiring {
      lines.append("exception \(exception.name) ends at \(exception.expiresAt)")
    }
    for exception in requested {
      lines.append("exception \(exception.name) waits for approval")
    }
    return lines.map(\.withoutControls)
  }
}

struct CoverageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coverage",
    abstract: "Shows what was read fully, and what was not and why.",
    discussion: "Example: plumb coverage --as-of 2026-11-01"
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Option(
    name: .long,
    help: ArgumentHelp("As of this instant, ISO 8601; default: now.", valueName: "instant")
  )
  var asOf: String?

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let given = try moment(asOf, option: "--as-of")
      let context = ServerOptions.Context(local: store.given, format: format.ofRows)
      let sketch = APISketch.list("coverage", show: APISketch.List(noun: "kind")).asOf(given)
      if try await server.answers(context, { sketch }) { return }
      let instant = given ?? .never
      let rows = try await store.openForReading().read { transaction in
        let accounts = try transaction.accounts()
        let kinds = try transaction.kinds()
        return try transaction.coverage(at: instant).map { row in
          (
            account: accounts[row.account]?.account ?? "",
            kind: kinds[row.kind].map { "\($0)" } ?? "", gap: row.gap
          )
        }
      }
      let sorted = rows.sorted { ($0.account, $0.kind) < ($1.account, $1.kind) }
      if format == .json {
        let entries = sorted.map { row -> JSONValue in
          [
            "account": .string(row.account), "kind": .string(row.kind),
            "complete": .bool(row.gap == nil), "reason": row.gap.map { .string($0) } ?? .null,
          ]
        }
        return print(JSONValue.array(entries).text)
      }
      if sorted.isEmpty { return print("nothing is said of what was read") }
      for row in sorted {
        print(
          "\(row.account)  \(row.kind)  \(row.gap.map { "not fully: \($0)" } ?? "fully")"
            .withoutControls
        )
      }
    }
  }
}
