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
        for match in page.text.matches(of: /\$PLUMB_SERVER(\/api\/[^&]*(?:&amp;[^&]+)*)&quot;/) {
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
