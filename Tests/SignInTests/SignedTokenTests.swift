import CJOSE
import Foundation
import JSON
import TestSupport
import Testing

@testable import SignIn

/// Tokens that another library signed, and such as no library makes.
struct SignedTokenTests {
  private static let made = Result {
    let script = Fixtures.root.appendingPathComponent("Tests/SignInTests/tokens.py")
    let run = try CommandRun(ProviderDouble.python, [script.path])
    try #require(run.exitCode == 0, "\(run.errors); script/prepare --tests installs joserfc")
    return try JSONValue(parsing: run.output)
  }

  private func token(_ name: String) throws -> String {
    try #require(Self.made.get()["tokens"]?[name]?.string)
  }

  private func keys() throws -> KeySet { try KeySet(Self.made.get()) }

  @Test(arguments: ["RS256", "PS256", "ES256"])
  func `what joserfc signed is read, and not when a bit differs`(name: String) throws {
    let text = try token(name)
    let token = try SignedToken(text)
    let key = try #require(try keys().fitting(token.algorithm, id: token.keyID).first)
    #expect(try token.claims(signedBy: key)?["text"] == "ü\u{2028}")
    let parts = text.split(separator: ".").map(String.init)
    for part in [1, 2] {
      var bytes = try #require(Encoding.bytes(base64url: parts[part]))
      bytes[bytes.count / 2] ^= 1
      var changed = parts
      changed[part] = Encoding.base64url(bytes)
      #expect(try SignedToken(changed.joined(separator: ".")).claims(signedBy: key) == nil)
    }
    for other in try keys().keys where other != key && other.id != "small" {
      #expect(try token.claims(signedBy: other) == nil)
    }
  }

  @Test(arguments: ["none", "HS256", "RS384", "RS512", "PS384", "ES384", "Ed25519"])
  func `other algorithms are refused by name`(name: String) throws {
    let text = try token(name)
    #expect(throws: OpenIDError.algorithmNotAllowed(name)) { try SignedToken(text) }
  }

  @Test func `a signature of ES256 has one form, and its keys one curve`() throws {
    let text = try token("ES256")
    let dot = try #require(text.lastIndex(of: "."))
    let bytes = try #require(Encoding.bytes(base64url: String(text[text.index(after: dot)...])))
    // The same two numbers, with a zero before each.
    let padded = [0] + bytes[..<32] + [0] + bytes[32...]
    #expect(throws: OpenIDError.signatureWrong) {
      try SignedToken(text[...dot] + Encoding.base64url(Array(padded)))
    }
    let curves = try keys().keys.filter { $0.fits(.es256) }.map(\.id)
    #expect(curves == ["ec"])
  }

  @Test func `short keys are refused`() throws {
    let token = try SignedToken(token("small"))
    let key = try #require(try keys().keys.first { $0.id == "small" })
    #expect(throws: OpenIDError.keyUnusable("it has less than 2048 bits")) {
      try token.claims(signedBy: key)
    }
  }

  /// The second lock behind ours.
  @Test(arguments: ["none", "HS256"])
  func `cjose itself takes no confusion of algorithms`(name: String) throws {
    let text = try token(name)
    let key = try #require(try keys().keys.first { $0.id == "rsa" })
    let jwk = unsafe try #require(cjose_jwk_import(key.text, key.text.utf8.count, nil))
    defer { unsafe cjose_jwk_release(jwk) }
    let jws = unsafe try #require(cjose_jws_import(text, text.utf8.count, nil))
    defer { unsafe cjose_jws_release(jws) }
    #expect(unsafe cjose_jws_verify(jws, jwk, nil) == false)
  }

  @Test func `a head must say the same to every reader`() throws {
    let parts = try token("RS256").split(separator: ".").map(String.init)
    let key = try #require(try keys().keys.first { $0.id == "rsa" })
    for head in [
      #"{"alg":"RS256","alg":"none"}"#, #"{"alg":"RS256","\u0061lg":"HS256"}"#, #"["RS256"]"#, "",
      #"{"alg":"RS256"}x"#, #"{"alg":["RS256"]}"#, #"{"alg":"rs256"}"#,
      "{\"alg\":\"RS256\u{0}\"}",
    ] {
      let text = ([Encoding.base64url(Array(head.utf8))] + parts[1...]).joined(separator: ".")
      #expect(throws: OpenIDError.self, "\(head)") {
        guard try SignedToken(text).claims(signedBy: key) != nil else {
          throw OpenIDError.signatureWrong
        }
      }
    }
  }

  /// cjose 0.6.2.1 ends the process over some of these; none may reach it.
  @Test func `what is no base64 does not reach cjose`() throws {
    let parts = try token("RS256").split(separator: ".").map(String.init)
    for bad in ["A", "A===", "=", "AA==", "A A", "A+", "A/", "Ä", "\u{0}\u{0}", "AAAAA"] {
      for place in 0...2 {
        var changed = parts
        changed[place] = bad
        #expect(throws: OpenIDError.self) { try SignedToken(changed.joined(separator: ".")) }
      }
      for name in ["n", "e"] {
        var key: JSONObject = ["kty": "RSA", "n": "AQAB", "e": "AQAB"]
        key[name] = .string(bad)
        #expect(WebKey(.object(key)) == nil)
      }
    }
    #expect(WebKey(["kty": "oct", "k": "AQAB"]) == nil && WebKey("RSA") == nil)
  }

  @Test func `keys of nonsense are refused without harm`() throws {
    let token = try SignedToken(token("ES256"))
    for (x, y) in [("AQAB", "AQAB"), (String(repeating: "A", count: 43), "AQAB")] {
      let key = try #require(
        WebKey(["kty": "EC", "crv": "P-256", "x": .string(x), "y": .string(y)])
      )
      #expect(throws: OpenIDError.self) { try token.claims(signedBy: key) }
    }
    // A point that is not on the curve.
    let coordinate = JSONValue.string(Encoding.base64url([UInt8](repeating: 7, count: 32)))
    let key = try #require(
      WebKey(["kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate])
    )
    #expect(throws: OpenIDError.self) { try token.claims(signedBy: key) }
  }
}
