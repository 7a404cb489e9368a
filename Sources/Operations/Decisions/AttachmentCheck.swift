package import Engine
import Foundation
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
  /// - Parameter settings: values by the rule's own id and parameter.
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

  /// How often something is done, as it is kept, from `24h`, `every 24h` or
  /// `1d at 02:00 Europe/Zurich`; nil where the text says something else.
  package static func schedule(_ text: String) -> String? {
    var parts = text.split(separator: " ").map(String.init)
    if parts.first == "every" { parts.removeFirst() }
    guard let interval = parts.first, isInterval(interval),
      parts.count == 1 || isTime(Array(parts[1...]))
    else { return nil }
    return "every " + parts.joined(separator: " ")
  }

  private static func isInterval(_ text: String) -> Bool {
    guard let unit = text.last, "mhd".contains(unit) else { return false }
    let digits = text.dropLast()
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(digits) else {
      return false
    }
    return (1...100_000).contains(count)
  }

  /// Whether words are `at HH:MM ZONE`.
  private static func isTime(_ words: [String]) -> Bool {
    guard words.count == 3, words[0] == "at", TimeZone(identifier: words[2]) != nil,
      words[1].allSatisfy({ $0 == ":" || ($0.isASCII && $0.isNumber) })
    else { return false }
    let parts = words[1].split(separator: ":", omittingEmptySubsequences: false)
    guard parts.map(\.count) == [2, 2], let hour = Int(parts[0]), let minute = Int(parts[1]) else {
      return false
    }
    return (0...23).contains(hour) && (0...59).contains(minute)
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
