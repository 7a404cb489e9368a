internal import CCrypto
import Foundation
package import JSON

/// SHA-256 digests, as lower-case hexadecimal.
package enum Digest {
  /// The digest of bytes.
  package static func sha256(_ bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    _ = unsafe digest.withUnsafeMutableBufferPointer { target in
      unsafe bytes.withUnsafeBufferPointer { source in
        unsafe SHA256(source.baseAddress, source.count, target.baseAddress)
      }
    }
    return hexadecimal(digest)
  }

  private static func hexadecimal(_ digest: [UInt8]) -> String {
    unsafe String(unsafeUninitializedCapacity: digest.count * 2) { text in
      func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }
      for (place, byte) in digest.enumerated() {
        unsafe text[2 * place] = digit(byte >> 4)
        unsafe text[2 * place + 1] = digit(byte & 15)
      }
      return digest.count * 2
    }
  }

  /// The digest of a file.
  package static func sha256(ofFile path: String) throws -> String {
    let data = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    _ = unsafe digest.withUnsafeMutableBufferPointer { target in
      unsafe data.withUnsafeBytes { source in
        unsafe SHA256(
          source.bindMemory(to: UInt8.self).baseAddress,
          source.count,
          target.baseAddress
        )
      }
    }
    return hexadecimal(digest)
  }

  /// The digest of a value's canonical form: the order of keys and white space do not matter.
  package static func sha256(of value: JSONValue) -> String {
    var writer = JSONWriter()
    writer.canonical(value)
    return sha256(writer.bytes)
  }
}
