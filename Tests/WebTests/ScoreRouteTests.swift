import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Web

/// Scores and what changed between them.
struct ScoreRouteTests {
  @Test func `scores stand in the order of their instants, with milliseconds and without`()
    async throws
  {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      for account in ["one", "two", "three"] {
        var request = HTTPRequest(
          "POST",
          server.url + "/api/v1/scans?account=\(account)",
          headers: administrator.headers
        )
        request.headers.append(("Content-Type", "application/x-ndjson"))
        let line = TestContent.bucket("b", account: account, isEncrypted: true, name: "b")
        request.body = Array((line + "\n").utf8)
        #expect(try await server.send(request).status == 201)
      }
      let listed = try await server.send(
        "GET",
        "/api/v1/score/history?sort=scanned_at",
        as: administrator
      )
      let texts = listed.json["items"]?.array?.compactMap { $0["scanned_at"]?.string } ?? []
      let instants = texts.compactMap { Instant($0) }
      #expect(Set(texts.map(\.count)).count == 2, "\(texts)")
      #expect(instants == instants.sorted(), "\(texts)")
    }
  }

  @Test func `who sees a scope sees what changed in it between scans that its scores tell of`()
    async throws
  {
    try await TestServer.with { server in
      let world = try await World(server)
      let side = try #require(world.sides["own"])
      let other = try #require(world.sides["other"])
      let scans = (side.scans + other.scans).sorted()
      let path = "/api/v1/scans/\(scans.last ?? 0)/differences?since=\(scans.first ?? 0)"
      let all = try await server.send("GET", path, as: world.administrator)
      let part = try await server.session(
        of: server.person("vic", .viewer, on: [.scope("own-scope")])
      )
      let seen = try await server.send("GET", path, as: part)
      #expect(all.text.contains(side.account) && all.text.contains(other.account))
      #expect(seen.status == 200)
      #expect(seen.text.contains(side.account) && !seen.text.contains(other.account))
    }
  }
}
