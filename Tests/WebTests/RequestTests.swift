import Foundation
import HTTP
import JSON
import Model
import Store
import TestSupport
import Testing

@testable import Web

/// How requests are read and answered, whatever the operation.
struct RequestTests {
  @Test func `a change needs the ETag of what the caller saw`() async throws {
    try await TestServer.with { server in
      let editor = try await server.caller(.editor)
      let path = "/api/v1/scopes/prod"
      func put(_ account: String, _ match: String?) async throws -> Answer {
        try await server.send(
          "PUT",
          path,
          as: editor,
          ["includes": [.string("account=\(account)")]],
          headers: match.map { [("If-Match", $0)] } ?? []
        )
      }
      let without = try await put("a", nil)
      #expect(without.status == 428 && without.kind == "needs-match")
      #expect(try await put("a", "\"0\"").status == 404)
      let made = try await put("a", "*")
      #expect(made.status == 200)
      let shown = try await server.send("GET", path, as: editor)
      let tag = try #require(shown[header: "ETag"])
      #expect(made[header: "ETag"] == tag)
      #expect(try await put("b", "\"0\", \(tag)").status == 200)
      let late = try await put("c", tag)
      #expect(late.status == 412 && late.kind == "changed")
      let now = try await server.send("GET", path, as: editor)
      #expect(now.json["includes"] == ["account=b"])
      let known = [(name: "If-None-Match", value: now[header: "ETag"] ?? "")]
      let unchanged = try await server.send("GET", path, as: editor, headers: known)
      #expect(unchanged.status == 304 && unchanged.response.body.isEmpty)
    }
  }

  @Test func `a request with an Idempotency-Key is carried out once`() async throws {
    try await TestServer.with { server in
      let admin = try await server.caller(.administrator)
      let key = [(name: "Idempotency-Key", value: "one")]
      func add(_ name: String, as caller: Caller) async throws -> Answer {
        try await server.send(
          "POST",
          "/api/v1/people",
          as: caller,
          ["name": .string(name)],
          headers: key
        )
      }
      let first = try await add("jane", as: admin)
      #expect(first.status == 201 && first[header: "Idempotent-Replayed"] == nil)
      let again = try await add("jane", as: admin)
      #expect(again.status == 201 && again.response.body == first.response.body)
      #expect(again[header: "Idempotent-Replayed"] == "true")
      #expect(again[header: "Location"] == first[header: "Location"])
      let reused = try await add("joe", as: admin)
      #expect(reused.status == 422 && reused.kind == "reused-key")
      let other = try await server.caller(.administrator, "another administrator")
      #expect(try await add("ann", as: other).status == 201)
      let people = try await server.store.read { try $0.people() }
      #expect(people.filter { $0.name == "jane" }.count == 1)
      server.clock.wait(seconds: 2 * 86_400)
      #expect(try await add("jane", as: admin).status == 409)
    }
  }

  @Test func `a secret is not kept to be told again`() async throws {
    try await TestServer.with { server in
      let person = try await server.person("jane", .administrator)
      let session = try await server.session(of: person)
      for (path, body, member) in [
        ("/api/v1/keys", ["name": "k", "role": "viewer"] as JSONValue?, "secret"),
        ("/api/v1/people/\(person)/codes", nil, "code"),
      ] {
        let key = [(name: "Idempotency-Key", value: path)]
        let made = try await server.send("POST", path, as: session, body, headers: key)
        let secret = try #require(made.json[member]?.string)
        let again = try await server.send("POST", path, as: session, body, headers: key)
        #expect(again.status == 409 && !again.text.contains(secret))
        let kept = try await server.store.database.read { session in
          try session.rows("SELECT body FROM idempotent_answers") { $0.text(0) }
        }
        #expect(!kept.contains { $0.contains(secret) })
      }
      #expect(try await server.store.read { try $0.keys() }.count == 1)
    }
  }

  @Test func `what was refused can be sent again with its key`() async throws {
    try await TestServer.with { server in
      let admin = try await server.caller(.administrator)
      let key = [(name: "Idempotency-Key", value: "one")]
      let body: JSONValue = ["profile": "house", "scope": "prod"]
      let path = "/api/v1/attachments"
      #expect(try await server.send("POST", path, as: admin, body, headers: key).status == 404)
      let scope = Scope(name: "prod", parent: "", includes: [], excludes: [])
      try await server.change { try $0.put(scope) }
      #expect(try await server.send("POST", path, as: admin, body, headers: key).status == 201)
    }
  }

  @Test func `a body that is too large, of another type or no JSON is refused`() async throws {
    try await TestServer.with { server in
      let admin = try await server.caller(.administrator)
      func post(_ type: String?, _ body: [UInt8]) async throws -> Answer {
        var request = HTTPRequest("POST", server.url + "/api/v1/people", headers: admin.headers)
        if let type { request.headers.append(("Content-Type", type)) }
        request.body = body
        return try await server.send(request)
      }
      let name = String(repeating: "x", count: 1 << 20)
      let large = try await post("application/json", Array("{\"name\": \"\(name)\"}".utf8))
      #expect(large.status == 413 && large.kind == "too-large")
      #expect(try await post("text/plain", Array("{\"name\": \"x\"}".utf8)).status == 415)
      #expect(try await post("application/json", Array("{\"name\": ".utf8)).status == 400)
      #expect(try await post("application/json", []).status == 400)
      #expect(try await post("application/json", [0xFF, 0xFE, 0x00]).status == 400)
      #expect(try await post("application/json", Array("[[[[[[1]]]]]]".utf8)).status == 400)
      let good = try await post("Application/JSON; charset=utf-8", Array("{\"name\": \"x\"}".utf8))
      #expect(good.status == 201)
      #expect(try await server.store.read { try $0.people() }.count == 2)
    }
  }

  @Test(
    arguments: [
      "{}", "{\"name\": \"\"}", "{\"name\": 7}", "{\"name\": null}", "{\"name\": \"a\\u0000b\"}",
      "{\"name\": \"x\", \"other\": 1}", "[]", "\"x\"", "null", "1e400",
      "{\"name\": [\"x\"]}", "{\"name\": \"a\\nb\"}", "{\"name\": \"\\ud800\"}",
    ]
  )
  func `a body that is not as described is refused, and told where`(body: String) async throws {
    try await TestServer.with { server in
      let admin = try await server.caller(.administrator)
      var request = HTTPRequest("POST", server.url + "/api/v1/people", headers: admin.headers)
      request.headers.append(("Content-Type", "application/json"))
      request.body = Array(body.utf8)
      let answer = try await server.send(request)
      // It is JSON, and a number that nothing here can hold.
      #expect(answer.status == (body == "1e400" ? 422 : 400), "\(answer.text)")
      #expect(answer[header: "Content-Type"] == "application/problem+json")
      #expect(try await server.store.read { try $0.people() }.count == 1)
    }
  }

  @Test(
    arguments: [
      "/api/v1/rules?colour=red", "/api/v1/rules?limit=0", "/api/v1/rules?limit=501",
      "/api/v1/rules?limit=99999999999999999999", "/api/v1/rules?limit=ten",
      "/api/v1/rules?limit=1&limit=2", "/api/v1/rules?severity=worst", "/api/v1/rules?q=%00",
      "/api/v1/rules?sort=colour", "/api/v1/scopes?as_of=yesterday",
      "/api/v1/scopes?as_of=2026-13-01T00:00:00Z", "/api/v1/audit-log?action=%25",
    ]
  )
  func `a parameter that is not as described is refused`(path: String) async throws {
    try await TestServer.with { server in
      let answer = try await server.send("GET", path, as: server.caller(.administrator))
      #expect(answer.status == 400 && answer.kind == "invalid", "\(answer.status) \(answer.text)")
      #expect(answer.json["errors"]?.array?.isEmpty == false)
    }
  }

  @Test(
    arguments: [
      "/api/v1/rules?cursor=x", "/api/v1/rules?cursor=e30=", "/api/v1/audit-log?cursor=x",
      "/api/v1/scans?cursor=eyJvZiI6Imxpc3RSdWxlcyIsImF0IjoxfQ==",
    ]
  )
  func `a cursor of nobody's making, or of another list, is refused`(path: String) async throws {
    try await TestServer.with { server in
      let answer = try await server.send("GET", path, as: server.caller(.administrator))
      #expect(answer.status == 422 && answer.kind == "refused", "\(answer.status) \(answer.text)")
    }
  }

  @Test(
    arguments: [
      "q=bucket+encrypted", "q=bucket%20encrypted", "q=bucket+%65ncrypted", "%71=encrypted&limit=1",
    ]
  )
  func `a query is read as forms are written`(query: String) async throws {
    try await TestServer.with { server in
      let caller = try await server.caller(.viewer)
      let rules = try await server.send("GET", "/api/v1/rules?\(query)", as: caller)
      let ids = rules.json["items"]?.array?.compactMap { $0["id"]?.string }
      #expect(ids == ["test.bucket.encrypted"], "\(rules.text)")
      for zone in ["Z", "+02:00", "%2B02:00", "-02:00"] {
        let path = "/api/v1/scopes?as_of=2026-05-01T00:00:00\(zone)"
        #expect(try await server.send("GET", path, as: caller).status == 200, "\(zone)")
      }
    }
  }

  @Test func `pages follow each other and end`() async throws {
    try await TestServer.with { server in
      let admin = try await server.caller(.administrator)
      for name in ["c", "a", "b"] {
        let scope = Scope(name: name, parent: "", includes: [], excludes: [])
        try await server.change { try $0.put(scope) }
      }
      var names: [String] = []
      var cursor = ""
      repeat {
        let path = "/api/v1/scopes?limit=2&sort=-name\(cursor)"
        let page = try await server.send("GET", path, as: admin).json
        names += page["items"]?.array?.compactMap { $0["name"]?.string } ?? []
        cursor = page["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
      } while !cursor.isEmpty
      #expect(names == ["c", "b", "a"])
      var numbers: [Int64] = []
      repeat {
        let path = "/api/v1/audit-log?limit=2&action=scope.*\(cursor)"
        let page = try await server.send("GET", path, as: admin).json
        for entry in page["items"]?.array ?? [] {
          if case .integer(let number)? = entry["number"] { numbers.append(number) }
        }
        cursor = page["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
      } while !cursor.isEmpty
      #expect(numbers.count == 3 && numbers == numbers.sorted(by: >))
    }
  }

  @Test func `another method is refused with those that there are`() async throws {
    try await TestServer.with { server in
      let admin = try await server.caller(.administrator)
      let people = try await server.send("DELETE", "/api/v1/people", as: admin)
      #expect(people.status == 405 && people[header: "Allow"] == "GET, POST")
      let account = try await server.send("GET", "/api/v1/accounts/import", as: admin)
      #expect(account.status == 405 && account[header: "Allow"] == "POST")
      let nowhere = try await server.send("GET", "/api/v1/nowhere", as: admin)
      #expect(nowhere.status == 404 && nowhere.kind == "not-found")
    }
  }

  @Test func `who asks too often has to wait, and others do not`() async throws {
    try await TestServer.with(requestsPerSecond: 2) { server in
      let (jane, joe) = (
        try await server.caller(.viewer, "jane"), try await server.caller(.viewer, "joe")
      )
      for _ in 0..<8 {
        #expect(try await server.send("GET", "/api/v1/content", as: jane).status == 200)
      }
      let refused = try await server.send("GET", "/api/v1/content", as: jane)
      #expect(refused.status == 429 && refused[header: "Retry-After"] == "1")
      #expect(try await server.send("GET", "/api/v1/content", as: joe).status == 200)
      server.clock.wait(seconds: 1)
      for _ in 0..<2 {
        #expect(try await server.send("GET", "/api/v1/content", as: jane).status == 200)
      }
      #expect(try await server.send("GET", "/api/v1/content", as: jane).status == 429)
    }
  }

  @Test func `an address may be long, as a filter by many resources makes it`() async throws {
    try await TestServer.with { server in
      let viewer = try await server.caller(.viewer)
      let many = (0..<90).map { "resource=\($0)" + String(repeating: "a", count: 1900) }
      let path = "/api/v1/results?\(many.joined(separator: "&"))"
      let answer = try await server.send("GET", path, as: viewer)
      #expect(answer.status == 200, "\(answer.text)")
      let wrong = try await server.send("GET", path + "&limit=0", as: viewer)
      #expect(wrong.status == 400 && wrong.kind == "invalid", "\(wrong.text)")
    }
  }

  @Test func `a long answer is compressed for who can read that`() async throws {
    try await TestServer.with { server in
      let plain = try await server.send(
        "GET",
        "/api/v1/openapi.json",
        headers: [("Accept-Encoding", "identity")]
      )
      #expect(plain[header: "Content-Encoding"] == nil)
      let packed = try await server.send(
        "GET",
        "/api/v1/openapi.json",
        headers: [("Accept-Encoding", "gzip")]
      )
      #expect(packed[header: "Content-Encoding"] == "gzip")
      #expect(packed[header: "Vary"] == "Accept-Encoding")
      let length = try #require(packed[header: "Content-Length"].flatMap { Int($0) })
      #expect(length < plain.response.body.count / 3)
      // The client has unpacked it.
      #expect(packed.text == plain.text)
    }
  }

  @Test func `every answer says how browsers have to take it`() async throws {
    try await TestServer.with { server in
      for path in ["/api/v1/content", "/api/v1/openapi.json", "/nowhere", "/healthz"] {
        let answer = try await server.send("GET", path)
        #expect(answer[header: "X-Content-Type-Options"] == "nosniff", "\(path)")
        #expect(answer[header: "Content-Security-Policy"]?.contains("default-src 'none'") == true)
        #expect(answer[header: "Cache-Control"] == "no-store", "\(path)")
        #expect(answer[header: "X-Request-Id"]?.isEmpty == false, "\(path)")
        #expect(answer[header: "Strict-Transport-Security"] == nil, "\(path)")
      }
    }
  }

  @Test func `over TLS the cookie is for TLS only`() async throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let (key, chain) = (folder.path + "/key.pem", folder.path + "/chain.pem")
    let made = try CommandRun(
      URL(fileURLWithPath: "/usr/bin/openssl"),
      [
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", chain,
      ]
    )
    try #require(made.exitCode == 0, "\(made.errors)")
    try await TestServer.with(certificate: (chain, key)) { server in
      let code = try await server.code(of: server.person("jane", .viewer))
      let answer = try await server.send("POST", "/api/v1/session", ["code": .string(code)])
      #expect(answer.status == 201)
      #expect(answer[header: "Set-Cookie"]?.hasSuffix("; Secure") == true)
      #expect(answer[header: "Strict-Transport-Security"]?.contains("max-age=") == true)
    }
  }
}
