import Foundation
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Web

/// Every page that can be reached is valid HTML without anything inline, whatever names resources have.
struct PageValidityTests {
  @Test func `every page that links lead to is valid and escapes what was collected`() async throws
  {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      try await PageKit.estate(server, administrator)
      let person = try await server.person(PageKit.hostile[0], .editor)
      try await PageKit.exception(server, server.key(of: person, .editor))
      let visitor = try await server.session(of: person)
      let pages = try await server.crawl(
        from: ["/", "/results?verdict=fail", "/exceptions/new", "/exceptions/1", "/sign-in"],
        as: visitor
      )
      let paths = Set(pages.map { String($0.path.prefix { $0 != "?" }) })
      for path in ["/", "/results", "/results/changes", "/exceptions", "/exceptions/1"] {
        #expect(paths.contains(path))
      }
      #expect(paths.contains { $0.hasPrefix("/resources/") })
      #expect(paths.contains { $0.split(separator: "/").count == 3 && $0.hasPrefix("/results/") })
      try check(pages)
      // What a page gives to be copied is what it asked itself.
      var calls: Set<String> = []
      for page in pages {
        let shown = page.text.firstMatch(of: /<pre id="as-call"[^>]*><code>([^<]*)/)?.1 ?? ""
        for match in shown.matches(of: /\$PLUMB_SERVER(\/api\/[^&]*(?:&amp;[^&]+)*)&quot;/) {
          calls.insert(String(match.1).replacing("&amp;", with: "&"))
        }
      }
      #expect(calls.count > 20)
      for call in calls.sorted().prefix(100) {
        let answer = try await server.send("GET", call, as: administrator)
        #expect(answer.status == 200, "\(call): \(answer.status) \(answer.text)")
      }
    }
  }

  @Test func `every page of an administrator is valid, whatever people decided`() async throws {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      try await PageKit.estate(server, administrator)
      try await PageKit.decisions(server, administrator)
      let person = try await server.person(PageKit.hostile[3], .administrator)
      let visitor = try await server.session(of: person)
      let pages = try await server.crawl(
        from: [
          "/", "/jobs/1", "/jobs/2", "/scopes/new", "/attachments/new", "/attestations/new",
          "/profiles/new?goal=test.bucket.kept&q=bucket", "/profiles/own@1/comparison?with=own@2",
          "/properties?kind=store/bucket", "/rules/own.rule", "/templates/own.template",
        ],
        as: visitor
      )
      let paths = Set(pages.map { String($0.path.prefix { $0 != "?" }) })
      for page in Page.all where !page.path.contains(".") && !page.path.contains("{") {
        #expect(paths.contains(page.path), "no link leads to \(page.path)")
      }
      for start in [
        "/scans/", "/jobs/", "/attachments/", "/profiles/", "/rules/", "/scopes/", "/credentials/",
        "/collectors/", "/access/people/", "/attestations/", "/resources/", "/guardrails/",
        "/decisions/", "/templates/", "/findings/", "/channels/",
      ] {
        #expect(paths.contains { $0.hasPrefix(start) }, "no link leads to \(start)…")
      }
      #expect(!pages.contains { $0.text.contains("hidden-secret") })
      try PageKit.checkCommands(pages)
      try check(pages)
    }
  }

  @Test func `each role has pages without a fault, and sees what it may`() async throws {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      try await PageKit.estate(server, administrator)
      try await PageKit.decisions(server, administrator)
      var pages: [(path: String, text: String)] = []
      for (role, extent, words) in [
        (Role.auditor, Extent.everything, "For the audit"),
        (.operator, .everything, "Scans in your hands"),
        (.viewer, .account("shop"), "Score of what you see"),
        (.viewer, .account("elsewhere"), "No score yet"),
      ] {
        let name = "\(role) on \(extent.name)"
        let visitor = try await server.session(of: server.person(name, role, on: [extent]))
        let found = try await server.crawl(from: ["/"], as: visitor)
        #expect(found.contains { $0.path == "/" && $0.text.contains(words) }, "\(name)")
        #expect(!found.contains { $0.path.hasPrefix("/credentials") }, "\(name)")
        pages += found.map { ("\($0.path) as \(name)", $0.text) }
      }
      try check(pages)
    }
  }

  @Test func `a page says what of its address it does not heed`() async throws {
    try await TestServer.with { server in
      let visitor = try await server.session(of: server.person("vic", .viewer))
      let page = try await server.page("/scans?colour=blue&status=finished", as: visitor)
      #expect(page.text.contains("This page does not heed <code>colour</code>"))
      let plain = try await server.page("/scans?status=finished", as: visitor)
      #expect(!plain.text.contains("does not heed"))
      let then = try await server.page("/scans?as_of=2026-05-01", as: visitor)
      #expect(then.text.contains("This page always shows the present"))
    }
  }

  @Test func `pages of problems and of signing in are valid`() async throws {
    try await TestServer.with { server in
      let person = try await server.person("nobody in particular", .collector)
      let visitor = try await server.session(of: person)
      var pages: [(path: String, text: String)] = []
      for (path, caller, status) in [
        ("/nowhere/\"><script>", visitor, 404), ("/", visitor, 403),
        ("/sign-in?code=%22%3E%3Cscript%3E", .nobody, 200), ("/?code=a%2Bb", .nobody, 200),
        ("/?as_of=yesterday", visitor, 422),
      ] {
        let answer = try await server.page(Address.encodedPath(path), as: caller)
        #expect(answer.status == status, "\(path): \(answer.status)")
        #expect(answer[header: "Content-Type"] == "text/html; charset=utf-8")
        pages.append((path, answer.text))
      }
      let refused = try await server.form("/sign-in", ["code": PageKit.hostile[0]])
      #expect(refused.status == 401)
      pages.append(("a refused sign-in", refused.text))
      try check(pages)
    }
  }

  @Test func `who does not read pages gets problem details`() async throws {
    try await TestServer.with { server in
      let answer = try await server.send("GET", "/nowhere")
      #expect(answer.status == 404)
      #expect(answer[header: "Content-Type"] == "application/problem+json")
      let call = try await server.page("/api/v1/nothing")
      #expect(call[header: "Content-Type"] == "application/problem+json")
    }
  }

  private func check(_ pages: [(path: String, text: String)]) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    for (index, page) in pages.enumerated() {
      let file = folder.appendingPathComponent("\(index).html")
      try Data(page.text.utf8).write(to: file)
      try Data(page.path.utf8).write(to: folder.appendingPathComponent("\(index).url"))
    }
    let run = try CommandRun(
      Fixtures.root.appendingPathComponent(".build/tools/bin/python"),
      [
        Fixtures.root.appendingPathComponent("Tests/WebTests/Pages/check_pages.py").path,
        folder.path,
      ]
    )
    #expect(run.exitCode == 0, "\(run.output.suffix(6000)) \(run.errors.suffix(2000))")
    #expect(run.output.contains("\(pages.count) pages checked"))
  }
}

extension Address {
  /// A written path with what a request line cannot hold encoded.
  static func encodedPath(_ text: String) -> String {
    text.replacing("\"", with: "%22").replacing("<", with: "%3C").replacing(">", with: "%3E")
  }
}
