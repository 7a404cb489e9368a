import ArgumentParser
import Content
import Engine
import JSON
import Model
import YAML

/// The parameters of rules, shared by every command that sets them.
struct SettingOptions: ParsableArguments {
  @Option(
    name: .customLong("param"),
    help: ArgumentHelp(
      "Set a rule's parameter, as RULE.NAME=VALUE; may be repeated.",
      valueName: "setting"
    )
  )
  var parameters: [String] = []

  @Option(
    name: .customLong("parameters"),
    help: ArgumentHelp(
      "Set parameters from a YAML file that maps rule ids to names and values.",
      valueName: "file"
    )
  )
  var file: String?

  var isEmpty: Bool { parameters.isEmpty && file == nil }

  /// The parameters by rule id and name; those of the options over those of the file.
  func read(_ index: RuleIndex) throws -> [String: [String: JSONValue]] {
    var settings: [String: [String: JSONValue]] = [:]
    if let file {
      let text = try textFile(file)
      let node = try YAMLReader().document(text, file: file)
      guard case .mapping(let rules) = node.value else {
        throw DocumentError(
          "expected rule ids with names and values",
          key: "",
          at: node.location
        )
      }
      for (name, values) in rules {
        guard let rule = index[name] else {
          throw DocumentError("there is no such rule", key: name, at: values.location)
        }
        guard case .mapping(let members) = values.value else {
          throw DocumentError("expected names and values", key: name, at: values.location)
        }
        for (parameter, value) in members {
          settings[rule.id, default: [:]][parameter] = value.json
        }
      }
    }
    for setting in parameters {
      let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let dot = parts[0].lastIndex(of: ".") else {
        throw ValidationError("--param expects RULE.NAME=VALUE, not \"\(setting)\"")
      }
      let name = String(parts[0][parts[0].index(after: dot)...])
      guard let rule = index[String(parts[0][..<dot])] else {
        throw GoalError.noSuchRule(String(parts[0][..<dot]))
      }
      settings[rule.id, default: [:]][name] =
        try YAMLReader().document(parts[1], file: "--param").json
    }
    return settings
  }
}
