package import HTTP
import JSON
package import Model

/// Signs people in through an OpenID provider: OpenID Connect Core 1.0, the authorization code flow (3.1)
/// with PKCE (RFC 7636).
///
/// ```swift
/// let provider = try OpenIDProvider(settings, client: client, clock: clock)
/// let (url, pending) = try await provider.authorization(redirect: callback)
/// // The browser is sent to `url` and comes back to `callback`, with a query.
/// let identity = try await provider.identity(answer: query, pending: pending)
/// ```
package final class OpenIDProvider: Sendable {
  private let settings: OpenIDSettings
  private let issuer: ProviderURL
  private let calls: ProviderCalls
  private let clock: @Sendable () -> Instant
  private let metadata: Kept<ProviderMetadata>
  private let keys: Kept<KeySet>

  /// How many bytes an answer of a provider may have; a client for it is best made with this limit.
  package static let answerLimit = ProviderCalls.limit

  /// A provider, which is not asked for anything yet.
  ///
  /// - Parameters:
  ///   - settings: how it is set up.
  ///   - client: sends the requests, and follows no redirects.
  ///   - clock: the time of day.
  /// - Throws: ``OpenIDError`` for an issuer or a redirect address that is no URL, has no TLS, or has
  ///   what it must not have (OpenID Connect Discovery 1.0, 3).
  package init(
    _ settings: OpenIDSettings,
    client: any HTTPClient,
    clock: @escaping @Sendable () -> Instant
  ) throws(OpenIDError) {
    let issuer = try ProviderURL(settings.issuer, of: "the issuer")
    guard !settings.issuer.contains("?") else {
      throw .invalidURL("the issuer, which has no query,", Encoding.shown(settings.issuer))
    }
    for redirect in settings.redirects { _ = try ProviderURL(redirect, of: "a redirect address") }
    let calls = ProviderCalls(client: client, timeout: settings.timeout)
    let age = Int64(settings.maximumAge) * 1000
    // Discovery 1.0, 4.1: a slash at the issuer's end is not doubled.
    let base = issuer.text.hasSuffix("/") ? String(issuer.text.dropLast()) : issuer.text
    let metadata = Kept(maximumAge: age, clock: clock) {
      let url = base + "/.well-known/openid-configuration"
      return try ProviderMetadata(await calls.document(url, .discovery), issuer: issuer)
    }
    keys = Kept(maximumAge: age, clock: clock) {
      try await KeySet(calls.document(metadata.current().value.keys.text, .keys))
    }
    (self.settings, self.issuer, self.calls, self.clock) = (settings, issuer, calls, clock)
    self.metadata = metadata
  }

  /// Begins a sign-in (3.1.2.1).
  ///
  /// - Parameter redirect: where the browser is to come back to, one of the addresses set up.
  /// - Returns: where the browser is sent, and what to keep until it comes back.
  /// - Throws: ``OpenIDError``.
  package func authorization(
    redirect: String
  ) async throws -> (url: String, pending: PendingSignIn) {
    guard settings.redirects.contains(redirect) else {
      throw OpenIDError.redirectNotAllowed(Encoding.shown(redirect))
    }
    let metadata = try await metadata.current().value
    let pending = try PendingSignIn(redirect: redirect, now: clock())
    let scopes = settings.scopes.contains("openid") ? settings.scopes : ["openid"] + settings.scopes
    let url = metadata.authorizationEndpoint.adding([
      ("response_type", "code"), ("client_id", settings.clientID), ("redirect_uri", redirect),
      ("scope", scopes.joined(separator: " ")), ("state", pending.state),
      ("nonce", pending.nonce), ("code_challenge", pending.challenge),
      ("code_challenge_method", "S256"),
    ])
    return (url, pending)
  }

  /// Ends a sign-in with what the browser brought back (3.1.2.5 and 3.1.2.6; RFC 9207).
  ///
  /// - Parameters:
  ///   - answer: the names and values of the query that the browser came back with, decoded.
  ///   - pending: what was kept under the answer's state, for the same browser.
  /// - Returns: who signed in.
  /// - Throws: ``OpenIDError``, for one the provider's no.
  package func identity(
    answer: [(name: String, value: String)],
    pending: PendingSignIn
  ) async throws -> Identity {
    func value(_ name: String) throws(OpenIDError) -> String? {
      let values = answer.filter { $0.name == name }
      guard values.count < 2 else { throw .answerIncomplete(name) }
      return values.first?.value
    }
    guard Encoding.isSame(try value("state") ?? "", pending.state) else {
      throw OpenIDError.otherState
    }
    if let found = try value("iss") {
      guard found == issuer.text else {
        throw OpenIDError.otherAnswerer(found: Encoding.shown(found))
      }
    } else if try await metadata.current().value.namesIssuer {
      throw OpenIDError.answerIncomplete("iss")
    }
    if let error = try value("error") {
      throw OpenIDError.denied(
        error: Encoding.shown(error),
        description: Encoding.shown(try value("error_description") ?? "")
      )
    }
    guard let code = try value("code"), !code.isEmpty else {
      throw OpenIDError.answerIncomplete("code")
    }
    return try await identity(code: Secret(code), pending: pending)
  }

  /// Redeems a code and checks who it stands for (3.1.3).
  ///
  /// The caller has compared the answer's state; ``identity(answer:pending:)`` does it too.
  ///
  /// - Throws: ``OpenIDError``.
  package func identity(code: Secret, pending: PendingSignIn) async throws -> Identity {
    guard clock() < pending.expires else { throw OpenIDError.signInExpired }
    let metadata = try await metadata.current().value
    let tokens = try await calls.tokens(code, pending, settings, metadata)
    let claims = try await claims(of: SignedToken(tokens.idToken.revealed))
    let check = IDTokenCheck(
      issuer: issuer.text,
      clientID: settings.clientID,
      nonce: pending.nonce,
      accessToken: tokens.accessToken,
      now: clock()
    )
    let subject = try check.subject(of: claims)
    var sources = [claims]
    let names = [settings.claims.name, settings.claims.email, settings.claims.groups]
    // 5.4: a provider need not put them into the ID token.
    if names.contains(where: { Identity.value($0, claims) == nil }),
      let url = metadata.userInfoEndpoint?.text, let token = tokens.accessToken
    {
      let more = try await calls.document(url, .userInfo, token: token)
      // 5.3.2: what tells of somebody else must not be used.
      guard more["sub"]?.string == subject else { throw OpenIDError.otherSubject }
      sources.append(more)
    }
    return try Identity(
      issuer: issuer.text,
      subject: subject,
      claims: sources,
      names: settings.claims
    )
  }

  /// The claims of a token that one of the provider's keys signed; the keys are read again where none did.
  private func claims(of token: SignedToken) async throws -> JSONValue {
    let (kept, version) = try await keys.current()
    let fitting = kept.fitting(token.algorithm, id: token.keyID)
    if let claims = try Self.claims(of: token, fitting) { return claims }
    // A key that was named and is there has answered. An unknown one, or one without a name, may be new.
    let mayBeNew = fitting.isEmpty || token.keyID == nil
    if mayBeNew, let (later, _) = try await keys.current(after: version) {
      let fitting = later.fitting(token.algorithm, id: token.keyID)
      if let claims = try Self.claims(of: token, fitting) { return claims }
      if !fitting.isEmpty { throw OpenIDError.signatureWrong }
    }
    throw fitting.isEmpty
      ? OpenIDError.keyUnknown(Encoding.shown(token.keyID ?? "")) : OpenIDError.signatureWrong
  }

  private static func claims(
    of token: SignedToken,
    _ keys: [WebKey]
  ) throws(OpenIDError) -> JSONValue? {
    // 10.1: with several keys, the token must say which.
    guard token.keyID != nil || keys.count < 2 else { throw .keyNotNamed(fitting: keys.count) }
    for key in keys {
      if let claims = try token.claims(signedBy: key) { return claims }
    }
    return nil
  }
}
