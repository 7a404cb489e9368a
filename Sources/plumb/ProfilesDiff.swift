import ArgumentParser
import Content
import Engine
import Foundation
import JSON
import Model
import Operations
import Store

struct ProfilesDiff: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compares two profiles, or two versions of one, with the effect on the score.",
    discussion: """
      A and B are id@version of versions that the store keeps, shipped profiles, or files. Where
      results are kept, the score over them is told by A and by B, before anything is upgraded.

      Examples:
        plumb profiles diff cis-aws@7.0.0 new-cis-aws.yaml
        plumb profiles diff best-practices house-rules.yaml --format json
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var at: InstantOptions
  @OptionGroup var content: ContentOptions

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  @Argument(help: ArgumentHelp("The profile that holds.", valueName: "A"))
  var first: String

  @Argument(help: ArgumentHelp("The profile to come.", valueName: "B"))
  var second: String

  func run() async throws {
    try await reporting {
      let now = try at.instant()
      let data = try await store.openIfThere()
      let before = try await profile(first, data)
      let after = try await profile(second, data)
      let index = try RuleIndex(content.library().rules())
      let comparison = ProfileComparison(before, after, rules: index)
      var effect: ProfileComparison.Effect?
      if let data {
        effect = try await data.read { try comparison.effect($0, at: now) }
      }
      if format == .json { return print(comparison.json(before, after, effect).text) }
      for line in comparison.lines(before, after, effect) { print(line.withoutControls) }
    }
  }

  /// The profile of a name: a kept version, a shipped one, a file, or else the newest kept version.
  private func profile(_ name: String, _ data: DataStore?) async throws -> Profile {
    if let kept = try await kept(name, data, isExact: true) { return kept }
    do {
      return try GoalOptions.profile(named: name, in: content.library())
    } catch let error as ValidationError {
      if let kept = try await kept(name, data, isExact: false) { return kept }
      guard let opened = data else { throw error }
      let names = try await opened.read { transaction in
        Set(try transaction.profileVersions().map { "\($0.profile)@\($0.version)" }).sorted()
      }
      guard !names.isEmpty else { throw error }
      throw ValidationError("\(error.message); kept are \(names.joined(separator: ", "))")
    }
  }

  /// The newest kept version of `id@version`, or else of an id.
  private func kept(_ name: String, _ data: DataStore?, isExact: Bool) async throws -> Profile? {
    guard let data else { return nil }
    let document = try await data.read { transaction -> JSONValue? in
      let version = try transaction.profileVersions().last { version in
        isExact ? "\(version.profile)@\(version.version)" == name : version.profile == name
      }
      guard let version else { return nil }
      return try transaction.profileDocument(version.digest)
    }
    guard let document else { return nil }
    return try ProfileDecoder.profile(DocumentNode(document, at: SourceLocation(file: name)))
  }
}

extension StoreOptions {
  /// Opens the database; nil where there is none.
  func openIfThere() async throws -> DataStore? {
    let found: any SQLDatabase
    do {
      found = try await database(mustExist: true)
    } catch StoreError.noDatabase {
      return nil
    }
    return try await DataStore(found)
  }
}

extension Profile {
  fileprivate var name: String { "\(id) \(version)" }
}

extension ProfileComparison {
  fileprivate func lines(_ before: Profile, _ after: Profile, _ effect: Effect?) -> [String] {
    var lines = ["from \(before.name) to \(after.name)", ""]
    lines.append("Controls")
    lines += columns(
      controls.map { change in
        [
          change.word, change.before?.id ?? change.after?.id ?? "",
          change.after?.title ?? change.before?.title ?? "",
          change.differences.joined(separator: ", "),
        ]
      },
      indent: 2
    )
    if controls.isEmpty { lines.append("  no difference") }
    lines += ["", "Goals"]
    lines += goals.map { "  " + $0.text }
    if goals.isEmpty { lines.append("  no difference") }
    guard let effect else {
      return lines + ["", "nothing was judged yet, so the effect on the score is not known"]
    }
    lines += ["", "Score over present results"]
    for (profile, side) in [(before, effect.before), (after, effect.after)] {
      let covered =
        side.score.excepted > 0
        ? ", \(points(side.score.valueWithExceptions)) with excepted failures left out" : ""
      lines.append("  \(points(side.score.value)) by \(profile.name)\(covered)")
    }
    if let one = effect.before.score.value, let other = effect.after.score.value {
      lines.append("  \(String(format: "%+.1f", other - one)) by the upgrade")
    }
    lines.append("  \(Score.formula)")
    for (profile, side) in [(before, effect.before), (after, effect.after)]
    where !side.notJudged.isEmpty {
      lines += ["", "Not judged yet, goals of \(profile.name) that the score is without"]
      lines += side.notJudged.map { "  \($0.text)" }
    }
    return lines
  }

  private func points(_ value: Double?) -> String {
    value.map { String(format: "%5.1f", $0) } ?? "    –"
  }
}

extension ProfileComparison.GoalChange {
  /// The goal on one line; one that changed with both values of the parameters that differ.
  fileprivate var text: String {
    guard let before, let after else {
      return "\(word)  \(before?.text ?? after?.text ?? "")"
    }
    let names = Set(before.parameters.keys).union(after.parameters.keys).sorted()
    let values = names.filter { before.parameters[$0] != after.parameters[$0] }.map { name in
      let sides = [before, after].map { $0.parameters[name]?.text ?? "not set" }
      return "\(name) = \(sides[0]) -> \(sides[1])"
    }
    return "\(word)  \(after.rule) (\(values.joined(separator: ", ")))"
  }
}
