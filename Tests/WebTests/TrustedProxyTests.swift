import Foundation
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Web

/// Whose address counts where something stands before the server.
struct TrustedProxyTests {
  private static func networks(_ texts: String...) -> [IPNetwork] {
    texts.compactMap { IPNetwork($0) }
  }

  @Test(arguments: [
    // Nobody who is not trusted is believed.
    ("192.0.2.9", ["10.0.0.1"], "192.0.2.9"),
    ("192.0.2.9", ["1.2.3.4, 10.0.0.1"], "192.0.2.9"),
    // What a client makes up stands left of what the proxy saw.
    ("10.0.0.1", ["1.2.3.4, 192.0.2.9"], "192.0.2.9"),
    ("10.0.0.1", ["10.0.0.7, 192.0.2.9"], "192.0.2.9"),
    ("10.0.0.1", ["1.2.3.4", "192.0.2.9"], "192.0.2.9"),
    // Proxies behind each other.
    ("10.0.0.1", ["1.2.3.4, 192.0.2.9, 10.0.0.2"], "192.0.2.9"),
    ("fd00::1", ["2001:db8::5,10.0.0.2"], "2001:db8::5"),
    // What is no address is not believed, nor what stands left of it.
    ("10.0.0.1", ["192.0.2.9, unknown"], "10.0.0.1"),
    ("10.0.0.1", ["192.0.2.9, 10.0.0.0/8, 10.0.0.2"], "10.0.0.2"),
    ("10.0.0.1", [""], "10.0.0.1"), ("10.0.0.1", [], "10.0.0.1"),
    // Ports, brackets, and IPv4 in IPv6.
    ("::ffff:10.0.0.1", ["192.0.2.9:4711"], "192.0.2.9"),
    ("10.0.0.1", ["[2001:db8::5]:443"], "2001:db8::5"),
  ])
  func `the client is the right-most who is no proxy`(
    peer: String,
    forwarded: [String],
    client: String
  ) {
    let proxies = TrustedProxies(Self.networks("10.0.0.0/8", "fd00::1"))
    #expect(proxies.client(of: peer, forwarded: forwarded) == client)
  }

  @Test func `without a trusted proxy the header says nothing`() {
    #expect(TrustedProxies().client(of: "10.0.0.1", forwarded: ["1.2.3.4"]) == "10.0.0.1")
  }

  /// Tries a wrong key from an address, as its proxy tells.
  private func guess(_ server: TestServer, _ forwarded: String) async throws -> Int {
    try await server.send(
      "GET",
      "/api/v1/content",
      as: .key("plumb_no.key"),
      headers: [("X-Forwarded-For", forwarded)]
    ).status
  }

  @Test func `who guesses behind a proxy waits alone, whatever it claims to be`() async throws {
    try await TestServer.with(proxies: Self.networks("127.0.0.1")) { server in
      for number in 1...6 {
        let status = try await guess(server, "198.51.100.\(number), 192.0.2.9")
        #expect(status == 401)
      }
      let (late, other) = (
        try await guess(server, "198.51.100.7, 192.0.2.9"), try await guess(server, "192.0.2.10")
      )
      #expect(late == 429 && other == 401)
    }
  }

  @Test func `a header from anywhere else opens no way around the wait`() async throws {
    try await TestServer.with { server in
      for number in 1...6 {
        let status = try await guess(server, "192.0.2.\(number)")
        #expect(status == 401)
      }
      let late = try await guess(server, "192.0.2.7")
      #expect(late == 429)
    }
  }
}
