internal import CCrypto

/// Keyed digests with SHA-256.
package enum HMAC {
  /// The digest of a message under a key.
  package static func sha256(key: [UInt8], _ message: some StringProtocol) -> [UInt8] {
    sha256(key: key, Array(message.utf8))
  }

  /// The digest of bytes under a key.
  package static func sha256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    let isDone = unsafe digest.withUnsafeMutableBufferPointer { target in
      unsafe key.withUnsafeBufferPointer { key in
        unsafe message.withUnsafeBufferPointer { message in
          unsafe write(key, message, target)
        }
      }
    }
    // libcrypto fails here only without memory, or where SHA-256 is forbidden.
    precondition(isDone, "libcrypto refuses HMAC with SHA-256")
    return digest
  }

  private static func write(
    _ key: UnsafeBufferPointer<UInt8>,
    _ message: UnsafeBufferPointer<UInt8>,
    _ target: UnsafeMutableBufferPointer<UInt8>
  ) -> Bool {
    unsafe CCrypto.HMAC(
      EVP_sha256(),
      key.baseAddress,
      Int32(key.count),
      message.baseAddress,
      message.count,
      target.baseAddress,
      nil
    ) != nil
  }
}
