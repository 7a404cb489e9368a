import ArgumentParser
import Content
import Engine
import Foundation
import JSON
import Model
import Operations
import YAML

/// Which goals to judge, shared by every command that judges.
struct GoalOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Judge by the rules of a file or folder instead of the shipped ones; may be repeated.",
      valueName: "file-or-folder"
    )
  )
  var rules: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("Judge by a profile; may be repeated.", valueName: "id")
  )
  var profile: [String] = []

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
  var parametersFile: String?

  @OptionGroup var content: ContentOptions

  /// The options that were given.
  var given: [String] {
    let all = [
      ("--rules", !rules.isEmpty), ("--profile", !profile.isEmpty),
      ("--param", !parameters.isEmpty),
      ("--parameters", parametersFile != nil),
    ]
    return all.compactMap { $1 ? $0 : nil } + content.given
  }

  /// Whether some goals were chosen rather than all shipped rules.
  var isChosen: Bool { !rules.isEmpty || !profile.isEmpty }

  /// What the options come to.
  struct Choice {
    var index: RuleIndex
    var ruleSet: RuleSet
    var profiles: [Profile]
    /// The profiles by scope, for a scan that is saved: those chosen, and those attached.
    var attached: [(scope: String, profile: Profile)]
    /// The library that goals were taken from; nil where all are from files of one's own.
    var library: ContentLibrary?
  }

  /// Reads rules and profiles and compiles the goals.
  ///
  /// Profiles that are attached are judged beside those chosen, each goal once, and instead of all
  /// shipped rules where nothing is chosen. A library given is used instead of the option's.
  func choose(
    attached: [(scope: String, profile: Profile, parameters: [String: [String: JSONValue]])] = [],
    library given: ContentLibrary? = nil
  ) throws -> Choice {
    var documents: [Rule] = []
    for path in rules {
      documents += try ContentLibrary.rules(under: path)
    }
    var library: ContentLibrary?
    var profiles: [Profile] = []
    if rules.isEmpty || !profile.isEmpty || !attached.isEmpty {
      let used = try given ?? content.library()
      documents += try used.rules()
      profiles = try profile.map { try Self.profile(named: $0, in: used) }
      library = used
    }
    let index = try RuleIndex(documents)
    let settings = try Self.settings(parameters, file: parametersFile, index)
    var goals: [Goal] = []
    if rules.isEmpty && profile.isEmpty && attached.isEmpty {
      goals = index.rules.filter { $0.status != .deprecated }.map { Goal(rule: $0.id) }
    }
    for path in rules {
      goals += try ContentLibrary.rules(under: path).map {
        Goal(rule: $0.id)
      }
    }
    let adjusted = profiles.map { $0.with(settings, index) }
    goals += adjusted.flatMap(\.goals)
    goals = goals.map { $0.with(settings, index) }
    let filled = attached.map { scope, profile, parameters in
      (scope: scope, profile: profile.with(parameters, index))
    }
    goals += filled.flatMap(\.profile.goals)
    let ruleSet = try RuleSet(goals: goals, rules: index)
    warnOfDeprecated(ruleSet.members.map(\.rule))
    return Choice(
      index: index,
      ruleSet: ruleSet,
      profiles: adjusted,
      attached: adjusted.map { (scope: "", profile: $0) } + filled,
      library: library
    )
  }

  /// The profile that an option or argument names: one of the library by `id` or `id@version`, or a
  /// file.
  static func profile(named name: String, in library: ContentLibrary) throws -> Profile {
    let all = try library.profiles()
    if let found = all.first(where: { $0.id == name || "\($0.id)@\($0.version)" == name }) {
      return found
    }
    if FileManager.default.fileExists(atPath: name) {
      return try library.profile(YAMLReader().document(textFile(name), file: name))
    }
    throw ValidationError(
      "there is no profile \"\(name)\"; there are \(all.map(\.id).joined(separator: ", "))"
    )
  }

  /// The parameters set by a file and by options such as `RULE.NAME=VALUE`, by rule id.
  static func settings(
    _ options: [String],
    file: String?,
    _ index: RuleIndex
  ) throws -> [String: [String: JSONValue]] {
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
    for setting in options {
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
