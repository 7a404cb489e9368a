import Engine
import JSON
package import Model
package import Store
import Synchronization

/// Decides about requests by the guardrails of a store as they are now, and logs each decision.
///
/// Guardrails are read and compiled when something was decided on since, which is looked for at most
/// once a second. Where the store cannot be read, those that were read last go on: a database that is
/// away neither lifts a guardrail nor stops a deployment. An alarm tells it, and each decision.
package final class GuardKeeper: Sendable {
  /// A request to create or change a resource.
  package struct Request: Sendable {
    package var resource: Resource
    /// Whether the resource is created, so that templates complete it.
    package var isNew: Bool
    /// Who asks, and at which gate.
    package var actor: String
    package var gate: String
    /// The resource as it is before the change; nil where it is new or nobody tells.
    package var former: Resource?

    package init(
      _ resource: Resource,
      isNew: Bool,
      actor: String,
      gate: String,
      former: Resource? = nil
    ) {
      (self.resource, self.isNew, self.actor, self.gate) = (resource, isNew, actor, gate)
      self.former = former
    }
  }

  private struct State {
    var set: GuardrailSet?
    var stamp = ""
    var resolver: (resolver: ExceptionResolver, until: Instant)?
    var checked: ContinuousClock.Instant?
    var isChecking = false
    /// How many reads were begun, and the last one of those whose outcome counts.
    var begun = 0
    var counted = 0
    /// Since when reads fail; nil where the last one went well.
    var failing: Instant?
    var breaker: Breaker
    /// How many requests are judged for the log only, while the breaker is tripped.
    var monitored = 0
  }

  /// How long what was read counts as read just now.
  private static let freshness = Duration.seconds(1)
  /// For how long decisions go on by what was read while somebody looks for news.
  private let patience: Duration
  /// How many requests are monitored at once while the breaker is tripped.
  private static let monitoredMost = 1000

  private let store: DataStore
  private let content: @Sendable () throws -> (rules: [Rule], profiles: [Profile])
  private let state: Mutex<State>
  package let log: DecisionLog
  /// Is told when the breaker trips and when it is restored, when guardrails cannot be read any more and
  /// when they can be again.
  private let alarm: @Sendable (String) -> Void

  /// A keeper over a store, and over the rules and profiles that are there besides.
  package init(
    _ store: DataStore,
    limits: Breaker.Limits = Breaker.Limits(),
    patience: Duration = .seconds(5),
    alarm: @escaping @Sendable (String) -> Void = { _ in },
    content: @escaping @Sendable () throws -> (rules: [Rule], profiles: [Profile])
  ) {
    (self.store, self.content, self.alarm) = (store, content, alarm)
    self.patience = patience
    state = Mutex(State(breaker: Breaker(limits)))
    log = DecisionLog(store)
  }

  /// Whether requests are only monitored because decisions were slow or went wrong.
  package var isTripped: Bool { state.withLock { $0.breaker.isTripped } }

  /// Since when guardrails cannot be read, so that those go on that were read last; nil where they can.
  package var isFailing: Instant? { state.withLock { $0.failing } }

  /// The guardrails as they are now; `isFresh` asks for what was decided until this moment.
  ///
  /// - Throws: what reading throws, where nothing was read before.
  package func current(isFresh: Bool = false, at now: Instant) async throws -> GuardrailSet {
    try await facts(isFresh: isFresh, at: now).set
  }

  /// Decides about requests, and logs the decisions unless nothing shall come of them.
  ///
  /// While the breaker is tripped a request is not judged before it is answered: what each guardrail
  /// chose for what cannot be judged counts, and what it would have been is logged later. The same
  /// counts for what is not decided within `limit`.
  /// - Throws: what reading guardrails throws, where none were read before.
  package func decide(
    _ requests: [Request],
    at now: Instant,
    within limit: Duration? = nil,
    isLogged: Bool = true
  ) async throws -> [Decision] {
    guard state.withLock({ $0.breaker.admits(at: .now) }) else {
      return try await monitor(requests, at: now, isLogged: isLogged)
    }
    let decisions: [Decision]
    if let limit {
      let judged = try await Race.value(within: limit) { [self] in
        try await judge(requests, at: now)
      }
      decisions = try judged ?? late(requests, limit, at: now)
    } else {
      decisions = try await judge(requests, at: now)
    }
    if isLogged { log.note(zip(requests, decisions).map { LoggedDecision($1, $0) }) }
    return decisions
  }

  /// What is answered where no decision came in time.
  private func late(_ requests: [Request], _ limit: Duration, at now: Instant) throws -> [Decision]
  {
    note(limit, isFault: true, at: now)
    guard let set = state.withLock({ $0.set }) else {
      throw StoreError.damaged("guardrails cannot be read in time")
    }
    return told(
      requests.map { set.undecided($0.resource, "no decision came within \(limit)", at: now) }
    )
  }

  /// Decisions with what there is to say of guardrails that cannot be read.
  private func told(_ decisions: [Decision]) -> [Decision] {
    guard let since = isFailing else { return decisions }
    return decisions.map { decision in
      var decision = decision
      decision.outdated =
        "guardrails cannot be read since \(since); those that were read last decide"
      return decision
    }
  }

  private func judge(_ requests: [Request], at now: Instant) async throws -> [Decision] {
    let start = ContinuousClock.now
    let decisions: [Decision]
    do {
      let (set, resolver) = try await facts(isFresh: false, at: now)
      decisions = told(set.decide(requests, at: now, resolver))
    } catch {
      note(ContinuousClock.now - start, isFault: true, at: now)
      throw error
    }
    let took = (ContinuousClock.now - start) / max(requests.count, 1)
    note(took, isFault: false, at: now)
    return decisions
  }

  private func monitor(
    _ requests: [Request],
    at now: Instant,
    isLogged: Bool
  ) async throws -> [Decision] {
    let (set, resolver) = try await facts(isFresh: false, at: now)
    let reason = "decisions are slow or go wrong, and requests are only monitored for a while"
    let decisions = told(requests.map { set.undecided($0.resource, reason, at: now) })
    guard isLogged else { return decisions }
    let room = state.withLock { state in
      let room = min(requests.count, Self.monitoredMost - state.monitored)
      state.monitored += room
      return room
    }
    log.note(zip(requests, decisions).dropFirst(room).map { LoggedDecision($1, $0) })
    guard room > 0 else { return decisions }
    // Whoever asked does not wait for this; the log is all that it is for.
    Task { [self] in
      let judged = set.decide(requests.prefix(room), at: now, resolver)
      log.note(
        zip(zip(requests, decisions), judged).map { asked, judged in
          LoggedDecision(asked.1, asked.0, judgedAs: judged)
        }
      )
      state.withLock { $0.monitored -= room }
    }
    return decisions
  }

  private func note(_ took: Duration, isFault: Bool, at now: Instant) {
    let turn = state.withLock { $0.breaker.note(took, isFault: isFault, at: .now) }
    let word: String
    switch turn {
    case .none: return
    case .tripped:
      word = "tripped"
      alarm("guardrails are only monitored: decisions are slow or go wrong")
    case .restored:
      word = "restored"
      alarm("guardrails decide again")
    }
    let store = store
    // The audit log tells it too, once the store takes it; nobody waits for that.
    Task {
      try? await store.write(as: "plumb", at: now) { try $0.record("guardrails.\(word)", "") }
    }
  }

  private func facts(
    isFresh: Bool,
    at now: Instant
  ) async throws -> (set: GuardrailSet, resolver: ExceptionResolver) {
    let (known, age, mustCheck) = state.withLock { state in
      let age = state.checked.map { ContinuousClock.now - $0 }
      let isRecent = age.map { $0 < Self.freshness } ?? false
      // One looks; whoever comes meanwhile goes by what was read before.
      let mustCheck = state.set == nil || isFresh || (!isRecent && !state.isChecking)
      if mustCheck { state.isChecking = true }
      return (state.set, age, mustCheck)
    }
    if mustCheck {
      if known != nil, !isFresh, let age, age < patience {
        // Decisions do not wait for the store as long as it was read a moment ago.
        Task { [self] in try? await check(known, at: now) }
      } else {
        do {
          if known == nil || isFresh {
            try await check(known, at: now)
          } else {
            // A store that hangs is not waited for: what was read last decides.
            _ = try await Race.value(within: Self.freshness) { [self] in
              try await check(known, at: now)
            }
          }
        } catch {
          if known == nil || isFresh { throw error }
        }
      }
    }
    return try state.withLock { state in
      guard let set = state.set else { throw StoreError.damaged("guardrails cannot be read") }
      if let kept = state.resolver, now < kept.until { return (set, kept.resolver) }
      let made = set.resolver(at: now)
      state.resolver = made
      return (set, made.resolver)
    }
  }

  private func check(_ known: GuardrailSet?, at now: Instant) async throws {
    let content = content
    let (stamp, number) = state.withLock { state in
      state.begun += 1
      return (state.stamp, state.begun)
    }
    defer { state.withLock { $0.isChecking = false } }
    let read: (stamp: String, set: GuardrailSet?)
    do {
      read = try await store.read { transaction in
        let found = try transaction.contentStamp()
        if found == stamp, known != nil { return (found, nil) }
        let (rules, profiles) = try content()
        return (found, try GuardrailSet(transaction, rules: rules, profiles: profiles, at: now))
      }
    } catch {
      noteFailure(of: number, error, at: now)
      throw error
    }
    let wasFailing = state.withLock { state -> Bool in
      // One that began earlier may end later, and knows less.
      guard number > state.counted else { return false }
      (state.counted, state.checked) = (number, .now)
      if let set = read.set { (state.stamp, state.set, state.resolver) = (read.stamp, set, nil) }
      defer { state.failing = nil }
      return state.failing != nil
    }
    if wasFailing { alarm("guardrails can be read again") }
  }

  /// Raises an alarm about the first of reads that fail, unless a later one went well.
  private func noteFailure(of number: Int, _ error: any Error, at now: Instant) {
    let isFirst = state.withLock { state -> Bool in
      guard number > state.counted else { return false }
      state.counted = number
      defer { state.failing = state.failing ?? now }
      return state.failing == nil
    }
    if isFirst {
      alarm("guardrails cannot be read, and those that were read last decide: \(error)")
    }
  }
}
