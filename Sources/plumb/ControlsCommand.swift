import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct ControlsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "controls",
    abstract: "Shows how each control of an attached profile stands, attested ones too.",
    discussion: """
      Examples:
        plumb controls cis-aws
        plumb controls nist-800-53 --scope production --as-of 2026-11-01 --format json
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Argument(help: "The profile's id.")
  var profile: String

  @Option(name: .long, help: ArgumentHelp("The scope; default: everything.", valueName: "name"))
  var scope = ""

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
      let sketch = APISketch.list("controls", show: APISketch.List(noun: "control"))
        .asking("profile", profile).asking("scope", scope).asOf(given)
      if try await server.answers(context, { sketch }) { return }
      let instant = given ?? timeOfDay()
      let (profile, scope) = (profile, scope)
      let overview = try await store.openForReading().read { transaction in
        try ControlOverview(transaction, profile: profile, scope: scope, at: instant)
      }
      if format == .json { return print(overview.json.text) }
      print("\(overview.profile.id) \(overview.profile.version) as of \(instant)")
      for entry in overview.entries { print(entry.text.withoutControls) }
      let states = ControlState.allCases.map { state in
        "\(overview.entries.filter { $0.state == state }.count) \(state.rawValue)"
      }
      let attested = overview.entries.filter { $0.attestation != nil }.count
      print("\(states.joined(separator: ", ")); \(attested) attested")
    }
  }
}

extension ControlOverview.Entry {
  fileprivate var text: String {
    var line = "\(control.id)  \(state.rawValue)  \(control.title)"
    let parts = zip(Verdict.allCases, counts).filter { $1 > 0 }.map { "\($1) \($0.rawValue)" }
    if !parts.isEmpty { line += "  (\(parts.joined(separator: ", ")))" }
    if excepted > 0 { line += "  \(excepted) excepted" }
    if let attestation {
      line += "  attested \(attestation.isMet ? "met" : "not met") by \(attestation.attestedBy)"
      line +=
        ", observed \(attestation.observedAt.day), until \(attestation.periodEnds.advanced(milliseconds: -1).day)"
    }
    return line
  }
}
