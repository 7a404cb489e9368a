import JSON
import Model
import Store
import TestSupport
import Testing

/// Findings as a store keeps them: one for each cause.
struct FindingStoreTests {
  static func finding(
    _ id: String,
    note: String = "root-used",
    actor: String = "kim",
    at hour: Int64,
    count: Int = 1,
    severity: FindingSeverity = .medium
  ) -> Finding {
    var entity = FindingEntity()
    (entity.actor, entity.account) = (actor, "111122223333")
    return Finding(
      id: id,
      note: FindingNote(
        id: note,
        title: "Title of \(note)",
        severity: severity,
        provider: "activity",
        tags: ["attack.t1098"]
      ),
      entity: entity,
      firstSeen: .hour(hour),
      lastSeen: .hour(hour),
      count: count,
      evidence: FindingEvidence(
        source: "aws.cloudtrail",
        values: ["hour": .integer(hour)],
        events: [EventReference(file: "f", position: 1, id: id, digest: id, time: .hour(hour))]
      )
    )
  }

  @Test(arguments: TestDatabase.all)
  func `findings of one cause are one that grows, and each counts once`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let first = [
        Self.finding("a", at: 5), Self.finding("b", at: 3), Self.finding("a", at: 5),
        Self.finding("c", actor: "lee", at: 4),
      ]
      var kept = try await store.write(as: "ann", at: .hour(9)) { try $0.keep(first) }
      #expect([kept.opened, kept.counted, kept.known] == [2, 3, 1])
      // The same file again, and an episode that has grown meanwhile.
      kept = try await store.write(as: "ann", at: .hour(10)) { try $0.keep(first) }
      #expect([kept.opened, kept.counted, kept.known] == [0, 0, 4])
      let grown = Self.finding("b", at: 7, count: 5, severity: .critical)
      kept = try await store.write(as: "ann", at: .hour(11)) { try $0.keep([grown]) }
      #expect([kept.opened, kept.raised, kept.counted] == [0, 1, 1])
      let found = try await store.read { try $0.findings() }
      #expect(found.map(\.finding.entity.actor) == ["lee", "kim"])
      let kim = found[1]
      #expect(kim.finding.count == 6)
      #expect(kim.finding.firstSeen == .hour(3))
      #expect(kim.finding.lastSeen == .hour(7))
      #expect(kim.finding.note.severity == .critical)
      #expect(kim.finding.note.techniques == ["T1098"])
      #expect(kim.finding.evidence.values == ["hour": 7])
      #expect(kim.finding.evidence.events.map(\.id) == ["a", "b", "b"])
      #expect(kim.finding.id == grown.causeID)
      #expect(kim.keptAt == .hour(9) && kim.updatedAt == .hour(11))
      let changes = try await store.read { try $0.changes(ofFinding: kim.id) }
      #expect(changes.map(\.kind) == [.opened, .raised])
      #expect(changes.map(\.seenAt) == [.hour(5), .hour(7)])
      let notes = try await store.read { try $0.notes() }
      #expect(notes.map(\.note.severity) == [.medium])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a mitigated finding opens again when it is seen later, an accepted one stays`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      _ = try await store.write(as: "plumb", at: .hour(1)) {
        try $0.keep([Self.finding("a", at: 1), Self.finding("b", actor: "lee", at: 1)])
      }
      let ids = try await store.read { try $0.findings().map(\.id) }
      let (lee, kim) = (ids[0], ids[1])
      await #expect(throws: StoreError.self) {
        try await store.write(as: "bob", at: .hour(2)) {
          try $0.decide(finding: lee, to: "accepted", reason: " ")
        }
      }
      try await store.write(as: "bob", at: .hour(4)) { transaction in
        try transaction.decide(finding: kim, to: "mitigated", reason: "rotated")
        try transaction.decide(finding: lee, to: "accepted", reason: "known")
      }
      await #expect(throws: StoreError.self) {
        try await store.write(as: "bob", at: .hour(5)) {
          try $0.decide(finding: kim, to: "mitigated", reason: "")
        }
      }
      // An event from before it was mitigated, read late, changes nothing.
      var kept = try await store.write(as: "plumb", at: .hour(6)) {
        try $0.keep([Self.finding("c", at: 3), Self.finding("d", actor: "lee", at: 5)])
      }
      #expect(kept.reopened == 0)
      #expect(
        try await store.read { try $0.finding(kim).finding.state }
          == .mitigated(by: "bob", at: .hour(4), reason: "rotated")
      )
      kept = try await store.write(as: "plumb", at: .hour(7)) {
        try $0.keep([Self.finding("e", at: 6)])
      }
      #expect(kept.reopened == 1)
      #expect(try await store.read { try $0.finding(kim).finding.state } == .open)
      #expect(try await store.read { try $0.finding(lee).finding.state.name } == "accepted")
      let changes = try await store.read { try $0.changes(ofFinding: kim) }
      #expect(changes.map(\.kind) == [.opened, .mitigated, .reopened])
      #expect(changes[1].reason == "rotated" && changes[1].actor == "bob")
      let audit = try await store.read { try $0.auditEntries(AuditQuery()).map(\.action) }
      #expect(
        audit.filter { $0.hasPrefix("finding.") } == ["finding.mitigated", "finding.accepted"]
      )
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a finding is found by every address it told of, also of an older event`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      for (id, address, hour) in [
        ("a", "203.0.113.1", Int64(5)), ("b", "203.0.113.2", 3), ("c", "2001:db8::1", 4),
      ] {
        var finding = Self.finding(id, at: hour)
        finding.entity.sourceIP = address
        finding.evidence.values["range"] = "10.0.0.0/8"
        let kept = finding
        _ = try await store.write(as: "plumb", at: .hour(9)) { try $0.keep([kept]) }
      }
      for (address, count) in [
        ("203.0.113.1", 1), ("203.0.113.2", 1), ("2001:db8::1", 1), ("10.0.0.0", 0),
      ] {
        var filter = FindingFilter()
        filter.address = address
        let asked = filter
        #expect(try await store.read { try $0.findings(asked).count } == count, "\(address)")
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `findings are filtered, and removed once they are old`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      _ = try await store.write(as: "plumb", at: .hour(1)) {
        try $0.keep([Self.finding("a", at: 1, severity: .low)])
      }
      _ = try await store.write(as: "plumb", at: .hour(30)) {
        try $0.keep([Self.finding("b", note: "other", at: 30, severity: .high)])
      }
      func notes(_ change: (inout FindingFilter) -> Void) async throws -> [String] {
        var filter = FindingFilter()
        change(&filter)
        let asked = filter
        return try await store.read { try $0.findings(asked).map(\.finding.note.id) }
      }
      #expect(try await notes { $0.severity = .medium } == ["other"])
      #expect(try await notes { $0.note = "root-used" } == ["root-used"])
      #expect(try await notes { $0.states = ["mitigated", "accepted"] } == [])
      #expect(try await notes { $0.sources = [.custom] } == [])
      #expect(try await notes { $0.sources = [.custom, .insights] } == ["other", "root-used"])
      #expect(try await notes { $0.account = "elsewhere" } == [])
      #expect(try await notes { $0.from = .hour(2) } == ["other"])
      #expect(try await notes { $0.to = .hour(2) } == ["root-used"])
      let report = try await store.write(as: "ann", at: .hour(49)) { transaction in
        try transaction.keep(.findings, days: 1)
        return try transaction.prune()
      }
      #expect(report.findings == 1)
      #expect(try await notes { _ in } == ["other"])
      // What is gone is new when it is seen again.
      let kept = try await store.write(as: "plumb", at: .hour(50)) {
        try $0.keep([Self.finding("a", at: 1)])
      }
      #expect(kept.opened == 1)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `many who keep the same findings at once count them once`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let findings = (0..<50).map {
        Self.finding("f\($0)", actor: "a\($0 % 5)", at: Int64($0))
      }
      let outcomes = try await withThrowingTaskGroup(of: FindingsKept.self) { group in
        for _ in 0..<6 {
          group.addTask { try await store.write(as: "p", at: .hour(60)) { try $0.keep(findings) } }
        }
        return try await group.reduce(into: FindingsKept()) { $0 += $1 }
      }
      #expect(outcomes.opened == 5 && outcomes.counted == 50 && outcomes.known == 250)
      let counts = try await store.read { try $0.findings().map(\.finding.count) }
      #expect(counts == [10, 10, 10, 10, 10])
    }
  }
}
