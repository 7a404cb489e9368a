import JSON

/// What a provider says about itself (OpenID Connect Discovery 1.0, 3).
struct ProviderMetadata: Sendable {
  var authorizationEndpoint: ProviderURL
  var tokenEndpoint: ProviderURL
  var userInfoEndpoint: ProviderURL?
  var keys: ProviderURL
  /// How clients may prove themselves at the token endpoint.
  var authentications: [String]
  /// Whether answers to browsers name the issuer (RFC 9207, 3).
  var namesIssuer: Bool

  /// Reads the document that stands at the issuer's well-known address.
  ///
  /// - Throws: ``OpenIDError`` for a document that another issuer wrote (4.3), that misses something,
  ///   names an address without TLS, or does not offer the authorization code flow.
  init(_ document: JSONValue, issuer: ProviderURL) throws(OpenIDError) {
    let found = document["issuer"]?.string ?? ""
    guard found == issuer.text else {
      throw .otherIssuer(configured: issuer.text, found: Encoding.shown(found))
    }
    func url(_ name: String) throws(OpenIDError) -> ProviderURL {
      guard let text = document[name]?.string else {
        throw .unreadable(.discovery, reason: "it has no \(name)")
      }
      return try ProviderURL(text, of: name, isPlainAllowed: !issuer.isSecure)
    }
    authorizationEndpoint = try url("authorization_endpoint")
    tokenEndpoint = try url("token_endpoint")
    keys = try url("jwks_uri")
    userInfoEndpoint = document["userinfo_endpoint"] == nil ? nil : try url("userinfo_endpoint")
    let responses = document["response_types_supported"]?.array?.compactMap(\.string) ?? ["code"]
    guard responses.contains("code") else { throw .noCodeFlow }
    let methods = document["token_endpoint_auth_methods_supported"]?.array
    authentications = methods?.compactMap(\.string) ?? ["client_secret_basic"]
    namesIssuer = document["authorization_response_iss_parameter_supported"]?.bool ?? false
  }
}
