import HTTP
import JSON
import Model
import Store
import TestSupport
import Testing

@testable import Web

/// What a resource refers to, who can reach it, and what guardrails would have made of it.
struct ResourceRouteTests {
  private static func line(
    _ kind: String,
    _ id: String,
    _ configuration: JSONValue,
    provider: String = "test",
    account: String = "111111111111"
  ) throws -> String {
    Resource(
      provider: provider,
      account: account,
      kind: try #require(ResourceKind(kind)),
      id: id,
      configuration: configuration
    ).inventoryLine.text
  }

  private static func upload(_ lines: [String], to server: TestServer, as caller: Caller)
    async throws
  {
    server.clock.wait(seconds: 1)
    var request = HTTPRequest(
      "POST",
      server.url + "/api/v1/scans?account=111111111111&subject=test",
      headers: caller.headers
    )
    request.headers.append(("Content-Type", "application/x-ndjson"))
    request.body = Array((lines.joined(separator: "\n") + "\n").utf8)
    let answer = try await server.send(request)
    #expect(answer.status == 201, "\(answer.text)")
  }

  private static func number(_ id: String, _ server: TestServer, _ caller: Caller) async throws
    -> Int
  {
    let found = try await server.send(
      "GET",
      "/api/v1/resources?q=\(Address.encoded(id))",
      as: caller
    )
    return try #require(
      found.json["items"]?.array?.first { $0["id"]?.string == id }?["number"]?.whole
    )
  }

  private static func named(_ list: JSONValue?) -> [String: [String]] {
    Dictionary(
      uniqueKeysWithValues: (list?.array ?? []).map {
        ($0["id"]?.string ?? "", ($0["paths"]?.array ?? []).compactMap(\.string))
      }
    )
  }

  @Test func `relations go by whole ids, both ways, and show what is in sight`() async throws {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      let key = "arn:test:keys:111111111111:key/key-12"
      try await Self.upload(
        [
          Self.line("store/key", key, ["enabled": true]),
          Self.line("store/key", "key-123", [:]),
          Self.line("net/group", "group-7", [:]),
          Self.line(
            "store/bucket",
            "bucket-a",
            [
              "encrypted": true, "key": .string(key), "log": ["to": "bucket-b"],
              "policy": ["Resource": ["arn:test:::bucket-b/*"]], "groups": [["id": "group-7"]],
              "note": "group-70 is none of it",
            ]
          ),
          Self.line("store/bucket", "bucket-b", ["encrypted": true, "self": "bucket-b"]),
        ],
        to: server,
        as: administrator
      )
      let bucket = try await Self.number("bucket-a", server, administrator)
      let path = "/api/v1/resources/\(bucket)/relations"
      let found = try await server.send("GET", path, as: administrator)
      #expect(found.json["complete"] == true)
      #expect(
        Self.named(found.json["refers_to"]) == [
          key: ["key"], "bucket-b": ["log.to", "policy.Resource[0]"], "group-7": ["groups[0].id"],
        ]
      )
      #expect(found.json["referred_by"] == [])
      let target = try await Self.number("bucket-b", server, administrator)
      let back = try await server.send(
        "GET",
        "/api/v1/resources/\(target)/relations",
        as: administrator
      )
      #expect(
        Self.named(back.json["referred_by"]) == ["bucket-a": ["log.to", "policy.Resource[0]"]]
      )
      #expect(back.json["searched"] == 5)
      // Who sees buckets only is told of no key.
      try await server.change { transaction in
        let buckets = try Scope.Selector("kind=store/bucket")
        try transaction.put(Scope(name: "buckets", parent: "", includes: [buckets], excludes: []))
      }
      let partly = try await server.key(
        of: server.person("pat", .viewer, on: [.scope("buckets")]),
        .viewer
      )
      let seen = try await server.send("GET", path, as: partly)
      #expect(seen.status == 200, "\(seen.text)")
      #expect(Set(Self.named(seen.json["refers_to"]).keys) == ["bucket-b"])
    }
  }

  @Test func `who can reach an instance is told by the policies that were read`() async throws {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      let account = "111111111111"
      let instance = "arn:aws:ec2:eu-west-1:\(account):instance/i-1"
      let document: JSONValue = [
        "Version": "2012-10-17",
        "Statement": [["Effect": "Allow", "Action": "ssm:*", "Resource": "*", "Sid": "Into"]],
      ]
      let user: JSONValue = [
        "UserName": "ann", "Arn": .string("arn:aws:iam::\(account):user/ann"), "Path": "/",
        "UserPolicyList": [["PolicyName": "ops", "PolicyDocument": document]],
        "AttachedManagedPolicies": [], "GroupList": [],
      ]
      try await Self.upload(
        [
          Self.line("ec2/instance", instance, ["InstanceId": "i-1"], provider: "aws"),
          Self.line("iam/user", "arn:aws:iam::\(account):user/ann", user, provider: "aws"),
          Self.line("store/bucket", "bucket-a", ["encrypted": true]),
        ],
        to: server,
        as: administrator
      )
      let number = try await Self.number(instance, server, administrator)
      let answer = try await server.send(
        "GET",
        "/api/v1/resources/\(number)/access",
        as: administrator
      )
      #expect(answer.json["known"] == true)
      let holders = answer.json["holders"]?.array ?? []
      #expect(
        holders.contains { $0["holder"]?["name"] == "ann" && $0["level"] == "access" },
        "\(answer.text)"
      )
      // Nothing says that all roles were read.
      #expect(holders.contains { $0["certainty"] == "unknown" })
      let bucket = try await Self.number("bucket-a", server, administrator)
      let none = try await server.send(
        "GET",
        "/api/v1/resources/\(bucket)/access",
        as: administrator
      )
      #expect(none.json["known"] == false)
      #expect(none.json["holders"] == [])
    }
  }

  @Test func `a result tells which guardrails would have stopped it`() async throws {
    try await TestServer.with { server in
      let world = try await World(server)
      let side = try #require(world.sides["own"])
      let path = "/api/v1/resources/\(side.resource)/results/\(side.goal)/guardrails"
      func outcome() async throws -> JSONValue {
        try await server.send("GET", path, as: world.administrator).json
      }
      let none = try await outcome()
      #expect(none["decision"] == "allowed")
      #expect(none["guardrails"] == [])
      _ = try await server.change { transaction in
        // Elsewhere, about another rule, and here on two steps.
        _ = try transaction.lay(
          Guardrail(.rule("test.bucket.encrypted"), scope: "other-scope", enforcement: .disallow)
        )
        _ = try transaction.lay(Guardrail(.rule("test.bucket.kept"), enforcement: .disallow))
        _ = try transaction.lay(Guardrail(.rule("test.bucket.encrypted"), enforcement: .auditLog))
        return try transaction.lay(
          Guardrail(.profile("house"), scope: "own-scope", enforcement: .warn)
        )
      }
      let found = try await outcome()
      let rule = try await server.send(
        "GET",
        "/api/v1/resources/\(side.resource)/results/\(side.goal)",
        as: world.administrator
      ).json["rule"]
      #expect(rule == "test.bucket.encrypted")
      #expect(found["decision"] == "warned")
      #expect(found["guardrails"]?.array?.map { $0["effect"] } == ["allowed", "warned"])
      #expect(found["guardrails"]?.array?.map { $0["verdict"] } == ["fail", "fail"])
      // Asking is no request: nothing is logged.
      let log = try await server.send("GET", "/api/v1/decisions", as: world.administrator)
      #expect(log.json["items"] == [])
    }
  }
}
