/// Percent-encoding as RFC 3986 has it.
enum PercentEncoding {
  /// The text with everything but letters, digits, `-._~` and what is to be kept encoded.
  static func encoded(_ bytes: [UInt8], keeping kept: String = "") -> String {
    let kept = Array(kept.utf8)
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count)
    for byte in bytes {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: text.append(byte)
      case _ where kept.contains(byte): text.append(byte)
      default: text += "%\(hexadecimal(byte).uppercased())".utf8
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes that a text stands for; a `%` that begins no code stands for itself.
  static func decoded(_ text: some StringProtocol) -> [UInt8] {
    let bytes = Array(text.utf8)
    var decoded: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == 0x25, index + 2 < bytes.count, let high = value(of: bytes[index + 1]),
        let low = value(of: bytes[index + 2])
      {
        decoded.append(high << 4 | low)
        index += 3
      } else {
        decoded.append(bytes[index])
        index += 1
      }
    }
    return decoded
  }

  private static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x37
    case 0x61...0x66: digit - 0x57
    default: nil
    }
  }

  /// A byte as two hexadecimal digits.
  static func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }
}
