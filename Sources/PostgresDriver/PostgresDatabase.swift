package import Store
import Synchronization

/// A PostgreSQL database, reached over a few connections.
///
///     let database = try await PostgresDatabase.open("postgres://plumb@db.example.org/plumb")
///     let names = try await database.read { try $0.rows("SELECT name FROM t") { $0.text(0) } }
///
/// Connections are opened when they are needed and replaced when they were lost. A transaction is
/// never run again by itself: the server's end in the middle of it is an error, and the next one
/// connects anew. After an error a transaction can only be rolled back, so a body that goes on gets
/// the same error again; and a `row` closure may not run another statement.
///
/// Other writers are not held off as in SQLite: a statement sees what they have committed so far,
/// and waits for the rows that they changed, by default for at most 30 s.
package final class PostgresDatabase: SQLDatabase {
  package let name: String
  private let address: PostgresAddress
  private let pool: ConnectionPool
  private let listeners = Mutex<Listeners>(Listeners())

  private struct Listeners {
    var open: [ObjectIdentifier: Listener] = [:]
    var isClosed = false
  }

  private init(_ address: PostgresAddress, _ connections: [PostgresConnection], name: String) {
    self.address = address
    self.name = name
    pool = ConnectionPool(connections, name: name)
  }

  /// What differs from other databases.
  package var dialect: SQLDialect { .postgres }

  /// Opens a database by a conninfo text or a postgres:// URI, and connects once.
  ///
  /// - Throws: ``SQLError/unreachable(_:reason:)``.
  package static func open(
    _ address: String,
    connections: Int = 4
  ) async throws -> PostgresDatabase {
    let address = try PostgresAddress(address)
    let first = PostgresConnection(address)
    let name = try await first.run { try $0.connect() }
    let others = (1..<max(1, connections)).map { _ in PostgresConnection(address) }
    return PostgresDatabase(address, [first] + others, name: name)
  }

  /// Runs queries in one transaction of a single snapshot (`REPEATABLE READ READ ONLY`).
  ///
  /// - Throws: ``SQLError``, `CancellationError` before `body` began, and what `body` throws.
  package func read<R: Sendable>(
    _ body: @Sendable @escaping (any SQLSession) throws -> R
  ) async throws -> R {
    try await transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", body)
  }

  /// Runs statements in one transaction (`READ COMMITTED`), kept whole or not at all.
  ///
  /// - Throws: ``SQLError``, `CancellationError` before `body` began, and what `body` throws. Where
  ///   the server was lost at the very end, the reason says that it may have been kept.
  package func write<R: Sendable>(
    _ body: @Sendable @escaping (any SQLSession) throws -> R
  ) async throws -> R {
    try await transaction("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", body)
  }

  private func transaction<R: Sendable>(
    _ begin: String,
    _ body: @Sendable @escaping (any SQLSession) throws -> R
  ) async throws -> R {
    let connection = try await pool.take()
    defer { pool.give(connection) }
    let cancellation = CancellationFlag()
    return try await withTaskCancellationHandler {
      try await connection.run { try $0.transaction(begin, unless: cancellation, body) }
    } onCancel: {
      cancellation.set()
    }
  }

  /// What is sent to a channel, over a connection of its own.
  ///
  /// Send with `SELECT pg_notify($1, $2)`; it arrives when that transaction is committed. The first
  /// element is empty and says that listening has begun: look then for what was sent before. If
  /// nobody takes them, only the newest 1,024 are kept. The stream ends when the connection ends or
  /// none can be made; then listen again, after a pause.
  package func listen(_ channel: String) -> AsyncStream<String> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: String.self,
      bufferingPolicy: .bufferingNewest(1024)
    )
    let listener = Listener(address, channel: channel, continuation)
    let isClosed = listeners.withLock { listeners in
      if !listeners.isClosed { listeners.open[ObjectIdentifier(listener)] = listener }
      return listeners.isClosed
    }
    guard !isClosed else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self, weak listener] _ in
      guard let listener else { return }
      listener.stop()
      self?.listeners.withLock { $0.open[ObjectIdentifier(listener)] = nil }
    }
    listener.start()
    return stream
  }

  /// What is sent to a channel, as ``listen(_:)`` hands it over.
  package func notifications(on channel: String) -> AsyncStream<String>? { listen(channel) }

  /// Closes every connection after the transaction that runs on it, and ends every stream.
  package func close() async {
    let open = listeners.withLock { listeners in
      listeners.isClosed = true
      defer { listeners.open.removeAll() }
      return Array(listeners.open.values)
    }
    for listener in open { listener.stop() }
    await pool.close()
  }
}
