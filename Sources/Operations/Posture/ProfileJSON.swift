package import JSON
package import Model

// Profiles compared as JSON: the same on standard output and through the API.

extension Goal {
  /// The rule's id, with the parameters where there are any.
  package var json: JSONValue {
    guard !parameters.isEmpty else { return .string(rule) }
    let sorted = parameters.sorted { $0.key < $1.key }
    return [
      "rule": .string(rule),
      "parameters": .object(JSONObject(sorted.map { (key: $0.key, value: $0.value) })),
    ]
  }
}

extension ProfileComparison.Side {
  fileprivate var json: JSONValue {
    [
      "score": score.value.map { .number($0) } ?? .null,
      "score_with_exceptions": score.valueWithExceptions.map { .number($0) } ?? .null,
      "weights": score.json, "not_judged_yet": .array(notJudged.map(\.json)),
    ]
  }
}

extension ProfileComparison {
  /// The comparison of two profiles, with what the present results come to by either.
  package func json(_ before: Profile, _ after: Profile, _ effect: Effect?) -> JSONValue {
    [
      "before": ["id": .string(before.id), "version": .string(before.version)],
      "after": ["id": .string(after.id), "version": .string(after.version)],
      "controls": .array(
        controls.map { change in
          [
            "id": .string(change.before?.id ?? change.after?.id ?? ""),
            "change": .string(change.word),
            "differences": .array(change.differences.map { .string($0) }),
          ]
        }
      ),
      "goals": .array(
        goals.map { change in
          [
            "rule": .string(change.before?.rule ?? change.after?.rule ?? ""),
            "change": .string(change.word), "before": change.before?.json ?? .null,
            "after": change.after?.json ?? .null,
          ]
        }
      ),
      "effect": effect.map { ["before": $0.before.json, "after": $0.after.json] } ?? .null,
    ]
  }
}

extension ProfileComparison.ControlChange {
  /// What became of the control: added, removed or changed.
  package var word: String {
    before == nil ? "added" : after == nil ? "removed" : "changed"
  }
}

extension ProfileComparison.GoalChange {
  /// What became of the goal: added, removed or changed.
  package var word: String {
    before == nil ? "added" : after == nil ? "removed" : "changed"
  }
}
