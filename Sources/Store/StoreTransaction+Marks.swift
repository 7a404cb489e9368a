internal import JSON
package import Model

/// What people say of a resource or a scope that its configuration does not tell.
package struct Mark: Sendable, Hashable {
  /// What is marked: a resource, by its id or a pattern of ids, or a scope.
  package enum Subject: String, Sendable { case resource, scope }

  /// What a mark can say.
  package enum Kind: String, Sendable, CaseIterable {
    case dataClassification = "data-classification"
    case dataKind = "data-kind"
    case owner, criticality

    /// The values that it can have; nil for any text.
    package var values: [String]? {
      switch self {
      case .dataKind: ["customer", "application", "unclassified"]
      case .criticality: ["critical", "high", "medium", "low"]
      case .dataClassification, .owner: nil
      }
    }
  }

  package var subject: Subject
  package var name: String
  package var kind: Kind
  package var value: String

  package init(subject: Subject, name: String, kind: Kind, value: String) {
    self.subject = subject
    self.name = name
    self.kind = kind
    self.value = value
  }
}

/// A control that a person says is met, or is not, with evidence.
package struct Attestation: Sendable, Hashable {
  package var id: Int64
  package var profile: String
  package var version: String
  package var control: String
  package var scope: String
  package var isMet: Bool
  package var statement: String
  package var evidenceName: String
  /// SHA-256 of the evidence.
  package var evidenceDigest: String
  /// When the evidence was observed, which may be long before it was received.
  package var observedAt: Instant
  package var receivedAt: Instant
  /// The interval for which it speaks.
  package var periodBegins: Instant
  package var periodEnds: Instant
  package var attestedBy: String
  package var approvedBy: String?
  package var approvedAt: Instant?

  package init(
    id: Int64 = 0,
    profile: String,
    version: String,
    control: String,
    scope: String,
    isMet: Bool,
    statement: String,
    evidenceName: String,
    evidenceDigest: String,
    observedAt: Instant,
    receivedAt: Instant,
    periodBegins: Instant,
    periodEnds: Instant,
    attestedBy: String,
    approvedBy: String? = nil,
    approvedAt: Instant? = nil
  ) {
    self.id = id
    self.profile = profile
    self.version = version
    self.control = control
    self.scope = scope
    self.isMet = isMet
    self.statement = statement
    self.evidenceName = evidenceName
    self.evidenceDigest = evidenceDigest
    self.observedAt = observedAt
    self.receivedAt = receivedAt
    self.periodBegins = periodBegins
    self.periodEnds = periodEnds
    self.attestedBy = attestedBy
    self.approvedBy = approvedBy
    self.approvedAt = approvedAt
  }

  /// Whether it counts at an instant: approved by then, and within its period.
  package func isInForce(at instant: Instant) -> Bool {
    guard let approvedAt else { return false }
    return approvedAt <= instant && periodBegins <= instant && instant < periodEnds
  }
}

// What people say: marks and attestations.
extension StoreTransaction {
  /// The marks as of an instant.
  package func marks(at instant: Instant) throws -> [Mark] {
    try session.rows(
      """
      SELECT subject, subject_name, mark, value FROM marks
      WHERE valid_from <= $1 AND valid_to > $1 ORDER BY id
      """,
      [instant.bounded.value]
    ) { row in
      guard let subject = Mark.Subject(rawValue: row.text(0)),
        let kind = Mark.Kind(rawValue: row.text(2))
      else { throw StoreError.damaged("a mark of an unknown kind") }
      return Mark(subject: subject, name: row.text(1), kind: kind, value: row.text(3))
    }
  }

  /// Sets a mark from now on; an empty value removes it.
  ///
  /// - Throws: ``StoreError`` for a value that the mark cannot have, or a scope that is not there.
  package func set(_ mark: Mark) throws {
    try beginDecision()
    if let values = mark.kind.values, !mark.value.isEmpty, !values.contains(mark.value) {
      throw StoreError.conflict(
        "\(mark.kind.rawValue) is one of \(values.joined(separator: ", ")), not \"\(mark.value)\""
      )
    }
    if mark.subject == .scope, try !scopes(at: now).contains(where: { $0.name == mark.name }) {
      throw StoreError.notFound(kind: "scope", name: mark.name)
    }
    try session.run(
      """
      UPDATE marks SET valid_to = $4
      WHERE subject = $1 AND subject_name = $2 AND mark = $3 AND valid_to > $4
      """,
      [
        .text(mark.subject.rawValue), .text(mark.name), .text(mark.kind.rawValue), now.value,
      ]
    )
    if !mark.value.isEmpty {
      try session.run(
        """
        INSERT INTO marks (id, subject, subject_name, mark, value, valid_from, valid_to)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        [
          .integer(try take(of: "mark")), .text(mark.subject.rawValue), .text(mark.name),
          .text(mark.kind.rawValue), .text(mark.value), now.value, Instant.never.value,
        ]
      )
    }
    try record(
      "mark.set",
      "\(mark.subject.rawValue) \(mark.name)",
      [mark.kind.rawValue: .string(mark.value)]
    )
  }

  /// Keeps an attestation with its evidence, and returns its number.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` when its period is empty or it was observed in the future.
  package func attest(_ attestation: Attestation, evidence: [UInt8]) throws -> Int64 {
    guard attestation.periodBegins < attestation.periodEnds else {
      throw StoreError.conflict("the period of an attestation ends after it begins")
    }
    guard attestation.observedAt <= now else {
      throw StoreError.conflict("evidence cannot be observed in the future")
    }
    guard
      try attestation.scope.isEmpty
        || scopes(at: now).contains(where: { $0.name == attestation.scope })
    else { throw StoreError.notFound(kind: "scope", name: attestation.scope) }
    let id = try take(of: "attestation")
    try session.run(
      """
      INSERT INTO attestations (id, profile, profile_version, control, scope, is_met, statement,
        evidence_name, evidence_digest, evidence, observed_at, received_at, period_from, period_to,
        attested_by)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
      """,
      [
        .integer(id), .text(attestation.profile), .text(attestation.version),
        .text(attestation.control), .text(attestation.scope),
        .integer(attestation.isMet ? 1 : 0), .text(attestation.statement),
        .text(attestation.evidenceName), .text(attestation.evidenceDigest),
        .bytes(Pack.compress(evidence)), attestation.observedAt.value, now.value,
        attestation.periodBegins.value, attestation.periodEnds.value, .text(actor),
      ]
    )
    try record(
      "attestation.add",
      "\(id)",
      [
        "profile": .string(attestation.profile), "control": .string(attestation.control),
        "evidence_sha256": .string(attestation.evidenceDigest),
      ]
    )
    return id
  }

  /// Approves an attestation, as another person than the one who attested.
  ///
  /// - Throws: ``StoreError``.
  package func approveAttestation(_ id: Int64) throws {
    try beginDecision()
    guard let found = try attestations().first(where: { $0.id == id }) else {
      throw StoreError.notFound(kind: "attestation", name: "\(id)")
    }
    guard found.receivedAt <= now else {
      throw StoreError.conflict(
        "attestation \(id) was received at \(found.receivedAt), after \(now)"
      )
    }
    guard found.approvedAt == nil else {
      throw StoreError.conflict("attestation \(id) was approved by \(found.approvedBy ?? "")")
    }
    guard !Exception.isSamePerson(found.attestedBy, actor) else {
      throw StoreError.conflict(
        "attestation \(id) is by \(found.attestedBy); another person must approve it"
      )
    }
    try session.run(
      "UPDATE attestations SET approved_by = $2, approved_at = $3 WHERE id = $1",
      [.integer(id), .text(actor), now.value]
    )
    try record("attestation.approve", "\(id)")
  }

  /// Every attestation, without its evidence.
  package func attestations() throws -> [Attestation] {
    try session.rows(
      """
      SELECT id, profile, profile_version, control, scope, is_met, statement, evidence_name,
        evidence_digest, observed_at, received_at, period_from, period_to, attested_by, approved_by,
        approved_at FROM attestations ORDER BY id
      """
    ) { row in
      Attestation(
        id: row.integer(0),
        profile: row.text(1),
        version: row.text(2),
        control: row.text(3),
        scope: row.text(4),
        isMet: row.integer(5) == 1,
        statement: row.text(6),
        evidenceName: row.text(7),
        evidenceDigest: row.text(8),
        observedAt: row.instant(9),
        receivedAt: row.instant(10),
        periodBegins: row.instant(11),
        periodEnds: row.instant(12),
        attestedBy: row.text(13),
        approvedBy: row.optionalText(14),
        approvedAt: row.optionalInstant(15)
      )
    }
  }

  /// The evidence of an attestation, checked against its digest.
  ///
  /// - Throws: ``StoreError``.
  package func evidence(of attestation: Int64) throws -> [UInt8] {
    let found = try session.first(
      "SELECT evidence, evidence_digest FROM attestations WHERE id = $1",
      [.integer(attestation)]
    ) { ($0.bytes(0), $0.text(1)) }
    guard let (packed, digest) = found else {
      throw StoreError.notFound(kind: "attestation", name: "\(attestation)")
    }
    let bytes = try Pack.decompress(packed)
    guard Digest.sha256(bytes) == digest else {
      throw StoreError.damaged("the evidence of attestation \(attestation) is not what was given")
    }
    return bytes
  }
}
