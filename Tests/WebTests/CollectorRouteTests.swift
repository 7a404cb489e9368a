import Foundation
import HTTP
import JSON
import Model
import Store
import TestSupport
import Testing
import Vault

@testable import Web

/// What collectors send: signatures, polls, uploads.
struct CollectorRouteTests {
  /// A collector that a test plays.
  private struct Player {
    let server: TestServer
    let key: SigningKey
    var id: Int64 = 0

    init(_ server: TestServer) throws {
      self.server = server
      key = try #require(SigningKey(seed: AESGCM.random(SigningKey.seedCount)))
    }

    /// A request, signed; `change` tampers with it afterwards.
    func send(
      _ method: String,
      _ path: String,
      query: String = "",
      _ body: [UInt8],
      type: String? = "application/json",
      time: Instant? = nil,
      change: (inout HTTPRequest) -> Void = { _ in }
    ) async throws -> Answer {
      let signed = SignedRequest(
        method: method,
        path: "/api/v1" + path,
        query: query,
        body: body,
        collector: id == 0 ? "" : "\(id)",
        time: "\(time ?? server.clock.now)"
      )
      var request = HTTPRequest(
        method,
        server.url + signed.path + (query.isEmpty ? "" : "?\(query)"),
        headers: [
          (SignedRequest.collectorHeader, signed.collector),
          (SignedRequest.timeHeader, signed.time),
          (
            SignedRequest.signatureHeader,
            Data(key.signature(of: signed.text)).base64EncodedString()
          ),
        ],
        body: body
      )
      if let type { request.headers.append(("Content-Type", type)) }
      change(&request)
      return try await server.send(request)
    }

    func send(_ method: String, _ path: String, _ body: JSONValue) async throws -> Answer {
      try await send(method, path, Array(body.text.utf8))
    }

    func poll(_ poll: String, _ ticket: String, running: [Int64] = []) async throws -> Answer {
      try await send("POST", "/collectors/\(id)/polls", Self.poll(poll, ticket, running))
    }

    static func poll(_ poll: String, _ ticket: String, _ running: [Int64] = []) -> JSONValue {
      [
        "poll": .string("the poll with the id \(poll)"), "ticket": .string(ticket),
        "version": "1", "backlog": .integer(Int64(running.count)),
        "credentials": [["name": "audit", "provider": "aws", "account": "123456789012"]],
        "running": .array(running.map { ["job": .integer($0)] }),
      ]
    }

    func upload(_ job: Int64, _ bytes: ArraySlice<UInt8>, at offset: Int) async throws -> Answer {
      try await send(
        "PUT",
        "/collectors/\(id)/uploads/\(job)",
        query: "offset=\(offset)",
        Array(bytes),
        type: "application/octet-stream"
      )
    }
  }

  /// A collector that registered with a code of an administrator.
  private static func registered(_ server: TestServer, _ admin: Caller) async throws -> Player {
    var player = try Player(server)
    let code = try await server.send(
      "POST",
      "/api/v1/collector-codes",
      as: admin,
      ["name": "plant"]
    )
    #expect(code.status == 201, "\(code.text)")
    let made = try await player.send(
      "POST",
      "/collectors",
      [
        "code": code.json["code"] ?? "", "public_key": .string(player.key.publicKey.text),
        "host": "h", "version": "1",
      ]
    )
    #expect(made.status == 201, "\(made.text)")
    if case .integer(let id)? = made.json["id"] { player.id = id }
    return player
  }

  /// One that may work, and has polled once.
  private static func approved(_ server: TestServer, _ admin: Caller) async throws -> Player {
    let player = try await registered(server, admin)
    let approval = try await server.send(
      "POST",
      "/api/v1/collectors/\(player.id)/approval",
      as: admin
    )
    #expect(approval.json["state"] == "approved", "\(approval.text)")
    return player
  }

  @Test func `a signature counts once made, for what it was made of, and for five minutes`()
    async throws
  {
    try await TestServer.with { server in
      let player = try await Self.registered(server, try await server.caller(.administrator))
      let path = "/collectors/\(player.id)/polls"
      let body = Array(Player.poll("one", "").text.utf8)
      let early = server.clock.now
      let tampered: [(inout HTTPRequest) -> Void] = [
        { $0.body = Array(Player.poll("two", "").text.utf8) },
        { $0[header: SignedRequest.timeHeader] = "2026-06-01T00:00:01Z" },
        { $0[header: SignedRequest.signatureHeader] = "AAAA" },
        { $0[header: SignedRequest.signatureHeader] = nil },
        { $0[header: SignedRequest.collectorHeader] = "77" },
      ]
      for change in tampered {
        #expect(try await player.send("POST", path, body, change: change).status == 401)
      }
      let good = try await player.send("POST", path, body)
      #expect(good.status == 200, "\(good.text)")
      #expect(good.json["state"] == "requested")
      // The same bytes again, by whomever: the same answer, and nothing happens.
      #expect(try await player.send("POST", path, body).json == good.json)
      server.clock.wait(seconds: 301)
      #expect(try await player.send("POST", path, body, time: early).status == 401)
      var stranger = try Player(server)
      stranger.id = player.id
      #expect(try await stranger.send("POST", path, body).status == 401)
    }
  }

  @Test func `a copy is noticed, and neither works`() async throws {
    try await TestServer.with { server in
      let admin = try await server.caller(.administrator)
      let player = try await Self.approved(server, admin)
      let first = try await player.poll("one", "")
      let ticket = try #require(first.json["ticket"]?.string)
      _ = try await player.poll("two", ticket)
      #expect(try await player.poll("copy", ticket).json["state"] == "stopped")
      #expect(try await player.poll("three", ticket).json["state"] == "stopped")
      let upload = try await player.upload(1, [1], at: 0)
      #expect(upload.status == 403)
      #expect(upload.kind == "not-approved")
      let shown = try await server.send("GET", "/api/v1/collectors/\(player.id)", as: admin)
      #expect(shown.json["reason"]?.string?.contains("copied") == true)
    }
  }

  @Test func `one that was revoked is told so`() async throws {
    try await TestServer.with { server in
      let admin = try await server.caller(.administrator)
      let player = try await Self.approved(server, admin)
      let path = "/api/v1/collectors/\(player.id)/revocation"
      #expect(try await server.send("POST", path, as: admin, ["reason": "stolen"]).status == 200)
      let answer = try await player.poll("one", "")
      #expect(answer.status == 403)
      #expect(answer.kind == "revoked")
    }
  }

  @Test func `an inventory comes in pieces, goes on where it was, and is judged once`() async throws
  {
    try await TestServer.with { server in
      let admin = try await server.caller(.administrator)
      let player = try await Self.approved(server, admin)
      let first = try await player.poll("one", "")
      let asked = try await server.send(
        "POST",
        "/api/v1/collectors/\(player.id)/jobs",
        as: admin,
        ["credential": "audit"]
      )
      guard case .integer(let job)? = asked.json["job"] else {
        Issue.record("no job: \(asked.text)")
        return
      }
      let told = try await player.poll("two", first.json["ticket"]?.string ?? "")
      #expect(told.json["commands"]?.array?.first?["job"] == .integer(job), "\(told.text)")

      let bytes = Array(Self.inventory.utf8)
      #expect(try await player.upload(job, bytes[..<40], at: 0).json["offset"] == 40)
      // Sent again, or out of turn: refused, and nothing is written.
      #expect(try await player.upload(job, bytes[..<40], at: 41).status == 409)
      #expect(try await player.upload(job, bytes[20..<60], at: 20).kind == "offset")
      let place = try await player.send(
        "GET",
        "/collectors/\(player.id)/uploads/\(job)",
        [],
        type: nil
      )
      #expect(place.json["offset"] == 40)
      let complete: JSONValue = [
        "sha256": .string(Digest.sha256(bytes)), "length": .integer(Int64(bytes.count)),
        "account": "123456789012", "subject": "the plant",
      ]
      let path = "/collectors/\(player.id)/uploads/\(job)/completion"
      #expect(try await player.send("POST", path, complete).status == 409)
      #expect(
        try await player.upload(job, bytes[40...], at: 40).json["offset"]
          == .integer(Int64(bytes.count))
      )
      var answer = try await player.send("POST", path, complete)
      while answer.json["state"] == "judging" {
        answer = try await player.send("POST", path, complete)
      }
      #expect(answer.json["state"] == "done", "\(answer.text)")
      #expect(try await player.send("POST", path, complete).json == answer.json)
      let scans = try await server.send("GET", "/api/v1/scans", as: admin)
      #expect(scans.json["items"]?.array?.count == 1)
      #expect(scans.json["items"]?.array?.first?["id"] == answer.json["scan"])
      #expect(scans.json["items"]?.array?.first?["status"] == "finished")
    }
  }

  @Test func `another account than the job's is refused, and damaged bytes come anew`() async throws
  {
    try await TestServer.with { server in
      let admin = try await server.caller(.administrator)
      let player = try await Self.approved(server, admin)
      let first = try await player.poll("one", "")
      let id = player.id
      let job = try await server.change { try $0.enqueue(collector: id, credential: "audit").job }
      _ = try await player.poll("two", first.json["ticket"]?.string ?? "")
      let bytes = Array(Self.inventory.utf8)
      _ = try await player.upload(job, bytes[...], at: 0)
      let path = "/collectors/\(player.id)/uploads/\(job)/completion"
      let foreign: JSONValue = [
        "sha256": .string(Digest.sha256(bytes)), "length": .integer(Int64(bytes.count)),
        "account": "999999999999", "subject": "the plant",
      ]
      #expect(try await player.send("POST", path, foreign).status == 422)
      let damaged: JSONValue = [
        "sha256": .string(Digest.sha256([1])), "length": .integer(Int64(bytes.count)),
        "account": "123456789012", "subject": "the plant",
      ]
      #expect(try await player.send("POST", path, damaged).kind == "offset")
      let place = try await player.send("GET", "/collectors/\(id)/uploads/\(job)", [], type: nil)
      #expect(place.json["offset"] == 0)
    }
  }

  /// An account with one bucket.
  private static let inventory =
    TestContent.bucket("b1", account: "123456789012", isEncrypted: true, name: "ledger") + "\n"
}
