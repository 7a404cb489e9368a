import JSON

/// A provider's public keys (RFC 7517, 5).
struct KeySet: Sendable {
  var keys: [WebKey]

  /// Reads a set; keys of kinds that are not known here are passed over, as they must be.
  ///
  /// - Throws: ``OpenIDError/unreadable(_:reason:)``.
  init(_ document: JSONValue) throws(OpenIDError) {
    guard let list = document["keys"]?.array else {
      throw .unreadable(.keys, reason: "it has no list of keys")
    }
    keys = list.compactMap(WebKey.init)
  }

  /// The keys that may have signed a token (OpenID Connect Core 1.0, 10.1).
  func fitting(_ algorithm: SigningAlgorithm, id: String?) -> [WebKey] {
    keys.filter { $0.fits(algorithm) && (id == nil || $0.id == id) }
  }
}

/// A public key (RFC 7517, 4).
struct WebKey: Sendable, Hashable {
  var id: String?
  var type: String
  var curve: String?
  /// The algorithm that the key is meant for; nil for any that its type fits.
  var algorithm: String?
  var isForSigning: Bool
  /// The members that make the key, as JSON.
  var text: String

  /// Reads a key; nil for one of another kind than RSA and elliptic curves, and where something is no
  /// base64.
  init?(_ value: JSONValue) {
    guard let type = value["kty"]?.string, ["RSA", "EC"].contains(type) else { return nil }
    self.type = type
    id = value["kid"]?.string
    curve = value["crv"]?.string
    algorithm = value["alg"]?.string
    let operations = value["key_ops"]?.array?.compactMap(\.string) ?? ["verify"]
    isForSigning = (value["use"]?.string ?? "sig") == "sig" && operations.contains("verify")
    // Nothing else of a key is handed on, least of all a secret half that slipped into the set.
    var parts: JSONObject = ["kty": .string(type)]
    for name in type == "RSA" ? ["n", "e"] : ["x", "y"] {
      guard let part = value[name]?.string, !part.isEmpty, Encoding.isBase64url(part) else {
        return nil
      }
      parts[name] = .string(part)
    }
    if type == "EC" { parts["crv"] = .string(curve ?? "") }
    text = JSONValue.object(parts).text
  }

  /// Whether the key may be used with an algorithm; an EC key only with its own curve.
  func fits(_ algorithm: SigningAlgorithm) -> Bool {
    isForSigning && type == algorithm.keyType && (type == "RSA" || curve == "P-256")
      && (self.algorithm ?? algorithm.rawValue) == algorithm.rawValue
  }
}
