import CCrypto
import Model

/// HMAC with SHA-512, by which others sign what they send.
package enum KeyedDigest {
  /// The digest of a message under a key, in hexadecimal.
  package static func sha512(key: String, _ message: [UInt8]) -> String {
    let key = Array(key.utf8)
    var digest = [UInt8](repeating: 0, count: Int(SHA512_DIGEST_LENGTH))
    let isDone = unsafe digest.withUnsafeMutableBufferPointer { target in
      unsafe key.withUnsafeBufferPointer { key in
        unsafe message.withUnsafeBufferPointer { message in
          unsafe HMAC(
            EVP_sha512(),
            key.baseAddress,
            Int32(key.count),
            message.baseAddress,
            message.count,
            target.baseAddress,
            nil
          ) != nil
        }
      }
    }
    // libcrypto fails here only without memory, or where SHA-512 is forbidden.
    precondition(isDone, "libcrypto refuses HMAC with SHA-512")
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
      as: UTF8.self
    )
  }
}
