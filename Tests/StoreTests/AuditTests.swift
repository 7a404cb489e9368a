import JSON
import Model
import Store
import TestSupport
import Testing

/// The audit log: a chain of which every break is noticed.
struct AuditTests {
  private struct Stop: Error {}

  /// A store whose log has five entries.
  private func withLog(
    _ kind: TestDatabase,
    _ body: (DataStore) async throws -> Void
  ) async throws {
    try await kind.withStore { store in
      for number in Int64(1)...5 {
        try await store.write(as: "ann \(number)", at: .hour(number)) { transaction in
          try transaction.record("thing.change", "thing \(number)", ["to": .integer(number)])
        }
      }
      try await body(store)
    }
  }

  private static func log(_ store: DataStore) async throws -> [AuditEntry] {
    try await store.read { transaction in
      var entries: [AuditEntry] = []
      try transaction.auditLog { entries.append($0) }
      return entries
    }
  }

  @Test(arguments: TestDatabase.all)
  func `each entry follows the one before`(kind: TestDatabase) async throws {
    try await withLog(kind) { store in
      let entries = try await Self.log(store)
      #expect(entries.map(\.number) == [1, 2, 3, 4, 5])
      #expect(entries.map(\.actor) == (1...5).map { "ann \($0)" })
      #expect(entries.map(\.at) == (1...5).map { Instant.hour($0) })
      #expect(entries.map(\.subject) == (1...5).map { "thing \($0)" })
      #expect(entries.map(\.detail) == (1...5).map { "{\"to\":\($0)}" })
      #expect(entries.map(\.previous) == [""] + entries.dropLast().map(\.digest))
      #expect(entries.allSatisfy { $0.digest == $0.computedDigest })
      #expect(Set(entries.map(\.digest)).count == 5)
      let fault = try await store.read { try $0.auditFault() }
      #expect(fault == nil)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an empty log is whole`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let fault = try await store.read { try $0.auditFault() }
      #expect(fault == nil)
    }
  }

  private static let breaks: [(statement: String, fault: String)] = [
    ("UPDATE audit_log SET detail = '{}' WHERE id = 3", "entry 3 was changed"),
    ("UPDATE audit_log SET actor = 'bob' WHERE id = 1", "entry 1 was changed"),
    ("UPDATE audit_log SET at = at + 1 WHERE id = 5", "entry 5 was changed"),
    ("UPDATE audit_log SET previous = 'x' WHERE id = 2", "entry 2 does not follow entry 1"),
    ("UPDATE audit_log SET digest = 'x' WHERE id = 5", "entry 5 was changed"),
    ("DELETE FROM audit_log WHERE id = 5", "the log ends at entry 4, and 5 were written"),
    ("DELETE FROM audit_log WHERE id > 2", "the log ends at entry 2, and 5 were written"),
    ("DELETE FROM audit_log", "the log ends at entry 0, and 5 were written"),
    ("DELETE FROM audit_log WHERE id = 3", "entry 3 is missing"),
    ("DELETE FROM audit_log WHERE id = 1", "entry 1 is missing"),
  ]

  @Test(arguments: TestDatabase.all, 0..<breaks.count)
  func `every break of the chain is noticed`(kind: TestDatabase, number: Int) async throws {
    let (statement, fault) = Self.breaks[number]
    try await withLog(kind) { store in
      try await store.write(as: "eve", at: .hour(9)) { transaction in
        _ = try transaction.session.run(statement)
      }
      let found = try await store.read { try $0.auditFault() }
      #expect(found == fault, "\(statement)")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a change with a digest that fits breaks the entry behind it`(
    kind: TestDatabase
  ) async throws {
    try await withLog(kind) { store in
      var entries = try await Self.log(store)
      entries[2].actor = "bob"
      let (actor, digest) = (entries[2].actor, entries[2].computedDigest)
      try await store.write(as: "eve", at: .hour(9)) { transaction in
        _ = try transaction.session.run(
          "UPDATE audit_log SET actor = $1, digest = $2 WHERE id = 3",
          [.text(actor), .text(digest)]
        )
      }
      let fault = try await store.read { try $0.auditFault() }
      #expect(fault == "entry 4 does not follow entry 3")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `what was taken back leaves no gap`(kind: TestDatabase) async throws {
    try await withLog(kind) { store in
      await #expect(throws: Stop.self) {
        try await store.write(as: "eve", at: .hour(9)) { transaction in
          try transaction.record("thing.change", "lost")
          throw Stop()
        }
      }
      try await store.write(as: "ann", at: .hour(9)) { try $0.record("thing.change", "kept") }
      let entries = try await Self.log(store)
      #expect(entries.map(\.number) == [1, 2, 3, 4, 5, 6])
      #expect(entries.last?.subject == "kept")
      let fault = try await store.read { try $0.auditFault() }
      #expect(fault == nil)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `entries of eight writers at once make one chain`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<8 {
          group.addTask {
            for number in 0..<10 {
              try await store.write(as: "w\(writer)", at: .hour(1)) { transaction in
                try transaction.record("thing.change", "\(writer) \(number)")
              }
            }
          }
        }
        try await group.waitForAll()
      }
      let entries = try await Self.log(store)
      #expect(entries.count == 80)
      #expect(Set(entries.map(\.subject)).count == 80)
      let fault = try await store.read { try $0.auditFault() }
      #expect(fault == nil)
    }
  }

  @Test func `parts of an entry cannot run into each other`() async throws {
    try await withLog(.sqlite) { store in
      let entries = try await Self.log(store)
      let template = try #require(entries.first)
      func digest(_ actor: String, _ action: String) -> String {
        var entry = template
        entry.actor = actor
        entry.action = action
        return entry.computedDigest
      }
      #expect(digest("ab", "c") != digest("a", "bc"))
      #expect(digest("a,1:b", "c") != digest("a", "b,1:c"))
      #expect(digest("a", "b") == digest("a", "b"))
    }
  }
}
