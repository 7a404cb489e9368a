package import Store
package import Synchronization

/// A database that can be away or slow, or hold back what it has read.
package final class ShakyDatabase: SQLDatabase {
  /// Whether it cannot be reached.
  package let isAway = Mutex(false)
  /// How long each transaction takes to begin.
  package let pause = Mutex(Duration.zero)
  /// For how long what was read is held back.
  package let hold = Mutex(Duration.zero)
  /// How many reads are held back now.
  package let isHolding = Mutex(0)
  private let inner: any SQLDatabase

  /// A database over another.
  package init(_ inner: any SQLDatabase) { self.inner = inner }

  /// That of the other.
  package var dialect: SQLDialect { inner.dialect }
  /// That of the other.
  package var name: String { inner.name }

  private func check() async throws {
    let pause = pause.withLock { $0 }
    if pause > .zero { try await Task.sleep(for: pause) }
    if isAway.withLock({ $0 }) { throw SQLError.unreachable(name, reason: "a test says so") }
  }

  /// Reads, unless it is away.
  package func read<R: Sendable>(
    _ body: @Sendable @escaping (any SQLSession) throws -> R
  ) async throws -> R {
    try await check()
    let hold = hold.withLock { $0 }
    let found = try await inner.read(body)
    guard hold > .zero else { return found }
    isHolding.withLock { $0 += 1 }
    try await Task.sleep(for: hold)
    isHolding.withLock { $0 -= 1 }
    return found
  }

  /// Writes, unless it is away.
  package func write<R: Sendable>(
    _ body: @Sendable @escaping (any SQLSession) throws -> R
  ) async throws -> R {
    try await check()
    return try await inner.write(body)
  }

  /// Closes the other.
  package func close() async { await inner.close() }
}
