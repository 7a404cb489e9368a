import Engine
package import JSON
package import Model
package import Store

/// A rule as it is enforced in an account.
package struct EnforcedRule: Sendable, Hashable {
  package var account: String
  package var provider: String
  package var rule: String
  package var enforcement: Enforcement
  package var guardrail: Int64
  package var scope: String
  package var onFailure: FailureChoice
  /// Whether the scope asks for more than the account, such as regions or tags.
  package var isPartial: Bool

  /// The rule as JSON.
  package var json: JSONValue {
    [
      "account": .string(account), "provider": .string(provider), "rule": .string(rule),
      "enforcement": .string(enforcement.rawValue), "guardrail": .integer(guardrail),
      "scope": .string(scope), "on_failure": .string(onFailure.rawValue),
      "partial": .bool(isPartial),
    ]
  }
}

// What is enforced where, read off the very guardrails that decide.
extension GuardrailSet {
  /// The ids of the rules that a guardrail asks for.
  package func rules(of guardrail: Int) -> [String] {
    membersOfGuardrail[guardrail].map { ruleSet.members[$0].rule.id }
  }

  /// A guardrail with whether it is enforced.
  package func json(ofGuardrail index: Int) -> JSONValue {
    let guardrail = guardrails[index]
    var object = guardrail.json.object ?? [:]
    object["enforced"] = .bool(faults[guardrail.id] == nil)
    object["fault"] = faults[guardrail.id].map { .string($0) }
    object["rules"] = .array(rules(of: index).map { .string($0) })
    return .object(object)
  }

  /// What is enforced in each of some accounts, in the order of accounts and rules.
  ///
  /// A rule stands once per guardrail; a scope that asks for more than the account stands where it may
  /// hold a part of it.
  package func enforcement(of accounts: [StoredAccount]) -> [EnforcedRule] {
    var found: [EnforcedRule] = []
    for account in accounts.sorted(by: { ($0.account, $0.provider) < ($1.account, $1.provider) }) {
      for (index, guardrail) in guardrails.enumerated() {
        let share = scopes.share(
          provider: account.provider,
          accounts: self.accounts[account.account] ?? [account.account],
          in: guardrail.scope,
          without: guardrail.excludes
        )
        guard share != .none else { continue }
        for rule in rules(of: index).sorted() {
          found.append(
            EnforcedRule(
              account: account.account,
              provider: account.provider,
              rule: rule,
              enforcement: guardrail.enforcement,
              guardrail: guardrail.id,
              scope: guardrail.scope,
              onFailure: guardrail.onFailure,
              isPartial: share == .some
            )
          )
        }
      }
    }
    return found
  }
}
