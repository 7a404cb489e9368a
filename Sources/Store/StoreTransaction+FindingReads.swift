internal import JSON
package import Model

// Reading findings, and their kinds.
extension StoreTransaction {
  /// One finding.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func finding(_ id: Int64) throws -> KeptFinding {
    let question = Self.findingColumns + "WHERE f.id = $1"
    guard let found = try session.first(question, [.integer(id)], Self.finding) else {
      throw StoreError.notFound(kind: "finding", name: "\(id)")
    }
    return found
  }

  /// The finding of a cause; nil where it was never seen.
  package func finding(ofCause id: String) throws -> KeptFinding? {
    try session.first(Self.findingColumns + "WHERE f.uid = $1", [.text(id)], Self.finding)
  }

  /// The findings before a number, newest first; what only counts them leaves their evidence out.
  package func findings(
    _ filter: FindingFilter = FindingFilter(),
    before: Int64 = .max,
    limit: Int = 1_000_000_000,
    withEvidence: Bool = true
  ) throws -> [KeptFinding] {
    var values: [SQLValue] = [.integer(before), .integer(Int64(limit))]
    let conditions = filter.conditions(&values)
    let columns =
      withEvidence
      ? Self.findingColumns : Self.findingColumns.replacing("f.evidence", with: "NULL")
    return try session.rows(
      columns + "WHERE f.id < $1\(conditions) ORDER BY f.id DESC LIMIT $2",
      values,
      Self.finding
    )
  }

  /// What became of a finding, the first first.
  package func changes(ofFinding id: Int64) throws -> [FindingChange] {
    try session.rows(
      Self.changeColumns + "WHERE finding = $1 ORDER BY id",
      [.integer(id)],
      Self.change
    )
  }

  /// What became of any finding after a change, in its order.
  package func findingChanges(after id: Int64, limit: Int) throws -> [FindingChange] {
    try session.rows(
      Self.changeColumns + "WHERE id > $1 ORDER BY id LIMIT $2",
      [.integer(id), .integer(Int64(limit))],
      Self.change
    )
  }

  /// Every kind of finding, by source and id.
  package func notes() throws -> [KeptNote] {
    try session.rows(Self.noteColumns + "ORDER BY source, name", [], Self.note)
  }

  /// One kind of finding.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func note(_ id: Int64) throws -> KeptNote {
    let question = Self.noteColumns + "WHERE id = $1"
    guard let found = try session.first(question, [.integer(id)], Self.note) else {
      throw StoreError.notFound(kind: "note", name: "\(id)")
    }
    return found
  }

  /// A kind of finding by what its maker calls it; nil where none was kept.
  package func note(_ source: FindingSource, _ name: String) throws -> KeptNote? {
    try session.first(
      Self.noteColumns + "WHERE source = $1 AND name = $2",
      [.text(source.rawValue), .text(name)],
      Self.note
    )
  }

  /// Keeps kinds of findings, each as it was given last; returns their numbers.
  func keepNotes(_ notes: [FindingNote]) throws -> [NoteKey: Int64] {
    var numbers: [NoteKey: Int64] = [:]
    for note in notes where numbers[NoteKey(note)] == nil {
      guard let kept = try self.note(note.source, note.id) else {
        numbers[NoteKey(note)] = try keep(note)
        continue
      }
      numbers[NoteKey(note)] = kept.id
      // A finding may be severer than its kind; that does not change the kind.
      var same = note
      same.severity = kept.note.severity
      if same != kept.note { try write(same, kept.id) }
    }
    return numbers
  }

  /// Keeps a kind of finding, or changes it; returns its number.
  @discardableResult
  package func keep(_ note: FindingNote) throws -> Int64 {
    if let kept = try self.note(note.source, note.id) {
      if kept.note != note { try write(note, kept.id) }
      return kept.id
    }
    let id = try take(of: "finding note")
    try session.run(
      """
      INSERT INTO finding_notes (id, source, name, provider, title, severity, details, changed_by,
        changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      """,
      [
        .integer(id), .text(note.source.rawValue), .text(note.id), .text(note.provider),
        .text(note.title), .integer(Int64(note.severity.rank)),
        .text(JSONValue.object(note.details).text), .text(actor), now.value,
      ]
    )
    return id
  }

  private func write(_ note: FindingNote, _ id: Int64) throws {
    try session.run(
      """
      UPDATE finding_notes SET provider = $2, title = $3, severity = $4, details = $5,
        changed_by = $6, changed_at = $7 WHERE id = $1
      """,
      [
        .integer(id), .text(note.provider), .text(note.title),
        .integer(Int64(note.severity.rank)), .text(JSONValue.object(note.details).text),
        .text(actor), now.value,
      ]
    )
  }

  // MARK: - Rows

  static let findingColumns = """
    SELECT f.id, f.uid, f.note, f.severity, f.entity, f.first_seen, f.last_seen, f.count,
      f.evidence, f.state, f.decided_by, f.decided_at, f.reason, f.kept_at, f.updated_at,
      n.source, n.name, n.provider, n.title, n.details
    FROM findings f JOIN finding_notes n ON n.id = f.note\u{20}
    """

  static func finding(_ row: any SQLRow) throws -> KeptFinding {
    let evidence = row.isNull(8) ? [:] : try JSONParser().parse(Pack.decompress(row.bytes(8)))
    let (actor, at, reason) = (row.text(10), row.instant(11), row.text(12))
    let state: FindingState =
      switch row.text(9) {
      case "mitigated": .mitigated(by: actor, at: at, reason: reason)
      case "accepted": .accepted(by: actor, at: at, reason: reason)
      default: .open
      }
    let note = try noted(
      row,
      source: 15,
      name: 16,
      provider: 17,
      title: 18,
      details: 19,
      severity: 3
    )
    return KeptFinding(
      id: row.integer(0),
      note: row.integer(2),
      finding: Finding(
        id: row.text(1),
        note: note,
        entity: FindingEntity(json: try JSONValue(parsing: row.text(4))),
        firstSeen: row.optionalInstant(5),
        lastSeen: row.optionalInstant(6),
        count: Int(row.integer(7)),
        evidence: FindingEvidence(json: evidence),
        state: state
      ),
      keptAt: row.instant(13),
      updatedAt: row.instant(14)
    )
  }

  private static let noteColumns = """
    SELECT id, source, name, provider, title, severity, details, changed_by, changed_at
    FROM finding_notes\u{20}
    """

  private static func note(_ row: any SQLRow) throws -> KeptNote {
    KeptNote(
      id: row.integer(0),
      note: try noted(row, source: 1, name: 2, provider: 3, title: 4, details: 6, severity: 5),
      changedBy: row.text(7),
      changedAt: row.instant(8)
    )
  }

  private static func noted(
    _ row: any SQLRow,
    source: Int,
    name: Int,
    provider: Int,
    title: Int,
    details: Int,
    severity: Int
  ) throws -> FindingNote {
    var note = FindingNote(
      id: row.text(name),
      title: row.text(title),
      severity: FindingSeverity(rank: row.integer(severity)),
      source: FindingSource(rawValue: row.text(source)) ?? .custom,
      provider: row.text(provider)
    )
    note.take(try JSONValue(parsing: row.text(details)).object ?? [:])
    return note
  }

  private static let changeColumns = """
    SELECT id, finding, kind, at, actor, state, severity, seen_at, reason FROM finding_changes\u{20}
    """

  private static func change(_ row: any SQLRow) throws -> FindingChange {
    FindingChange(
      id: row.integer(0),
      finding: row.integer(1),
      kind: FindingChange.Kind(rawValue: row.text(2)) ?? .opened,
      at: row.instant(3),
      actor: row.text(4),
      state: row.text(5),
      severity: FindingSeverity(rank: row.integer(6)),
      seenAt: row.optionalInstant(7),
      reason: row.text(8)
    )
  }
}

/// What a kind of finding is found again by.
struct NoteKey: Hashable {
  private var source: FindingSource
  private var name: String

  init(_ note: FindingNote) { (source, name) = (note.source, note.id) }
}
