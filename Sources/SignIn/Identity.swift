import JSON

/// Who signed in, as the provider says it.
package struct Identity: Sendable, Hashable {
  package var issuer: String
  /// The provider's own, lasting name for the person; only issuer and subject together identify
  /// somebody (OpenID Connect Core 1.0, 5.7).
  package var subject: String
  package var name: String?
  /// An address to show and to write to; people can often choose it, and it identifies nobody.
  package var email: String?
  /// Whether the provider says that it made sure of the address.
  package var isEmailVerified: Bool
  package var groups: [String]

  package init(
    issuer: String,
    subject: String,
    name: String? = nil,
    email: String? = nil,
    isEmailVerified: Bool = false,
    groups: [String] = []
  ) {
    self.issuer = issuer
    self.subject = subject
    self.name = name
    self.email = email
    self.isEmailVerified = isEmailVerified
    self.groups = groups
  }

  /// Reads an identity from claims whose origin was checked.
  ///
  /// - Parameters:
  ///   - issuer: the provider.
  ///   - subject: whom the ID token names.
  ///   - claims: of the ID token and, where it was asked, of the UserInfo endpoint; the first that
  ///     holds a claim counts.
  ///   - names: which claims are read.
  /// - Throws: ``OpenIDError/claimUnreadable(_:)`` and ``OpenIDError/claimElsewhere(_:)``.
  init(
    issuer: String,
    subject: String,
    claims: [JSONValue],
    names: ClaimNames
  ) throws(OpenIDError) {
    self.init(issuer: issuer, subject: subject)
    name = try Self.text(names.name, claims)
    for claims in claims where Self.value(names.email, claims) != nil {
      email = try Self.text(names.email, [claims])
      // Some providers write the boolean as a text.
      let verified = claims["email_verified"]
      isEmailVerified = verified?.bool == true || verified?.string == "true"
      break
    }
    groups = try Self.list(names.groups, claims)
  }

  /// The value of a claim; nil where there is none.
  static func value(_ name: String, _ claims: JSONValue) -> JSONValue? {
    if let value = claims[name] { return value.isNull ? nil : value }
    let parts = name.split(separator: ".").map(String.init)
    guard parts.count > 1 else { return nil }
    let value = parts.reduce(Optional(claims)) { $0?[$1] }
    return value?.isNull == true ? nil : value
  }

  private static func text(_ name: String, _ claims: [JSONValue]) throws(OpenIDError) -> String? {
    guard let value = claims.lazy.compactMap({ value(name, $0) }).first else { return nil }
    guard let text = value.string else { throw .claimUnreadable(name) }
    return text
  }

  private static func list(_ name: String, _ claims: [JSONValue]) throws(OpenIDError) -> [String] {
    guard let value = claims.lazy.compactMap({ value(name, $0) }).first else {
      // Distributed claims (5.6.2): Microsoft writes so for people with very many groups. Nobody must
      // silently be without them.
      let isElsewhere = claims.contains { $0["_claim_names"]?[name] != nil }
      if isElsewhere { throw .claimElsewhere(name) }
      return []
    }
    if let text = value.string { return [text] }
    guard let elements = value.array else { throw .claimUnreadable(name) }
    let texts = elements.compactMap(\.string)
    guard texts.count == elements.count else { throw .claimUnreadable(name) }
    return texts
  }
}
