internal import Foundation
internal import GRDB
package import Store
internal import Synchronization

/// A database in one file, for a machine of its own: SQLite in WAL mode, one writer, many readers.
package final class SQLiteDatabase: SQLDatabase {
  package let dialect = SQLDialect.sqlite
  package let name: String
  private let pool: DatabasePool
  private let isOpen = Mutex(true)

  /// How long to wait for another process's write, in seconds.
  private static let patience = 30.0

  /// Opens the file, and makes it where there is none.
  ///
  /// - Throws: ``SQLError`` when it cannot be opened or is no database.
  package init(_ path: String) throws {
    name = path
    var configuration = Configuration()
    configuration.busyMode = .timeout(Self.patience)
    configuration.maximumReaderCount = 4
    configuration.prepareDatabase { database in
      try database.execute(
        sql: """
          PRAGMA synchronous = FULL;
          PRAGMA cache_size = -65536;
          PRAGMA temp_store = MEMORY;
          PRAGMA journal_size_limit = 134217728;
          PRAGMA wal_autocheckpoint = 32768;
          """
      )
    }
    do {
      pool = try DatabasePool(path: path, configuration: configuration)
    } catch {
      throw SQLiteFault.error(error, path)
    }
  }

  /// Reads from one state, on a connection of its own.
  package func read<R: Sendable>(
    _ body: @Sendable @escaping (any SQLSession) throws -> R
  ) async throws -> R {
    let name = name
    do {
      return try await pool.read { try body(SQLiteSession($0, name)) }
    } catch {
      throw SQLiteFault.error(error, name)
    }
  }

  /// Writes in one transaction; one after another, other processes' included.
  package func write<R: Sendable>(
    _ body: @Sendable @escaping (any SQLSession) throws -> R
  ) async throws -> R {
    let name = name
    do {
      return try await pool.write { try body(SQLiteSession($0, name)) }
    } catch {
      throw SQLiteFault.error(error, name)
    }
  }

  /// Copies the database as it is now into a new file.
  ///
  /// - Throws: ``SQLError``.
  package func copy(to path: String) async throws {
    let name = name
    do {
      try await pool.writeWithoutTransaction { database in
        try database.execute(sql: "VACUUM INTO ?", arguments: [path])
      }
    } catch {
      throw SQLiteFault.error(error, name)
    }
  }

  /// Closes every connection.
  package func close() async {
    guard
      isOpen.withLock({ isOpen in
        defer { isOpen = false }
        return isOpen
      })
    else { return }
    // What stands in the log goes into the file, so that the file alone is the whole database.
    _ = try? await pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    try? pool.close()
  }
}

/// SQLite's result codes (<https://www.sqlite.org/rescode.html>) as errors of the port.
enum SQLiteFault {
  /// The error of the port for what GRDB threw; other errors stay what they are.
  static func error(_ error: any Error, _ name: String) -> any Error {
    guard let fault = error as? DatabaseError else { return error }
    return of(
      fault.resultCode.rawValue,
      fault.message ?? "no message",
      statement: fault.sql ?? "",
      name
    )
  }

  /// The error of the port for a result code.
  static func of(_ code: Int32, _ message: String, statement: String, _ name: String) -> SQLError {
    switch code & 0xFF {
    case 5, 6: .busy(name)
    case 8, 10, 14: .unreachable(name, reason: message)
    case 11, 26: .corrupt(name, reason: message)
    case 13: .full(name)
    case 19: .constraint(message)
    default: .refused(message, statement: String(statement.prefix(200)))
    }
  }
}
