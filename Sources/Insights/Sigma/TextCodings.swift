/// The ways in which Sigma's modifiers write a text anew.
enum TextCodings {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
  )

  /// The text in Base64.
  static func base64(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let part = bytes[start..<min(start + 3, bytes.count)]
      var group = 0
      for index in 0..<3 {
        group = group << 8 | (index < part.count ? Int(part[start + index]) : 0)
      }
      for index in 0..<4 {
        text.append(index <= part.count ? alphabet[group >> (18 - 6 * index) & 63] : 0x3D)
      }
    }
    return text
  }

  /// The part of the Base64 of a longer text that this text decides when it begins at an offset.
  static func base64(_ offset: Int, of bytes: [UInt8]) -> [UInt8] {
    let text = base64([UInt8](repeating: 0x20, count: offset) + bytes)
    let start = [0, 2, 3][offset]
    let end = [0, -3, -2][(bytes.count + offset) % 3]
    return Array(text[start..<max(start, text.count + end)])
  }

  /// UTF-8 as UTF-16: `utf16` with a byte order mark, `utf16be`, or little-endian.
  static func utf16(_ bytes: [UInt8], as name: String) -> [UInt8] {
    var text: [UInt8] = name == "utf16" ? [0xFF, 0xFE] : []
    for unit in String(decoding: bytes, as: UTF8.self).utf16 {
      let low = UInt8(truncatingIfNeeded: unit)
      let high = UInt8(unit >> 8)
      text += name == "utf16be" ? [high, low] : [low, high]
    }
    return text
  }

  private static let dashKinds = ["-", "/", "\u{2013}", "\u{2014}", "\u{2015}"].map {
    Array($0.utf8)
  }

  /// The patterns with each dash or slash that begins a word written in all five ways.
  static func dashes(_ patterns: [SigmaPattern]) -> [SigmaPattern] {
    patterns.flatMap { pattern -> [SigmaPattern] in
      var results = [[SigmaPattern.Piece]()]
      for (index, piece) in pattern.pieces.enumerated() {
        guard case .text(let bytes) = piece else {
          results = results.map { $0 + [piece] }
          continue
        }
        let variants = variants(bytes, isStart: index == 0)
        results = results.flatMap { result in variants.map { result + [.text($0)] } }
      }
      return results.map { SigmaPattern(pieces: $0) }
    }
  }

  private static func variants(_ bytes: [UInt8], isStart: Bool) -> [[UInt8]] {
    func isWord(_ index: Int) -> Bool {
      guard bytes.indices.contains(index) else { return false }
      let byte = bytes[index]
      let isLetter = (0x61...0x7A).contains(byte | 0x20)
      return isLetter || (0x30...0x39).contains(byte) || byte == 0x5F || byte >= 0x80
    }
    var results: [[UInt8]] = [[]]
    for (index, byte) in bytes.enumerated() {
      let isDash = byte == 0x2D || byte == 0x2F
      // More than four dashes would make too many variants; those behind stay as they are.
      guard isDash, !isWord(index - 1), isWord(index + 1), results.count < 625 else {
        results = results.map { $0 + [byte] }
        continue
      }
      results = results.flatMap { result in dashKinds.map { result + $0 } }
    }
    return results
  }
}
