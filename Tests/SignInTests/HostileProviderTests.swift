import JSON
import Model
import TestSupport
import Testing

@testable import SignIn

/// Providers that do what they must not, each with its own error.
struct HostileProviderTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var error: OpenIDError
    var change: @Sendable (inout HostileProvider.Conduct) throws -> Void

    init(
      _ description: String,
      _ error: OpenIDError,
      _ change: @escaping @Sendable (inout HostileProvider.Conduct) throws -> Void
    ) {
      (testDescription, self.error, self.change) = (description, error, change)
    }

    /// A token that is good but for claims.
    static func claims(_ description: String, _ claims: JSONObject, _ error: OpenIDError) -> Case {
      Case(description, error) { $0.claims = claims }
    }
  }

  private static let now = HostileProvider.now.milliseconds / 1000

  static func at(_ seconds: Int64) -> Instant { Instant(milliseconds: (now + seconds) * 1000) }
  static func time(_ seconds: Int64) -> JSONValue { .integer(now + seconds) }

  static let claims: [Case] = [
    .claims(
      "iss",
      ["iss": "https://evil.example"],
      .tokenOfOtherIssuer(found: "https://evil.example")
    ),
    .claims("no iss", ["iss": .null], .claimMissing("iss")),
    .claims("aud", ["aud": "else"], .tokenForOthers(audience: ["else"])),
    .claims(
      "aud of two",
      ["aud": ["plumb", "else"]],
      .tokenForOthers(audience: ["plumb", "else"])
    ),
    .claims("aud of numbers", ["aud": ["plumb", 1]], .claimUnreadable("aud")),
    .claims("no aud", ["aud": .null], .claimMissing("aud")),
    .claims("azp", ["azp": "else"], .otherAuthorizedParty("else")),
    .claims("exp", ["exp": time(-60)], .tokenExpired(at(-60))),
    .claims("exp of text", ["exp": "2099"], .claimUnreadable("exp")),
    .claims("no exp", ["exp": .null], .claimMissing("exp")),
    .claims("nbf", ["nbf": time(61)], .tokenNotYetValid(at(61))),
    .claims("iat", ["iat": time(61)], .tokenFromTheFuture(at(61))),
    .claims("no iat", ["iat": .null], .claimMissing("iat")),
    .claims("nonce", ["nonce": "another"], .otherNonce),
    .claims("no nonce", ["nonce": .null], .claimMissing("nonce")),
    .claims("at_hash", ["at_hash": "uby9Z8Gb_H_x4fPjwNzguW"], .otherAccessToken),
    .claims("no sub", ["sub": .null], .claimMissing("sub")),
    .claims("empty sub", ["sub": ""], .claimMissing("sub")),
    .claims(
      "long sub",
      ["sub": .string(String(repeating: "a", count: 256))],
      .claimUnreadable("sub")
    ),
    .claims("groups", ["groups": [["id": 1]]], .claimUnreadable("groups")),
    .claims("groups elsewhere", ["_claim_names": ["groups": "src1"]], .claimElsewhere("groups")),
    Case("UserInfo of somebody else", .otherSubject) { $0.userInfo = ["sub": "mallory"] },
  ]

  static let signatures: [Case] = [
    Case("none", .algorithmNotAllowed("none")) {
      $0.token = { claims in
        let parts = ["{\"alg\":\"none\"}", claims.text].map { Encoding.base64url(Array($0.utf8)) }
        return parts.joined(separator: ".") + "."
      }
    },
    Case("HS256 with the public key", .algorithmNotAllowed("HS256")) { conduct in
      let shared = try TestKey.shared("one", Array(conduct.key.published().text.utf8))
      conduct.token = { try shared.sign($0, ["alg": "HS256", "kid": "one"]) }
    },
    Case("another key under the same id", .signatureWrong) { $0.key = try .rsa("one") },
    Case("an algorithm that the key is not for", .keyUnknown("one")) {
      $0.published = [try $0.key.published(["alg": "PS256"])]
    },
    Case("a key for encryption", .keyUnknown("one")) {
      $0.published = [try $0.key.published(["use": "enc"])]
    },
    Case("a key on no curve of ours", .keyUnknown("one")) {
      $0.published = [try $0.key.published(["kty": "EC"])]
    },
    Case("an unknown key", .keyUnknown("two")) { $0.head["kid"] = "two" },
    Case("no key id, several keys", .keyNotNamed(fitting: 2)) {
      $0.head["kid"] = nil
      $0.published.append(try TestKey.rsa("two").published())
    },
    Case("a short key", .keyUnusable("it has less than 2048 bits")) {
      $0.key = try .rsa("one", bits: 1024)
      $0.published = [try $0.key.published()]
    },
    Case("a key of bad base64", .keyUnknown("one")) {
      $0.published = [try $0.key.published(["n": "A==="])]
    },
    Case("an extension that must be known", .criticalExtension) {
      $0.head["crit"] = ["b64"]
    },
    Case("an encrypted token", .tokenEncrypted) { $0.token = { _ in "e30.e30.e30.e30.e30" } },
    Case("no token", .tokenMalformed(reason: "it is not three parts of base64")) {
      $0.token = { _ in "nothing" }
    },
  ]

  @Test(arguments: claims + signatures)
  func `a token with a fault is refused`(one: Case) async throws {
    let provider = try HostileProvider(one.change)
    await #expect(throws: one.error) { try await provider.signIn() }
    #expect("\(one.error)".utf8.count > 30)
  }

  private static func answer(_ body: String, _ status: Int = 200) -> ReplayServer.Answer {
    .init(status, headers: [("Content-Type", "application/json")], body: Array(body.utf8))
  }

  static let exchanges: [Case] = [
    // What was sent is hidden, whichever way it comes back; nothing moves the cursor.
    Case(
      "an error of the token endpoint",
      .codeRefused(
        error: "invalid_grant",
        description: "no [31m such [0m code [secret], [secret] [secret]"
      )
    ) { conduct in
      let text = "no\\n\\u001b[31m such\\u001b[0m\\u202e code the-code, s e c:r%t s%20e%20c%3Ar%25t"
      conduct.answers["/token"] = answer(
        "{\"error\": \"invalid_grant\", \"error_description\": \"\(text)\"}",
        400
      )
    },
    Case("a token endpoint that fails", .failed(.token, status: 500)) {
      $0.answers["/token"] = answer("{\"error\": \"server_error\"}", 500)
    },
    Case(
      "a token endpoint without an ID token",
      .unreadable(.token, reason: "there is no id_token; the scope openid must be allowed")
    ) { $0.answers["/token"] = answer("{\"access_token\": \"a\"}") },
    Case(
      "a token of another type",
      .unreadable(.token, reason: "token_type is mac, not Bearer")
    ) { $0.answers["/token"] = answer("{\"id_token\": \"a\", \"token_type\": \"mac\"}") },
    Case("a UserInfo endpoint that refuses", .failed(.userInfo, status: 401)) {
      $0.answers["/me"] = answer("{}", 401)
    },
    Case("no metadata", .failed(.discovery, status: 404)) {
      $0.answers["/.well-known/openid-configuration"] = answer("{}", 404)
    },
    Case("no keys", .unreadable(.keys, reason: "it has no list of keys")) {
      $0.answers["/keys"] = answer("{}")
    },
    Case("no code flow", .noCodeFlow) { $0.metadata = ["response_types_supported": ["id_token"]] },
    Case("no way to prove oneself", .noClientAuthentication(offered: ["private_key_jwt"])) {
      $0.metadata = ["token_endpoint_auth_methods_supported": ["private_key_jwt"]]
    },
    Case("an endpoint without TLS", .insecure("token_endpoint", "http://idp.example/token")) {
      $0.metadata = ["token_endpoint": "http://idp.example/token"]
    },
    Case("an endpoint of a user", .invalidURL("jwks_uri", "https://me@idp.example/keys")) {
      $0.metadata = ["jwks_uri": "https://me@idp.example/keys"]
    },
    Case("no issuer in the answer", .answerIncomplete("iss")) {
      $0.metadata = ["authorization_response_iss_parameter_supported": true]
    },
  ]

  @Test(arguments: exchanges)
  func `an exchange with a fault ends`(one: Case) async throws {
    let provider = try HostileProvider(one.change)
    await #expect(throws: one.error) { try await provider.signIn() }
    #expect("\(one.error)".utf8.count > 30)
  }

  @Test func `the issuer must be the same to the letter`() async throws {
    let provider = try HostileProvider()
    let url = provider.url
    provider.change { $0.metadata = ["issuer": .string(url + "/")] }
    await #expect(throws: OpenIDError.otherIssuer(configured: url, found: url + "/")) {
      try await provider.signIn()
    }
    let withSlash = try provider.provider { $0.issuer += "/" }
    await #expect(throws: OpenIDError.tokenOfOtherIssuer(found: url)) {
      try await provider.signIn(withSlash)
    }
  }

  @Test func `an issuer with TLS has no endpoint without, not even on this machine`() throws {
    let issuer = try ProviderURL("https://idp.example", of: "the issuer")
    var document: JSONObject = ["issuer": "https://idp.example"]
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
      document[name] = "https://idp.example/x"
    }
    _ = try ProviderMetadata(.object(document), issuer: issuer)
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"] {
      var changed = document
      changed[name] = "http://127.0.0.1:8080/x"
      #expect(throws: OpenIDError.insecure(name, "http://127.0.0.1:8080/x")) {
        try ProviderMetadata(.object(changed), issuer: issuer)
      }
    }
  }

  @Test(arguments: ["/.well-known/openid-configuration", "/keys", "/token", "/me"])
  func `redirects are not followed, huge answers not read`(path: String) async throws {
    let other = try ReplayServer { _ in .init(json: [:]) }
    defer { other.stop() }
    let provider = try HostileProvider { conduct in
      let target = other.url + "/?code=the-code"
      conduct.answers[path] = .init(307, headers: [("Location", target)])
    }
    let error = await #expect(throws: OpenIDError.self) { try await provider.signIn() }
    guard case .redirected(_, host: "127.0.0.1") = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(other.requests.isEmpty)
    provider.change {
      let body = [UInt8](repeating: 0x20, count: OpenIDProvider.answerLimit + 1)
      $0.answers[path] = .init(body: body)
    }
    let huge = await #expect(throws: OpenIDError.self) { try await provider.signIn() }
    guard case .tooLarge(let source, limit: 1 << 20) = huge else {
      Issue.record("\(String(describing: huge))")
      return
    }
    // A client that reads more changes nothing.
    let reader = try provider.provider(limit: 64 << 20)
    await #expect(throws: OpenIDError.tooLarge(source, limit: 1 << 20)) {
      try await provider.signIn(reader)
    }
  }

  @Test func `keys that never come are not waited for`() async throws {
    let provider = try HostileProvider { conduct in
      var silence = ReplayServer.Answer()
      silence.delay = 600
      conduct.answers["/keys"] = silence
    }
    let patient = try provider.provider { $0.timeout = 0.5 }
    let error = await #expect(throws: OpenIDError.self) { try await provider.signIn(patient) }
    guard case .unreachable(.keys, let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.contains("did not answer"))
  }
}
