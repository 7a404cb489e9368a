/// A secret as it is stored: enciphered under a key of its own, which is wrapped by another key.
package struct SealedSecret: Sendable, Hashable {
  /// What the secret is of its credential, such as `secret_access_key`.
  package var field: String
  /// Which key-encryption key wraps the data key.
  package var keyID: String
  /// The data key, wrapped.
  package var wrappedKey: [UInt8]
  /// Nonce, ciphertext and tag.
  package var sealed: [UInt8]

  package init(field: String, keyID: String, wrappedKey: [UInt8], sealed: [UInt8]) {
    self.field = field
    self.keyID = keyID
    self.wrappedKey = wrappedKey
    self.sealed = sealed
  }
}
