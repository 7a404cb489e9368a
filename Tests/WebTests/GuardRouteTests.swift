import JSON
import Model
import Testing

@testable import Web

/// Rules, guardrails and decisions over HTTP.
struct GuardRouteTests {
  private static let document: JSONValue = [
    "id": "own.public", "title": "Bucket is private", "severity": "critical",
    "target": ["service_name": "store", "resource_kind": "bucket"],
    "required_config": ["property": "public", "operator": "is_false"],
    "remediation": ["text": "Set public to false"],
  ]

  private static func bucket(_ isPublic: Bool, account: String = "prod") -> JSONValue {
    [
      "account": .string(account), "service_name": "store", "resource_kind": "bucket",
      "id": "b-1", "configuration": ["public": .bool(isPublic)],
    ]
  }

  @Test func `a rule goes from its cases to a refusal that a developer understands`() async throws {
    try await TestServer.with { server in
      let editor = try await server.caller(.editor)
      let developer = try await server.caller(.viewer)
      func send(
        _ method: String,
        _ path: String,
        _ body: JSONValue? = nil,
        as caller: Caller? = nil
      )
        async throws -> Answer
      {
        server.clock.wait(seconds: 1)
        return try await server.send(
          method,
          "/api/v1" + path,
          as: caller ?? editor,
          body,
          headers: ["PUT", "PATCH", "DELETE"].contains(method) ? [("If-Match", "*")] : []
        )
      }
      let cases: JSONValue = [
        ["name": "private", "verdict": "pass", "configuration": ["public": false]],
        ["name": "public", "verdict": "fail", "configuration": ["public": true]],
      ]
      let wrong: JSONValue = [
        ["name": "public", "verdict": "pass", "configuration": ["public": true]]
      ]
      let tested = try await send(
        "POST",
        "/rule-tests",
        ["document": Self.document, "cases": wrong]
      )
      #expect(tested.json["as_expected"] == false)
      let refused = try await send("POST", "/rules", ["document": Self.document, "cases": wrong])
      #expect(refused.status == 409)
      #expect(refused.text.contains("public"))
      let made = try await send(
        "POST",
        "/rules",
        ["document": Self.document, "cases": cases, "labels": ["pci"]]
      )
      #expect(made.status == 201, "\(made.text)")
      #expect(made.json["labels"] == ["pci"])
      let listed = try await send("GET", "/rules?origin=own&label=pci")
      #expect(listed.json["items"]?.array?.map { $0["id"] } == ["own.public"])
      // Attached, it is told only; then it warns; then it refuses.
      let laid = try await send("POST", "/guardrails", ["rule": "own.public"])
      #expect(laid.status == 201, "\(laid.text)")
      let path = "/guardrails/\(laid.json["id"]?.whole ?? 0)"
      func decision() async throws -> Answer {
        try await send("POST", "/decisions", ["resource": Self.bucket(true)], as: developer)
      }
      #expect(try await decision().json["decision"] == "allowed")
      let early = try await send("PATCH", path, ["enforcement": "disallow"])
      #expect(early.status == 409)
      #expect(early.text.contains("warn first"))
      _ = try await send("PATCH", path, ["enforcement": "warn"])
      #expect(try await decision().json["decision"] == "warned")
      let strict = try await send("PATCH", path, ["enforcement": "disallow"])
      #expect(strict.status == 200, "\(strict.text)")
      let answer = try await decision()
      let ruling = try #require(answer.json["rulings"]?.array?.first)
      #expect(answer.json["decision"] == "refused")
      #expect(ruling["path"] == "public")
      #expect(ruling["observed"] == true)
      #expect(ruling["fix"]?["text"] == "Set public to false")
      let enforced = try await send("GET", "/enforcement")
      #expect(enforced.status == 200)
      // The developer may ask and see why, and change nothing.
      for (method, path) in [("PUT", "/rules/own.public"), ("DELETE", "/rules/own.public")] {
        let body: JSONValue? = method == "PUT" ? ["document": Self.document] : nil
        #expect(try await send(method, path, body, as: developer).status == 403)
      }
      #expect(try await send("DELETE", path, as: developer).status == 403)
      let log = try await send("GET", "/decisions?decision=refused", as: developer)
      let entry = try #require(log.json["items"]?.array?.first)
      #expect(entry["actor"] == "viewer")
      #expect(entry["rule"] == "own.public")
      let shown = try await send("GET", "/decisions/\(entry["id"]?.whole ?? 0)", as: developer)
      #expect(shown.json["report"]?["request"]?["configuration"] == ["public": true])
      let counts = try await send("GET", "/decision-counts?decision=refused")
      #expect(counts.json["items"]?.array?.first?["count"] == 1)
      // The rule goes, and its enforcement with it.
      #expect(try await send("DELETE", "/rules/own.public").status == 204)
      #expect(try await send("GET", "/guardrails").json["items"] == [])
      #expect(try await decision().json["decision"] == "allowed")
    }
  }

  @Test func `what is present stands against a step up unless a reason is given`() async throws {
    try await TestServer.with { server in
      _ = try await World(server)
      let editor = try await server.caller(.editor, "second editor")
      func send(_ method: String, _ path: String, _ body: JSONValue) async throws -> Answer {
        server.clock.wait(seconds: 1)
        return try await server.send(
          method,
          "/api/v1" + path,
          as: editor,
          body,
          headers: method == "PATCH" ? [("If-Match", "*")] : []
        )
      }
      // Both buckets of the world keep for 7 days, and the rule asks for 30.
      var guardrail: JSONObject = ["rule": "test.bucket.kept", "enforcement": "warn"]
      let laid = try await send("POST", "/guardrails", .object(guardrail))
      let path = "/guardrails/\(laid.json["id"]?.whole ?? 0)"
      guardrail = ["enforcement": "disallow"]
      let refused = try await send("PATCH", path, .object(guardrail))
      #expect(refused.status == 409)
      #expect(refused.text.contains("2 present resources fail"))
      guardrail["reason"] = "new buckets only; the two are known"
      guardrail["excludes"] = ["account=sandbox"]
      #expect(try await send("PATCH", path, .object(guardrail)).status == 200)
      // What refuses already becomes stricter only for a reason of its own.
      let wider = try await send("PATCH", path, ["excludes": []])
      #expect(wider.status == 409)
      #expect(wider.text.contains("fewer exclusions"), "\(wider.text)")
      let other: JSONValue = ["parameters": ["test.bucket.kept": ["days": 90]]]
      let stricter = try await send("PATCH", path, other)
      #expect(stricter.status == 409 && stricter.text.contains("other parameters"))
      let why: JSONValue = ["excludes": [], "reason": "the sandbox is closed"]
      #expect(try await send("PATCH", path, why).status == 200)
      let question: JSONValue = ["guardrail": ["rule": "test.bucket.kept"]]
      let preview = try await send("POST", "/guardrail-previews", question)
      #expect(preview.json["failed"] == 2)
      #expect(preview.json["owners"] == [["owner": "", "count": 2]])
      // What it asks nothing of is not looked at.
      let apart: JSONValue = [
        "guardrail": ["rule": "test.bucket.kept", "excludes": ["account=other-account"]]
      ]
      let fewer = try await send("POST", "/guardrail-previews", apart)
      #expect(preview.json["judged"] == 2)
      #expect(fewer.json["judged"] == 1, "\(fewer.text)")
      let since: JSONValue = [
        "guardrail": ["rule": "test.bucket.encrypted"], "since": "2020-01-01T00:00:00Z",
      ]
      let replay = try await send("POST", "/guardrail-previews", since)
      // Each bucket was encrypted first and is not any more.
      #expect(replay.json["judged"] == 4)
      #expect(replay.json["failed"] == 2)
    }
  }

  @Test func `where no guardrail is in force, a decision says that it is none`() async throws {
    try await TestServer.with { server in
      let editor = try await server.caller(.editor)
      func decide() async throws -> JSONValue {
        server.clock.wait(seconds: 2)
        let body: JSONValue = ["resource": Self.bucket(true)]
        return try await server.send("POST", "/api/v1/decisions", as: editor, body).json
      }
      func opa(_ name: String) async throws -> JSONValue {
        let input: JSONValue = ["input": Self.bucket(true)]
        return try await server.send("POST", "/v1/data/plumbline" + name, as: editor, input).json
      }
      let none = try await decide()
      #expect(none["guardrails"] == 0 && none["guardrails_anywhere"] == 0)
      #expect(none["message"]?.string?.contains("plumb guardrails add") == true)
      #expect(try await opa("/allow") == [:])
      #expect(try await opa("")["result"]?["allow"] == nil)
      #expect(try await opa("/decision")["result"]?["guardrails_anywhere"] == 0)
      let elsewhere: JSONValue = [
        "rule": "test.bucket.encrypted", "excludes": ["account=prod"], "enforcement": "warn",
      ]
      let laid = try await server.send("POST", "/api/v1/guardrails", as: editor, elsewhere)
      #expect(laid.status == 201, "\(laid.text)")
      let outside = try await decide()
      #expect(outside["guardrails"] == 0 && outside["guardrails_anywhere"] == 1)
      #expect(outside["message"] == "b-1 is allowed; no guardrail asks anything of it")
      #expect(try await opa("/allow") == ["result": true])
    }
  }

  @Test func `an operation that is none is refused with those there are`() async throws {
    try await TestServer.with { server in
      let editor = try await server.caller(.editor)
      let body: JSONValue = ["resource": Self.bucket(true), "operation": "delete"]
      let answer = try await server.send("POST", "/api/v1/decisions", as: editor, body)
      #expect(answer.status == 400)
      #expect(answer.json["detail"] == "/operation must be one of create, update")
    }
  }

  @Test func `Open Policy Agent's form gives the same decision`() async throws {
    try await TestServer.with { server in
      let editor = try await server.caller(.editor)
      let guardrail: JSONValue = [
        "rule": "test.bucket.encrypted", "enforcement": "disallow", "reason": "from the start",
      ]
      let laid = try await server.send("POST", "/api/v1/guardrails", as: editor, guardrail)
      #expect(laid.status == 201, "\(laid.text)")
      let input: JSONValue = [
        "input": [
          "service_name": "store", "resource_kind": "bucket", "id": "b",
          "configuration": ["encrypted": false],
        ]
      ]
      func ask(_ name: String) async throws -> JSONValue {
        try await server.send("POST", "/v1/data/plumbline" + name, as: editor, input).json
      }
      #expect(try await ask("/allow") == ["result": false])
      #expect(try await ask("/deny")["result"]?.array?.count == 1)
      #expect(try await ask("/warn") == ["result": []])
      #expect(try await ask("/decision")["result"]?["decision"] == "refused")
      #expect(try await ask("")["result"]?["allow"] == false)
      #expect(try await ask("/nothing") == [:])
    }
  }
}
