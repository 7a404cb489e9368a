package import Engine
import JSON
package import Model
package import Store

/// What differs between two profiles, or two versions of one.
package struct ProfileComparison: Sendable {
  /// A control that came, went or differs.
  package struct ControlChange: Sendable {
    package var before: Profile.Control?
    package var after: Profile.Control?
    /// What differs, in words; empty for one that came or went.
    package var differences: [String]
  }

  /// A goal that came, went or has other parameters.
  package struct GoalChange: Sendable, Hashable {
    package var before: Goal?
    package var after: Goal?
  }

  /// What the present results come to by either profile.
  package struct Effect: Sendable {
    package var before: Side
    package var after: Side
  }

  /// What the present results come to by one profile.
  package struct Side: Sendable {
    package var score = Score()
    /// Goals of the profile that were never judged, so that the score is without them.
    package var notJudged: [Goal] = []
  }

  /// Those that went or differ in the order of the first profile, then those that came.
  package var controls: [ControlChange]
  /// By rule; those that went or differ before those that came.
  package var goals: [GoalChange]
  private let left: Set<Goal>
  private let right: Set<Goal>

  /// Compares two profiles; goals are equal when their parameters are, defaults filled in.
  package init(_ before: Profile, _ after: Profile, rules: RuleIndex) {
    left = Set(before.goals.map { Self.filled($0, rules) })
    right = Set(after.goals.map { Self.filled($0, rules) })
    goals = Self.changes(left, right)
    controls = []
    for control in before.controls {
      let other = after.controls.first { $0.id == control.id }
      let differences = other.map { Self.differences(control, $0, rules) } ?? []
      if other == nil || !differences.isEmpty {
        controls.append(
          ControlChange(before: control, after: other, differences: differences)
        )
      }
    }
    let known = Set(before.controls.map(\.id))
    for control in after.controls where !known.contains(control.id) {
      controls.append(ControlChange(before: nil, after: control, differences: []))
    }
  }

  /// The score over the results present at an instant by either profile; nil where nothing was
  /// ever judged.
  package func effect(_ transaction: StoreTransaction, at instant: Instant) throws -> Effect? {
    let judged = try transaction.goals()
    guard !judged.isEmpty else { return nil }
    var sides: [Int64: (isBefore: Bool, isAfter: Bool)] = [:]
    var names: Set<Goal> = []
    for goal in judged.values {
      let name = Goal(rule: goal.rule, parameters: goal.parameters)
      names.insert(name)
      sides[goal.id] = (left.contains(name), right.contains(name))
    }
    var before = Side(notJudged: Self.sorted(left.subtracting(names)))
    var after = Side(notJudged: Self.sorted(right.subtracting(names)))
    var filter = ResultFilter()
    filter.rules = Set(left.union(right).map(\.rule)).sorted()
    var reader = try ResultReader(transaction, at: instant)
    try reader.results(filter) { result in
      guard let side = sides[result.goal.id] else { return }
      let isExcepted = result.exception != nil
      if side.isBefore {
        before.score.add(result.verdict, result.goal.severity, isExcepted: isExcepted)
      }
      if side.isAfter {
        after.score.add(result.verdict, result.goal.severity, isExcepted: isExcepted)
      }
    }
    return Effect(before: before, after: after)
  }

  /// The goal under its rule's id with every parameter, as results name it; as it is written where
  /// its rule is not known.
  private static func filled(_ goal: Goal, _ rules: RuleIndex) -> Goal {
    guard let rule = rules[goal.rule] else { return goal }
    let values = (try? RuleSet.parameters(of: rule, filledBy: goal)) ?? goal.parameters
    return Goal(rule: rule.id, parameters: values)
  }

  private static func sorted(_ goals: Set<Goal>) -> [Goal] {
    goals.map { (goal: $0, text: $0.parameters.canonicalText) }
      .sorted { ($0.goal.rule, $0.text) < ($1.goal.rule, $1.text) }.map(\.goal)
  }

  /// Goals of one rule on both sides are the same with other parameters, as far as they go in pairs.
  private static func changes(_ left: Set<Goal>, _ right: Set<Goal>) -> [GoalChange] {
    var came = sorted(right.subtracting(left))
    var changes: [GoalChange] = []
    for goal in sorted(left.subtracting(right)) {
      let place = came.firstIndex { $0.rule == goal.rule }
      changes.append(GoalChange(before: goal, after: place.map { came.remove(at: $0) }))
    }
    return changes + came.map { GoalChange(before: nil, after: $0) }
  }

  private static func differences(
    _ before: Profile.Control,
    _ after: Profile.Control,
    _ rules: RuleIndex
  ) -> [String] {
    var found: [String] = []
    if before.title != after.title { found.append("title") }
    if before.isManual != after.isManual {
      found.append(after.isManual ? "now manual" : "now automated")
    } else if Set(before.goals.map({ filled($0, rules) }))
      != Set(after.goals.map({ filled($0, rules) }))
    {
      found.append("goals")
    } else if before.manualReason != after.manualReason {
      found.append("reason")
    }
    if !before.isManual, !after.isManual, before.basis != after.basis { found.append("basis") }
    return found
  }
}
