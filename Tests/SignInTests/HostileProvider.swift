import Foundation
import HTTP
import JSON
import Model
import Synchronization
import TestSupport
import Testing

@testable import SignIn

/// A provider that does what a test tells it, which is seldom what it should.
final class HostileProvider: Sendable {
  static let redirect = "https://plumb.example/callback"
  static let secret = Secret("s e c:r%t")
  static let now = Instant(milliseconds: 1_800_000_000_000)

  /// What the provider does.
  struct Conduct: Sendable {
    /// Claims other than those of a good token; null leaves a claim out.
    var claims: JSONObject = [:]
    var head: JSONObject = ["alg": "RS256", "kid": "one"]
    var key: TestKey
    var published: [JSONValue]
    /// Makes the token of good claims otherwise than by signing them.
    var token: (@Sendable (JSONValue) throws -> String)?
    var userInfo: JSONValue = ["sub": "alice"]
    var metadata: JSONObject = [:]
    /// Answers instead of those that a path has otherwise.
    var answers: [String: ReplayServer.Answer] = [:]
  }

  private struct State: Sendable {
    var conduct: Conduct
    var now = HostileProvider.now
    var nonce = ""
    var challenge = ""
    var isVerified = false
  }

  private let state: Mutex<State>
  private let slot = Mutex<ReplayServer?>(nil)

  /// One key for all tests; making one takes a while.
  static let key = Result { try TestKey.rsa("one") }

  init(_ change: (inout Conduct) throws -> Void = { _ in }) throws {
    let key = try Self.key.get()
    var conduct = Conduct(key: key, published: [try key.published()])
    try change(&conduct)
    state = Mutex(State(conduct: conduct))
    let server = try ReplayServer { [weak self] request in self?.answer(request) ?? .init(503) }
    slot.withLock { $0 = server }
  }

  deinit { slot.withLock { $0?.stop() } }

  var url: String { slot.withLock { $0?.url ?? "" } }
  var requests: [ReplayServer.Request] { slot.withLock { $0?.requests ?? [] } }
  /// Whether the verifier that came with the code was the challenge's.
  var isVerified: Bool { state.withLock { $0.isVerified } }

  func change(_ change: (inout Conduct) throws -> Void) rethrows {
    try state.withLock { try change(&$0.conduct) }
  }

  func wait(seconds: Int64) {
    state.withLock { $0.now = $0.now.advanced(milliseconds: seconds * 1000) }
  }

  /// Sign-in through this provider.
  func provider(
    limit: Int = OpenIDProvider.answerLimit,
    _ change: (inout OpenIDSettings) -> Void = { _ in }
  ) throws -> OpenIDProvider {
    var settings = OpenIDSettings(
      issuer: url,
      clientID: "plumb",
      clientSecret: Self.secret,
      redirects: [Self.redirect]
    )
    change(&settings)
    let client = try CurlClient(limit: limit)
    return try OpenIDProvider(settings, client: client) { [self] in state.withLock { $0.now } }
  }

  /// A whole sign-in; the provider's page says yes at once.
  func signIn(_ provider: OpenIDProvider? = nil) async throws -> Identity {
    let provider = try provider ?? self.provider()
    let (url, pending) = try await provider.authorization(redirect: Self.redirect)
    let items = URLComponents(string: url)?.queryItems ?? []
    state.withLock { state in
      for item in items where item.name == "nonce" { state.nonce = item.value ?? "" }
      for item in items where item.name == "code_challenge" { state.challenge = item.value ?? "" }
    }
    return try await provider.identity(
      answer: [("code", "the-code"), ("state", pending.state)],
      pending: pending
    )
  }

  private func answer(_ request: ReplayServer.Request) -> ReplayServer.Answer {
    let state = state.withLock { $0 }
    if let answer = state.conduct.answers[request.path] { return answer }
    switch request.path {
    case "/.well-known/openid-configuration":
      var document: JSONObject = [
        "issuer": .string(url), "authorization_endpoint": .string(url + "/authorize?tenant=1"),
        "token_endpoint": .string(url + "/token"), "jwks_uri": .string(url + "/keys"),
        "userinfo_endpoint": .string(url + "/me"), "response_types_supported": ["code"],
      ]
      for (name, value) in state.conduct.metadata.members { document[name] = value }
      return .init(json: .object(document))
    case "/keys": return .init(json: ["keys": .array(state.conduct.published)])
    case "/me": return .init(json: state.conduct.userInfo)
    case "/token": return tokens(request, state)
    default: return .init(404)
    }
  }

  private func tokens(_ request: ReplayServer.Request, _ state: State) -> ReplayServer.Answer {
    let verifier = Self.form(request)["code_verifier"] ?? ""
    let isVerified = Encoding.base64url(Encoding.sha256(Array(verifier.utf8))) == state.challenge
    self.state.withLock { $0.isVerified = isVerified }
    let now = state.now.milliseconds / 1000
    var claims: JSONObject = [
      "iss": .string(url), "sub": "alice", "aud": "plumb", "exp": .integer(now + 300),
      "iat": .integer(now), "nonce": .string(state.nonce), "name": "Alice",
      // The left half of SHA-256 of `the-access-token`, computed with openssl.
      "at_hash": "uby9Z8Gb_H_x4fPjwNzguw",
    ]
    for (name, value) in state.conduct.claims.members {
      claims[name] = value.isNull ? nil : value
    }
    do {
      let make = state.conduct.token ?? { try state.conduct.key.sign($0, state.conduct.head) }
      return .init(json: [
        "id_token": .string(try make(.object(claims))), "access_token": "the-access-token",
        "token_type": "bearer",
      ])
    } catch {
      Issue.record(error)
      return .init(500)
    }
  }

  /// The form that a request brought.
  static func form(_ request: ReplayServer.Request) -> [String: String] {
    var form: [String: String] = [:]
    for pair in String(decoding: request.body, as: UTF8.self).split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      form[parts[0]] = parts.count > 1 ? parts[1].removingPercentEncoding : ""
    }
    return form
  }
}
