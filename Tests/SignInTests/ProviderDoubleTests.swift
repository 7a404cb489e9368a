import Model
import Testing

@testable import SignIn

/// The whole flow with a provider that others wrote.
struct ProviderDoubleTests {
  @Test func `a person signs in, and a code is good once`() async throws {
    try await ProviderDouble.with { double in
      let provider = try double.provider()
      let (url, pending) = try await provider.authorization(redirect: ProviderDouble.redirect)
      let answer = try await double.visit(url, "sub=alice")
      let identity = try await provider.identity(answer: answer, pending: pending)
      #expect(
        identity
          == Identity(
            issuer: double.url,
            subject: "alice",
            name: "Alice Ä",
            email: "alice@example.com",
            groups: ["ops", "audit"]
          )
      )
      let error = await #expect(throws: OpenIDError.self) {
        try await provider.identity(answer: answer, pending: pending)
      }
      guard case .codeRefused("invalid_grant", _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test func `a no of the provider, a wrong secret and another's answer are told apart`()
    async throws
  {
    try await ProviderDouble.with { double in
      let provider = try double.provider()
      let (url, pending) = try await provider.authorization(redirect: ProviderDouble.redirect)
      // The double leaves the state out of its no; RFC 6749, 4.1.2.1, demands it.
      let no = try await double.visit(url, "action=deny").filter { $0.name != "state" }
      await #expect(throws: OpenIDError.otherState) {
        try await provider.identity(answer: no, pending: pending)
      }
      let denied = await #expect(throws: OpenIDError.self) {
        try await provider.identity(answer: no + [("state", pending.state)], pending: pending)
      }
      guard case .denied("access_denied", _) = denied else {
        Issue.record("\(String(describing: denied))")
        return
      }
      let stranger = try double.provider(secret: Secret("no such secret"))
      let answer = try await double.visit(url, "sub=alice")
      let refused = await #expect(throws: OpenIDError.self) {
        try await stranger.identity(answer: answer, pending: pending)
      }
      guard case .codeRefused("invalid_client", _) = refused else {
        Issue.record("\(String(describing: refused))")
        return
      }
      let (_, other) = try await provider.authorization(redirect: ProviderDouble.redirect)
      await #expect(throws: OpenIDError.otherState) {
        try await provider.identity(answer: answer, pending: other)
      }
      // The same code, brought to a sign-in that did not ask for it.
      let stolen = answer.filter { $0.name != "state" } + [("state", other.state)]
      await #expect(throws: OpenIDError.otherNonce) {
        try await provider.identity(answer: stolen, pending: other)
      }
    }
  }

  @Test func `what the scopes do not cover stays unknown`() async throws {
    try await ProviderDouble.with { double in
      let provider = try double.provider(scopes: [])
      let (url, pending) = try await provider.authorization(redirect: ProviderDouble.redirect)
      let answer = try await double.visit(url, "sub=alice")
      let identity = try await provider.identity(answer: answer, pending: pending)
      #expect(identity.subject == "alice" && identity.email == nil && identity.name == nil)
      #expect(identity.groups == ["ops", "audit"])
    }
  }
}
