import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

/// Resources that come, change, go and come back.
struct SavedScanTests {
  private static let estate = [
    Bucket(id: "b1").line, Bucket(id: "b2", isEncrypted: false).line, User(id: "u1").line,
    User(id: "u2", isAdmin: true).line, Settings().line,
  ]

  @Test(arguments: TestDatabase.all)
  func `the first scan stores everything`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      let report = try await bench.scan(Self.estate, at: hour(0))
      #expect(report.resources == 5)
      #expect(report.new == 5)
      #expect(report.changed + report.unchanged + report.gone + report.faultCount == 0)
      #expect(try await bench.present(at: hour(0)) == ["b1", "b2", "settings", "u1", "u2"])
      #expect(try await bench.present(at: hour(0).advanced(milliseconds: -1)) == [])
      let verdicts = try await bench.verdicts(at: hour(0))
      #expect(verdicts.count == 11)
      #expect(verdicts["bucket.encrypted on b1"] == .pass)
      #expect(verdicts["bucket.encrypted on b2"] == .fail)
      #expect(verdicts["bucket.logged on b1"] == .notApplicable)
      #expect(verdicts["user.key-age on u1"] == .pass)
      #expect(verdicts["account.few-admins on settings"] == .pass)
      let scans = try await bench.store.read { try $0.scans() }
      #expect(scans.map(\.status) == [.finished])
      #expect(TaskReport(scans[0].report) == report)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an unchanged inventory adds nothing but a line of the ledger`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      try await bench.scan(Self.estate, at: hour(0))
      let blocks = try await bench.rows("blocks")
      let proofs = try await bench.rows("proofs")
      let ledger = try await bench.ledger(at: hour(0))
      let report = try await bench.scan(Self.estate.reversed(), at: hour(1))
      #expect(report.resources == 5)
      #expect(report.unchanged == 5)
      #expect(report.new + report.changed + report.gone == 0)
      #expect(try await bench.rows("resources") == 5)
      #expect(try await bench.rows("versions") == 0)
      #expect(try await bench.rows("blocks") == blocks)
      #expect(try await bench.rows("proofs") == proofs)
      #expect(try await bench.ledger(at: hour(1)) == ledger)
      #expect(ledger["/"]?.counts.reduce(0, +) == 11)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `one changed field makes one version`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      try await bench.scan(Self.estate, at: hour(0))
      var estate = Self.estate
      estate[1] = Bucket(id: "b2", isEncrypted: true).line
      let report = try await bench.scan(estate, at: hour(2))
      #expect(report.changed == 1)
      #expect(report.unchanged == 4)
      #expect(try await bench.rows("versions") == 1)
      let steps = try await bench.history("b2")
      #expect(steps.map(\.state.begins) == [hour(0), hour(2)])
      #expect(steps.map(\.state.ends) == [hour(2), .never])
      #expect(steps.map { $0.verdict("bucket.encrypted") } == [.fail, .pass])
      #expect(steps.last?.fields.map(\.path) == ["configuration.encryption.enabled"])
      #expect(steps.last?.fields.map(\.before) == [false])
      #expect(steps.last?.fields.map(\.after) == [true])
      let justBefore = hour(2).advanced(milliseconds: -1)
      #expect(try await bench.verdicts(at: justBefore)["bucket.encrypted on b2"] == .fail)
      #expect(try await bench.verdicts(at: hour(2))["bucket.encrypted on b2"] == .pass)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `what a complete scan misses is gone, and comes back`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      try await bench.scan(Self.estate, at: hour(0))
      let partial = try await bench.scan(
        Array(Self.estate.dropFirst()),
        at: hour(1),
        isComplete: false
      )
      #expect(partial.gone == 0)
      #expect(try await bench.present(at: hour(1)).contains("b1"))
      let complete = try await bench.scan(Array(Self.estate.dropFirst()), at: hour(2))
      #expect(complete.gone == 1)
      #expect(!(try await bench.present(at: hour(2)).contains("b1")))
      #expect(try await bench.present(at: hour(1)).contains("b1"))
      let later = try await bench.scan(Self.estate, at: hour(4))
      #expect(later.gone == 0)
      #expect(later.unchanged == 4)
      #expect(later.new + later.changed == 1)
      let steps = try await bench.history("b1")
      #expect(steps.map(\.state.begins) == [hour(0), hour(4)])
      #expect(steps.map(\.state.ends) == [hour(2), .never])
      #expect(!(try await bench.present(at: hour(3)).contains("b1")))
      #expect(try await bench.rows("resources") == 5)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a coverage line decides for its kind`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      try await bench.scan(Self.estate, at: hour(0))
      let rest = [Bucket(id: "b1").line, User(id: "u1").line, Settings().line]
      let partial = try await bench.scan(
        rest + [Kit.coverage(Kit.bucket)],
        at: hour(1),
        isComplete: false
      )
      #expect(partial.gone == 1)
      #expect(try await bench.present(at: hour(1)) == ["b1", "settings", "u1", "u2"])
      let complete = try await bench.scan(
        [Bucket(id: "b1").line, Settings().line, Kit.coverage(Kit.user, gap: "access denied")],
        at: hour(2)
      )
      #expect(complete.gone == 0)
      #expect(try await bench.present(at: hour(2)) == ["b1", "settings", "u1", "u2"])
      let gaps = try await bench.store.read { transaction in
        let kinds = try transaction.kinds()
        return try transaction.coverage(at: hour(2)).compactMap { entry in
          entry.gap.map { "\(kinds[entry.kind]?.kind ?? ""): \($0)" }
        }
      }
      #expect(gaps == ["user: access denied"])
      #expect(try await bench.store.read { try Status($0, at: hour(2)).gaps } == 1)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a coverage line that names no account is about the scan's`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      try await bench.scan(Self.estate, at: hour(0))
      let report = try await bench.scan(
        [Settings().line, Kit.coverage(Kit.user, account: "", gap: "access denied")],
        at: hour(1)
      )
      #expect(report.gone == 2)
      #expect(try await bench.present(at: hour(1)) == ["settings", "u1", "u2"])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a faulty line is told of, and ends nothing`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      try await bench.scan(Self.estate, at: hour(0))
      let broken = #"{"service_name":"store","resource_kind":"bucket","id":"b2""#
      let twice = #"{"service_name":"store","id":"b9","resource_kind":"bucket","id":"b8"}"#
      let report = try await bench.scan(
        [Bucket(id: "b1").line, broken, twice, Bucket(id: "b3").line],
        at: hour(1)
      )
      #expect(report.faultCount == 2)
      #expect(report.faults.count == 2)
      #expect(report.faults.contains { $0.contains(broken.prefix(50)) })
      #expect(report.faults.contains { $0.contains("duplicate key \"id\": \(twice)") })
      #expect(report.new == 1)
      #expect(report.gone == 0)
      #expect(
        try await bench.present(at: hour(1)) == ["b1", "b2", "b3", "settings", "u1", "u2"]
      )
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a resource that stands twice is told of, and the first is kept`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let lines = [Bucket(id: "b1").line, Bucket(id: "b1", isEncrypted: false).line]
      let report = try await bench.scan(lines, at: hour(0))
      #expect(report.new == 1)
      #expect(report.faultCount == 1)
      #expect(report.faults == ["store/bucket b1 stands twice in the inventory"])
      #expect(try await bench.verdicts(at: hour(0))["bucket.encrypted on b1"] == .pass)
      let again = try await bench.scan(lines, at: hour(1))
      #expect(again.faultCount == 1)
      #expect(again.unchanged == 1)
      #expect(try await bench.rows("versions") == 0)
      let same = try await bench.scan([lines[0], lines[0]], at: hour(2))
      #expect(same.faultCount == 1)
      #expect(same.unchanged == 1)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `kinds without rules are kept`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      let other = Resource(
        account: "a",
        kind: ResourceKind(service: "queue", kind: "topic"),
        id: "t1",
        configuration: ["size": 5]
      ).inventoryLine.text
      let report = try await bench.scan([Bucket(id: "b1").line, other], at: hour(0))
      #expect(report.new == 2)
      #expect(report.notCovered == ["queue/topic": 1])
      let again = try await bench.scan([Bucket(id: "b1").line, other], at: hour(1))
      #expect(again.unchanged == 2)
      #expect(again.notCovered == ["queue/topic": 1])
      let steps = try await bench.history("t1")
      #expect(steps.map(\.state.begins) == [hour(0)])
      #expect(steps.flatMap(\.verdicts).isEmpty)
      let lines = try await bench.store.read { transaction in
        try transaction.lines(of: steps.map(\.state)).map { String(decoding: $0, as: UTF8.self) }
      }
      #expect(lines == [other])
    }
  }
}
