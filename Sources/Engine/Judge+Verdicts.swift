import CSimdjson
import JSON
package import Model

// The verdict of a goal, and what related resources add to it.
extension Verdict {
  /// How many verdicts there are.
  package static let count = 4

  /// The verdict's place in ``Verdict/allCases``.
  package var index: Int {
    switch self {
    case .pass: 0
    case .fail: 1
    case .unknown: 2
    case .notApplicable: 3
    }
  }
}

extension Evaluator {
  /// The verdict of a goal on the loaded resource; nil when the resource is outside the target.
  func verdict(of goal: GoalProgram) -> Verdict? {
    if goal.select >= 0 {
      switch truth(goal.select) {
      case .no: return nil
      case .unknown: return .unknown
      default: break
      }
    }
    var isApplicable = Truth.yes
    if goal.applies >= 0 {
      isApplicable = truth(goal.applies)
      if isApplicable == .no { return .notApplicable }
    }
    switch truth(goal.required) {
    case .no: return isApplicable == .unknown ? .unknown : .fail
    case .unknown: return .unknown
    case .vacuous: return .notApplicable
    default: return isApplicable == .unknown ? .unknown : .pass
    }
  }

  /// The texts that join a resource to others; nil where they could not be read.
  func joinValues(_ leaf: LeafOperation) -> [String]? {
    if value(of: leaf).unread != 0 { return nil }
    return places(of: leaf).flatMap { place in
      guard unsafe tape.kind(place) == .array else { return joinText(place).map { [$0] } ?? [] }
      // A list joins by each of its elements, with and without `[*]`.
      var texts: [String] = []
      var element = place + 1
      let end = unsafe tape.end(place)
      while element < end {
        if let text = joinText(element) { texts.append(text) }
        element = unsafe tape.next(element)
      }
      return texts
    }
  }

  private func joinText(_ place: Int) -> String? {
    switch unsafe tape.kind(place) {
    case .string: unsafe tape.string(place)
    case .null, .object, .array: nil
    case .int64: unsafe String(tape.int64(place))
    default: unsafe (try? tape.value(place))?.text
    }
  }
}

extension Population {
  /// What a quantifier counts for the resource that the evaluator holds.
  func tally(
    _ quantifier: QuantifierOperation,
    _ evaluator: Evaluator,
    _ ruleSet: RuleSet,
    account: String
  ) -> Tally {
    let clause = ruleSet.clauses[Int(quantifier.population)]
    guard let join = quantifier.join else {
      return tally(quantifier.population, of: clause, account: account, joins: [""])
    }
    guard let joins = evaluator.joinValues(join) else { return Tally(isOpen: true) }
    return tally(quantifier.population, of: clause, account: account, joins: Set(joins))
  }
}
