package import Model
package import Store

/// Which exceptions need somebody's hand as of an instant.
package struct ExceptionReport: Sendable {
  /// An exception that cannot cover anything any more.
  package struct Orphan: Sendable, Hashable {
    package var exception: ExceptionRecord
    package var reason: String
  }

  /// Those in force that cover no present failure, orphaned ones aside.
  package var unused: [ExceptionRecord]
  /// Those in force or requested whose resource or rule is gone.
  package var orphaned: [Orphan]
  /// Those in force that end within ``Status/notice`` days.
  package var expiring: [ExceptionRecord]
  /// Those that wait for approval.
  package var requested: [ExceptionRecord]

  /// Reads what needs a hand.
  package init(_ transaction: StoreTransaction, at instant: Instant) throws {
    let all = try transaction.exceptions().filter { $0.requestedAt <= instant }
    let approved = all.filter { $0.state(at: instant) == .approved }
    requested = all.filter { $0.state(at: instant) == .requested }
    expiring = approved.filter { $0.expiresAt <= instant.advanced(days: Status.notice) }
    orphaned = try Self.orphans(
      (approved + requested).sorted { $0.id < $1.id },
      transaction,
      at: instant
    )
    let orphans = Set(orphaned.map(\.exception.id))
    let uncovering = try Self.uncovering(transaction, at: instant)
    unused = approved.filter { uncovering.contains($0.name) && !orphans.contains($0.id) }
  }

  private static func orphans(
    _ exceptions: [ExceptionRecord],
    _ transaction: StoreTransaction,
    at instant: Instant
  ) throws -> [Orphan] {
    guard !exceptions.isEmpty else { return [] }
    func isPattern(_ text: String) -> Bool { text.contains { $0 == "*" || $0 == "?" } }
    let named = Set(exceptions.map(\.resource))
    var exact = named.filter { !isPattern($0) }
    var patterns = named.filter(isPattern)
    var used: Set<Int64> = []
    try transaction.states(at: instant) { state in
      used.insert(state.layout)
      exact.remove(state.id)
      let matched = patterns.filter { Wildcard.matches(state.id, pattern: $0) }
      if !matched.isEmpty { patterns.subtract(matched) }
    }
    let layouts = try transaction.layouts()
    let goals = try transaction.goals()
    let rules = Set(used.flatMap { layouts[$0]?.goals ?? [] }.compactMap { goals[$0]?.rule })
    return exceptions.compactMap { exception in
      var reasons: [String] = []
      if exact.contains(exception.resource) || patterns.contains(exception.resource) {
        reasons.append("no present resource is named so")
      }
      if !rules.contains(exception.rule) { reasons.append("the rule is no longer judged") }
      guard !reasons.isEmpty else { return nil }
      return Orphan(exception: exception, reason: reasons.joined(separator: "; "))
    }
  }

  /// The names of the exceptions in force that cover no failure.
  private static func uncovering(
    _ transaction: StoreTransaction,
    at instant: Instant
  ) throws -> Set<String> {
    var left = try transaction.exceptionsInForce(at: instant)
    guard !left.isEmpty else { return [] }
    let tree = ScopeTree(try transaction.scopes(at: instant))
    var filter = ResultFilter()
    filter.verdicts = [.fail]
    filter.rules = Set(left.map(\.rule)).sorted()
    var failures: [(rule: String, place: Place)] = []
    var reader = try ResultReader(transaction, at: instant)
    try reader.results(filter) { failures.append((rule: $0.goal.rule, place: $0.place)) }
    // A resolver names one exception for a failure; another may cover it as well, so those that
    // were not named are asked again among themselves.
    while true {
      var resolver = ExceptionResolver(left, now: instant, scopes: tree)
      for failure in failures {
        _ = resolver.exception(rule: failure.rule, resource: failure.place.id) { failure.place }
      }
      let unused = resolver.unused
      if unused.count == left.count { return Set(unused.map(\.id)) }
      left = unused
    }
  }
}
