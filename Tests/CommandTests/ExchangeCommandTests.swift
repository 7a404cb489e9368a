import Foundation
import JSON
import TestSupport
import Testing

/// Export and import of profiles from the command line, and what others' programs say of them.
struct ExchangeCommandTests {
  private static let python = Fixtures.root.appendingPathComponent(".build/tools/bin/python3")

  @Test func `compliance-trestle takes catalogs and profiles, and resolves every control`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let names = ["cis-aws", "nist-800-53-moderate", "best-practices"]
    var expected = ""
    for name in names {
      for model in ["catalog", "profile"] {
        let file = folder.appendingPathComponent("\(name).\(model).json").path
        let run = try CommandRun(
          ["profiles", "export", name, "--format", "oscal-\(model)", "--output", file]
        )
        #expect(run.exitCode == 0, "\(run.errors)")
      }
      let shown = try CommandRun(["profiles", "show", name, "--format", "json"])
      let profile = try #require(try Fixtures.lines(shown.output.utf8).first)
      let controls = profile["controls"]?.array ?? []
      let settings = controls.flatMap { $0["goals"]?.array ?? [] }
        .reduce(0) { $0 + ($1["parameters"]?.object?.members.count ?? 0) }
      expected += "\(name) \(controls.count) \(controls.count) \(settings)\n"
    }
    let check = try CommandRun(
      Self.python,
      ["Tests/CommandTests/Fixtures/check_oscal.py", folder.path] + names
    )
    #expect(check.output == expected, "\(check.errors)")
  }

  @Test func `what is imported into an overlay loads, and says how`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let run = try CommandRun(
      [
        "profiles", "import", "Tests/CommandTests/Fixtures/nist-excerpt.json", "--id", "nist-few",
        "--effective-date", "2026-03-01", "--output",
        folder.appendingPathComponent("house/profiles/nist.yaml").path,
      ]
    )
    let house = folder.appendingPathComponent("house").path
    #expect(run.exitCode == 0 && run.output.isEmpty)
    #expect(
      run.errors == """
        plumb: wrote \(house)/profiles/nist.yaml
        plumb: warning: withdrawn controls, left out: 2
        plumb: nist-few 5.0.1: 8 controls, 0 with rules, 8 manual
        plumb: next: plumb profiles coverage nist-few --content \(house)

        """
    )
    let list = try CommandRun(["profiles", "show", "nist-few", "--content", house])
    #expect(list.output.contains("AC-2(1)  Automated System Account Management"), "\(list.errors)")
    #expect(list.output.contains("effective 2026-03-01"))
  }

  @Test(arguments: [
    (["import", "none.json"], "plumb: none.json: No such file or directory\n"),
    (["import", "Sources"], "plumb: Sources: is a folder; expected a file\n"),
    (["import", "/dev/null"], "plumb: /dev/null: is empty\n"),
    (
      ["export", "cis-aws", "--output", "/dev/null/x"],
      "plumb: /dev/null/x: cannot be written\n"
    ),
  ]) func `files that cannot be used end with one line`(arguments: [String], errors: String) throws
  {
    let run = try CommandRun(["profiles"] + arguments)
    #expect(run.exitCode == 2 && run.output.isEmpty)
    #expect(run.errors == errors)
  }

  @Test(arguments: [
    ["export", "cis-aws", "--format", "csv"], ["export", "cis-aws", "--catalog", "x"],
    ["import", "x", "--effective-date", "2026-02-30"],
  ]) func `options that do not go together are refused`(arguments: [String]) throws {
    let run = try CommandRun(["profiles"] + arguments)
    #expect(run.exitCode != 0 && run.errors.contains("--"))
  }
}
