import Engine
import JSON
import Model
import Operations
import Store
import Synchronization
import TestSupport
import Testing

/// Reading guardrails while the store is away, and by several at once.
struct GuardKeeperReadTests {
  @Test func `a read that fails raises an alarm once, and each decision tells since when`()
    async throws
  {
    try await TestDatabase.sqlite.with { database in
      let held = ShakyDatabase(database)
      let store = try await DataStore(held)
      try await store.write(as: "ann", at: hour(0)) { transaction in
        _ = try transaction.lay(Guardrail(.rule("bucket.encrypted"), enforcement: .disallow))
      }
      let rules = try Kit.index().rules
      let alarms = Mutex<[String]>([])
      let keeper = GuardKeeper(
        store,
        alarm: { text in alarms.withLock { $0.append(text) } },
        content: { (rules, []) }
      )
      var bucket = Bucket(id: "bad")
      bucket.isEncrypted = false
      let request = GuardKeeper.Request(
        try GuardrailTests.resource(bucket),
        isNew: true,
        actor: "dev",
        gate: "api"
      )
      let first = try await keeper.decide([request], at: hour(1))[0]
      #expect(first.outdated == nil && first.json()["outdated"] == nil)
      #expect(keeper.isFailing == nil)
      held.isAway.withLock { $0 = true }
      for minute in 1...3 {
        await #expect(throws: SQLError.self) {
          try await keeper.current(isFresh: true, at: hour(1).advanced(milliseconds: Int64(minute)))
        }
      }
      #expect(keeper.isFailing == hour(1).advanced(milliseconds: 1))
      #expect(alarms.withLock { $0.count } == 1)
      #expect(alarms.withLock { $0.first?.contains("cannot be read") } == true)
      let away = try await keeper.decide([request], at: hour(2))[0]
      #expect(away.effect == .refused)
      #expect(away.outdated?.contains("cannot be read since") == true)
      #expect(away.json()["outdated"] != nil)
      held.isAway.withLock { $0 = false }
      _ = try await keeper.current(isFresh: true, at: hour(3))
      #expect(keeper.isFailing == nil)
      #expect(alarms.withLock { $0.last } == "guardrails can be read again")
      #expect(try await keeper.decide([request], at: hour(3))[0].outdated == nil)
    }
  }

  @Test func `a read that began earlier and ends later changes nothing`() async throws {
    try await TestDatabase.sqlite.with { database in
      let held = ShakyDatabase(database)
      let store = try await DataStore(held)
      let rules = try Kit.index().rules
      let keeper = GuardKeeper(store) { (rules, []) }
      #expect(try await keeper.current(at: hour(0)).guardrails.isEmpty)
      let id = try await store.write(as: "ann", at: hour(0)) {
        try $0.lay(Guardrail(.rule("bucket.encrypted")))
      }
      // It has read the guardrail when that is removed, and comes back after the removal was read.
      held.holdsNext.withLock { $0 = true }
      let early = Task { try await keeper.current(isFresh: true, at: hour(1)) }
      #expect(try await eventually { held.isHolding.withLock { $0 } })
      try await store.write(as: "ann", at: hour(2)) { try $0.removeGuardrail(id) }
      #expect(try await keeper.current(isFresh: true, at: hour(2)).guardrails.isEmpty)
      #expect(held.isHolding.withLock { $0 })
      held.isHolding.withLock { $0 = false }
      _ = try await early.value
      #expect(try await keeper.current(at: hour(2)).guardrails.isEmpty)
    }
  }
}
