/// Codes by which people sign in once, and API keys: secrets of which a digest is kept.
package enum SignInCode {
  /// A code that nobody guesses.
  ///
  /// - Throws: what `random` throws.
  package static func make(_ random: @Sendable (Int) throws -> [UInt8]) throws -> String {
    try Session.token(random)
  }

  /// A new API key.
  ///
  /// - Throws: what `random` throws.
  package static func key(_ random: @Sendable (Int) throws -> [UInt8]) throws -> String {
    "plumb_" + (try Session.token(random))
  }

  /// What is kept of a code or key: SHA-256, in hexadecimal.
  package static func digest(_ code: String) -> String { Session.digest(code) }
}
