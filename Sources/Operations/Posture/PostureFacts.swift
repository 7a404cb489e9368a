package import Model
package import Store
import Synchronization

/// What readers of posture need beside resources: places, layouts and goals.
package struct PostureFacts: Sendable {
  let places: Places
  let layouts: [Int64: StoredLayout]
  let goals: [Int64: StoredGoal]

  /// The facts of a store.
  package init(_ transaction: StoreTransaction) throws {
    places = try Places(transaction)
    layouts = try transaction.layouts()
    goals = try transaction.goals()
  }
}

/// Keeps what was read and counted of one store between requests, for as long as it stands.
package final class PostureCache: Sendable {
  private let kept = Mutex<(stamp: String, facts: PostureFacts)?>(nil)
  private let tallies = Mutex<[KeptTally]>([])
  private let figures = Mutex<[(key: ResultKey, figures: ResultFigures)]>([])
  private let explanations: Recent<String, ScoreExplanation>
  private let counted: Recent<FigureKey, ResourceFigures>
  private let overviews: Recent<ScopeKey, ScopeOverview>
  private let conflicts: Recent<ScopeKey, ScopeConflicts>
  private let estates: Recent<ScopeKey, ReachEstate>
  /// Held while a tally is counted, so that many who ask for it at once wait for one count.
  private let turn = Mutex<Void>(())
  /// How many tallies are kept.
  private static let most = 16

  /// What a tally was counted from.
  struct TallyKey: Hashable {
    /// Nil for now.
    var instant: Instant?
    var changes: Int64
    var exceptions: [String]
    var scopes: [Scope]
    var scope: String?
    var sight: Sight?
  }

  /// What figures of results were counted from.
  struct ResultKey: Hashable {
    var tally: TallyKey
    var sight: Sight
    var filter: ResultFilter
    /// Of what people decide, by which goals, scopes and the account tree are as they are.
    var stamp: String
  }

  /// What figures of resources were counted from.
  struct FigureKey: Hashable, Sendable {
    /// Nil for now.
    var instant: Instant?
    var decisions: String
    var sight: Sight
    var filter: ResourceFilter
  }

  /// What scopes were looked over from.
  private struct ScopeKey: Hashable, Sendable {
    /// Nil for now.
    var instant: Instant?
    var decisions: String
    /// Empty for all of them.
    var scope: String
  }

  /// A tally, what it cost, and when.
  private struct KeptTally {
    var key: TallyKey
    var tally: ResultTally
    var cost: Duration
    var at: ContinuousClock.Instant
  }

  private let patience: Patience

  /// What cost more than `slow` to find out is used for `patience` times as long, though results change
  /// meanwhile: a scan of a large estate changes some all the time.
  package init(
    slow: Duration = .milliseconds(500),
    patience factor: Double = 10,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
  ) {
    let patience = Patience(slow: slow, factor: factor, now: now)
    self.patience = patience
    (explanations, counted) = (Recent(patience), Recent(patience))
    (overviews, conflicts) = (Recent(patience), Recent(patience))
    estates = Recent(patience, most: 2)
  }

  /// Whether everything is counted as it is now.
  package func isCounted(_ changes: Int64) -> Bool {
    tallies.withLock { kept in
      kept.contains { $0.key.changes == changes && $0.key.instant == nil && $0.key.scope == nil }
    }
  }

  /// The facts as the transaction sees them.
  package func facts(_ transaction: StoreTransaction) throws -> PostureFacts {
    let stamp = try transaction.contentStamp()
    if let facts = kept.withLock({ $0?.stamp == stamp ? $0?.facts : nil }) { return facts }
    let facts = try PostureFacts(transaction)
    kept.withLock { $0 = (stamp, facts) }
    return facts
  }

  /// The tally of a key, counted where it is not kept, and what it was counted from, which may be of
  /// fewer changes.
  func tally(_ key: TallyKey, _ count: () throws -> ResultTally) throws
    -> (tally: ResultTally, key: TallyKey)
  {
    if let known = known(key) { return known }
    return try turn.withLock { _ in
      if let known = known(key) { return known }
      let began = patience.now()
      let tally = try count()
      let ended = patience.now()
      let found = KeptTally(key: key, tally: tally, cost: ended - began, at: ended)
      tallies.withLock { tallies in
        tallies.removeAll { $0.key.changes != key.changes && $0.key.instant == nil }
        tallies = tallies.suffix(Self.most - 1) + [found]
      }
      return (tally, key)
    }
  }

  private func known(_ key: TallyKey) -> (tally: ResultTally, key: TallyKey)? {
    let now = patience.now()
    let found = tallies.withLock { tallies in
      tallies.last { kept in
        var alike = kept.key
        alike.changes = key.changes
        return alike == key
          && (kept.key == key || patience.stands(kept.cost, since: kept.at, now))
      }
    }
    return found.map { ($0.tally, $0.key) }
  }

  func figures(_ key: ResultKey) -> ResultFigures? {
    figures.withLock { $0.first { $0.key == key }?.figures }
  }

  func keep(_ counted: ResultFigures, under key: ResultKey) {
    figures.withLock { figures in
      figures.removeAll { $0.key.tally.changes != key.tally.changes }
      figures = figures.suffix(Self.most - 1) + [(key, counted)]
    }
  }

  func figures(_ key: FigureKey, of changes: Int64, _ make: () throws -> ResourceFigures) throws
    -> ResourceFigures
  {
    try counted.value(key, of: changes, make)
  }

  /// What a scope holds as of an instant, which is now where `isPresent`.
  package func overview(
    _ transaction: StoreTransaction,
    of scope: String,
    at instant: Instant,
    isPresent: Bool
  ) throws -> ScopeOverview {
    let key = try key(transaction, scope, isPresent ? nil : instant)
    return try overviews.value(key, of: transaction.changeCount()) {
      try ScopeOverview(transaction, of: scope, at: instant)
    }
  }

  /// How scopes overlap as of an instant, which is now where `isPresent`.
  package func conflicts(_ transaction: StoreTransaction, at instant: Instant, isPresent: Bool)
    throws -> ScopeConflicts
  {
    let key = try key(transaction, "", isPresent ? nil : instant)
    return try conflicts.value(key, of: transaction.changeCount()) {
      try ScopeConflicts(transaction, at: instant)
    }
  }

  /// What decides who has access as of an instant, which is now where `isPresent`.
  package func reach(
    _ transaction: StoreTransaction,
    _ facts: [ReachFacts],
    at instant: Instant,
    isPresent: Bool
  ) throws -> ReachEstate {
    let key = try key(transaction, "", isPresent ? nil : instant)
    return try estates.value(key, of: transaction.changeCount()) {
      var estate = ReachEstate(facts)
      try estate.add(transaction, at: instant)
      return estate
    }
  }

  private func key(_ transaction: StoreTransaction, _ scope: String, _ instant: Instant?) throws
    -> ScopeKey
  {
    ScopeKey(
      instant: instant,
      decisions: try transaction.contentStamp(),
      scope: scope
    )
  }

  /// The explanation of a score's change, found out once for as long as it stands.
  package func explanation(
    _ explainer: ScoreExplainer,
    scope: String,
    profile: String,
    from: Instant,
    to: Instant
  ) throws -> ScoreExplanation {
    let (key, changes) = try explainer.key(scope: scope, profile: profile, from: from, to: to)
    var found = try explanations.value(key, of: changes) {
      try explainer.explain(scope: scope, profile: profile, from: from, to: to, self)
    }
    (found.from, found.to) = (from, to)
    return found
  }
}

/// For how long something stands though results have changed since.
private struct Patience: Sendable {
  let slow: Duration
  let factor: Double
  let now: @Sendable () -> ContinuousClock.Instant

  func stands(
    _ cost: Duration,
    since found: ContinuousClock.Instant,
    _ now: ContinuousClock.Instant
  )
    -> Bool
  {
    cost > slow && now < found + cost * factor
  }
}

/// Keeps what was found out last, by what it was found out from.
private final class Recent<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Entry {
    var key: Key
    /// How often results had changed.
    var changes: Int64
    var value: Value
    var cost: Duration
    var at: ContinuousClock.Instant
  }

  private let kept = Mutex<[Entry]>([])
  /// Held while something is found out, so that many who ask for it at once wait for one answer.
  private let turn = Mutex<Void>(())
  private let patience: Patience
  private let most: Int

  init(_ patience: Patience, most: Int = 16) { (self.patience, self.most) = (patience, most) }

  /// The value of a key after so many changes, found out where it is not kept.
  func value(_ key: Key, of changes: Int64, _ make: () throws -> Value) throws -> Value {
    if let known = known(key, changes) { return known }
    return try turn.withLock { _ in
      if let known = known(key, changes) { return known }
      let began = patience.now()
      let found = try make()
      let ended = patience.now()
      let entry = Entry(key: key, changes: changes, value: found, cost: ended - began, at: ended)
      kept.withLock { kept in
        kept.removeAll { $0.key == key }
        kept = kept.suffix(most - 1) + [entry]
      }
      return found
    }
  }

  private func known(_ key: Key, _ changes: Int64) -> Value? {
    let now = patience.now()
    return kept.withLock { kept in
      kept.first {
        $0.key == key
          && ($0.changes == changes || patience.stands($0.cost, since: $0.at, now))
      }?.value
    }
  }
}
