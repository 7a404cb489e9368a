import JSON
import Model

/// What must hold of an ID token's claims (OpenID Connect Core 1.0, 3.1.3.7).
struct IDTokenCheck {
  var issuer: String
  var clientID: String
  var nonce: String
  /// What came with the ID token; its digest may stand in there (3.1.3.6).
  var accessToken: Secret?
  var now: Instant

  /// By how many seconds two machines' clocks may differ.
  static let leeway = 60.0

  /// Checks claims whose signature was checked.
  ///
  /// - Returns: the subject.
  /// - Throws: ``OpenIDError`` that names the claim.
  func subject(of claims: JSONValue) throws(OpenIDError) -> String {
    let found = try text("iss", claims)
    guard found == issuer else { throw .tokenOfOtherIssuer(found: Encoding.shown(found)) }
    try checkAudience(claims)
    try checkTimes(claims)
    guard Encoding.isSame(try text("nonce", claims), nonce) else { throw .otherNonce }
    if let accessToken, claims["at_hash"] != nil {
      // All algorithms that are allowed hash with SHA-256, of which the left half counts.
      let half = Encoding.sha256(Array(accessToken.revealed.utf8)).prefix(16)
      guard Encoding.isSame(try text("at_hash", claims), Encoding.base64url(Array(half))) else {
        throw .otherAccessToken
      }
    }
    let subject = try text("sub", claims)
    guard !subject.isEmpty else { throw .claimMissing("sub") }
    // Section 2: at most 255 ASCII characters.
    guard subject.utf8.count <= 255 else { throw .claimUnreadable("sub") }
    return subject
  }

  private func text(_ name: String, _ claims: JSONValue) throws(OpenIDError) -> String {
    guard let value = claims[name] else { throw .claimMissing(name) }
    guard let text = value.string else { throw .claimUnreadable(name) }
    return text
  }

  private func checkAudience(_ claims: JSONValue) throws(OpenIDError) {
    guard let value = claims["aud"] else { throw .claimMissing("aud") }
    let list = value.string.map { [$0] } ?? value.array?.compactMap(\.string)
    guard let audience = list, audience.count == value.array?.count ?? 1 else {
      throw .claimUnreadable("aud")
    }
    guard audience.contains(clientID) else {
      throw .tokenForOthers(audience: audience.map(Encoding.shown))
    }
    if claims["azp"] != nil {
      let party = try text("azp", claims)
      guard party == clientID else { throw .otherAuthorizedParty(Encoding.shown(party)) }
    } else if audience.contains(where: { $0 != clientID }) {
      throw .tokenForOthers(audience: audience.map(Encoding.shown))
    }
  }

  private func checkTimes(_ claims: JSONValue) throws(OpenIDError) {
    let now = Double(now.milliseconds) / 1000
    let expires = try seconds("exp", claims)
    guard now < expires + Self.leeway else { throw .tokenExpired(Self.instant(expires)) }
    let issued = try seconds("iat", claims)
    guard issued - Self.leeway <= now else { throw .tokenFromTheFuture(Self.instant(issued)) }
    if claims["nbf"] != nil {
      let begins = try seconds("nbf", claims)
      guard begins - Self.leeway <= now else { throw .tokenNotYetValid(Self.instant(begins)) }
    }
  }

  private func seconds(_ name: String, _ claims: JSONValue) throws(OpenIDError) -> Double {
    guard let value = claims[name] else { throw .claimMissing(name) }
    guard let seconds = value.double else { throw .claimUnreadable(name) }
    return seconds
  }

  /// An instant to show; what no calendar holds is cut to the years 1 to 9999.
  private static func instant(_ seconds: Double) -> Instant {
    Instant(milliseconds: Int64(min(max(seconds, -62_000_000_000), 253_000_000_000)) * 1000)
  }
}
