import Content
import Engine
import Foundation
import Model
import TestSupport
import Testing

/// The tables from which mappings and severities were taken; they stand beside the package.
private let crosswalk = Fixtures.shared.appendingPathComponent("data/topic-crosswalk.csv")

/// On what the shipped profiles rest their mappings, and what other products' goals are called here.
struct BasisTests {
  /// The column of the table of topics for each profile that was mapped through it.
  private static let columns = [
    "nist-800-53": "nist_800_53_r5", "nist-800-53-low": "nist_800_53_r5",
    "nist-800-53-moderate": "nist_800_53_r5", "nist-800-53-high": "nist_800_53_r5",
    "pci-dss": "pci_dss_4_0_1", "iso-27001": "iso_27001_2022", "soc-2": "soc2_tsc",
    "hipaa": "hipaa", "csa-ccm": "csa_ccm_4", "nist-csf": "nist_csf_2",
  ]

  @Test func `every shipped profile says on what its mapping rests`() throws {
    for profile in try Shipped.profiles.get() {
      #expect(!profile.basis.note.isEmpty, "\(profile.id)")
      let isOurs = profile.id == "best-practices" || profile.id.hasPrefix("cis-")
      #expect((profile.basis.kind == .published) == isOurs, "\(profile.id)")
      for control in profile.controls where !control.isManual {
        #expect(!control.basis.note.isEmpty, "\(profile.id) \(control.id)")
      }
    }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: crosswalk.path)))
  func `topics that a mapping names lead to its control in the table`() throws {
    let text = try String(contentsOf: crosswalk, encoding: .utf8)
    let rows = try CSVRows(text, file: crosswalk.path).rows.map(\.cells)
    let header = try #require(rows.first)
    var compared = 0
    for profile in try Shipped.profiles.get() {
      guard let name = Self.columns[profile.id] else { continue }
      let column = try #require(header.firstIndex { $0 == name })
      let topics = Dictionary(
        rows.dropFirst().map { ($0[0], $0[column].split(separator: ";").map(String.init)) }
      ) { first, _ in first }
      for control in profile.controls where !control.isManual {
        let words = control.basis.note.split { ", ".contains($0) }.map(String.init)
        #expect(words.first?.hasPrefix("topic") == true, "\(profile.id) \(control.id)")
        for topic in words.dropFirst() {
          #expect(
            topics[topic]?.contains(control.id) == true,
            "\(profile.id) \(control.id) \(topic)"
          )
          compared += 1
        }
      }
    }
    #expect(compared > 700)
  }

  @Test func `a sheet with goals of the reference product finds our rules by their ids`() throws {
    let goals = [
      "3000625": "ibm.registry.private-only", "3000639": "ibm.registry.access-groups-only",
      "3000602": "ibm.registry.vulnerability-alerts",
      "3000635": "ibm.registry.manager-users-minimum",
      "3000012": "ibm.iam.user-mfa", "3000404": "ibm.is.sg-no-ssh-from-internet",
      "3000105": "ibm.cos.bucket-private-endpoint", "3000544": "ibm.kms.dual-auth-delete",
    ]
    let rows = goals.keys.sorted().map { "\($0),Goal \($0),,\($0),\n" }.joined()
    let sheet = """
      profilename,From elsewhere
      ##METAINFO ENDS##
      ExternalControlId,Description,Parent,GoalId,Tags

      """
    let index = try RuleIndex(Shipped.rules.get())
    let found = try ProfileImporter(today: "2026-11-21") { index[$0]?.id }
      .read(ProfileImporter.File(name: "s.csv", text: sheet + rows), as: nil)
    #expect(found.notes.isEmpty, "\(found.notes)")
    for control in found.profile.controls {
      #expect(control.goals.map(\.rule) == [goals[control.id]], "\(control.id)")
    }
  }

  @Test func `every goal of the registry has its id of the reference product`() throws {
    let registry = try Shipped.rules.get().filter { $0.id.hasPrefix("ibm.registry.") }
    #expect(registry.count == 9)
    for rule in registry {
      #expect(rule.aliases.contains { $0.hasPrefix("30006") }, "\(rule.id)")
    }
  }
}
