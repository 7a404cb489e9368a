package import Model
import Store
package import Vault

// How another key-encryption key takes the place of the present one.
extension CredentialKeeper {
  /// Is told of each credential, and of what kept its data keys from being wrapped anew.
  package typealias Progress = (
    _ done: Int, _ all: Int, _ name: String, _ fault: (any Error)?
  ) -> Void

  /// Wraps the data keys of every credential under a new key in a file, in whose place it is put.
  ///
  /// Each credential is a transaction of its own; what was interrupted is taken up by the next call.
  ///
  /// - Parameters:
  ///   - file: the file of the present key.
  ///   - actor: who does it.
  ///   - now: when.
  ///   - isLost: whether the former key is known to be gone; what it wrapped stays closed.
  ///   - progress: is told of each credential.
  /// - Returns: the new key's id.
  /// - Throws: ``VaultError`` of the key files, ``CredentialError``, ``SQLError``.
  package func replaceKey(
    of file: KeyFile,
    by actor: String,
    at now: Instant,
    isLost: Bool = false,
    progress: Progress
  ) async throws -> String {
    let id = try await currentKeyID()
    let (present, next) = (try file.read(), try file.next.read())
    // The exchange must remove no key that is another database's or cannot be read now.
    guard present?.id == id || next?.id == id || (present == nil && isLost) else {
      throw CredentialError.noCurrentKey(id, file.ring().findings)
    }
    let key = try file.next.make()
    try await wrapAll(file.ring(), key, by: actor, at: now, progress: progress)
    try file.takeNext()
    return key.id
  }

  /// Wraps the data keys of every credential under a key at another place.
  ///
  /// As ``replaceKey(of:by:at:isLost:progress:)``, but the former key is left alone. It is needed no
  /// more where no credential had a fault.
  ///
  /// - Throws: what keeps either key from being used, before or in the middle; calling again goes on.
  package func moveKey(
    to next: any KeyPlace,
    by actor: String,
    at now: Instant,
    isLost: Bool = false,
    progress: Progress
  ) async throws -> String {
    let id = try await currentKeyID()
    let former = await place.ring()
    let later = await next.ring()
    guard former[id] != nil || later[id] != nil || isLost else {
      throw CredentialError.noCurrentKey(id, former.findings)
    }
    let key = try await next.keyToWrapWith()
    try await key.prove()
    let ring = await former.joined(next.ring())
    try await wrapAll(ring, key, by: actor, at: now, progress: progress)
    return key.id
  }

  private func currentKeyID() async throws -> String {
    guard let id = try await store.read({ try $0.credentialKeyID() }) else {
      throw StoreError.conflict("there is no credential yet, and so no key to replace")
    }
    return id
  }

  private func wrapAll(
    _ ring: KeyRing,
    _ key: any KeyEncryptionKey,
    by actor: String,
    at now: Instant,
    progress: Progress
  ) async throws {
    // From here on nobody can seal under the former key, so none is left behind.
    try await store.write(as: actor, at: now) { try $0.useCredentialKey(key.id) }
    let tenant = try await tenant()
    let open = try await store.read { try $0.credentials() }.filter { !$0.secrets.isEmpty }
    for (index, credential) in open.enumerated() {
      var fault: (any Error)?
      do {
        let renewed = try await rewrapped(credential, tenant, ring, key)
        if let renewed {
          try await store.write(as: actor, at: now) {
            try $0.rewrap(renewed, from: credential.secrets)
          }
        }
      } catch let error as CredentialError {
        fault = error
      } catch let error as StoreError {
        fault = error
      }
      progress(index + 1, open.count, credential.name, fault)
    }
  }

  /// A credential whose data keys are wrapped under another key; nil where they are already.
  private func rewrapped(
    _ credential: CredentialRecord,
    _ tenant: String,
    _ ring: KeyRing,
    _ key: any KeyEncryptionKey
  ) async throws -> CredentialRecord? {
    guard credential.keyIDs != [key.id] else { return nil }
    var renewed = credential
    renewed.secrets = []
    for secret in credential.secrets {
      let former = try Self.key(of: secret, credential, ring)
      do {
        renewed.secrets.append(
          try await SecretBox.rewrap(secret, at: credential.place(tenant), from: former, to: key)
        )
      } catch VaultError.changed {
        throw CredentialError.closed(credential.name, reason: "\(VaultError.changed)")
      }
    }
    return renewed
  }
}
