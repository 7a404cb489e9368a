import Foundation
import JSON
import Model
import Operations
import Store
import Synchronization
import TestSupport
import Testing

/// Scans that are interrupted and taken up again.
struct ResumeTests {
  /// Lines of so many bytes that the inventory is cut into several tasks.
  private static let lines: [String] = {
    let padding = String(repeating: "padding ", count: 4096)
    let buckets = (0..<600).map { number in
      Bucket(
        id: "b\(number)",
        isEncrypted: number % 3 != 0,
        retention: number % 60,
        padding: padding
      ).line
    }
    let users = (0..<20).map { User(id: "u\($0)", isAdmin: $0 == 7).line }
    return [Settings().line] + buckets + users
  }()

  /// Everything that a store tells of its last scan, in words that are the same in every store.
  private static func outcome(_ bench: Bench, at instant: Instant) async throws -> [String] {
    var found = try await bench.results(at: instant).map { result in
      "\(result.place.kind) \(result.place.id) \(result.state.begins) \(result.state.ends) "
        + "\(result.goal.rule) \(result.verdict.rawValue)"
    }
    found += try await bench.store.read { transaction in
      let past = try transaction.session.rows(
        """
        SELECT r.resource_id, v.valid_from, v.valid_to, v.verdicts
        FROM versions v JOIN resources r ON r.id = v.resource
        """
      ) { "version \($0.text(0)) \($0.integer(1)) \($0.integer(2)) \($0.text(3))" }
      let ledger = try transaction.ledger(from: hour(0), to: .never).map { entry in
        "ledger \(entry.scan) \(entry.at) \(entry.score.json.text)"
      }
      let scans = try transaction.scans().map { scan in
        var report = TaskReport(scan.report)
        report.faults.sort()
        return "scan \(scan.id) \(scan.status.rawValue) \(report.json.text)"
      }
      return past + ledger + scans
    }
    return found.sorted()
  }

  /// A first scan of some lines, and then a second of all of them, which is not run yet.
  private static func begin(_ bench: Bench) async throws -> Int64 {
    let former = lines.prefix(100).dropLast(3) + [Bucket(id: "b98", isEncrypted: false).line]
    try await bench.scan(Array(former) + [Bucket(id: "gone").line], at: hour(0))
    let scan = bench.saved(at: hour(1), try Kit.plan(), workers: 2)
    let inventory = try Inventory(path: bench.inventory(lines))
    return try await scan.begin(inventory, subject: "test", instruction: [:])
  }

  private static func undisturbed(_ database: TestDatabase) async throws -> [String] {
    let found = Mutex<[String]>([])
    try await Bench.with(database) { bench in
      let id = try await begin(bench)
      let report = try await bench.saved(at: hour(1), try Kit.plan()).run(id)
      #expect(report.resources == lines.count)
      #expect(report.gone == 1)
      let outcome = try await outcome(bench, at: hour(1))
      found.withLock { $0 = outcome }
    }
    return found.withLock { $0 }
  }

  @Test(arguments: TestDatabase.all)
  func `a scan that was cancelled after some tasks ends as if it had not been`(
    database: TestDatabase
  ) async throws {
    let expected = try await Self.undisturbed(database)
    #expect(expected.count > 2400)
    for tasks in 1...3 {
      try await Bench.with(database) { bench in
        let id = try await Self.begin(bench)
        let brake = Brake(after: tasks)
        let first = bench.saved(at: hour(1), try Kit.plan(), workers: 2)
        let running = Task { try await first.run(id) { _ in brake.note() } }
        brake.set { running.cancel() }
        await #expect(throws: (any Error).self) { try await running.value }
        let left = try await bench.store.read { transaction in
          #expect(try transaction.scan(id).status == .running)
          return try transaction.tasks(of: id).filter { $0.state != .done }.count
        }
        #expect(left > 0)
        #expect(try await bench.ledger(at: hour(1)) == [:])
        // The leases of the cancelled run are over by then.
        let second = bench.saved(at: hour(1), try Kit.plan(), clock: hour(2), workers: 2)
        _ = try await second.run(id)
        #expect(try await Self.outcome(bench, at: hour(1)) == expected)
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a scan that is cancelled again and again at any moment comes to the same end`(
    database: TestDatabase
  ) async throws {
    let expected = try await Self.undisturbed(database)
    try await Bench.with(database) { bench in
      let id = try await Self.begin(bench)
      var random = SplitMix64(seed: 11)
      for attempt in 1...6 {
        let scan = bench.saved(
          at: hour(1),
          try Kit.plan(),
          clock: hour(1 + attempt),
          workers: 2
        )
        let running = Task { try await scan.run(id) }
        try await Task.sleep(for: .milliseconds(Int.random(in: 1...250, using: &random)))
        running.cancel()
        if (try? await running.value) != nil { break }
      }
      if try await bench.store.read({ try $0.scan(id).status }) == .running {
        _ = try await bench.saved(at: hour(1), try Kit.plan(), clock: hour(20)).run(id)
      }
      #expect(try await Self.outcome(bench, at: hour(1)) == expected)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a finished scan is not run again`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      try await bench.scan([Bucket(id: "b1").line], at: hour(0))
      let error = await #expect(throws: StoreError.self) {
        try await bench.saved(at: hour(0), try Kit.plan()).run(1)
      }
      #expect(error == .conflict("scan 1 is finished"))
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an inventory that changed is refused`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      let path = try bench.inventory([Bucket(id: "b1").line])
      let scan = bench.saved(at: hour(0), try Kit.plan())
      let id = try await scan.begin(try Inventory(path: path), subject: "x", instruction: [:])
      try Data((Bucket(id: "b2").line + "\n").utf8).write(to: URL(fileURLWithPath: path))
      let error = await #expect(throws: InputError.self) { try await scan.run(id) }
      #expect(error?.description.contains("was changed since the scan began") == true)
      try FileManager.default.removeItem(atPath: path)
      await #expect(throws: InputError.self) { try await scan.run(id) }
      #expect(try await bench.rows("resources") == 0)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `other goals than those of the beginning are refused`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let scan = bench.saved(at: hour(0), try Kit.plan())
      let inventory = try Inventory(path: bench.inventory([Bucket(id: "b1").line]))
      let id = try await scan.begin(inventory, subject: "x", instruction: [:])
      let others = [
        try Kit.plan([Kit.encrypted(version: 2)] + Kit.rules.dropFirst()),
        try Kit.plan([Kit.encrypted()]),
      ]
      for plan in others {
        let error = await #expect(throws: StoreError.self) {
          try await bench.saved(at: hour(0), plan).run(id)
        }
        #expect(error?.description.contains("was begun with other goals") == true)
      }
      #expect(try await scan.run(id).new == 1)
    }
  }
}

/// Whose tasks may be taken, and when.
struct LeaseTests {
  private static let lines = [User(id: "u1").line, Settings().line]

  /// A scan of which somebody else leased one part until ``hour(9)``.
  private static func begin(_ bench: Bench, _ part: String, _ owner: String) async throws -> Int64 {
    try await bench.scan(lines, at: hour(0))
    let scan = bench.saved(at: hour(1), try Kit.plan())
    let inventory = try Inventory(path: bench.inventory(lines))
    let id = try await scan.begin(inventory, subject: "test", instruction: [:])
    try await bench.change(at: hour(1)) { transaction in
      let task = try transaction.lease(part, of: id, to: owner, until: hour(9))
      #expect(task?.part == part)
    }
    return id
  }

  @Test(arguments: TestDatabase.all, ["part", "related"])
  func `a task of a dead process of this machine is taken at once`(
    database: TestDatabase,
    part: String
  ) async throws {
    let own = ProcessInfo.processInfo.processIdentifier
    // A number that no process has, and this one's from before it started.
    for number in ["2000000000", "\(own)"] {
      try await Bench.with(database) { bench in
        let id = try await Self.begin(bench, part, "\(LeaseOwner.machine) \(number) 1")
        let report = try await bench.saved(at: hour(1), try Kit.plan()).run(id)
        #expect(report.resources == 2)
        #expect(report.unchanged == 2)
        #expect(report.gone == 0)
      }
    }
  }

  @Test(arguments: TestDatabase.all, ["part", "related"])
  func `a task of another machine is taken when its lease is over`(
    database: TestDatabase,
    part: String
  ) async throws {
    try await Bench.with(database) { bench in
      let id = try await Self.begin(bench, part, "elsewhere 1 1")
      let error = await #expect(throws: StoreError.self) {
        try await bench.saved(at: hour(1), try Kit.plan()).run(id)
      }
      #expect(error?.description.contains("with another worker") == true)
      #expect(try await bench.store.read { try $0.scan(id).status } == .running)
      #expect(try await bench.present(at: hour(1)) == ["settings", "u1"])
      let later = bench.saved(at: hour(1), try Kit.plan(), clock: hour(10))
      let report = try await later.run(id)
      #expect(report.unchanged == 2)
      #expect(try await bench.present(at: hour(1)) == ["settings", "u1"])
    }
  }
}

/// Cancels something when it was told often enough.
private final class Brake: Sendable {
  private struct State {
    var left: Int
    var cancel: (@Sendable () -> Void)?
  }

  private let state: Mutex<State>

  init(after count: Int) { state = Mutex(State(left: count)) }

  /// Sets what to do; at once where it is due.
  func set(_ cancel: @escaping @Sendable () -> Void) {
    let isDue = state.withLock { state in
      state.cancel = cancel
      return state.left <= 0
    }
    if isDue { cancel() }
  }

  /// Notes one step.
  func note() {
    let due = state.withLock { state in
      state.left -= 1
      return state.left <= 0 ? state.cancel : nil
    }
    due?()
  }
}
