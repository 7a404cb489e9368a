package import JSON
package import Model

/// A goal as it is stored: a version of a rule with its parameters filled.
package struct StoredGoal: Sendable, Hashable {
  package var id: Int64
  package var rule: String
  package var version: Int
  package var digest: String
  package var parameters: [String: JSONValue]
  package var severity: Severity
}

/// The order of goals in the verdict vectors of one kind, as it is stored.
package struct StoredLayout: Sendable {
  package var id: Int64
  package var kind: Int64
  package var goals: [Int64]
  /// Whether verdicts can change while the resource does not.
  package var isVolatile: Bool
}

// By what: accounts, kinds, rules, goals, layouts and profiles.
extension StoreTransaction {
  /// The number of an account, which is made where it is new.
  package func account(provider: String, account: String) throws -> Int64 {
    try known(
      "SELECT id FROM accounts WHERE provider = $1 AND account = $2",
      [.text(provider), .text(account)],
      of: "account"
    ) { id in
      try session.run(
        "INSERT INTO accounts (id, provider, account, name, parent) VALUES ($1, $2, $3, '', NULL)",
        [.integer(id), .text(provider), .text(account)]
      )
    }
  }

  /// The number of a kind, which is made where it is new.
  package func kind(_ kind: ResourceKind) throws -> Int64 {
    try known(
      "SELECT id FROM kinds WHERE service_name = $1 AND resource_kind = $2",
      [.text(kind.service), .text(kind.kind)],
      of: "kind"
    ) { id in
      try session.run(
        "INSERT INTO kinds (id, service_name, resource_kind) VALUES ($1, $2, $3)",
        [.integer(id), .text(kind.service), .text(kind.kind)]
      )
    }
  }

  private func known(
    _ question: String,
    _ values: [SQLValue],
    of counter: String,
    insert: (Int64) throws -> Void
  ) throws -> Int64 {
    if let found = try session.first(question, values, { $0.integer(0) }) { return found }
    // Taking a number holds off others who take one; by then somebody may have made the record.
    let id = try take(of: counter)
    if let found = try session.first(question, values, { $0.integer(0) }) { return found }
    try insert(id)
    return id
  }

  /// A text that differs whenever accounts, kinds, goals, layouts or what people decide changed.
  package func contentStamp() throws -> String {
    try session.rows(
      """
      SELECT name, next FROM counters
      WHERE name IN ('account', 'kind', 'goal', 'layout', 'audit log') ORDER BY name
      """
    ) { "\($0.text(0)) \($0.integer(1))" }.joined(separator: ", ")
  }

  /// The accounts by number: provider, account, name and parent.
  package func accounts() throws -> [Int64: StoredAccount] {
    let found = try session.rows("SELECT id, provider, account, name, parent FROM accounts") {
      StoredAccount(
        id: $0.integer(0),
        provider: $0.text(1),
        account: $0.text(2),
        name: $0.text(3),
        parent: $0.optionalInteger(4)
      )
    }
    return Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
  }

  /// The kinds by number.
  package func kinds() throws -> [Int64: ResourceKind] {
    let found = try session.rows("SELECT id, service_name, resource_kind FROM kinds") {
      ($0.integer(0), ResourceKind(service: $0.text(1), kind: $0.text(2)))
    }
    return Dictionary(found) { first, _ in first }
  }

  /// Sets the name and the parent of an account, making it where it is new.
  package func place(
    _ account: Int64,
    name: String,
    parent: Int64?
  ) throws {
    // Scopes may name accounts above others, so what counts where may change.
    _ = try take(of: Self.changes)
    try session.run(
      "UPDATE accounts SET name = $2, parent = $3 WHERE id = $1",
      [.integer(account), .text(name), .optional(parent)]
    )
    try record(
      "account.place",
      "\(account)",
      ["name": .string(name), "parent": parent.map { .integer($0) } ?? .null]
    )
  }

  /// The number of a goal, kept with its rule's document where it is new.
  package func goal(_ rule: Rule, _ parameters: [String: JSONValue]) throws -> Int64 {
    let document = rule.document
    let digest = Digest.sha256(of: document)
    let filled = parameters.canonicalText
    return try known(
      "SELECT id FROM goals WHERE rule_digest = $1 AND parameters = $2",
      [.text(digest), .text(filled)],
      of: "goal"
    ) { id in
      try session.run(
        """
        INSERT INTO rule_versions (digest, rule, version, document) VALUES ($1, $2, $3, $4)
        ON CONFLICT (digest) DO NOTHING
        """,
        [.text(digest), .text(rule.id), .integer(Int64(rule.version)), .text(document.text)]
      )
      try session.run(
        """
        INSERT INTO goals (id, rule, rule_version, rule_digest, parameters, severity)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        [
          .integer(id), .text(rule.id), .integer(Int64(rule.version)), .text(digest),
          .text(filled), .text(rule.severity.rawValue),
        ]
      )
    }
  }

  /// Every goal that was ever judged, by number.
  package func goals() throws -> [Int64: StoredGoal] {
    let found = try session.rows(
      "SELECT id, rule, rule_version, rule_digest, parameters, severity FROM goals"
    ) { row in
      StoredGoal(
        id: row.integer(0),
        rule: row.text(1),
        version: Int(row.integer(2)),
        digest: row.text(3),
        parameters: try [String: JSONValue](canonicalText: row.text(4)),
        severity: Severity(rawValue: row.text(5)) ?? .medium
      )
    }
    return Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
  }

  /// The document of a version of a rule.
  package func ruleDocument(_ digest: String) throws -> JSONValue? {
    try session.first(
      "SELECT document FROM rule_versions WHERE digest = $1",
      [.text(digest)]
    ) { try JSONValue(parsing: $0.text(0)) }
  }

  /// The layout for a kind and an order of goals, kept where it is new.
  package func layout(kind: Int64, goals: [Int64], isVolatile: Bool) throws -> StoredLayout {
    let text = goals.map(String.init).joined(separator: ",")
    let id = try known(
      "SELECT id FROM layouts WHERE kind = $1 AND goals = $2 AND is_volatile = $3",
      [.integer(kind), .text(text), .integer(isVolatile ? 1 : 0)],
      of: "layout"
    ) { id in
      try session.run(
        "INSERT INTO layouts (id, kind, goals, is_volatile) VALUES ($1, $2, $3, $4)",
        [.integer(id), .integer(kind), .text(text), .integer(isVolatile ? 1 : 0)]
      )
    }
    return StoredLayout(id: id, kind: kind, goals: goals, isVolatile: isVolatile)
  }

  /// Every layout, by number.
  package func layouts() throws -> [Int64: StoredLayout] {
    let found = try session.rows("SELECT id, kind, goals, is_volatile FROM layouts") { row in
      StoredLayout(
        id: row.integer(0),
        kind: row.integer(1),
        goals: row.text(2).split(separator: ",").compactMap { Int64($0) },
        isVolatile: row.integer(3) == 1
      )
    }
    return Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
  }

  /// Keeps a version of a profile, and returns its digest.
  package func keep(_ profile: Profile) throws -> String {
    let document = profile.document
    let digest = Digest.sha256(of: document)
    try session.run(
      """
      INSERT INTO profile_versions (digest, profile, version, effective_date, document, kept_at)
      VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (digest) DO NOTHING
      """,
      [
        .text(digest), .text(profile.id), .text(profile.version), .text(profile.effectiveDate),
        .text(document.text), now.value,
      ]
    )
    return digest
  }

  /// Keeps a profile that somebody made.
  package func add(_ profile: Profile) throws {
    let digest = try keep(profile)
    try record(
      "profile.add",
      "\(profile.id)@\(profile.version)",
      ["title": .string(profile.title), "sha256": .string(digest)]
    )
  }

  /// Removes a kept version of a profile, to which no attachment may refer, whether it holds or has ended.
  ///
  /// - Throws: ``StoreError/conflict(_:)``.
  package func removeProfile(_ profile: String, version: String, digest: String) throws {
    let users = try session.rows(
      "SELECT DISTINCT id FROM attachments WHERE profile_digest = $1 ORDER BY id",
      [.text(digest)]
    ) { $0.integer(0) }
    guard users.isEmpty else {
      let names = users.prefix(5).map { "\($0)" }.joined(separator: ", ")
      throw StoreError.conflict(
        "version \(version) of profile \(profile) is what attachment \(names) asks for, or asked for while "
          + "it held; what it came to is shown by it"
      )
    }
    try session.run("DELETE FROM profile_versions WHERE digest = $1", [.text(digest)])
    try record("profile.remove", "\(profile)@\(version)", ["sha256": .string(digest)])
  }

  /// The document of a kept version of a profile.
  package func profileDocument(_ digest: String) throws -> JSONValue? {
    try session.first(
      "SELECT document FROM profile_versions WHERE digest = $1",
      [.text(digest)]
    ) { try JSONValue(parsing: $0.text(0)) }
  }

  /// The kept versions of profiles, oldest first: profile, version and digest.
  package func profileVersions() throws -> [(profile: String, version: String, digest: String)] {
    try session.rows(
      "SELECT profile, version, digest FROM profile_versions ORDER BY profile, kept_at, version"
    ) { ($0.text(0), $0.text(1), $0.text(2)) }
  }
}

/// An account as it is stored.
package struct StoredAccount: Sendable, Hashable {
  package var id: Int64
  package var provider: String
  package var account: String
  package var name: String
  /// The account group or enterprise above it.
  package var parent: Int64?
}

extension [String: JSONValue] {
  /// The members as a JSON object with sorted keys.
  package var canonicalText: String {
    var writer = JSONWriter()
    writer.canonical(.object(JSONObject(map { (key: $0.key, value: $0.value) })))
    return writer.text
  }

  /// Reads members back.
  package init(canonicalText: String) throws {
    let members = try JSONValue(parsing: canonicalText).object?.members ?? []
    self.init(members.map { ($0.key, $0.value) }) { first, _ in first }
  }
}
