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

/// Keeps the facts of one store between requests, for as long as they stand.
package final class PostureCache: Sendable {
  private let kept = Mutex<(stamp: String, facts: PostureFacts)?>(nil)

  package init() {}

  /// The facts as the transaction sees them.
  package func facts(_ transaction: StoreTransaction) throws -> PostureFacts {
    let stamp = try transaction.contentStamp()
    if let facts = kept.withLock({ $0?.stamp == stamp ? $0?.facts : nil }) { return facts }
    let facts = try PostureFacts(transaction)
    kept.withLock { $0 = (stamp, facts) }
    return facts
  }
}
