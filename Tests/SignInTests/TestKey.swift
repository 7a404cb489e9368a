import CJOSE
import JSON
import Testing

@testable import SignIn

/// A pair of keys, and tokens signed with it.
struct TestKey: Sendable {
  let id: String
  private let text: String

  /// An RSA key of some bits.
  static func rsa(_ id: String, bits: Int = 2048) throws -> TestKey {
    let exponent: [UInt8] = [1, 0, 1]
    let key = unsafe exponent.withUnsafeBufferPointer { exponent in
      unsafe cjose_jwk_create_RSA_random(bits, exponent.baseAddress, exponent.count, nil)
    }
    return unsafe try TestKey(id, key)
  }

  /// A key on the curve P-256.
  static func ec(_ id: String) throws -> TestKey {
    unsafe try TestKey(id, cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, nil))
  }

  /// A secret that two share.
  static func shared(_ id: String, _ bytes: [UInt8]) throws -> TestKey {
    let key = unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe cjose_jwk_create_oct_spec(bytes.baseAddress, bytes.count, nil)
    }
    return unsafe try TestKey(id, key)
  }

  private init(_ id: String, _ key: OpaquePointer?) throws {
    let key = unsafe try #require(key)
    defer { unsafe cjose_jwk_release(key) }
    let text = unsafe try #require(cjose_jwk_to_json(key, true, nil))
    defer { unsafe free(text) }
    self.id = id
    self.text = unsafe String(cString: text)
  }

  /// The public half as a provider publishes it.
  func published(_ more: JSONObject = [:]) throws -> JSONValue {
    let all = try JSONValue(parsing: text)
    var half: JSONObject = ["kid": .string(id), "use": "sig"]
    for name in ["kty", "n", "e", "crv", "x", "y"] { half[name] = all[name] }
    for (name, value) in more.members { half[name] = value }
    return .object(half)
  }

  /// A signed token.
  func sign(_ claims: JSONValue, _ head: JSONObject) throws -> String {
    let header = unsafe try #require(cjose_header_new(nil))
    defer { unsafe cjose_header_release(header) }
    for (name, value) in head.members {
      // Objects and arrays are set as JSON, which texts are not.
      let isSet =
        if let text = value.string {
          unsafe cjose_header_set(header, name, text, nil)
        } else {
          unsafe cjose_header_set_raw(header, name, value.text, nil)
        }
      try #require(isSet)
    }
    let key = unsafe try #require(cjose_jwk_import(text, text.utf8.count, nil))
    defer { unsafe cjose_jwk_release(key) }
    let payload = Array(claims.text.utf8)
    let token = unsafe try #require(cjose_jws_sign(key, header, payload, payload.count, nil))
    defer { unsafe cjose_jws_release(token) }
    var compact: UnsafePointer<CChar>?
    try #require(unsafe cjose_jws_export(token, &compact, nil))
    return unsafe String(cString: try #require(compact))
  }
}
