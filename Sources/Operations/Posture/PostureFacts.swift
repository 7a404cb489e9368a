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
  private let explanations = Mutex<[(key: String, explanation: ScoreExplanation)]>([])
  /// Held while something is counted, so that many who ask for it at once wait for one count.
  private let turn = Mutex<Void>(())
  /// How many tallies and explanations are kept.
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

  /// A tally, what it cost, and when.
  private struct KeptTally {
    var key: TallyKey
    var tally: ResultTally
    var cost: Duration
    var at: ContinuousClock.Instant
  }

  private let slow: Duration
  private let patience: Double

  /// A tally that cost more than `slow` is used for `patience` times as long, though results change
  /// meanwhile: a scan of a large estate changes some all the time.
  package init(slow: Duration = .milliseconds(500), patience: Double = 10) {
    (self.slow, self.patience) = (slow, patience)
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

  /// The tally of a key, counted where it is not kept.
  func tally(_ key: TallyKey, _ count: () throws -> ResultTally) throws -> ResultTally {
    try turn.withLock { _ in
      let began = ContinuousClock.now
      let kept = tallies.withLock { tallies in
        tallies.last { kept in
          var alike = kept.key
          alike.changes = key.changes
          return alike == key
            && (kept.key == key || (kept.cost > slow && began < kept.at + kept.cost * patience))
        }
      }
      if let kept { return kept.tally }
      let tally = try count()
      let now = ContinuousClock.now
      let found = KeptTally(key: key, tally: tally, cost: now - began, at: now)
      tallies.withLock { tallies in
        tallies.removeAll { $0.key.changes != key.changes && $0.key.instant == nil }
        tallies = tallies.suffix(Self.most - 1) + [found]
      }
      return tally
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

  /// The explanation of a score's change, found out once for as long as it stands.
  package func explanation(
    _ explainer: ScoreExplainer,
    scope: String,
    profile: String,
    from: Instant,
    to: Instant
  ) throws -> ScoreExplanation {
    let key = try explainer.key(scope: scope, profile: profile, from: from, to: to)
    return try turn.withLock { _ in
      if var known = explanations.withLock({ $0.first { $0.key == key }?.explanation }) {
        (known.from, known.to) = (from, to)
        return known
      }
      let found = try explainer.explain(scope: scope, profile: profile, from: from, to: to)
      explanations.withLock { $0 = $0.suffix(Self.most - 1) + [(key, found)] }
      return found
    }
  }
}
