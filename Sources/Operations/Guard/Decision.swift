package import Engine
package import JSON
package import Model
package import Store

/// What becomes of a request to create or change a resource, and why.
package struct Decision: Sendable {
  /// What one rule says about the resource, where it is not simply passed.
  package struct Ruling: Sendable {
    /// The guardrails in force here that ask for the rule, by number.
    package var guardrails: [Int64]
    /// The strictest of their enforcements.
    package var enforcement: Enforcement
    package var rule: Rule
    /// The rule's parameters, all filled.
    package var parameters: [String: JSONValue]
    package var verdict: Verdict
    package var effect: Effect
    package var reason: String
    /// The comparison that decides; nil where nothing was judged.
    package var comparison: DecidingComparison?
    /// Where that is written, where it was read from a file.
    package var location: SourceLocation?
    package var exception: Exception?
    /// The short name of the result; empty where nothing was judged.
    package var result: String
    package var proof: JSONValue?
    /// Whether the resource failed in the same way before it is changed, so that it is only warned of.
    package var failedBefore = false
  }

  package var resource: JudgedResource
  package var effect: Effect
  /// What is not passed, the strictest effect first.
  package var rulings: [Ruling]
  /// The rules in force here that passed, and those that had nothing to judge.
  package var quiet = QuietRules()
  /// How many guardrails in force ask something of the resource.
  package var guardrails = 0
  /// How many are in force anywhere; where there are none, nothing was decided.
  package var guardrailsAnywhere: Int
  /// What templates add to the configuration; the decision is about the one that has it.
  package var additions: [Template.Addition] = []
  /// Why the resource could not be judged; nil where it was.
  package var fault: String?
  /// Why the guardrails may not be those of now; nil where they are.
  package var outdated: String?
  package var at: Instant
}

extension Decision {
  /// How many rules in force passed.
  package var passed: Int { quiet.count(QuietRules.passed) }
  /// How many had nothing to judge.
  package var notApplicable: Int { quiet.count(QuietRules.notApplicable) }

  /// Adds what a rule in force says.
  mutating func add(_ ruling: Ruling) {
    switch ruling.verdict {
    case .pass, .notApplicable:
      quiet.rules.append(ruling.rule.id)
      quiet.letters.unicodeScalars.append(Unicode.Scalar(ruling.verdict.letter))
    case .fail, .unknown: rulings.append(ruling)
    }
  }

  /// Orders the rulings, the strictest first, which is the decision.
  mutating func settle() {
    rulings.sort {
      ($1.effect, $1.rule.severity, $0.rule.id) < ($0.effect, $0.rule.severity, $1.rule.id)
    }
    effect = rulings.first?.effect ?? .allowed
  }

  /// What has one effect, a sentence each.
  package func sentences(_ effect: Effect) -> [String] {
    rulings.filter { $0.effect == effect }.map {
      "\(resource.id): \($0.rule.title): \($0.reason)"
    }
  }

  /// Why nothing is decided where no guardrail is in force, and the way out.
  package static let nothing =
    "no guardrail is in force anywhere; plumb guardrails add lays one on a scope"

  /// The rulings that hold the request up, or that whoever sent it is told of.
  package var told: [Ruling] { rulings.filter { $0.effect > .allowed } }

  /// What to tell a person: the decision in a sentence, and below it what to change.
  package var message: String {
    let name = resource.name.isEmpty ? resource.id : resource.name
    let told = told
    guard !told.isEmpty else {
      if guardrailsAnywhere == 0 { return "\(name) is not decided on: \(Self.nothing)" }
      return "\(name) is allowed" + (guardrails == 0 ? "; no guardrail asks anything of it" : "")
    }
    let lines = told.map { ruling in
      let remedy = ruling.rule.remediation.text
      return "\(ruling.rule.title) (\(ruling.rule.id)): \(ruling.reason)"
        + (remedy.isEmpty ? "" : "; \(remedy)")
    }
    return (["\(name) is \(effect.rawValue)"] + lines).joined(separator: "\n")
  }
}
