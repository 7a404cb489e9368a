package import Engine
package import JSON
package import Model

/// What is wrong with an attachment, and the way out.
package struct AttachmentError: Error, Equatable, CustomStringConvertible {
  package var description: String
}

/// Checks what shall be attached, for every way in which people attach.
package enum AttachmentCheck {
  /// The profile of a name, by `id` or `id@version`; nil where there is none.
  package static func profile(_ name: String, of profiles: [Profile]) -> Profile? {
    profiles.first { $0.id == name } ?? profiles.first { "\($0.id)@\($0.version)" == name }
  }

  /// The rules of a profile's goals with parameters set, which are then known to fit together.
  ///
  /// - Parameters:
  ///   - profile: what shall be attached.
  ///   - settings: values by the rule's own id and parameter.
  ///   - index: the rules that there are.
  /// - Returns: the rules, each once.
  /// - Throws: ``GoalError`` for a parameter that is not there or has a wrong value, and
  ///   ``AttachmentError`` for a rule that the profile does not use.
  package static func rules(
    of profile: Profile,
    _ settings: [String: [String: JSONValue]],
    _ index: RuleIndex
  ) throws -> [Rule] {
    let goals = profile.with(settings, index).goals
    let members = try RuleSet(goals: goals, rules: index).members
    let used = Set(goals.map(\.rule))
    if let other = settings.keys.filter({ !used.contains($0) }).min() {
      throw AttachmentError(
        description: "profile \(profile.id) has no goal of rule \(other); plumb profiles show "
          + "\(profile.id) lists its goals"
      )
    }
    return members.map(\.rule)
  }

  /// Parameters by the rules' own ids, where they were written by id or alias.
  ///
  /// - Throws: as ``rules(of:_:_:)``, and ``GoalError`` for a rule that is not there.
  package static func settings(
    _ written: [String: [String: JSONValue]],
    for profile: Profile,
    rules: [Rule]
  ) throws -> [String: [String: JSONValue]] {
    let index = try RuleIndex(rules)
    var settings: [String: [String: JSONValue]] = [:]
    for (name, values) in written.sorted(by: { $0.key < $1.key }) {
      guard let rule = index[name] else { throw GoalError.noSuchRule(name) }
      settings[rule.id, default: [:]].merge(values) { $1 }
    }
    _ = try Self.rules(of: profile, settings, index)
    return settings
  }
}

extension Goal {
  /// The goal with settings put over its parameters.
  package func with(_ settings: [String: [String: JSONValue]], _ index: RuleIndex) -> Goal {
    let id = index[rule]?.id ?? rule
    return Goal(
      rule: id,
      parameters: parameters.merging(settings[id] ?? [:], uniquingKeysWith: { $1 })
    )
  }
}

extension Profile {
  /// The profile with settings put over its goals' parameters, and its goals under the rules' ids.
  package func with(_ settings: [String: [String: JSONValue]], _ index: RuleIndex) -> Profile {
    var profile = self
    for control in profile.controls.indices {
      profile.controls[control].goals = profile.controls[control].goals.map {
        $0.with(settings, index)
      }
    }
    return profile
  }
}
