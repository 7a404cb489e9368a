import JSON
import Model
import Store
import TestSupport
import Testing

/// Rules and templates of one's own, guardrails and the log of decisions, as a store keeps them.
struct GuardrailStoreTests {
  private static func rule(_ id: String, _ property: String) throws -> Rule {
    let document: JSONValue = [
      "id": .string(id), "target": ["service_name": "s", "resource_kind": "k"],
      "required_config": ["property": .string(property), "operator": "is_true"],
    ]
    return try RuleDecoder.rule(
      DocumentNode(document, at: SourceLocation(file: "rule")),
      name: id
    )
  }

  @Test(arguments: TestDatabase.all)
  func `a name is that of one rule, and a scope of guardrails stays`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      var first = try Self.rule("own.a", "x")
      first.aliases = ["own.b"]
      let (one, second) = (first, try Self.rule("own.b", "y"))
      let laid = try await store.write(as: "ann", at: .hour(1)) { transaction in
        _ = try transaction.keep(one, cases: [], labels: [])
        try transaction.put(Scope(name: "prod", parent: "", includes: [], excludes: []))
        try transaction.put(Scope(name: "test", parent: "", includes: [], excludes: []))
        let out = try Scope.Selector("scope=test")
        return try transaction.lay(Guardrail(.rule("own.b"), scope: "prod", excludes: [out]))
      }
      await #expect(
        throws: StoreError.conflict("rule \"own.a\" has one of its names; choose another one")
      ) {
        try await store.write(as: "ann", at: .hour(2)) {
          try $0.keep(second, cases: [], labels: [])
        }
      }
      for scope in ["prod", "test"] {
        await #expect(throws: StoreError.self) {
          try await store.write(as: "ann", at: .hour(2)) { try $0.removeScope(scope) }
        }
      }
      // The guardrail was laid by the rule's other name, and ends with the rule all the same.
      let ended = try await store.write(as: "ann", at: .hour(3)) {
        try $0.removeDocument(.rule, "own.a")
      }
      #expect(ended == [laid])
      try await store.write(as: "ann", at: .hour(4)) { transaction in
        for scope in ["prod", "test"] { try transaction.removeScope(scope) }
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a rule has versions, and its removal takes its guardrails along`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      func change<R: Sendable>(
        _ hour: Int64,
        _ body: @Sendable @escaping (StoreTransaction) throws -> R
      ) async throws -> R { try await store.write(as: "ann", at: .hour(hour), body) }
      let (first, second) = (try Self.rule("own.a", "x"), try Self.rule("own.a", "y"))
      #expect(try await change(1) { try $0.keep(first, cases: [], labels: ["l"]) }.version == 1)
      let kept = try await change(2) { try $0.keep(second, cases: [["name": "c"]], labels: []) }
      #expect(kept.version == 2)
      #expect(kept.document["version"] == 2)
      let laid = try await change(3) { try $0.lay(Guardrail(.rule("own.a"))) }
      let other = try await change(3) { try $0.lay(Guardrail(.rule("shipped"))) }
      await #expect(throws: StoreError.self) {
        try await change(3) { try $0.lay(Guardrail(.rule("own.a"))) }
      }
      #expect(try await change(4) { try $0.removeDocument(.rule, "own.a") } == [laid])
      let (now, before, versions, guardrails) = try await store.read { transaction in
        (
          try transaction.documents(.rule, at: .hour(4)),
          try transaction.documents(.rule, at: .hour(1)),
          try transaction.versions(of: .rule, "own.a"),
          try transaction.guardrails(at: .hour(4))
        )
      }
      #expect(now.isEmpty)
      #expect(before.map(\.labels) == [["l"]])
      #expect(versions.map(\.version) == [2, 1])
      #expect(versions[0].cases == [["name": "c"]])
      #expect(guardrails.map(\.id) == [other])
      await #expect(throws: StoreError.self) {
        try await change(5) { try $0.removeDocument(.rule, "own.a") }
      }
      // A rule of the same name begins after the last version, not anew.
      #expect(try await change(6) { try $0.keep(first, cases: [], labels: []) }.version == 3)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a guardrail keeps its number through changes`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let scope = Scope(name: "prod", parent: "", includes: [], excludes: [])
      var guardrail = Guardrail(
        .profile("house"),
        scope: "prod",
        excludes: [try Scope.Selector("account=t,region=eu-*")],
        parameters: ["r": ["n": 3]],
        onFailure: .closed,
        reason: "because"
      )
      let laid = guardrail
      guardrail.id = try await store.write(as: "ann", at: .hour(1)) { transaction in
        try transaction.put(scope)
        return try transaction.lay(laid)
      }
      guardrail.enforcement = .warn
      let changed = guardrail
      try await store.write(as: "bob", at: .hour(2)) { try $0.change(changed) }
      let (now, states) = try await store.read { transaction in
        (
          try transaction.guardrails(at: .hour(2)),
          try transaction.states(ofGuardrail: changed.id)
        )
      }
      #expect(now.count == 1)
      #expect(now[0].json["excludes"] == guardrail.json["excludes"])
      #expect(now[0].parameters == guardrail.parameters)
      #expect(now[0].onFailure == .closed)
      #expect(now[0].changedBy == "bob")
      #expect(states.map(\.enforcement) == [.warn, .auditLog])
      await #expect(throws: StoreError.self) {
        try await store.write(as: "ann", at: .hour(3)) {
          try $0.lay(Guardrail(.rule("r"), scope: "nowhere"))
        }
      }
      await #expect(throws: StoreError.self) {
        var other = changed
        other.subject = .rule("r")
        let moved = other
        try await store.write(as: "ann", at: .hour(3)) { try $0.change(moved) }
      }
      try await store.write(as: "ann", at: .hour(4)) { try $0.removeGuardrail(changed.id) }
      #expect(try await store.read { try $0.guardrails(at: .hour(4)) }.isEmpty)
    }
  }

  private static func decision(_ hour: Int64, _ effect: Effect, _ id: String) -> LoggedDecision {
    LoggedDecision(
      at: .hour(hour),
      actor: "ann",
      gate: "api",
      effect: effect,
      place: Place(
        accounts: ["a"],
        provider: "p",
        region: "r",
        group: "g",
        kind: ResourceKind(service: "s", kind: "k"),
        id: id
      ),
      name: "n",
      rule: effect == .allowed ? "" : "rule",
      verdict: effect == .allowed ? "" : "fail",
      report: effect == .allowed ? .null : ["message": .string(id)]
    )
  }

  @Test(arguments: TestDatabase.all)
  func `every rule of a decision is kept, found by, and goes with it`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let rulings: [LoggedDecision.Ruling] = [
        LoggedDecision.Ruling(rule: "rule", verdict: .fail, effect: .refused),
        LoggedDecision.Ruling(rule: "second_rule", verdict: .unknown, effect: .warned),
        LoggedDecision.Ruling(rule: "third", verdict: .pass, effect: .allowed),
      ]
      var (one, two) = (Self.decision(1, .refused, "one"), Self.decision(2, .refused, "two"))
      (one.rulings, two.rulings) = (rulings, rulings)
      let (first, second, old) = (one, two, Self.decision(3, .refused, "old"))
      for entries in [[first, second], [old, first]] {
        try await store.write(as: "plumb", at: .hour(4)) { try $0.log(entries) }
      }
      let all = try await store.read { try $0.decisions(DecisionFilter(), limit: 9) }
      // Of one that was logged without them there is what decided first.
      #expect(all.map(\.rulings) == [rulings, [rulings[0]], rulings, rulings])
      func found(_ rule: String) async throws -> (ids: [String], counts: [DecisionCount]) {
        var filter = DecisionFilter()
        filter.rule = rule
        let asked = filter
        return try await store.read { transaction in
          (
            try transaction.decisions(asked, limit: 9).map(\.place.id),
            try transaction.decisionCounts(asked)
          )
        }
      }
      #expect(try await found("rule").ids == ["one", "old", "two", "one"])
      let seconds = try await found("second_rule")
      #expect(seconds.ids == ["one", "two", "one"])
      #expect(seconds.counts.map(\.rule) == ["second_rule"] && seconds.counts[0].count == 3)
      for none in ["third", "second%", "secondXrule", "fail"] {
        #expect(try await found(none).ids.isEmpty, "\(none)")
      }
      let pruned = try await store.write(as: "ann", at: .hour(24 * 90 + 3)) { try $0.prune() }
      #expect(pruned.decisions == 3)
      let left = try await store.read { try $0.decisions(DecisionFilter(), limit: 9) }
      #expect(left.map(\.place.id) == ["old"])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `rules that a decision tells by letters are kept like others`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let rulings = [
        LoggedDecision.Ruling(rule: "rule", verdict: .fail, effect: .refused),
        LoggedDecision.Ruling(rule: "third", verdict: .pass, effect: .allowed),
      ]
      var long = Self.decision(1, .refused, "long")
      long.rulings = rulings
      var short = Self.decision(1, .refused, "short")
      short.rulings = [rulings[0]]
      short.quiet = QuietRules(rules: ["rule", "third", "silent"], letters: "fp.")
      var other = short
      other.quiet.letters = "fn."
      let entries = [long, short, other, short]
      try await store.write(as: "plumb", at: .hour(4)) { try $0.log(entries) }
      let told = try await store.read { try $0.decisions(DecisionFilter(), limit: 9) }.map(
        \.rulings
      )
      #expect([told[0], told[2], told[3]] == [rulings, rulings, rulings])
      #expect(told[1].map(\.verdict) == [.fail, .notApplicable])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `decisions are listed, counted by day and pruned by age`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      try await store.write(as: "plumb", at: .hour(30)) { transaction in
        try transaction.log([
          Self.decision(1, .refused, "one"), Self.decision(2, .allowed, "two"),
          Self.decision(26, .refused, "three"), Self.decision(27, .refused, "four"),
        ])
      }
      var filter = DecisionFilter()
      filter.effect = .refused
      let asked = filter
      let (refused, counts, none) = try await store.read { transaction in
        (
          try transaction.decisions(asked, limit: 2), try transaction.decisionCounts(asked),
          try transaction.decisions(asked, before: 1, limit: 9)
        )
      }
      #expect(refused.map(\.place.id) == ["four", "three"])
      #expect(refused[0].report == ["message": "four"])
      #expect(refused[0].place.group == "g")
      #expect(counts.map(\.count) == [1, 2])
      #expect(none.isEmpty)
      let pruned = try await store.write(as: "ann", at: .hour(24 * 90 + 3)) { try $0.prune() }
      #expect(pruned.decisions == 2)
      #expect(try await store.read { try $0.decisions(DecisionFilter(), limit: 9) }.count == 2)
    }
  }
}
