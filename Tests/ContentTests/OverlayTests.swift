import Content
import Foundation
import JSON
import Model
import TestSupport
import Testing

/// Overlays over the shipped content.
struct OverlayTests {
  private static let shippedID = "aws.ec2.ebs-volume-encrypted"

  private func rule(_ id: String, title: String) -> String {
    """
    id: \(id)
    title: \(title)
    target: { service_name: ec2, resource_kind: volume }
    required_config: { property: Encrypted, operator: is_true }
    """
  }

  private func cases(_ id: String) -> String {
    """
    rule: \(id)
    cases:
      - { name: only one, verdict: pass, configuration: { Encrypted: true } }
    """
  }

  /// A folder with files, which the body may lay over the shipped content.
  private func withFolder(_ files: [String: String], _ body: (URL) throws -> Void) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    for (name, text) in files {
      let file = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try Data(text.utf8).write(to: file)
    }
    try body(folder)
  }

  @Test func `an overlay adds rules and replaces those of the same id with their cases`() throws {
    let files = [
      "rules/own.yaml": rule("house.own", title: "Own"),
      "rules/volume.yaml": rule(Self.shippedID, title: "Replaced"),
      "rules/volume.cases.yaml": cases(Self.shippedID),
    ]
    try withFolder(files) { folder in
      let shipped = try ContentLibrary.shipped()
      let library = try shipped.with(overlays: [folder.path])
      let rules = try library.layeredRules()
      #expect(rules.count == (try shipped.rules().count) + 1)
      let replaced = try #require(rules.first { $0.document.id == Self.shippedID })
      #expect(replaced.document.title == "Replaced")
      #expect(replaced.origin == .overlaid)
      #expect(rules.first { $0.document.id == "house.own" }?.origin == .added)
      #expect(rules.filter { $0.origin == .shipped }.count == rules.count - 2)
      let cases = try library.cases(for: rules.map(\.document))
      #expect(cases[Self.shippedID]?.map(\.name) == ["only one"])
      #expect(try library.profiles().count == shipped.profiles().count)
    }
  }

  @Test func `two rules of one id in one layer are refused with both files named`() throws {
    let files = [
      "rules/a.yaml": rule("house.own", title: "A"), "rules/b.yaml": rule("house.own", title: "B"),
    ]
    try withFolder(files) { folder in
      let library = try ContentLibrary.shipped().with(overlays: [folder.path])
      let error = #expect(throws: DocumentError.self) { try library.rules() }
      let text = try #require(error).description
      #expect(text.contains("a.yaml") && text.contains("b.yaml"))
    }
  }

  @Test func `the digest changes with a rule and not with its cases`() throws {
    let files = ["rules/own.yaml": rule("house.own", title: "Own")]
    try withFolder(files) { folder in
      let shipped = try ContentLibrary.shipped()
      let library = try shipped.with(overlays: [folder.path])
      let first = try library.stamp()
      #expect(first.overlays == 1)
      #expect(first.digest.count == 64)
      #expect(first.digest != (try shipped.stamp().digest))
      #expect(first.version == shipped.version)
      let cases = folder.appendingPathComponent("rules/own.cases.yaml")
      try Data(self.cases("house.own").utf8).write(to: cases)
      #expect(try library.stamp() == first)
      let changed = folder.appendingPathComponent("rules/own.yaml")
      try Data(rule("house.own", title: "Changed").utf8).write(to: changed)
      #expect(try library.stamp().digest != first.digest)
    }
  }

  @Test func `a folder without rules and profiles is no overlay`() throws {
    try withFolder(["readme.txt": ""]) { folder in
      #expect(throws: ContentError.noOverlay(folder.path)) {
        try ContentLibrary.shipped().with(overlays: [folder.path])
      }
    }
  }

  @Test func `overlays come from the environment where none are named`() throws {
    let files = ["profiles/.keep": "", "rules/own.yaml": rule("house.own", title: "Own")]
    try withFolder(files) { folder in
      var environment = ProcessInfo.processInfo.environment
      environment["PLUMB_OVERLAY"] = "\(folder.path):"
      let library = try ContentLibrary.layered(environment: environment)
      #expect(library.overlays == [folder.path])
      let named = try ContentLibrary.layered([folder.path, folder.path], environment: environment)
      #expect(named.overlays.count == 2)
    }
  }

  @Test func `only a deprecated rule has a successor, and the document keeps it`() throws {
    func decode(_ status: String, _ successor: String) throws -> Rule {
      try RuleDecoder.rule(
        DocumentNode(
          [
            "id": "house.old", "status": .string(status), "successor": .string(successor),
            "target": ["service_name": "ec2", "resource_kind": "volume"],
            "required_config": ["property": "Encrypted", "operator": "is_true"],
          ],
          at: SourceLocation(file: "test")
        ),
        name: "old"
      )
    }
    let rule = try decode("deprecated", "house.new")
    #expect(rule.successor == "house.new")
    let again = try RuleDecoder.rule(DocumentNode(rule.document, at: rule.source), name: "")
    #expect(again.successor == "house.new")
    #expect(throws: DocumentError.self) { try decode("stable", "house.new") }
    #expect(throws: DocumentError.self) { try decode("deprecated", "house.old") }
  }
}
