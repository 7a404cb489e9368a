package import Model

/// What a sealed secret belongs to; elsewhere it cannot be opened.
package struct SecretPlace: Sendable, Hashable {
  /// Whose credentials these are: other databases may share the key-encryption key.
  package var tenant: String
  package var provider: String
  package var credential: String
  package var version: Int64
  /// The digest of the credential's public part: where the secret is sent must not change unnoticed.
  package var details: String

  package init(
    tenant: String,
    provider: String,
    credential: String,
    version: Int64,
    details: String
  ) {
    self.tenant = tenant
    self.provider = provider
    self.credential = credential
    self.version = version
    self.details = details
  }

  /// The place as bytes, its parts kept apart by their lengths.
  func context(_ purpose: String, _ field: String) -> [UInt8] {
    // Secrets that were there before tenants were are bound to none.
    let bound = tenant.isEmpty ? [] : [tenant]
    let parts = ["plumb", purpose] + bound + [provider, credential, field, "\(version)", details]
    return parts.flatMap { Array("\($0.utf8.count):\($0)".utf8) }
  }
}

/// Seals secrets and opens them: each under a data key of its own, which a key-encryption key wraps.
package enum SecretBox {
  /// Seals a secret for its place.
  ///
  /// - Throws: ``VaultError``, and what keeps the key from being used.
  package static func seal(
    _ secret: Secret,
    field: String,
    at place: SecretPlace,
    under key: any KeyEncryptionKey
  ) async throws -> SealedSecret {
    var dataKey = try AESGCM.random(AESGCM.keyCount)
    defer { AESGCM.wipe(&dataKey) }
    let sealed = try AESGCM.seal(
      Array(secret.revealed.utf8),
      key: dataKey,
      context: place.context("secret", field)
    )
    let wrapped = try await key.wrap(dataKey, context: place.context("data key", field))
    return SealedSecret(field: field, keyID: key.id, wrappedKey: wrapped, sealed: sealed)
  }

  /// Opens a sealed secret at its place.
  ///
  /// - Throws: ``VaultError/changed`` where it is not what was sealed there, and what keeps the key
  ///   from being used.
  package static func open(
    _ secret: SealedSecret,
    at place: SecretPlace,
    under key: any KeyEncryptionKey
  ) async throws -> Secret {
    let context = place.context("data key", secret.field)
    var dataKey = try await key.unwrap(secret.wrappedKey, context: context)
    defer { AESGCM.wipe(&dataKey) }
    var text = try AESGCM.open(
      secret.sealed,
      key: dataKey,
      context: place.context("secret", secret.field)
    )
    defer { AESGCM.wipe(&text) }
    return Secret(String(decoding: text, as: UTF8.self))
  }

  /// Wraps a secret's data key under another key; the secret itself is not opened.
  ///
  /// - Throws: as ``open(_:at:under:)``.
  package static func rewrap(
    _ secret: SealedSecret,
    at place: SecretPlace,
    from former: any KeyEncryptionKey,
    to key: any KeyEncryptionKey
  ) async throws -> SealedSecret {
    let context = place.context("data key", secret.field)
    var dataKey = try await former.unwrap(secret.wrappedKey, context: context)
    defer { AESGCM.wipe(&dataKey) }
    var renewed = secret
    renewed.wrappedKey = try await key.wrap(dataKey, context: context)
    renewed.keyID = key.id
    return renewed
  }
}
