package import JSON
package import Model

/// How an account is signed in to, by name; what is secret of it is sealed.
package struct CredentialRecord: Sendable, Hashable {
  package var name: String
  package var provider: String
  /// The public part: identifiers, region, endpoint.
  package var details: JSONObject
  /// Counts the secrets that this credential has had.
  package var version: Int64 = 1
  package var createdAt = Instant.never
  package var rotatedAt: Instant?
  package var revokedAt: Instant?
  package var test: Test?
  /// Empty where it was revoked.
  package var secrets: [SealedSecret]

  /// What came of signing in.
  package struct Test: Sendable, Hashable {
    package var at: Instant
    package var isAccepted: Bool
    package var outcome: String

    package init(at: Instant, isAccepted: Bool, outcome: String) {
      (self.at, self.isAccepted, self.outcome) = (at, isAccepted, outcome)
    }
  }

  package init(
    name: String,
    provider: String,
    details: JSONObject,
    version: Int64 = 1,
    secrets: [SealedSecret]
  ) {
    self.name = name
    self.provider = provider
    self.details = details
    self.version = version
    self.secrets = secrets
  }

  /// The key-encryption keys that its secrets need, in order and each once.
  package var keyIDs: [String] { Set(secrets.map(\.keyID)).sorted() }
}

// How accounts are signed in to. Only sealed bytes pass through here.
extension StoreTransaction {
  /// The key-encryption key that wraps from now on; nil before the first credential.
  package func credentialKeyID() throws -> String? {
    try session.first("SELECT value FROM facts WHERE name = 'credential key'") { $0.text(0) }
  }

  /// Whose credentials these are, in a word that no other database has; nil before the first one.
  package func credentialTenant() throws -> String? {
    try session.first("SELECT value FROM facts WHERE name = 'tenant'") { $0.text(0) }
  }

  /// The same word, drawn where there is none yet.
  package func makeCredentialTenant() throws -> String {
    let drawn = String(UInt64.random(in: .min ... .max), radix: 36)
    try session.run(
      "INSERT INTO facts (name, value) VALUES ('tenant', $1) ON CONFLICT (name) DO NOTHING",
      [.text(drawn)]
    )
    guard let tenant = try credentialTenant() else {
      throw StoreError.damaged("the tenant is gone")
    }
    return tenant
  }

  /// Names the key-encryption key that wraps from now on.
  package func useCredentialKey(_ id: String) throws {
    let former = try credentialKeyID()
    guard former != id else { return }
    try session.run(
      """
      INSERT INTO facts (name, value) VALUES ('credential key', $1)
      ON CONFLICT (name) DO UPDATE SET value = excluded.value
      """,
      [.text(id)]
    )
    var detail: JSONObject = ["key": .string(id)]
    detail["former"] = former.map { .string($0) }
    try record("credential.key", id, detail)
  }

  /// Adds a credential.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` where the name is taken, or the key-encryption key was
  ///   replaced since the secrets were sealed.
  package func add(_ credential: CredentialRecord) throws {
    let question = "SELECT 1 FROM credentials WHERE name = $1"
    let taken = try session.first(question, [.text(credential.name)]) { _ in true } ?? false
    guard !taken else {
      throw StoreError.conflict(
        "there is a credential \"\(credential.name)\" already, perhaps revoked; choose another "
          + "name, or plumb credentials rotate \(credential.name)"
      )
    }
    try session.run(
      """
      INSERT INTO credentials (name, provider, details, version, created_at)
      VALUES ($1, $2, $3, $4, $5)
      """,
      [
        .text(credential.name), .text(credential.provider),
        .text(JSONValue.object(credential.details).text), .integer(credential.version), now.value,
      ]
    )
    try insert(credential.secrets, of: credential.name)
    try record("credential.add", credential.name, credential.audit)
  }

  /// Puts a new secret in the place of the former, which is destroyed.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` where somebody else changed the credential meanwhile, or
  ///   it is revoked.
  package func replace(_ credential: CredentialRecord) throws {
    let changed = try session.run(
      """
      UPDATE credentials SET details = $3, version = $2, rotated_at = $4, tested_at = NULL,
        is_accepted = NULL, outcome = NULL
      WHERE name = $1 AND version = $2 - 1 AND revoked_at IS NULL
      """,
      [
        .text(credential.name), .integer(credential.version),
        .text(JSONValue.object(credential.details).text), now.value,
      ]
    )
    guard changed == 1 else { throw Self.changedMeanwhile(credential.name) }
    try removeSecrets(of: credential.name)
    try insert(credential.secrets, of: credential.name)
    try record("credential.rotate", credential.name, credential.audit)
  }

  /// Wraps the data keys of a credential under another key-encryption key.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` where somebody else changed the credential meanwhile.
  package func rewrap(_ credential: CredentialRecord, from former: [SealedSecret]) throws {
    guard try self.credential(credential.name).secrets == former else {
      throw Self.changedMeanwhile(credential.name)
    }
    try removeSecrets(of: credential.name)
    try insert(credential.secrets, of: credential.name)
    try record("credential.rewrap", credential.name, credential.audit)
  }

  /// Notes what came of signing in with a version of a credential.
  package func note(_ test: CredentialRecord.Test, of name: String, version: Int64) throws {
    let changed = try session.run(
      """
      UPDATE credentials SET tested_at = $3, is_accepted = $4, outcome = $5
      WHERE name = $1 AND version = $2
      """,
      [
        .text(name), .integer(version), test.at.value, .integer(test.isAccepted ? 1 : 0),
        .text(test.outcome),
      ]
    )
    guard changed == 1 else { throw Self.changedMeanwhile(name) }
    try record(
      "credential.test",
      name,
      [
        "version": .integer(version), "accepted": .bool(test.isAccepted),
        "outcome": .string(test.outcome),
      ]
    )
  }

  /// Destroys the secret of a credential; the row stays.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` where that was done before.
  package func revokeCredential(_ name: String) throws {
    let credential = try self.credential(name)
    if let revokedAt = credential.revokedAt {
      throw StoreError.conflict("the credential \"\(name)\" was revoked at \(revokedAt)")
    }
    try session.run(
      "UPDATE credentials SET revoked_at = $2 WHERE name = $1",
      [.text(name), now.value]
    )
    try removeSecrets(of: name)
    try record("credential.revoke", name, credential.audit)
  }

  /// Every credential, by name.
  package func credentials() throws -> [CredentialRecord] {
    let found = try session.rows(Self.credentialColumns, [], Self.credential)
    return try found.map(withSecrets).sorted { $0.name < $1.name }
  }

  /// One credential.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func credential(_ name: String) throws -> CredentialRecord {
    guard let found = try credentialIfKept(name) else {
      throw StoreError.notFound(kind: "credential", name: name)
    }
    return found
  }

  /// One credential; nil where there is none of the name.
  package func credentialIfKept(_ name: String) throws -> CredentialRecord? {
    let question = Self.credentialColumns + " WHERE name = $1"
    return try session.first(question, [.text(name)], Self.credential).map(withSecrets)
  }

  /// The credentials that were refused when they were tried last, without their secrets.
  package func refusedCredentials() throws -> [CredentialRecord] {
    try session.rows(
      Self.credentialColumns + " WHERE revoked_at IS NULL AND is_accepted = 0 ORDER BY name",
      [],
      Self.credential
    )
  }

  private func removeSecrets(of name: String) throws {
    try session.run("DELETE FROM credential_secrets WHERE credential = $1", [.text(name)])
  }

  private func insert(_ secrets: [SealedSecret], of name: String) throws {
    guard let wanted = secrets.first?.keyID else { return }
    // The row is locked until the end, so that an exchange of keys cannot come in between.
    let current = try session.first(
      """
      INSERT INTO facts (name, value) VALUES ('credential key', $1)
      ON CONFLICT (name) DO UPDATE SET value = facts.value RETURNING value
      """,
      [.text(wanted)]
    ) { $0.text(0) }
    for secret in secrets {
      guard secret.keyID == current else {
        throw StoreError.conflict("the key-encryption key was replaced meanwhile; try again")
      }
      try session.run(
        """
        INSERT INTO credential_secrets (credential, field, key_id, wrapped_key, sealed)
        VALUES ($1, $2, $3, $4, $5)
        """,
        [
          .text(name), .text(secret.field), .text(secret.keyID), .bytes(secret.wrappedKey),
          .bytes(secret.sealed),
        ]
      )
    }
  }

  private func withSecrets(_ credential: CredentialRecord) throws -> CredentialRecord {
    var credential = credential
    credential.secrets = try session.rows(
      "SELECT field, key_id, wrapped_key, sealed FROM credential_secrets WHERE credential = $1",
      [.text(credential.name)]
    ) {
      SealedSecret(
        field: $0.text(0),
        keyID: $0.text(1),
        wrappedKey: $0.bytes(2),
        sealed: $0.bytes(3)
      )
    }.sorted { $0.field < $1.field }
    return credential
  }

  private static func changedMeanwhile(_ name: String) -> StoreError {
    .conflict("the credential \"\(name)\" was changed by somebody else meanwhile; try again")
  }

  private static let credentialColumns = """
    SELECT name, provider, details, version, created_at, rotated_at, revoked_at, tested_at,
      is_accepted, outcome FROM credentials
    """

  private static func credential(_ row: any SQLRow) throws -> CredentialRecord {
    guard let details = try? JSONParser().parse(Array(row.text(2).utf8)).object else {
      throw StoreError.damaged("the public part of the credential \"\(row.text(0))\" is no JSON")
    }
    var found = CredentialRecord(
      name: row.text(0),
      provider: row.text(1),
      details: details,
      version: row.integer(3),
      secrets: []
    )
    found.createdAt = row.instant(4)
    found.rotatedAt = row.optionalInstant(5)
    found.revokedAt = row.optionalInstant(6)
    found.test = row.optionalInstant(7).map {
      CredentialRecord.Test(at: $0, isAccepted: row.integer(8) == 1, outcome: row.text(9))
    }
    return found
  }
}

extension CredentialRecord {
  /// What the audit log tells of it.
  fileprivate var audit: JSONObject {
    [
      "provider": .string(provider), "version": .integer(version), "details": .object(details),
      "keys": .array(keyIDs.map { .string($0) }),
    ]
  }
}
