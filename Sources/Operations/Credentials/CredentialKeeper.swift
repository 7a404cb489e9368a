package import JSON
package import Model
package import Store
package import Vault

/// Keeps credentials: seals what is secret before it is stored, and opens it for who signs in.
package struct CredentialKeeper: Sendable {
  private let store: DataStore
  private let file: KeyFile

  /// A keeper of the credentials of a store, whose key-encryption key is in a file.
  package init(_ store: DataStore, _ file: KeyFile) { (self.store, self.file) = (store, file) }

  /// Adds a credential; the key file is made with the first one.
  ///
  /// - Throws: ``CredentialError``, ``VaultError``, ``StoreError/conflict(_:)``.
  package func add(
    _ name: String,
    provider: String,
    details: JSONObject,
    secrets: [String: Secret],
    by actor: String,
    at now: Instant
  ) async throws {
    let key = try await currentKey()
    var credential = CredentialRecord(
      name: name,
      provider: provider,
      details: details,
      secrets: []
    )
    credential.secrets = try await Self.sealed(secrets, credential.place, key)
    let record = credential
    try await store.write(as: actor, at: now) { try $0.add(record) }
  }

  /// Puts new secrets in the place of those of a credential, whose version grows by one.
  ///
  /// The former secrets are not needed for that.
  ///
  /// - Returns: the credential as it is then.
  /// - Throws: as ``add(_:provider:details:secrets:by:at:)``.
  package func replace(
    _ credential: CredentialRecord,
    details: JSONObject,
    secrets: [String: Secret],
    test: CredentialRecord.Test?,
    by actor: String,
    at now: Instant
  ) async throws {
    let key = try await currentKey()
    var credential = credential
    credential.version += 1
    credential.details = details
    credential.secrets = try await Self.sealed(secrets, credential.place, key)
    let record = credential
    try await store.write(as: actor, at: now) { transaction in
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
    let ring = file.ring()
    var found: [String: Secret] = [:]
    for secret in credential.secrets {
      let key = try Self.key(of: secret, credential, ring)
      found[secret.field] = try await Self.naming(credential) {
        try await SecretBox.open(secret, at: credential.place, under: key)
      }
    }
    return found
  }

  /// Wraps the data keys of every credential under a new key, which takes the place of the former.
  ///
  /// Each credential is a transaction of its own; what was interrupted is taken up by the next call.
  ///
  /// - Parameters:
  ///   - actor: who does it.
  ///   - now: when.
  ///   - isLost: whether the former key is known to be gone; what it wrapped stays closed.
  ///   - progress: is told of each credential and of what kept it from being wrapped anew.
  /// - Returns: the new key's id.
  /// - Throws: ``VaultError`` of the key files, ``CredentialError``, ``SQLError``.
  package func replaceKey(
    by actor: String,
    at now: Instant,
    isLost: Bool = false,
    progress: (_ done: Int, _ all: Int, _ name: String, _ fault: (any Error)?) -> Void
  ) async throws -> String {
    try await checkFiles(isLost: isLost)
    let key = try file.next.make()
    // From here on nobody can seal under the former key, so none is left behind.
    try await store.write(as: actor, at: now) { try $0.useCredentialKey(key.id) }
    let ring = file.ring()
    let open = try await store.read { try $0.credentials() }.filter { !$0.secrets.isEmpty }
    for (index, credential) in open.enumerated() {
      var fault: (any Error)?
      do {
        try await rewrap(credential, ring, key, by: actor, at: now)
      } catch let error as SQLError {
        throw error
      } catch {
        fault = error
      }
      progress(index + 1, open.count, credential.name, fault)
    }
    try file.takeNext()
    return key.id
  }

  /// Makes sure that the exchange removes no key that is another database's or cannot be read now.
  private func checkFiles(isLost: Bool) async throws {
    guard let id = try await store.read({ try $0.credentialKeyID() }) else {
      throw StoreError.conflict("there is no credential yet, and so no key to replace")
    }
    let (present, next) = (try file.read(), try file.next.read())
    if present?.id == id || next?.id == id { return }
    guard present == nil, isLost else {
      throw CredentialError.noCurrentKey(id, file.ring().findings)
    }
  }

  private func rewrap(
    _ credential: CredentialRecord,
    _ ring: KeyRing,
    _ key: FileKey,
    by actor: String,
    at now: Instant
  ) async throws {
    guard credential.keyIDs != [key.id] else { return }
    var renewed: [SealedSecret] = []
    for secret in credential.secrets {
      let former = try Self.key(of: secret, credential, ring)
      renewed.append(
        try await Self.naming(credential) {
          try await SecretBox.rewrap(secret, at: credential.place, from: former, to: key)
        }
      )
    }
    var changed = credential
    changed.secrets = renewed
    let record = changed
    try await store.write(as: actor, at: now) {
      try $0.rewrap(record, from: credential.secrets)
    }
  }

  /// The key that wraps now; a new one where none ever did.
  private func currentKey() async throws -> any KeyEncryptionKey {
    guard let id = try await store.read({ try $0.credentialKeyID() }) else {
      return try file.make()
    }
    let ring = file.ring()
    guard let key = ring[id] else { throw CredentialError.noCurrentKey(id, ring.findings) }
    return key
  }

  private static func key(
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

  private static func naming<R>(
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
      "the credential \"\(name)\" cannot be opened: \(reason); name the right file with --key-file "
        + "or PLUMB_KEY_FILE, or give it a new secret: plumb credentials rotate \(name)"
    case .noCurrentKey(let id, let findings):
      "secrets are sealed under key \(id), and \(findings); name the right file with --key-file or "
        + "PLUMB_KEY_FILE; where it is gone for good, plumb credentials rotate --key --lost makes "
        + "another"
    }
  }
}

extension CredentialRecord {
  /// What its secrets are bound to.
  package var place: SecretPlace {
    SecretPlace(
      provider: provider,
      credential: name,
      version: version,
      details: Digest.sha256(of: .object(details))
    )
  }
}
