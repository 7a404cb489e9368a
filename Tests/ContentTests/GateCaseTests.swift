import Content
import Engine
import JSON
import Model
import Operations
import Testing

/// The cases of shipped rules, which people wrote and checked, as requests at a gate.
struct GateCaseTests {
  @Test func `every case gets its verdict from a decision`() throws {
    let rules = try Shipped.rules.get()
    let cases = try Shipped.cases.get()
    var decided = 0
    for rule in rules {
      for one in cases[rule.id] ?? [] where one.related.isEmpty {
        let guardrail = Guardrail(
          id: 1,
          .rule(rule.id),
          parameters: one.parameters.isEmpty ? [:] : [rule.id: one.parameters],
          enforcement: .disallow,
          onFailure: .closed
        )
        let set = GuardrailSet(GuardrailSet.Parts(guardrails: [guardrail], rules: [rule]))
        #expect(set.faults.isEmpty, "\(rule.id): \(set.faults)")
        // What counts related resources does not see them here.
        if !set.ruleSet.relatedKinds.isEmpty { continue }
        let now = try #require(Instant(one.now))
        let decision = set.decide(one.resource, isNew: false, at: now)
        let expected: Effect =
          one.verdict == .fail || one.verdict == .unknown ? .refused : .allowed
        #expect(decision.effect == expected, "\(rule.id): \(one.name)")
        switch one.verdict {
        case .fail?, .unknown?:
          #expect(decision.rulings.map(\.verdict) == [one.verdict], "\(rule.id): \(one.name)")
          #expect(decision.rulings.first?.comparison != nil, "\(rule.id): \(one.name)")
        case .pass?: #expect(decision.passed == 1, "\(rule.id): \(one.name)")
        case .notApplicable?: #expect(decision.notApplicable == 1, "\(rule.id): \(one.name)")
        case nil: #expect(decision.passed + decision.notApplicable == 0, "\(rule.id): \(one.name)")
        }
        decided += 1
      }
    }
    #expect(decided > 1500)
  }
}
