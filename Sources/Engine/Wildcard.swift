/// Wildcard matching as `string_match` does it.
package enum Wildcard {
  /// Whether a whole text matches a pattern of `*` (any run) and `?` (one character).
  package static func matches(_ text: String, pattern: String) -> Bool {
    var text = text
    var pattern = pattern
    return text.withUTF8 { text in
      pattern.withUTF8 { pattern in unsafe Comparer.matches(text, pattern: pattern) }
    }
  }
}
