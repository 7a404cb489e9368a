package import JSON
package import Model

/// A profile attached to a scope, with its parameters and schedule.
package struct Attachment: Sendable, Hashable {
  package var id: Int64
  package var profile: String
  package var version: String
  /// The digest of the version of the profile that is attached.
  package var digest: String
  /// The name of the scope; empty for everything.
  package var scope: String
  /// Values by rule and parameter.
  package var parameters: [String: [String: JSONValue]]
  /// When it is validated, such as `every 24h`; empty for on demand.
  package var schedule: String
  package var begins: Instant
  package var ends: Instant

  package init(
    id: Int64,
    profile: String,
    version: String,
    digest: String,
    scope: String,
    parameters: [String: [String: JSONValue]] = [:],
    schedule: String,
    begins: Instant,
    ends: Instant = .never
  ) {
    self.id = id
    self.profile = profile
    self.version = version
    self.digest = digest
    self.scope = scope
    self.parameters = parameters
    self.schedule = schedule
    self.begins = begins
    self.ends = ends
  }
}

// What people decide: scopes and attachments. Each version holds over an interval.
extension StoreTransaction {
  /// The scopes as of an instant.
  package func scopes(at instant: Instant) throws -> [Scope] {
    try session.rows(
      """
      SELECT name, definition FROM scopes WHERE valid_from <= $1 AND valid_to > $1 ORDER BY name
      """,
      [instant.bounded.value]
    ) { try Scope(name: $0.text(0), definition: JSONValue(parsing: $0.text(1))) }
  }

  /// Adds a scope, or replaces the one of the same name from now on.
  ///
  /// - Throws: ``ScopeError`` when it names scopes that are not there, or itself.
  package func put(_ scope: Scope) throws {
    try beginDecision()
    var all = try scopes(at: now).filter { $0.name != scope.name }
    let isNew = try scopes(at: now).count == all.count
    all.append(scope)
    try ScopeTree(all).check()
    try endScope(scope.name)
    try session.run(
      "INSERT INTO scopes (id, name, definition, valid_from, valid_to) VALUES ($1, $2, $3, $4, $5)",
      [
        .integer(try take(of: "scope")), .text(scope.name), .text(scope.definition.text), now.value,
        Instant.never.value,
      ]
    )
    try record(
      isNew ? "scope.add" : "scope.change",
      scope.name,
      ["definition": scope.definition]
    )
  }

  /// Removes a scope from now on.
  ///
  /// - Throws: ``StoreError`` when there is none, or attachments and other scopes still name it.
  package func removeScope(_ name: String) throws {
    try beginDecision()
    guard try scopes(at: now).contains(where: { $0.name == name }) else {
      throw StoreError.notFound(kind: "scope", name: name)
    }
    if let user = try attachments(at: now).first(where: { $0.scope == name }) {
      throw StoreError.conflict("scope \"\(name)\" is used by attachment \(user.id)")
    }
    let named = try guardrails(at: now).first { guardrail in
      guardrail.scope == name
        || guardrail.excludes.contains { $0.terms.contains { $0 == "scope" && $1.contains(name) } }
    }
    if let named {
      throw StoreError.conflict(
        "scope \"\(name)\" is used by guardrail \(named.id); plumb guardrails remove ends that"
      )
    }
    try endScope(name)
    do {
      try ScopeTree(try scopes(at: now)).check()
    } catch {
      throw StoreError.conflict("scope \"\(name)\" is used: \(error)")
    }
    try record("scope.remove", name)
  }

  private func endScope(_ name: String) throws {
    try session.run(
      "UPDATE scopes SET valid_to = $2 WHERE name = $1 AND valid_to > $2",
      [.text(name), now.value]
    )
  }

  /// The attachments as of an instant.
  package func attachments(at instant: Instant) throws -> [Attachment] {
    try session.rows(
      """
      SELECT a.id, a.profile, p.version, a.profile_digest, a.scope, a.parameters, a.schedule,
        a.valid_from, a.valid_to
      FROM attachments a JOIN profile_versions p ON p.digest = a.profile_digest
      WHERE a.valid_from <= $1 AND a.valid_to > $1 ORDER BY a.id
      """,
      [instant.bounded.value]
    ) { row in
      let parameters = try JSONValue(parsing: row.text(5)).object?.members ?? []
      return Attachment(
        id: row.integer(0),
        profile: row.text(1),
        version: row.text(2),
        digest: row.text(3),
        scope: row.text(4),
        parameters: Dictionary(
          parameters.map { rule, values in
            (rule, Dictionary((values.object?.members ?? []).map { ($0, $1) }) { $1 })
          }
        ) { $1 },
        schedule: row.text(6),
        begins: row.instant(7),
        ends: row.instant(8)
      )
    }
  }

  /// Attaches a version of a profile to a scope from now on; what was attached of the same profile
  /// to the same scope ends.
  ///
  /// - Returns: the number of the attachment.
  /// - Throws: ``StoreError/notFound(kind:name:)`` for a scope that is not there.
  package func attach(
    _ profile: Profile,
    to scope: String,
    parameters: [String: [String: JSONValue]],
    schedule: String
  ) throws -> Int64 {
    guard try scope.isEmpty || scopes(at: now).contains(where: { $0.name == scope }) else {
      throw StoreError.notFound(kind: "scope", name: scope)
    }
    let digest = try keep(profile)
    try session.run(
      "UPDATE attachments SET valid_to = $3 WHERE profile = $1 AND scope = $2 AND valid_to > $3",
      [.text(profile.id), .text(scope), now.value]
    )
    let id = try take(of: "attachment")
    let values = JSONValue.object(
      JSONObject(
        parameters.sorted { $0.key < $1.key }.map { rule, values in
          let sorted = values.sorted { $0.key < $1.key }
          return (rule, .object(JSONObject(sorted.map { (key: $0.key, value: $0.value) })))
        }
      )
    )
    try session.run(
      """
      INSERT INTO attachments
        (id, profile, profile_digest, scope, parameters, schedule, valid_from, valid_to)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
      """,
      [
        .integer(id), .text(profile.id), .text(digest), .text(scope), .text(values.text),
        .text(schedule), now.value, Instant.never.value,
      ]
    )
    try record(
      "attachment.add",
      "\(id)",
      [
        "profile": .string(profile.id), "version": .string(profile.version),
        "scope": .string(scope), "parameters": values, "schedule": .string(schedule),
      ]
    )
    return id
  }

  /// Ends an attachment now.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func detach(_ id: Int64) throws {
    try beginDecision()
    let ended = try session.run(
      "UPDATE attachments SET valid_to = $2 WHERE id = $1 AND valid_to > $2",
      [.integer(id), now.value]
    )
    guard ended == 1 else { throw StoreError.notFound(kind: "attachment", name: "\(id)") }
    try record("attachment.remove", "\(id)")
  }
}

extension Instant {
  /// The instant, or the last one that is not "never": an interval without an end holds there.
  var bounded: Instant { isNever ? Instant(milliseconds: .max - 1) : self }
}
