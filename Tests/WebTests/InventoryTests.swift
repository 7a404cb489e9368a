import HTTP
import JSON
import Model
import Store
import TestSupport
import Testing

@testable import Web

/// The inventory: what is counted is what is listed.
struct InventoryTests {
  /// All that a list has.
  private func rows(_ query: String, _ server: TestServer, _ caller: Caller) async throws -> Int {
    let listed = try await server.send("GET", "/api/v1/resources?limit=500&\(query)", as: caller)
    #expect(listed.status == 200, "\(query): \(listed.text)")
    return listed.json["items"]?.array?.count ?? -1
  }

  @Test func `each number of the inventory is that of the rows that it leads to`() async throws {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      try await PageKit.estate(server, administrator)
      try await server.change { transaction in
        try transaction.set(
          Mark(subject: .resource, name: "bucket 1*", kind: .dataClassification, value: "secret")
        )
      }
      let visitor = try await server.session(of: server.person("vic", .viewer))
      for query in [
        "", "q=bucket+1", "account=shop", "account=none", "kind=store/*", "tag=x=*", "tag=owner=*",
        "mark=data-classification=secret",
      ] {
        let counts = try await server.send(
          "GET",
          "/api/v1/resources/counts?\(query)",
          as: administrator
        )
        #expect(counts.status == 200, "\(query): \(counts.text)")
        let total = try await rows(query, server, administrator)
        #expect(counts.json["total"]?.whole == total, "\(query)")
        let page = try await server.page("/resources?\(query)", as: visitor)
        if total > 0 {
          #expect(page.text.contains("<caption>\(total.of("resource")), 1 to \(total)"))
        }
        let links = Self.facets(page.text)
        #expect(links.count >= (total > 0 ? 5 : 0), "\(query)")
        for (address, count) in links {
          let rows = try await server.page(address, as: visitor)
          #expect(
            rows.text.contains("<caption>\(count) resource"),
            "\(query): \(address) has not \(count)"
          )
        }
        for (member, parameter) in [
          ("accounts", "account"), ("regions", "region"), ("kinds", "kind"), ("tags", "tag"),
          ("classifications", "mark"),
        ] {
          let entries = try #require(counts.json[member]?.array, "\(member)")
          #expect(!entries.isEmpty || !query.isEmpty, "\(member)")
          for entry in entries {
            let name = entry["name"]?.string ?? ""
            let value = parameter == "mark" ? "data-classification=\(name)" : name
            let number = try await rows(
              "\(query)&\(parameter)=\(Address.encoded(value))",
              server,
              administrator
            )
            #expect(entry["total"]?.whole == number, "\(query) and \(parameter) \(name)")
          }
        }
      }
      let marked = try await rows("mark=data-classification=secret", server, administrator)
      #expect(marked == 1)
      let wrong = try await server.send(
        "GET",
        "/api/v1/resources/counts?mark=colour=red",
        as: administrator
      )
      #expect(wrong.status == 422 && wrong.text.contains("data-classification"))
    }
  }

  /// The links of a page that narrow the list, with the numbers beside them.
  private static func facets(_ page: String) -> [(address: String, count: String)] {
    page.matches(of: #/<li><a href="(?<to>[^"]+)">[^<]*<\/a><span>(?<count>[0-9,]+)<\/span>/#).map {
      (String($0.output.to).replacing("&amp;", with: "&"), String($0.output.count))
    }
  }

  @Test func `a list as a file is whole, and as it is filtered`() async throws {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      try await PageKit.estate(server, administrator)
      try await PageKit.decisions(server, administrator)
      let visitor = try await server.session(of: server.person("ann", .administrator))
      for (path, operation) in [
        ("/resources", "/resources"), ("/resources?q=bucket+1", "/resources?q=bucket+1"),
        ("/jobs?state=cancelled", "/jobs?state=cancelled"), ("/scans", "/scans"),
        ("/audit?action=scope.*", "/audit-log?action=scope.*"),
        ("/audit?from=2026-06-01&action=person.*", "/audit-log?action=person.*"),
        ("/profiles", "/profiles"), ("/profiles/own/controls", "/profiles/own/controls"),
        ("/access", "/people"), ("/credentials", "/credentials"), ("/coverage", "/coverage"),
      ] {
        let parts = path.split(separator: "?", maxSplits: 1)
        let query = parts.count > 1 ? "?\(parts[1])" : ""
        let joint = operation.contains("?") ? "&" : "?"
        let listed = try await server.send(
          "GET",
          "/api/v1\(operation)\(joint)limit=500",
          as: administrator
        )
        let items = try #require(listed.json["items"]?.array, "\(operation): \(listed.text)")
        let json = try await server.page("\(parts[0]).json\(query)", as: visitor)
        #expect(json.json.array?.count == items.count, "\(path): \(json.text.prefix(300))")
        let csv = try await server.page("\(parts[0]).csv\(query)", as: visitor)
        #expect(csv[header: "Content-Type"] == "text/csv; charset=utf-8")
        #expect(csv.text.split(separator: "\r\n").count == items.count + 1, "\(path)")
      }
      let viewer = try await server.session(of: server.person("vic", .viewer))
      #expect(try await server.page("/credentials.csv", as: viewer).status == 403)
    }
  }

  @Test func `what is gone is shown as it was last`() async throws {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      let visitor = try await server.session(of: server.person("ann", .administrator))
      func scan(_ ids: [String]) async throws {
        server.clock.wait(seconds: 3600)
        let lines = ids.map { id in
          Resource(
            provider: "test",
            account: "shop",
            region: "",
            kind: ResourceKind(service: "store", kind: "bucket"),
            id: id,
            name: id,
            tags: [],
            configuration: ["encrypted": true]
          ).inventoryLine.text + "\n"
        }
        var request = HTTPRequest(
          "POST",
          server.url + "/api/v1/scans?account=shop&complete=true",
          headers: administrator.headers
        )
        request.headers.append(("Content-Type", "application/x-ndjson"))
        request.body = Array(lines.joined().utf8)
        let answer = try await server.send(request)
        #expect(answer.status == 201, "\(answer.text)")
      }
      try await scan(["stays", "goes"])
      let listed = try await server.send("GET", "/api/v1/resources?q=goes", as: administrator)
      let number = try #require(listed.json["items"]?.array?.first?["number"]?.whole)
      try await scan(["stays"])
      let page = try await server.page("/resources/\(number)", as: visitor)
      #expect(page.text.contains("The resource is gone."))
      let link = try #require(
        page.text.firstMatch(of: /href="(\/resources\/[0-9]+\?as_of=[^"]+)"/)?.1
      )
      let last = try await server.page(String(link), as: visitor)
      #expect(last.status == 200 && last.text.contains("<h1>goes</h1>"), "\(link)")
      let changes = try await server.page("/results/changes", as: visitor)
      let went = try #require(
        changes.text.firstMatch(of: /href="(\/results\?resource=goes[^"]+)"/)?.1
      )
      let results = try await server.page(String(went).replacing("&amp;", with: "&"), as: visitor)
      #expect(results.status == 200 && !results.text.contains("No result is like that"), "\(went)")
      #expect(try await server.page("/resources/99", as: visitor).status == 404)
    }
  }

  @Test func `the tree, what needs a hand and what is held up are whole as files`() async throws {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      try await PageKit.estate(server, administrator)
      try await PageKit.decisions(server, administrator)
      try await PageKit.exception(server, administrator)
      let visitor = try await server.session(of: server.person("ann", .administrator))
      func rows(_ path: String) async throws -> [JSONValue] {
        let parts = path.split(separator: "?", maxSplits: 1)
        let query = parts.count > 1 ? "?\(parts[1])" : ""
        let json = try await server.page("\(parts[0]).json\(query)", as: visitor)
        let csv = try await server.page("\(parts[0]).csv\(query)", as: visitor)
        let found = try #require(json.json.array, "\(path): \(json.text)")
        #expect(csv.text.split(separator: "\r\n").count == found.count + 1, "\(path)")
        return found
      }
      for query in [
        "", "account=shop", "kind=store/bucket", "verdict=fail", "scope=own-scope",
        "account=shop&kind=store/bucket", "rule=test.bucket.kept",
      ] {
        let counts = try await server.send(
          "GET",
          "/api/v1/results/counts?\(query)",
          as: administrator
        )
        let sums = try await rows("/results/tree?\(query)").map { row in
          Verdict.allCases.map { row["results"]?[$0.rawValue]?.whole ?? 0 }.reduce(0, +)
        }
        let total = try #require(counts.json["total"]?.whole)
        #expect(sums.reduce(0, +) == total && !sums.isEmpty, "\(query)")
        let tree = try await server.page("/results?view=tree&\(query)", as: visitor)
        #expect(tree.text.contains("<p>\(total.of("result"))"), "\(query)")
      }
      #expect(try await server.page("/results/tree.csv?scope=none", as: visitor).status == 404)
      let waiting = try await rows("/exceptions/report").filter { $0["needs"] == "waiting" }
      #expect(!waiting.isEmpty && waiting.allSatisfy { $0["state"] == "requested" })
      for (path, since) in [("violators", nil), ("replay", "2026-01-01T00:00:00Z")] {
        let guardrail = try await server.send("GET", "/api/v1/guardrails/1", as: administrator).json
        var body: JSONObject = ["limit": 1000]
        body["guardrail"] = [
          "rule": guardrail["rule"] ?? .null, "enforcement": "disallow", "reason": "x",
        ]
        body["since"] = since.map { .string($0) }
        let preview = try await server.send(
          "POST",
          "/api/v1/guardrail-previews",
          as: administrator,
          .object(body)
        )
        let items = try #require(preview.json["items"]?.array, "\(preview.text)")
        let found = try await rows("/guardrails/1/\(path)")
        #expect(
          Set(found.compactMap { $0["id"]?.string }) == Set(items.compactMap { $0["id"]?.string })
        )
        #expect(!found.isEmpty && found.allSatisfy { $0["reason"]?.string?.isEmpty == false })
      }
    }
  }
}
