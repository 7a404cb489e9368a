import Content
import Foundation
import Model
import Testing

/// Profiles as another product's comma-separated values.
struct ControlSheetTests {
  private static let head = """
    profilename,"Ours, and theirs"
    profilenumonic,OURS 1
    profiledescription,What the house holds
    ##METAINFO ENDS##
    ExternalControlId,Description,Parent,GoalId,Tags

    """

  private func read(_ text: String) throws -> ProfileImport {
    let rules = ["a.b.c": "a.b.c", "3000012": "a.b.c", "3000013": "a.b.d"]
    return try ProfileImporter(today: "2026-11-21") { rules[$0] }
      .read(ProfileImporter.File(name: "s.csv", text: text), as: nil)
  }

  @Test(arguments: ["\n", "\r\n"]) func `controls, goals and aliases are taken`(
    end: String
  ) throws {
    let text =
      Self.head + #"""
        1,Top control,,,
        1.1,Child control,1,"3000012, 3000013","tag a,tag b"
        1.2,"Two
        lines with ""quotes""",1,"a.b.c,3000099",
        1.3,Nothing known,1,3000100,

        """#
    let marked = "\u{FEFF}" + text.replacingOccurrences(of: "\n", with: end)
    let found = try read(marked)
    let profile = found.profile
    #expect(profile.id == "ours-1" && profile.title == "Ours, and theirs")
    #expect(profile.effectiveDate == "2026-11-21" && profile.description == "What the house holds")
    #expect(profile.controls.map(\.id) == ["1", "1.1", "1.2", "1.3"])
    #expect(profile.controls.map { $0.goals.count } == [0, 2, 1, 0])
    #expect(profile.controls[1].goals.map(\.rule) == ["a.b.c", "a.b.d"])
    #expect(profile.controls[2].title == "Two lines with \"quotes\"")
    #expect(
      profile.controls.map(\.manualReason) == [
        "It names no goals; controls that stand under it may. Attest what they leave.", "",
        "No rule of the library answers to 3000099.", "No rule of the library answers to 3000100.",
      ]
    )
    #expect(
      found.notes == [
        "s.csv:8: there is no rule \"3000099\"", "s.csv:10: there is no rule \"3000100\"",
        "controls whose tags are not kept: 1",
      ]
    )
  }

  @Test func `a sixth column may tell the basis of each mapping`() throws {
    let rows = """
      1,One,,a.b.c,,published
      2,Two,,a.b.c,,"crosswalk: the table of boxes, page 2"
      3,Three,,a.b.c,
      4,Four,,,,judgement

      """
    let found = try read(Self.withBasis + rows)
    #expect(
      found.profile.controls.map(\.basis) == [
        MappingBasis(.published),
        MappingBasis(.crosswalk, note: "the table of boxes, page 2"),
        MappingBasis(.judgement), MappingBasis(.judgement),
      ]
    )
  }

  private static let withBasis = head.replacingOccurrences(of: "Tags", with: "Tags,Basis")

  private static let faults: [(text: String, expected: String)] = [
    (
      "\(withBasis)1,One,,a.b.c,,hearsay\n",
      "s.csv:6: Basis: \"hearsay\" begins with none of published, crosswalk, judgement"
    ),
    (
      "\(withBasis)1,One,,a.b.c,,crosswalk\n",
      "s.csv:6: Basis: which crosswalk it is stands behind a colon"
    ),
    (
      "\(withBasis)1,One,,a.b.c,,published,more\n",
      "s.csv:6: expected 6 cells, found 7; a cell with commas stands in quotes"
    ),
    (
      "profilename,A\n1,One,,,\n",
      "s.csv:1: expected profilename, profilenumonic and profiledescription, then a line "
        + "##METAINFO ENDS##"
    ),
    (
      "profilenumonic,A\n##METAINFO ENDS##\n",
      "s.csv:2: profilename: expected a line profilename,NAME above ##METAINFO ENDS##"
    ),
    (
      "profilename,A\nprofilemnemonic,B\n##METAINFO ENDS##\n",
      "s.csv:2: \"profilemnemonic\" is none of profilename, profilenumonic, profiledescription"
    ),
    (
      "profilename,A\n##METAINFO ENDS##\nId,Description\n",
      "s.csv:3: expected the columns ExternalControlId,Description,Parent,GoalId,Tags"
    ), (head, "s.csv: expected at least one control below the columns"),
    ("\(head)1,,,,\n", "s.csv:6: Description: expected a text that is not empty"),
    (
      "\(head)1,One,,,\n1,Other,,,\n",
      "s.csv:7: ExternalControlId: \"1\" is the id of the control on line 6 too"
    ), ("\(head)1,One,2,,\n", "s.csv:6: Parent: there is no control \"2\""),
    (
      "\(head)1,One,,300,301,302\n",
      "s.csv:6: expected 5 cells, found 6; a cell with commas stands in quotes"
    ),
    (
      "\(head)1,\"One,,,\n2,Two,,,\n",
      "s.csv:6: the quote that opens on this line is never closed"
    ),
    (
      "\(head)1,\"One\" more,,,\n",
      "s.csv:6: expected a comma or the line's end behind the closing quote"
    ),
  ]

  @Test(arguments: faults) func `a broken sheet is told with its line and what was expected`(
    text: String,
    expected: String
  ) {
    do {
      _ = try read(text)
      Issue.record("nothing is thrown")
    } catch {
      #expect("\(error)" == expected)
    }
  }
}
