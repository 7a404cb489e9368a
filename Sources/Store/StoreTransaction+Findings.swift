internal import JSON
package import Model

// Keeping findings: one row for each cause, into which each finding is counted once.
extension StoreTransaction {
  /// Counts findings into those of their causes.
  ///
  /// One that was counted before counts no more, unless it has grown. A cause that was mitigated before
  /// it was seen is open again; one that is accepted stays so.
  ///
  /// - Throws: ``SQLError``.
  package func keep(_ findings: [Finding]) throws -> FindingsKept {
    var outcome = FindingsKept()
    guard !findings.isEmpty else { return outcome }
    // Whoever keeps findings waits here for others to end, so that nothing is counted twice.
    _ = try take(0, of: "finding")
    let notes = try keepNotes(findings.map(\.note))
    var parts = try counts(ofParts: Set(findings.map(\.id)))
    let knownParts = parts
    var present = try presentFindings(Set(findings.map(\.causeID)))
    var touched: [String: FindingDraft] = [:]
    var order: [String] = []
    for finding in findings {
      let more = finding.count - (parts[finding.id]?.count ?? 0)
      let cause = finding.causeID
      guard more > 0, let note = notes[NoteKey(finding.note)] else {
        outcome.known += 1
        continue
      }
      outcome.counted += 1
      var counted = finding
      counted.count = more
      if touched[cause] == nil {
        order.append(cause)
        touched[cause] = FindingDraft(present.removeValue(forKey: cause), note: note)
      }
      touched[cause]?.take(counted, at: now)
      parts[finding.id] = (cause, finding.count)
    }
    var changes: [FindingChange] = []
    let fresh = order.filter { touched[$0]?.kept.id == 0 }
    let first = try take(fresh.count, of: "finding")
    for (place, cause) in fresh.enumerated() { touched[cause]?.kept.id = first + Int64(place) }
    let drafts = order.compactMap { touched[$0] }
    try insert(drafts.filter(\.isNew).map(\.kept))
    for draft in drafts where !draft.isNew { try update(draft.kept) }
    for draft in drafts { try keep(draft.addresses, of: draft.kept.id) }
    let grown = parts.filter { $0.value.count != knownParts[$0.key]?.count }
    try keepParts(grown, knownParts) { touched[$0]?.kept.id ?? 0 }
    for draft in drafts {
      for kind in draft.changes {
        switch kind {
        case .opened: outcome.opened += 1
        case .reopened: outcome.reopened += 1
        case .raised: outcome.raised += 1
        default: break
        }
        changes.append(draft.kept.change(kind, at: now, by: actor))
      }
    }
    try append(changes)
    return outcome
  }

  /// Notes what somebody decided about a finding.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` where it is so already, or an acceptance has no reason, and
  ///   ``StoreError/notFound(kind:name:)``.
  package func decide(finding id: Int64, to state: String, reason: String) throws {
    _ = try take(0, of: "finding")
    var kept = try finding(id)
    guard kept.finding.state.name != state else {
      throw StoreError.conflict("finding \(id) is \(state) already")
    }
    let kind: FindingChange.Kind
    switch state {
    case "mitigated":
      (kept.finding.state, kind) = (.mitigated(by: actor, at: now, reason: reason), .mitigated)
    case "accepted":
      guard reason.contains(where: { !$0.isWhitespace }) else {
        throw StoreError.conflict("a finding is accepted for a reason; say it")
      }
      (kept.finding.state, kind) = (.accepted(by: actor, at: now, reason: reason), .accepted)
    default: (kept.finding.state, kind) = (.open, .reopened)
    }
    kept.updatedAt = now
    try update(kept)
    var change = kept.change(kind, at: now, by: actor)
    change.reason = reason
    try append([change])
    try record(
      "finding.\(kind.rawValue)",
      "\(id)",
      ["note": .string(kept.finding.note.id), "reason": .string(reason)]
    )
  }

  /// Removes findings that were neither seen nor decided about since an instant.
  func pruneFindings(before cutoff: Instant) throws -> Int {
    _ = try take(0, of: "finding")
    let old = "SELECT id FROM findings WHERE updated_at < $1"
    for table in ["finding_parts", "finding_changes", "finding_addresses", "alerts"] {
      try session.run("DELETE FROM \(table) WHERE finding IN (\(old))", [cutoff.value])
    }
    return try session.run("DELETE FROM findings WHERE updated_at < $1", [cutoff.value])
  }

  // MARK: - Rows

  /// What was counted of findings that have some ids, and into which cause.
  private func counts(ofParts ids: Set<String>) throws -> [String: (cause: String, count: Int)] {
    var found: [String: (cause: String, count: Int)] = [:]
    for some in Array(ids).chunks(of: 400) {
      let marks = some.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
      try session.query(
        "SELECT uid, count FROM finding_parts WHERE uid IN (\(marks))",
        some.map { .text($0) }
      ) { found[$0.text(0)] = ("", Int($0.integer(1))) }
    }
    return found
  }

  private func keepParts(
    _ grown: [String: (cause: String, count: Int)],
    _ known: [String: (cause: String, count: Int)],
    _ number: (String) -> Int64
  ) throws {
    let all = grown.sorted { $0.key < $1.key }
    for (id, part) in all where known[id] != nil {
      try session.run(
        "UPDATE finding_parts SET count = $2 WHERE uid = $1",
        [.text(id), .integer(Int64(part.count))]
      )
    }
    let fresh = all.filter { known[$0.key] == nil }
    guard !fresh.isEmpty else { return }
    try session.insert(
      into: "finding_parts",
      columns: ["uid", "finding", "count"],
      rows: fresh.count
    ) { index, row in
      row.text(fresh[index].key)
      row.integer(number(fresh[index].value.cause))
      row.integer(Int64(fresh[index].value.count))
    }
  }

  func presentFindings(_ causes: Set<String>) throws -> [String: KeptFinding] {
    var found: [String: KeptFinding] = [:]
    for some in Array(causes).chunks(of: 400) {
      let marks = some.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
      let rows = try session.rows(
        Self.findingColumns + "WHERE f.uid IN (\(marks))",
        some.map { .text($0) },
        Self.finding
      )
      for kept in rows { found[kept.finding.id] = kept }
    }
    return found
  }

  func insert(_ findings: [KeptFinding]) throws {
    guard !findings.isEmpty else { return }
    try session.insert(
      into: "findings",
      columns: [
        "id", "uid", "note", "severity", "account", "region", "resource", "entity", "first_seen",
        "last_seen", "count", "evidence", "state", "decided_by", "decided_at", "reason", "kept_at",
        "updated_at",
      ],
      rows: findings.count
    ) { index, row in
      for value in findings[index].columns {
        switch value {
        case .null: row.null()
        case .integer(let number): row.integer(number)
        case .double(let number): row.double(number)
        case .text(let text): row.text(text)
        case .bytes(let bytes): row.bytes(bytes)
        }
      }
    }
  }

  func update(_ kept: KeptFinding) throws {
    try session.run(
      """
      UPDATE findings SET uid = $2, note = $3, severity = $4, account = $5, region = $6,
        resource = $7, entity = $8, first_seen = $9, last_seen = $10, count = $11, evidence = $12,
        state = $13, decided_by = $14, decided_at = $15, reason = $16, kept_at = $17,
        updated_at = $18
      WHERE id = $1
      """,
      kept.columns
    )
  }

  func append(_ changes: [FindingChange]) throws {
    guard !changes.isEmpty else { return }
    let first = try take(changes.count, of: "finding change")
    try session.insert(
      into: "finding_changes",
      columns: ["id", "finding", "kind", "at", "actor", "state", "severity", "seen_at", "reason"],
      rows: changes.count
    ) { index, row in
      let change = changes[index]
      row.integer(first + Int64(index))
      row.integer(change.finding)
      row.text(change.kind.rawValue)
      row.integer(change.at.milliseconds)
      row.text(change.actor)
      row.text(change.state)
      row.integer(Int64(change.severity.rank))
      if let seen = change.seenAt { row.integer(seen.milliseconds) } else { row.null() }
      row.text(change.reason)
    }
  }
}

/// A finding while others are counted into it.
private struct FindingDraft {
  var kept: KeptFinding
  let isNew: Bool
  /// What it went through meanwhile.
  var changes: [FindingChange.Kind] = []
  /// What they tell of.
  private(set) var addresses: Set<String> = []
  private var isEmpty: Bool

  init(_ present: KeptFinding?, note: Int64) {
    isNew = present == nil
    isEmpty = isNew
    kept = present ?? .blank(note: note)
  }

  mutating func take(_ finding: Finding, at now: Instant) {
    kept.updatedAt = now
    addresses.formUnion(finding.addresses)
    if isEmpty {
      isEmpty = false
      let cause = finding.causeID
      kept.finding = finding
      kept.finding.id = cause
      kept.finding.state = .open
      kept.finding.evidence.events = Array(finding.evidence.events.prefix(Finding.eventLimit))
      kept.keptAt = now
      changes.append(.opened)
      return
    }
    let isRaised = kept.finding.note.severity < finding.note.severity
    kept.finding = kept.finding.joined(by: finding)
    if case .mitigated(_, let at, _) = kept.finding.state, (finding.lastSeen ?? now) > at {
      kept.finding.state = .open
      changes.append(.reopened)
    } else if isRaised, !isNew, !changes.contains(.reopened), !changes.contains(.raised) {
      changes.append(.raised)
    }
  }
}

extension KeptFinding {
  /// One of a note before anything is known of it.
  fileprivate static func blank(note: Int64) -> KeptFinding {
    KeptFinding(
      id: 0,
      note: note,
      finding: Finding(
        id: "",
        note: FindingNote(id: "", title: "", severity: .informational, provider: ""),
        entity: FindingEntity(),
        firstSeen: nil,
        lastSeen: nil,
        count: 0,
        evidence: FindingEvidence(source: "", values: [:], events: [])
      ),
      keptAt: .never,
      updatedAt: .never
    )
  }

  /// What became of it just now.
  func change(
    _ kind: FindingChange.Kind,
    at now: Instant,
    by actor: String
  ) -> FindingChange {
    FindingChange(
      id: 0,
      finding: id,
      kind: kind,
      at: now,
      actor: actor,
      state: finding.state.name,
      severity: finding.note.severity,
      seenAt: [.opened, .reopened, .raised].contains(kind) ? finding.lastSeen : nil,
      reason: ""
    )
  }

  /// The values of its row, in the order of the table.
  fileprivate var columns: [SQLValue] {
    let decision = finding.state.decision
    return [
      .integer(id), .text(finding.id), .integer(note), .integer(Int64(finding.note.severity.rank)),
      .text(finding.entity.account ?? ""), .text(finding.entity.region ?? ""),
      .text(finding.entity.resource ?? ""), .text(finding.entity.json.text),
      .optional(finding.firstSeen?.milliseconds), .optional(finding.lastSeen?.milliseconds),
      .integer(Int64(finding.count)), .bytes(Pack.compress(Array(finding.evidence.json.text.utf8))),
      .text(finding.state.name), .text(decision?.actor ?? ""),
      (decision?.at ?? Instant(milliseconds: 0)).value, .text(decision?.reason ?? ""),
      keptAt.value, updatedAt.value,
    ]
  }
}

extension Array {
  /// The elements in runs of at most so many.
  func chunks(of count: Int) -> [[Element]] {
    stride(from: 0, to: self.count, by: count).map {
      Array(self[$0..<Swift.min($0 + count, self.count)])
    }
  }
}
