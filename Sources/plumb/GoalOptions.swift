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

  @OptionGroup var settings: SettingOptions

  @OptionGroup var content: ContentOptions

  /// The options that were given.
  var given: [String] {
    let all = [
      ("--rules", !rules.isEmpty), ("--profile", !profile.isEmpty),
      ("--param", !settings.parameters.isEmpty),
      ("--parameters", settings.file != nil),
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
  /// rules where nothing is chosen. A library given is used instead of the option's.
  func choose(
    attached: AttachedGoals = AttachedGoals(),
    library given: ContentLibrary? = nil
  ) throws -> Choice {
    var documents: [Rule] = []
    for path in rules {
      documents += try ContentLibrary.rules(under: path)
    }
    var library: ContentLibrary?
    var profiles: [Profile] = []
    if rules.isEmpty || !profile.isEmpty || !attached.parts.isEmpty {
      let used = try given ?? content.library()
      documents += attached.rules(beside: try used.rules())
      profiles = try profile.map { try Self.profile(named: $0, in: used) }
      library = used
    }
    let index = try RuleIndex(documents)
    let settings = try settings.read(index)
    var goals: [Goal] = []
    if rules.isEmpty && profile.isEmpty && attached.parts.isEmpty {
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
    let filled = attached.parts.map { part in
      (scope: part.scope, profile: part.profile.with(part.parameters, index))
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
}
