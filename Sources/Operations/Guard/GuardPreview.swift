import Engine
package import JSON
package import Model
package import Store

/// What guardrails would have done, had they been enforced.
package struct GuardPreview: Sendable {
  /// A configuration that would have been held up.
  package struct Item: Sendable {
    package var decision: Decision
    package var resource: Int64
    /// Since when the configuration was there.
    package var begins: Instant
    package var owner: String?
  }

  /// How many configurations were looked at.
  package var judged = 0
  /// How many of them fail without an exception in force, and how many cannot be judged.
  package var failed = 0
  package var unknown = 0
  /// How many failures an exception covers.
  package var excepted = 0
  /// Failures and what is unknown by owner; empty for what nobody owns.
  package var owners: [String: Int] = [:]
  /// Failures by day, `YYYY-MM-DD` in UTC.
  package var days: [String: Int] = [:]
  /// The first of them.
  package var items: [Item] = []

  /// Which of them are asked for.
  package struct Question: Sendable {
    /// From when on configurations began; present ones where it is nil.
    package var since: Instant?
    package var limit: Int
    package var sight: Sight

    package init(since: Instant? = nil, limit: Int = 100, sight: Sight = .everything) {
      (self.since, self.limit, self.sight) = (since, limit, sight)
    }
  }

  /// Judges recorded configurations by a set of guardrails: those that are there, or all that began
  /// since an instant.
  ///
  /// What is recorded streams through block by block, so that memory does not grow with configurations.
  package init(
    _ set: GuardrailSet,
    _ transaction: StoreTransaction,
    _ question: Question,
    at now: Instant
  ) throws {
    let places = try Places(transaction)
    let marks = MarkIndex(try transaction.marks(at: now), set.scopes)
    let kinds = try transaction.kinds().filter { set.ruleSet.covers($0.value) }.map(\.key)
    let recorded = try transaction.recorded(
      kinds: kinds,
      from: question.since ?? Instant(milliseconds: .min),
      to: now,
      present: question.since == nil
    )
    let resolver = set.resolver(at: now).resolver
    try transaction.eachBlock(of: recorded) { text, entries in
      let account = entries.first.map { places.place($0.account, region: "", group: "", kind: 0) }
      let decisions = set.decide(
        lines: text,
        account: account?.accounts.first ?? "",
        at: now,
        resolver,
        isBrief: items.count >= question.limit
      ).decisions
      // A line that cannot be judged has no decision.
      if question.sight.isEverything {
        judged += entries.count - decisions.count
        unknown += entries.count - decisions.count
      }
      for decision in decisions {
        let entry = entries[entries.startIndex + decision.resource.lineNumber - 1]
        // Few break something, and only of those it matters where they are.
        // Of a kind that is asked for, and where nobody asks for anything.
        guard decision.guardrails > 0 || !decision.rulings.isEmpty else { continue }
        guard !question.sight.isEverything || !decision.rulings.isEmpty else {
          judged += 1
          continue
        }
        var place = set.place(of: decision.resource, in: text, hasTags: true)
        place.accounts = account?.accounts ?? []
        if !question.sight.isEverything, !question.sight.contains(place, set.scopes) { continue }
        add(decision, entry, marks, place, limit: question.limit)
      }
    }
  }

  private mutating func add(
    _ decision: Decision,
    _ entry: RecordedConfiguration,
    _ marks: MarkIndex,
    _ place: Place,
    limit: Int
  ) {
    judged += 1
    guard !decision.rulings.isEmpty else { return }
    let open = decision.rulings.filter { $0.exception == nil }
    let fails = open.contains { $0.verdict == .fail }
    if open.isEmpty { excepted += 1 }
    if fails {
      failed += 1
      days[entry.begins.day, default: 0] += 1
    } else if !open.isEmpty {
      unknown += 1
    }
    guard !open.isEmpty else { return }
    let owner = marks.value(.owner, of: place)
    owners[owner ?? "", default: 0] += 1
    guard items.count < limit else { return }
    var decision = decision
    // Of many decisions the proofs would be most of what is held.
    for place in decision.rulings.indices { decision.rulings[place].proof = nil }
    items.append(
      Item(decision: decision, resource: entry.resource, begins: entry.begins, owner: owner)
    )
  }

  /// The preview as JSON.
  package var json: JSONValue {
    func counts(_ values: [String: Int], _ key: String) -> JSONValue {
      .array(
        values.sorted { $0.key < $1.key }.map {
          .object([key: .string($0.key), "count": .integer(Int64($0.value))])
        }
      )
    }
    return [
      "judged": .integer(Int64(judged)), "failed": .integer(Int64(failed)),
      "unknown": .integer(Int64(unknown)), "excepted": .integer(Int64(excepted)),
      "owners": counts(owners, "owner"), "days": counts(days, "day"),
      "items": .array(items.map(\.json)),
    ]
  }
}

extension GuardPreview.Item {
  fileprivate var json: JSONValue {
    var object = decision.resource.identity
    object["resource_number"] = .integer(resource)
    object["since"] = .string("\(begins)")
    object["owner"] = owner.map { .string($0) }
    object["rulings"] = .array(decision.rulings.map { $0.json(decision.resource.id) })
    return .object(object)
  }
}
