import Engine
import Foundation
import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

/// A store of its own and a folder for inventories, for one test.
struct Bench: Sendable {
  let store: DataStore
  let folder: URL

  /// Runs a test over a new database, and removes everything behind it.
  static func with(
    _ database: TestDatabase,
    _ body: (Bench) async throws -> Void
  ) async throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    try await database.with { database in
      try await body(Bench(store: try await DataStore(database), folder: folder))
    }
  }

  /// A file of its own with the lines of an inventory.
  func inventory(_ lines: [String]) throws -> String {
    let file = folder.appendingPathComponent("\(UUID().uuidString).ndjson")
    try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: file)
    return file.path
  }

  /// A scan as of an instant, at which the clock stands too unless told otherwise.
  func saved(
    at instant: Instant,
    _ plan: GoalPlan,
    account: String = "a",
    isOpen: Bool = false,
    isComplete: Bool = true,
    clock: Instant? = nil,
    workers: Int = 1
  ) -> SavedScan {
    let time = clock ?? instant
    return SavedScan(
      store,
      plan,
      account: account,
      isOpenToAccounts: isOpen,
      isComplete: isComplete,
      instant: instant,
      actor: "tester",
      clock: { time },
      workers: workers
    )
  }

  /// Scans an inventory from its beginning to its end.
  @discardableResult
  func scan(
    _ lines: [String],
    at instant: Instant,
    _ plan: GoalPlan? = nil,
    account: String = "a",
    isOpen: Bool = false,
    isComplete: Bool = true,
    subject: String = "test"
  ) async throws -> TaskReport {
    let scan = saved(
      at: instant,
      try plan ?? Kit.plan(),
      account: account,
      isOpen: isOpen,
      isComplete: isComplete
    )
    let inventory = try Inventory(path: inventory(lines))
    let id = try await scan.begin(inventory, subject: subject, instruction: [:])
    return try await scan.run(id)
  }

  /// Changes something as a person.
  func change<R: Sendable>(
    as actor: String = "tester",
    at instant: Instant,
    _ body: @Sendable @escaping (StoreTransaction) throws -> R
  ) async throws -> R {
    try await store.write(as: actor, at: instant, body)
  }

  /// How many rows a table has.
  func rows(_ table: String) async throws -> Int64 {
    try await store.database.read { session in
      try session.first("SELECT count(*) FROM \(table)") { $0.integer(0) } ?? 0
    }
  }

  /// The results as of an instant that a filter selects.
  func results(at instant: Instant, _ filter: ResultFilter = ResultFilter()) async throws
    -> [StoredResult]
  {
    try await store.read { transaction in
      var found: [StoredResult] = []
      var reader = try ResultReader(transaction, at: instant)
      try reader.results(filter) { found.append($0) }
      return found
    }
  }

  /// The verdicts as of an instant by `rule on resource`.
  func verdicts(at instant: Instant) async throws -> [String: Verdict] {
    var found: [String: Verdict] = [:]
    for result in try await results(at: instant) {
      let key = "\(result.goal.rule) on \(result.place.id)"
      #expect(found.updateValue(result.verdict, forKey: key) == nil, "\(key) stands twice")
    }
    return found
  }

  /// The ids of the resources that were there at an instant, sorted.
  func present(at instant: Instant) async throws -> [String] {
    try await store.read { transaction in
      var found: [String] = []
      try transaction.states(at: instant) { found.append($0.id) }
      return found.sorted()
    }
  }

  /// Every state that a resource had.
  func history(_ id: String) async throws -> [ResourceHistory.Step] {
    try await store.read { transaction in
      let all = try ResourceHistory.all(named: id, transaction)
      return all.count == 1 ? all[0].steps : []
    }
  }

  /// The ledger's entries of one instant, by scope and profile.
  func ledger(at instant: Instant) async throws -> [String: Score] {
    let entries = try await store.read { try $0.ledger(from: instant, to: instant) }
    return Dictionary(entries.map { ("\($0.scope)/\($0.profile)", $0.score) }) { $1 }
  }
}

extension ResourceHistory.Step {
  /// The verdict of a rule.
  func verdict(_ rule: String) -> Verdict? { verdicts.first { $0.goal.rule == rule }?.verdict }

  /// The version of a rule that judged.
  func version(_ rule: String) -> Int? { verdicts.first { $0.goal.rule == rule }?.goal.version }
}
