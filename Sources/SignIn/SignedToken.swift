import CJOSE
import JSON

/// A token that somebody signed (RFC 7515, 7.1), before anything of it is believed.
struct SignedToken: Sendable {
  let algorithm: SigningAlgorithm
  /// Which of the provider's keys is said to have signed it.
  let keyID: String?
  private let text: String

  /// Reads a token's head.
  ///
  /// - Throws: ``OpenIDError`` for what is no token, is encrypted, or signed as it must not be.
  init(_ text: String) throws(OpenIDError) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count != 5 else { throw .tokenEncrypted }
    guard parts.count == 3, parts.allSatisfy(Encoding.isBase64url) else {
      throw .tokenMalformed(reason: "it is not three parts of base64")
    }
    guard let head = Encoding.bytes(base64url: parts[0]), let head = try? JSONParser().parse(head),
      head.object != nil
    else { throw .tokenMalformed(reason: "its head is no JSON object") }
    let name = head["alg"]?.string ?? ""
    guard let algorithm = SigningAlgorithm(rawValue: name) else {
      throw .algorithmNotAllowed(Encoding.shown(name))
    }
    guard head["crit"] == nil else { throw .criticalExtension }
    // A signature of ES256 has two numbers of 32 bytes each (RFC 7518, 3.4).
    guard algorithm != .es256 || parts[2].utf8.count == 86 else { throw .signatureWrong }
    self.algorithm = algorithm
    keyID = head["kid"]?.string
    self.text = text
  }

  /// The claims, if a key signed them; nil where it did not.
  ///
  /// - Throws: ``OpenIDError/keyUnusable(_:)`` and ``OpenIDError/tokenMalformed(reason:)``.
  func claims(signedBy key: WebKey) throws(OpenIDError) -> JSONValue? {
    guard let payload = try payload(signedBy: key) else { return nil }
    guard let claims = try? JSONParser().parse(payload), claims.object != nil else {
      throw .tokenMalformed(reason: "its claims are no JSON object without repeated members")
    }
    return claims
  }

  private func payload(signedBy key: WebKey) throws(OpenIDError) -> [UInt8]? {
    guard key.fits(algorithm) else { return nil }
    guard let jwk = unsafe cjose_jwk_import(key.text, key.text.utf8.count, nil) else {
      throw .keyUnusable("its numbers are none of a key of type \(Encoding.shown(key.type))")
    }
    defer { unsafe cjose_jwk_release(jwk) }
    // RFC 7518, 3.3 and 3.5.
    if key.type == "RSA", unsafe cjose_jwk_get_keysize(jwk, nil) < 2048 {
      throw .keyUnusable("it has less than 2048 bits")
    }
    guard let jws = unsafe cjose_jws_import(text, text.utf8.count, nil) else {
      throw .tokenMalformed(reason: "cjose does not read it")
    }
    defer { unsafe cjose_jws_release(jws) }
    // cjose reads the head with another parser: both must have seen the same.
    guard let head = unsafe cjose_jws_get_protected(jws),
      let name = unsafe cjose_header_get(head, "alg", nil),
      unsafe String(cString: name) == algorithm.rawValue
    else { throw .tokenMalformed(reason: "its head can be read in two ways") }
    guard unsafe cjose_jws_verify(jws, jwk, nil) else { return nil }
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    guard unsafe cjose_jws_get_plaintext(jws, &bytes, &count, nil), let bytes = unsafe bytes else {
      throw .tokenMalformed(reason: "it is empty")
    }
    return unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}
