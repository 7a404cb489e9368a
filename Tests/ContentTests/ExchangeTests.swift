import Content
import Foundation
import JSON
import Model
import TestSupport
import Testing

private let library = ContentLibrary(
  folder: Fixtures.root.appendingPathComponent("Sources/Content")
)

/// Profiles out of and into the formats of others.
struct ExchangeTests {
  private typealias File = ProfileImporter.File

  private func importer(_ rules: Set<String> = [], id: String? = nil) -> ProfileImporter {
    ProfileImporter(id: id, today: "2026-11-21") { rules.contains($0) ? $0 : nil }
  }

  private let boxes = Profile(
    id: "boxes",
    version: "1.0",
    effectiveDate: "2026-01-31",
    title: "Boxes: what they must hold",
    description: "First line.\nSecond line, with a tab\there and \u{7F}.",
    source: "The box book, \"second\" edition",
    basis: MappingBasis(.published, note: "The book: chapter 3.\nIts \"own\" words."),
    controls: [
      Profile.Control(
        id: "§ 3 (1)",
        title: "# no comment - and: no key",
        goals: [
          Goal(
            rule: "a.b.c",
            parameters: [
              "text": "no", "empty": "", "spaced": " x ", "whole": 3, "real": .number(3),
              "part": .number(0.25), "flag": false, "list": ["1", "two, three"], "none": [],
              "numbers": [1, 2], "nested": ["a": [.null]], "lines": "a\nb",
            ]
          ), Goal(rule: "a.b.c", parameters: ["whole": 4]), Goal(rule: "a.b.d"),
        ],
        manualReason: "yes",
        basis: MappingBasis(.crosswalk, note: "table 7 - of: boxes")
      ),
      Profile.Control(id: "§ 3 [1]", title: "Null", goals: []),
      Profile.Control(id: "null", title: "y", goals: [], manualReason: "Look.\n\n- and look\n"),
      Profile.Control(
        id: "1.10",
        title: "–",
        goals: [Goal(rule: "a.b.d")],
        basis: MappingBasis(.published, note: "The book: chapter 3.\nIts \"own\" words.")
      ),
    ]
  )

  private func expectRoundTrips(_ profile: Profile, _ rules: Set<String>) throws {
    let writer = OSCALWriter(profile)
    let catalog = File(name: "catalog.json", text: writer.catalog.text)
    let selection = File(name: "p.json", text: writer.profile(importing: "catalog.json").text)
    let back = [
      try importer(rules).read(catalog, as: nil),
      try importer(rules).read(selection, as: nil, catalogs: [catalog]),
      try importer(rules).read(File(name: "p.yaml", text: profile.yaml), as: nil),
    ]
    for found in back {
      #expect(found.profile.document == profile.document, "\(profile.id)")
      #expect(found.profile.yaml == profile.yaml)
      #expect(found.notes.isEmpty, "\(found.notes)")
    }
  }

  @Test func `every shipped profile comes back as it went out, in every format`() throws {
    let rules = Set(try library.rules().map(\.id))
    let profiles = try library.profiles()
    #expect(profiles.count >= 20)
    for profile in profiles { try expectRoundTrips(profile, rules) }
  }

  @Test func `texts and values that formats could take for something else come back`() throws {
    try expectRoundTrips(boxes, ["a.b.c", "a.b.d"])
  }

  @Test func `identifiers become tokens that differ, and documents have UUIDs of their content`()
    throws
  {
    let catalog = try #require(OSCALWriter(boxes).catalog["catalog"])
    let tokens = catalog["controls"]?.array?.compactMap { $0["id"]?.string }
    #expect(tokens == ["c---3-.1", "c---3--1-", "null", "c-1.10"])
    let uuid = try #require(catalog["uuid"]?.string)
    #expect(UUID(uuidString: uuid) != nil && Array(uuid)[14] == "5")
    #expect(OSCALWriter(boxes).catalog["catalog"]?["uuid"]?.string == uuid)
    var other = boxes
    other.controls[1].title = "Nil"
    #expect(OSCALWriter(other).catalog["catalog"]?["uuid"]?.string != uuid)
    let nist = try #require(try library.profiles().first { $0.id == "nist-800-53-moderate" })
    let ids = OSCALWriter(nist).catalog["catalog"]?["controls"]?.array?.compactMap {
      $0["id"]?.string
    }
    #expect(ids?.contains("ac-2.1") == true)
  }

  private let nist = Fixtures.root.appendingPathComponent(
    "Tests/CommandTests/Fixtures/nist-excerpt.json"
  )

  private func excerpt() throws -> File {
    File(name: "nist.json", text: try String(contentsOf: nist, encoding: .utf8))
  }

  @Test func `a catalog of NIST's gives its controls with titles and nothing of their texts`()
    throws
  {
    let found = try importer().read(excerpt(), as: nil)
    let profile = found.profile
    #expect(
      profile.controls.map(\.id) == [
        "AC-1", "AC-2", "AC-2(1)", "AC-2(2)", "AU-2", "AU-3", "AU-3(1)", "SC-28",
      ]
    )
    #expect(profile.controls.map(\.title).last == "Protection of Information at Rest")
    #expect(profile.controls.allSatisfy { $0.isManual && !$0.manualReason.isEmpty })
    #expect(profile.version == "5.0.1" && profile.effectiveDate == "2021-06-08")
    #expect(found.notes == ["withdrawn controls, left out: 2"])
    #expect(!profile.yaml.contains("organization-defined"))
    #expect(profile.yaml.components(separatedBy: "\n").count < 45)
  }

  private func selected(_ imports: String, _ modify: String = "") throws -> ProfileImport {
    let text = """
      {"profile": {"uuid": "u", "metadata": {"title": "Chosen few", "version": "1",
      "last-modified": "2026-02-03T04:05:06+01:00"}, "imports": [\(imports)]\(modify)}}
      """
    return try importer(id: "few").read(
      File(name: "few.json", text: text),
      as: .oscalProfile,
      catalogs: [excerpt()]
    )
  }

  @Test(arguments: [
    (##"{"href": "#c", "include-all": {}}"##, 8),
    (##"{"href": "#c"}"##, 8),
    (##"{"href": "#c", "include-controls": [{"with-ids": ["au-2", "ac-2"]}]}"##, 2),
    (
      ##"""
      {"href": "#c", "include-controls": [
        {"with-ids": ["ac-2"], "with-child-controls": "yes"}]}
      """##,
      3
    ), (##"{"href": "#c", "include-controls": [{"matching": [{"pattern": "au-*"}]}]}"##, 3),
    (##"{"href": "#c", "exclude-controls": [{"with-ids": ["ac-1", "ac-2.1"]}]}"##, 6),
    (
      ##"""
      {"href": "#c", "include-controls": [{"with-ids": ["ac-2"]}]},
      {"href": "#c", "include-controls": [{"with-ids": ["ac-2", "au-2"]}]}
      """##,
      2
    ),
  ]) func `an OSCAL profile selects controls`(imports: String, count: Int) throws {
    let profile = try selected(imports).profile
    #expect(profile.controls.count == count)
    #expect(profile.id == "few" && profile.effectiveDate == "2026-02-03")
    #expect(profile.controls.map(\.id) == profile.controls.map(\.id).sorted())
  }

  @Test func `settings change parameters of rules, and those of others are counted`() throws {
    let catalog = File(name: "c.json", text: OSCALWriter(boxes).catalog.text)
    let text = """
      {"profile": {"uuid": "u", "metadata": {"title": "T", "version": "1", "last-modified":
      "2026-02-03T04:05:06Z"}, "imports": [{"href": "#c"}], "modify": {"set-parameters": [
      {"param-id": "ac-1_prm_1", "values": ["x"]},
      {"param-id": "c---3-.1_prm_12", "values": ["VALUE"]}
      ]}}}
      """
    func read(_ value: String) throws -> ProfileImport {
      let text = text.replacingOccurrences(of: "VALUE", with: value)
      return try importer(["a.b.c", "a.b.d"])
        .read(File(name: "p.json", text: text), as: nil, catalogs: [catalog])
    }
    let found = try read("7")
    #expect(found.profile.controls[0].goals[0].parameters["whole"] == 7)
    #expect(found.profile.controls[0].goals[1].parameters["whole"] == 4)
    #expect(found.notes == ["settings of parameters that no rule has: 1"])
    expectFault(
      "p.json:1: profile.modify.set-parameters[1].values: expected a value of type integer, "
        + "not [\"seven\"]"
    ) { try read("seven") }
  }

  @Test func `rules that are not there are noted, and their part is left to a person`() throws {
    let file = File(name: "c.json", text: OSCALWriter(boxes).catalog.text)
    let found = try importer(["a.b.d"]).read(file, as: .oscalCatalog)
    let control = found.profile.controls[0]
    #expect(control.goals.map(\.rule) == ["a.b.d"])
    #expect(control.manualReason == "yes No rule of the library answers to a.b.c, a.b.c.")
    #expect(
      found.notes == [
        "c.json: catalog.controls[0].parts[0]: there is no rule \"a.b.c\"",
        "c.json: catalog.controls[0].parts[1]: there is no rule \"a.b.c\"",
      ]
    )
  }

  private func expectFault(
    _ expected: String,
    _ body: () throws -> ProfileImport,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) {
    do {
      _ = try body()
      Issue.record("nothing is thrown", sourceLocation: sourceLocation)
    } catch {
      #expect("\(error)" == expected, sourceLocation: sourceLocation)
    }
  }

  private static let metadata =
    #""metadata": {"title": "T", "version": "1", "last-modified": "2026-02-03T04:05:06Z"}"#

  private static let faults: [(text: String, expected: String)] = [
    ("<catalog/>", "f:1: is XML; convert it to OSCAL's JSON first"),
    (
      "{\"a\": 1}",
      "f:1: expected an OSCAL catalog, an OSCAL profile, comma-separated values, or a profile "
        + "document; --format says which it is"
    ), ("[]", "f:1: expected keys and values"), ("", "f:1: empty where a document is expected"),
    ("{\"catalog\": {}}", "f:1: catalog: missing key \"metadata\""),
    (
      "{\"catalog\": {\(metadata)}}",
      "f:1: catalog: holds no controls; expected \"controls\" or \"groups\" with some"
    ),
    (
      "{\"catalog\": {\(metadata), \"controls\": 1}}", "f:1: catalog.controls: expected a list"
    ),
    (
      "{\"catalog\": {\(metadata), \"groups\": [{\"controls\": [{\"id\": \"a\"}]}]}}",
      "f:1: catalog.groups[0].controls[0]: missing key \"title\""
    ),
    (
      """
      {"catalog": {\(metadata), "groups": [{"controls": [{"id": "a", "title": "A"}]}],
      "controls": [{"id": "a", "title": "B"}]}}
      """,
      "f:1: catalog.groups[0].controls[0].id: \"a\" is the id of catalog.controls[0] too"
    ),
    (
      "catalog:\n  metadata: { title: T, version: 1, last-modified: never }\n",
      "f:2: catalog.metadata.last-modified: expected a date and time such as 2026-01-31T00:00:00Z"
    ),
    (
      "{\"profile\": {\(metadata), \"imports\": []}}",
      "f:1: profile.imports: expected at least one import"
    ),
    (
      "{\"profile\": {\(metadata), \"imports\": [{\"href\": \"#c\"}]}}",
      "f: profile.imports: imports from \"#c\"; expected --catalog FILE for each of the 1, in "
        + "their order, found 0"
    ),
    (
      "{\"profile\": {\(metadata), \"imports\": [{\"href\": \"#c\", \"include-controls\": [{}]}]}}",
      "f:1: profile.imports[0].include-controls[0]: expected with-ids or matching"
    ),
  ]

  @Test(arguments: faults) func `a broken file is told with its place and what was expected`(
    text: String,
    expected: String
  ) {
    expectFault(expected) { try importer().read(File(name: "f", text: text), as: nil) }
  }

  @Test func `a selection of what the catalog has not is told with its path`() {
    expectFault(
      "few.json:1: profile.imports[0].include-controls[0].with-ids[1]: there is no control "
        + "\"ac-99\" in nist.json"
    ) {
      try selected(
        ##"{"href": "#c", "include-controls": [{"with-ids": ["ac-1", "ac-99"]}]}"##
      )
    }
    expectFault("nist.json: --catalog belongs to an OSCAL profile; the file is read as yaml") {
      try importer().read(File(name: "f", text: boxes.yaml), as: nil, catalogs: [excerpt()])
    }
  }
}
