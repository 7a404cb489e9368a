import ArgumentParser
import Content
import Foundation
import JSON
import Model

/// Which content is used, shared by every command that reads rules or profiles.
struct ContentOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Lay a folder with rules/, profiles/ or detections/ over the shipped ones; may be repeated; default: those of PLUMB_OVERLAY, separated by colons.",
      valueName: "folder"
    )
  )
  var content: [String] = []

  /// The options that were given.
  var given: [String] { content.isEmpty ? [] : ["--content"] }

  /// The shipped content with its overlays.
  func library() throws -> ContentLibrary { try ContentLibrary.layered(content) }
}

struct ContentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "content",
    abstract: "Shows which rules, profiles and mappings are in use: version, digest and counts.",
    discussion: """
      The digest changes with every document that can decide a verdict; reports carry it.

      Examples:
        plumb content
        plumb content --content house/ --format json
      """
  )

  @OptionGroup var content: ContentOptions
  @OptionGroup var server: ServerOptions

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let context = ServerOptions.Context(local: content.given, format: format.ofRows)
      if try await server.answers(context, { APISketch("GET", "content") }) { return }
      let library = try content.library()
      let summary = ContentSummary(
        stamp: try library.stamp(),
        folder: library.folder.path,
        overlays: library.overlays,
        rules: try library.layeredRules(),
        profiles: try library.layeredProfiles(),
        mappings: try library.nodes("terraform").count
      )
      if format == .json { return print(summary.json.text) }
      for line in summary.lines { print(line) }
    }
  }
}

/// What the content in use holds.
private struct ContentSummary {
  var stamp: ContentStamp
  var folder: String
  var overlays: [String]
  var rules: [Layered<Rule>]
  var profiles: [Layered<Profile>]
  var mappings: Int

  /// The number of rules by provider, which is what their ids begin with.
  private var providers: [(provider: String, count: Int)] {
    Dictionary(grouping: rules, by: \.document.provider)
      .map { (provider: $0.key, count: $0.value.count) }
      .sorted { $0.provider < $1.provider }
  }

  private func counts<Document: Sendable>(_ documents: [Layered<Document>]) -> JSONValue {
    var object: JSONObject = ["total": .integer(Int64(documents.count))]
    for origin in [Origin.added, .overlaid] {
      object[origin.rawValue] = .integer(Int64(documents.filter { $0.origin == origin }.count))
    }
    return .object(object)
  }

  var json: JSONValue {
    var rules = counts(self.rules).object ?? JSONObject()
    rules["by_provider"] = .object(
      JSONObject(providers.map { (key: $0.provider, value: .integer(Int64($0.count))) })
    )
    return [
      "version": .string(stamp.version), "sha256": .string(stamp.digest),
      "folder": .string(folder), "overlays": .array(overlays.map { .string($0) }),
      "rules": .object(rules), "profiles": counts(profiles),
      "mappings": .integer(Int64(mappings)),
    ]
  }

  var lines: [String] {
    var rows = [["version", stamp.versionText], ["sha256", stamp.digest], ["folder", folder]]
    rows += overlays.map { ["overlay", $0] }
    rows.append(["rules", text(rules)])
    rows += providers.map { ["  \($0.provider)", "\($0.count)"] }
    rows += [["profiles", text(profiles)], ["mappings", "\(mappings)"]]
    return columns(rows)
  }

  private func text<Document: Sendable>(_ documents: [Layered<Document>]) -> String {
    let parts = [Origin.added, .overlaid].compactMap { origin -> String? in
      let count = documents.filter { $0.origin == origin }.count
      return count == 0 ? nil : "\(count) \(origin.rawValue)"
    }
    return "\(documents.count)" + (parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))")
  }
}

extension Origin {
  /// What a list says behind a document that is not shipped.
  var mark: String { self == .shipped ? "" : "  (\(rawValue))" }
}

extension Rule {
  /// The provider of a rule: what its id begins with.
  var provider: String { String(id.prefix { $0 != "." }) }
}

/// Tells on standard error which rules in use are deprecated, and what succeeds them.
func warnOfDeprecated(_ rules: [Rule]) {
  var told: Set<String> = []
  for rule in rules where rule.status == .deprecated {
    guard told.insert(rule.id).inserted else { continue }
    let next = rule.successor.map { "use \($0) instead" } ?? "nothing succeeds it"
    complain("warning: rule \(rule.id) is deprecated; \(next)")
  }
}
