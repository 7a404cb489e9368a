package import Store
package import Synchronization

/// A database that can be away or slow, or hold back what it has read.
package final class ShakyDatabase: SQLDatabase {
  /// Whether it cannot be reached.
  package let isAway = Mutex(false)
  /// How long each transaction takes to begin; less where it is made less meanwhile.
  package let pause = Mutex(Duration.zero)
  /// Whether what the next read finds is held back.
  package let holdsNext = Mutex(false)
  /// Whether a read is held back now, which ends once this is taken back.
  package let isHolding = Mutex(false)
  private let inner: any SQLDatabase

  /// A database over another.
  package init(_ inner: any SQLDatabase) { self.inner = inner }

  /// That of the other.
  package var dialect: SQLDialect { inner.dialect }
  /// That of the other.
  package var name: String { inner.name }

  private func check() async throws {
    let start = ContinuousClock.now
    while ContinuousClock.now - start < pause.withLock({ $0 }) {
      try await Task.sleep(for: .milliseconds(5))
    }
    if isAway.withLock({ $0 }) { throw SQLError.unreachable(name, reason: "a test says so") }
  }

  /// Reads, unless it is away.
  package func read<R: Sendable>(
    _ body: @Sendable @escaping (any SQLSession) throws -> R
  ) async throws -> R {
    try await check()
    let isHeld = holdsNext.withLock { holdsNext in
      defer { holdsNext = false }
      return holdsNext
    }
    let found = try await inner.read(body)
    if isHeld { isHolding.withLock { $0 = true } }
    while isHeld, isHolding.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
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
