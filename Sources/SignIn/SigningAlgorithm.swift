/// How an ID token may be signed (RFC 7518, 3.1): with keys of which only the provider has the secret half.
///
/// `none` and the `HS` family are left out on purpose. A list of our own, not the token's word, decides.
enum SigningAlgorithm: String, Sendable, CaseIterable {
  case rs256 = "RS256"
  case ps256 = "PS256"
  case es256 = "ES256"

  /// The type that its keys have (RFC 7518, 6.1).
  var keyType: String { self == .es256 ? "EC" : "RSA" }
}
