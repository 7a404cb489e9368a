import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

/// Whose resources a scan takes, and what scans of several accounts do to each other.
struct SavedScanAccountTests {
  @Test(arguments: TestDatabase.all)
  func `a record of another account is refused and nothing of its task is kept`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let error = await #expect(throws: StoreError.self) {
        try await bench.scan(
          [Bucket(id: "b1").line, Bucket(id: "b2", account: "b").line],
          at: hour(0)
        )
      }
      #expect(error == .otherAccount(expected: "a", found: "b", record: "b2"))
      #expect(try await bench.rows("resources") == 0)
      #expect(try await bench.rows("blocks") == 0)
      #expect(try await bench.rows("score_ledger") == 0)
      #expect(try await bench.store.read { try $0.scans().map(\.status) } == [.running])
      let tasks = try await bench.store.read { try $0.tasks(of: 1) }
      #expect(tasks.filter { $0.state == .done } == [])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a stored record of another account is refused as well`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let other = Bucket(id: "b2", account: "b").line
      try await bench.scan([other], at: hour(0), account: "b", subject: "b")
      let error = await #expect(throws: StoreError.self) {
        try await bench.scan([Bucket(id: "b1").line, other], at: hour(1))
      }
      #expect(error?.description.contains("belongs to account \"b\"") == true)
      #expect(try await bench.present(at: hour(1)) == ["b2"])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `equal lines without an account are resources of each account`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let line = Bucket(id: "b1", account: "").line
      let first = try await bench.scan([line], at: hour(0), account: "a", subject: "a")
      let second = try await bench.scan([line], at: hour(1), account: "b", subject: "b")
      #expect(first.new == 1)
      #expect(second.new == 1)
      #expect(try await bench.present(at: hour(1)) == ["b1", "b1"])
      let accounts = try await bench.results(at: hour(1)).map { $0.place.accounts }
      #expect(Set(accounts) == [["a"], ["b"]])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a complete scan of one account ends nothing of another`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      try await bench.scan(
        [Bucket(id: "a1").line, Bucket(id: "b1", account: "b").line],
        at: hour(0),
        isOpen: true
      )
      let report = try await bench.scan([Bucket(id: "a2").line], at: hour(1))
      #expect(report.gone == 1)
      #expect(try await bench.present(at: hour(1)) == ["a2", "b1"])
      let open = try await bench.scan(
        [Bucket(id: "a2").line],
        at: hour(2),
        account: "",
        isOpen: true
      )
      #expect(open.gone == 0)
      #expect(try await bench.present(at: hour(2)) == ["a2", "b1"])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an account with nothing but new resources has lost its old ones`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let estate = [Bucket(id: "a1").line, Bucket(id: "b1", account: "b").line]
      try await bench.scan(estate, at: hour(0), account: "", isOpen: true)
      let report = try await bench.scan(
        [Bucket(id: "a1").line, Bucket(id: "b2", account: "b").line],
        at: hour(1),
        account: "",
        isOpen: true
      )
      #expect(report.gone == 1)
      #expect(try await bench.present(at: hour(1)) == ["a1", "b2"])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `the gap of an account without resources is noted`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      try await bench.scan(
        [Bucket(id: "a1").line, Kit.coverage(Kit.user, account: "b", gap: "access denied")],
        at: hour(0),
        isOpen: true
      )
      #expect(try await bench.store.read { try Status($0, at: hour(0)).gaps } == 1)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `the ledger counts what a cancelled scan stored`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      let plan = try Kit.plan([Kit.encrypted()])
      try await bench.scan([Bucket(id: "b1").line], at: hour(0), plan)
      let changed = Bucket(id: "b1", isEncrypted: false).line
      // The first line is a task of its own, and that task is with another machine.
      let long = Bucket(id: "b0", padding: String(repeating: "x", count: 5 << 20)).line
      let scan = bench.saved(at: hour(1), plan)
      let inventory = try Inventory(path: bench.inventory([long, changed]))
      let id = try await scan.begin(inventory, subject: "test", instruction: [:])
      try await bench.change(at: hour(1)) { transaction in
        let task = try transaction.lease("part", of: id, to: "elsewhere 1 1", until: hour(9))
        #expect(task?.start == 0)
      }
      await #expect(throws: StoreError.self) { try await scan.run(id) }
      try await bench.change(at: hour(2)) { try $0.move(id, to: .cancelled, report: [:]) }
      let report = try await bench.scan([changed], at: hour(3), plan)
      #expect(report.unchanged == 1)
      let score = try await bench.ledger(at: hour(3))["/"]
      #expect(score?.failed == 5)
      #expect(score?.passed == 0)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a goal written with and without its default is one goal`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let plan = try Kit.plan(
        [Kit.kept],
        goals: [
          Goal(rule: "bucket.kept"), Goal(rule: "bucket.kept", parameters: ["days": 30]),
          Goal(rule: "bucket.kept", parameters: ["days": 60]),
        ]
      )
      try await bench.scan([Bucket(id: "b1", retention: 40).line], at: hour(0), plan)
      let found = try await bench.results(at: hour(0)).map { result in
        "\(result.goal.parameters["days"]?.whole ?? 0) \(result.verdict.rawValue)"
      }
      #expect(found.sorted() == ["30 pass", "60 fail"])
      #expect(try await bench.ledger(at: hour(0))["/"]?.counts == [1, 1, 0, 0])
    }
  }
}
