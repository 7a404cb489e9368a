import Foundation
import JSON
import TestSupport
import Testing

/// The pages of rules: those of this repository, and the reports that lead to pages.
struct RulePageTests {
  private static let page = "https://wiki.example.org/rules/fixture/fixture.pod-image.md"

  /// The texts of a folder's files by path.
  private func texts(_ folder: URL) throws -> [String: String] {
    var texts: [String: String] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    where path.hasSuffix(".md") {
      texts[path] = try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
    }
    return texts
  }

  /// `PLUMB_REWRITE_GOLDEN=1` writes the pages anew, except where CI is set.
  @Test func `docs hold the pages of the shipped rules as they are now`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let run = try CommandRun(
      ["rules", "pages", "--output", folder.path],
      environment: ["PLUMB_OVERLAY": ""]
    )
    #expect(run.exitCode == 0, "\(run.errors)")
    let docs = Fixtures.root.appendingPathComponent("docs/rules")
    let environment = ProcessInfo.processInfo.environment
    if environment["PLUMB_REWRITE_GOLDEN"] == "1", environment["CI"] == nil {
      Fixtures.remove(docs)
      try FileManager.default.copyItem(at: folder, to: docs)
    }
    let (fresh, kept) = (try texts(folder), try texts(docs))
    let stale = Set(fresh.keys).union(kept.keys).filter { fresh[$0] != kept[$0] }.sorted()
    #expect(
      stale.isEmpty,
      "\(stale.count) pages are not those of the rules, such as \(stale.prefix(3)); plumb rules pages --output docs/rules writes them anew"
    )
  }

  private func scan(_ format: String, _ options: [String] = []) throws -> CommandRun {
    try CommandRun(
      [
        "scan", "kubernetes", "Tests/CommandTests/Fixtures/manifests", "--format", format,
        "--rules", "Tests/CommandTests/Fixtures/rules", "--now", "2026-01-01T00:00:00Z",
      ] + options,
      environment: ["PLUMB_RULE_PAGES": ""]
    )
  }

  private func json(_ run: CommandRun) throws -> JSONValue {
    try #require(try Fixtures.lines(run.output.utf8).first, "\(run.errors)")
  }

  /// What SARIF says of a rule.
  private func rule(_ options: [String]) throws -> JSONValue {
    let driver = try json(scan("sarif", options))["runs"]?.array?.first?["tool"]?["driver"]
    let rules = driver?["rules"]?.array ?? []
    return try #require(rules.first { $0["id"]?.string == "fixture.pod-image" })
  }

  @Test func `reports lead to the page of each rule where they are told of pages`() throws {
    let options = ["--rule-pages", "https://wiki.example.org/rules/"]
    let text = try scan("text", options).output
    #expect(text.contains("Rules: https://wiki.example.org/rules/README.md"), "\(text)")
    #expect(try scan("html", options).output.contains("<a href=\"\(Self.page)\">"))
    let results = try json(scan("json", options))["results"]?.array ?? []
    let result = results.first { $0["rule"]?.string == "fixture.pod-image" }
    #expect(result?["rule_page"]?.string == Self.page)
    let rule = try rule(options)
    #expect(rule["helpUri"]?.string == Self.page)
    #expect(rule["help"]?["markdown"]?.string?.contains("(\(Self.page))") == true)
  }

  @Test func `a folder of pages is a link in reports, and no address in SARIF`() throws {
    let options = ["--rule-pages", "../docs/rules"]
    let link = "../docs/rules/fixture/fixture.pod-image.md"
    #expect(try scan("html", options).output.contains("<a href=\"\(link)\">"))
    let rule = try rule(options)
    #expect(rule["helpUri"]?.string?.hasPrefix("https://") == true)
    #expect(rule["help"]?["markdown"]?.string?.contains("(\(link))") == true)
  }

  @Test func `without pages a report explains its rules by itself`() throws {
    let html = try scan("html").output
    #expect(html.contains("<a href=\"#rule-fixture.pod-image\">"))
    #expect(html.contains("<details id=\"rule-fixture.pod-image\">"))
    #expect(html.contains("How to meet it"))
    #expect(try scan("text").output.contains("plumb rules show RULE"))
    #expect(try !scan("json").output.contains("rule_page"))
  }

  @Test(arguments: ["javascript:alert(1)", "docs/rules\" onclick=\"x", "rules (old)"])
  func `what is no address of pages is refused`(base: String) throws {
    let run = try scan("html", ["--rule-pages", base])
    #expect(run.exitCode == 2 && run.output.isEmpty)
    #expect(run.errors.contains("--rule-pages expects"), "\(run.errors)")
  }
}
