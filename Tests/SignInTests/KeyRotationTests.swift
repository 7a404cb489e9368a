import JSON
import Model
import Synchronization
import TestSupport
import Testing

@testable import SignIn

/// Which keys of a provider are used, and when they are read again.
struct KeyRotationTests {
  private func reads(_ provider: HostileProvider, _ path: String = "/keys") -> Int {
    provider.requests.count { $0.path == path }
  }

  @Test func `a rotated key works after the keys were read again`() async throws {
    let provider = try HostileProvider()
    let client = try provider.provider()
    #expect(try await provider.signIn(client).subject == "alice")
    let key = try TestKey.ec("two")
    try provider.change {
      $0.key = key
      $0.head = ["alg": "ES256", "kid": "two"]
      $0.published = [try key.published()]
    }
    #expect(try await provider.signIn(client).subject == "alice")
    #expect(reads(provider) == 2 && reads(provider, "/.well-known/openid-configuration") == 1)
  }

  @Test func `a key without an id may be rotated too`() async throws {
    let provider = try HostileProvider { $0.head["kid"] = nil }
    let client = try provider.provider()
    _ = try await provider.signIn(client)
    try provider.change {
      $0.key = try .rsa("two")
      $0.published = [try $0.key.published()]
    }
    #expect(try await provider.signIn(client).subject == "alice")
    try provider.change { $0.key = try .rsa("three") }
    await #expect(throws: OpenIDError.signatureWrong) { try await provider.signIn(client) }
  }

  @Test func `unknown keys make the keys be read once a minute at most`() async throws {
    let provider = try HostileProvider { $0.head["kid"] = "unknown" }
    let client = try provider.provider()
    for _ in 1...4 {
      await #expect(throws: OpenIDError.keyUnknown("unknown")) { try await provider.signIn(client) }
    }
    #expect(reads(provider) == 2)
    provider.wait(seconds: 61)
    for _ in 1...4 {
      await #expect(throws: OpenIDError.keyUnknown("unknown")) { try await provider.signIn(client) }
    }
    #expect(reads(provider) == 3)
  }

  @Test func `keys and metadata are kept for their age, and read once for many`() async throws {
    let provider = try HostileProvider()
    let client = try provider.provider { $0.maximumAge = 100 }
    try await withThrowingTaskGroup { group in
      for _ in 1...20 {
        group.addTask {
          _ = try await client.authorization(redirect: HostileProvider.redirect)
        }
      }
      try await group.waitForAll()
    }
    #expect(reads(provider, "/.well-known/openid-configuration") == 1)
    _ = try await provider.signIn(client)
    provider.wait(seconds: 99)
    _ = try await provider.signIn(client)
    #expect(reads(provider) == 1)
    provider.wait(seconds: 1)
    _ = try await provider.signIn(client)
    #expect(reads(provider) == 2 && reads(provider, "/.well-known/openid-configuration") == 2)
  }

  @Test func `who comes late gets what somebody else has just read`() async throws {
    let reads = Mutex(0)
    let kept = Kept(maximumAge: 1000, clock: { HostileProvider.now }) {
      reads.withLock { $0 += 1 }
    }
    let first = try await kept.current().version
    let second = try await kept.current(after: first)?.version
    #expect(try await kept.current(after: first)?.version == second && second != first)
    #expect(try await kept.current(after: second ?? 0) == nil)
    #expect(reads.withLock { $0 } == 2)
  }

  @Test(arguments: ["RS256", "PS256"])
  func `a key may be among others, of kinds that are unknown`(algorithm: String) async throws {
    let provider = try HostileProvider {
      $0.head["alg"] = .string(algorithm)
      let unknown: [JSONValue] = [
        7, ["kty": "OKP", "crv": "Ed25519", "kid": "one"], ["kty": "oct"],
      ]
      $0.published = unknown + $0.published
    }
    #expect(try await provider.signIn().subject == "alice")
  }
}
