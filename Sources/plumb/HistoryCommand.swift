import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct HistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "Shows every state that a resource had, what changed, and its verdicts.",
    discussion: """
      Examples:
        plumb history sg-0a1b2c3d
        plumb history prod-bucket --format json
      """
  )

  @OptionGroup var store: StoreOptions

  @Argument(help: "The resource's id, or its name.")
  var resource: String

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let name = resource
      let histories = try await store.openForReading().read {
        try ResourceHistory.all(named: name, $0)
      }
      if format == .json { return print(JSONValue.array(histories.map(\.json)).text) }
      for history in histories { print(history.text.withoutControls(keeping: "\n")) }
    }
  }
}

extension ResourceHistory {
  fileprivate var text: String {
    var lines = ["\(place.kind)  \(place.id)  in account \(place.accounts.first ?? "")"]
    for step in steps {
      let end = step.state.ends.isNever ? "now" : "\(step.state.ends)"
      let counts = Verdict.allCases.compactMap { verdict in
        let count = step.verdicts.filter { $0.verdict == verdict }.count
        return count == 0 ? nil : "\(count) \(verdict.rawValue)"
      }
      lines.append("  \(step.state.begins) to \(end)  \(counts.joined(separator: ", "))")
      lines += step.fields.map {
        "      \($0.path): \($0.before?.text ?? "absent") -> \($0.after?.text ?? "absent")"
      }
      lines += step.verdicts.filter { $0.verdict == .fail || $0.verdict == .unknown }.map {
        "      \($0.verdict.rawValue)  \($0.goal.rule) version \($0.goal.version)"
      }
    }
    return lines.joined(separator: "\n")
  }

  fileprivate var json: JSONValue {
    [
      "account": .string(place.accounts.first ?? ""), "kind": .string("\(place.kind)"),
      "id": .string(place.id),
      "states": .array(
        steps.map { step in
          [
            "from": .string("\(step.state.begins)"),
            "to": step.state.ends.isNever ? .null : .string("\(step.state.ends)"),
            "changes": .array(
              step.fields.map {
                [
                  "path": .string($0.path), "before": $0.before ?? .null,
                  "after": $0.after ?? .null,
                ]
              }
            ),
            "results": .array(
              step.verdicts.map {
                [
                  "rule": .string($0.goal.rule), "rule_version": .integer(Int64($0.goal.version)),
                  "rule_digest": .string($0.goal.digest), "verdict": .string($0.verdict.rawValue),
                ]
              }
            ),
          ]
        }
      ),
    ]
  }
}
