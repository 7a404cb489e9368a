import Engine
import JSON
package import Model
package import Store

/// How a profile stands over a scope at an instant, with the scan before.
package struct Standing: Sendable {
  /// The entry of the last scan, its score with what exceptions cover at the instant.
  package var entry: LedgerEntry
  /// The score of the same scope and profile after the scan before, if there was one.
  package var before: LedgerEntry?

  package init(entry: LedgerEntry, before: LedgerEntry? = nil) {
    self.entry = entry
    self.before = before
  }
}

/// The posture at an instant, from the score ledger and the exceptions in force.
package struct Status: Sendable {
  package var instant: Instant
  package var standings: [Standing]
  /// The last finished scan that counts.
  package var scan: ScanRecord?
  package var report: TaskReport
  /// Kinds that were not fully read.
  package var gaps: Int?
  /// Scans that were interrupted or are running.
  package var open: [ScanRecord]
  /// Whether scopes or attachments changed since the last scan, which the score does not count yet.
  package var isOutdated: Bool
  /// Exceptions that end within a time, and requests that wait.
  package var expiring: [ExceptionRecord]
  package var requested: [ExceptionRecord]

  /// How many days before its end an exception is told of.
  package static let notice = 30

  /// Reads the posture at an instant.
  package init(_ transaction: StoreTransaction, at instant: Instant) throws {
    self.instant = instant
    standings = []
    gaps = try transaction.coverage(at: instant).filter { $0.gap != nil }.count
    open = try transaction.openScans()
    let exceptions = try transaction.exceptions().filter { $0.requestedAt <= instant }
    isOutdated = false
    expiring = exceptions.filter {
      $0.state(at: instant) == .approved && $0.expiresAt <= instant.advanced(days: Self.notice)
    }
    requested = exceptions.filter { $0.state(at: instant) == .requested }
    guard let last = try transaction.lastLedgerInstant(upTo: instant) else {
      report = TaskReport()
      return
    }
    let entries = try Self.newest(transaction.ledger(from: last, to: last))
    let scan = try entries.first.map { try transaction.scan($0.scan) }
    self.scan = scan
    if let scan {
      isOutdated =
        try transaction.scopes(at: instant) != transaction.scopes(at: scan.instant)
        || transaction.attachments(at: instant).map(\.id)
          != transaction.attachments(at: scan.instant).map(\.id)
    }
    report = TaskReport(scan?.report ?? .null)
    var before: [LedgerEntry] = []
    if let former = try transaction.lastLedgerInstant(upTo: last.advanced(milliseconds: -1)) {
      before = try Self.newest(transaction.ledger(from: former, to: former))
    }
    let excepted = try ExceptedWeights(transaction, entries, at: instant).weights
    standings = zip(entries, excepted).map { entry, weight in
      var entry = entry
      entry.score.except(weight: weight)
      return Standing(
        entry: entry,
        before: before.first { $0.scope == entry.scope && $0.profile == entry.profile }
      )
    }
  }

  /// The entries of the newest scan among some of one instant.
  private static func newest(_ entries: [LedgerEntry]) -> [LedgerEntry] {
    let scan = entries.map(\.scan).max()
    return entries.filter { $0.scan == scan }
  }
}

/// What the exceptions in force cover, by entry of the ledger.
///
/// The ledger is without exceptions, so that one that ends counts from that instant on and not from
/// the next scan on.
struct ExceptedWeights {
  /// The weight of covered failures for each entry.
  private(set) var weights: [Int]

  init(_ transaction: StoreTransaction, _ entries: [LedgerEntry], at instant: Instant) throws {
    weights = entries.map { _ in 0 }
    guard let first = entries.first else { return }
    // States and scopes are those that the entries counted; exceptions are those of the instant.
    let counting = ScopeTree(try transaction.scopes(at: transaction.scan(first.scan).instant))
    let tree = ScopeTree(try transaction.scopes(at: instant))
    var resolver = ExceptionResolver(
      try transaction.exceptionsInForce(at: instant),
      now: instant,
      scopes: tree
    )
    guard !resolver.isEmpty else { return }
    let rules = resolver.rules
    let goals = try transaction.goals().filter { rules.contains($0.value.rule) }
    let layouts = try transaction.layouts().filter {
      !Set($0.value.goals).isDisjoint(with: goals.keys)
    }
    let counted = entries.map { Set($0.goals) }
    let places = try Places(transaction)
    var found = entries.map { _ in 0 }
    func add(_ state: StoredState) {
      guard let layout = layouts[state.layout] else { return }
      for (number, letter) in zip(layout.goals, state.verdicts.utf8) {
        guard Verdict(letter: letter) == .fail, let goal = goals[number] else { continue }
        let exception = resolver.exception(rule: goal.rule, resource: state.id) {
          places.place(of: state)
        }
        guard exception != nil else { continue }
        for index in entries.indices
        where entries[index].profile.isEmpty || counted[index].contains(number) {
          guard counting.contains(places.place(of: state), in: entries[index].scope) else {
            continue
          }
          found[index] += goal.severity.weight
        }
      }
    }
    let kinds = Set(layouts.values.map(\.kind))
    if let few = try Self.few(transaction, resolver.resources, kinds) {
      for number in few {
        if let state = try transaction.state(of: number, at: first.at) { add(state) }
      }
    } else {
      for kind in kinds {
        try transaction.states(at: first.at, StateFilter(kind: kind), add)
      }
    }
    weights = found
  }

  /// The resources that exceptions name, by number, where looking each up costs less than reading
  /// every resource; nil where some exception has wildcards or there are too many.
  static func few(
    _ transaction: StoreTransaction,
    _ resources: Set<String>?,
    _ kinds: Set<Int64>
  ) throws -> [Int64]? {
    guard let resources else { return nil }
    let accounts = try transaction.accounts().keys.sorted()
    let questions = resources.count * accounts.count * kinds.count
    guard Int64(questions) * 16 < (try transaction.resourceCount()) else { return nil }
    let asked = resources.flatMap { id in
      accounts.flatMap { account in kinds.map { (account: account, kind: $0, id: id) } }
    }
    return Set(try transaction.numbers(of: asked).map(\.number)).sorted()
  }
}
