import Engine
import Model
import Store

/// What counts at one of two instants.
final class ScoreSide {
  private let tree: ScopeTree
  private let scope: String
  private let goals: Set<Int64>
  /// Whether every goal counts.
  private let isEverything: Bool
  private var resolver: ExceptionResolver
  /// The definitions of all scopes, to tell whether they changed.
  let definition: [Scope]
  let hasExceptions: Bool

  init(
    _ transaction: StoreTransaction,
    _ entry: LedgerEntry,
    _ scope: String,
    at instant: Instant
  ) throws {
    // Scopes are those with which the entry was counted; exceptions are those of the instant.
    let scan = try transaction.scan(entry.scan)
    definition = try transaction.scopes(at: scan.instant)
    tree = ScopeTree(definition)
    self.scope = scope
    goals = Set(entry.goals)
    isEverything = entry.profile.isEmpty
    resolver = ExceptionResolver(
      try transaction.exceptionsInForce(at: instant),
      now: instant,
      scopes: ScopeTree(try transaction.scopes(at: instant))
    )
    hasExceptions = !resolver.isEmpty
  }

  /// Whether what counts depends on more of a resource than where it is.
  var asksForResources: Bool { hasExceptions || tree.asksForResources(scope) }

  func contains(_ place: Place) -> Bool { tree.contains(place, in: scope) }

  func counts(_ goal: Int64) -> Bool { isEverything || goals.contains(goal) }

  func isExcepted(_ rule: String, _ place: Place) -> Bool {
    hasExceptions && resolver.exception(rule: rule, resource: place.id) { place } != nil
  }
}
