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
  let verdicts = EstateKeeper<VerdictColumns>()
  let words = EstateKeeper<WordColumns>()
  /// Held while a tally is counted, so that many who ask for it at once wait for one count.
  private let turn = Mutex<Void>(())
  /// How many tallies are kept.
  private static let most = 6

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

  private struct KeptTally {
    var key: TallyKey
    var tally: ResultTally
    var cost: Cost
  }

  private let patience: Patience

  /// A cache that finds out what cost more than `slow` anew after `patience` times as long at the earliest,
  /// though results change meanwhile: a scan of a large estate changes some all the time.
  ///
  /// Whoever reads is told it for twice that time since it was known to be so, within which it is renewed
  /// aside.
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

  /// Whether everything is counted as it is now; what is was valid until now.
  package func isCounted(_ changes: Int64) -> Bool {
    let now = patience.now()
    counted.noteValid(changes, now)
    return tallies.withLock { kept in
      for place in kept.indices where kept[place].key.changes == changes {
        kept[place].cost.valid = now
      }
      return kept.contains {
        $0.key.changes == changes && $0.key.instant == nil && $0.key.scope == nil
      }
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
  func tally(_ key: TallyKey, isRenewal: Bool, _ count: () throws -> ResultTally) throws
    -> (tally: ResultTally, key: TallyKey)
  {
    if let known = known(key, isRenewal) { return known }
    return try turn.withLock { _ in
      if let known = known(key, isRenewal) { return known }
      let (tally, cost) = try patience.measure(count)
      let found = KeptTally(key: key, tally: tally, cost: cost)
      tallies.withLock { tallies in
        tallies.removeAll { $0.key.changes != key.changes && $0.key.instant == nil }
        tallies = tallies.suffix(Self.most - 1) + [found]
      }
      return (tally, key)
    }
  }

  private func known(_ key: TallyKey, _ isRenewal: Bool) -> (tally: ResultTally, key: TallyKey)? {
    let now = patience.now()
    return tallies.withLock { tallies in
      let place = tallies.lastIndex { kept in
        var alike = kept.key
        alike.changes = key.changes
        return alike == key
          && (kept.key == key || patience.stands(kept.cost, now, isRenewal: isRenewal))
      }
      guard let place else { return nil }
      if tallies[place].key == key { tallies[place].cost.valid = now }
      return (tallies[place].tally, tallies[place].key)
    }
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

  func figures(
    _ key: FigureKey,
    of changes: Int64,
    isRenewal: Bool,
    _ make: () throws -> ResourceFigures
  ) throws -> ResourceFigures {
    try counted.value(key, of: changes, isRenewal: isRenewal, make)
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
      try ScopeOverview(transaction, of: scope, at: instant, self)
    }
  }

  /// How scopes overlap as of an instant, which is now where `isPresent`.
  package func conflicts(_ transaction: StoreTransaction, at instant: Instant, isPresent: Bool)
    throws -> ScopeConflicts
  {
    let key = try key(transaction, "", isPresent ? nil : instant)
    return try conflicts.value(key, of: transaction.changeCount()) {
      try ScopeConflicts(transaction, at: instant, self)
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

  /// Whether what cost so much stands at an instant though results have changed since.
  func stands(_ cost: Cost, _ now: ContinuousClock.Instant, isRenewal: Bool) -> Bool {
    guard cost.took > slow else { return false }
    return isRenewal
      ? now < cost.made + cost.took * factor : now < cost.valid + cost.took * factor * 2
  }

  /// Finds something out, and what that cost.
  func measure<Value>(_ make: () throws -> Value) rethrows -> (Value, Cost) {
    let began = now()
    let value = try make()
    let ended = now()
    return (value, Cost(took: ended - began, made: ended, valid: ended))
  }
}

/// What it cost to find something out, and when.
private struct Cost {
  var took: Duration
  var made: ContinuousClock.Instant
  /// When it was last known to be as things are.
  var valid: ContinuousClock.Instant
}

/// Keeps what was found out last, by what it was found out from.
private final class Recent<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Entry {
    var key: Key
    /// How often results had changed.
    var changes: Int64
    var value: Value
    var cost: Cost
  }

  private let kept = Mutex<[Entry]>([])
  /// Held while something is found out, so that many who ask for it at once wait for one answer.
  private let turn = Mutex<Void>(())
  private let patience: Patience
  private let most: Int

  init(_ patience: Patience, most: Int = 16) { (self.patience, self.most) = (patience, most) }

  /// The value of a key after so many changes, found out where it is not kept.
  func value(
    _ key: Key,
    of changes: Int64,
    isRenewal: Bool = false,
    _ make: () throws -> Value
  ) throws -> Value {
    if let known = known(key, changes, isRenewal) { return known }
    return try turn.withLock { _ in
      if let known = known(key, changes, isRenewal) { return known }
      let (found, cost) = try patience.measure(make)
      let entry = Entry(key: key, changes: changes, value: found, cost: cost)
      kept.withLock { kept in
        kept.removeAll { $0.key == key }
        kept = kept.suffix(most - 1) + [entry]
      }
      return found
    }
  }

  /// Notes that what was found out after so many changes is so at an instant.
  func noteValid(_ changes: Int64, _ now: ContinuousClock.Instant) {
    kept.withLock { kept in
      for place in kept.indices where kept[place].changes == changes {
        kept[place].cost.valid = now
      }
    }
  }

  private func known(_ key: Key, _ changes: Int64, _ isRenewal: Bool) -> Value? {
    let now = patience.now()
    return kept.withLock { kept in
      guard let place = kept.firstIndex(where: { $0.key == key }) else { return nil }
      if kept[place].changes == changes {
        kept[place].cost.valid = now
      } else if !patience.stands(kept[place].cost, now, isRenewal: isRenewal) {
        return nil
      }
      return kept[place].value
    }
  }
}
