import Model
import Operations
import Store
import TestSupport
import Testing

/// What an inventory with something wrong does not do: hide resources, or end those of others.
struct BrokenInventoryTests {
  private static let admins = (1...3).map { User(id: "u\($0)", isAdmin: true).line }

  @Test(arguments: ["", "<html>", "{broken", "{}}", "[1,"])
  func `a line that is read twice hides nobody`(broken: String) async throws {
    try await Bench.with(.sqlite) { bench in
      let report = try await bench.scan(Self.admins + [broken, Settings().line], at: hour(0))
      let present = try await bench.present(at: hour(0))
      #expect(present == ["settings", "u1", "u2", "u3"])
      #expect(!report.faults.contains { $0.contains("stands twice") })
      // One administrator is allowed, three were read: whatever the line held, that is too many.
      let verdict = try await bench.verdicts(at: hour(0))["account.few-admins on settings"]
      #expect(verdict == .fail)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a fault names its line of the file`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      let report = try await bench.scan(Self.admins + ["{broken"], at: hour(0))
      #expect(report.faultCount == 1)
      #expect(report.faults.first?.hasPrefix("line 4: not valid JSON") == true)
      // An unchanged line is passed over, and still counts as a line.
      let again = try await bench.scan(Self.admins + ["{broken"], at: hour(1))
      #expect(again.faults.first?.hasPrefix("line 4: not valid JSON") == true)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `scans of two accounts at one instant end nothing of each other`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let others = (1...3).map { Bucket(id: "b\($0)", account: "b").line }
      try await bench.scan(others, at: hour(0), account: "b", subject: "b")
      let more = others + [Bucket(id: "b4", account: "b").line]
      try await bench.scan(more, at: hour(1), account: "b", subject: "b")
      let report = try await bench.scan([Bucket(id: "a1").line], at: hour(1), subject: "a")
      #expect(report.gone == 0)
      #expect(try await bench.present(at: hour(1)) == ["a1", "b1", "b2", "b3", "b4"])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `coverage of another account is refused`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      try await bench.scan([Bucket(id: "b1", account: "b").line], at: hour(0), account: "b")
      let lines = [Bucket(id: "a1").line, Kit.coverage(Kit.bucket, account: "b")]
      let error = await #expect(throws: StoreError.self) {
        try await bench.scan(lines, at: hour(1), isComplete: false, subject: "a")
      }
      let expected = StoreError.otherAccount(
        expected: "a",
        found: "b",
        record: "a statement of coverage"
      )
      #expect(error == expected)
      #expect(try await bench.present(at: hour(1)) == ["b1"])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an empty inventory ends nothing`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      try await bench.scan([Bucket(id: "a1").line], at: hour(0))
      let report = try await bench.scan([], at: hour(1))
      #expect(report.gone == 0)
      #expect(try await bench.present(at: hour(1)) == ["a1"])
    }
  }
}
