package import Store
import Synchronization

/// A PostgreSQL database, reached over a few connections.
///
///     let database = try await PostgresDatabase.open("postgres://plumb@db.example.org/plumb")
///     let count = try await database.read { try $0.first("SELECT count(*) FROM t") { $0.integer(0) } }
///
/// Connections are opened when they are needed and replaced when they were lost. A transaction is never
/// run again by itself: the server's end in the middle of it is an error, and the next one connects anew.
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
    let others = (1..<max(2, connections)).map { _ in PostgresConnection(address) }
    return PostgresDatabase(
      address,
      connections > 1 ? [first] + others : [first],
      name: name
    )
  }

  package func read<R: Sendable>(
    _ body: @Sendable @escaping (any SQLSession) throws -> R
  ) async throws -> R {
    try await transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", body)
  }

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
  /// element is empty and says that listening has begun: look then for what was sent before. Of many
  /// that nobody takes only the newest 1,024 are kept. The stream ends when the connection ends, or when
  /// none can be made; listen again then.
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
