import Foundation
import JSON
import TestSupport
import Testing

/// Kept scans judge by rules that people made, as gates do.
struct OwnRuleScanTests {
  private static let rule = """
    id: own.bucket.days
    title: Bucket keeps objects for days
    target: { service_name: s3, resource_kind: bucket }
    parameters:
      days: { type: integer, default: 30, minimum: 1, maximum: 1000, description: fewest days }
    required_config: { property: Days, operator: num_greater_than_equals, value: "${days}" }
    """
  private static let profile = """
    id: house
    title: House rules
    framework: House
    version: "1"
    effective_date: 2026-01-01
    basis: judgement
    controls:
      - { id: H-1, title: Objects are kept, goals: [{ rule: own.bucket.days, parameters: { days: 60 } }] }
    """
  private static let inventory = """
    {"provider":"aws","account":"a","service_name":"s3","resource_kind":"bucket","id":"b","configuration":{"Days":40}}

    """

  /// A folder with the files of a scene, and what `plumb` says there.
  private struct Scene {
    let folder: URL

    func plumb(_ arguments: String..., input: String = "") throws -> CommandRun {
      try CommandRun(
        arguments,
        input: Data(input.utf8),
        folder: folder,
        environment: ["PLUMB_DATA": folder.appendingPathComponent("data").path]
      )
    }

    func write(_ name: String, _ text: String) throws {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }

    /// The verdicts of the own rule as the last scan left them.
    func verdicts() throws -> [String] {
      let run = try plumb("results", "--verdict", "all", "--format", "json")
      let found = try JSONParser().parse(Array(run.output.utf8)).array ?? []
      return found.filter { $0["rule"] == "own.bucket.days" }
        .compactMap { $0["verdict"]?.string }
    }
  }

  @Test func `a kept scan judges by them, and an attached profile holds on to its rule`() throws {
    let scene = Scene(folder: try Fixtures.temporaryFolder())
    defer { Fixtures.remove(scene.folder) }
    try scene.write("rule.yaml", Self.rule)
    try scene.write("house.yaml", Self.profile)
    let added = try scene.plumb("rules", "add", "rule.yaml")
    #expect(added.exitCode == 0, "\(added.errors)")
    // Nothing is attached: all rules judge, by their defaults.
    let first = try scene.plumb("scan", "inventory", "--complete", input: Self.inventory)
    #expect(first.exitCode < 2, "\(first.errors)")
    #expect(try scene.verdicts() == ["pass"])

    let attached = try scene.plumb("attach", "house.yaml", "all")
    #expect(attached.exitCode == 0, "\(attached.errors)")
    let second = try scene.plumb("scan", "inventory", "--complete", input: Self.inventory)
    #expect(second.exitCode < 2, "\(second.errors)")
    #expect(try scene.verdicts() == ["fail"])
    let why = try scene.plumb("results", "--format", "json")
    let id = try JSONParser().parse(Array(why.output.utf8)).array?.first?["id"]?.string ?? ""
    let shown = try scene.plumb("why", "--stored", id)
    #expect(shown.output.contains("Bucket keeps objects for days"), "\(shown.errors)")

    // The attached profile sets a parameter that this version does not have.
    let bare = Self.rule.replacing("${days}", with: "30").replacing(
      /parameters:\n.*\n/,
      with: ""
    )
    try scene.write("bare.yaml", bare)
    let changed = try scene.plumb("rules", "add", "bare.yaml", "--replace")
    #expect(changed.exitCode == 2)
    #expect(changed.errors.contains("attachment 1 of profile house"), "\(changed.errors)")
    let removed = try scene.plumb("rules", "remove", "own.bucket.days")
    #expect(removed.exitCode == 2)
    #expect(removed.errors.contains("asks for rule own.bucket.days"), "\(removed.errors)")

    let ended = try scene.plumb("attachments", "remove", "1")
    #expect(ended.exitCode == 0, "\(ended.errors)")
    let gone = try scene.plumb("rules", "remove", "own.bucket.days")
    #expect(gone.exitCode == 0, "\(gone.errors)")
    _ = try scene.plumb("scan", "inventory", "--complete", input: Self.inventory)
    #expect(try scene.verdicts() == [])
  }
}
