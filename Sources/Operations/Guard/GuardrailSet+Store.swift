import Engine
package import Model
package import Store

extension GuardrailSet {
  /// The guardrails of a store as of an instant, over rules and profiles that are there besides.
  package init(
    _ transaction: StoreTransaction,
    rules: [Rule],
    profiles: [Profile],
    at now: Instant
  ) throws {
    let own = try OwnContent(transaction, at: now)
    let guardrails = try transaction.guardrails(at: now)
    let exceptions = try transaction.exceptions().compactMap(\.approved).filter { $0.ends > now }
    self.init(
      Parts(
        guardrails: guardrails,
        rules: rules.joined(by: own.rules),
        unreadable: own.unreadable,
        profiles: try KeptProfiles(profiles, transaction).laid(by: guardrails),
        templates: own.templates,
        scopes: ScopeTree(try transaction.scopes(at: now)),
        accounts: try Places(transaction).names,
        exceptions: exceptions
      )
    )
  }
}
