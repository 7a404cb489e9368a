internal import Model

/// One step of the schema: a numbered SQL file.
package struct Migration: Sendable {
  package var number: Int
  package var script: String

  /// Every migration, in order; a new one is a file in `Migrations/` and a line here.
  package static let all = [
    Migration(number: 1, script: String(decoding: PackageResources.m0001_first_sql, as: UTF8.self)),
    Migration(
      number: 2,
      script: String(decoding: PackageResources.m0002_credentials_sql, as: UTF8.self)
    ),
    Migration(
      number: 3,
      script: String(decoding: PackageResources.m0003_access_sql, as: UTF8.self)
    ),
    Migration(number: 4, script: String(decoding: PackageResources.m0004_jobs_sql, as: UTF8.self)),
    Migration(
      number: 5,
      script: String(decoding: PackageResources.m0005_collectors_sql, as: UTF8.self)
    ),
    Migration(
      number: 6,
      script: String(decoding: PackageResources.m0006_accounts_sql, as: UTF8.self)
    ),
    Migration(
      number: 7,
      script: String(decoding: PackageResources.m0007_guardrails_sql, as: UTF8.self)
    ),
    Migration(
      number: 8,
      script: String(decoding: PackageResources.m0008_findings_sql, as: UTF8.self)
    ),
    Migration(
      number: 9,
      script: String(decoding: PackageResources.m0009_alerts_sql, as: UTF8.self)
    ),
    Migration(
      number: 10,
      script: String(decoding: PackageResources.m0010_kinds_sql, as: UTF8.self)
    ),
    Migration(
      number: 12,
      script: String(decoding: PackageResources.m0012_decision_rulings_sql, as: UTF8.self)
    ),
    Migration(
      number: 13,
      script: String(decoding: PackageResources.m0013_conversations_sql, as: UTF8.self)
    ),
    Migration(
      number: 14,
      script: String(decoding: PackageResources.m0014_targets_sql, as: UTF8.self)
    ),
    Migration(
      number: 15,
      script: String(decoding: PackageResources.m0015_finding_places_sql, as: UTF8.self)
    ),
    Migration(
      number: 16,
      script: String(decoding: PackageResources.m0016_changes_sql, as: UTF8.self)
    ),
  ]

  /// SHA-256 of the script as it stands in its file.
  package var digest: String { Digest.sha256(Array(script.utf8)) }
}

/// Brings a database to the schema that this binary knows.
package struct Migrator: Sendable {
  private let migrations: [Migration]

  /// A migrator; tests give migrations of their own.
  package init(_ migrations: [Migration] = Migration.all) { self.migrations = migrations }

  /// Applies what is missing, each migration in a transaction of its own.
  ///
  /// - Returns: the numbers of the migrations that were applied.
  /// - Throws: ``StoreError`` when the database is newer than the binary or was migrated by other
  ///   scripts, and ``SQLError``.
  @discardableResult
  package func migrate(_ database: any SQLDatabase) async throws -> [Int] {
    let applied = try await applied(database)
    try check(applied, database.name)
    var done: [Int] = []
    for migration in migrations where applied[migration.number] == nil {
      let isNew = try await database.write { session in
        // Another process may have come first while this one waited for its turn.
        try session.lockForMigration()
        try session.script(Self.table)
        let found = try Self.applied(session)
        guard found[migration.number] == nil else { return false }
        try session.script(migration.script)
        try session.run(
          "INSERT INTO migrations (number, digest) VALUES ($1, $2)",
          [.integer(Int64(migration.number)), .text(migration.digest)]
        )
        return true
      }
      if isNew { done.append(migration.number) }
    }
    return done
  }

  /// The numbers of the migrations that the database lacks.
  ///
  /// - Throws: as ``migrate(_:)``; changes nothing.
  package func missing(_ database: any SQLDatabase) async throws -> [Int] {
    let applied = try await applied(database)
    try check(applied, database.name)
    return migrations.map(\.number).filter { applied[$0] == nil }
  }

  /// Applies what is missing in one transaction and undoes it, to see whether it would go.
  ///
  /// - Returns: the numbers of the migrations that would be applied.
  /// - Throws: as ``migrate(_:)``; nothing is changed.
  package func rehearse(_ database: any SQLDatabase) async throws -> [Int] {
    struct Undo: Error {}
    let missing = try await missing(database)
    let scripts = migrations.filter { missing.contains($0.number) }.map(\.script)
    do {
      try await database.write { session in
        try session.script(Self.table)
        for script in scripts { try session.script(script) }
        throw Undo()
      }
    } catch is Undo {}
    return missing
  }

  private static let table = """
    CREATE TABLE IF NOT EXISTS migrations (
      number BIGINT NOT NULL PRIMARY KEY,
      digest TEXT NOT NULL
    ) {by key};
    """

  private func applied(_ database: any SQLDatabase) async throws -> [Int: String] {
    try await database.read { try Self.applied($0) }
  }

  private static func applied(_ session: any SQLSession) throws -> [Int: String] {
    guard try session.hasTable("migrations") else { return [:] }
    let rows = try session.rows("SELECT number, digest FROM migrations") {
      (Int($0.integer(0)), $0.text(1))
    }
    return Dictionary(rows) { first, _ in first }
  }

  private func check(_ applied: [Int: String], _ name: String) throws {
    let newest = migrations.last?.number ?? 0
    if let highest = applied.keys.max(), highest > newest {
      throw StoreError.newer(name, schema: highest, known: newest)
    }
    for migration in migrations {
      if let digest = applied[migration.number], digest != migration.digest {
        throw StoreError.otherMigration(name, number: migration.number)
      }
    }
  }
}

extension SQLSession {
  /// Waits until no other process migrates; SQLite lets one transaction write at a time anyway.
  fileprivate func lockForMigration() throws {
    guard dialect == .postgres else { return }
    // The number stands for migrations among PostgreSQL's advisory locks.
    try query("SELECT pg_advisory_xact_lock(5086473120)", []) { _ in }
  }

  /// Whether the database has a table.
  func hasTable(_ name: String) throws -> Bool {
    let question =
      switch dialect {
      case .sqlite: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1"
      case .postgres:
        "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1"
      }
    return try first(question, [.text(name)]) { _ in true } ?? false
  }
}
