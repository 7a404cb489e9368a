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
  }

  /// How long what was read counts as read just now.
  private static let freshness = Duration.seconds(1)

  private let store: DataStore
  private let content: @Sendable () throws -> (rules: [Rule], profiles: [Profile])
  private let state = Mutex(State())
  package let log: DecisionLog

  /// A keeper over a store, and over the rules and profiles that are there besides.
  package init(
    _ store: DataStore,
    content: @escaping @Sendable () throws -> (rules: [Rule], profiles: [Profile])
  ) {
    (self.store, self.content) = (store, content)
    log = DecisionLog(store)
  }

  /// The guardrails as they are now; `isFresh` asks for what was decided until this moment.
  ///
  /// - Throws: what reading throws, where nothing was read before.
  package func current(isFresh: Bool = false, at now: Instant) async throws -> GuardrailSet {
    try await facts(isFresh: isFresh, at: now).set
  }

  /// Decides about requests and logs the decisions.
  ///
  /// - Throws: what reading guardrails throws, where none were read before.
  package func decide(_ requests: [Request], at now: Instant) async throws -> [Decision] {
    let (set, resolver) = try await facts(isFresh: false, at: now)
    let decisions = requests.map { set.decide($0.resource, isNew: $0.isNew, at: now, resolver) }
    log.note(
      zip(requests, decisions).map { LoggedDecision($1, $0) }
    )
    return decisions
  }

  private func facts(
    isFresh: Bool,
    at now: Instant
  ) async throws -> (set: GuardrailSet, resolver: ExceptionResolver) {
    let (known, mustCheck) = state.withLock { state in
      let isRecent = state.checked.map { ContinuousClock.now - $0 < Self.freshness } ?? false
      let known = state.set
      // One looks; whoever comes meanwhile goes by what was read before.
      let mustCheck = known == nil || isFresh || (!isRecent && !state.isChecking)
      if mustCheck { state.isChecking = true }
      return (known, mustCheck)
    }
    if mustCheck {
      do {
        try await check(known, at: now)
      } catch {
        state.withLock { $0.isChecking = false }
        if known == nil || isFresh { throw error }
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
    let read = try await store.read { transaction -> (String, GuardrailSet?) in
      let found = try transaction.contentStamp()
      if found == stamp, known != nil { return (found, nil) }
      let (rules, profiles) = try content()
      return (found, try GuardrailSet(transaction, rules: rules, profiles: profiles, at: now))
    }
    state.withLock { state in
      state.isChecking = false
      state.checked = .now
      state.stamp = read.0
      guard let set = read.1 else { return }
      (state.set, state.resolver) = (set, nil)
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
        profiles: profiles,
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
  package init(_ decision: Decision, _ request: GuardKeeper.Request) {
    var report =
      decision.rulings.isEmpty && decision.fault == nil && decision.additions.isEmpty
      ? nil : decision.json(hasProof: true).object
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
    let first = decision.rulings.first
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
