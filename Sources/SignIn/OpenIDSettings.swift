package import Model

/// How sign-in through one OpenID provider is set up.
package struct OpenIDSettings: Sendable {
  /// The provider's name for itself, a URL; its documents and tokens must repeat it to the letter.
  package var issuer: String
  /// What the provider calls this server (OAuth 2.0, RFC 6749, 2.2).
  package var clientID: String
  /// What the server proves itself with to the provider; nil for a public client.
  package var clientSecret: Secret?
  /// Where the provider may send browsers back to.
  package var redirects: [String]
  /// What is asked for; `openid` is added where it is missing.
  package var scopes = ["openid", "profile", "email"]
  /// Which claims say who somebody is.
  package var claims = ClaimNames()
  /// How long the provider may take for one answer, in seconds.
  package var timeout = 10.0
  /// How long its metadata and its keys are used without asking again, in seconds.
  package var maximumAge = 3600

  package init(
    issuer: String,
    clientID: String,
    clientSecret: Secret? = nil,
    redirects: [String]
  ) {
    self.issuer = issuer
    self.clientID = clientID
    self.clientSecret = clientSecret
    self.redirects = redirects
  }
}

/// The names of the claims that are read (OpenID Connect Core 1.0, 5.1).
///
/// A name with dots also leads into objects, as in Keycloak's `realm_access.roles`, where no claim has
/// it as it is.
package struct ClaimNames: Sendable, Hashable {
  package var name = "name"
  package var email = "email"
  package var groups = "groups"

  package init() {}
}
