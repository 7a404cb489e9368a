import Engine
import Foundation
import JSON
import Model
import Operations
import Store
import Synchronization
import TestSupport
import Testing

/// What is judged again, what is kept of it, and whether it can be proved.
struct SavedResultTests {
  @Test(arguments: TestDatabase.all)
  func `a verdict that hangs on the time changes with the instant`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      // 90 days are over 2,159 hours after the key was made.
      let line = User(id: "u1", keyCreated: "\(hour(0))").line
      try await bench.scan([line], at: hour(1))
      let before = try await bench.scan([line], at: hour(2159))
      #expect(before.unchanged == 1)
      #expect(try await bench.rows("versions") == 0)
      let after = try await bench.scan([line], at: hour(2161))
      #expect(after.changed == 1)
      let steps = try await bench.history("u1")
      #expect(steps.map(\.state.begins) == [hour(1), hour(2161)])
      #expect(steps.map { $0.verdict("user.key-age") } == [.pass, .fail])
      #expect(steps.last?.fields.isEmpty == true)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a verdict that counts others changes with them`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      let one = [User(id: "u1", isAdmin: true).line, User(id: "u2").line, Settings().line]
      let two = [User(id: "u1", isAdmin: true).line, User(id: "u2", isAdmin: true).line]
      try await bench.scan(one, at: hour(0))
      #expect(try await bench.scan(one, at: hour(1)).unchanged == 3)
      let report = try await bench.scan(two + [Settings().line], at: hour(2))
      #expect(report.changed == 2)
      #expect(report.unchanged == 1)
      // What was not fully read may hold more administrators.
      let partial = try await bench.scan(one, at: hour(3), isComplete: false)
      #expect(partial.changed == 2)
      let steps = try await bench.history("settings")
      #expect(steps.map { $0.verdict("account.few-admins") } == [.pass, .fail, .unknown])
      #expect(steps.map(\.state.begins) == [hour(0), hour(2), hour(3)])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a resource that stands twice is not two that count`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      let admin = User(id: "u1", isAdmin: true).line
      let report = try await bench.scan([admin, admin, Settings().line], at: hour(0))
      #expect(report.faultCount == 1)
      // One administrator is allowed; what the faulty line stands for need not be known.
      let verdict = try await bench.verdicts(at: hour(0))["account.few-admins on settings"]
      #expect(verdict == .pass || verdict == .unknown)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `another version of a rule judges again and leaves the old results`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let lines = [Bucket(id: "b1", isLogged: false).line, User(id: "u1").line]
      try await bench.scan(lines, at: hour(0))
      let plan = try Kit.plan([Kit.encrypted(version: 2)] + Kit.rules.dropFirst())
      let report = try await bench.scan(lines, at: hour(1), plan)
      #expect(report.changed == 1)
      #expect(report.unchanged == 1)
      let steps = try await bench.history("b1")
      #expect(steps.map { $0.version("bucket.encrypted") } == [1, 2])
      #expect(steps.map { $0.verdict("bucket.encrypted") } == [.pass, .fail])
      #expect(steps.map { $0.version("bucket.kept") } == [1, 1])
      var filter = ResultFilter()
      filter.rules = ["bucket.encrypted"]
      let old = try await bench.results(at: hour(0), filter)
      let new = try await bench.results(at: hour(1), filter)
      #expect(old.map(\.goal.version) == [1])
      #expect(new.map(\.goal.version) == [2])
      let records = try await bench.store.read { transaction in
        try (old + new).map { try StoredProof.result($0, transaction) }
      }
      #expect(records.map(\.ruleVersion) == [1, 2])
      #expect(records.map(\.verdict) == [.pass, .fail])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `other parameters judge again and leave the old results`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      func plan(_ days: Int64) throws -> GoalPlan {
        let goal = Goal(rule: "bucket.kept", parameters: ["days": .integer(days)])
        return try Kit.plan([Kit.kept], goals: [goal])
      }
      let line = Bucket(id: "b1", retention: 40).line
      try await bench.scan([line], at: hour(0), plan(30))
      try await bench.scan([line], at: hour(1), plan(50))
      let steps = try await bench.history("b1")
      #expect(steps.map { $0.verdict("bucket.kept") } == [.pass, .fail])
      #expect(
        steps.map { $0.verdicts.map { $0.goal.parameters["days"] } } == [[.integer(30)], [50]]
      )
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a proof made again says what was stored`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      let lines = [
        Bucket(id: "b1").line, Bucket(id: "b2", isEncrypted: false, retention: 3).line,
        Bucket(id: "b3", stage: "test", isPublic: true, isLogged: false).line,
        Bucket(id: "b4", unread: ["encryption", "public"]).line,
        User(id: "u1", keyCreated: "2020-01-01", isAdmin: true).line, Settings().line,
        User(id: "u2", account: "b", isAdmin: true, unread: ["keyCreated"]).line,
        User(id: "u3", account: "b", unread: ["admin"]).line, Settings(account: "b").line,
        User(id: "u4", account: "c", isAdmin: true).line, Settings(account: "c").line,
        User(id: "u5", account: "c", isAdmin: true).line,
      ]
      try await bench.scan(lines, at: hour(0), account: "", isOpen: true)
      let plan = try Kit.plan([Kit.encrypted(version: 4)] + Kit.rules.dropFirst())
      try await bench.scan(lines.reversed(), at: hour(5), plan, account: "", isOpen: true)
      for instant in [hour(0), hour(5)] {
        let results = try await bench.results(at: instant)
        #expect(results.count == (instant == hour(0) ? 23 : 22))
        #expect(Set(results.map(\.verdict)) == Set(Verdict.allCases))
        let counted = results.filter { $0.goal.rule == "account.few-admins" }
        #expect(Set(counted.map(\.verdict)) == [.pass, .unknown, .fail])
        let records = try await bench.store.read { transaction in
          try results.map { try StoredProof.result($0, transaction) }
        }
        #expect(records.map(\.verdict) == results.map(\.verdict))
        #expect(records.map(\.id) == results.map(\.id))
        #expect(records.map(\.severity) == results.map(\.goal.severity))
        #expect(records.allSatisfy { $0.proof != nil })
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a saved scan gives the results of the judge`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      var generator = RuleGenerator(seed: 7)
      let generated = (0..<20).map { generator.rule(id: "generated-\($0)") }
      var lines = (0..<400).map { generator.resource(id: "r\($0)").inventoryLine.text }
      lines += (0..<60).map { number in
        Bucket(
          id: "b\(number)",
          stage: number % 3 == 0 ? "test" : "prod",
          isEncrypted: number % 4 != 0,
          isPublic: number % 5 == 0,
          isLogged: number % 2 == 0,
          retention: number,
          unread: number % 7 == 0 ? ["logging"] : []
        ).line
      }
      lines += (0..<38).map { number in
        User(id: "u\(number)", account: number % 2 == 0 ? "a" : "b", isAdmin: number == 3).line
      }
      lines += [Settings().line, Settings(account: "b").line]
      #expect(lines.count == 500)
      let index = try RuleIndex(generated + Kit.index().rules)
      let plan = GoalPlan(try RuleSet(index), attachments: [])
      let report = try await bench.scan(lines, at: hour(0), plan, account: "", isOpen: true)
      #expect(report.resources == 500)
      #expect(report.new == 500)
      #expect(report.faults == [])
      let judged = try await Self.judge(bench.inventory(lines), plan.ruleSet)
      var stored: [String: Verdict] = [:]
      for result in try await bench.results(at: hour(0)) { stored[result.id] = result.verdict }
      #expect(stored.count > 7000)
      #expect(stored == judged)
    }
  }

  /// The verdicts of a complete inventory by the id of their result.
  private static func judge(_ path: String, _ ruleSet: RuleSet) async throws -> [String: Verdict] {
    let lines = Mutex<[UInt8]>([])
    let file = try #require(FileHandle(forReadingAtPath: path))
    let judge = InventoryJudge(
      ruleSet,
      JudgeOptions(hasProof: false, now: "\(hour(0))"),
      isComplete: true
    )
    _ = try await judge.run(
      descriptor: file.fileDescriptor,
      name: path,
      write: { bytes in lines.withLock { $0 += bytes } }
    )
    try file.close()
    var found: [String: Verdict] = [:]
    for line in try Fixtures.lines(lines.withLock { $0 }) {
      let record = try #require(ResultRecord(line))
      found[record.id] = record.verdict
    }
    return found
  }
}
