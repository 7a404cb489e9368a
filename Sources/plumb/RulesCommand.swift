import ArgumentParser
import Content
import Foundation
import JSON
import Model
import Operations
import Store

struct RulesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules",
    abstract: "Lists, shows, writes and tests rules.",
    subcommands: [
      RulesList.self, RulesShow.self, RulesNew.self, RulesTest.self, RulesPages.self,
      RulesAdd.self, RulesRemove.self,
    ]
  )
}

/// Where rules are taken from.
struct RuleSource: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "A file or folder of rules instead of the shipped ones.",
      valueName: "file-or-folder"
    )
  )
  var rules: String?

  @OptionGroup var content: ContentOptions

  /// The options that were given.
  var given: [String] { (rules == nil ? [] : ["--rules"]) + content.given }

  func read() throws -> [Rule] { try readWithOrigins().map(\.rule) }

  /// The rules with where they come from; nil for those of a file or folder that was named.
  func readWithOrigins() throws -> [(rule: Rule, origin: Origin?)] {
    guard let rules else {
      return try content.library().layeredRules().map { ($0.document, $0.origin) }
    }
    return try ContentLibrary.rules(under: rules).map { ($0, nil) }
  }

  func cases(for found: [Rule]) throws -> [String: [RuleCase]] {
    guard let rules else { return try content.library().cases(for: found) }
    return try ContentLibrary.cases(under: rules, for: found)
  }
}

struct RulesList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists rules, also those of one service.",
    discussion: """
      Examples:
        plumb rules list
        plumb rules list --service container-registry
        plumb rules list --format json
      """
  )

  @OptionGroup var source: RuleSource
  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Option(name: .long, help: "Only rules about a service.")
  var service: String?

  @Option(name: .long, help: "Only rules of a severity or above: critical, high, medium, low.")
  var severity: String?

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let threshold = try severity.map(Severity.init(option:))
      let context = ServerOptions.Context(
        local: source.given + store.given,
        format: format.ofRows
      )
      let list = APISketch.List(
        noun: "rule",
        columns: ["id", "version", "severity", "status", "target", "title"]
      )
      let sketch = APISketch.list("rules", show: list)
        .asking("service", service).asking("severity", severity)
      if try await server.answers(context, { sketch }) { return }
      let kept = source.rules == nil ? try await store.ownRules() : []
      let own = try kept.map { (rule: try $0.rule(), origin: Origin?.none) }
      let found = try (source.readWithOrigins() + own).filter { rule, _ in
        (service == nil || rule.target.kinds.contains { $0.service == service })
          && (threshold.map { rule.severity >= $0 } ?? true)
      }.sorted { $0.rule.id < $1.rule.id }
      if format == .json {
        let entries = found.map { rule, origin -> JSONValue in
          var object = rule.summaryJSON.object ?? JSONObject()
          object["origin"] = origin.map { .string($0.rawValue) }
          return .object(object)
        }
        return print(JSONValue.array(entries).text)
      }
      let width = found.map(\.rule.id.count).max() ?? 0
      for (rule, origin) in found {
        let id = rule.id.padding(toLength: width, withPad: " ", startingAt: 0)
        let level = rule.severity.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)
        print("\(id)  \(level)  \(rule.title)\(origin?.mark ?? "")")
      }
      print("\(found.count) rules")
    }
  }
}

struct RulesShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a rule: what it requires, why, and how to meet it.",
    discussion: "Example: plumb rules show aws.s3.tls-only"
  )

  @OptionGroup var source: RuleSource
  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Argument(help: "The rule's id or an alias of it.")
  var id: String

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let context = ServerOptions.Context(
        local: source.given + store.given,
        format: format.ofRows
      )
      let sketch = APISketch("GET", "rules", id)
      if try await server.answers(context, { sketch }) { return }
      let rules = try source.read()
      let own = source.rules == nil ? try await store.ownRules() : []
      if let kept = own.first(where: { $0.name == id }) {
        return print(format == .json ? kept.json.text : try kept.rule().description([]))
      }
      guard let rule = rules.first(where: { $0.id == id || $0.aliases.contains(id) }) else {
        throw ValidationError(
          "there is no rule \"\(id)\"; `plumb rules list` shows those there are"
        )
      }
      let profiles = try source.content.library().profiles()
      let uses = profiles.flatMap { profile in
        profile.controls.filter { $0.goals.contains { $0.rule == rule.id } }
          .map { "\(profile.id) \(profile.version): \($0.id)" }
      }
      print(format == .json ? rule.fullJSON(uses).text : rule.description(uses))
    }
  }
}

extension StoreOptions {
  /// The rules of one's own that are kept; none where nothing is kept.
  fileprivate func ownRules() async throws -> [KeptDocument] {
    do {
      return try await openForReading().read { try $0.documents(.rule, at: timeOfDay()) }
    } catch StoreError.noDatabase {
      return []
    }
  }
}

/// The formats of lists.
enum ListFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json

  /// The same among the formats of rows.
  var ofRows: RowFormat { self == .json ? .json : .text }
}

extension Severity {
  /// Reads a severity given as an option.
  init(option: String) throws {
    guard let severity = Severity(rawValue: option) else {
      let words = Severity.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("\"\(option)\" is none of \(words)")
    }
    self = severity
  }
}

extension Rule {
  var summaryJSON: JSONValue {
    var object: JSONObject = [
      "id": .string(id), "version": .integer(Int64(version)), "title": .string(title),
      "status": .string(status.rawValue), "severity": .string(severity.rawValue),
      "target": .array(target.kinds.map { .string("\($0)") }),
    ]
    object["successor"] = successor.map { .string($0) }
    return .object(object)
  }

  func fullJSON(_ uses: [String]) -> JSONValue {
    var object = summaryJSON.object ?? JSONObject()
    if !aliases.isEmpty { object["aliases"] = .array(aliases.map(JSONValue.string)) }
    object["requirement"] = .string(requirement)
    object["required_config"] = requiredConfig.grammar
    object["applies"] = applies?.grammar
    object["parameters"] = .array(
      parameters.map { parameter in
        var object: JSONObject = [
          "name": .string(parameter.name), "type": .string(parameter.type.rawValue),
          "default": parameter.defaultValue, "description": .string(parameter.description),
        ]
        object["minimum"] = parameter.minimum.map(JSONValue.number)
        object["maximum"] = parameter.maximum.map(JSONValue.number)
        return .object(object)
      }
    )
    object["rationale"] = .string(rationale)
    var remedy: JSONObject = ["text": .string(remediation.text)]
    for (form, text) in remediation.snippets { remedy[form] = .string(text) }
    object["remediation"] = .object(remedy)
    object["references"] = .array(references.map(JSONValue.string))
    object["used_by"] = .array(uses.map(JSONValue.string))
    return .object(object)
  }

  func description(_ uses: [String]) -> String {
    var parts = ["\(id)  version \(version)  \(severity.rawValue)  \(status.rawValue)", title, ""]
    if !aliases.isEmpty { parts.append("Also known as \(aliases.joined(separator: ", "))") }
    if let successor { parts.append("Successor     \(successor)") }
    parts.append("Target        " + target.kinds.map(\.description).joined(separator: ", "))
    for attribute in target.attributes {
      let value = attribute.value.literal?.text ?? ""
      parts.append("              \(attribute.property) \(attribute.comparison.rawValue) \(value)")
    }
    for parameter in parameters {
      parts.append(
        "Parameter     \(parameter.name) (\(parameter.type.rawValue), default "
          + "\(parameter.defaultValue.text)) \(parameter.description)"
      )
    }
    if let applies { parts.append("Applies when  \(applies.grammar.text)") }
    parts.append("Requires      \(requiredConfig.grammar.text)")
    if !rationale.isEmpty { parts += ["", "Why", rationale] }
    if !remediation.text.isEmpty { parts += ["", "How to meet it", remediation.text] }
    for (form, text) in remediation.snippets { parts += ["", "  # \(form)", text.indented] }
    if !references.isEmpty { parts += [""] + references }
    if !uses.isEmpty { parts += ["", "Used by"] + uses.map { "  \($0)" } }
    return parts.joined(separator: "\n")
  }
}

extension String {
  /// Every line moved two columns to the right.
  var indented: String {
    split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }
      .joined(separator: "\n")
  }
}
