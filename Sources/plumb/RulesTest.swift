import ArgumentParser
import Model
import Operations

struct RulesTest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Runs rules against their cases.",
    discussion: """
      Prints a table of rules, then each case whose verdict is not the one it names. A rule without
      cases counts as not as expected. Exits with 1 when something is not as expected.

      Examples:
        plumb rules test
        plumb rules test --rules my-rules/
        plumb rules test --content house/ --failures-only
        plumb rules test aws.s3.tls-only
      """
  )

  @OptionGroup var source: RuleSource

  @Flag(name: .long, help: "Leave rules whose cases are all as expected out of the table.")
  var failuresOnly = false

  @Argument(help: "Rule ids; all when left out.")
  var ids: [String] = []

  func run() async throws {
    try await reporting {
      let all = try source.read()
      for id in ids where !all.contains(where: { $0.id == id || $0.aliases.contains(id) }) {
        throw ValidationError("there is no rule \"\(id)\"")
      }
      let cases = try source.cases(for: all)
      let outcomes = try all.filter { rule in
        ids.isEmpty || ids.contains(rule.id) || rule.aliases.contains(where: ids.contains)
      }.map { rule in
        RuleOutcome(
          rule: rule.id,
          cases: try (cases[rule.id] ?? []).map { try CaseRunner.run($0, of: rule) }
        )
      }
      let failures = outcomes.reduce(0) { $0 + $1.failureCount }
      let rows = outcomes.filter { !failuresOnly || $0.failureCount > 0 }
      if !rows.isEmpty {
        let header = [["rule", "cases", "not as expected"]]
        for line in columns(header + rows.map(\.cells)) { print(line) }
      }
      for outcome in outcomes {
        for line in outcome.lines { print(line) }
      }
      let count = outcomes.reduce(0) { $0 + $1.cases.count }
      print("\(outcomes.count) rules, \(count) cases, \(failures) not as expected")
      if failures > 0 { throw Exit.failed }
    }
  }
}

/// What a rule's cases came to.
private struct RuleOutcome {
  var rule: String
  var cases: [CaseRunner.Outcome]

  var failureCount: Int { cases.isEmpty ? 1 : cases.filter { !$0.isAsExpected }.count }

  var cells: [String] {
    [rule, "\(cases.count)", "\(failureCount)"]
  }

  /// The cases that are not as expected, in words.
  var lines: [String] {
    if cases.isEmpty { return ["\(rule): has no cases"] }
    return cases.filter { !$0.isAsExpected }.flatMap { outcome in
      let testCase = outcome.testCase
      let got = outcome.fault ?? outcome.verdict?.rawValue ?? "none"
      return [
        "\(testCase.location): \(rule): \(testCase.name)",
        "  expected \(testCase.verdict?.rawValue ?? "none"), got \(got)"
          + (outcome.reason.isEmpty ? "" : ": \(outcome.reason)"),
      ]
    }
  }
}
