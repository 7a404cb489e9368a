import Foundation
import JSON
import TestSupport
import Testing

/// `plumb gate`: what it refuses, tells and ends with.
struct GateCommandTests {
  private static let group = "Tests/CommandTests/Fixtures/gate/group.tf"
  private static let file = "Tests/CommandTests/Fixtures/gate/guardrails.yaml"
  private static let plan = "Tests/CommandTests/Fixtures/plan.json"
  private static let rules = "Tests/CommandTests/Fixtures/rules"

  private static func rulings(_ run: CommandRun) throws -> [JSONValue] {
    let report = try JSONParser().parse(Array(run.output.utf8))
    return (report["decisions"]?.array ?? []).flatMap { $0["rulings"]?.array ?? [] }
  }

  @Test(arguments: [
    ("prod-1", Int32(1), ["refused", "warned"]), ("test-1", 0, ["warned"]),
  ])
  func `the security group is refused in production and allowed elsewhere, with file and line`(
    account: String,
    exitCode: Int32,
    effects: [String]
  ) throws {
    let run = try CommandRun(
      ["gate", "terraform", Self.group, "--guardrails", Self.file, "--account", account]
        + ["--format", "json"]
    )
    #expect(run.exitCode == exitCode, "\(run.errors)")
    let rulings = try Self.rulings(run)
    #expect(rulings.compactMap { $0["effect"]?.string } == effects)
    let lines = rulings.compactMap { $0["source"]?["line"]?.whole }
    // The open ingress rule for port 80 begins at line 5, the egress rule for all protocols at 19.
    #expect(lines == (account == "prod-1" ? [9, 23] : [23]))
    #expect(rulings.allSatisfy { $0["fix"]?["text"]?.string?.isEmpty == false })
  }

  @Test func `a rule of one's own reads the tag`() throws {
    let rule = "Tests/CommandTests/Fixtures/gate/own.tagged.yaml"
    let run = try CommandRun(
      ["gate", "terraform", Self.group, "--rules", rule, "--format", "json"]
    )
    #expect(run.exitCode == 1, "\(run.errors)")
    #expect(try Self.rulings(run).first?["rule"] == "own.tagged")
  }

  @Test(arguments: [("disallow", Int32(1)), ("warn", 0), ("audit_log", 0)])
  func `the exit code goes by the enforcement`(enforcement: String, exitCode: Int32) throws {
    for format in ["text", "json", "sarif", "junit", "github", "gitlab"] {
      let run = try CommandRun(
        ["gate", "terraform", Self.plan, "--rules", Self.rules, "--enforcement", enforcement]
          + ["--format", format]
      )
      #expect(run.exitCode == exitCode, "\(format): \(run.errors)")
      #expect(!run.output.isEmpty, "\(format)")
    }
  }

  @Test func `a gate fails and does not know what a scan fails and does not know`() throws {
    let arguments = ["terraform", Self.plan, "--rules", Self.rules]
    let scan = try CommandRun(["scan"] + arguments + ["--format", "ndjson"])
    let gate = try CommandRun(["gate"] + arguments + ["--format", "json"])
    let results = try scan.output.split(separator: "\n").map { try JSONParser().parse($0.utf8) }
    func text(_ value: JSONValue, _ id: String?) -> String {
      "\(value["rule"]?.text ?? "") \(id ?? "") \(value["verdict"]?.text ?? "")"
    }
    let expected = results.filter { $0["verdict"] == "fail" || $0["verdict"] == "unknown" }.map {
      text($0, $0["resource"]?["id"]?.string)
    }
    let report = try JSONParser().parse(Array(gate.output.utf8))
    let found = (report["decisions"]?.array ?? []).flatMap { decision in
      (decision["rulings"]?.array ?? []).map { text($0, decision["resource"]?["id"]?.string) }
    }
    #expect(!expected.isEmpty)
    #expect(found.sorted() == expected.sorted())
  }

  @Test func `annotations tell warnings as warnings and refusals as errors`() throws {
    func run(_ enforcement: String, _ format: String) throws -> String {
      try CommandRun(
        ["gate", "terraform", Self.group, "--profile", "best-practices"]
          + ["--enforcement", enforcement, "--format", format]
      ).output
    }
    #expect(try run("warn", "github").hasPrefix("::warning file=\(Self.group),line=9"))
    #expect(try run("disallow", "github").hasPrefix("::error file=\(Self.group),line=9"))
    let sarif = try JSONParser().parse(Array(try run("disallow", "sarif").utf8))
    let results = sarif["runs"]?.array?[0]["results"]?.array ?? []
    #expect(results.compactMap { $0["level"]?.string } == ["error", "error"])
    #expect(try run("warn", "junit").contains("failures=\"0\""))
    #expect(try run("disallow", "junit").contains("failures=\"2\""))
  }

  @Test func `without a guardrail nothing is allowed`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let added = try CommandRun([
      "scopes", "add", "pay", "--include", "account=1", "--data", folder.path,
    ])
    #expect(added.exitCode == 0, "\(added.errors)")
    let run = try CommandRun(["gate", "terraform", Self.group, "--data", folder.path])
    #expect(run.exitCode == 2 && run.errors.contains("there are no guardrails to decide by"))
  }

  @Test func `a server without a guardrail in force allows nothing silently`() async throws {
    try await ServedStore.with { served in
      let gate = ["gate", "terraform", Self.group]
      let none = try served.remote(gate)
      #expect(none.exitCode == 2)
      #expect(none.errors.contains("the server has no guardrails in force to decide by"))
      let rule = "aws.ec2.sg-egress-restricted"
      let laid = try served.remote(["guardrails", "add", "--rule", rule, "all"])
      #expect(laid.exitCode == 0, "\(laid.errors)")
      try await Task.sleep(for: .seconds(2))
      let some = try served.remote(gate)
      #expect(some.exitCode == 0, "\(some.errors)")
      #expect(some.output.contains("1 allowed"))
    }
  }

  @Test func `what is refused makes no store, and what is missing names the list`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let data = ["--data", folder.path]
    let add = try CommandRun(["guardrails", "add", "--rule", "own.none", "all"] + data)
    #expect(add.exitCode == 2 && add.errors.contains("`plumb rules list`"), "\(add.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    let rule = "aws.ec2.sg-egress-restricted"
    let scope = try CommandRun(["guardrails", "add", "--rule", rule, "none"] + data)
    #expect(scope.errors.contains("there is no scope \"none\"; plumb scopes list shows them"))
    let template = try CommandRun(["guardrails", "add", "--template", "none", "all"] + data)
    #expect(template.errors.contains("plumb templates list shows them"), "\(template.errors)")
    let early = ["guardrails", "add", "--rule", rule, "all", "--enforcement", "disallow"]
    #expect(try CommandRun(early + data).errors.contains("--reason"))
    #expect(try CommandRun(["guardrails", "add", "--rule", rule, "all"] + data).exitCode == 0)
    for command in [["guardrails", "show", "9"], ["decisions", "show", "9"]] {
      let run = try CommandRun(command + data)
      #expect(run.exitCode == 2)
      #expect(run.errors.contains("plumb \(command[0]) list shows those there are"))
    }
  }

  @Test func `what Terraform alone can read is told at the gate`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let source = """
      module "network" {
        source  = "terraform-aws-modules/vpc/aws"
        version = "5.0.0"
      }
      resource "aws_s3_bucket" "logs" {
        bucket = "logs"
      }
      """
    let file = folder.appendingPathComponent("main.tf")
    try source.write(to: file, atomically: true, encoding: .utf8)
    let gate = ["gate", "terraform", folder.path, "--profile", "best-practices"]
    let run = try CommandRun(gate + ["--enforcement", "warn"])
    #expect(run.output.contains("not judged: module.network: "), "\(run.output)\(run.errors)")
    let json = try CommandRun(gate + ["--enforcement", "warn", "--format", "json"])
    let report = try JSONParser().parse(Array(json.output.utf8))
    #expect(report["outside"]?.array?.first?["address"] == "module.network")
  }

  @Test(arguments: [
    (["terraform", "Tests/CommandTests/Fixtures/gate/none.tf", "--profile", "cis-aws"], "none.tf"),
    (
      ["terraform", "Tests/CommandTests/Fixtures/gate/group.tf", "--data", "/tmp/nowhere-at-all"],
      "there are no guardrails to decide by"
    ),
    (["terraform", "group.tf", "--enforcement", "warn"], "are about --profile and --rules"),
    (["terraform", "group.tf", "--profile", "cis-aws", "--enforcement", "no"], "is none of"),
    (["terraform", "group.tf", "--guardrails", "x", "--profile", "cis-aws"], "excludes"),
    (["terraform", "group.tf", "--format", "html"], "is none of"),
  ])
  func `what cannot be decided ends with 2 and says why`(
    arguments: [String],
    errors: String
  ) throws {
    let run = try CommandRun(["gate"] + arguments)
    #expect(run.exitCode == 2)
    #expect(run.errors.contains(errors), "\(run.errors)")
  }

  @Test func `guardrails that are kept decide, and the log tells of it`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let data = ["--data", folder.path]
    func plumb(_ arguments: [String]) throws -> CommandRun { try CommandRun(arguments + data) }
    let own = "Tests/CommandTests/Fixtures/gate/own.tagged"
    let added = try plumb(["rules", "add", "\(own).yaml", "--cases", "\(own).cases.yaml"])
    #expect(added.exitCode == 0, "\(added.errors)")
    #expect(added.output == "rule own.tagged, version 1: Security group names its owner\n")
    #expect(try plumb(["rules", "add", "\(own).yaml"]).exitCode == 2)
    #expect(try plumb(["rules", "add", "\(own).yaml", "--replace"]).output.contains("version 2"))
    #expect(try plumb(["rules", "list"]).output.contains("own.tagged"))
    let laid = try plumb(["guardrails", "add", "--rule", "own.tagged", "all"])
    #expect(laid.output == "guardrail 1: rule own.tagged on all, audit_log\n", "\(laid.errors)")
    #expect(try plumb(["gate", "terraform", Self.group]).exitCode == 0)
    let early = try plumb(["guardrails", "change", "1", "--enforcement", "disallow"])
    #expect(early.exitCode == 2)
    #expect(early.errors.contains("let it warn first"))
    #expect(try plumb(["guardrails", "change", "1", "--enforcement", "warn"]).exitCode == 0)
    let strict = try plumb(["guardrails", "change", "1", "--enforcement", "disallow"])
    #expect(
      strict.output == "guardrail 1: rule own.tagged on all, disallow, on failure open\n",
      "\(strict.errors)"
    )
    let refused = try plumb(["gate", "terraform", Self.group, "--as", "dev"])
    #expect(refused.exitCode == 1)
    #expect(refused.output.contains("Add the tag Owner"))
    let log = try plumb(["decisions", "list", "--decision", "refused", "--format", "json"])
    let entries = try JSONParser().parse(Array(log.output.utf8)).array ?? []
    #expect(entries.map { $0["actor"] } == ["dev"])
    #expect(entries.map { $0["gate"] } == ["terraform"])
    #expect(entries.map { $0["rule"] } == ["own.tagged"])
    #expect(try plumb(["rules", "remove", "own.tagged"]).output.contains("guardrail 1 is removed"))
    #expect(try plumb(["guardrails", "list"]).output == "0 guardrails\n")
    #expect(try plumb(["gate", "terraform", Self.group]).exitCode == 2)
  }
}
