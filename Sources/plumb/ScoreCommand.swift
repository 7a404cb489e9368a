import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct ScoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Explains the score.",
    subcommands: [ScoreExplain.self, ScoreHistory.self]
  )
}

struct ScoreExplain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Splits the change of a score between two instants by cause; the parts sum to it.",
    discussion: """
      Examples:
        plumb score explain --from 2026-11-01 --to 2026-11-20
        plumb score explain --from 2026-11-01 --profile cis-aws --scope production
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Option(name: .long, help: ArgumentHelp("The first instant, ISO 8601.", valueName: "instant"))
  var from: String

  @Option(
    name: .long,
    help: ArgumentHelp("The last instant, ISO 8601; default: now.", valueName: "instant")
  )
  var to: String?

  @Option(name: .long, help: ArgumentHelp("The scope; default: everything.", valueName: "name"))
  var scope = ""

  @Option(
    name: .long,
    help: ArgumentHelp("The profile; default: every goal.", valueName: "id")
  )
  var profile = ""

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let start = try moment(from, option: "--from") ?? .never
      let given = try moment(to, option: "--to")
      let end = given ?? timeOfDay()
      guard start < end else { throw ValidationError("--from is not before --to") }
      let context = ServerOptions.Context(local: store.given, format: format.ofRows)
      let sketch = APISketch("GET", "score", "explanation")
        .asking("from", "\(start)").asking("to", given.map { "\($0)" })
        .asking("scope", scope).asking("profile", profile)
      if try await server.answers(context, { sketch }) { return }
      let (scope, profile) = (scope, profile)
      let explanation = try await store.openForReading().read { transaction in
        try ScoreExplainer(transaction)
          .explain(scope: scope, profile: profile, from: start, to: end)
      }
      if format == .json { return print(explanation.json.text) }
      func points(_ millionths: Int) -> String {
        String(format: "%+.3f", Double(millionths) / 1_000_000)
      }
      let before = ScoreExplanation.millionths(explanation.before)
      let after = ScoreExplanation.millionths(explanation.after)
      print("from \(start) to \(end)")
      print(String(format: "%8.3f  before", Double(before) / 1_000_000))
      for part in explanation.parts {
        print("\(points(part.change))  \(part.cause.rawValue), \(part.results) results")
        for example in part.examples.prefix(3) { print("          \(example.withoutControls)") }
      }
      print(String(format: "%8.3f  after, exceptions left out", Double(after) / 1_000_000))
    }
  }
}

struct ScoreHistory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Lists the scores after each scan.",
    discussion: "Example: plumb score history --from 2026-11-01 --format json"
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Option(name: .long, help: ArgumentHelp("The first instant, ISO 8601.", valueName: "instant"))
  var from: String?

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let given = try moment(from, option: "--from")
      let context = ServerOptions.Context(local: store.given, format: format.ofRows)
      let list = APISketch.List(
        noun: "score",
        columns: [
          "scanned_at", "scan", "score", "with exceptions=score_with_exceptions", "profile",
          "version=profile_version", "scope",
        ]
      )
      let sketch = APISketch.list("score", "history", show: list)
        .asking("from", given.map { "\($0)" })
      if try await server.answers(context, { sketch }) { return }
      let start = given ?? Instant(milliseconds: 0)
      let entries = try await store.openForReading().read { try $0.ledger(from: start, to: .never) }
      if format == .json {
        return print(
          JSONValue.array(entries.map { Standing(entry: $0).json }).text
        )
      }
      if entries.isEmpty { return print("no scan is kept") }
      for entry in entries {
        let value = entry.score.value.map { String(format: "%6.2f", $0) } ?? "     –"
        print("\(entry.at)  scan \(entry.scan)  \(value)  \(Standing(entry: entry).title)")
      }
    }
  }
}
