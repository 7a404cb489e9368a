/// A key that wraps other keys: in a file, in a security module, in a key service.
///
/// Whoever has it need not show it; wrapping and unwrapping may be a call to somewhere else.
package protocol KeyEncryptionKey: Sendable {
  /// The key's name, by which what it wrapped is told from what others did; says nothing of the key.
  var id: String { get }

  /// Wraps a data key and binds it to a context.
  ///
  /// - Throws: ``VaultError/key(_:reason:)`` for what keeps the key from being used.
  func wrap(_ dataKey: [UInt8], context: [UInt8]) async throws -> [UInt8]

  /// Unwraps a data key that was wrapped with the same context.
  ///
  /// - Throws: ``VaultError/changed`` where it was not; ``VaultError/key(_:reason:)`` for what keeps
  ///   the key from being used.
  func unwrap(_ wrapped: [UInt8], context: [UInt8]) async throws -> [UInt8]
}

extension KeyEncryptionKey {
  /// Wraps and unwraps a sample, before anything depends on the key.
  ///
  /// - Throws: ``VaultError``.
  package func prove() async throws {
    let (sample, context) = (Array("a sample of thirty-two bytes, 32".utf8), Array("sample".utf8))
    let wrapped = try await wrap(sample, context: context)
    guard try await unwrap(wrapped, context: context) == sample else {
      throw VaultError.key(id, reason: "what it wraps does not come back")
    }
  }
}

/// Where a key-encryption key is kept.
package protocol KeyPlace: Sendable {
  /// The place as people name it, without anything secret.
  var name: String { get }

  /// The keys there; what keeps others from being used is told in its findings.
  func ring() async -> KeyRing

  /// The key to wrap with from now on; a file is made where there is none, no other key is.
  ///
  /// - Throws: ``VaultError``.
  func keyToWrapWith() async throws -> any KeyEncryptionKey
}

/// The key-encryption keys at hand, and in words why there are no others.
package struct KeyRing: Sendable {
  private let keys: [any KeyEncryptionKey]
  /// Where keys were looked for and what was there, to end a sentence with.
  package let findings: String

  package init(_ keys: [any KeyEncryptionKey], findings: String) {
    (self.keys, self.findings) = (keys, findings)
  }

  /// The ids of the keys.
  package var ids: [String] { keys.map(\.id) }

  /// The key with an id; nil where it is not at hand.
  package subscript(id: String) -> (any KeyEncryptionKey)? { keys.first { $0.id == id } }

  /// The keys of two rings.
  package func joined(_ other: KeyRing) -> KeyRing {
    KeyRing(keys + other.keys, findings: findings + ", " + other.findings)
  }
}

/// Why something could not be sealed or opened.
package enum VaultError: Error, Equatable, CustomStringConvertible {
  /// The bytes, or what they were bound to, are not what was sealed, or the key is another.
  case changed
  /// libcrypto refuses.
  case library
  /// A key file that cannot be used.
  case keyFile(String, reason: String)
  /// A key that is not there or does not do its work; the reason ends with the way out.
  case key(String, reason: String)

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .changed: "what is stored was changed or moved since it was sealed"
    case .library: "libcrypto refuses AES-256-GCM or has no random bytes"
    case .keyFile(let path, let reason): "the key file \(path) \(reason)"
    case .key(let name, let reason): "the key \(name) cannot be used: \(reason)"
    }
  }
}
