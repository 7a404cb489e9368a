import JSON
import Model
import Store
import TestSupport
import Testing

@testable import Web

/// Findings and their kinds through the API.
struct FindingRouteTests {
  private static let kind: JSONValue = [
    "note": "image-with-vulnerabilities", "title": "Image with vulnerabilities",
    "severity": "high", "provider": "image-scanner", "references": ["https://example.com/why"],
  ]

  private static func body(_ id: String, account: String = "a-1") -> JSONValue {
    [
      "note": "image-with-vulnerabilities", "id": .string(id), "severity": "critical",
      "entity": ["account": .string(account), "resource": "registry/app:7"],
      "first_seen": "2026-03-01T10:00:00Z", "last_seen": "2026-03-02T10:00:00Z", "count": 2,
      "evidence": ["cve": ["CVE-2026-0001", "CVE-2026-0002"], "package": "openssl"],
    ]
  }

  @Test func `a custom finding is counted once, shown whole, and decided about`() async throws {
    try await TestServer.with { server in
      let caller = try await server.caller(.administrator)
      let path = "/api/v1/findings"
      let unknown = try await server.send("POST", path, as: caller, Self.body("x"))
      #expect(unknown.status == 422 && unknown.text.contains("no custom kind"))
      let note = try await server.send("POST", "/api/v1/notes", as: caller, Self.kind)
      #expect(note.status == 201, "\(note.text)")
      let made = try await server.send("POST", path, as: caller, Self.body("x"))
      #expect(made.status == 201, "\(made.text)")
      _ = try await server.send("POST", path, as: caller, Self.body("x"))
      _ = try await server.send("POST", path, as: caller, Self.body("y"))
      let one = "\(path)/\(made.json["id"]?.text ?? "")"
      let shown = try await server.send("GET", one, as: caller)
      #expect(shown.json["count"] == 4)
      #expect(shown.json["severity"] == "critical" && shown.json["source"] == "custom")
      #expect(shown.json["evidence"]?["values"]?["package"] == "openssl")
      let stale = try await server.send(
        "PATCH",
        one,
        as: caller,
        ["state": "accepted", "reason": "no way in"],
        headers: [("If-Match", "\"other\"")]
      )
      #expect(stale.status == 412)
      let tag = [("If-Match", shown[header: "ETag"] ?? "")]
      let bare = try await server.send(
        "PATCH",
        one,
        as: caller,
        ["state": "accepted"],
        headers: tag
      )
      #expect(bare.status == 409 && bare.text.contains("for a reason"))
      let changed = try await server.send(
        "PATCH",
        one,
        as: caller,
        ["state": "accepted", "reason": "no way in"],
        headers: tag
      )
      #expect(changed.json["state"] == "accepted", "\(changed.text)")
      #expect(changed.json["decided_by"] == "administrator")
      let changes = try await server.send("GET", "\(one)/changes", as: caller).json["items"]
      #expect(changes?.array?.map { $0["change"] } == ["opened", "accepted"])
      let counts = try await server.send("GET", "/api/v1/finding-counts", as: caller).json
      #expect(counts["states"] == ["open": 0, "mitigated": 0, "accepted": 1])
      let notes = try await server.send("GET", "/api/v1/notes", as: caller).json["items"]?.array
      #expect(notes?.first?["accepted"] == 1 && notes?.first?["open"] == 0)
    }
  }

  @Test func `a list goes on where a page ended, and is filtered`() async throws {
    try await TestServer.with { server in
      let caller = try await server.caller(.administrator)
      _ = try await server.send("POST", "/api/v1/notes", as: caller, Self.kind)
      for number in 1...5 {
        let body = Self.body("n\(number)", account: "a-\(number)")
        _ = try await server.send("POST", "/api/v1/findings", as: caller, body)
      }
      var accounts: [String] = []
      var cursor = ""
      repeat {
        let query = "?limit=2" + (cursor.isEmpty ? "" : "&cursor=\(cursor)")
        let page = try await server.send("GET", "/api/v1/findings\(query)", as: caller).json
        accounts += page["items"]?.array?.compactMap { $0["entity"]?["account"]?.string } ?? []
        cursor = page["next_cursor"]?.string ?? ""
      } while !cursor.isEmpty
      #expect(accounts == ["a-5", "a-4", "a-3", "a-2", "a-1"])
      for (query, count) in [
        ("account=a-3", 1), ("severity=critical", 5), ("source=posture&source=insights", 0),
        ("source=custom", 5), ("state=mitigated", 0), ("from=2026-03-03T00:00:00Z", 0),
        ("note=image-with-vulnerabilities", 5),
      ] {
        let page = try await server.send("GET", "/api/v1/findings?\(query)", as: caller).json
        #expect(page["items"]?.array?.count == count, "\(query)")
      }
    }
  }

  @Test func `each vulnerability of a resource is a finding of its own`() async throws {
    try await TestServer.with { server in
      let caller = try await server.caller(.administrator)
      _ = try await server.send("POST", "/api/v1/notes", as: caller, Self.kind)
      for number in [1, 2, 1] {
        var body = Self.body("scan \(number)").object ?? [:]
        body["evidence"] = ["cve": .string("CVE-2026-000\(number)")]
        _ = try await server.send("POST", "/api/v1/findings", as: caller, .object(body))
      }
      let items = try await server.send("GET", "/api/v1/findings", as: caller).json["items"]
      #expect(items?.array?.count == 2)
    }
  }

  @Test func `a custom finding of nothing, backwards or ahead in time is refused`() async throws {
    try await TestServer.with { server in
      let caller = try await server.caller(.administrator)
      _ = try await server.send("POST", "/api/v1/notes", as: caller, Self.kind)
      for (change, pointer) in [
        (["entity": [:]] as JSONObject, "/entity"), (["entity": ["region": "eu"]], "/entity"),
        (["first_seen": "2026-03-02T10:00:01Z"], "/first_seen"),
        (["last_seen": "2226-03-02T10:00:00Z"], "/last_seen"),
      ] {
        var body = Self.body("x").object ?? [:]
        for (key, value) in change.members { body[key] = value }
        let reply = try await server.send("POST", "/api/v1/findings", as: caller, .object(body))
        #expect(reply.status == 422, "\(change)")
        #expect(reply.json["errors"]?.array?.first?["pointer"]?.string == pointer, "\(reply.text)")
      }
      let items = try await server.send("GET", "/api/v1/findings", as: caller).json["items"]
      #expect(items?.array?.isEmpty == true)
      let bad = try await server.send("GET", "/api/v1/findings?address=nonsense", as: caller)
      #expect(bad.status == 422 && bad.text.contains("is no IP address"))
    }
  }

  @Test func `a vulnerability is exported as one, other findings as detections`() async throws {
    try await TestServer.with { server in
      let caller = try await server.caller(.administrator)
      _ = try await server.send("POST", "/api/v1/notes", as: caller, Self.kind)
      _ = try await server.send("POST", "/api/v1/findings", as: caller, Self.body("x"))
      var plain = Self.body("y", account: "a-2").object ?? [:]
      plain["evidence"] = ["open_port": 22]
      _ = try await server.send("POST", "/api/v1/findings", as: caller, .object(plain))
      let page = try await server.send("GET", "/api/v1/findings/ocsf", as: caller).json
      let items = page["items"]?.array ?? []
      #expect(items.map { $0["class_uid"] } == [2004, 2002])
      #expect(items.map { $0["type_uid"] } == [200_402, 200_202])
      let vulnerabilities = items.last?["vulnerabilities"]?.array
      #expect(
        vulnerabilities?.map { $0["cve"]?["uid"] } == ["CVE-2026-0001", "CVE-2026-0002"]
      )
      #expect(items.last?["evidences"] == nil)
      // What a Vulnerability Finding and a Detection Finding must have by OCSF 1.8, in its profile cloud.
      let needed = [
        "activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid",
        "finding_info", "cloud",
      ]
      for item in items {
        for name in needed { #expect(item[name] != nil, "\(name)") }
        #expect(item["category_uid"] == 2)
        #expect(item["metadata"]?["version"] == "1.8.0")
        #expect(item["finding_info"]?["uid"]?.string?.isEmpty == false)
      }
    }
  }
}
