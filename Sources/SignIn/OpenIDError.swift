package import Model

/// Why somebody could not be signed in.
///
/// No case holds a token, a code or a secret; words of the provider are short and of visible characters.
package enum OpenIDError: Error, Sendable, Hashable {
  /// What a provider is asked for.
  package enum Source: Sendable, Hashable {
    /// Its metadata, at the issuer's well-known address.
    case discovery
    case keys
    case token
    case userInfo
  }

  // What is set up, here or at the provider.

  /// A setting or a member of the metadata is no URL that could be used.
  case invalidURL(String, String)
  /// A URL without TLS that leads to another machine.
  case insecure(String, String)
  /// Somebody asked to be sent back to an address that was not set up.
  case redirectNotAllowed(String)
  /// The metadata is another issuer's.
  case otherIssuer(configured: String, found: String)
  /// The provider has no authorization code flow.
  case noCodeFlow
  /// The provider takes the client's secret in no way that is spoken here.
  case noClientAuthentication(offered: [String])

  // The exchange.

  case unreachable(Source, reason: String)
  /// The provider answers with an address that would have to be followed.
  case redirected(Source, host: String)
  case tooLarge(Source, limit: Int)
  case failed(Source, status: Int)
  case unreadable(Source, reason: String)
  /// The browser came back with the provider's no.
  case denied(error: String, description: String)
  /// The browser came back with an answer to no question, or to another's.
  case otherState
  case otherAnswerer(found: String)
  case answerIncomplete(String)
  /// The sign-in took too long.
  case signInExpired
  /// The provider does not redeem the code.
  case codeRefused(error: String, description: String)

  // The ID token.

  case tokenMalformed(reason: String)
  case tokenEncrypted
  case algorithmNotAllowed(String)
  case criticalExtension
  /// No key of the provider has the token's key id.
  case keyUnknown(String)
  /// The token names no key, and the provider has several.
  case keyNotNamed(fitting: Int)
  case keyUnusable(String)
  case signatureWrong
  case claimMissing(String)
  case claimUnreadable(String)
  /// The claim is not in the token, but somewhere where it would have to be fetched.
  case claimElsewhere(String)
  case tokenOfOtherIssuer(found: String)
  case tokenForOthers(audience: [String])
  case otherAuthorizedParty(String)
  case tokenExpired(Instant)
  case tokenNotYetValid(Instant)
  case tokenFromTheFuture(Instant)
  case otherNonce
  case otherAccessToken
  case otherSubject

  case noRandomness
}

extension OpenIDError.Source: CustomStringConvertible {
  /// What it is in a sentence.
  package var description: String {
    switch self {
    case .discovery: "the provider's metadata (.well-known/openid-configuration)"
    case .keys: "the provider's keys (jwks_uri)"
    case .token: "the provider's token endpoint"
    case .userInfo: "the provider's UserInfo endpoint"
    }
  }
}

extension OpenIDError: CustomStringConvertible {
  /// What happened, to which claim or address, and the way out.
  package var description: String { setUp ?? exchange ?? token }

  private var setUp: String? {
    switch self {
    case .invalidURL(let what, let url):
      "\(what) is no http or https URL without user and fragment: \(url)"
    case .insecure(let what, let url):
      "\(what) does not use https: \(url); only localhost may do without, and only for an issuer there"
    case .redirectNotAllowed(let url):
      "sign-in may not lead back to \(url); add it to the redirect addresses"
    case .otherIssuer(let configured, let found):
      "the provider calls itself \(Self.named(found)), the settings \(configured); "
        + "both must be the same to the letter"
    case .noCodeFlow:
      "the provider does not offer the response type code; switch on the authorization code flow there"
    case .noClientAuthentication(let offered):
      "the provider takes clients' secrets by \(Encoding.shown(offered.joined(separator: ", "))) only; "
        + "allow client_secret_basic or client_secret_post there"
    case .noRandomness: "libcrypto has no random bytes"
    default: nil
    }
  }

  private var exchange: String? {
    switch self {
    case .unreachable(let source, let reason): "\(source) cannot be read: \(reason)"
    case .redirected(let source, let host):
      "\(source) redirects to \(host), which is not followed; set the address that it ends at"
    case .tooLarge(let source, let limit): "\(source) answers with more than \(limit >> 10) KB"
    case .failed(let source, let status):
      "\(source) answers with status \(status); try again, or look into the provider's log"
    case .unreadable(let source, let reason): "\(source) cannot be used: \(reason)"
    case .denied(let error, let description):
      "the provider did not sign you in: \(Self.words(error, description))"
    case .otherState: "this answer belongs to no sign-in of this browser; sign in again"
    case .otherAnswerer(let found):
      "the answer comes from \(Self.named(found)) and not from the provider that was asked; sign in again"
    case .answerIncomplete(let name):
      "the provider's answer does not hold \(name) exactly once; sign in again"
    case .signInExpired:
      "the sign-in took more than \(PendingSignIn.lifetime / 60_000) minutes; sign in again"
    case .codeRefused(let error, let description):
      "the provider does not redeem the code: \(Self.words(error, description))\(Self.remedy(error))"
    default: nil
    }
  }

  private var token: String {
    switch self {
    case .tokenMalformed(let reason): "the ID token is malformed: \(reason)"
    case .tokenEncrypted: "the ID token is encrypted; have the provider only sign it"
    case .algorithmNotAllowed(let name):
      "the ID token's alg is \(Self.named(name)); have the provider sign with "
        + SigningAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
    case .criticalExtension: "the ID token has crit, an extension that is not known here"
    case .keyUnknown(let id):
      "the provider has no signing key \(Self.named(id)) (kid); if it has just changed its keys, "
        + "sign in again in a minute"
    case .keyNotNamed(let count):
      "the ID token names no key (kid), and \(count) keys of the provider fit; have it name one"
    case .keyUnusable(let reason): "the provider's signing key cannot be used: \(reason)"
    case .signatureWrong: "the ID token's signature is not the provider's; sign in again"
    case .claimMissing(let name):
      "the ID token has no \(name); check what the provider puts into it"
    case .claimUnreadable(let name): "the claim \(name) is of another type than it must be"
    case .claimElsewhere(let name):
      "the provider left \(name) out of the token because it is too long; have it send only the "
        + "groups that are assigned to this application"
    case .tokenOfOtherIssuer(let found):
      "the ID token's iss is \(Self.named(found)), another provider"
    case .tokenForOthers(let audience):
      "the ID token's aud is \(Self.named(audience.joined(separator: ", "))), not this client alone; "
        + "check the client id"
    case .otherAuthorizedParty(let found):
      "the ID token's azp is \(Self.named(found)), another client; check the client id"
    case .tokenExpired(let instant):
      "the ID token expired at \(instant) (exp); compare this machine's clock with the provider's"
    case .tokenNotYetValid(let instant):
      "the ID token begins at \(instant) (nbf); compare this machine's clock with the provider's"
    case .tokenFromTheFuture(let instant):
      "the ID token is of \(instant) (iat); compare this machine's clock with the provider's"
    case .otherNonce: "the ID token's nonce is not this sign-in's; sign in again"
    case .otherAccessToken: "the ID token's at_hash is another access token's; sign in again"
    default: "the UserInfo endpoint tells of another sub than the ID token; sign in again"
    }
  }

  private static func named(_ text: String) -> String { "\"\(Encoding.shown(text))\"" }

  private static func words(_ error: String, _ description: String) -> String {
    [error, description].map(Encoding.shown).filter { !$0.isEmpty }.joined(separator: ": ")
  }

  /// What to do about an error of the token endpoint (RFC 6749, 5.2).
  private static func remedy(_ error: String) -> String {
    switch error {
    case "invalid_client": "; check the client id and its secret"
    case "invalid_grant": "; sign in again"
    case "unauthorized_client": "; allow the authorization code grant for this client"
    default: ""
    }
  }
}
