import Foundation
import JSON
import Model
import TestSupport
import Testing

@testable import SignIn

/// What goes to a provider, and what is made of what it says.
struct SignInFlowTests {
  @Test func `the question holds what the answer is checked by`() async throws {
    let provider = try HostileProvider()
    let client = try provider.provider { $0.scopes = ["groups"] }
    let (url, pending) = try await client.authorization(redirect: HostileProvider.redirect)
    let (_, second) = try await client.authorization(redirect: HostileProvider.redirect)
    let items = try #require(URLComponents(string: url)?.queryItems)
    let query = Dictionary(uniqueKeysWithValues: items.map { ($0.name, $0.value ?? "") })
    #expect(url.hasPrefix(provider.url + "/authorize?tenant=1&response_type=code&"))
    #expect(query["client_id"] == "plumb" && query["scope"] == "openid groups")
    #expect(query["redirect_uri"] == HostileProvider.redirect)
    #expect(query["state"] == pending.state && query["nonce"] == pending.nonce)
    #expect(query["code_challenge_method"] == "S256")
    #expect(query["code_challenge"] == pending.challenge)
    #expect(!url.contains(pending.verifier.revealed))
    let texts = [pending, second].flatMap { [$0.state, $0.nonce, $0.verifier.revealed] }
    #expect(Set(texts).count == 6 && texts.allSatisfy { $0.utf8.count == 43 })
    #expect(pending.expires == HostileProvider.now.advanced(milliseconds: 600_000))
    #expect("\(pending)".contains(pending.verifier.revealed) == false)
    await #expect(throws: OpenIDError.redirectNotAllowed("https://plumb.example/callback/")) {
      try await client.authorization(redirect: HostileProvider.redirect + "/")
    }
  }

  /// RFC 7636, appendix B.
  @Test func `the challenge is the standard's`() {
    let pending = PendingSignIn(
      state: "",
      nonce: "",
      verifier: Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
      redirect: "",
      expires: .never
    )
    #expect(pending.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
  }

  @Test func `the client proves itself as the provider wants it`() async throws {
    let provider = try HostileProvider()
    _ = try await provider.signIn()
    let basic = try #require(provider.requests.last { $0.path == "/token" })
    // plumb:s%20e%20c%3Ar%25t, by base64 of coreutils
    #expect(basic[header: "Authorization"] == "Basic cGx1bWI6cyUyMGUlMjBjJTNBciUyNXQ=")
    #expect(HostileProvider.form(basic)["client_secret"] == nil && provider.isVerified)
    provider.change {
      $0.metadata = ["token_endpoint_auth_methods_supported": ["client_secret_post", "tls"]]
    }
    _ = try await provider.signIn()
    let post = try #require(provider.requests.last { $0.path == "/token" })
    #expect(post[header: "Authorization"] == nil)
    #expect(HostileProvider.form(post)["client_secret"] == HostileProvider.secret.revealed)
    #expect(HostileProvider.form(post)["client_id"] == "plumb")
    let open = try provider.provider { $0.clientSecret = nil }
    _ = try await provider.signIn(open)
    let none = try #require(provider.requests.last { $0.path == "/token" })
    let form = HostileProvider.form(none)
    #expect(none[header: "Authorization"] == nil && form["client_secret"] == nil)
    #expect(form["client_id"] == "plumb" && form["grant_type"] == "authorization_code")
    #expect(form["redirect_uri"] == HostileProvider.redirect && form["code"] == "the-code")
    let me = try #require(provider.requests.last { $0.path == "/me" })
    #expect(me[header: "Authorization"] == "Bearer the-access-token")
  }

  @Test func `clocks may differ by less than a minute`() async throws {
    let now = HostileProvider.now.milliseconds / 1000
    let provider = try HostileProvider {
      $0.claims = [
        "exp": .integer(now - 59), "iat": .integer(now + 60), "nbf": .number(Double(now) + 59.5),
      ]
    }
    #expect(try await provider.signIn().subject == "alice")
  }

  @Test func `claims come from the token, then from UserInfo, by the names set up`() async throws {
    let provider = try HostileProvider {
      $0.claims = ["realm_access": ["roles": ["ops"]], "aud": ["plumb", "api"], "azp": "plumb"]
      $0.userInfo = [
        "sub": "alice", "name": "Not Alice", "email": "a@example.com", "email_verified": "true",
        "https://example.com/teams": "one",
      ]
    }
    let nested = try provider.provider { $0.claims.groups = "realm_access.roles" }
    let identity = try await provider.signIn(nested)
    #expect(identity.name == "Alice" && identity.email == "a@example.com")
    #expect(identity.isEmailVerified && identity.groups == ["ops"])
    let named = try provider.provider { $0.claims.groups = "https://example.com/teams" }
    #expect(try await provider.signIn(named).groups == ["one"])
  }

  @Test func `UserInfo is not asked for what the token says`() async throws {
    let provider = try HostileProvider {
      $0.claims = ["email": "a@example.com", "email_verified": false, "groups": []]
    }
    let identity = try await provider.signIn()
    #expect(identity.email == "a@example.com" && !identity.isEmailVerified)
    #expect(!provider.requests.contains { $0.path == "/me" })
  }

  @Test func `an answer must be whole, in time, and this sign-in's`() async throws {
    let provider = try HostileProvider()
    let client = try provider.provider()
    let (_, pending) = try await client.authorization(redirect: HostileProvider.redirect)
    let state = (name: "state", value: pending.state)
    for (answer, error) in [
      ([(name: "code", value: "a")], OpenIDError.otherState),
      ([state, state, ("code", "a")], .answerIncomplete("state")),
      ([state], .answerIncomplete("code")), ([state, ("code", "")], .answerIncomplete("code")),
      ([state, ("code", "a"), ("code", "b")], .answerIncomplete("code")),
      ([state, ("code", "a"), ("iss", "https://b")], .otherAnswerer(found: "https://b")),
      (
        [state, ("error", "access_denied"), ("error_description", "no\u{1B}!")],
        .denied(error: "access_denied", description: "no !")
      ),
    ] {
      await #expect(throws: error) { try await client.identity(answer: answer, pending: pending) }
    }
    provider.wait(seconds: 600)
    await #expect(throws: OpenIDError.signInExpired) {
      try await client.identity(answer: [state, ("code", "a")], pending: pending)
    }
    #expect(!provider.requests.contains { $0.path == "/token" })
  }

  @Test(arguments: [
    "http://idp.example", "ftp://idp.example", "https://", "https://a@idp.example", "https://i#f",
    "https://idp.example?a=b", "https://idp.example/ a", "https://idp.example\\@evil.example", "",
    "http://127.0.0.1.evil.example", "http://localhost@evil.example",
  ])
  func `an issuer must be a plain URL with TLS`(issuer: String) throws {
    let provider = try HostileProvider()
    #expect(throws: OpenIDError.self) { _ = try provider.provider { $0.issuer = issuer } }
  }
}
