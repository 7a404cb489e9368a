import Engine
import JSON
import Model

// A change of what failed already is warned of, so that it can be scaled and mended step by step.
extension GuardrailSet {
  /// Decides about requests; a decision for each, in their order.
  ///
  /// A failure that would refuse it only warns where the resource failed before the change by the same
  /// guardrails, and in the same way: nothing stands in the way now that did not stand there before.
  func decide(
    _ requests: some Collection<GuardKeeper.Request>,
    at now: Instant,
    _ resolver: ExceptionResolver
  ) -> [Decision] {
    var decisions = decide(requests.map { ($0.resource, $0.isNew) }, at: now, resolver)
    for (index, request) in requests.enumerated() {
      guard let former = request.former,
        decisions[index].rulings.contains(where: { $0.effect == .refused && $0.verdict == .fail })
      else { continue }
      let before = decide([(former, false)], at: now, resolver)[0]
      warn(&decisions[index], of: request.resource, former, before)
    }
    return decisions
  }

  /// Turns refusals into warnings where the resource failed in the same way before the change.
  private func warn(
    _ decision: inout Decision,
    of resource: Resource,
    _ former: Resource,
    _ before: Decision
  ) {
    let isSame =
      former.place == resource.place
      && former.configuration.settled == resource.configuration.settled
    for index in decision.rulings.indices {
      let ruling = decision.rulings[index]
      guard ruling.effect == .refused, ruling.verdict == .fail,
        before.rulings.contains(where: { ruling.failed(as: $0, isSame: isSame) })
      else { continue }
      decision.rulings[index].failedBefore = true
      decision.rulings[index].effect = .warned
      decision.rulings[index].reason +=
        "; it failed in the same way before this update, which is therefore only warned of"
    }
    decision.settle()
  }
}

extension Resource {
  /// All of it but its configuration, as a rule may ask about it.
  fileprivate var place: JSONValue {
    var other = self
    other.configuration = .null
    return other.inventoryLine
  }
}

extension JSONValue {
  /// An object of Kubernetes without what its API server notes of each change.
  fileprivate var settled: JSONValue {
    guard var object, var metadata = object["metadata"]?.object else { return self }
    for key in ["managedFields", "resourceVersion", "generation"] { metadata[key] = nil }
    object["metadata"] = .object(metadata)
    object["status"] = nil
    return .object(object)
  }
}

extension Decision.Ruling {
  /// Whether a ruling about the resource before its change is a failure that holds all of this one.
  fileprivate func failed(as former: Self, isSame: Bool) -> Bool {
    guard former.verdict == .fail, former.rule.id == rule.id, former.parameters == parameters,
      Set(guardrails).isSubset(of: former.guardrails)
    else { return false }
    guard !isSame else { return true }
    guard let now = proof.flatMap({ FailureEvidence($0) }),
      let before = former.proof.flatMap({ FailureEvidence($0) })
    else { return false }
    return now.isWithin(before)
  }
}

/// The comparisons of a proof that make it a failure, each as often as it stands there, wherever in a list
/// that is.
struct FailureEvidence {
  private var counts: [String: Int] = [:]

  /// Reads a proof; nil where it shows none, or leaves some of it out.
  init?(_ proof: JSONValue) {
    guard let node = proof["condition"], note(node, wanted: true, below: ""), !counts.isEmpty else {
      return nil
    }
  }

  /// Whether all of it stands in another one, as often.
  func isWithin(_ other: Self) -> Bool {
    counts.allSatisfy { $0.value <= other.counts[$0.key] ?? 0 }
  }

  private static func truth(_ node: JSONValue) -> Bool? {
    switch node["result"]?.string {
    case "true", "vacuous": true
    case "false": false
    default: nil
    }
  }

  /// Notes what keeps a node from the value wanted; false where the proof does not show all of that.
  private mutating func note(_ node: JSONValue, wanted: Bool, below base: String) -> Bool {
    let parts = node["and"]?.array ?? node["or"]?.array ?? node["not"].map { [$0] }
    if let parts {
      let wanted = node["not"] == nil ? wanted : !wanted
      for part in parts where Self.truth(part) == !wanted {
        guard note(part, wanted: wanted, below: base) else { return false }
      }
      return true
    }
    if let property = node["property"]?.string { return add(node, base + "." + property) }
    for key in ["any", "all", "none"] {
      guard let list = node[key]?.string else { continue }
      let elements = node["elements"]?.array ?? []
      guard node["elements_left_out"] == nil else { return false }
      if elements.isEmpty { return add(node, base + "." + list) }
      for element in elements {
        let path = "\(base).\(list)[*]"
        guard let condition = element["condition"] else {
          guard add(element, path) else { return false }
          continue
        }
        let wanted = Self.truth(condition) == false
        guard note(condition, wanted: wanted, below: path) else { return false }
      }
      return true
    }
    // What is counted is told by its number.
    return add(node, base)
  }

  private mutating func add(_ node: JSONValue, _ path: String) -> Bool {
    var told = node.object ?? JSONObject()
    for key in ["index", "elements", "elements_left_out"] { told[key] = nil }
    let text = JSONValue.object(told).text
    // Long values are cut, and say so.
    guard !text.contains("…") else { return false }
    counts["\(path) \(text)", default: 0] += 1
    return true
  }
}
