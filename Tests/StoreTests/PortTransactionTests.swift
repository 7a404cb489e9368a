import Store
import TestSupport
import Testing

/// What every driver must keep to: transactions.
struct PortTransactionTests {
  private struct Stop: Error, Equatable {
    var after: Int
  }

  /// A database with a table of five rows.
  private func withTable(
    _ kind: TestDatabase,
    _ body: (any SQLDatabase) async throws -> Void
  ) async throws {
    try await kind.with { database in
      try await database.write { session in
        try session.script("CREATE TABLE t (id {id}, n BIGINT NOT NULL);")
        try session.insert(into: "t", columns: ["id", "n"], rows: 5) { index, row in
          row.integer(Int64(index))
          row.integer(0)
        }
      }
      try await body(database)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a row that throws ends the query and the transaction`(kind: TestDatabase) async throws {
    try await withTable(kind) { database in
      await #expect(throws: Stop(after: 3)) {
        try await database.write { session in
          try session.run("INSERT INTO t (id, n) VALUES (9, 9)")
          var seen = 0
          try session.query("SELECT id FROM t ORDER BY id", []) { _ in
            seen += 1
            if seen == 3 { throw Stop(after: seen) }
          }
        }
      }
      try await #expect(database.read { try $0.count("t") } == 5)
      await #expect(throws: Stop(after: 1)) {
        try await database.read { session in
          try session.query("SELECT id FROM t", []) { _ in throw Stop(after: 1) }
        }
      }
      try await #expect(database.write { try $0.run("DELETE FROM t") } == 5)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an inserted row that throws leaves nothing`(kind: TestDatabase) async throws {
    try await withTable(kind) { database in
      await #expect(throws: Stop(after: 700)) {
        try await database.write { session in
          try session.insert(into: "t", columns: ["id", "n"], rows: 1000) { index, row in
            if index == 700 { throw Stop(after: index) }
            row.integer(Int64(index) + 100)
            row.integer(1)
          }
        }
      }
      try await #expect(database.read { try $0.count("t") } == 5)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a failing statement takes everything before it back`(kind: TestDatabase) async throws {
    try await withTable(kind) { database in
      await #expect(throws: SQLError.self) {
        try await database.write { session in
          try session.run("UPDATE t SET n = 1")
          try session.run("INSERT INTO t (id, n) VALUES (10, 10)")
          try session.run("INSERT INTO t (id, n) VALUES (1, 1)")
        }
      }
      let found = try await database.read { session in
        [
          try session.count("t"), try session.first("SELECT sum(n) FROM t") { $0.integer(0) } ?? -1,
        ]
      }
      #expect(found == [5, 0])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a thrown error takes everything back`(kind: TestDatabase) async throws {
    try await withTable(kind) { database in
      await #expect(throws: Stop(after: 5)) {
        try await database.write { session in
          let changed = try session.run("UPDATE t SET n = 1")
          try session.script("CREATE TABLE u (id {id});")
          throw Stop(after: changed)
        }
      }
      try await #expect(
        database.read { try $0.first("SELECT sum(n) FROM t") { $0.integer(0) } } == 0
      )
      await #expect(throws: SQLError.self) { try await database.read { try $0.count("u") } }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a transaction sees what it wrote`(kind: TestDatabase) async throws {
    try await withTable(kind) { database in
      let counts = try await database.write { session in
        let before = try session.count("t")
        try session.run("DELETE FROM t WHERE id = 1")
        return [before, try session.count("t")]
      }
      #expect(counts == [5, 4])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a read sees one state while a write commits`(kind: TestDatabase) async throws {
    try await withTable(kind) { database in
      let hasRead = Flag()
      let hasWritten = Flag()
      async let counts = database.read { session in
        let first = try session.count("t")
        hasRead.set()
        guard hasWritten.wait() else { throw Stop(after: 1) }
        return [first, try session.count("t")]
      }
      try await #expect(hasRead.isSetSoon())
      try await database.write { session in _ = try session.run("DELETE FROM t WHERE id < 3") }
      hasWritten.set()
      let found = try await counts
      #expect(found == [5, 5])
      try await #expect(database.read { try $0.count("t") } == 2)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `nobody sees a write before it is whole`(kind: TestDatabase) async throws {
    try await withTable(kind) { database in
      let hasChanged = Flag()
      let hasLooked = Flag()
      async let changed = database.write { session in
        let changed = try session.run("DELETE FROM t")
        hasChanged.set()
        guard hasLooked.wait() else { throw Stop(after: changed) }
        return changed
      }
      try await #expect(hasChanged.isSetSoon())
      let meanwhile = try await database.read { try $0.count("t") }
      hasLooked.set()
      let rows = try await changed
      #expect(rows == 5)
      #expect(meanwhile == 5)
      try await #expect(database.read { try $0.count("t") } == 0)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a read changes nothing`(kind: TestDatabase) async throws {
    try await withTable(kind) { database in
      await #expect(throws: SQLError.self) {
        try await database.read { session in try session.run("DELETE FROM t") }
      }
      try await #expect(database.read { try $0.count("t") } == 5)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `eight writers at once lose nothing`(kind: TestDatabase) async throws {
    try await withTable(kind) { database in
      let numbers = try await withThrowingTaskGroup(of: [Int64].self) { group in
        for _ in 0..<8 {
          group.addTask {
            var taken: [Int64] = []
            for _ in 0..<25 {
              let number = try await database.write { session in
                try session.first("UPDATE t SET n = n + 1 WHERE id = $1 RETURNING n", [1]) {
                  $0.integer(0)
                }
              }
              taken.append(number ?? -1)
            }
            return taken
          }
        }
        return try await group.reduce(into: [Int64]()) { $0 += $1 }
      }
      #expect(numbers.sorted() == Array(Int64(1)...200))
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a closed database says so`(kind: TestDatabase) async throws {
    try await withTable(kind) { database in
      await database.close()
      await #expect(throws: SQLError.self) { try await database.read { try $0.count("t") } }
      await #expect(throws: SQLError.self) {
        try await database.write { session in try session.run("DELETE FROM t") }
      }
    }
  }
}
