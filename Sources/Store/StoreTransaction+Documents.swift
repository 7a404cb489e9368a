package import JSON
package import Model

/// A version of a rule or template that people made.
package struct KeptDocument: Sendable, Hashable {
  /// What it is.
  package enum Kind: String, Sendable, CaseIterable { case rule, template }

  package var kind: Kind
  package var name: String
  package var version: Int
  package var document: JSONValue
  /// A rule's cases, as its cases document lists them.
  package var cases: [JSONValue]
  package var labels: [String]
  package var changedBy: String
  package var begins: Instant
  package var ends: Instant

  /// What it can be called by.
  package var names: [String] { [name] + (document["aliases"]?.array ?? []).compactMap(\.string) }
}

// What people decide: rules and templates of their own.
extension StoreTransaction {
  /// The rules or templates as of an instant, by name.
  package func documents(
    _ kind: KeptDocument.Kind,
    at instant: Instant
  ) throws -> [KeptDocument] {
    try session.rows(
      Self.documentColumns
        + " WHERE kind = $1 AND valid_from <= $2 AND valid_to > $2 ORDER BY name",
      [.text(kind.rawValue), instant.bounded.value],
      Self.document
    )
  }

  /// The versions of a rule or template, newest first, those before its removal too.
  package func versions(of kind: KeptDocument.Kind, _ name: String) throws -> [KeptDocument] {
    try session.rows(
      Self.documentColumns + " WHERE kind = $1 AND name = $2 ORDER BY version DESC",
      [.text(kind.rawValue), .text(name)],
      Self.document
    )
  }

  /// Keeps a rule from now on, as the next version of the one of its id.
  ///
  /// - Returns: the version that is kept; its document tells its number.
  /// - Throws: ``StoreError/conflict(_:)`` where another rule has one of its names.
  package func keep(_ rule: Rule, cases: [JSONValue], labels: [String]) throws -> KeptDocument {
    let names = Set([rule.id] + rule.aliases)
    let other = try documents(.rule, at: now).first {
      $0.name != rule.id && !names.isDisjoint(with: $0.names)
    }
    if let other {
      throw StoreError.conflict("rule \"\(other.name)\" has one of its names; choose another one")
    }
    var rule = rule
    rule.version = try nextVersion(.rule, rule.id)
    return try keep(.rule, rule.id, rule.version, rule.document, cases: cases, labels: labels)
  }

  /// Keeps a template from now on, as the next version of the one of its id.
  package func keep(_ template: Template, labels: [String]) throws -> KeptDocument {
    var template = template
    template.version = try nextVersion(.template, template.id)
    let document = template.document
    return try keep(.template, template.id, template.version, document, cases: [], labels: labels)
  }

  /// Removes a rule or template from now on, and with it the guardrails that lay it on scopes.
  ///
  /// - Returns: the numbers of those guardrails.
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func removeDocument(_ kind: KeptDocument.Kind, _ name: String) throws -> [Int64] {
    let names = try documents(kind, at: now).first { $0.name == name }?.names ?? []
    let ended = try endDocument(kind, name)
    guard ended == 1 else { throw StoreError.notFound(kind: kind.rawValue, name: name) }
    let subjects = names.map { kind == .rule ? Guardrail.Subject.rule($0) : .template($0) }
    let laid = try guardrails(at: now).filter { subjects.contains($0.subject) }.map(\.id)
    for guardrail in laid { try removeGuardrail(guardrail) }
    try record(
      "\(kind.rawValue).remove",
      name,
      ["guardrails": .array(laid.map { .integer($0) })]
    )
    return laid
  }

  private func nextVersion(_ kind: KeptDocument.Kind, _ name: String) throws -> Int {
    (try versions(of: kind, name).first?.version ?? 0) + 1
  }

  private func endDocument(_ kind: KeptDocument.Kind, _ name: String) throws -> Int {
    try session.run(
      "UPDATE documents SET valid_to = $3 WHERE kind = $1 AND name = $2 AND valid_to > $3",
      [.text(kind.rawValue), .text(name), now.value]
    )
  }

  private func keep(
    _ kind: KeptDocument.Kind,
    _ name: String,
    _ version: Int,
    _ document: JSONValue,
    cases: [JSONValue],
    labels: [String]
  ) throws -> KeptDocument {
    let isNew = try endDocument(kind, name) == 0
    let kept = KeptDocument(
      kind: kind,
      name: name,
      version: version,
      document: document,
      cases: cases,
      labels: labels,
      changedBy: actor,
      begins: now,
      ends: .never
    )
    try session.run(
      """
      INSERT INTO documents
        (id, kind, name, version, document, cases, labels, changed_by, valid_from, valid_to)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
      """,
      [
        .integer(try take(of: "document")), .text(kind.rawValue), .text(name),
        .integer(Int64(version)), .text(document.text), .text(JSONValue.array(cases).text),
        .text(JSONValue.array(labels.map { .string($0) }).text), .text(actor), now.value,
        Instant.never.value,
      ]
    )
    try record(
      isNew ? "\(kind.rawValue).add" : "\(kind.rawValue).change",
      name,
      [
        "version": .integer(Int64(version)), "sha256": .string(Digest.sha256(of: document)),
        "labels": .array(labels.map { .string($0) }),
      ]
    )
    return kept
  }

  private static let documentColumns = """
    SELECT kind, name, version, document, cases, labels, changed_by, valid_from, valid_to
    FROM documents
    """

  private static func document(_ row: any SQLRow) throws -> KeptDocument {
    guard let kind = KeptDocument.Kind(rawValue: row.text(0)) else {
      throw StoreError.damaged("a document of an unknown kind")
    }
    return KeptDocument(
      kind: kind,
      name: row.text(1),
      version: Int(row.integer(2)),
      document: try JSONValue(parsing: row.text(3)),
      cases: try JSONValue(parsing: row.text(4)).array ?? [],
      labels: (try JSONValue(parsing: row.text(5)).array ?? []).compactMap(\.string),
      changedBy: row.text(6),
      begins: row.instant(7),
      ends: row.instant(8)
    )
  }
}
