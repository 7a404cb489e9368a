import Engine
import JSON
import Model
import Operations
import Store
import Synchronization
import TestSupport
import Testing

/// Logging decisions beside the way of whoever asks.
struct DecisionLogTests {
  private static func keeper(_ store: DataStore) throws -> GuardKeeper {
    let rules = try Kit.index().rules
    return GuardKeeper(store) { (rules, []) }
  }

  private static func request(_ id: String, isEncrypted: Bool) throws -> GuardKeeper.Request {
    var bucket = Bucket(id: id)
    bucket.isEncrypted = isEncrypted
    return GuardKeeper.Request(
      try GuardrailTests.resource(bucket),
      isNew: true,
      actor: "dev",
      gate: "api"
    )
  }

  @Test(arguments: TestDatabase.all)
  func `each decision is logged with who, what, rule and verdict`(
    kind: TestDatabase
  ) async throws {
    try await kind.with { database in
      let store = try await DataStore(database)
      try await store.write(as: "ann", at: hour(0)) { transaction in
        _ = try transaction.lay(Guardrail(.rule("bucket.encrypted"), enforcement: .disallow))
        _ = try transaction.lay(
          Guardrail(
            .rule("bucket.kept"),
            parameters: ["bucket.kept": ["days": 9999]],
            enforcement: .warn
          )
        )
        for rule in ["bucket.logged", "user.key-age"] {
          _ = try transaction.lay(Guardrail(.rule(rule), enforcement: .disallow))
        }
      }
      let keeper = try Self.keeper(store)
      let requests = [
        try Self.request("bad", isEncrypted: false), try Self.request("good", isEncrypted: true),
      ]
      let decisions = try await keeper.decide(requests, at: hour(1))
      #expect(decisions.map(\.effect) == [.refused, .warned])
      #expect(await keeper.log.flush() == 0)
      let logged = try await store.read { try $0.decisions(DecisionFilter(), limit: 9) }
      #expect(logged.map(\.place.id) == ["good", "bad"])
      #expect(logged.map(\.effect) == [.warned, .refused])
      // Every rule that is laid there is kept with what it said, not the first one only.
      let rules = logged.map { $0.summary["rules"]?.array ?? [] }
      #expect(
        rules[1] == [
          ["rule": "bucket.encrypted", "verdict": "fail", "effect": "refused"],
          ["rule": "bucket.kept", "verdict": "fail", "effect": "warned"],
          ["rule": "bucket.logged", "verdict": "not_applicable", "effect": "allowed"],
        ]
      )
      #expect(rules[0].map { $0["rule"] } == ["bucket.kept", "bucket.encrypted", "bucket.logged"])
      #expect(rules[0].map { $0["verdict"] } == ["fail", "pass", "not_applicable"])
      #expect(logged.map(\.actor) == ["dev", "dev"])
      #expect(logged[1].rule == "bucket.encrypted")
      #expect(logged[1].verdict == "fail")
      // What was refused can be looked at later, and judged again.
      let line = try #require(logged[1].report["request"])
      #expect(line == requests[0].resource.inventoryLine)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a change counts at once where it was made, and a removal lifts the enforcement`(
    kind: TestDatabase
  ) async throws {
    try await kind.with { database in
      let store = try await DataStore(database)
      let keeper = try Self.keeper(store)
      let request = try Self.request("bad", isEncrypted: false)
      #expect(try await keeper.decide([request], at: hour(1))[0].effect == .allowed)
      let id = try await store.write(as: "ann", at: hour(1)) {
        try $0.lay(Guardrail(.rule("bucket.encrypted"), enforcement: .disallow))
      }
      _ = try await keeper.current(isFresh: true, at: hour(1))
      #expect(try await keeper.decide([request], at: hour(1))[0].effect == .refused)
      try await store.write(as: "ann", at: hour(2)) { try $0.removeGuardrail(id) }
      _ = try await keeper.current(isFresh: true, at: hour(2))
      #expect(try await keeper.decide([request], at: hour(2))[0].effect == .allowed)
    }
  }

  @Test func `a store that is away lifts no guardrail, and what is not logged is told later`()
    async throws
  {
    try await TestDatabase.sqlite.with { database in
      let shaky = ShakyDatabase(database)
      let store = try await DataStore(shaky)
      try await store.write(as: "ann", at: hour(0)) { transaction in
        _ = try transaction.lay(Guardrail(.rule("bucket.encrypted"), enforcement: .disallow))
      }
      let keeper = try Self.keeper(store)
      let request = try Self.request("bad", isEncrypted: false)
      #expect(try await keeper.decide([request], at: hour(1))[0].effect == .refused)
      await keeper.log.flush()
      shaky.isAway.withLock { $0 = true }
      #expect(try await keeper.decide([request], at: hour(2))[0].effect == .refused)
      #expect(await keeper.log.flush() == 1)
      let many = (0..<DecisionLog.most).map { _ in
        LoggedDecision(
          at: hour(2),
          actor: "dev",
          gate: "api",
          effect: .allowed,
          place: Place(accounts: ["a"], kind: Kit.bucket, id: "b"),
          name: "",
          rule: "",
          verdict: "",
          report: .null
        )
      }
      keeper.log.note(many)
      #expect(keeper.log.lost == 1)
      #expect(keeper.log.lostAt == hour(2))
      shaky.isAway.withLock { $0 = false }
      #expect(await keeper.log.flush() == 0)
      let audit = try await store.read { transaction in
        var entries: [AuditEntry] = []
        try transaction.auditLog { entries.append($0) }
        return entries
      }
      #expect(audit.last?.action == "decisions.lost")
      #expect(audit.last?.detail.contains("1") == true)
    }
  }
}

extension DecisionLogTests {
  @Test(arguments: [(FailureChoice.open, Effect.warned), (.closed, .refused)])
  func `what is not decided in time goes by the choice, and an alarm tells soon`(
    choice: FailureChoice,
    effect: Effect
  ) async throws {
    try await TestDatabase.sqlite.with { database in
      let slow = ShakyDatabase(database)
      let store = try await DataStore(slow)
      try await store.write(as: "ann", at: hour(0)) { transaction in
        _ = try transaction.lay(
          Guardrail(.rule("bucket.encrypted"), enforcement: .disallow, onFailure: choice)
        )
      }
      let rules = try Kit.index().rules
      let alarms = Mutex<[ContinuousClock.Instant]>([])
      let keeper = GuardKeeper(
        store,
        limits: Breaker.Limits(deadline: .seconds(2), least: 1),
        patience: .zero,
        alarm: { _ in alarms.withLock { $0.append(.now) } },
        content: { (rules, []) }
      )
      let request = try Self.request("good", isEncrypted: true)
      #expect(try await keeper.decide([request], at: hour(1))[0].effect == .allowed)
      await keeper.log.flush()
      // From a second on somebody looks whether something was changed, and the database hangs.
      try await Task.sleep(for: .milliseconds(1100))
      slow.pause.withLock { $0 = .seconds(600) }
      defer { slow.pause.withLock { $0 = .zero } }
      let start = ContinuousClock.now
      let late = try await keeper.decide([request], at: hour(2), within: .milliseconds(200))[0]
      #expect(late.effect == effect)
      #expect(late.fault?.contains("no decision came within") == true)
      #expect(try await eventually { alarms.withLock { !$0.isEmpty } })
      // Both long before the database answers, however busy the machine is.
      #expect(ContinuousClock.now - start < .seconds(300))
      slow.pause.withLock { $0 = .zero }
    }
  }
}
