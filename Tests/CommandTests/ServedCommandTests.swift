import Foundation
import JSON
import TestSupport
import Testing

/// A list, and the members by which its items are told apart here and on a server.
private struct Listing {
  var arguments: [String]
  var here: [String]
  var there: [String]

  init(_ arguments: [String], _ here: [String], there: [String]? = nil) {
    (self.arguments, self.here, self.there) = (arguments, here, there ?? here)
  }

  static let all: [Listing] = [
    Listing(["scans", "list"], ["id", "status"]),
    Listing(["results", "--verdict", "all"], ["id", "verdict", "rule"]),
    Listing(["results", "--resource", "bucket-1"], ["id", "verdict", "rule"]),
    Listing(["results", "--verdict", "all", "--limit", "1"], ["severity"]),
    Listing(["controls", "best-practices"], ["id", "state"]),
    Listing(["coverage"], ["account", "kind", "complete"]),
    Listing(["score", "history"], ["profile", "scan", "score"]),
    Listing(["scopes", "list"], ["name", "include"], there: ["name", "includes"]),
    Listing(["accounts", "list"], ["account", "provider", "name"]),
    Listing(["attachments", "list"], ["id", "profile", "scope"]),
    Listing(["exceptions", "list"], ["id", "name", "state"]),
    Listing(["marks", "list"], ["subject", "name", "mark", "value"]),
    Listing(["attestations", "list"], ["id", "evidence_sha256", "period_to"]),
    Listing(["people", "list"], ["id", "name", "email"]),
    Listing(["keys", "list"], ["id", "name", "role"]),
    Listing(["credentials", "list"], ["name", "version", "keys"]),
    Listing(["audit", "list", "--limit", "7"], ["number", "action", "sha256"]),
    Listing(["diff", "1", "2"], ["id", "change"]),
    Listing(["rules", "list", "--severity", "critical"], ["id", "version"]),
    Listing(["profiles", "list"], ["id", "controls"]),
  ]

  static func rows(_ items: JSONValue, _ members: [String]) -> [String] {
    (items.array ?? items["controls"]?.array ?? []).map { item in
      members.map { item[$0]?.text ?? "none" }.joined(separator: " ")
    }.sorted()
  }
}

/// Changes by commands on a server, each with what it says then.
private let changes: [(arguments: [String], says: String)] = [
  (["attach", "best-practices", "all"], "attachment 1: best-practices "),
  (["scopes", "add", "pay", "--include", "tag:app=pay"], "scope pay is added"),
  (["accounts", "place", "123456789012", "--name", "Payments"], "account 123456789012 is placed"),
  (
    [
      "exceptions", "request", "--rule", "aws.s3.versioning", "--resource", "bucket-*", "--reason",
      "it's fine", "--owner", "me", "--control", "a copy", "--expires", "2099-01-31",
    ], "EX-1 is requested"
  ),
  (
    ["marks", "set", "--scope", "pay", "--owner", "pay team", "--data-kind", "customer"],
    "data-kind"
  ),
  (["marks", "set", "--scope", "pay", "--owner", ""], "owner of scope pay is removed"),
  (
    [
      "attest", "cis-aws", "2.1.1", "--evidence", "README.md", "--statement", "It is so",
      "--observed", "2026-01-30", "--from", "2026-01-01", "--until", "2099-09-30",
    ], "attestation 1 is kept"
  ),
  (["people", "add", "Ada O'Hara", "--email", "ada@example.com"], "Ada O'Hara is added"),
  (
    ["people", "grant", "Ada O'Hara", "editor", "--on-scope", "pay"],
    "grant 2: Ada O'Hara is editor"
  ),
  (["people", "disable", "Ada O'Hara"], "Ada O'Hara cannot sign in any more"),
  (["people", "enable", "Ada O'Hara"], "Ada O'Hara can sign in again"),
  (["people", "revoke", "2"], "grant 2 is taken back"),
]

struct ServedCommandTests {
  private static func inventory(_ versions: String) -> String {
    (0..<6).map { number in
      """
      {"provider":"aws","account":"123456789012","region":"eu-west-1","service_name":"s3",\
      "resource_kind":"bucket","id":"bucket-\(number)","tags":{"app":"pay"},\
      "configuration":{"Versioning":{"Status":"\(number < 3 ? "Enabled" : versions)"}}}

      """
    }.joined()
  }

  private func fill(_ served: ServedStore) throws {
    for change in changes {
      let run = try served.remote(change.arguments)
      #expect(run.exitCode == 0, "\(change.arguments): \(run.errors)")
      #expect(run.output.hasPrefix(change.says), "\(change.arguments): \(run.output)")
    }
    for (number, versions) in ["Suspended", "Enabled"].enumerated() {
      let run = try served.remote(
        ["scan", "inventory", "-", "--account", "123456789012", "--complete"],
        input: Self.inventory(versions)
      )
      #expect(run.output.hasPrefix("scan \(number + 1): 6 resources"), "\(run.errors)")
    }
  }

  @Test func `commands on a server find what they find on its data`() async throws {
    try await ServedStore.with { served in
      try fill(served)
      for secret in ["the-first", "the-second"] {
        let verb = secret == "the-first" ? ["add", "c1", "--provider", "ibm"] : ["rotate", "c1"]
        let run = try served.remote(["credentials"] + verb, input: secret)
        #expect(run.exitCode == 0 && !run.output.contains(secret), "\(run.errors)")
      }
      for listing in Listing.all {
        let here = Listing.rows(try served.localJSON(listing.arguments), listing.here)
        let there = Listing.rows(try served.remoteJSON(listing.arguments), listing.there)
        #expect(here == there, "\(listing.arguments)")
        #expect(!here.isEmpty || listing.arguments == ["coverage"], "\(listing.arguments)")
      }
      for arguments in [["content"], ["scans", "show", "1"], ["credentials", "show", "c1"]] {
        let (here, there) = (try served.localJSON(arguments), try served.remoteJSON(arguments))
        for member in ["sha256", "version", "goals_sha256", "name"] where here[member] != nil {
          #expect(here[member] == there[member], "\(arguments) \(member)")
        }
      }
      let csv = ["results", "--resource", "bucket-1", "--format", "csv"]
      #expect(
        try served.local(csv).output.split(separator: "\n").sorted()
          == served.remote(csv).output.split(separator: "\n").sorted()
      )
      let evidence = try served.remote(["attestations", "evidence", "1", "--output", "-"])
      let readme = Fixtures.root.appendingPathComponent("README.md")
      #expect(try evidence.output == String(contentsOf: readme, encoding: .utf8))
      let audit = try served.remote(["audit", "verify"])
      #expect(audit.output.hasPrefix("the audit log is whole"), "\(audit.errors)")
    }
  }

  @Test func `jobs and schedules are steered on a server as they are on its data`() async throws {
    try await ServedStore.with { served in
      // Nobody answers there, so that every try goes wrong at once.
      let added = try CommandRun(
        [
          "credentials", "add", "c1", "--provider", "aws", "--access-key-id", "AKIATEST",
          "--account",
          "123456789012", "--endpoint-url", "http://127.0.0.1:1",
        ],
        input: Data("secret".utf8),
        environment: ["PLUMB_DATA": served.folder.appendingPathComponent("data").path]
      )
      #expect(added.exitCode == 0, "\(added.errors)")
      let attach = ["attach", "best-practices", "all", "--every", "24h"]
      #expect(try served.remote(attach).exitCode == 0)
      func says(_ arguments: [String], _ start: String, exitCode: Int32 = 0) throws {
        let run = try served.remote(arguments)
        let text = exitCode == 0 ? run.output : run.errors
        #expect(run.exitCode == exitCode && text.hasPrefix(start), "\(arguments): \(text)")
      }
      let account = "job 1 of aws account 123456789012"
      let run = try served.remote(["attachments", "run", "1"])
      #expect(run.output.hasSuffix(account + "\n"), "\(run.output) \(run.errors)")
      try says(
        ["attachments", "pause", "1", "--until", "2099-01-01"],
        "attachment 1 is paused until"
      )
      try says(["attachments", "pause", "1"], "plumb: attachment 1 is paused already", exitCode: 2)
      for arguments in [
        ["attachments", "list"], ["attachments", "runs", "1"],
        ["attachments", "schedule", "1"],
      ] {
        #expect(try served.remoteJSON(arguments) == served.localJSON(arguments), "\(arguments)")
      }
      try says(["attachments", "resume", "1"], "attachment 1 goes on, next at ")
      let jobs = try served.remoteJSON(["jobs", "list", "--run", "1"]).array ?? []
      #expect(jobs.map { $0["account"] } == ["123456789012"])
      try says(["jobs", "cancel", "1"], "job 1 is cancelled")
      for arguments in [["jobs", "list"], ["jobs", "show", "1"]] {
        #expect(try served.remoteJSON(arguments) == served.localJSON(arguments), "\(arguments)")
      }
      for run in [
        try served.remote(["jobs", "watch", "1"]), try served.local(["jobs", "watch", "1"]),
      ] {
        #expect(run.exitCode == 1, "\(run.errors)")
        #expect(run.output == "job 1  cancelled  cancelled by administrator\n", "\(run.output)")
      }
      try says(["jobs", "cancel", "1"], "plumb: job 1 has ended: cancelled (409", exitCode: 2)
      try says(["jobs", "retry", "1"], "job 1 waits")
      try says(["credentials", "test", "c1"], "plumb: c1 is not accepted: ", exitCode: 1)
      let told = try served.remote(["credentials", "test", "c1", "--format", "json"])
      let test = try JSONParser().parse(Array(told.output.utf8))
      #expect(told.exitCode == 1 && test["accepted"] == false, "\(told.errors)")
      #expect(try served.localJSON(["credentials", "show", "c1"])["test"] == test)
      try says(["jobs", "show", "9"], "plumb: there is no job \"9\" (404", exitCode: 2)
    }
  }

  @Test func `a tree of accounts is imported whole or not at all, here and on a server`()
    async throws
  {
    try await ServedStore.with { served in
      let file = Fixtures.root.appendingPathComponent("Tests/CommandTests/Fixtures/accounts.yaml")
      let first = try served.remote(["accounts", "import", file.path])
      #expect(first.output == "3 added, 0 changed, 0 unchanged\n", "\(first.errors)")
      let again = try served.local(["accounts", "import", file.path])
      #expect(again.output == "0 added, 0 changed, 3 unchanged\n", "\(again.errors)")
      let listed = try served.localJSON(["accounts", "list"]).array ?? []
      #expect(listed.map { $0["under"] } == [.null, "acme", "europe"])
      for (text, message) in [
        (
          "nodes:\n  - { account: a }\n  - { account: b, parent: c }\n",
          "neither known nor imported"
        ),
        ("nodes: [{ account: a }, { account: a }]", "\"a\" stands twice"),
      ] {
        let run = try served.remote(["accounts", "import", "-"], input: text)
        #expect(run.exitCode == 2 && run.errors.contains(message), "\(run.errors)")
      }
      for (text, message) in [
        ("nodes: []", "nodes: expected at least one account"),
        ("nodes:\n  - { acount: a }\n", "standard input:2: nodes[0]: missing key \"account\""),
        ("accounts: []", "missing key \"nodes\""),
        ("nodes: [{ account: 012345678901 }]", "a number needs quotes around it"),
      ] {
        let run = try served.remote(["accounts", "import", "-"], input: text)
        #expect(run.exitCode == 2 && run.errors.contains(message), "\(run.errors)")
      }
      #expect(try served.localJSON(["accounts", "list"]).array?.count == 3)
    }
  }

  @Test func `what is shown does the same when a shell runs it`() async throws {
    try await ServedStore.with { served in
      for number in 1...3 {
        _ = try served.remote(["scopes", "add", "s \(number)", "--include", "id=\(number)*"])
      }
      _ = try served.remote(["people", "add", "Ada"])
      func shell(_ arguments: [String]) throws -> JSONValue {
        let shown = try served.remote(arguments + ["--show-api"])
        let run = try CommandRun(
          URL(fileURLWithPath: "/bin/bash"),
          ["-c", "set -euo pipefail\n" + shown.output],
          environment: ["PLUMB_TOKEN": served.token]
        )
        #expect(run.exitCode == 0, "\(shown.output): \(run.errors)")
        return run.output.isEmpty ? .null : try JSONParser().parse(Array(run.output.utf8))
      }
      #expect(try shell(["scopes", "list"])["items"] == served.remoteJSON(["scopes", "list"]))
      #expect(try shell(["scopes", "remove", "s 2"]) == .null)
      #expect(try served.localJSON(["scopes", "list"]).array?.count == 2)
      let attested = try shell([
        "attest", "cis-aws", "2.1.1", "--evidence", "README.md", "--statement",
        "It's \"so\" for $5",
        "--observed", "2026-01-30", "--from", "2026-01-01", "--until", "2099-09-30",
      ])
      #expect(attested["statement"]?.string == "It's \"so\" for $5", "\(attested.text)")
    }
  }

  @Test func `what a server refuses is one line with the number of the request`() async throws {
    try await ServedStore.with { served in
      let none = try served.remote(["scopes", "remove", "none"])
      #expect(none.exitCode == 2 && none.output.isEmpty)
      #expect(
        none.errors.wholeMatch(
          of: /plumb: there is no scope "none" \(404, request [0-9a-f]+\)\n/
        ) != nil,
        "\(none.errors)"
      )
      let file = served.folder.appendingPathComponent("key")
      try Data("plumb_none.none\n".utf8).write(to: file)
      let stranger = try CommandRun([
        "status", "--server", served.address, "--token-file", file.path,
      ])
      #expect(stranger.exitCode == 2 && stranger.errors.contains("(401, request "))
      #expect(!stranger.errors.contains("plumb_none"), "\(stranger.errors)")
    }
  }
}
