import ArgumentParser
import Content
import Engine
import Foundation
import JSON
import Model
import Operations

struct ProfilesCoverage: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coverage",
    abstract: "Shows which controls of a profile rules judge, and which a person attests.",
    discussion: """
      automatic: stable rules judge the whole control. partly: some of its rules are drafts or
      deprecated, or the profile says which part of it a person has to look at. attested: no rule can
      judge it, for the reason given. The basis says who holds that the rules are about the control:
      the framework itself (published), a published crosswalk, or a person's judgement.

      Examples:
        plumb profiles coverage cis-aws
        plumb profiles coverage house-baseline --content house/ --format json
      """
  )

  @Argument(help: "The profile's id, or a file.")
  var id: String

  @OptionGroup var content: ContentOptions

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let library = try content.library()
      let profile = try GoalOptions.profile(named: id, in: library)
      let rules = try RuleIndex(library.rules())
      let coverage = ProfileCoverage(profile) { rules[$0] }
      if format == .json { return print(coverage.json(profile).text) }
      for line in coverage.lines(profile) { print(line.withoutControls) }
    }
  }
}

extension ProfileCoverage.Degree {
  /// The degree behind a number, for people.
  fileprivate var words: String { self == .attested ? "by attestation" : rawValue }
}

extension ProfileCoverage {
  fileprivate func lines(_ profile: Profile) -> [String] {
    var lines = ["\(profile.id) \(profile.version)  \(profile.title)"]
    lines.append(counted(entries.count, "control"))
    lines += columns(
      Degree.allCases.map { degree in
        ["\(entries(degree).count)", degree.words, String(format: "%5.1f %%", share(degree))]
      },
      indent: 2
    )
    let kinds = mapped.filter { $0.count > 0 }.map { "\($0.count) \($0.kind.rawValue)" }
    if !kinds.isEmpty { lines.append("Basis of the mapping: \(kinds.joined(separator: ", "))") }
    for degree in Degree.allCases {
      let found = entries(degree)
      guard !found.isEmpty else { continue }
      lines += ["", "\(degree.words.capitalizedFirst) (\(found.count))"]
      for entry in found {
        lines.append("  \(entry.control.id)  \(entry.control.title)")
        lines += entry.control.goals.map { "      \($0.text)" }
        lines += entry.gaps.filter { !$0.isEmpty }.map { "      - \($0)" }
        if let basis = profile.ownBasis(of: entry.control) {
          lines.append("      basis: \(basis.text)")
        }
      }
    }
    return lines
  }

  fileprivate func json(_ profile: Profile) -> JSONValue {
    var object: JSONObject = [
      "id": .string(profile.id), "version": .string(profile.version),
      "title": .string(profile.title), "controls": .integer(Int64(entries.count)),
      "basis": .object(
        JSONObject(mapped.map { (key: $0.kind.rawValue, value: .integer(Int64($0.count))) })
      ),
    ]
    for degree in Degree.allCases {
      let found = entries(degree)
      object[degree.rawValue] = [
        "count": .integer(Int64(found.count)), "percent": .number(share(degree)),
        "controls": .array(found.map(\.json)),
      ]
    }
    return .object(object)
  }
}

extension ProfileCoverage.Entry {
  fileprivate var json: JSONValue {
    var object: JSONObject = ["id": .string(control.id), "title": .string(control.title)]
    if !control.goals.isEmpty {
      object["goals"] = .array(control.goals.map(\.json))
      control.basis.add(to: &object)
    }
    if degree == .attested {
      object["reason"] = .string(control.manualReason)
    } else if !gaps.isEmpty {
      object["gaps"] = .array(gaps.map { .string($0) })
    }
    return .object(object)
  }
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
