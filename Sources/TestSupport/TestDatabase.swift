import Foundation
import PostgresDriver
import SQLiteDriver
package import Store

/// The databases on which every test of the store runs whole.
///
///     @Test(arguments: TestDatabase.all)
///     func `it remembers`(kind: TestDatabase) async throws {
///       try await kind.with { database in … }
///     }
package enum TestDatabase: String, CaseIterable, Sendable, CustomStringConvertible {
  case sqlite, postgres

  /// Those that are there: PostgreSQL where `PLUMB_TEST_POSTGRES` says how a server is reached.
  package static var all: [TestDatabase] { server == nil ? [.sqlite] : allCases }

  /// The conninfo of the server on which tests make databases of their own; nil where there is none.
  package static var server: String? {
    let text = ProcessInfo.processInfo.environment["PLUMB_TEST_POSTGRES"] ?? ""
    return text.isEmpty ? nil : text
  }

  /// The database's name.
  package var description: String {
    switch self {
    case .sqlite: "SQLite"
    case .postgres: "PostgreSQL"
    }
  }

  /// Hands over a new, empty database, which is removed afterwards.
  ///
  /// - Throws: what `body` throws, and why no database could be made.
  package func with<R>(_ body: (any SQLDatabase) async throws -> R) async throws -> R {
    switch self {
    case .sqlite:
      let folder = try Fixtures.temporaryFolder()
      defer { Fixtures.remove(folder) }
      let file = folder.appendingPathComponent("store.sqlite").path
      return try await Self.use(try SQLiteDatabase(file), body)
    case .postgres:
      await Self.turns.take()
      let result: Result<R, any Error>
      do {
        result = .success(try await Self.onServer(body))
      } catch {
        result = .failure(error)
      }
      await Self.turns.give()
      return try result.get()
    }
  }

  private static func onServer<R>(
    _ body: (any SQLDatabase) async throws -> R
  ) async throws -> R {
    guard let server else { throw SetupFailure("PLUMB_TEST_POSTGRES is not set") }
    let name = "t_" + String(UInt64.random(in: .min ... .max), radix: 36)
    try command("CREATE DATABASE \(name)", server)
    let result: Result<R, any Error>
    do {
      // Of a keyword given twice the last one counts.
      let database = try await PostgresDatabase.open("\(server) dbname=\(name)")
      result = .success(try await use(database, body))
    } catch {
      result = .failure(error)
    }
    try command("DROP DATABASE \(name) WITH (FORCE)", server)
    return try result.get()
  }

  private static func use<R>(
    _ database: any SQLDatabase,
    _ body: (any SQLDatabase) async throws -> R
  ) async throws -> R {
    let result: Result<R, any Error>
    do {
      result = .success(try await body(database))
    } catch {
      result = .failure(error)
    }
    await database.close()
    return try result.get()
  }

  /// Runs a statement that no transaction may hold.
  private static func command(_ sql: String, _ server: String) throws {
    let run = try CommandRun(
      URL(fileURLWithPath: "/usr/bin/env"),
      ["psql", "-X", "-q", "-d", server, "-c", sql]
    )
    guard run.exitCode == 0 else { throw SetupFailure("\(sql): \(run.errors)") }
  }

  private struct SetupFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
  }

  /// A server takes a hundred connections, and each database of a test up to four.
  private static let turns = Turns(12)
}

/// Lets some in at a time; who comes too early waits in order.
private actor Turns {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(_ count: Int) { free = count }

  func take() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func give() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}
