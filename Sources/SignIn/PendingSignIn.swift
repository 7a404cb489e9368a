package import Model

/// A sign-in that was begun and waits for the provider's answer.
///
/// A server keeps it under its state, bound to the browser that began it, and drops it when the answer
/// comes, whatever that is: it is good for one answer.
package struct PendingSignIn: Sendable, Hashable {
  /// What the answer must repeat; nobody else can begin a sign-in for this browser (RFC 6749, 10.12).
  package var state: String
  /// What the ID token must repeat (OpenID Connect Core 1.0, 15.5.2).
  package var nonce: String
  /// What proves that the code is redeemed by whoever asked for it (RFC 7636, 4.1).
  package var verifier: Secret
  /// Where the browser is sent back to.
  package var redirect: String
  /// When the sign-in is too old to go on.
  package var expires: Instant

  /// How long the provider's page may take, in milliseconds.
  package static let lifetime: Int64 = 600_000

  package init(
    state: String,
    nonce: String,
    verifier: Secret,
    redirect: String,
    expires: Instant
  ) {
    self.state = state
    self.nonce = nonce
    self.verifier = verifier
    self.redirect = redirect
    self.expires = expires
  }

  /// A sign-in that begins now, with texts of 256 random bits each.
  init(redirect: String, now: Instant) throws(OpenIDError) {
    self.init(
      state: try Encoding.random(),
      nonce: try Encoding.random(),
      verifier: Secret(try Encoding.random()),
      redirect: redirect,
      expires: now.advanced(milliseconds: Self.lifetime)
    )
  }

  /// What the provider keeps of the verifier, by the method `S256` (RFC 7636, 4.2).
  var challenge: String { Encoding.base64url(Encoding.sha256(Array(verifier.revealed.utf8))) }
}
