package import JSON
package import Model
package import Store
package import Vault

/// Keeps credentials: seals what is secret before it is stored, and opens it for who signs in.
package struct CredentialKeeper: Sendable {
  let store: DataStore
  let place: any KeyPlace

  /// A keeper of the credentials of a store, whose key-encryption key is at a place.
  package init(_ store: DataStore, _ place: any KeyPlace) {
    (self.store, self.place) = (store, place)
  }

  /// Adds a credential; a key file is made with the first one.
  ///
  /// `body` runs within the transaction that adds it.
  ///
  /// - Throws: ``CredentialError``, ``VaultError``, ``StoreError/conflict(_:)``.
  package func add(
    _ name: String,
    provider: String,
    details: JSONObject,
    secrets: [String: Secret],
    by actor: String,
    at now: Instant,
    with body: @Sendable @escaping (StoreTransaction) throws -> Void = { _ in }
  ) async throws {
    let key = try await currentKey()
    var credential = CredentialRecord(
      name: name,
      provider: provider,
      details: details,
      secrets: []
    )
    let tenant = try await store.write(as: actor, at: now) { try $0.makeCredentialTenant() }
    credential.secrets = try await Self.sealed(secrets, credential.place(tenant), key)
    let record = credential
    try await store.write(as: actor, at: now) { transaction in
      try transaction.add(record)
      try body(transaction)
    }
  }

  /// Puts new secrets in the place of those of a credential, whose version grows by one.
  ///
  /// The former secrets are not needed for that. `check` may refuse it, within the same transaction.
  ///
  /// - Throws: as ``add(_:provider:details:secrets:by:at:with:)``.
  package func replace(
    _ credential: CredentialRecord,
    details: JSONObject,
    secrets: [String: Secret],
    test: CredentialRecord.Test?,
    by actor: String,
    at now: Instant,
    check: @Sendable @escaping (StoreTransaction) throws -> Void = { _ in }
  ) async throws {
    let key = try await currentKey()
    var credential = credential
    credential.version += 1
    credential.details = details
    credential.secrets = try await Self.sealed(secrets, credential.place(tenant()), key)
    let record = credential
    try await store.write(as: actor, at: now) { transaction in
      try check(transaction)
      try transaction.replace(record)
      if let test { try transaction.note(test, of: record.name, version: record.version) }
    }
  }

  /// Opens the secrets of a credential, by field.
  ///
  /// - Throws: ``CredentialError`` that names the credential and says why it cannot be opened.
  package func open(_ credential: CredentialRecord) async throws -> [String: Secret] {
    if let revokedAt = credential.revokedAt {
      throw CredentialError.revoked(credential.name, at: revokedAt)
    }
    let ring = await place.ring()
    let place = try await credential.place(tenant())
    var found: [String: Secret] = [:]
    for secret in credential.secrets {
      let key = try Self.key(of: secret, credential, ring)
      found[secret.field] = try await Self.naming(credential) {
        try await SecretBox.open(secret, at: place, under: key)
      }
    }
    return found
  }

  /// The key that wraps now; a new one where none ever did.
  private func currentKey() async throws -> any KeyEncryptionKey {
    guard let id = try await store.read({ try $0.credentialKeyID() }) else {
      let key = try await place.keyToWrapWith()
      try await key.prove()
      return key
    }
    let ring = await place.ring()
    guard let key = ring[id] else { throw CredentialError.noCurrentKey(id, ring.findings) }
    return key
  }

  /// What the secrets of this store are bound to besides their credential.
  func tenant() async throws -> String {
    guard let tenant = try await store.read({ try $0.credentialTenant() }) else {
      throw StoreError.damaged("the tenant to which the secrets are bound is gone")
    }
    return tenant
  }

  static func key(
    of secret: SealedSecret,
    _ credential: CredentialRecord,
    _ ring: KeyRing
  ) throws -> any KeyEncryptionKey {
    if let key = ring[secret.keyID] { return key }
    throw CredentialError.closed(
      credential.name,
      reason: "it needs key \(secret.keyID), and \(ring.findings)"
    )
  }

  static func naming<R>(
    _ credential: CredentialRecord,
    _ body: () async throws -> R
  ) async throws -> R {
    do {
      return try await body()
    } catch let error as VaultError {
      throw CredentialError.closed(credential.name, reason: "\(error)")
    }
  }

  private static func sealed(
    _ secrets: [String: Secret],
    _ place: SecretPlace,
    _ key: any KeyEncryptionKey
  ) async throws -> [SealedSecret] {
    var sealed: [SealedSecret] = []
    for (field, secret) in secrets.sorted(by: { $0.key < $1.key }) {
      sealed.append(try await SecretBox.seal(secret, field: field, at: place, under: key))
    }
    return sealed
  }
}

/// Why a credential cannot be used.
package enum CredentialError: Error, Equatable, CustomStringConvertible {
  case revoked(String, at: Instant)
  /// Its secret cannot be opened.
  case closed(String, reason: String)
  /// The key under which secrets are sealed is not at hand.
  case noCurrentKey(String, String)

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .revoked(let name, let instant):
      "the credential \"\(name)\" was revoked at \(instant); plumb credentials add makes another"
    case .closed(let name, let reason):
      "the credential \"\(name)\" cannot be opened: \(reason); name the right key with --vault-key "
        + "or PLUMB_VAULT_KEY, or give it a new secret: plumb credentials rotate \(name)"
    case .noCurrentKey(let id, let findings):
      "secrets are sealed under key \(id), and \(findings); name the right key with --vault-key or "
        + "PLUMB_VAULT_KEY; where it is gone for good, plumb credentials rotate --key --lost puts "
        + "another in its place"
    }
  }
}

extension CredentialRecord {
  /// What its secrets are bound to.
  package func place(_ tenant: String) -> SecretPlace {
    SecretPlace(
      tenant: tenant,
      provider: provider,
      credential: name,
      version: version,
      details: Digest.sha256(of: .object(details))
    )
  }
}
