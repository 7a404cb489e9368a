import JSON
package import Model

/// Somebody who can sign in.
package struct Person: Sendable, Hashable {
  package var id: Int64
  /// How the audit log calls the person; no two have one name.
  package var name: String
  package var email: String
  /// The identity provider and its name for the person; empty for one who signs in by codes only.
  package var issuer: String
  package var subject: String
  package var createdAt: Instant
  /// Since when the person cannot sign in any more; nil for one who can.
  package var disabledAt: Instant?
}

/// A grant with whose it is and who gave it.
package struct GrantRecord: Sendable, Hashable {
  package var grant: Grant
  package var person: Int64
  package var grantedBy: String
  package var begins: Instant
}

// Who may do what.
extension StoreTransaction {
  /// Everybody, in the order in which they came.
  package func people() throws -> [Person] {
    try session.rows("SELECT \(Self.personColumns) FROM people ORDER BY id", [], Self.person)
  }

  /// Whether anybody may have signed in already: somebody was added, a key made, a session begun.
  package func isInUse() throws -> Bool {
    let found = try session.first(
      """
      SELECT 1 FROM (SELECT COUNT(*) AS n FROM people) p
      WHERE p.n > 1 OR EXISTS (SELECT 1 FROM api_keys) OR EXISTS (SELECT 1 FROM sessions)
      """,
      []
    ) { _ in 1 }
    return found != nil
  }

  /// One person.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func person(_ id: Int64) throws -> Person {
    let found = try session.first(
      "SELECT \(Self.personColumns) FROM people WHERE id = $1",
      [.integer(id)],
      Self.person
    )
    guard let found else { throw StoreError.notFound(kind: "person", name: "\(id)") }
    return found
  }

  /// One person by name.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func person(named name: String) throws -> Person {
    let found = try session.first(
      "SELECT \(Self.personColumns) FROM people WHERE name = $1",
      [.text(name)],
      Self.person
    )
    guard let found else { throw StoreError.notFound(kind: "person", name: name) }
    return found
  }

  /// The person whom an identity provider calls so; nil where nobody is known by that.
  package func person(issuer: String, subject: String) throws -> Person? {
    try session.first(
      "SELECT \(Self.personColumns) FROM people WHERE issuer = $1 AND subject = $2",
      [.text(issuer), .text(subject)],
      Self.person
    )
  }

  /// Adds a person, who may do nothing yet.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` for a name that somebody has, and for what is no name or
  ///   address.
  package func addPerson(
    _ name: String,
    email: String = "",
    issuer: String = "",
    subject: String = ""
  ) throws -> Person {
    guard (1...200).contains(name.count), name == name.withoutControls else {
      throw StoreError.conflict("a name has 1 to 200 characters, none of them a control character")
    }
    try Self.check(email: email)
    guard
      try session.first("SELECT 1 FROM people WHERE name = $1", [.text(name)], { _ in 1 }) == nil
    else { throw StoreError.conflict("there is a person \"\(name)\" already") }
    if !issuer.isEmpty, try person(issuer: issuer, subject: subject) != nil {
      throw StoreError.conflict("somebody has the subject \"\(subject)\" of \(issuer) already")
    }
    let id = try take(of: "person")
    try session.run(
      """
      INSERT INTO people (id, name, email, issuer, subject, created_at, disabled_at)
      VALUES ($1, $2, $3, $4, $5, $6, NULL)
      """,
      [.integer(id), .text(name), .text(email), .text(issuer), .text(subject), now.value]
    )
    try record("person.add", name, ["email": .string(email), "issuer": .string(issuer)])
    return try person(id)
  }

  private static func check(email: String) throws {
    let parts = email.split(separator: "@", omittingEmptySubsequences: false)
    let isAddress =
      parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && email.count <= 320
      && !email.contains(where: \.isWhitespace) && email == email.withoutControls
    guard email.isEmpty || isAddress else {
      throw StoreError.conflict("\"\(email.withoutControls.prefix(80))\" is no e-mail address")
    }
  }

  /// Changes where a person signs in.
  package func setIdentity(
    of id: Int64,
    email: String,
    issuer: String,
    subject: String
  ) throws {
    if !issuer.isEmpty, let other = try person(issuer: issuer, subject: subject), other.id != id {
      throw StoreError.conflict(
        "\"\(other.name)\" has the subject \"\(subject)\" of \(issuer) already"
      )
    }
    try Self.check(email: email)
    let person = try person(id)
    try session.run(
      "UPDATE people SET email = $2, issuer = $3, subject = $4 WHERE id = $1",
      [.integer(id), .text(email), .text(issuer), .text(subject)]
    )
    try record("person.change", person.name, ["email": .string(email), "issuer": .string(issuer)])
  }

  /// Lets a person sign in no more, or again; sessions end, and keys do not work meanwhile.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` for the last administrator of everything.
  package func setDisabled(_ isDisabled: Bool, person id: Int64) throws {
    try beginDecision()
    let person = try person(id)
    guard (person.disabledAt != nil) != isDisabled else { return }
    try session.run(
      "UPDATE people SET disabled_at = $2 WHERE id = $1",
      [.integer(id), isDisabled ? now.value : .null]
    )
    try session.run("DELETE FROM sessions WHERE person = $1", [.integer(id)])
    if isDisabled { try checkAdministrator() }
    try record(isDisabled ? "person.disable" : "person.enable", person.name)
  }

  /// The grants in force at an instant, of one person or of all.
  package func grants(of person: Int64? = nil, at instant: Instant) throws -> [GrantRecord] {
    let instant = instant.bounded
    return try session.rows(
      """
      SELECT id, person, role, extent_kind, extent_name, expires_at, granted_by, valid_from
      FROM grants
      WHERE (person = $1 OR $1 = 0) AND valid_from <= $2 AND valid_to > $2 AND expires_at > $2
      ORDER BY id
      """,
      [.integer(person ?? 0), instant.value]
    ) { row in
      let extent = Extent(kind: row.text(3), name: row.text(4))
      guard let role = Role(rawValue: row.text(2)), let extent else {
        throw StoreError.damaged("grant \(row.integer(0)) names no role or extent")
      }
      return GrantRecord(
        grant: Grant(
          id: row.integer(0),
          role: role,
          extent: extent,
          expiresAt: row.instant(5)
        ),
        person: row.integer(1),
        grantedBy: row.text(6),
        begins: row.instant(7)
      )
    }
  }

  /// Grants a role on an extent to a person.
  ///
  /// - Returns: the grant's number.
  /// - Throws: ``StoreError/conflict(_:)`` for a role that has to end and an expiry that is missing or
  ///   past, or for what the person has already.
  package func grant(_ grant: Grant, to id: Int64) throws -> Int64 {
    try beginDecision()
    let person = try person(id)
    guard !grant.role.isTimeBoxed || !grant.expiresAt.isNever else {
      throw StoreError.conflict("the role \(grant.role.rawValue) needs an instant at which it ends")
    }
    guard grant.expiresAt > now else {
      throw StoreError.conflict("\(grant.expiresAt) is past; a grant ends later than it begins")
    }
    if case .scope(let name) = grant.extent,
      try !scopes(at: now).contains(where: { $0.name == name })
    {
      throw StoreError.notFound(kind: "scope", name: name)
    }
    let present = try grants(of: id, at: now)
    if let other = present.first(where: {
      $0.grant.role == grant.role && $0.grant.extent == grant.extent
    }) {
      throw StoreError.conflict("\(person.name) has that already: grant \(other.grant.id)")
    }
    let number = try take(of: "grant")
    try session.run(
      """
      INSERT INTO grants (id, person, role, extent_kind, extent_name, expires_at, granted_by,
        valid_from, valid_to)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      """,
      [
        .integer(number), .integer(id), .text(grant.role.rawValue), .text(grant.extent.kind),
        .text(grant.extent.name), grant.expiresAt.value, .text(actor), now.value,
        Instant.never.value,
      ]
    )
    try record(
      "grant.add",
      person.name,
      [
        "grant": .integer(number), "role": .string(grant.role.rawValue),
        "on": .string(grant.extent.kind), "name": .string(grant.extent.name),
        "expires_at": grant.expiresAt.isNever ? .null : .string("\(grant.expiresAt)"),
      ]
    )
    return number
  }

  /// Takes a grant back.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``; ``StoreError/conflict(_:)`` for the last
  ///   administrator of everything.
  package func revokeGrant(_ id: Int64) throws {
    try beginDecision()
    guard let found = try grants(at: now).first(where: { $0.grant.id == id }) else {
      throw StoreError.notFound(kind: "grant", name: "\(id)")
    }
    try session.run("UPDATE grants SET valid_to = $2 WHERE id = $1", [.integer(id), now.value])
    if found.grant.role == .administrator { try checkAdministrator() }
    try record("grant.remove", try person(found.person).name, ["grant": .integer(id)])
  }

  /// Refuses a change after which nobody could grant anything.
  private func checkAdministrator() throws {
    let left = try session.first(
      """
      SELECT 1 FROM grants g JOIN people p ON p.id = g.person
      WHERE g.role = 'administrator' AND g.extent_kind = 'everything' AND g.valid_to > $1
        AND g.expires_at > $1 AND p.disabled_at IS NULL
      """,
      [now.value]
    ) { _ in 1 }
    guard left != nil else {
      throw StoreError.conflict("this is the last administrator of everything; name another first")
    }
  }

  /// A person as the principal of a request, with the grants in force now.
  ///
  /// - Returns: nil for one who cannot sign in.
  package func principal(_ person: Int64, limit: Grant? = nil, at now: Instant) throws
    -> Principal?
  {
    let person = try self.person(person)
    guard person.disabledAt == nil else { return nil }
    return Principal(
      name: person.name,
      person: person.id,
      grants: try grants(of: person.id, at: now).map(\.grant),
      limit: limit
    )
  }

  private static let personColumns = "id, name, email, issuer, subject, created_at, disabled_at"

  private static func person(_ row: any SQLRow) -> Person {
    Person(
      id: row.integer(0),
      name: row.text(1),
      email: row.text(2),
      issuer: row.text(3),
      subject: row.text(4),
      createdAt: row.instant(5),
      disabledAt: row.optionalInstant(6)
    )
  }
}
