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
    try all(transaction, of: transaction.changed(after: from, upTo: to)[...], from: from, to: to)
  }

  /// The changes of some resources between two instants.
  static func all(
    _ transaction: StoreTransaction,
    of numbers: ArraySlice<Int64>,
    from: Instant,
    to: Instant
  ) throws -> [StateChange] {
    try numbers.compactMap { number in
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
package struct PostureDiff {
  /// One resource with what differs.
  package struct Entry: Sendable {
    package var kind: StateChange.Kind
    package var place: Place
    package var name: String
    /// Fields of its line that differ; none for one that came or went.
    package var fields: [FieldChange]
    package var verdicts: [VerdictChange]
  }

  private let transaction: StoreTransaction
  private let from: Instant
  private let to: Instant
  private let places: Places
  private let goals: [Int64: StoredGoal]
  private let layouts: [Int64: StoredLayout]
  /// The resources that may differ.
  private let numbers: [Int64]

  /// Of the states after two instants.
  package init(_ transaction: StoreTransaction, from: Instant, to: Instant) throws {
    (self.transaction, self.from, self.to) = (transaction, from, to)
    places = try Places(transaction)
    goals = try transaction.goals()
    layouts = try transaction.layouts()
    numbers = try transaction.changed(after: from, upTo: to)
  }

  /// What differs, in the order of the resources' numbers.
  ///
  /// `after` is the number after which it begins, `limit` how many entries it has at most; `isSelected`
  /// looks at each entry's place.
  /// - Returns: the entries, and the number after which others may follow; nil where none is left.
  package func entries(
    after: Int64 = 0,
    limit: Int = .max,
    where isSelected: (Place) -> Bool = { _ in true }
  ) throws -> (found: [Entry], end: Int64?) {
    var found: [Entry] = []
    var rest = numbers.drop { $0 <= after }
    while !rest.isEmpty {
      let part = rest.prefix(min(Self.batch, max(limit, 64)))
      rest = rest.dropFirst(part.count)
      for (number, entry) in try differences(of: part) where isSelected(entry.place) {
        found.append(entry)
        if found.count == limit { return (found, number == numbers.last ? nil : number) }
      }
    }
    return (found, nil)
  }

  /// How many changes are looked at together.
  private static let batch = 2000

  /// What differs of some resources, by their numbers.
  private func differences(of numbers: ArraySlice<Int64>) throws -> [(Int64, Entry)] {
    let parser = JSONParser()
    let changes = try StateChange.all(transaction, of: numbers, from: from, to: to)
    // Together, because lines that changed at one time stand in the same blocks.
    let pairs = changes.filter { $0.kind == .changed }.flatMap { [$0.before, $0.after] }
    var lines = try transaction.lines(of: pairs.compactMap { $0 })[...]
    return try changes.compactMap { change in
      guard let state = change.after ?? change.before else { return nil }
      var fields: [FieldChange] = []
      if change.kind == .changed {
        let pair = try lines.prefix(2).map { try parser.parse($0) }
        lines = lines.dropFirst(2)
        fields = FieldChange.all(pair[0], pair[1])
      }
      let verdicts = Self.changes(change, goals, layouts)
      // What changed and changed back differs in nothing.
      if change.kind == .judged, verdicts.isEmpty { return nil }
      return (
        state.resource,
        Entry(
          kind: change.kind,
          place: places.place(of: state),
          name: state.name,
          fields: fields,
          verdicts: verdicts
        )
      )
    }
  }

  /// The verdicts that differ.
  private static func changes(
    _ change: StateChange,
    _ goals: [Int64: StoredGoal],
    _ layouts: [Int64: StoredLayout]
  ) -> [VerdictChange] {
    let left = verdicts(change.before, goals, layouts)
    let right = verdicts(change.after, goals, layouts)
    let differing = Set(left.keys).union(right.keys).filter {
      left[$0]?.verdict != right[$0]?.verdict
    }
    return differing.sorted { $0.text < $1.text }.map { goal in
      VerdictChange(
        rule: goal.text,
        severity: (right[goal] ?? left[goal])?.severity ?? .low,
        before: left[goal]?.verdict,
        after: right[goal]?.verdict
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
