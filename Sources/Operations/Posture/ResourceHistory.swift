import Engine
import JSON
package import Model
package import Store

/// Every state that one resource had, oldest first.
package struct ResourceHistory: Sendable {
  /// One state: what differs from the state before, and how it was judged.
  package struct Step: Sendable {
    package var state: StoredState
    package var fields: [FieldChange]
    package var verdicts: [(goal: StoredGoal, verdict: Verdict)]
  }

  package var place: Place
  package var steps: [Step]

  /// The histories of the resources with an id, or else a name.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)`` when there is none.
  package static func all(
    named name: String,
    _ transaction: StoreTransaction
  ) throws -> [ResourceHistory] {
    let found = try transaction.resources(named: name)
    if found.isEmpty { throw StoreError.notFound(kind: "resource", name: name) }
    return try found.map { try ResourceHistory($0, transaction) }
  }

  /// The history of the resource of a state.
  ///
  /// - Throws: ``StoreError/damaged(_:)``.
  package init(_ present: StoredState, _ transaction: StoreTransaction) throws {
    let goals = try transaction.goals()
    let layouts = try transaction.layouts()
    let parser = JSONParser()
    let states = try transaction.history(of: present.resource)
    let lines = try transaction.lines(of: states).map { try parser.parse($0) }
    place = try Places(transaction).place(of: present)
    steps = states.indices.map { index in
      let state = states[index]
      let judged = zip(layouts[state.layout]?.goals ?? [], state.verdicts.utf8)
      return Step(
        state: state,
        fields: index == 0 ? [] : FieldChange.all(lines[index - 1], lines[index]),
        verdicts: judged.compactMap { number, letter in
          guard let goal = goals[number], let verdict = Verdict(letter: letter) else { return nil }
          return (goal, verdict)
        }
      )
    }
  }
}
