import CCrypto
import Foundation

/// What goes into URLs, forms and tokens.
enum Encoding {
  /// Base64 for URLs, without padding (RFC 7515, 2).
  static func base64url(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
      .replacing("=", with: "")
  }

  /// The bytes of a text in base64 for URLs; nil where it is none.
  static func bytes(base64url text: String) -> [UInt8]? {
    guard isBase64url(text) else { return nil }
    let plain = text.replacing("-", with: "+").replacing("_", with: "/")
    let padding = String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
    return Data(base64Encoded: plain + padding).map(Array.init)
  }

  /// Whether a text is base64 for URLs without padding.
  ///
  /// cjose ends the whole process over a `=` in the wrong place; nothing reaches it unchecked.
  static func isBase64url(_ text: some StringProtocol) -> Bool {
    text.utf8.count % 4 != 1
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
        default: false
        }
      }
  }

  /// The SHA-256 digest of bytes.
  static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    _ = unsafe digest.withUnsafeMutableBufferPointer { target in
      unsafe bytes.withUnsafeBufferPointer { source in
        unsafe SHA256(source.baseAddress, source.count, target.baseAddress)
      }
    }
    return digest
  }

  /// A text of 256 random bits, as long as a PKCE verifier must at least be (RFC 7636, 4.1).
  ///
  /// - Throws: ``OpenIDError/noRandomness``.
  static func random() throws(OpenIDError) -> String {
    var bytes = [UInt8](repeating: 0, count: 32)
    let isDone = unsafe bytes.withUnsafeMutableBufferPointer { target in
      unsafe RAND_bytes(target.baseAddress, Int32(target.count)) == 1
    }
    guard isDone else { throw .noRandomness }
    return base64url(bytes)
  }

  /// Whether two texts are the same, found out in a time that does not tell where they differ.
  static func isSame(_ one: String, _ other: String) -> Bool {
    let (one, other) = (Array(one.utf8), Array(other.utf8))
    guard one.count == other.count else { return false }
    return unsafe one.withUnsafeBytes { one in
      unsafe other.withUnsafeBytes { other in
        unsafe CRYPTO_memcmp(one.baseAddress, other.baseAddress, one.count) == 0
      }
    }
  }

  /// Names and values as a form or a query (RFC 6749, appendix B).
  static func form(_ pairs: [(name: String, value: String)]) -> String {
    pairs.map { "\($0.name)=\(percent($0.value))" }.joined(separator: "&")
  }

  /// A text with everything but letters, digits and `-._~` percent-encoded.
  static func percent(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
  }

  private static let unreserved = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
  )

  /// A text of somebody else, fit to be shown in a line: short, without control characters and
  /// without characters that hide or turn others around.
  static func shown(_ text: String) -> String {
    var line = ""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: line.append(" ")
      case .format, .privateUse, .unassigned: continue
      default: line.unicodeScalars.append(scalar)
      }
    }
    let words = line.split(separator: " ").joined(separator: " ")
    return words.count > 300 ? words.prefix(300) + "…" : words
  }
}
