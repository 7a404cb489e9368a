import Foundation
import PostgresDriver
import SQLiteDriver
import Store
import TestSupport
import Testing

struct SQLiteDriverTests {
  /// A folder for a test, removed afterwards.
  private func withFolder(_ body: (URL) async throws -> Void) async throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    try await body(folder)
  }

  @Test(arguments: ["no database", String(repeating: "this is no database\n", count: 100)])
  func `a file that is no database is refused and stays as it is`(text: String) async throws {
    try await withFolder { folder in
      let file = folder.appendingPathComponent("store.sqlite")
      try Data(text.utf8).write(to: file)
      let error = #expect(throws: SQLError.self) { try SQLiteDatabase(file.path) }
      #expect(error?.word == "corrupt")
      let words = error?.description ?? ""
      #expect(words.hasPrefix("\(file.path): is damaged: "))
      #expect(words.contains("plumb doctor"))
      #expect(try Data(contentsOf: file) == Data(text.utf8))
    }
  }

  @Test(arguments: [100, 5000, 20_000])
  func `a file that was cut short is refused`(length: Int) async throws {
    try await withFolder { folder in
      let file = folder.appendingPathComponent("store.sqlite")
      let database = try SQLiteDatabase(file.path)
      _ = try await DataStore(database)
      await database.close()
      let whole = try Data(contentsOf: file)
      #expect(whole.count > 20_000)
      try whole.prefix(length).write(to: file)
      let error = await #expect(throws: SQLError.self) {
        let opened = try SQLiteDatabase(file.path)
        let store = try await DataStore(opened)
        _ = try await store.read { try $0.stateEntries() }
      }
      #expect(error?.word == "corrupt")
      #expect(error?.description.hasPrefix("\(file.path): is damaged: ") == true)
    }
  }

  @Test func `a folder that takes no file is told`() async throws {
    try await withFolder { folder in
      let paths = [
        folder.appendingPathComponent("nowhere/store.sqlite").path,
        // The administrator cannot make files there either.
        "/proc/store.sqlite",
      ]
      for path in paths {
        let error = #expect(throws: SQLError.self) { try SQLiteDatabase(path) }
        #expect(error?.word == "unreachable")
        #expect(error?.description.hasPrefix("\(path): cannot be reached: ") == true)
      }
    }
  }

  @Test(.enabled(if: geteuid() != 0, "the administrator may write everywhere"))
  func `a read-only folder is told`() async throws {
    try await withFolder { folder in
      try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: folder.path)
      let path = folder.appendingPathComponent("store.sqlite").path
      let error = #expect(throws: SQLError.self) { try SQLiteDatabase(path) }
      #expect(error?.word == "unreachable")
      #expect(error?.description.hasPrefix("\(path): cannot be reached: ") == true)
    }
  }

  @Test func `two who open one file write in turn`() async throws {
    try await withFolder { folder in
      let path = folder.appendingPathComponent("store.sqlite").path
      let databases = [try SQLiteDatabase(path), try SQLiteDatabase(path)]
      try await databases[0].write { session in
        try session.script("CREATE TABLE t (id {id}, n BIGINT NOT NULL);")
        try session.run("INSERT INTO t (id, n) VALUES (1, 0)")
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for database in databases + databases {
          group.addTask {
            for _ in 0..<20 {
              try await database.write { session in
                let n = try session.first("SELECT n FROM t") { $0.integer(0) } ?? 0
                try session.run("UPDATE t SET n = $1", [.integer(n + 1)])
              }
            }
          }
        }
        try await group.waitForAll()
      }
      for database in databases {
        let n = try await database.read { try $0.first("SELECT n FROM t") { $0.integer(0) } }
        #expect(n == 80)
      }
      for database in databases { await database.close() }
    }
  }

  @Test func `a copy holds what the database held`() async throws {
    try await withFolder { folder in
      let database = try SQLiteDatabase(folder.appendingPathComponent("store.sqlite").path)
      let store = try await DataStore(database)
      let copy = folder.appendingPathComponent("copy.sqlite").path
      try await database.copy(to: copy)
      await database.close()
      let opened = try SQLiteDatabase(copy)
      let second = try await DataStore(opened)
      #expect(second.seed == store.seed)
      await opened.close()
    }
  }
}

struct PostgresDriverTests {
  @Test(arguments: [
    "host=/nowhere user=plumb password=hush dbname=plumb",
    "host=127.0.0.1 port=1 user=plumb password=hush dbname=plumb connect_timeout=2",
    "postgres://plumb:hush@127.0.0.1:1/plumb", "hush hush",
  ])
  func `a server that cannot be reached is told without secrets`(address: String) async throws {
    let error = await #expect(throws: SQLError.self) { try await PostgresDatabase.open(address) }
    #expect(error?.word == "unreachable")
    let words = error?.description ?? ""
    #expect(words.contains("cannot be reached"))
    #expect(!words.contains("hush"))
  }

  @Test(.enabled(if: TestDatabase.server != nil))
  func `a database that is not there is told`() async throws {
    let server = try #require(TestDatabase.server)
    let error = await #expect(throws: SQLError.self) {
      try await PostgresDatabase.open("\(server) dbname=t_nowhere")
    }
    #expect(error?.word == "unreachable")
    #expect(error?.description.contains("t_nowhere") == true)
  }

  @Test(.enabled(if: TestDatabase.server != nil))
  func `a lost connection is told, and the next transaction connects anew`() async throws {
    try await TestDatabase.postgres.with { database in
      try await database.write { try $0.script("CREATE TABLE t (id {id});") }
      let error = await #expect(throws: SQLError.self) {
        try await database.write { session in
          try session.run("INSERT INTO t (id) VALUES (1)")
          try session.run("SELECT pg_terminate_backend(pg_backend_pid())")
        }
      }
      #expect(error?.word == "unreachable")
      try await #expect(database.read { try $0.count("t") } == 0)
    }
  }
}
