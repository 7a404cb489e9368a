import Foundation
import JSON
import TestSupport
import Testing

/// One run of the command line: arguments, input, exit code, and the golden file of its output.
private struct Case: CustomTestStringConvertible, Sendable {
  var name: String
  var arguments: [String]
  var exitCode: Int32
  var input = ""

  var testDescription: String { name }
}

private let manifests = "Tests/CommandTests/Fixtures/manifests"
private let planFile = "Tests/CommandTests/Fixtures/plan.json"
private let now = ["--now", "2026-01-01T00:00:00Z"]
private let rules = ["--rules", "Tests/CommandTests/Fixtures/rules"]
private let overlay = ["--content", "Tests/CommandTests/Fixtures/overlay"]

private let access = [
  "access", "--inventory", "Tests/CommandTests/Fixtures/access/inventory.ndjson",
]

private let cases: [Case] = [
  Case(name: "help", arguments: ["--help"], exitCode: 0),
  Case(name: "judge-help", arguments: ["judge", "--help"], exitCode: 0),
  Case(name: "scan-terraform-help", arguments: ["scan", "terraform", "--help"], exitCode: 0),
  Case(
    name: "scan-kubernetes-text",
    arguments: ["scan", "kubernetes", manifests] + now + rules,
    exitCode: 1
  ),
  Case(
    name: "scan-kubernetes-exceptions",
    arguments: [
      "scan", "kubernetes", manifests, "--exceptions",
      "Tests/CommandTests/Fixtures/exceptions.yaml", "--threshold", "high",
    ] + now + rules,
    exitCode: 0
  ),
  Case(
    name: "scan-kubernetes-json",
    arguments: ["scan", "kubernetes", manifests, "--format", "json"] + now + rules,
    exitCode: 1
  ),
  Case(
    name: "scan-kubernetes-csv",
    arguments: ["scan", "kubernetes", manifests, "--format", "csv"] + now + rules,
    exitCode: 1
  ),
  Case(
    name: "scan-kubernetes-junit",
    arguments: ["scan", "kubernetes", manifests, "--format", "junit"] + now + rules,
    exitCode: 1
  ),
  Case(
    name: "scan-kubernetes-sarif",
    arguments: ["scan", "kubernetes", manifests, "--format", "sarif"] + now + rules,
    exitCode: 1
  ),
  Case(
    name: "scan-kubernetes-html",
    arguments: ["scan", "kubernetes", manifests, "--format", "html"] + now + rules,
    exitCode: 1
  ),
  Case(
    name: "scan-terraform-text",
    arguments: ["scan", "terraform", planFile] + now + rules,
    exitCode: 1
  ),
  Case(
    name: "scan-terraform-ndjson",
    arguments: ["scan", "terraform", planFile, "--format", "ndjson"] + now + rules,
    exitCode: 1
  ),
  Case(
    name: "judge",
    arguments: ["judge", "-"] + now + rules,
    exitCode: 1,
    input: """
      {"service_name":"core","resource_kind":"Namespace","id":"a","configuration":{"metadata":{"labels":{"owner":"x"}}}}
      {"service_name":"core","resource_kind":"Namespace","id":"b","configuration":{"metadata":{}}}
      {"service_name":"core","resource_kind":"Namespace","id":"c","unread":{"metadata":"denied"},"configuration":{}}
      {"service_name":"core","resource_kind":"Secret","id":"d","configuration":{}}
      """
  ),
  Case(
    name: "judge-failures-no-proof",
    arguments: ["judge", "--failures-only", "--no-proof", "-"] + now + rules,
    exitCode: 1,
    input: """
      {"service_name":"core","resource_kind":"Namespace","id":"b","configuration":{"metadata":{}}}
      """
  ),
  Case(
    name: "judge-summary",
    arguments: ["judge", "--summary", "-"] + now + rules,
    exitCode: 0,
    input: """
      {"service_name":"core","resource_kind":"Namespace","id":"a","configuration":{"metadata":{"labels":{"owner":"x"}}}}
      """
  ),
  Case(
    name: "judge-bad-line",
    arguments: ["judge", "-"] + now + rules,
    exitCode: 2,
    input: "{\"service_name\":\"core\"\n"
  ),
  Case(name: "judge-empty", arguments: ["judge", "-"] + rules, exitCode: 2),
  Case(name: "judge-no-file", arguments: ["judge", "/nonexistent.ndjson"] + rules, exitCode: 2),
  Case(
    name: "judge-wrong-rule",
    arguments: ["judge", "--rules", "Tests/CommandTests/Fixtures/wrong-rule.yaml", "-"],
    exitCode: 2
  ),
  Case(
    name: "judge-wrong-parameter",
    arguments: ["judge", "-", "--param", "fixture.namespace-owner.label=7"] + rules,
    exitCode: 2
  ),
  Case(
    name: "scan-no-such-profile",
    arguments: ["scan", "kubernetes", manifests, "--profile", "none"],
    exitCode: 2
  ),
  Case(
    name: "scan-not-a-plan",
    arguments: ["scan", "terraform", "Tests/CommandTests/Fixtures/exceptions.yaml"],
    exitCode: 2
  ),
  Case(name: "rules-list", arguments: ["rules", "list"] + rules, exitCode: 0),
  Case(
    name: "rules-show",
    arguments: ["rules", "show", "fixture.namespace-owner"] + rules,
    exitCode: 0
  ),
  Case(name: "rules-test", arguments: ["rules", "test"] + rules, exitCode: 0),
  Case(
    name: "rules-test-failing",
    arguments: ["rules", "test", "--rules", "Tests/CommandTests/Fixtures/failing-cases"],
    exitCode: 1
  ),
  Case(
    name: "rules-test-failures-only",
    arguments: [
      "rules", "test", "--failures-only", "--rules", "Tests/CommandTests/Fixtures/failing-cases",
    ],
    exitCode: 1
  ),
  Case(
    name: "rules-test-no-cases",
    arguments: [
      "rules", "test", "--failures-only", "--rules", "Tests/CommandTests/Fixtures/overlay/rules",
    ],
    exitCode: 1
  ),
  Case(
    name: "rules-list-overlay",
    arguments: ["rules", "list", "--service", "fixture"] + overlay,
    exitCode: 0
  ),
  Case(
    name: "rules-show-deprecated",
    arguments: ["rules", "show", "fixture.overlay-closed"] + overlay,
    exitCode: 0
  ),
  Case(
    name: "rules-new-taken",
    arguments: ["rules", "new", "fixture.overlay-locked"] + overlay,
    exitCode: 2
  ),
  Case(name: "rules-new-wrong-id", arguments: ["rules", "new", "House.Rule"], exitCode: 2),
  Case(
    name: "judge-deprecated",
    arguments: ["judge", "--no-proof", "--profile", "fixture-boxes", "-"] + now + overlay,
    exitCode: 1,
    input: """
      {"service_name":"fixture","resource_kind":"box","id":"a","configuration":{"Locked":true}}
      """
  ),
  Case(
    name: "profiles-coverage",
    arguments: ["profiles", "coverage", "fixture-boxes"] + overlay,
    exitCode: 0
  ),
  Case(
    name: "profiles-coverage-json",
    arguments: ["profiles", "coverage", "fixture-boxes", "--format", "json"] + overlay,
    exitCode: 0
  ),
  Case(
    name: "content-no-overlay",
    arguments: ["content", "--content", manifests],
    exitCode: 2
  ),
  Case(name: "content-help", arguments: ["content", "--help"], exitCode: 0),
  Case(name: "profiles-list", arguments: ["profiles", "list"], exitCode: 0),
  Case(name: "access", arguments: access, exitCode: 0),
  Case(name: "access-csv", arguments: access + ["web-1", "--format", "csv"], exitCode: 0),
  Case(
    name: "access-json",
    arguments: access + ["pay", "--level", "access", "--format", "json"],
    exitCode: 0
  ),
  Case(name: "access-nothing", arguments: access + ["nothing"], exitCode: 2),
  Case(name: "access-help", arguments: ["access", "--help"], exitCode: 0),
  Case(name: "wrong-option", arguments: ["judge", "--nonsense"], exitCode: 2),
  Case(name: "why-nothing", arguments: ["why", "ABCD"], exitCode: 2),
]

struct CommandTests {
  /// Compares a run with `Golden/NAME.txt`; `PLUMB_REWRITE_GOLDEN=1` writes the file anew, except
  /// where CI is set.
  @Test(arguments: cases)
  private func `a command prints what its golden file holds`(testCase: Case) throws {
    let run = try CommandRun(testCase.arguments, input: Data(testCase.input.utf8))
    #expect(run.exitCode == testCase.exitCode, "\(run.errors)")
    let text = "exit \(run.exitCode)\n--- output\n\(run.output)--- errors\n\(run.errors)"
    let golden = Fixtures.root.appendingPathComponent(
      "Tests/CommandTests/Golden/\(testCase.name).txt"
    )
    let environment = ProcessInfo.processInfo.environment
    if environment["PLUMB_REWRITE_GOLDEN"] == "1", environment["CI"] == nil {
      try Data(text.utf8).write(to: golden)
    }
    let expected = try String(contentsOf: golden, encoding: .utf8)
    #expect(text == expected)
  }

  @Test func `why explains a result of the last scan`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let state = ["PLUMB_STATE": folder.path]
    let scan = try CommandRun(
      ["scan", "kubernetes", manifests, "--format", "ndjson"] + now + rules,
      environment: state
    )
    let failed = try Fixtures.lines(scan.output.utf8).first { $0["verdict"]?.string == "fail" }
    let id = try #require(failed?["id"]?.string)
    let why = try CommandRun(["why", String(id.prefix(6))], environment: state)
    #expect(why.exitCode == 0, "\(why.errors)")
    #expect(why.output.contains(id))
    #expect(why.output.contains("NO "))
    #expect(why.output.contains("observed"))
  }
}

/// Reports, checked by programs that others made.
struct ForeignReaderTests {
  private static let tools = Fixtures.root.appendingPathComponent(".build/tools/bin")

  private func scan(_ format: String) throws -> (folder: URL, file: URL) {
    let folder = try Fixtures.temporaryFolder()
    let file = folder.appendingPathComponent("report.\(format)")
    let run = try CommandRun(
      [
        "scan", "kubernetes", "Tests/Acceptance/kubernetes", "Tests/Acceptance/kubernetes-broken",
        "--format", format, "--output", file.path,
      ])
    #expect(run.exitCode == 2)
    return (folder, file)
  }

  @Test func `SARIF is valid by the schema of its standard`() throws {
    let (folder, file) = try scan("sarif")
    defer { Fixtures.remove(folder) }
    let schema = Fixtures.shared.appendingPathComponent("data/validators/schemas/sarif-2.1.0.json")
    let check = try CommandRun(
      Self.tools.appendingPathComponent("check-jsonschema"),
      ["--schemafile", schema.path, file.path]
    )
    #expect(check.exitCode == 0, "\(check.output)\(check.errors)")
  }

  @Test func `JUnit is read by junitparser with the same counts`() throws {
    let (folder, file) = try scan("junit")
    defer { Fixtures.remove(folder) }
    let script = """
      import sys, junitparser
      x = junitparser.JUnitXml.fromfile(sys.argv[1])
      cases = [c for s in x for c in s]
      bad = sum(1 for c in cases if any(isinstance(r, junitparser.Failure) for r in c.result))
      print(len(cases) == x.tests, bad == x.failures, len(cases) > 400)
      """
    let check = try CommandRun(
      Self.tools.appendingPathComponent("python3"),
      ["-c", script, file.path]
    )
    #expect(check.output == "True True True\n", "\(check.errors)")
  }

  @Test func `CSV is read by Python with a column for every name`() throws {
    let (folder, file) = try scan("csv")
    defer { Fixtures.remove(folder) }
    let script = """
      import csv, sys
      rows = list(csv.reader(open(sys.argv[1], newline="", encoding="utf-8")))
      print(len({len(r) for r in rows}), len(rows) > 400)
      """
    let check = try CommandRun(
      Self.tools.appendingPathComponent("python3"),
      ["-c", script, file.path]
    )
    #expect(check.output == "1 True\n", "\(check.errors)")
  }

  @Test func `a browser shows the report, and search narrows its rows`() throws {
    let (folder, file) = try scan("html")
    defer { Fixtures.remove(folder) }
    let check = try CommandRun(
      Self.tools.appendingPathComponent("python3"),
      ["Tests/CommandTests/Fixtures/browse.py", file.path]
    )
    #expect(check.exitCode == 0, "\(check.output)\(check.errors)")
  }
}
