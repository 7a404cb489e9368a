import Engine
package import JSON
package import Model
package import Store

/// How one resource differs between two instants.
package struct StateChange: Sendable {
  package var before: StoredState?
  package var after: StoredState?

  /// What happened to the resource itself.
  package enum Kind: String, Sendable { case came, went, changed, judged }

  /// Whether it came, went, was configured otherwise, or was only judged otherwise.
  package var kind: Kind {
    guard let before else { return .came }
    guard let after else { return .went }
    return before.fingerprint == after.fingerprint ? .judged : .changed
  }

  /// The changes between two instants, by resource number.
  package static func all(
    _ transaction: StoreTransaction,
    from: Instant,
    to: Instant
  ) throws -> [StateChange] {
    try transaction.changed(after: from, upTo: to).compactMap { number in
      let change = StateChange(
        before: try transaction.state(of: number, at: from),
        after: try transaction.state(of: number, at: to)
      )
      if change.before == nil && change.after == nil { return nil }
      if let before = change.before, let after = change.after, before.begins == after.begins {
        return nil
      }
      return change
    }
  }
}

/// One field that differs between two configurations.
package struct FieldChange: Sendable, Equatable {
  package var path: String
  package var before: JSONValue?
  package var after: JSONValue?

  /// The fields that differ between two values, parts of objects and lists apart.
  package static func all(_ before: JSONValue, _ after: JSONValue) -> [FieldChange] {
    var changes: [FieldChange] = []
    compare(before, after, path: "", into: &changes)
    return changes
  }

  private static func compare(
    _ before: JSONValue?,
    _ after: JSONValue?,
    path: String,
    into changes: inout [FieldChange]
  ) {
    switch (before, after) {
    case (.object(let left), .object(let right)):
      let keys = left.members.map(\.key) + right.members.map(\.key).filter { left[$0] == nil }
      for key in keys {
        let part = path.isEmpty ? quoted(key) : "\(path).\(quoted(key))"
        compare(left[key], right[key], path: part, into: &changes)
      }
    case (.array(let left), .array(let right)):
      for index in 0..<max(left.count, right.count) {
        compare(
          index < left.count ? left[index] : nil,
          index < right.count ? right[index] : nil,
          path: "\(path)[\(index)]",
          into: &changes
        )
      }
    default:
      if before != after {
        changes.append(FieldChange(path: path, before: before, after: after))
      }
    }
  }

  private static func quoted(_ key: String) -> String {
    key.contains { ".[]\"".contains($0) } ? JSONValue.string(key).text : key
  }
}

/// A result whose verdict differs between two instants.
package struct VerdictChange: Sendable, Equatable {
  package var rule: String
  package var severity: Severity
  package var before: Verdict?
  package var after: Verdict?
}

/// What differs between two instants, resource by resource.
package struct PostureDiff: Sendable {
  /// One resource with what differs.
  package struct Entry: Sendable {
    package var kind: StateChange.Kind
    package var place: Place
    package var name: String
    /// Fields of its line that differ; none for one that came or went.
    package var fields: [FieldChange]
    package var verdicts: [VerdictChange]
  }

  package var entries: [Entry]

  /// What differs between the states after two instants.
  package init(_ transaction: StoreTransaction, from: Instant, to: Instant) throws {
    let places = try Places(transaction)
    let goals = try transaction.goals()
    let layouts = try transaction.layouts()
    let parser = JSONParser()
    entries = []
    for change in try StateChange.all(transaction, from: from, to: to) {
      guard let state = change.after ?? change.before else { continue }
      var fields: [FieldChange] = []
      if let before = change.before, let after = change.after, change.kind == .changed {
        let lines = try transaction.lines(of: [before, after]).map { try parser.parse($0) }
        fields = FieldChange.all(lines[0], lines[1])
      }
      let left = Self.verdicts(change.before, goals, layouts)
      let right = Self.verdicts(change.after, goals, layouts)
      let rules = Set(left.keys).union(right.keys)
      let verdicts = rules.filter { left[$0]?.verdict != right[$0]?.verdict }
        .sorted { $0.text < $1.text }
      // What changed and changed back differs in nothing.
      if change.kind == .judged, verdicts.isEmpty { continue }
      entries.append(
        Entry(
          kind: change.kind,
          place: places.place(of: state),
          name: state.name,
          fields: fields,
          verdicts: verdicts.map { goal in
            VerdictChange(
              rule: goal.text,
              severity: (right[goal] ?? left[goal])?.severity ?? .low,
              before: left[goal]?.verdict,
              after: right[goal]?.verdict
            )
          }
        )
      )
    }
  }

  /// A goal whatever its rule's version.
  private struct GoalName: Hashable {
    var rule: String
    var parameters: [String: JSONValue]

    var text: String {
      let values = parameters.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value.text)" }
      return rule + (values.isEmpty ? "" : " (\(values.joined(separator: ", ")))")
    }
  }

  private static func verdicts(
    _ state: StoredState?,
    _ goals: [Int64: StoredGoal],
    _ layouts: [Int64: StoredLayout]
  ) -> [GoalName: (verdict: Verdict, severity: Severity)] {
    guard let state, let layout = layouts[state.layout] else { return [:] }
    var found: [GoalName: (verdict: Verdict, severity: Severity)] = [:]
    for (number, letter) in zip(layout.goals, state.verdicts.utf8) {
      guard let goal = goals[number], let verdict = Verdict(letter: letter) else { continue }
      found[GoalName(rule: goal.rule, parameters: goal.parameters)] = (verdict, goal.severity)
    }
    return found
  }
}
