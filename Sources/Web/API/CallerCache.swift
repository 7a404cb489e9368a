import Model
import Operations
import Store
import Synchronization

/// Whose keys are whose, as the store says, read again when something was changed.
///
/// A change through this server counts at once, one through another process within a second. While the store
/// cannot be read, or hangs, those act on whose keys were read before, for an hour: gates go on deciding by what
/// they know, and nobody can end a key meanwhile.
final class CallerCache: Sendable {
  /// Who acts by a key.
  struct Caller: Sendable {
    var principal: Principal
    var key: APIKey
    /// What is kept of the key.
    var digest: String
    /// When a grant or the key ends, so that it has to be read again.
    var until: Instant
  }

  private struct State {
    var stamp = ""
    var writes = -1
    var checked: ContinuousClock.Instant?
    /// Whether somebody looks whether something was changed.
    var isChecking = false
    /// Whether the last look came to nothing.
    var isFailing = false
    var callers: [String: Caller] = [:]
    /// The digests of keys by what gates show instead of them.
    var gates: [GateKey: [String: String]] = [:]
  }

  private static let freshness = Duration.seconds(1)
  /// For how long keys that were read count on while the store cannot be read.
  private static let outage = Duration.seconds(3600)
  /// The most keys that are remembered; a server seldom meets more.
  private static let most = 10_000

  private let store: DataStore
  private let state = Mutex(State())

  init(_ store: DataStore) { self.store = store }

  /// Who acts by the key of a digest; nil for a key that is not in force.
  func caller(digest: String, at now: Instant) async throws -> Caller? {
    try await check()
    if let known = state.withLock({ $0.callers[digest] }), known.until > now { return known }
    let (stamp, found) = try await store.read { transaction -> (String, Caller?) in
      let stamp = try transaction.contentStamp()
      guard let key = try transaction.key(digest: digest, at: now),
        let principal = try transaction.principal(key.person, limit: key.limit, at: now)
      else { return (stamp, nil) }
      let ends = principal.grants.map(\.expiresAt) + [key.expiresAt]
      return (
        stamp, Caller(principal: principal, key: key, digest: digest, until: ends.min() ?? now)
      )
    }
    state.withLock { state in
      guard state.stamp == stamp else { return }
      if state.callers.count >= Self.most { state.callers = [:] }
      state.callers[digest] = found
    }
    return found
  }

  /// Who acts at a gate by what is derived from a key for it.
  func caller(_ shown: String, at gate: GateKey, _ now: Instant) async throws -> Caller? {
    try await check()
    var known = state.withLock { $0.gates[gate] }
    if known == nil {
      let (stamp, digests) = try await store.read { transaction in
        (try transaction.contentStamp(), try transaction.keyDigests(at: now))
      }
      let pairs = digests.values.map { (gate.derived(fromDigest: $0), $0) }
      let read = Dictionary(pairs) { first, _ in first }
      state.withLock { if $0.stamp == stamp { $0.gates[gate] = read } }
      known = read
    }
    guard let digest = known?[shown] else { return nil }
    return try await caller(digest: digest, at: now)
  }

  /// Notes that a key was used on a day, which changes nothing else about it.
  func noteUse(of caller: Caller, on day: String) {
    state.withLock { state in
      for (digest, known) in state.callers where known.key.id == caller.key.id {
        state.callers[digest]?.key.usedOn = day
      }
    }
  }

  /// Forgets what was read where something was changed since.
  ///
  /// - Throws: what reading throws, where nothing was read within the outage that is borne.
  private func check() async throws {
    let writes = store.writeCount
    let (mustCheck, isBorne, isFailing) = state.withLock { state in
      let age = state.checked.map { ContinuousClock.now - $0 }
      let isFresh = state.writes == writes && age.map { $0 < Self.freshness } ?? false
      let isBorne = age.map { $0 < Self.outage } ?? false
      // One looks; whoever comes meanwhile goes by what was read before, unless this server changed it.
      let mustCheck = !isFresh && (!state.isChecking || state.writes != writes || !isBorne)
      if mustCheck { state.isChecking = true }
      return (mustCheck, isBorne, state.isFailing)
    }
    guard mustCheck else { return }
    guard isBorne else { return try await look(writes) }
    if isFailing {
      Task { [self] in try? await look(writes) }
      return
    }
    do {
      let looked: Void? = try await Race.value(within: Self.freshness) { [self] in
        try await look(writes)
      }
      if looked == nil { state.withLock { $0.isFailing = true } }
    } catch let error as SQLError {
      guard error.isOfAbsence else { throw error }
    }
  }

  private func look(_ writes: Int) async throws {
    do {
      let stamp = try await store.read { try $0.contentStamp() }
      state.withLock { state in
        if state.stamp != stamp { (state.callers, state.gates) = ([:], [:]) }
        (state.stamp, state.writes, state.checked) = (stamp, writes, .now)
        (state.isChecking, state.isFailing) = (false, false)
      }
    } catch {
      state.withLock { ($0.isChecking, $0.isFailing) = (false, true) }
      throw error
    }
  }
}

extension SQLError {
  /// Whether the database is not to be had just now.
  fileprivate var isOfAbsence: Bool {
    switch self {
    case .unreachable, .busy: true
    default: false
    }
  }
}
