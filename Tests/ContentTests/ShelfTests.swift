import Content
import Engine
import Foundation
import Model
import TestSupport
import Testing

/// The table of checks from which severities are taken; it stands beside the package.
private let catalogue = Fixtures.shared.appendingPathComponent("data/check-catalog.csv")

/// What holds over all rules together.
struct ShelfTests {
  /// Rules that no profile uses, for a reason that stands beside each.
  private static let withoutProfile: Set<String> = []

  @Test func `every rule but a deprecated one is in a profile`() throws {
    let index = try RuleIndex(Shipped.rules.get())
    let used = Set(try Shipped.profiles.get().flatMap(\.goals).compactMap { index[$0.rule]?.id })
    let unused = index.rules.filter { $0.status != .deprecated && !used.contains($0.id) }.map(\.id)
    let missing = Set(unused).subtracting(Self.withoutProfile).sorted()
    #expect(missing.isEmpty, "\(missing.count) rules are in no profile: \(missing)")
    let outdated = Self.withoutProfile.subtracting(unused).sorted()
    #expect(outdated.isEmpty, "no longer exceptions: \(outdated)")
  }

  @Test func `no two rules have one title`() throws {
    let byTitle = Dictionary(grouping: try Shipped.rules.get()) { $0.title.lowercased() }
    for (title, rules) in byTitle {
      #expect(rules.count == 1, "\"\(title)\" is the title of \(rules.map(\.id).sorted())")
    }
  }

  @Test func `a deprecated rule names a successor that is there and not deprecated`() throws {
    let index = try RuleIndex(Shipped.rules.get())
    for rule in index.rules where rule.status == .deprecated {
      let successor = rule.successor.flatMap { index[$0] }
      #expect(successor?.id == rule.successor, "\(rule.id) has no successor by that id")
      #expect(successor?.status == .stable, "\(rule.id)'s successor is not stable")
    }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: catalogue.path)))
  func `severities are those of the table of checks`() throws {
    let rows = Self.rows(try String(contentsOf: catalogue, encoding: .utf8))
    let header = try #require(rows.first)
    let id = try #require(header.firstIndex(of: "check_id"))
    let severity = try #require(header.firstIndex(of: "severity"))
    let rules = try RuleIndex(Shipped.rules.get())
    var compared = 0
    for row in rows.dropFirst() where row.count == header.count {
      guard let rule = rules[row[id]] else { continue }
      #expect(rule.severity.rawValue == row[severity], "\(rule.id)")
      compared += 1
    }
    #expect(compared > 250)
  }

  /// The rows of comma-separated values, where quotes hold commas and line ends (RFC 4180).
  private static func rows(_ text: String) -> [[String]] {
    var rows: [[String]] = [[""]]
    var isQuoted = false
    for scalar in text.unicodeScalars {
      let row = rows.count - 1
      let field = rows[row].count - 1
      switch scalar {
      // A doubled quote leaves and enters: what is between matters, not the quotes.
      case "\"": isQuoted.toggle()
      case "," where !isQuoted: rows[row].append("")
      case "\n" where !isQuoted: rows.append([""])
      case "\r" where !isQuoted: break
      default: rows[row][field].unicodeScalars.append(scalar)
      }
    }
    return rows
  }
}
