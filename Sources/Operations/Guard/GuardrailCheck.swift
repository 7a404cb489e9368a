import Engine
package import Model
package import Store

/// Checks what somebody wants to lay on a scope, for every way in which people do.
package struct GuardrailCheck: Sendable {
  /// The guardrail, compiled alone.
  package let set: GuardrailSet
  private let guardrail: Guardrail
  private let former: Guardrail?

  /// - Throws: ``GuardrailError`` for a guardrail that cannot be enforced, or that lays a property of a
  ///   template on a scope that has another template for it.
  package init(
    _ guardrail: Guardrail,
    former: Guardrail?,
    _ transaction: StoreTransaction,
    rules: [Rule],
    profiles: [Profile],
    at now: Instant
  ) throws {
    (self.guardrail, self.former) = (guardrail, former)
    let own = try OwnContent(transaction, at: now)
    set = GuardrailSet(
      GuardrailSet.Parts(
        guardrails: [guardrail],
        rules: rules.joined(by: own.rules),
        unreadable: own.unreadable,
        profiles: try KeptProfiles(profiles, transaction).laid(by: [guardrail]),
        templates: own.templates,
        scopes: ScopeTree(try transaction.scopes(at: now)),
        accounts: try Places(transaction).names,
        exceptions: try transaction.exceptionsInForce(at: now)
      )
    )
    if let fault = set.faults[guardrail.id] { throw GuardrailError(description: fault) }
    guard case .template(let name) = guardrail.subject,
      let template = own.templates.first(where: { $0.id == name })
    else { return }
    for other in try transaction.guardrails(at: now)
    where other.id != guardrail.id && other.scope == guardrail.scope {
      guard case .template(let name) = other.subject,
        let second = own.templates.first(where: { $0.id == name })
      else { continue }
      try Self.refuseShared(template, second, scope: guardrail.scope)
    }
  }

  /// Refuses two templates of one property for the same kind.
  static func refuseShared(
    _ first: Template,
    _ second: Template,
    scope: String
  ) throws(GuardrailError) {
    guard !Set(first.kinds).isDisjoint(with: second.kinds) else { return }
    let shared = Set(first.defaults.map(\.property)).intersection(second.defaults.map(\.property))
    guard let property = shared.map(\.description).min() else { return }
    throw GuardrailError(
      description: "template \(second.id) holds \(property) there already; a property is in one "
        + "template per scope (\(scope.isEmpty ? "everything" : scope))"
    )
  }

  /// Refuses a change of a template by which a property would be in two templates of one scope.
  ///
  /// - Throws: ``GuardrailError``.
  package static func refuseShared(
    _ template: Template,
    _ transaction: StoreTransaction,
    at now: Instant
  ) throws {
    let others = try OwnContent(transaction, at: now).templates
    let laid = try transaction.guardrails(at: now)
    for own in laid where own.subject == .template(template.id) {
      for other in laid where other.scope == own.scope && other.id != own.id {
        guard let second = others.first(where: { other.subject == .template($0.id) }) else {
          continue
        }
        try refuseShared(template, second, scope: own.scope)
      }
    }
  }

  /// Refuses a step up to which something stands opposed, unless a reason is given; that a guardrail
  /// which disallows becomes stricter is such a step.
  ///
  /// - Throws: ``GuardrailError``.
  package func step(_ transaction: StoreTransaction, at now: Instant) throws {
    if case .template = guardrail.subject { return }
    let tightenings = former.map { guardrail.tightenings(since: $0) } ?? []
    guard guardrail.enforcement == .disallow,
      former?.enforcement != .disallow || !tightenings.isEmpty
    else { return }
    let preview = try GuardPreview(set, transaction, GuardPreview.Question(limit: 0), at: now)
    try Ladder(
      from: former?.enforcement,
      to: guardrail.enforcement,
      onFailure: guardrail.onFailure,
      violators: preview.failed,
      unknown: preview.unknown,
      tightenings: tightenings
    ).check(reason: guardrail.reason)
  }
}
