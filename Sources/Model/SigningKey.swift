internal import CCrypto
import Foundation

/// A key that signs: Ed25519 (RFC 8032).
package struct SigningKey: Sendable, CustomReflectable {
  /// How many bytes the secret has.
  package static let seedCount = 32

  private let seed: [UInt8]
  /// What tells the key's signatures from others.
  package let publicKey: VerifyingKey

  /// The key of a secret; nil for one that has not 32 bytes.
  package init?(seed: [UInt8]) {
    guard seed.count == Self.seedCount else { return nil }
    self.seed = seed
    var bytes = [UInt8](repeating: 0, count: VerifyingKey.byteCount)
    let isDone = unsafe bytes.withUnsafeMutableBufferPointer { target in
      unsafe plumb_ed25519_public(seed, target.baseAddress)
    }
    guard isDone, let key = VerifyingKey(bytes) else { return nil }
    publicKey = key
  }

  /// Shows nothing of the secret in dumps.
  package var customMirror: Mirror { Mirror(self, children: []) }

  /// The signature of a text, 64 bytes.
  package func signature(of text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    var signature = [UInt8](repeating: 0, count: VerifyingKey.signatureCount)
    let isDone = unsafe signature.withUnsafeMutableBufferPointer { target in
      unsafe plumb_ed25519_sign(seed, bytes, bytes.count, target.baseAddress)
    }
    // An empty signature is refused by everybody.
    return isDone ? signature : []
  }
}

/// The public half of a ``SigningKey``.
package struct VerifyingKey: Sendable, Hashable {
  static let byteCount = 32
  static let signatureCount = 64

  private let bytes: [UInt8]

  /// The key of 32 bytes; nil for another number.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  /// The key as it is written: base64; nil for what is none.
  package init?(text: String) {
    guard let data = Data(base64Encoded: text) else { return nil }
    self.init(Array(data))
  }

  /// The key in base64.
  package var text: String { Data(bytes).base64EncodedString() }

  /// Whether a signature of a text was made with this key.
  package func isSigned(_ text: String, _ signature: [UInt8]) -> Bool {
    guard signature.count == Self.signatureCount else { return false }
    let text = Array(text.utf8)
    return unsafe plumb_ed25519_verify(bytes, text, text.count, signature)
  }
}
