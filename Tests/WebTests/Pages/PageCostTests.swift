import HTTP
import JSON
import Model
import Store
import TestSupport
import Testing

@testable import Web

/// What pages cost: no statement reads a large table whole, and no page is large.
struct PageCostTests {
  /// Tables that grow with the estate, its history or its requests, and what statements call them.
  private static let large: Set<String> = [
    "resources", "r", "versions", "v", "blocks", "proofs", "decisions", "score_ledger",
  ]
  /// What is read in one walk after the server's start, and then kept up with what changes; and what marks, or
  /// scopes that ask for tags, have to be looked up for one by one.
  private static let walks = [
    "SELECT r.id, r.account, r.kind, r.valid_to, r.resource_id, r.layout, r.verdicts, r.region,",
    "SELECT r.id, r.account, r.kind, r.region, r.resource_group, r.resource_id, r.name, r.tags,",
  ]
  /// How many bytes of HTML a page has at most.
  private static let most = 150_000

  private static func estate(_ server: TestServer, _ administrator: Caller) async throws {
    for (round, account) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
      server.clock.wait(seconds: 3600)
      let lines = (0..<1500).map { index in
        Resource(
          provider: "test",
          account: "account-\(account)",
          region: "region-\(index % 3)",
          kind: ResourceKind(service: "store", kind: index.isMultiple(of: 5) ? "key" : "bucket"),
          id: "resource-\(index)",
          name: "name of resource \(index)",
          tags: [("owner", "team-\(index % 40)")],
          configuration: [
            "encrypted": .bool((index + round).isMultiple(of: 3)),
            "retention": .integer(Int64(index % 60)),
            "key": .string("resource-\(index / 5 * 5)"),
          ]
        ).inventoryLine.text
      }
      var request = HTTPRequest(
        "POST",
        server.url + "/api/v1/scans?account=account-\(account)&complete=true&subject=large",
        headers: administrator.headers
      )
      request.headers.append(("Content-Type", "application/x-ndjson"))
      request.body = Array((lines.joined(separator: "\n") + "\n").utf8)
      let answer = try await server.send(request)
      #expect(answer.status == 201, "\(answer.text)")
    }
  }

  @Test func `no page reads a large table without an index, or is large`() async throws {
    let log = StatementLog()
    try await TestServer.with(over: { WatchedDatabase(inner: $0, log: log) }) { server in
      let administrator = try await server.caller(.administrator)
      try await PageKit.estate(server, administrator)
      try await Self.estate(server, administrator)
      try await PageKit.decisions(server, administrator)
      _ = try await server.store.database.write { session in try session.run("ANALYZE") }
      let visitor = try await server.session(of: server.person("vic", .administrator))
      let found = try await server.send(
        "GET",
        "/api/v1/results?verdict=fail&account=account-1&limit=1",
        as: administrator
      ).json["items"]?.array?.first
      let (number, goal) = (found?["resource_number"]?.whole ?? 0, found?["goal"]?.whole ?? 0)
      #expect(number > 0)
      log.clear()
      let fixed = Page.all.map(\.path).filter { !$0.contains(".") && !$0.contains("{") }
      let others = [
        "/resources/\(number)", "/resources/\(number)?view=relations",
        "/resources/\(number)?view=access", "/results/\(number)/\(goal)",
        "/results?verdict=fail&severity=high", "/results?view=rules", "/results?view=tree",
        "/results?account=account-1", "/resources?account=account-2", "/resources?q=resource-77",
        "/properties?kind=store/bucket", "/rules/own.rule", "/rules/test.bucket.kept",
        "/guardrails/1", "/guardrails/2?view=history", "/decisions?decision=refused",
        "/decisions/1",
        "/templates/own.template", "/scans/1", "/profiles/house", "/attachments/1", "/?period=30d",
        "/findings/1", "/findings?address=203.0.113.9", "/conversations?external=203.0.113.9",
        "/channels/1", "/alerts?state=dead",
      ]
      for path in fixed + others {
        let page = try await server.page(path, as: visitor)
        #expect(page.status == 200, "\(path)")
        #expect(page.text.utf8.count < Self.most, "\(path): \(page.text.utf8.count) bytes")
      }
      let entries = log.entries
      #expect(entries.count > 60)
      for (sql, entry) in entries where sql.hasPrefix("SELECT") {
        let plan = try await server.store.database.read { session in
          try session.rows("EXPLAIN QUERY PLAN \(sql)", entry.values) { $0.text(3) }
        }
        let scanned = plan.filter { step in
          let words = step.split(separator: " ").map(String.init)
          return words.first == "SCAN" && words.count > 1 && Self.large.contains(words[1])
        }
        if scanned.isEmpty { continue }
        #expect(Self.walks.contains { sql.hasPrefix($0) }, "\(scanned): \(sql)")
        // Once for each filter that some page had, however many pages show it.
        #expect(entry.count <= 12, "\(entry.count) times: \(sql)")
      }
    }
  }
}
