import Foundation
import JSON
import TestSupport
import Testing

/// An example of every command that a server can do, whose call `Golden/show-api.txt` holds.
private let examples: [[String]] = [
  ["scan", "inventory", "estate.ndjson", "--account", "123456789012", "--complete"],
  ["scans", "list", "--limit", "10"], ["scans", "show", "12"], ["scans", "cancel", "12"],
  ["status"], ["status", "--as-of", "2026-11-01"],
  ["results"],
  [
    "results", "--verdict", "all", "--severity", "high", "--scope", "R&D 1", "--profile", "cis-aws",
    "--rule", "aws.s3.*", "--rule", "aws.iam.*", "--kind", "s3/bucket", "--account", "1",
    "--resource", "arn:aws:s3:::ledger-*", "--without-excepted", "--as-of", "2026-11-01",
  ],
  ["diff", "12", "13"],
  ["score", "explain", "--from", "2026-11-01", "--scope", "production"], ["score", "history"],
  ["coverage", "--as-of", "2026-11-01"], ["controls", "cis-aws", "--scope", "production"],
  ["rules", "list", "--service", "s3", "--severity", "high"],
  ["rules", "show", "aws.s3.versioning"],
  ["profiles", "list"], ["profiles", "show", "cis-aws"], ["content"],
  [
    "credentials", "add", "audit", "--provider", "aws", "--access-key-id", "AKIA", "--account", "1",
  ],
  ["credentials", "add", "bank", "--provider", "ibm"],
  ["credentials", "list"], ["credentials", "show", "audit"], ["credentials", "rotate", "audit"],
  ["credentials", "revoke", "audit"], ["credentials", "test", "audit"],
  ["scopes", "add", "pay", "--within", "production", "--include", "tag:app=pay,tag:app=ledger"],
  ["scopes", "list", "--now", "2026-11-01"], ["scopes", "show", "R&D 1"],
  ["scopes", "remove", "pay"],
  ["accounts", "list"], ["accounts", "place", "1234", "--name", "Ann's", "--under", "europe"],
  ["accounts", "import", "Tests/CommandTests/Fixtures/accounts.yaml"],
  ["accounts", "place", "europe", "--provider", "", "--under", ""],
  ["attach", "cis-aws", "pay", "--param", "aws.iam.password-length.minimum=16", "--every", "24h"],
  ["attachments", "list"], ["attachments", "remove", "3"], ["attachments", "run", "3"],
  ["attachments", "runs", "3", "--limit", "5"], ["attachments", "schedule", "3"],
  ["attachments", "pause", "3"], ["attachments", "pause", "3", "--until", "2026-12-27T00:00:00Z"],
  ["attachments", "resume", "3"],
  [
    "jobs", "list", "--state", "failed", "--state", "set_aside", "--kind", "scan", "--account", "1",
    "--run", "4", "--limit", "10",
  ],
  ["jobs", "show", "12"], ["jobs", "watch", "12"], ["jobs", "retry", "12"],
  ["jobs", "cancel", "12"],
  [
    "exceptions", "request", "--rule", "aws.s3.versioning", "--resource", "scratch-*", "--reason",
    "It's rebuilt \"every\" night for $5", "--owner", "data", "--control", "a copy", "--expires",
    "2027-01-31",
  ],
  ["exceptions", "approve", "EX-7"], ["exceptions", "revoke", "7"],
  ["exceptions", "list", "--state", "approved"], ["exceptions", "report"],
  ["marks", "set", "--resource", "ledger-*", "--criticality", "high", "--owner", ""],
  ["marks", "list"],
  [
    "attest", "cis-aws", "2.1.1", "--evidence", "root access.pdf", "--statement", "It is so",
    "--observed", "2026-10-30", "--from", "2026-10-01", "--until", "2027-09-30",
  ],
  ["attestations", "list"], ["attestations", "approve", "2"],
  ["attestations", "evidence", "2", "--output", "-"],
  ["audit", "list", "--actor", "jane", "--action", "exception.*", "--limit", "20"],
  ["audit", "verify"],
  ["people", "add", "Ada", "--email", "ada@example.com"], ["people", "list"],
  ["people", "grant", "Ada O'Hara", "editor", "--on-scope", "pay", "--until", "2027-03-31"],
  ["people", "revoke", "7"], ["people", "code", "Ada"], ["people", "disable", "Ada"],
  ["people", "enable", "Ada"],
  ["keys", "list"], ["keys", "revoke", "3"],
  ["collectors", "code", "plant-7"], ["collectors", "list"], ["collectors", "show", "plant-7"],
  ["collectors", "approve", "plant-7"], ["collectors", "scan", "plant-7", "audit"],
  ["collectors", "stop", "plant-7", "--reason", "it moves"],
  ["collectors", "stop", "plant-7", "--revoke", "--reason", "stolen"],
  ["collectors", "code", "plant-7"], ["collectors", "list"], ["collectors", "show", "plant-7"],
  ["collectors", "approve", "plant-7"],
  ["collectors", "stop", "plant-7", "--reason", "it moves"],
  ["collectors", "scan", "plant-7", "audit"],
  ["gate", "terraform", "Tests/CommandTests/Fixtures/gate/group.tf", "--account", "1"],
  ["gate", "cloudformation", "Tests/CommandTests/Fixtures/gate/bucket.yaml", "--account", "1"],
  ["gate", "kubernetes", "Tests/CommandTests/Fixtures/manifests", "--account", "1"],
  [
    "guardrails", "add", "--rule", "aws.s3.tls-only", "production", "--exclude", "account=testing",
    "--enforcement", "warn", "--on-failure", "closed",
  ],
  ["guardrails", "change", "3", "--enforcement", "disallow", "--reason", "an audit asks for it"],
  ["guardrails", "remove", "3"], ["guardrails", "list"], ["guardrails", "show", "3"],
  ["guardrails", "enforced", "--account", "1"],
  ["guardrails", "preview", "--profile", "cis-aws", "all", "--since", "2026-11-01"],
  [
    "rules", "add", "Tests/CommandTests/Fixtures/gate/own.tagged.yaml", "--cases",
    "Tests/CommandTests/Fixtures/gate/own.tagged.cases.yaml", "--label", "house",
  ],
  ["rules", "add", "Tests/CommandTests/Fixtures/gate/own.tagged.yaml", "--replace"],
  ["rules", "remove", "own.tagged"],
  ["profiles", "remove", "house-rules"],
  ["templates", "add", "Tests/CommandTests/Fixtures/gate/encrypted.yaml"],
  ["templates", "list"], ["templates", "show", "encrypted"], ["templates", "remove", "encrypted"],
  ["decisions", "list", "--decision", "refused", "--limit", "9"], ["decisions", "show", "7"],
  ["decisions", "count", "--decision", "refused", "--from", "2026-11-01"],
  ["findings", "list", "--severity", "high", "--source", "custom"], ["findings", "show", "7"],
  ["findings", "change", "7", "accepted", "--reason", "known"], ["findings", "notes"],
  ["findings", "export", "--format", "ocsf", "--state", "all"],
  ["channels", "list"], ["channels", "show", "3"], ["channels", "test", "3"],
  ["channels", "add", "ops", "--kind", "syslog", "--address", "syslog+udp://log.example.org"],
  ["channels", "change", "3", "--severity", "high"], ["channels", "rotate", "3"],
  ["channels", "remove", "3"],
  ["alerts", "list", "--state", "dead", "--channel", "3"], ["alerts", "show", "9"],
  ["alerts", "count"], ["alerts", "retry", "9"],
  [
    "conversations", "list", "--direction", "outbound", "--listed", "--address", "192.0.2.1",
    "--from", "2026-11-01",
  ],
  ["conversations", "count", "--account", "111122223333"],
  ["api", "/resources", "account=111122223333", "q=a b"],
  ["api", "--method", "DELETE", "/scopes/production"],
]

/// A command of `plumb` without subcommands.
private struct Leaf {
  var words: [String]
  var options: Set<String>

  /// All of them, as the command line itself tells.
  static func all() throws -> [Leaf] {
    let help = try CommandRun(["--experimental-dump-help"])
    let root = try JSONParser().parse(Array(help.output.utf8))
    func leaves(_ command: JSONValue, _ words: [String]) -> [Leaf] {
      let below = (command["subcommands"]?.array ?? []).filter {
        $0["commandName"]?.string != "help"
      }
      guard below.isEmpty else {
        return below.flatMap { leaves($0, words + [$0["commandName"]?.string ?? ""]) }
      }
      let names = (command["arguments"]?.array ?? []).flatMap { $0["names"]?.array ?? [] }
      return [Leaf(words: words, options: Set(names.compactMap { $0["name"]?.string }))]
    }
    return leaves(root["command"] ?? .null, [])
  }
}

/// Compares a text with a golden file, or writes that anew, as ``CommandTests`` does.
private func expectGolden(_ text: String, _ name: String) throws {
  let golden = Fixtures.root.appendingPathComponent("Tests/CommandTests/Golden/\(name).txt")
  let environment = ProcessInfo.processInfo.environment
  if environment["PLUMB_REWRITE_GOLDEN"] == "1", environment["CI"] == nil {
    try Data(text.utf8).write(to: golden)
  }
  #expect(try text == String(contentsOf: golden, encoding: .utf8))
}

struct ServerCommandTests {
  @Test func `every command has a call of the API or says why it has none`() throws {
    let leaves = try Leaf.all()
    #expect(leaves.count > 60)
    var refusals = ""
    for leaf in leaves {
      let name = leaf.words.joined(separator: " ")
      if examples.contains(where: { $0.starts(with: leaf.words) }) {
        #expect(leaf.options.contains("show-api"), "\(name)")
      } else if name == "gate run-task" {
        // It asks no server, and prints where one will be asked.
        continue
      } else if !leaf.options.contains("server") || leaf.options.contains("show-api") {
        let run = try CommandRun(leaf.words + ["--server", "http://127.0.0.1:1"])
        #expect(run.exitCode == 2 && run.output.isEmpty)
        #expect(run.errors.contains("has no call of the API"), "\(name): \(run.errors)")
        refusals += run.errors
      }
    }
    try expectGolden(refusals, "no-api")
  }

  @Test func `a command shows the same as a call of the API`() throws {
    var text = ""
    for arguments in examples {
      let run = try CommandRun(arguments + ["--show-api"])
      #expect(run.exitCode == 0 && run.errors.isEmpty, "\(arguments): \(run.errors)")
      let shell = try CommandRun(
        URL(fileURLWithPath: "/bin/sh"),
        ["-n"],
        input: Data(run.output.utf8)
      )
      #expect(shell.exitCode == 0, "\(run.output): \(shell.errors)")
      text += "# plumb \(arguments.joined(separator: " "))\n\(run.output)\n"
    }
    try expectGolden(text, "show-api")
  }

  @Test(arguments: [
    (["status", "--server", "plumb.example.com"], "--server expects an address such as"),
    (["status", "--server", "http://a/$(id)"], "--server expects an address such as"),
    (["status", "--server", "http://127.0.0.1:1"], "a server needs an API key"),
    (["status", "--token-file", "/dev/null"], "--token-file belongs to --server"),
    (
      ["status", "--server", "https://a", "--token-file", "/nowhere"],
      "/nowhere: No such file or directory"
    ),
    (["scopes", "list", "--server", "https://a", "--data", "b"], "--data and --server exclude"),
    (["scopes", "remove", "x", "--server", "https://a", "--as", "b"], "--as is not for a server"),
    (["scopes", "remove", "x", "--show-api", "--now", "2026-11-01"], "--now is not for a server"),
    (["jobs", "list", "--show-api", "--before", "9"], "--before is not for a server"),
    (["jobs", "cancel", "1", "--server", "https://a", "--as", "b"], "--as is not for a server"),
    (["results", "--server", "https://a", "--owner", "b"], "--owner is not for a server"),
    (["rules", "list", "--server", "https://a", "--rules", "b"], "--rules and --server exclude"),
    (
      ["scan", "inventory", "x", "--server", "https://a", "--profile", "b"],
      "--profile is not for a server"
    ),
    (["credentials", "rotate", "--key", "--server", "https://a"], "--key is not for a server"),
    (
      ["credentials", "add", "a", "--provider", "ibm", "--server", "http://plumb.example.com"],
      "a secret goes over TLS only, and http://plumb.example.com is without"
    ),
  ]) func `what a server cannot be asked is told before it is asked`(
    arguments: [String],
    errors: String
  ) throws {
    let run = try CommandRun(arguments, environment: ["PLUMB_TOKEN": ""])
    #expect(run.exitCode == 2 && run.output.isEmpty)
    #expect(run.errors.hasPrefix("plumb: \(errors)"), "\(run.errors)")
    #expect(run.errors.filter(\.isNewline).count == 1)
  }

  @Test func `a folder has one server, and nobody who came before gets another code`() async throws
  {
    try await ServedStore.with { served in
      let other = try served.local(["serve", "--port", "0"])
      #expect(other.exitCode == 2 && other.output.isEmpty)
      #expect(other.errors.contains("another plumb serve works with it"))
      let port = served.address.split(separator: ":").last ?? ""
      let taken = try CommandRun([
        "serve", "--port", String(port), "--data", served.folder.appendingPathComponent("b").path,
      ])
      #expect(taken.exitCode == 2)
      #expect(taken.errors.contains("cannot listen at 127.0.0.1, port \(port): "))
    }
  }

  @Test func `a server that cannot be reached is told`() throws {
    let run = try CommandRun(
      ["status", "--server", "http://127.0.0.1:1"],
      environment: ["PLUMB_TOKEN": "key"]
    )
    #expect(run.exitCode == 2)
    #expect(run.errors.hasPrefix("plumb: 127.0.0.1:1 cannot be reached"), "\(run.errors)")
  }
}
