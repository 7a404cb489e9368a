import JSON
package import Model

/// A key by which a program acts for a person.
package struct APIKey: Sendable, Hashable {
  package var id: Int64
  package var name: String
  package var person: Int64
  /// What it is limited to, whatever its person may do.
  package var limit: Grant
  package var createdAt: Instant
  package var expiresAt: Instant
  package var revokedAt: Instant?
  /// The last day on which it was used, such as `2026-11-21`; empty for never.
  package var usedOn: String
}

// Keys, sessions and codes, of which only digests are kept.
extension StoreTransaction {
  /// Adds a key, of which the caller keeps the digest's preimage to show it once.
  ///
  /// `digest` is SHA-256 of the key, in hexadecimal.
  /// - Throws: ``StoreError/conflict(_:)`` for an expiry that is past.
  package func addKey(
    _ name: String,
    digest: String,
    of person: Int64,
    limit: Grant,
    expiresAt: Instant
  ) throws -> APIKey {
    let owner = try self.person(person)
    guard expiresAt > now else {
      throw StoreError.conflict("\(expiresAt) is past; a key ends later than it begins")
    }
    let id = try take(of: "API key")
    try session.run(
      """
      INSERT INTO api_keys (id, digest, name, person, role, extent_kind, extent_name, created_at,
        expires_at, revoked_at, used_on)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, '')
      """,
      [
        .integer(id), .text(digest), .text(name), .integer(person), .text(limit.role.rawValue),
        .text(limit.extent.kind), .text(limit.extent.name), now.value, expiresAt.value,
      ]
    )
    try record(
      "key.add",
      "\(id)",
      [
        "name": .string(name), "person": .string(owner.name),
        "role": .string(limit.role.rawValue), "on": .string(limit.extent.kind),
        "extent": .string(limit.extent.name), "expires_at": .string("\(expiresAt)"),
      ]
    )
    return try key(id)
  }

  /// The keys, of one person or of all.
  package func keys(of person: Int64? = nil) throws -> [APIKey] {
    try session.rows(
      "SELECT \(Self.keyColumns) FROM api_keys WHERE person = $1 OR $1 = 0 ORDER BY id",
      [.integer(person ?? 0)],
      Self.key
    )
  }

  /// One key.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func key(_ id: Int64) throws -> APIKey {
    let found = try session.first(
      "SELECT \(Self.keyColumns) FROM api_keys WHERE id = $1",
      [.integer(id)],
      Self.key
    )
    guard let found else { throw StoreError.notFound(kind: "API key", name: "\(id)") }
    return found
  }

  /// The key with a digest, if it is in force at an instant.
  package func key(digest: String, at instant: Instant) throws -> APIKey? {
    try session.first(
      """
      SELECT \(Self.keyColumns) FROM api_keys
      WHERE digest = $1 AND expires_at > $2 AND revoked_at IS NULL
      """,
      [.text(digest), instant.value],
      Self.key
    )
  }

  /// The digests of the keys that are in force at an instant, by number.
  package func keyDigests(at instant: Instant) throws -> [Int64: String] {
    let found = try session.rows(
      "SELECT id, digest FROM api_keys WHERE expires_at > $1 AND revoked_at IS NULL",
      [instant.value]
    ) { ($0.integer(0), $0.text(1)) }
    return Dictionary(found) { first, _ in first }
  }

  /// Notes that a key was used today.
  package func noteUse(ofKey id: Int64) throws {
    try session.run(
      "UPDATE api_keys SET used_on = $2 WHERE id = $1",
      [.integer(id), .text(now.day)]
    )
  }

  /// Ends a key for good.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func revokeKey(_ id: Int64) throws {
    guard try key(id).revokedAt == nil else { return }
    try session.run("UPDATE api_keys SET revoked_at = $2 WHERE id = $1", [.integer(id), now.value])
    try record("key.revoke", "\(id)")
  }

  private static let keyColumns = """
    id, name, person, role, extent_kind, extent_name, created_at, expires_at, revoked_at, used_on
    """

  private static func key(_ row: any SQLRow) throws -> APIKey {
    let extent = Extent(kind: row.text(4), name: row.text(5))
    guard let role = Role(rawValue: row.text(3)), let extent else {
      throw StoreError.damaged("API key \(row.integer(0)) names no role or extent")
    }
    return APIKey(
      id: row.integer(0),
      name: row.text(1),
      person: row.integer(2),
      limit: Grant(role: role, extent: extent),
      createdAt: row.instant(6),
      expiresAt: row.instant(7),
      revokedAt: row.optionalInstant(8),
      usedOn: row.text(9)
    )
  }

  /// Begins a session, and forgets those that ended.
  package func beginSession(digest: String, of person: Int64, expiresAt: Instant) throws {
    try session.run("DELETE FROM sessions WHERE expires_at <= $1", [now.value])
    try session.run(
      "INSERT INTO sessions (digest, person, created_at, expires_at) VALUES ($1, $2, $3, $4)",
      [.text(digest), .integer(person), now.value, expiresAt.value]
    )
    try record("session.begin", try self.person(person).name)
  }

  /// The person of a session that has not ended by an instant.
  package func sessionPerson(digest: String, at instant: Instant) throws -> Int64? {
    try session.first(
      "SELECT person FROM sessions WHERE digest = $1 AND expires_at > $2",
      [.text(digest), instant.value]
    ) { $0.integer(0) }
  }

  /// Ends a session.
  package func endSession(digest: String) throws {
    guard let person = try sessionPerson(digest: digest, at: now) else { return }
    try session.run("DELETE FROM sessions WHERE digest = $1", [.text(digest)])
    try record("session.end", try self.person(person).name)
  }

  /// Adds a code by which a person signs in once.
  package func addCode(digest: String, for person: Int64, expiresAt: Instant) throws {
    try session.run("DELETE FROM sign_in_codes WHERE expires_at <= $1", [now.value])
    try session.run(
      "INSERT INTO sign_in_codes (digest, person, expires_at) VALUES ($1, $2, $3)",
      [.text(digest), .integer(person), expiresAt.value]
    )
    try record("code.add", try self.person(person).name, ["expires_at": .string("\(expiresAt)")])
  }

  /// Uses a code up.
  ///
  /// - Returns: its person; nil for a code that is not there, or has ended.
  package func useCode(digest: String) throws -> Int64? {
    let person = try session.first(
      "SELECT person FROM sign_in_codes WHERE digest = $1 AND expires_at > $2",
      [.text(digest), now.value]
    ) { $0.integer(0) }
    guard let person else { return nil }
    let used = try session.run("DELETE FROM sign_in_codes WHERE digest = $1", [.text(digest)])
    return used == 1 ? person : nil
  }

  /// Keeps what a sign-in with an identity provider has to be met with.
  package func keepSignIn(state: String, pending: String, expiresAt: Instant) throws {
    try session.run("DELETE FROM pending_sign_ins WHERE expires_at <= $1", [now.value])
    try session.run(
      "INSERT INTO pending_sign_ins (state, pending, expires_at) VALUES ($1, $2, $3)",
      [.text(state), .text(pending), expiresAt.value]
    )
  }

  /// Takes what was kept under a state, which can be taken once.
  package func takeSignIn(state: String) throws -> String? {
    let pending = try session.first(
      "SELECT pending FROM pending_sign_ins WHERE state = $1 AND expires_at > $2",
      [.text(state), now.value]
    ) { $0.text(0) }
    guard let pending else { return nil }
    let taken = try session.run("DELETE FROM pending_sign_ins WHERE state = $1", [.text(state)])
    return taken == 1 ? pending : nil
  }
}

/// An answer that is given again when the same request comes again.
package struct IdempotentAnswer: Sendable, Equatable {
  /// The digest of the request.
  package var request: String
  /// 0 where the request was carried out and its answer was lost.
  package var status: Int
  /// The headers, as JSON.
  package var headers: String
  package var body: String

  package init(request: String, status: Int, headers: String, body: String) {
    (self.request, self.status, self.headers, self.body) = (request, status, headers, body)
  }
}

extension StoreTransaction {
  /// The answer kept under a key for a day; nil where there is none.
  package func answer(under key: String, at instant: Instant) throws -> IdempotentAnswer? {
    try session.first(
      """
      SELECT request, status, headers, body FROM idempotent_answers
      WHERE key = $1 AND created_at > $2
      """,
      [.text(key), instant.advanced(days: -1).value]
    ) {
      IdempotentAnswer(
        request: $0.text(0),
        status: Int($0.integer(1)),
        headers: $0.text(2),
        body: $0.text(3)
      )
    }
  }

  /// Notes that the request of a key is carried out in this transaction.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` when it was carried out already.
  package func claim(_ key: String, request: String) throws {
    try session.run(
      "DELETE FROM idempotent_answers WHERE created_at <= $1",
      [now.advanced(days: -1).value]
    )
    let claimed = try session.run(
      """
      INSERT INTO idempotent_answers (key, request, status, headers, body, created_at)
      VALUES ($1, $2, 0, '', '', $3) ON CONFLICT (key) DO NOTHING
      """,
      [.text(key), .text(request), now.value]
    )
    guard claimed == 1 else {
      throw StoreError.conflict("a request with this Idempotency-Key was carried out meanwhile")
    }
  }

  /// Lets a request that was claimed come again: nothing came of it.
  package func release(_ key: String) throws {
    try session.run(
      "DELETE FROM idempotent_answers WHERE key = $1 AND status = 0",
      [.text(key)]
    )
  }

  /// Keeps the answer of a request that was claimed, for a day.
  package func keep(_ answer: IdempotentAnswer, under key: String) throws {
    try session.run(
      "UPDATE idempotent_answers SET status = $2, headers = $3, body = $4 WHERE key = $1",
      [.text(key), .integer(Int64(answer.status)), .text(answer.headers), .text(answer.body)]
    )
  }
}
