internal import CCrypto
package import JSON

/// UUIDs that are made from what they name (RFC 9562, version 5): the same content has the same one.
package enum NameUUID {
  /// Plumbline's own name space: version 5 of `https://plumbline.dev` in that of URLs.
  private static let space: [UInt8] = version5(
    [
      0x6B, 0xA7, 0xB8, 0x11, 0x9D, 0xAD, 0x11, 0xD1, 0x80, 0xB4, 0x00, 0xC0, 0x4F, 0xD4, 0x30,
      0xC8,
    ],
    Array("https://plumbline.dev".utf8)
  )

  /// The UUID of a value's canonical form: the order of keys and white space do not matter.
  package static func of(_ value: JSONValue) -> String {
    var writer = JSONWriter()
    writer.canonical(value)
    return text(version5(space, writer.bytes))
  }

  private static func version5(_ space: [UInt8], _ name: [UInt8]) -> [UInt8] {
    let bytes = space + name
    var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
    _ = unsafe digest.withUnsafeMutableBufferPointer { target in
      unsafe bytes.withUnsafeBufferPointer { source in
        unsafe SHA1(source.baseAddress, source.count, target.baseAddress)
      }
    }
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return Array(digest.prefix(16))
  }

  private static func text(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { text.append(0x2D) }
      for nibble in [byte >> 4, byte & 15] { text.append(nibble < 10 ? 48 + nibble : 87 + nibble) }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
