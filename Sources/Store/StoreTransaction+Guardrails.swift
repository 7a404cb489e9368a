internal import JSON
package import Model

// What people decide: what is laid on which scope, and what it does to requests there.
extension StoreTransaction {
  /// The guardrails as of an instant, by number.
  package func guardrails(at instant: Instant) throws -> [Guardrail] {
    try session.rows(
      Self.guardrailColumns + " WHERE valid_from <= $1 AND valid_to > $1 ORDER BY number",
      [instant.bounded.value],
      Self.guardrail
    )
  }

  /// Every state of a guardrail, newest first.
  package func states(ofGuardrail id: Int64) throws -> [Guardrail] {
    try session.rows(
      Self.guardrailColumns + " WHERE number = $1 ORDER BY valid_from DESC, id DESC",
      [.integer(id)],
      Self.guardrail
    )
  }

  /// The guardrail of a number, as of now.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func guardrail(_ id: Int64) throws -> Guardrail {
    guard let found = try guardrails(at: now).first(where: { $0.id == id }) else {
      throw StoreError.notFound(kind: "guardrail", name: "\(id)")
    }
    return found
  }

  /// Lays something on a scope from now on, and returns its number.
  ///
  /// - Throws: ``StoreError`` for a scope that is not there, and for what is laid on it already.
  package func lay(_ guardrail: Guardrail) throws -> Int64 {
    try beginDecision()
    var guardrail = guardrail
    try check(guardrail)
    guardrail.id = try take(of: "guardrail")
    try insert(guardrail)
    try record("guardrail.add", "\(guardrail.id)", guardrail.json.object ?? [:])
    return guardrail.id
  }

  /// Changes a guardrail from now on; what is laid where stays as it was.
  ///
  /// - Throws: ``StoreError``.
  package func change(_ guardrail: Guardrail) throws {
    try beginDecision()
    let former = try self.guardrail(guardrail.id)
    guard former.subject == guardrail.subject else {
      throw StoreError.conflict(
        "guardrail \(guardrail.id) is of \(former.subject.kind) \(former.subject.name); lay the other "
          + "one anew"
      )
    }
    try check(guardrail)
    try endGuardrail(guardrail.id)
    try insert(guardrail)
    var detail = guardrail.json.object ?? [:]
    detail["former"] = former.json
    try record("guardrail.change", "\(guardrail.id)", detail)
  }

  /// Takes a guardrail away from now on.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func removeGuardrail(_ id: Int64) throws {
    try beginDecision()
    guard try endGuardrail(id) > 0 else {
      throw StoreError.notFound(kind: "guardrail", name: "\(id)")
    }
    try record("guardrail.remove", "\(id)")
  }

  private func check(_ guardrail: Guardrail) throws {
    let scopes = try self.scopes(at: now)
    let named =
      [guardrail.scope].filter { !$0.isEmpty }
      + guardrail.excludes.flatMap { $0.terms["scope"] ?? [] }
    for name in named where !scopes.contains(where: { $0.name == name }) {
      throw StoreError.notFound(kind: "scope", name: name)
    }
    let other = try guardrails(at: now).first {
      $0.id != guardrail.id && $0.subject == guardrail.subject && $0.scope == guardrail.scope
        && $0.parameters == guardrail.parameters
    }
    if let other {
      throw StoreError.conflict(
        "guardrail \(other.id) lays \(guardrail.subject.kind) \(guardrail.subject.name) on that scope "
          + "already; change that one"
      )
    }
  }

  @discardableResult
  private func endGuardrail(_ id: Int64) throws -> Int {
    try session.run(
      "UPDATE guardrails SET valid_to = $2 WHERE number = $1 AND valid_to > $2",
      [.integer(id), now.value]
    )
  }

  private func insert(_ guardrail: Guardrail) throws {
    let json = guardrail.json
    try session.run(
      """
      INSERT INTO guardrails (id, number, subject, name, scope, excludes, parameters, enforcement,
        on_failure, reason, changed_by, valid_from, valid_to)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
      """,
      [
        .integer(try take(of: "guardrail state")), .integer(guardrail.id),
        .text(guardrail.subject.kind), .text(guardrail.subject.name), .text(guardrail.scope),
        .text((json["excludes"] ?? []).text), .text((json["parameters"] ?? [:]).text),
        .text(guardrail.enforcement.rawValue), .text(guardrail.onFailure.rawValue),
        .text(guardrail.reason), .text(actor), now.value, Instant.never.value,
      ]
    )
  }

  private static let guardrailColumns = """
    SELECT number, subject, name, scope, excludes, parameters, enforcement, on_failure, reason,
      changed_by, valid_from, valid_to FROM guardrails
    """

  private static func guardrail(_ row: any SQLRow) throws -> Guardrail {
    guard let subject = Guardrail.Subject(kind: row.text(1), name: row.text(2)),
      let enforcement = Enforcement(rawValue: row.text(6)),
      let onFailure = FailureChoice(rawValue: row.text(7))
    else { throw StoreError.damaged("guardrail \(row.integer(0))") }
    let parameters = try JSONValue(parsing: row.text(5)).object?.members ?? []
    return Guardrail(
      id: row.integer(0),
      subject,
      scope: row.text(3),
      excludes: try (JSONValue(parsing: row.text(4)).array ?? []).map {
        try Scope.Selector($0.string ?? "")
      },
      parameters: Dictionary(
        parameters.map { rule, values in
          (rule, Dictionary((values.object?.members ?? []).map { ($0, $1) }) { $1 })
        }
      ) { $1 },
      enforcement: enforcement,
      onFailure: onFailure,
      reason: row.text(8),
      changedBy: row.text(9),
      begins: row.instant(10),
      ends: row.instant(11)
    )
  }
}
