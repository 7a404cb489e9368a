package import Model
import Synchronization

/// Everything that is remembered, over one database.
///
/// Reads see one state; writes are kept whole or not at all. What a transaction can read and change
/// stands in the extensions of ``StoreTransaction``, one file per subject.
package struct DataStore: Sendable {
  package let database: any SQLDatabase
  /// The seed of fingerprints: drawn once per database and never shown, so that nobody can make two
  /// configurations that look the same to this database.
  package let seed: UInt64
  /// The time of day, which the audit log tells beside the instant that a change is said to be of.
  package var wallClock: (@Sendable () -> Instant)?
  private let writes = WriteCount()

  /// How many changes were made through this value and its copies, those that failed too.
  package var writeCount: Int { writes.count }

  /// Opens a database, migrating it where that is needed.
  ///
  /// - Throws: ``StoreError`` when a newer binary wrote it, and ``SQLError``.
  package init(_ database: any SQLDatabase) async throws {
    self.database = database
    if try await !Migrator().missing(database).isEmpty { try await Migrator().migrate(database) }
    if let found = try await database.read({ try Self.seed($0) }) {
      seed = found
      return
    }
    let drawn = UInt64.random(in: .min ... .max)
    let kept = try await database.write { session in
      // Of several that open a new database at once the first one's seed counts.
      try session.run(
        """
        INSERT INTO facts (name, value) VALUES ('fingerprint seed', $1)
        ON CONFLICT (name) DO NOTHING
        """,
        [.text(String(drawn))]
      )
      return try Self.seed(session)
    }
    guard let kept else { throw StoreError.damaged("the fingerprint seed is gone") }
    seed = kept
  }

  static func seed(_ session: any SQLSession) throws -> UInt64? {
    try session.first("SELECT value FROM facts WHERE name = 'fingerprint seed'") {
      UInt64($0.text(0))
    } ?? nil
  }

  /// Reads, all from one state.
  ///
  /// - Throws: ``SQLError``, and what `body` throws.
  package func read<R: Sendable>(
    _ body: @Sendable @escaping (StoreTransaction) throws -> R
  ) async throws -> R {
    try await database.read { try body(StoreTransaction(session: $0, actor: "", now: .never)) }
  }

  /// Changes, as an actor and at an instant; kept whole or not at all.
  ///
  /// - Throws: ``SQLError``, and what `body` throws.
  package func write<R: Sendable>(
    as actor: String,
    at now: Instant,
    _ body: @Sendable @escaping (StoreTransaction) throws -> R
  ) async throws -> R {
    let recordedAt = wallClock?()
    defer { writes.add() }
    return try await database.write { session in
      var transaction = StoreTransaction(session: session, actor: actor, now: now)
      transaction.recordedAt = recordedAt
      return try body(transaction)
    }
  }
}

/// Counts what is written by this process.
private final class WriteCount: Sendable {
  private let state = Mutex(0)

  var count: Int { state.withLock { $0 } }

  func add() { state.withLock { $0 += 1 } }
}

/// One transaction of the store.
package struct StoreTransaction {
  package let session: any SQLSession
  /// Who changes something; empty where nothing is changed.
  package let actor: String
  /// When the change happens.
  package let now: Instant
  /// The time of day, where it is known.
  var recordedAt: Instant?

  package init(session: any SQLSession, actor: String, now: Instant) {
    self.session = session
    self.actor = actor
    self.now = now
  }

  /// Lets a scan that ends wait for others that do; called before anything is read.
  package func beginFinish() throws { _ = try take(0, of: "ledger") }

  /// Lets whoever decides something wait for others who do, so that nothing changes between what is looked at
  /// and what is written; called before anything is read.
  package func beginDecision() throws { _ = try take(0, of: "decision of people") }

  /// Takes numbers that nobody else gets, and returns the first of them.
  func take(_ count: Int = 1, of counter: String) throws -> Int64 {
    try session.run(
      "INSERT INTO counters (name, next) VALUES ($1, 1) ON CONFLICT (name) DO NOTHING",
      [.text(counter)]
    )
    let next = try session.first(
      "UPDATE counters SET next = next + $2 WHERE name = $1 RETURNING next",
      [.text(counter), .integer(Int64(count))]
    ) { $0.integer(0) }
    guard let next else { throw StoreError.damaged("the counter \(counter) is gone") }
    return next - Int64(count)
  }
}

extension Instant {
  /// The instant as a value of a statement.
  var value: SQLValue { .integer(milliseconds) }
}

extension SQLRow {
  /// The column as an instant.
  func instant(_ column: Int) -> Instant { Instant(milliseconds: integer(column)) }
  /// The column as an instant; nil where it is null.
  func optionalInstant(_ column: Int) -> Instant? { isNull(column) ? nil : instant(column) }
}
