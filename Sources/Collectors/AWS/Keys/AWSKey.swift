package import Model

/// A key-encryption key in AWS's Key Management Service, which never shows it.
package struct AWSKey: KeyEncryptionKey {
  private let service: AWSKeyService

  /// The key that a service works with.
  package init(_ service: AWSKeyService) { self.service = service }

  /// The key's ARN.
  package var id: String { service.key.arn }

  /// Wraps a data key; the digest of the context is bound to it.
  package func wrap(_ dataKey: [UInt8], context: [UInt8]) async throws -> [UInt8] {
    try await service.encrypt(dataKey, context: Digest.sha256(context))
  }

  /// Unwraps a data key.
  package func unwrap(_ wrapped: [UInt8], context: [UInt8]) async throws -> [UInt8] {
    guard !wrapped.isEmpty else { throw VaultError.changed }
    return try await service.decrypt(wrapped, context: Digest.sha256(context))
  }
}

extension AWSKey: KeyPlace {
  /// The key as the option names it.
  package var name: String { "aws-kms:\(id)" }

  /// The key; whether it can be used, only its use shows.
  package func ring() -> KeyRing { KeyRing([self], findings: "the key at hand is \(name)") }

  /// The key.
  package func keyToWrapWith() -> any KeyEncryptionKey { self }
}
