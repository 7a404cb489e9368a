import JSON
import Model
import Store
import TestSupport
import Testing

/// How long things are kept.
struct RetentionTests {
  private static let rule = Rule(
    id: "r",
    title: "Title",
    target: Rule.Target(kinds: [ResourceKind(service: "s3", kind: "bucket")]),
    requiredConfig: .leaf(Condition.Leaf(PropertyPath([.key("on")]), .isTrue))
  )

  /// A store in which "a" changed on the days 10 and 20, "b" was gone on the day 10 and "c" stayed;
  /// history is kept for 30 days.
  private func withHistory(
    _ kind: TestDatabase,
    _ body: (StoreSample) async throws -> Void
  ) async throws {
    try await kind.withStore { store in
      let sample = try await StoreSample(store)
      try await sample.scan(["a": "a1", "b": "b1", "c": "c1"], at: .day(0))
      try await sample.scan(["a": "a2", "c": "c1"], at: .day(10))
      try await sample.scan(["a": "a3", "c": "c1"], at: .day(20))
      try await store.write(as: "ann", at: .day(20)) { try $0.keep(.history, days: 30) }
      try await body(sample)
    }
  }

  private static func prune(_ sample: StoreSample, at day: Int) async throws -> PruneReport {
    try await sample.store.write(as: "ann", at: .day(day)) { try $0.prune() }
  }

  private static func hold(
    _ sample: StoreSample,
    _ kind: Hold.Kind,
    asOf day: Int
  ) async throws -> Int64 {
    try await sample.store.write(as: "ann", at: .day(21)) { transaction in
      try transaction.add(Hold(kind: kind, title: "Case", asOf: .day(day)))
    }
  }

  /// The lines that were there on a day.
  private static func lines(_ sample: StoreSample, _ day: Int) async throws -> [String] {
    try await sample.states(at: .day(day)).map(\.span.line).sorted()
  }

  private static func expectNoFault(_ sample: StoreSample) async throws {
    let faults = try await sample.store.read { try $0.contentFaults() + $0.integrityFaults() }
    #expect(faults == [])
    let fault = try await sample.store.read { try $0.auditFault() }
    #expect(fault == nil)
  }

  @Test(arguments: TestDatabase.all)
  func `how long is remembered by class`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let first = try await store.read { try $0.retention() }
      #expect(first == [.decisions: 90, .findings: 90])
      try await store.write(as: "ann", at: .day(0)) { transaction in
        try transaction.keep(.history, days: 30)
        try transaction.keep(.scores, days: 1)
        try transaction.keep(.history, days: 90)
      }
      let second = try await store.read { try $0.retention() }
      #expect(second == [.history: 90, .scores: 1, .decisions: 90, .findings: 90])
      let error = await #expect(throws: StoreError.self) {
        try await store.write(as: "ann", at: .day(0)) { try $0.keep(.scores, days: 0) }
      }
      #expect(error?.word == "conflict")
      try await store.write(as: "ann", at: .day(0)) { try $0.keep(.history, days: nil) }
      let third = try await store.read { try $0.retention() }
      #expect(third == [.scores: 1, .decisions: 90, .findings: 90])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `without a number of days everything is kept`(kind: TestDatabase) async throws {
    try await withHistory(kind) { sample in
      try await sample.store.write(as: "ann", at: .day(21)) { try $0.keep(.history, days: nil) }
      let report = try await Self.prune(sample, at: 10_000)
      #expect(report == PruneReport())
      let lines = try await Self.lines(sample, 5)
      #expect(lines == ["a1", "b1", "c1"])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `what is older is removed with the blocks that nobody uses`(
    kind: TestDatabase
  ) async throws {
    try await withHistory(kind) { sample in
      let early = try await Self.prune(sample, at: 39)
      #expect(early == PruneReport())
      // On the day 40 what ended on the day 10 is 30 days old; its block still holds "c".
      let first = try await Self.prune(sample, at: 40)
      #expect(first == PruneReport(states: 1, resources: 1))
      let second = try await Self.prune(sample, at: 60)
      #expect(second == PruneReport(states: 1, blocks: 1))
      let third = try await Self.prune(sample, at: 60)
      #expect(third == PruneReport())
      // Of a day before the oldest that is kept nothing is told: it would not be whole.
      for day in [5, 15, 25] {
        let error = await #expect(throws: StoreError.self) { try await Self.lines(sample, day) }
        #expect(error?.word == "conflict", "day \(day)")
      }
      for day in [30, 60] {
        let lines = try await Self.lines(sample, day)
        #expect(lines == ["a3", "c1"], "day \(day)")
      }
      try await #expect(sample.store.read { try $0.session.count("blocks") } == 2)
      try await Self.expectNoFault(sample)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a report keeps every state of its instant`(kind: TestDatabase) async throws {
    try await withHistory(kind) { sample in
      let hold = try await Self.hold(sample, .report, asOf: 5)
      let first = try await Self.prune(sample, at: 60)
      #expect(first == PruneReport(states: 1, blocks: 1))
      let held = try await Self.lines(sample, 5)
      #expect(held == ["a1", "b1", "c1"])
      await #expect(throws: StoreError.self) { try await Self.lines(sample, 15) }
      try await sample.store.write(as: "ann", at: .day(61)) { try $0.releaseHold(hold) }
      let second = try await Self.prune(sample, at: 62)
      #expect(second == PruneReport(states: 1, resources: 1))
      await #expect(throws: StoreError.self) { try await Self.lines(sample, 5) }
      try await Self.expectNoFault(sample)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a legal hold keeps every state from its instant on`(kind: TestDatabase) async throws {
    try await withHistory(kind) { sample in
      _ = try await Self.hold(sample, .legal, asOf: 12)
      let first = try await Self.prune(sample, at: 60)
      #expect(first == PruneReport(states: 1, resources: 1))
      await #expect(throws: StoreError.self) { try await Self.lines(sample, 5) }
      let lines = [try await Self.lines(sample, 12), try await Self.lines(sample, 25)]
      #expect(lines == [["a2", "c1"], ["a3", "c1"]])
      _ = try await Self.hold(sample, .report, asOf: 15)
      let second = try await Self.prune(sample, at: 1000)
      #expect(second == PruneReport())
      try await Self.expectNoFault(sample)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a hold is what it was at each instant`(kind: TestDatabase) async throws {
    try await withHistory(kind) { sample in
      let hold = try await Self.hold(sample, .legal, asOf: 12)
      try await sample.store.write(as: "ann", at: .day(30)) { try $0.releaseHold(hold) }
      for (day, expected) in [20: [], 21: ["Case"], 29: ["Case"], 30: []] as [Int: [String]] {
        let found = try await sample.store.read { try $0.holds(at: .day(day)) }
        #expect(found.map(\.title) == expected, "day \(day)")
        #expect(found.allSatisfy { $0.kind == .legal && $0.asOf == .day(12) && $0.id == hold })
      }
      let error = await #expect(throws: StoreError.self) {
        try await sample.store.write(as: "ann", at: .day(31)) { try $0.releaseHold(hold) }
      }
      #expect(error?.word == "not found")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `proofs go with the states that they prove`(kind: TestDatabase) async throws {
    try await withHistory(kind) { sample in
      let kept = try await sample.store.write(as: "ann", at: .day(20)) { transaction in
        let goal = try transaction.goal(Self.rule, [:])
        for (resource, day) in [("a", 0), ("a", 10), ("a", 20), ("b", 0), ("c", 0)] {
          let states = try transaction.resources(named: resource)
          try transaction.session.run(
            "INSERT INTO proofs (resource, goal, valid_from, proof) VALUES ($1, $2, $3, $4)",
            [
              .integer(states[0].resource), .integer(goal),
              .integer(Instant.day(day).milliseconds), .bytes(Pack.compress([1])),
            ]
          )
        }
        return try transaction.session.count("proofs")
      }
      #expect(kept == 5)
      let report = try await Self.prune(sample, at: 60)
      #expect(report.states == 2 && report.resources == 1)
      let left = try await sample.store.read { transaction in
        try transaction.session.rows("SELECT valid_from FROM proofs ORDER BY valid_from") {
          Instant(milliseconds: $0.integer(0))
        }
      }
      #expect(left == [.day(0), .day(20)])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `old scores go, but the newest stays`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      for day in [0, 20, 25] {
        try await store.write(as: "ann", at: .day(day)) { transaction in
          let scan = try transaction.beginScan(
            subject: "s",
            account: "\(day)",
            instruction: [:],
            instant: .day(day),
            content: ""
          )
          let entry = LedgerEntry(
            scan: scan,
            scope: "",
            profile: "",
            version: "",
            at: .day(day),
            score: Score()
          )
          try transaction.add([entry])
        }
      }
      try await store.write(as: "ann", at: .day(25)) { try $0.keep(.scores, days: 30) }
      var removed: [Int] = []
      for day in [30, 31, 50, 60] {
        removed.append(try await store.write(as: "ann", at: .day(day)) { try $0.prune().scores })
      }
      #expect(removed == [0, 1, 0, 1])
      let left = try await store.read { try $0.ledger(from: .day(0), to: .never).map(\.at) }
      #expect(left == [.day(25)])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `the audit log is never pruned`(kind: TestDatabase) async throws {
    try await withHistory(kind) { sample in
      try await sample.store.write(as: "ann", at: .day(0)) { try $0.keep(.scores, days: 1) }
      let before = try await sample.store.read { try $0.session.count("audit_log") }
      let report = try await Self.prune(sample, at: 10_000)
      #expect(report == PruneReport(states: 2, resources: 1, blocks: 1))
      #expect(before == 2)
      let after = try await sample.store.read { transaction in
        var actions: [String] = []
        try transaction.auditLog { actions.append($0.action) }
        return actions
      }
      #expect(after == ["retention.set", "retention.set", "retention.prune"])
      try await Self.expectNoFault(sample)
    }
  }

  private static let damages: [(statement: String, fault: String)] = [
    ("DELETE FROM blocks WHERE id = 1", "2 resources name a block that is gone"),
    ("DELETE FROM blocks WHERE id = 1", "1 versions name a block that is gone"),
    ("UPDATE blocks SET content = $1 WHERE id = 2", "1 blocks cannot be read: 2"),
    ("UPDATE blocks SET lines = 9", "3 blocks cannot be read: 1, 2, 3"),
    ("UPDATE resources SET layout = 7", "3 resources name a layout that is gone"),
    ("UPDATE versions SET layout = 7", "2 versions name a layout that is gone"),
    ("UPDATE versions SET valid_to = valid_from", "2 states overlap others"),
  ]

  @Test(arguments: TestDatabase.all, 0..<damages.count)
  func `faults of what was stored are found`(kind: TestDatabase, number: Int) async throws {
    let (statement, fault) = Self.damages[number]
    let values: [SQLValue] = statement.contains("$1") ? [.bytes(Array("damaged".utf8))] : []
    try await withHistory(kind) { sample in
      try await Self.expectNoFault(sample)
      try await sample.store.write(as: "eve", at: .day(20)) { transaction in
        _ = try transaction.session.run(statement, values)
      }
      let faults = try await sample.store.read { try $0.contentFaults() }
      #expect(faults.contains(fault), "\(faults)")
    }
  }
}
