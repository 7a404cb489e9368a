import Engine
package import JSON
package import Model

/// What the guardrails that lay a rule where a resource is would make of its recorded configuration, were
/// it asked for now.
package struct GuardOutcome: Sendable {
  /// One guardrail with what it does.
  package struct Part: Sendable {
    /// The guardrail's place in its set.
    package var place: Int
    package var effect: Effect
    /// What is not passed; nil where the rule passes or has nothing to judge.
    package var ruling: Decision.Ruling?
    /// Why it cannot be judged; nil where it was.
    package var fault: String?
  }

  /// The guardrails in force, in the order of their set.
  package let parts: [Part]

  /// What becomes of the request as far as the rule goes.
  package var effect: Effect { parts.map(\.effect).max() ?? .allowed }

  /// The outcome for one rule and a line of an inventory.
  package init(
    _ set: GuardrailSet,
    rule: String,
    line: [UInt8],
    place: Place,
    at now: Instant
  ) {
    let holds = set.holds(place)
    let inForce = set.guardrails.indices.filter { index in
      set.rules(of: index).contains(rule) && holds[set.areaOfGuardrail[index]] != .no
    }
    guard !inForce.isEmpty else {
      parts = []
      return
    }
    let (decisions, faults) = set.decide(
      lines: line + [0x0A],
      account: place.accounts.first ?? "",
      at: now,
      set.resolver(at: now).resolver
    )
    // What cannot be judged has no decision, and is unknown.
    let fault = decisions.isEmpty ? faults.first?.message ?? "it cannot be judged" : nil
    let rulings = decisions.flatMap(\.rulings).filter { $0.rule.id == rule }
    parts = inForce.map { index in
      let guardrail = set.guardrails[index]
      if let fault {
        let effect = guardrail.enforcement.effect(
          of: .unknown,
          guardrail.onFailure,
          isExcepted: false
        )
        return Part(place: index, effect: effect, ruling: nil, fault: fault)
      }
      let ruling = rulings.first { $0.guardrails.contains(guardrail.id) }
      let effect = ruling.map {
        let isOpen = $0.verdict == .fail && holds[set.areaOfGuardrail[index]] == .maybe
        return guardrail.enforcement.effect(
          of: isOpen ? .unknown : $0.verdict,
          guardrail.onFailure,
          isExcepted: $0.exception != nil
        )
      }
      return Part(place: index, effect: effect ?? .allowed, ruling: ruling)
    }
  }

  /// The outcome; a guardrail that `isSeen` refuses counts and is not told.
  package func json(_ set: GuardrailSet, isSeen: (Guardrail) -> Bool) -> JSONValue {
    let told = parts.filter { isSeen(set.guardrails[$0.place]) }
    return [
      "decision": .string(effect.rawValue),
      "unseen": .integer(Int64(parts.count - told.count)),
      "guardrails": .array(
        told.map { part in
          var object = set.json(ofGuardrail: part.place).object ?? [:]
          object["rules"] = nil
          object["effect"] = .string(part.effect.rawValue)
          let verdict = part.fault == nil ? part.ruling?.verdict : .unknown
          object["verdict"] = verdict.map { .string($0.rawValue) }
          object["because"] = (part.fault.map { "not judged: \($0)" } ?? part.ruling?.reason)
            .map { .string($0) }
          return .object(object)
        }
      ),
    ]
  }
}
