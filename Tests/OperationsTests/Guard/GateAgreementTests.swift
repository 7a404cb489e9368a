import Engine
import JSON
import Model
import Operations
import TestSupport
import Testing

/// Whoever asks, the verdict is that of a scan: single decisions, batches, and gates over many resources.
struct GateAgreementTests {
  private static let instant = Instant(RuleGenerator.now) ?? Instant(milliseconds: 0)

  /// A rule and a resource, by their ids.
  private struct Pair: Hashable, CustomStringConvertible {
    var rule: String
    var resource: String
    var verdict: Verdict

    var description: String { "\(rule) on \(resource): \(verdict.rawValue)" }
  }

  private static func pairs(_ decision: Decision) -> [Pair] {
    decision.rulings.map {
      Pair(rule: $0.rule.id, resource: decision.resource.id, verdict: $0.verdict)
    }
  }

  @Test(arguments: 0..<30)
  func `generated configurations get the verdicts of a scan at every gate`(seed: Int) async throws {
    var generator = RuleGenerator(seed: UInt64(seed + 7_000))
    let rules = (0..<20).map { generator.rule(id: "rule-\($0)") }.filter {
      // Related resources are not there for a single decision, which is then unknown.
      !$0.requiredConfig.grammar.text.contains("service_name")
        && !($0.applies?.grammar.text.contains("service_name") ?? false)
    }
    let resources = (0..<100).map { generator.resource(id: "resource-\($0)") }
    let index = try RuleIndex(rules)
    let scan = Judge(try RuleSet(index), JudgeOptions(now: RuleGenerator.now))
      .judge(resources.map(\.inventoryLine))
    let lines = try scan.lines.split(separator: 0x0A).map { try JSONParser().parse($0) }
    let all = lines.compactMap { ResultRecord($0) }
    #expect(all.count == lines.count)
    let expected = Set(
      all.filter { $0.verdict == .fail || $0.verdict == .unknown }.map {
        Pair(rule: $0.goal.rule, resource: $0.resource.id, verdict: $0.verdict)
      }
    )
    let set = GuardrailSet(
      GuardrailSet.Parts(
        guardrails: rules.enumerated().map { index, rule in
          Guardrail(id: Int64(index + 1), .rule(rule.id), enforcement: .disallow)
        },
        rules: rules
      )
    )
    #expect(rules.count > 5 && !expected.isEmpty && set.faults.isEmpty)
    let single = resources.map { set.decide($0, isNew: false, at: Self.instant) }
    let together = set.decide(resources, isNew: false, at: Self.instant)
    let text = resources.map { $0.inventoryLine.text }.joined(separator: "\n")
    let batch = set.decide(lines: Array(text.utf8), at: Self.instant)
    let gate = try await Gate(set, exceptions: []).decisions(
      of: resources.map { .resource($0) },
      at: Self.instant,
      account: "",
      subject: "generated",
      toolVersion: "test"
    )
    #expect(batch.faults.isEmpty)
    for (name, decisions) in [
      ("single", single), ("together", together), ("batch", batch.decisions),
      ("gate", gate.decisions),
    ] {
      let found = Set(decisions.flatMap(Self.pairs))
      #expect(found.symmetricDifference(expected).isEmpty, "\(name), seed \(seed)")
      let passed = decisions.reduce(0) { $0 + $1.passed }
      #expect(passed == all.filter { $0.verdict == .pass }.count, "\(name), seed \(seed)")
      let none = decisions.reduce(0) { $0 + $1.notApplicable }
      #expect(none == all.filter { $0.verdict == .notApplicable }.count, "\(name), seed \(seed)")
      for decision in decisions {
        let worst: Effect =
          decision.rulings.contains { $0.verdict == .fail }
          ? .refused : decision.rulings.isEmpty ? .allowed : .warned
        #expect(decision.effect == worst)
      }
    }
  }
}
