/// Wildcard matching as `string_match` does it.
package enum Wildcard {
  /// Whether a whole text matches a pattern of `*` (any run) and `?` (one character).
  package static func matches(_ text: String, pattern: String) -> Bool {
    var text = text
    var pattern = pattern
    return text.withUTF8 { text in
      pattern.withUTF8 { pattern in unsafe matches(text, pattern: pattern) }
    }
  }

  /// Whether the whole text matches a pattern of `*` and `?`, where `?` is one character.
  ///
  /// Keeps the last `*` and returns to it on a mismatch, so time is at most text times pattern.
  package static func matches(
    _ text: UnsafeBufferPointer<UInt8>,
    pattern: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    var position = 0
    var index = 0
    var star = -1
    var resume = 0
    while position < text.count {
      if index < pattern.count, unsafe pattern[index] == 0x2A {
        star = index
        resume = position
        index += 1
      } else if index < pattern.count, unsafe pattern[index] == 0x3F {
        position = unsafe behindCharacter(text, position)
        index += 1
      } else if index < pattern.count, unsafe pattern[index] == text[position] {
        position += 1
        index += 1
      } else if star >= 0 {
        resume = unsafe behindCharacter(text, resume)
        position = resume
        index = star + 1
      } else {
        return false
      }
    }
    while index < pattern.count, unsafe pattern[index] == 0x2A { index += 1 }
    return index == pattern.count
  }

  private static func behindCharacter(
    _ text: UnsafeBufferPointer<UInt8>,
    _ position: Int
  ) -> Int {
    var next = position + 1
    while next < text.count, unsafe text[next] & 0xC0 == 0x80 { next += 1 }
    return next
  }
}
