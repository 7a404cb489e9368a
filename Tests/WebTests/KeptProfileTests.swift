import HTTP
import JSON
import Model
import Store
import TestSupport
import Testing

@testable import Web

/// Profiles of one's own, which the store keeps beside the shipped ones.
struct KeptProfileTests {
  private func profile(_ id: String, _ version: String, _ goal: JSONValue) -> JSONValue {
    [
      "id": .string(id), "version": .string(version), "effective_date": "2026-01-01",
      "title": "Own", "controls": [["id": "1", "title": "One", "goals": [goal]]],
    ]
  }

  @Test func `a profile of goals is kept, found, compared and attached`() async throws {
    try await TestServer.with { server in
      let editor = try await server.caller(.editor)
      let first = profile("own", "1", ["rule": "test.bucket.kept", "parameters": ["days": 90]])
      let made = try await server.send("POST", "/api/v1/profiles", as: editor, first)
      #expect(made.status == 201, "\(made.text)")
      #expect(made[header: "Location"] == "/api/v1/profiles/own%401")
      let second = profile("own", "2", ["rule": "test.bucket.kept", "parameters": ["days": 60]])
      server.clock.wait(seconds: 1)
      #expect(try await server.send("POST", "/api/v1/profiles", as: editor, second).status == 201)
      // The same once more changes nothing.
      #expect(try await server.send("POST", "/api/v1/profiles", as: editor, second).status == 201)
      let newest = try await server.send("GET", "/api/v1/profiles/own", as: editor)
      #expect(newest.json["version"] == "2")
      let former = try await server.send("GET", "/api/v1/profiles/own@1", as: editor)
      #expect(former.json["version"] == "1")
      let versions = try await server.send("GET", "/api/v1/profiles/own/versions", as: editor)
      #expect(versions.json["items"]?.array?.map { $0["version"] } == ["2", "1"])
      #expect(versions.json["items"]?.array?.allSatisfy { $0["shipped"] == false } == true)
      let found = try await server.send(
        "GET",
        "/api/v1/profiles/own@1/comparison?with=own@2",
        as: editor
      )
      #expect(found.json["goals"]?.array?.map { $0["change"] } == ["changed"], "\(found.text)")
      let all = try await server.send("GET", "/api/v1/profiles", as: editor)
      #expect(all.json["items"]?.array?.map { $0["id"] } == ["house", "own"])
      let attached = try await server.send(
        "POST",
        "/api/v1/attachments",
        as: editor,
        ["profile": "own@1"]
      )
      #expect(attached.status == 201 && attached.json["version"] == "1", "\(attached.text)")
      let rule = try await server.send("GET", "/api/v1/rules/test.bucket.kept", as: editor)
      let users = rule.json["used_by"]?.array?.map { $0["profile"] }
      #expect(users == ["house", "own"])
    }
  }

  @Test func `what no attachment uses can be removed, and nothing else`() async throws {
    try await TestServer.with { server in
      let editor = try await server.caller(.editor)
      func send(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> Answer {
        server.clock.wait(seconds: 1)
        return try await server.send(
          method,
          "/api/v1/\(path)",
          as: editor,
          body,
          headers: method == "DELETE" ? [("If-Match", "*")] : []
        )
      }
      for version in ["1", "2"] {
        let goal: JSONValue = ["rule": "test.bucket.kept", "parameters": ["days": 90]]
        #expect(try await send("POST", "profiles", profile("own", version, goal)).status == 201)
      }
      #expect(try await send("POST", "attachments", ["profile": "own@1"]).status == 201)
      let used = try await send("DELETE", "profiles/own@1")
      #expect(used.status == 409)
      #expect(used.text.contains("attachment 1"), "\(used.text)")
      #expect(try await send("DELETE", "profiles/own").status == 409)
      #expect(try await send("DELETE", "profiles/own@2").status == 204)
      #expect(try await send("GET", "profiles/own").json["version"] == "1")
      let shipped = try await send("DELETE", "profiles/house")
      #expect(shipped.status == 409)
      #expect(shipped.text.contains("is shipped"))
      #expect(try await send("DELETE", "profiles/none").status == 404)
      let log = try await server.send(
        "GET",
        "/api/v1/audit-log?limit=500",
        as: server.caller(.auditor)
      )
      #expect(log.text.contains("profile.remove"), "\(log.text)")
    }
  }

  @Test func `what would not hold is refused, and nothing of it is kept`() async throws {
    try await TestServer.with { server in
      let editor = try await server.caller(.editor)
      let fine: JSONValue = ["rule": "test.bucket.encrypted"]
      let kept = profile("own", "1", fine)
      #expect(try await server.send("POST", "/api/v1/profiles", as: editor, kept).status == 201)
      for (body, status, words) in [
        (profile("house", "2", fine), 409, "shipped"),
        (profile("own", "1", ["rule": "test.bucket.kept"]), 409, "another text"),
        (profile("other", "1", ["rule": "test.nothing"]), 422, "there is no rule"),
        (
          profile("other", "1", ["rule": "test.bucket.kept", "parameters": ["days": 0]]), 422,
          "days"
        ),
        (
          profile("other", "1", ["rule": "test.bucket.kept", "parameters": ["years": 1]]), 422,
          "years"
        ),
        (profile("Other One", "1", fine), 400, "/id"),
      ] {
        let refused = try await server.send("POST", "/api/v1/profiles", as: editor, body)
        #expect(refused.status == status, "\(refused.text)")
        #expect(refused.text.contains(words), "\(refused.text)")
      }
      #expect(try await server.send("GET", "/api/v1/profiles/other", as: editor).status == 404)
    }
  }

  @Test func `the form of a profile keeps what was chosen and typed`() async throws {
    try await TestServer.with { server in
      let editor = try await server.session(of: server.person("ed", .editor))
      let address = "/profiles/new?goal=test.bucket.kept&goal=test.bucket.encrypted"
      let empty = try await server.page(address, as: editor)
      #expect(empty.text.contains("name=\"set:test.bucket.kept:days\""))
      func typed(days: String) -> KeyValuePairs<String, String> {
        [
          "action": "keep", "id": "own", "version": "1", "effective_date": "2026-01-01",
          "title": "Own <rules>", "rule": "test.bucket.kept", "control:test.bucket.kept": "A",
          "title:test.bucket.kept": "Kept", "set:test.bucket.kept:days": days,
          "manual": "P-1: Somebody looks",
        ]
      }
      let refused = try await server.form(address, as: editor, typed(days: "0"))
      #expect(refused.status == 422, "\(refused.text)")
      #expect(refused.text.contains("value=\"Own &lt;rules&gt;\""))
      let made = try await server.form(address, as: editor, typed(days: "45"))
      #expect(made[header: "Location"] == "/profiles/own?notice=profile-kept", "\(made.text)")
      let kept = try await server.send("GET", "/api/v1/profiles/own", as: editor)
      #expect(kept.json["controls"]?.array?.count == 2, "\(kept.text)")
      #expect(kept.text.contains("\"days\":45"))
    }
  }
}

/// Bodies of several parts.
struct MultipartTests {
  @Test func `fields and files are told apart`() throws {
    let text =
      "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\nc\r\n--x\r\n"
      + "content-disposition: form-data; name=\"f\"; filename=\"n.txt\"\r\n"
      + "Content-Type: text/plain\r\n\r\n--y\r\n\r\n--x--\r\n"
    let form = try #require(Form(Array(text.utf8), boundary: "x"))
    #expect(form["a"] == "b\r\nc")
    #expect(form.file("f")?.name == "n.txt")
    #expect(form.file("f").map { String(decoding: $0.bytes, as: UTF8.self) } == "--y\r\n")
  }

  @Test(arguments: ["", "--x", "--x\r\n\r\n", "--y\r\n\r\na\r\n--y--", "--x\r\nno head\r\n--x--"])
  func `what is none is refused`(text: String) {
    #expect(Form(Array(text.utf8), boundary: "x") == nil)
  }
}
