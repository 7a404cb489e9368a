import JSON
import Model
import Store
import TestSupport
import Testing

/// Scans and their tasks, which workers lease.
struct TaskTests {
  private static let outcome = TaskOutcome(
    report: ["resources": 3],
    seen: NumberSet([3, 1, 2]),
    population: Array("{}".utf8),
    deferred: Array("{\"id\":1}\n".utf8)
  )

  private static func begin(
    _ store: DataStore,
    _ account: String? = "a1",
    at instant: Instant
  ) async throws -> Int64 {
    try await store.write(as: "ann", at: instant) { transaction in
      try transaction.beginScan(
        subject: "inventory of \(account ?? "all")",
        account: account,
        instruction: ["path": "inventory.jsonl"],
        instant: instant,
        content: "digest"
      )
    }
  }

  /// A store with a scan of two parts and what waits for them.
  private func withTasks(
    _ kind: TestDatabase,
    _ body: (DataStore, Int64) async throws -> Void
  ) async throws {
    try await kind.withStore { store in
      let scan = try await Self.begin(store, at: .hour(0))
      try await store.write(as: "ann", at: .hour(0)) { transaction in
        try transaction.add([("part", 0, 100), ("part", 100, 50), ("related", 0, 0)], to: scan)
      }
      try await body(store, scan)
    }
  }

  private static func lease(
    _ store: DataStore,
    _ scan: Int64,
    _ part: String = "part",
    to owner: String,
    at hour: Int64,
    until: Int64
  ) async throws -> ScanTask? {
    try await store.write(as: owner, at: .hour(hour)) { transaction in
      try transaction.lease(part, of: scan, to: owner, until: .hour(until))
    }
  }

  /// Whether an owner could finish a task.
  private static func finish(
    _ store: DataStore,
    _ task: ScanTask,
    by owner: String
  ) async throws -> Bool {
    do {
      try await store.write(as: owner, at: .hour(9)) { transaction in
        try transaction.finish(task, by: owner, Self.outcome)
      }
      return true
    } catch StoreError.leaseLost(let lost) {
      #expect(lost == task.id)
      return false
    }
  }

  private static func end(
    _ store: DataStore,
    _ scan: Int64,
    _ status: ScanStatus
  ) async throws {
    try await store.write(as: "ann", at: .hour(99)) { transaction in
      try transaction.move(scan, to: status, report: [:])
    }
  }

  /// That no scan can begin.
  private static func expectRefusal(
    _ store: DataStore,
    _ account: String? = "a1",
    at hour: Int64
  ) async {
    let error = await #expect(throws: StoreError.self) {
      try await begin(store, account, at: .hour(hour))
    }
    #expect(error?.word == "conflict", "\(account ?? "all") at hour \(hour)")
  }

  @Test(arguments: TestDatabase.all)
  func `scans of a subject go forward in time`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let first = try await Self.begin(store, at: .hour(5))
      try await Self.end(store, first, .finished)
      await Self.expectRefusal(store, at: 5)
      await Self.expectRefusal(store, at: 4)
      let other = try await Self.begin(store, "a2", at: .hour(5))
      let later = try await Self.begin(store, at: .hour(6))
      try await Self.end(store, later, .cancelled)
      // A cancelled scan left nothing, so its instant is free again; that of a failed one is not.
      let again = try await Self.begin(store, at: .hour(6))
      try await Self.end(store, again, .failed)
      await Self.expectRefusal(store, at: 6)
      #expect([first, other, later, again] == [1, 2, 3, 4])
      let newest = try await store.read { try $0.scans(limit: 2).map(\.id) }
      #expect(newest == [4, 3])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `no two open scans may meet the same resources`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let first = try await Self.begin(store, "a1", at: .hour(1))
      await Self.expectRefusal(store, "a1", at: 2)
      await Self.expectRefusal(store, nil, at: 2)
      let other = try await Self.begin(store, "a2", at: .hour(2))
      try await store.write(as: "ann", at: .hour(2)) { transaction in
        try transaction.move(first, to: .running, report: [:])
      }
      await Self.expectRefusal(store, "a1", at: 2)
      try await Self.end(store, first, .finished)
      await Self.expectRefusal(store, nil, at: 3)
      try await Self.end(store, other, .finished)
      _ = try await Self.begin(store, nil, at: .hour(3))
      await Self.expectRefusal(store, "a3", at: 3)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a scan moves on until it ends`(kind: TestDatabase) async throws {
    try await withTasks(kind) { store, id in
      let begun = try await store.read { try $0.scan(id) }
      #expect(begun.status == .collecting && begun.finished == nil && begun.report == [:])
      #expect(
        begun.subject == "inventory of a1" && begun.actor == "ann" && begun.content == "digest"
      )
      #expect(begun.instruction == ["path": "inventory.jsonl"])
      #expect(begun.instant == .hour(0) && begun.started == .hour(0))
      try await store.write(as: "ann", at: .hour(1)) { transaction in
        try transaction.move(id, to: .running, report: ["done": 1])
      }
      let running = try await store.read { try $0.scan(id) }
      #expect(running.status == .running && running.finished == nil)
      #expect(running.report == ["done": 1])
      try await store.write(as: "ann", at: .hour(2)) { transaction in
        try transaction.move(id, to: .finished, report: ["done": 2])
      }
      let finished = try await store.read { try $0.scan(id) }
      #expect(finished.status == .finished && finished.finished == .hour(2))
      try await #expect(store.read { try $0.tasks(of: id).count } == 0)
      let again = await #expect(throws: StoreError.self) {
        try await store.write(as: "ann", at: .hour(3)) { transaction in
          try transaction.move(id, to: .failed, report: [:])
        }
      }
      #expect(again?.word == "conflict")
      let unknown = await #expect(throws: StoreError.self) {
        try await store.read { try $0.scan(99) }
      }
      #expect(unknown == .notFound(kind: "scan", name: "99"))
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a task is leased once, and again after its lease`(kind: TestDatabase) async throws {
    try await withTasks(kind) { store, scan in
      let first = try await Self.lease(store, scan, to: "w1", at: 1, until: 3)
      let second = try await Self.lease(store, scan, to: "w2", at: 1, until: 9)
      let third = try await Self.lease(store, scan, to: "w3", at: 1, until: 9)
      #expect(first?.start == 0 && first?.length == 100 && first?.attempts == 1)
      #expect(second?.start == 100 && second?.length == 50)
      #expect(third == nil)
      let related = try await Self.lease(store, scan, "related", to: "w3", at: 1, until: 9)
      #expect(related?.part == "related")
      let owners = try await store.read { try $0.owners(of: scan).sorted() }
      #expect(owners == ["w1", "w2", "w3"])
      let early = try await Self.lease(store, scan, to: "w4", at: 3, until: 9)
      #expect(early == nil)
      let taken = try await Self.lease(store, scan, to: "w4", at: 4, until: 9)
      #expect(taken?.id == first?.id && taken?.attempts == 2)
      let tasks = try await store.read { try $0.tasks(of: scan) }
      #expect(tasks.map(\.attempts) == [2, 1, 1])
      #expect(tasks.map(\.state) == [.leased, .leased, .leased])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `who lost a lease cannot finish`(kind: TestDatabase) async throws {
    try await withTasks(kind) { store, scan in
      let first = try await Self.lease(store, scan, to: "w1", at: 1, until: 2)
      let task = try #require(first)
      let second = try await Self.lease(store, scan, to: "w2", at: 3, until: 9)
      let mine = try #require(second)
      let late = try await Self.finish(store, task, by: "w1")
      #expect(!late)
      let none = try await store.read { try $0.outcomes(of: scan).count }
      #expect(none == 0)
      let inTime = try await Self.finish(store, mine, by: "w2")
      #expect(inTime)
      let twice = try await Self.finish(store, mine, by: "w2")
      #expect(!twice)
      let outcomes = try await store.read { try $0.outcomes(of: scan) }
      let outcome = try #require(outcomes.first)
      #expect(outcomes.count == 1)
      #expect(outcome.report == Self.outcome.report)
      #expect(outcome.seen.numbers == [1, 2, 3])
      #expect(outcome.population == Self.outcome.population)
      let lines = try await store.read { try $0.deferredLines(ofTask: mine.id) }
      #expect(lines == Self.outcome.deferred)
      // What is done is not leased again.
      let next = try await Self.lease(store, scan, to: "w3", at: 99, until: 100)
      #expect(next?.start == 100)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an outcome that is refused takes its resources back`(kind: TestDatabase) async throws {
    try await withTasks(kind) { store, scan in
      let sample = try await StoreSample(store)
      let first = try await Self.lease(store, scan, to: "w1", at: 1, until: 2)
      let task = try #require(first)
      await #expect(throws: StoreError.leaseLost(task: task.id)) {
        try await store.write(as: "w2", at: .hour(3)) { transaction in
          _ = try transaction.store([sample.found("a", "1")], [], of: sample.account, at: .hour(1))
          try transaction.finish(task, by: "w2", Self.outcome)
        }
      }
      try await #expect(store.read { try $0.session.count("resources") } == 0)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a lease is prolonged and given back`(kind: TestDatabase) async throws {
    try await withTasks(kind) { store, scan in
      let first = try await Self.lease(store, scan, to: "w1", at: 1, until: 2)
      let task = try #require(first)
      _ = try await Self.lease(store, scan, to: "w2", at: 1, until: 99)
      try await store.write(as: "w1", at: .hour(2)) { transaction in
        try transaction.heartbeat("w1", of: scan, until: .hour(8))
      }
      let held = try await Self.lease(store, scan, to: "w3", at: 7, until: 99)
      #expect(held == nil)
      try await store.write(as: "w3", at: .hour(7)) { try $0.release("w1", of: scan) }
      let late = try await Self.finish(store, task, by: "w1")
      #expect(!late)
      let free = try await Self.lease(store, scan, to: "w3", at: 7, until: 99)
      #expect(free?.id == task.id)
      let owners = try await store.read { try $0.owners(of: scan).sorted() }
      #expect(owners == ["w2", "w3"])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `eight workers at once lease each task once`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let scan = try await Self.begin(store, at: .hour(0))
      try await store.write(as: "ann", at: .hour(0)) { transaction in
        try transaction.add((0..<40).map { ("part", Int64($0), 1) }, to: scan)
      }
      let leased = try await withThrowingTaskGroup(of: [Int64].self) { group in
        for worker in 0..<8 {
          group.addTask {
            var mine: [Int64] = []
            while let task = try await Self.lease(store, scan, to: "w\(worker)", at: 1, until: 9) {
              mine.append(task.start)
            }
            return mine
          }
        }
        return try await group.reduce(into: [Int64]()) { $0 += $1 }
      }
      #expect(leased.sorted() == Array(Int64(0)..<40))
    }
  }
}
