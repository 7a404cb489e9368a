import Model
import Store
import TestSupport
import Testing

/// Pages of the audit log.
struct AuditQueryTests {
  /// Hands over a store whose log has six entries of two people, a day apart.
  private func withLog(
    _ database: TestDatabase,
    _ body: (DataStore) async throws -> Void
  ) async throws {
    try await database.with { database in
      let store = try await DataStore(database)
      for day in 0..<6 {
        try await store.write(as: day % 2 == 0 ? "jane" : "joe%", at: Self.instant(day)) {
          try $0.record(day < 4 ? "scope.add" : "scope_x", "s\(day)")
        }
      }
      try await body(store)
    }
  }

  private static func instant(_ day: Int) -> Instant {
    Instant(milliseconds: 1_780_272_000_000).advanced(days: day)
  }

  // Plain arguments: closures beside those of macros take each other's names in Swift 6.3.
  private func numbers(
    _ store: DataStore,
    actor: String = "",
    action: String = "",
    subject: String = "",
    days: Range<Int>? = nil,
    beyond: Int64? = nil,
    isNewestFirst: Bool = false,
    limit: Int = 100
  ) async throws -> [Int64] {
    var query = AuditQuery()
    (query.actor, query.action, query.subject) = (actor, action, subject)
    if let days {
      (query.from, query.to) = (Self.instant(days.lowerBound), Self.instant(days.upperBound))
    }
    (query.beyond, query.isNewestFirst, query.limit) = (beyond, isNewestFirst, limit)
    let asked = query
    return try await store.read { try $0.auditEntries(asked) }.map(\.number)
  }

  @Test(arguments: TestDatabase.all)
  func `entries come in both orders, page by page`(database: TestDatabase) async throws {
    try await withLog(database) { store async throws in
      #expect(try await numbers(store, limit: 4) == [1, 2, 3, 4])
      #expect(try await numbers(store, beyond: 4, limit: 4) == [5, 6])
      #expect(try await numbers(store, isNewestFirst: true, limit: 2) == [6, 5])
      #expect(try await numbers(store, beyond: 3, isNewestFirst: true) == [2, 1])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `filters hold together`(database: TestDatabase) async throws {
    try await withLog(database) { store async throws in
      #expect(try await numbers(store, actor: "jane") == [1, 3, 5])
      #expect(try await numbers(store, actor: "joe") == [])
      #expect(try await numbers(store, subject: "s2") == [3])
      #expect(try await numbers(store, action: "scope.add") == [1, 2, 3, 4])
      #expect(try await numbers(store, action: "scope") == [])
      #expect(try await numbers(store, action: "scope_*") == [5, 6])
      #expect(try await numbers(store, action: "*") == [1, 2, 3, 4, 5, 6])
      #expect(try await numbers(store, action: "scope.*", days: 1..<5) == [2, 3, 4])
    }
  }
}
