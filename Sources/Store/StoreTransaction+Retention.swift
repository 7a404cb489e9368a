internal import JSON
package import Model

/// What is kept for a time.
package enum RetentionClass: String, Sendable, CaseIterable {
  /// Former states of resources, with their configurations and proofs, and resources that are gone.
  case history
  /// Scores after each scan.
  case scores
  /// Jobs that have ended, and runs of attachments.
  case jobs
  /// Decisions about requests.
  case decisions
  /// Findings that were neither seen nor decided about again, and conversations with the outside.
  case findings
}

/// Something for which history is kept, however old it is.
package struct Hold: Sendable, Hashable {
  /// What a hold keeps.
  package enum Kind: String, Sendable, CaseIterable {
    /// Every state that was there at an instant: what a report of that instant tells.
    case report
    /// Every state that was there at an instant or later: a legal hold.
    case legal
  }

  package var id: Int64
  package var kind: Kind
  package var title: String
  package var asOf: Instant
  package var begins: Instant
  package var ends: Instant

  package init(
    id: Int64 = 0,
    kind: Kind,
    title: String,
    asOf: Instant,
    begins: Instant = .never,
    ends: Instant = .never
  ) {
    self.id = id
    self.kind = kind
    self.title = title
    self.asOf = asOf
    self.begins = begins
    self.ends = ends
  }
}

/// What pruning removed, or would remove.
package struct PruneReport: Sendable, Equatable {
  package var states = 0
  package var resources = 0
  package var proofs = 0
  package var blocks = 0
  package var scores = 0
  package var runs = 0
  package var jobs = 0
  package var decisions = 0
  package var findings = 0
  package var conversations = 0

  package init(
    states: Int = 0,
    resources: Int = 0,
    proofs: Int = 0,
    blocks: Int = 0,
    scores: Int = 0,
    runs: Int = 0,
    jobs: Int = 0,
    decisions: Int = 0,
    findings: Int = 0
  ) {
    self.states = states
    self.resources = resources
    self.proofs = proofs
    self.blocks = blocks
    self.scores = scores
    (self.runs, self.jobs, self.decisions) = (runs, jobs, decisions)
    self.findings = findings
  }
}

// How long things are kept.
extension StoreTransaction {
  /// For how many days each class is kept; a class without a number is kept for ever.
  package func retention() throws -> [RetentionClass: Int] {
    let rows = try session.rows("SELECT class, days FROM retention") {
      (RetentionClass(rawValue: $0.text(0)), Int($0.integer(1)))
    }
    return Dictionary(rows.compactMap { kind, days in kind.map { ($0, days) } }) { $1 }
  }

  /// Keeps a class for some days, or for ever.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` for less than a day.
  package func keep(_ kind: RetentionClass, days: Int?) throws {
    if let days, !(1...36_500).contains(days) {
      throw StoreError.conflict("\(kind.rawValue) is kept from 1 to 36500 days, or for ever")
    }
    try session.run("DELETE FROM retention WHERE class = $1", [.text(kind.rawValue)])
    if let days {
      try session.run(
        "INSERT INTO retention (class, days) VALUES ($1, $2)",
        [.text(kind.rawValue), .integer(Int64(days))]
      )
    }
    try record(
      "retention.set",
      kind.rawValue,
      ["days": days.map { .integer(Int64($0)) } ?? .null]
    )
  }

  /// The holds as of an instant.
  package func holds(at instant: Instant) throws -> [Hold] {
    try session.rows(
      """
      SELECT id, kind, title, as_of, valid_from, valid_to FROM holds
      WHERE valid_from <= $1 AND valid_to > $1 ORDER BY id
      """,
      [instant.bounded.value]
    ) { row in
      guard let kind = Hold.Kind(rawValue: row.text(1)) else {
        throw StoreError.damaged("a hold of an unknown kind")
      }
      return Hold(
        id: row.integer(0),
        kind: kind,
        title: row.text(2),
        asOf: row.instant(3),
        begins: row.instant(4),
        ends: row.instant(5)
      )
    }
  }

  /// Begins a hold, and returns its number.
  package func add(_ hold: Hold) throws -> Int64 {
    let id = try take(of: "hold")
    try session.run(
      """
      INSERT INTO holds (id, kind, title, as_of, valid_from, valid_to)
      VALUES ($1, $2, $3, $4, $5, $6)
      """,
      [
        .integer(id), .text(hold.kind.rawValue), .text(hold.title), hold.asOf.value, now.value,
        Instant.never.value,
      ]
    )
    try record(
      "hold.add",
      "\(id)",
      ["title": .string(hold.title), "as_of": .string("\(hold.asOf)")]
    )
    return id
  }

  /// Ends a hold now.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func releaseHold(_ id: Int64) throws {
    let ended = try session.run(
      "UPDATE holds SET valid_to = $2 WHERE id = $1 AND valid_to > $2",
      [.integer(id), now.value]
    )
    guard ended == 1 else { throw StoreError.notFound(kind: "hold", name: "\(id)") }
    try record("hold.release", "\(id)")
  }

  /// Refuses an instant whose history was pruned and stands under no hold.
  ///
  /// - Throws: ``StoreError/conflict(_:)``.
  func checkKept(_ instant: Instant) throws {
    let pruned =
      try session.first("SELECT value FROM facts WHERE name = $1", [.text(Self.horizon)]) {
        Int64($0.text(0))
      } ?? nil
    guard let pruned, instant.milliseconds < pruned else { return }
    let isHeld = try session.first(
      """
      SELECT 1 FROM holds WHERE valid_to = $2
        AND ((kind = 'report' AND as_of = $1) OR (kind = 'legal' AND as_of <= $1))
      """,
      [instant.value, Instant.never.value]
    ) { _ in true }
    guard isHeld == nil else { return }
    throw StoreError.conflict(
      "history before \(Instant(milliseconds: pruned)) was pruned, and no hold keeps that of \(instant)"
    )
  }

  private static let horizon = "history pruned before"

  /// Removes what is older than its class is kept and stands under no hold.
  package func prune() throws -> PruneReport {
    var report = PruneReport()
    let retention = try retention()
    if let days = retention[.history] {
      try pruneHistory(before: now.advanced(days: -days), into: &report)
    }
    if let days = retention[.scores] {
      let cutoff = now.advanced(days: -days)
      let last = try lastLedgerInstant(upTo: .never) ?? cutoff
      var values = [cutoff.value, last.value]
      var old = "at < $1 AND at < $2"
      for hold in try holds(at: now) {
        guard let needed = try lastLedgerInstant(upTo: hold.asOf) else { continue }
        values.append(needed.value)
        old += hold.kind == .report ? " AND at <> $\(values.count)" : " AND at < $\(values.count)"
      }
      report.scores = try session.run("DELETE FROM score_ledger WHERE " + old, values)
    }
    if let days = retention[.jobs] {
      (report.runs, report.jobs) = try pruneJobs(before: now.advanced(days: -days))
    }
    if let days = retention[.decisions] {
      report.decisions = try pruneDecisions(before: now.advanced(days: -days))
    }
    if let days = retention[.findings] {
      report.findings = try pruneFindings(before: now.advanced(days: -days))
      report.conversations = try pruneConversations(before: now.advanced(days: -days))
    }
    if report != PruneReport() {
      try record(
        "retention.prune",
        "",
        [
          "states": .integer(Int64(report.states)), "resources": .integer(Int64(report.resources)),
          "blocks": .integer(Int64(report.blocks)), "scores": .integer(Int64(report.scores)),
          "runs": .integer(Int64(report.runs)), "jobs": .integer(Int64(report.jobs)),
          "decisions": .integer(Int64(report.decisions)),
          "findings": .integer(Int64(report.findings)),
          "conversations": .integer(Int64(report.conversations)),
        ]
      )
    }
    return report
  }

  private func pruneHistory(before cutoff: Instant, into report: inout PruneReport) throws {
    try session.run(
      """
      INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name)
      DO UPDATE SET value = CASE WHEN CAST(facts.value AS BIGINT) < CAST($2 AS BIGINT)
        THEN $2 ELSE facts.value END
      """,
      [.text(Self.horizon), .text(String(cutoff.milliseconds))]
    )
    let holds = try holds(at: now)
    var values = [cutoff.value]
    var states = "valid_to <= $1"
    for hold in holds {
      values.append(hold.asOf.value)
      switch hold.kind {
      case .report:
        states += " AND NOT (valid_from <= $\(values.count) AND valid_to > $\(values.count))"
      case .legal: states += " AND valid_to <= $\(values.count)"
      }
    }
    report.states = try session.run("DELETE FROM versions WHERE " + states, values)
    try session.run(
      """
      DELETE FROM proofs WHERE resource IN (SELECT id FROM resources WHERE \(states))
        AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.resource = proofs.resource)
      """,
      values
    )
    report.resources = try session.run(
      """
      DELETE FROM resources WHERE \(states)
        AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.resource = resources.id)
      """,
      values
    )
    if report.resources > 0 { _ = try take(of: Self.removals) }
    report.proofs = try session.run(
      """
      DELETE FROM proofs WHERE
        NOT EXISTS (SELECT 1 FROM versions v
          WHERE v.resource = proofs.resource AND v.valid_from = proofs.valid_from)
        AND NOT EXISTS (SELECT 1 FROM resources r
          WHERE r.id = proofs.resource AND r.valid_from = proofs.valid_from)
      """
    )
    report.blocks = try session.run(
      """
      DELETE FROM blocks WHERE NOT EXISTS (SELECT 1 FROM resources r WHERE r.block = blocks.id)
        AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.block = blocks.id)
      """
    )
  }

  /// What is wrong with the database's own structures; empty where nothing is.
  package func integrityFaults() throws -> [String] {
    switch session.dialect {
    case .sqlite:
      try session.rows("PRAGMA quick_check(20)") { $0.text(0) }.filter { $0 != "ok" }
    case .postgres: []
    }
  }

  /// Faults of what was stored: states without a block, blocks that cannot be read, results whose
  /// layout is gone; at most some of each.
  package func contentFaults() throws -> [String] {
    var faults: [String] = []
    for table in ["resources", "versions"] {
      let missing = try session.first(
        "SELECT count(*) FROM \(table) t WHERE NOT EXISTS (SELECT 1 FROM blocks b WHERE b.id = t.block)"
      ) { $0.integer(0) }
      if let missing, missing > 0 { faults.append("\(missing) \(table) name a block that is gone") }
      let unjudged = try session.first(
        """
        SELECT count(*) FROM \(table) t
        WHERE t.layout <> 0 AND NOT EXISTS (SELECT 1 FROM layouts l WHERE l.id = t.layout)
        """
      ) { $0.integer(0) }
      if let unjudged, unjudged > 0 {
        faults.append("\(unjudged) \(table) name a layout that is gone")
      }
    }
    let overlapping = try session.first(
      """
      SELECT count(*) FROM versions v JOIN resources r ON r.id = v.resource
      WHERE v.valid_to > r.valid_from OR v.valid_from >= v.valid_to
      """
    ) { $0.integer(0) }
    if let overlapping, overlapping > 0 { faults.append("\(overlapping) states overlap others") }
    var damaged: [Int64] = []
    try session.query("SELECT id, lines, content FROM blocks", []) { row in
      let lines = (try? Pack.decompress(row.bytes(2)))?.split(separator: 0x0A).count
      if lines != Int(row.integer(1)) { damaged.append(row.integer(0)) }
    }
    if !damaged.isEmpty {
      let names = damaged.prefix(5).map(String.init).joined(separator: ", ")
      faults.append("\(damaged.count) blocks cannot be read: \(names)")
    }
    return faults
  }
}
