/// A key that wraps other keys: in a file, later in a security module or a key service.
///
/// Whoever has it need not show it; wrapping and unwrapping may be a call to somewhere else.
package protocol KeyEncryptionKey: Sendable {
  /// The key's name, by which what it wrapped is told from what others did; says nothing of the key.
  var id: String { get }

  /// Wraps a data key and binds it to a context.
  ///
  /// - Throws: what keeps the key from being used.
  func wrap(_ dataKey: [UInt8], context: [UInt8]) async throws -> [UInt8]

  /// Unwraps a data key that was wrapped with the same context.
  ///
  /// - Throws: ``VaultError/changed`` where it was not; what keeps the key from being used.
  func unwrap(_ wrapped: [UInt8], context: [UInt8]) async throws -> [UInt8]
}

/// The key-encryption keys at hand, and in words why there are no others.
package struct KeyRing: Sendable {
  private let keys: [any KeyEncryptionKey]
  /// Where keys were looked for and what was there, to end a sentence with.
  package let findings: String

  package init(_ keys: [any KeyEncryptionKey], findings: String) {
    (self.keys, self.findings) = (keys, findings)
  }

  /// The key with an id; nil where it is not at hand.
  package subscript(id: String) -> (any KeyEncryptionKey)? { keys.first { $0.id == id } }
}
