import Store
import Synchronization

/// The statements that a database ran, with the values that each had first and how often it ran.
final class StatementLog: Sendable {
  struct Entry: Sendable {
    var values: [SQLValue]
    var count: Int
  }

  private let kept = Mutex<[String: Entry]>([:])

  var entries: [String: Entry] { kept.withLock { $0 } }

  func clear() { kept.withLock { $0 = [:] } }

  func note(_ sql: String, _ values: [SQLValue]) {
    kept.withLock { $0[sql, default: Entry(values: values, count: 0)].count += 1 }
  }
}

/// A database that notes every query.
struct WatchedDatabase: SQLDatabase {
  let inner: any SQLDatabase
  let log: StatementLog

  private struct Session: SQLSession {
    let inner: any SQLSession
    let log: StatementLog

    var dialect: SQLDialect { inner.dialect }

    func run(_ sql: String, _ values: [SQLValue]) throws -> Int { try inner.run(sql, values) }

    func query(_ sql: String, _ values: [SQLValue], _ row: (any SQLRow) throws -> Void) throws {
      log.note(sql, values)
      try inner.query(sql, values, row)
    }

    func insert(
      into table: String,
      columns: [String],
      rows: Int,
      _ row: (Int, any SQLRowWriter) throws -> Void
    ) throws {
      try inner.insert(into: table, columns: columns, rows: rows, row)
    }

    func script(_ text: String) throws { try inner.script(text) }
  }

  var dialect: SQLDialect { inner.dialect }
  var name: String { inner.name }

  func read<R: Sendable>(
    _ body: @Sendable @escaping (any SQLSession) throws -> R
  ) async throws -> R {
    try await inner.read { [log] in try body(Session(inner: $0, log: log)) }
  }

  func write<R: Sendable>(
    _ body: @Sendable @escaping (any SQLSession) throws -> R
  ) async throws -> R {
    try await inner.write { [log] in try body(Session(inner: $0, log: log)) }
  }

  func notifications(on channel: String) -> AsyncStream<String>? {
    inner.notifications(on: channel)
  }

  func close() async { await inner.close() }
}
