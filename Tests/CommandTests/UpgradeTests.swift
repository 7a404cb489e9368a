import Foundation
import TestSupport
import Testing

/// Stores that older releases wrote, opened by this `plumb`: it says of them what those releases said.
///
/// `Fixtures/Upgrade/make` made them, one folder a release.
struct UpgradeTests {
  private static let releases = ["schema-2"]

  private static func fixture(_ release: String, _ name: String) -> URL {
    Fixtures.root.appendingPathComponent("Tests/CommandTests/Fixtures/Upgrade/\(release)/\(name)")
  }

  /// Runs a program of the machine, which has to do its work.
  private static func tool(_ arguments: String...) throws -> CommandRun {
    let run = try CommandRun(URL(fileURLWithPath: "/usr/bin/env"), arguments)
    try #require(run.exitCode == 0, "\(arguments): \(run.errors)")
    return run
  }

  /// Upgrades a store and compares.
  private func upgrade(_ release: String, at place: String, said name: String) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let key = folder.appendingPathComponent("credentials.key")
    try FileManager.default.copyItem(at: Self.fixture(release, "credentials.key"), to: key)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key.path)
    func plumb(_ arguments: [String], key: URL = key) throws -> CommandRun {
      let variables = [
        "PLUMB_DATA": place, "PLUMB_VAULT_KEY": "file:\(key.path)", "PLUMB_ACTOR": "ann",
        "no_proxy": "*",
      ]
      return try CommandRun(arguments, environment: variables)
    }

    let rehearsal = try plumb(["migrate", "--check"])
    #expect(rehearsal.exitCode == 0 && rehearsal.output.contains("would apply"), "\(rehearsal)")
    let migration = try plumb(["migrate"])
    #expect(migration.exitCode == 0 && migration.output.contains("applied "), "\(migration)")

    let text = try String(contentsOf: Self.fixture(release, name), encoding: .utf8)
    let answers = ("\n" + text).components(separatedBy: "\n$ plumb ").dropFirst()
    #expect(answers.count > 10)
    for answer in answers {
      let parts = answer.split(separator: "\n", maxSplits: 1)
      let run = try plumb(parts[0].split(separator: " ").map(String.init))
      #expect(run.exitCode == 0, "\(parts[0]): \(run.errors)")
      // When something is due next depends on the day.
      let output = run.output.trimmingCharacters(in: .newlines)
        .replacing(/, next [0-9T:Z.-]+/, with: "").replacing(/[ ]+/, with: " ")
      let said = parts[1].trimmingCharacters(in: .newlines).replacing(/[ ]+/, with: " ")
      #expect(output == said, "\(parts[0])")
    }

    // 1: the secret was opened and its provider, which is nowhere, not reached; 2: not opened.
    let test = try plumb(["credentials", "test", "audit"])
    #expect(test.exitCode == 1, "\(test.errors)")
    let nowhere = folder.appendingPathComponent("none.key")
    #expect(try plumb(["credentials", "test", "audit"], key: nowhere).exitCode == 2)

    // What is new since then works on it, and so does what was there.
    #expect(try plumb(["people", "add", "Ada"]).exitCode == 0)
    #expect(try plumb(["retention", "prune"]).exitCode == 0)
    let doctor = try plumb(["doctor"])
    #expect(doctor.exitCode == 0, "\(doctor)")
  }

  @Test(arguments: releases)
  func `a SQLite store of an older release is upgraded`(release: String) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let packed = folder.appendingPathComponent("plumb.sqlite.gz")
    try FileManager.default.copyItem(at: Self.fixture(release, "plumb.sqlite.gz"), to: packed)
    _ = try Self.tool("gunzip", packed.path)
    #expect(FileManager.default.fileExists(atPath: folder.path + "/plumb.sqlite"))
    try upgrade(release, at: folder.path, said: "said-sqlite.txt")
  }

  @Test(.enabled(if: TestDatabase.server != nil), arguments: releases)
  func `a PostgreSQL store of an older release is upgraded`(release: String) throws {
    let server = try #require(TestDatabase.server)
    let name = "u_" + String(UInt64.random(in: .min ... .max), radix: 36)
    _ = try Self.tool("psql", "-X", "-q", "-d", server, "-c", "CREATE DATABASE \(name)")
    // Of a keyword given twice the last one counts.
    let dump = Self.fixture(release, "plumb.dump").path
    _ = try Self.tool("pg_restore", "--no-owner", "-d", "\(server) dbname=\(name)", dump)
    try upgrade(release, at: Self.address(server, name), said: "said-postgres.txt")
    _ = try Self.tool("psql", "-X", "-q", "-d", server, "-c", "DROP DATABASE \(name) WITH (FORCE)")
  }

  /// The address of a database on the server of the tests, whose conninfo has no spaces in its values.
  private static func address(_ server: String, _ database: String) -> String {
    let settings = server.split(separator: " ").filter { !$0.hasPrefix("dbname=") }
    let query = settings.map { $0.replacing("'", with: "") } + ["dbname=\(database)"]
    return "postgres:///?" + query.joined(separator: "&")
  }
}
