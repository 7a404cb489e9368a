import Content
import Foundation
import JSON
import Model
import TestSupport
import Testing

/// Profiles that change another, and the basis of their mappings.
struct ProfileExtensionTests {
  private static let base = """
    id: base
    version: 2.0.0
    effective_date: 2026-01-01
    title: The base
    framework: Boxes
    basis: published
    basis_note: The book of boxes.
    controls:
      - { id: A-1, title: Closed, goals: [a.b.c] }
      - { id: A-2, title: Locked, goals: [a.b.c], basis_note: Page 2. }
      - { id: A-3, title: Counted, manual: true, reason: On paper. }
    """

  private static let head = "version: 1.0.0\neffective_date: 2026-02-01\n"

  /// The profiles of layers, each a list of texts, laid over one another.
  private func profiles(_ layers: [[String]]) throws -> [Layered<Profile>] {
    let root = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(root) }
    var folders: [URL] = []
    for (layer, texts) in layers.enumerated() {
      let folder = root.appendingPathComponent("l\(layer)")
      folders.append(folder)
      let profiles = folder.appendingPathComponent("profiles")
      try FileManager.default.createDirectory(at: profiles, withIntermediateDirectories: true)
      for (number, text) in texts.enumerated() {
        try Data(text.utf8).write(to: profiles.appendingPathComponent("p\(number).yaml"))
      }
    }
    let first = try #require(folders.first)
    return try ContentLibrary(folder: first)
      .with(overlays: folders.dropFirst().map(\.path)).layeredProfiles()
  }

  @Test func `a profile takes another's controls, replaces some, leaves some out and adds`() throws
  {
    let text = """
      id: house
      extends: base
      \(Self.head)controls:
        - { id: A-2, goals: [a.b.d], reason: The rest by hand. }
      without: [A-3]
      add:
        - { id: H-1, title: Ours, goals: [a.b.d], basis: crosswalk, basis_note: Table 7. }
      """
    let found = try profiles([[Self.base], [text]])
    #expect(found.map(\.document.id) == ["base", "house"])
    #expect(found.map(\.origin) == [.shipped, .added])
    let house = found[1].document
    #expect(house.title == "The base" && house.framework == "Boxes" && house.version == "1.0.0")
    #expect(house.controls.map(\.id) == ["A-1", "A-2", "H-1"])
    #expect(house.controls.map(\.title) == ["Closed", "Locked", "Ours"])
    #expect(house.controls[1].goals == [Goal(rule: "a.b.d")])
    #expect(house.controls[1].manualReason == "The rest by hand.")
    // What the base published stays so; what the house put there is its judgement.
    #expect(
      house.controls.map(\.basis) == [
        MappingBasis(.published, note: "The book of boxes."), MappingBasis(.judgement),
        MappingBasis(.crosswalk, note: "Table 7."),
      ]
    )
    let location = SourceLocation(file: "kept")
    let kept = try ProfileDecoder.profile(DocumentNode(house.document, at: location))
    #expect(kept.document == house.document)
    #expect(kept.controls.map(\.basis) == house.controls.map(\.basis))
  }

  @Test func `an overlay changes one control of a profile under the profile's own id`() throws {
    func change(_ control: String, _ title: String) -> String {
      """
      id: base
      extends: base
      \(Self.head)controls:
        - { id: \(control), title: \(title), manual: true, reason: By hand. }
      """
    }
    let found = try profiles([[Self.base], [change("A-1", "First")], [change("A-2", "Second")]])
    #expect(found.map(\.origin) == [.overlaid])
    let controls = found[0].document.controls
    #expect(controls.map(\.title) == ["First", "Second", "Counted"])
    #expect(controls.map(\.isManual) == [true, true, true])
  }

  @Test func `a file of its own extends a profile of the library`() throws {
    let library = ContentLibrary(folder: Fixtures.root.appendingPathComponent("Sources/Content"))
    let node = DocumentNode(
      [
        "id": "cis-aws", "extends": "cis-aws", "version": "7.0.0-house",
        "effective_date": "2026-12-01",
      ],
      at: SourceLocation(file: "own")
    )
    let own = try library.profile(node)
    let shipped = try #require(try library.profiles().first { $0.id == "cis-aws" })
    #expect(own.version == "7.0.0-house")
    #expect(own.controls.map(\.id) == shipped.controls.map(\.id))
    #expect(own.controls.map(\.basis) == shipped.controls.map(\.basis))
  }

  private static let faults: [(texts: [String], expected: String)] = [
    (
      ["id: house\nextends: bass\n\(head)"],
      "extends: there is no profile \"bass\" to extend; `plumb profiles list` shows those there are"
    ),
    (
      ["id: house\nextends: base@1.0.0\n\(head)"],
      "extends: base is of version 2.0.0 by now; look at what it changes, then name that version"
    ),
    (
      ["id: house\nextends: base\n\(head)controls: [{ id: A-9, title: T, goals: [r] }]\n"],
      "controls[0].id: there is no control \"A-9\" in base 2.0.0; a new one stands under add"
    ),
    (
      ["id: house\nextends: base\n\(head)without: [A-9]\n"],
      "without: there is no control \"A-9\" in base 2.0.0"
    ),
    (
      [
        "id: house\nextends: base\n\(head)without: [A-1]\n"
          + "controls: [{ id: A-1, title: T, goals: [r] }]\n"
      ], "without: control \"A-1\" stands under controls as well"
    ),
    (
      ["id: house\nextends: base\n\(head)add: [{ id: A-1, title: T, goals: [r] }]\n"],
      "add[0].id: control \"A-1\" is one of base; what replaces it stands under controls"
    ),
    (
      ["id: house\nextends: base\n\(head)without: [A-1, A-2, A-3]\n"],
      "controls: expected at least one control"
    ),
    (
      ["id: a\nextends: b\n\(head)", "id: b\nextends: a\n\(head)"],
      "extends: a, which extends b, which extends a again"
    ),
    (
      ["id: house\n\(head)title: T\nwithout: [A-1]\ncontrols: [{ id: A, title: T, goals: [r] }]\n"],
      "without: unknown key"
    ),
    (
      ["id: house\n\(head)title: T\nbasis: hearsay\ncontrols: [{ id: A, title: T, goals: [r] }]\n"],
      "basis: \"hearsay\" is none of published, crosswalk, judgement"
    ),
    (
      [
        "id: house\n\(head)title: T\n"
          + "controls: [{ id: A, title: T, goals: [r], basis: crosswalk }]\n"
      ], "controls[0].basis: which crosswalk it is stands under basis_note"
    ),
    (
      [
        "id: house\n\(head)title: T\n"
          + "controls: [{ id: A, title: T, manual: true, basis: published }]\n"
      ], "controls[0].basis: a manual control has no goals that a basis could be of"
    ),
  ]

  @Test(arguments: faults) func `a change that cannot be made is told with its place`(
    texts: [String],
    expected: String
  ) throws {
    let error = #expect(throws: DocumentError.self) { try profiles([[Self.base], texts]) }
    let text = try #require(error).description
    #expect(text.contains("l1/profiles/p") && text.contains(expected), "\(text)")
  }

  @Test func `a document that says nothing of its basis was mapped by judgement`() throws {
    let text = "id: old\n\(Self.head)title: T\ncontrols: [{ id: A, title: T, goals: [r] }]\n"
    let old = try #require(try profiles([[text]]).first).document
    #expect(old.basis == MappingBasis(.judgement) && old.controls[0].basis == old.basis)
    // Documents that are kept from before stay what they were, to the byte.
    #expect(old.document["basis"] == nil && !old.yaml.contains("basis"))
  }
}
