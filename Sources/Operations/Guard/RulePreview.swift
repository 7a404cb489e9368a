import Engine
package import JSON
package import Model
import Store

/// Which present resources would pass a rule and which would fail, before anybody keeps it.
package struct RulePreview: Sendable {
  /// A resource with what the rule says of it.
  package struct Item: Sendable {
    package var resource: StoredResource
    package var verdict: Verdict
    package var ruling: Decision.Ruling?
  }

  package private(set) var judged = 0
  package private(set) var counts: [Verdict: Int] = [:]
  /// Whether every present resource of its kinds was judged.
  package private(set) var isWhole = true
  /// The first of each verdict.
  package private(set) var items: [Item] = []

  /// Judges present resources in sight, at most so many, and keeps the first few of each verdict.
  package init(_ rule: Rule, _ reader: ResourceReader, resources: Int = 5000, each: Int = 20) throws
  {
    let set = GuardrailSet(
      GuardrailSet.Parts(guardrails: [Guardrail(id: 1, .rule(rule.id))], rules: [rule])
    )
    if let fault = set.faults[1] { throw GuardrailError(description: fault) }
    for kind in rule.target.kinds {
      let found = try reader.sample(of: kind, limit: resources - judged)
      isWhole = isWhole && found.isWhole
      for start in stride(from: 0, to: found.resources.count, by: 500) {
        let part = Array(found.resources[start..<min(start + 500, found.resources.count)])
        try judge(part, set, reader, each: each)
      }
    }
  }

  private mutating func judge(
    _ resources: [StoredResource],
    _ set: GuardrailSet,
    _ reader: ResourceReader,
    each: Int
  ) throws {
    let lines = try reader.transaction.lines(of: resources.map(\.state))
    let text = Array(lines.joined(separator: [0x0A])) + [0x0A]
    let decisions = set.decide(lines: text, at: reader.instant).decisions
    // What cannot be judged has no decision.
    let undecided = resources.count - decisions.count
    judged += undecided
    if undecided > 0 { counts[.unknown, default: 0] += undecided }
    for decision in decisions {
      let resource = resources[decision.resource.lineNumber - 1]
      let ruling = decision.rulings.first
      let passed: Verdict? =
        decision.passed > 0 ? .pass : decision.notApplicable > 0 ? .notApplicable : nil
      // What the target does not select is none of the rule's.
      guard let verdict = ruling?.verdict ?? passed else { continue }
      judged += 1
      counts[verdict, default: 0] += 1
      if counts[verdict, default: 0] <= each {
        items.append(Item(resource: resource, verdict: verdict, ruling: ruling))
      }
    }
  }

  /// The preview, failures first.
  package var json: JSONValue {
    let order: [Verdict] = [.fail, .unknown, .pass, .notApplicable]
    let counted = Verdict.allCases.map {
      (key: $0.rawValue, value: JSONValue.integer(Int64(counts[$0] ?? 0)))
    }
    return [
      "judged": .integer(Int64(judged)), "complete": .bool(isWhole),
      "verdicts": .object(JSONObject(counted)),
      "items": .array(
        order.flatMap { verdict in items.filter { $0.verdict == verdict } }.map(\.json)
      ),
    ]
  }
}

extension RulePreview.Item {
  fileprivate var json: JSONValue {
    var object = resource.json.object ?? [:]
    object["verdicts"] = nil
    object["verdict"] = .string(verdict.rawValue)
    object["reason"] = ruling.map { .string($0.reason) }
    if let comparison = ruling?.comparison {
      object["path"] = .string(comparison.path)
      object["expected"] = comparison.expected
      object["observed"] = comparison.observed
    }
    return .object(object)
  }
}

extension ResourceReader {
  /// Some of the present resources of a kind that are in sight, at most so many.
  package func sample(of kind: ResourceKind, limit: Int) throws -> (
    resources: [StoredResource], isWhole: Bool
  ) {
    guard limit > 0 else { return ([], false) }
    var resources: [StoredResource] = []
    var isWhole = true
    for (number, known) in try transaction.kinds() where known == kind {
      // Of those out of sight some are read in vain.
      let states = try transaction.presentStates(ofKind: number, limit: limit + 1)
      isWhole = isWhole && states.count <= limit
      resources += states.compactMap { resource($0, ResourceFilter()) }
    }
    return (Array(resources.prefix(limit)), isWhole && resources.count <= limit)
  }
}
