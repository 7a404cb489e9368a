import Engine
import JSON
import Model
import Operations
import Store
import Synchronization
import TestSupport
import Testing

/// Falling back to monitoring.
struct BreakerTests {
  private static let limits = Breaker.Limits(
    deadline: .milliseconds(10),
    window: .seconds(10),
    least: 3,
    rest: .seconds(30)
  )

  @Test func `it trips on slow decisions and faults, rests, and tries one`() {
    var breaker = Breaker(Self.limits)
    let start = ContinuousClock.now
    func note(_ milliseconds: Int, isFault: Bool = false, at seconds: Int) -> Breaker.Turn {
      breaker.note(.milliseconds(milliseconds), isFault: isFault, at: start + .seconds(seconds))
    }
    func admits(at seconds: Int) -> Bool { breaker.admits(at: start + .seconds(seconds)) }
    let first = [note(50, at: 0), note(1, isFault: true, at: 1), note(11, at: 2)]
    #expect(first == [.none, .none, .tripped])
    // After a rest one is tried; the others wait for what comes of it.
    let admitted = [admits(at: 3), admits(at: 33), admits(at: 33)]
    #expect(admitted == [false, true, false])
    let again = note(50, at: 34)
    #expect(again == .none)
    let later = [admits(at: 35), admits(at: 65)]
    #expect(later == [false, true])
    let restored = note(1, at: 65)
    #expect(restored == .restored)
    let open = admits(at: 66)
    #expect(open && !breaker.isTripped)
  }

  @Test func `a few slow ones among many, or long ago, trip nothing`() {
    var breaker = Breaker(Self.limits)
    let start = ContinuousClock.now
    for number in 0..<100 {
      let took = Duration.milliseconds(number % 4 == 0 ? 50 : 1)
      let turn = breaker.note(took, isFault: false, at: start)
      #expect(turn == .none)
    }
    var slow = Breaker(Self.limits)
    for number in 0..<9 {
      let turn = slow.note(.seconds(1), isFault: false, at: start + .seconds(number * 6))
      #expect(turn == .none)
    }
  }

  @Test
  func `while it is tripped each guardrail's choice counts, and the log tells what it would be`()
    async throws
  {
    try await TestDatabase.sqlite.with { database in
      let store = try await DataStore(database)
      try await store.write(as: "ann", at: hour(0)) { transaction in
        _ = try transaction.lay(
          Guardrail(.rule("bucket.encrypted"), enforcement: .disallow, onFailure: .open)
        )
      }
      let rules = try Kit.index().rules
      let alarms = Mutex<[String]>([])
      // No decision is quick enough.
      let limits = Breaker.Limits(
        deadline: .zero,
        window: .seconds(36_000),
        least: 2,
        rest: .seconds(36_000)
      )
      let keeper = GuardKeeper(
        store,
        limits: limits,
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
      #expect(try await keeper.decide([request], at: hour(1))[0].effect == .refused)
      #expect(try await keeper.decide([request], at: hour(1))[0].effect == .refused)
      #expect(keeper.isTripped)
      #expect(alarms.withLock { $0.count } == 1)
      let monitored = try await keeper.decide([request], at: hour(1))[0]
      #expect(monitored.effect == .warned)
      #expect(monitored.fault != nil)
      var logged: [LoggedDecision] = []
      let isLogged = try await eventually(pause: .milliseconds(100)) {
        await keeper.log.flush()
        logged = try await store.read { try $0.decisions(DecisionFilter(), limit: 9) }
        return logged.count >= 3
      }
      #expect(isLogged)
      #expect(logged.map(\.effect) == [.warned, .refused, .refused])
      #expect(logged[0].verdict == "fail")
      #expect(logged[0].report["monitored"]?["decision"] == "refused")
    }
  }
}
