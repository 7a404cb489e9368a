import Foundation
import JSON
import TestSupport
import Testing

private let overlay = ["--content", "Tests/CommandTests/Fixtures/overlay"]
private let now = ["--now", "2026-01-01T00:00:00Z"]

/// Writing rules, their pages, and the content that reports name.
struct LibraryCommandTests {
  private func json(_ run: CommandRun) throws -> JSONValue {
    try #require(try Fixtures.lines(run.output.utf8).first)
  }

  @Test func `a new rule loads and its cases say what to edit until that is done`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let id = "house.ec2.volume-encrypted"
    let made = try CommandRun(["rules", "new", id], folder: folder)
    #expect(made.exitCode == 0, "\(made.errors)")
    #expect(made.output.contains("plumb rules test --rules rules \(id)"))
    let test = ["rules", "test", "--rules", "rules"]
    let fresh = try CommandRun(test, folder: folder)
    #expect(fresh.exitCode == 1, "\(fresh.errors)")
    #expect(fresh.output.contains("1 rules, 3 cases, 3 not as expected"), "\(fresh.output)")
    #expect(fresh.output.contains("EDIT"))
    #expect(try CommandRun(["rules", "new", id], folder: folder).exitCode == 2)

    let rule = folder.appendingPathComponent("rules/\(id).yaml")
    let edited = try String(contentsOf: rule, encoding: .utf8)
      .replacingOccurrences(of: "EDIT_property", with: "Encrypted")
    try Data(edited.utf8).write(to: rule)
    let cases = """
      rule: \(id)
      cases:
        - { name: good, verdict: pass, configuration: { Encrypted: true } }
        - { name: bad, verdict: fail, configuration: { Encrypted: false } }
        - { name: unread, verdict: unknown, configuration: {}, unread: { Encrypted: denied } }
      """
    try Data(cases.utf8).write(to: folder.appendingPathComponent("rules/\(id).cases.yaml"))
    let done = try CommandRun(test, folder: folder)
    #expect(done.exitCode == 0, "\(done.output)\(done.errors)")
  }

  @Test func `pages are the same each time, one per rule with an index`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    var pages: [[String: String]] = []
    for name in ["first", "second"] {
      let output = folder.appendingPathComponent(name)
      let run = try CommandRun(["rules", "pages", "--output", output.path] + overlay)
      #expect(run.exitCode == 0, "\(run.errors)")
      var texts: [String: String] = [:]
      for path in try FileManager.default.subpathsOfDirectory(atPath: output.path)
      where path.hasSuffix(".md") {
        texts[path] = try String(contentsOf: output.appendingPathComponent(path), encoding: .utf8)
      }
      pages.append(texts)
    }
    #expect(pages[0] == pages[1])
    #expect(pages[0]["README.md"]?.contains("(fixture/README.md)") == true)
    #expect(pages[0]["fixture/README.md"]?.contains("(fixture.overlay-locked.md)") == true)
    let page = try #require(pages[0]["fixture/fixture.overlay-locked.md"])
    for part in ["# Box is locked", "high", "Turn the key.", "### fail: open", "B-1"] {
      #expect(page.contains(part), "\(part)")
    }
    let old = try #require(pages[0]["fixture/fixture.overlay-closed.md"])
    #expect(old.contains("(../fixture/fixture.overlay-locked.md)"))
  }

  @Test func `reports name the content that plumb content shows`() throws {
    let content = try json(try CommandRun(["content", "--format", "json"] + overlay))
    let digest = try #require(content["sha256"]?.string)
    #expect(digest.count == 64)
    #expect(content["rules"]?["added"]?.whole == 3)
    #expect(content["profiles"]?["added"]?.whole == 1)
    func report(_ format: String) throws -> CommandRun {
      try CommandRun(
        [
          "scan", "kubernetes", "Tests/CommandTests/Fixtures/manifests", "--format", format,
          "--profile", "fixture-boxes",
        ] + now + overlay
      )
    }
    let tool = try json(try report("json"))["tool"]?["content"]
    #expect(tool?["sha256"]?.string == digest)
    #expect(tool?["version"]?.string == content["version"]?.string)
    #expect(tool?["overlays"]?.whole == 1)
    let run = try json(try report("sarif"))["runs"]?.array?.first
    let component = run?["tool"]?["extensions"]?.array?.first
    #expect(component?["properties"]?["sha256"]?.string == digest)
    #expect(try report("html").output.contains(digest))
  }
}
