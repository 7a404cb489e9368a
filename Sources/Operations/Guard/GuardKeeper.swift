import Engine
import JSON
package import Model
package import Store
import Synchronization

/// Decides about requests by the guardrails of a store as they are now, and logs each decision.
///
/// Guardrails are read and compiled when something was decided on since, which is looked for at most
/// once a second. Where the store cannot be read, those that were read last go on: a database that is
/// away neither lifts a guardrail nor stops a deployment.
package final class GuardKeeper: Sendable {
  /// A request to create or change a resource.
  package struct Request: Sendable {
    package var resource: Resource
    /// Whether the resource is created, so that templates complete it.
    package var isNew: Bool
    /// Who asks, and at which gate.
    package var actor: String
    package var gate: String

    package init(_ resource: Resource, isNew: Bool, actor: String, gate: String) {
      (self.resource, self.isNew, self.actor, self.gate) = (resource, isNew, actor, gate)
    }
  }

  private struct State {
    var set: GuardrailSet?
    var stamp = ""
    var resolver: (resolver: ExceptionResolver, until: Instant)?
    var checked: ContinuousClock.Instant?
    var isChecking = false
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
  /// Is told when the breaker trips and when it is restored.
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
    return requests.map { set.undecided($0.resource, "no decision came within \(limit)", at: now) }
  }

  private func judge(_ requests: [Request], at now: Instant) async throws -> [Decision] {
    let start = ContinuousClock.now
    let decisions: [Decision]
    do {
      let (set, resolver) = try await facts(isFresh: false, at: now)
      decisions = requests.map { set.decide($0.resource, isNew: $0.isNew, at: now, resolver) }
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
    let decisions = requests.map { set.undecided($0.resource, reason, at: now) }
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
      let judged = requests.prefix(room).map {
        set.decide($0.resource, isNew: $0.isNew, at: now, resolver)
      }
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
          try await check(known, at: now)
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
    let stamp = state.withLock { $0.stamp }
    defer { state.withLock { $0.isChecking = false } }
    let read = try await store.read { transaction -> (String, GuardrailSet?) in
      let found = try transaction.contentStamp()
      if found == stamp, known != nil { return (found, nil) }
      let (rules, profiles) = try content()
      return (found, try GuardrailSet(transaction, rules: rules, profiles: profiles, at: now))
    }
    state.withLock { state in
      state.checked = .now
      // Of two that looked at once the later state of things stays.
      guard let set = read.1 else { return }
      (state.stamp, state.set, state.resolver) = (read.0, set, nil)
    }
  }
}

extension GuardrailSet {
  /// The guardrails of a store as of an instant, over rules and profiles that are there besides.
  package init(
    _ transaction: StoreTransaction,
    rules: [Rule],
    profiles: [Profile],
    at now: Instant
  ) throws {
    let own = try OwnContent(transaction, at: now)
    let exceptions = try transaction.exceptions().compactMap(\.approved).filter { $0.ends > now }
    self.init(
      Parts(
        guardrails: try transaction.guardrails(at: now),
        rules: rules + own.rules,
        unreadable: own.unreadable,
        profiles: try KeptProfiles(profiles, transaction).all(),
        templates: own.templates,
        scopes: ScopeTree(try transaction.scopes(at: now)),
        accounts: try Places(transaction).names,
        exceptions: exceptions
      )
    )
  }
}

extension LoggedDecision {
  /// A decision about a request, as it is logged; a refused configuration is kept with it.
  ///
  /// `judged` is what it would have been, where it was answered before it was judged.
  package init(
    _ decision: Decision,
    _ request: GuardKeeper.Request,
    judgedAs judged: Decision? = nil
  ) {
    var report =
      decision.rulings.isEmpty && decision.fault == nil && decision.additions.isEmpty
      ? nil : decision.json(hasProof: true).object
    if let judged { report?["monitored"] = judged.json(hasProof: true) }
    if decision.effect == .refused { report?["request"] = request.resource.inventoryLine }
    let resource = decision.resource
    let place = Place(
      accounts: [resource.account],
      provider: resource.provider,
      region: resource.region,
      group: resource.group,
      kind: resource.kind,
      id: resource.id
    )
    let first = (judged ?? decision).rulings.first
    self.init(
      at: decision.at,
      actor: request.actor,
      gate: request.gate,
      effect: decision.effect,
      place: place,
      name: request.resource.name,
      rule: first?.rule.id ?? "",
      verdict: first?.verdict.rawValue ?? "",
      report: report.map { .object($0) } ?? .null
    )
  }
}
