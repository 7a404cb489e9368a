import JSON
package import Model

/// One validation of an attachment, which asks for a job per account.
package struct AttachmentRun: Sendable, Hashable {
  /// Why it came about.
  package enum Cause: String, Sendable {
    case schedule, person
  }

  package var id: Int64
  package var attachment: Int64
  /// When it was due; when it was asked for where a person did.
  package var dueAt: Instant
  package var cause: Cause
  package var requestedBy: String
  package var createdAt: Instant
}

/// What the schedule of an attachment has to go by.
package struct ScheduleState: Sendable, Hashable {
  /// The latest instant that was due and ran.
  package var lastDue: Instant?
  /// Since when its schedule is stopped; nil where it is not.
  package var pausedAt: Instant?
  /// When it goes on by itself; nil where somebody has to resume it.
  package var pausedUntil: Instant?
  /// When its schedule was last taken up again.
  package var resumedAt: Instant?

  package init(
    lastDue: Instant? = nil,
    pausedAt: Instant? = nil,
    pausedUntil: Instant? = nil,
    resumedAt: Instant? = nil
  ) {
    (self.lastDue, self.resumedAt) = (lastDue, resumedAt)
    (self.pausedAt, self.pausedUntil) = (pausedAt, pausedUntil)
  }

  /// Whether its schedule is stopped for now.
  package var isPaused: Bool { pausedAt != nil }
}

// When what is attached is validated.
extension StoreTransaction {
  /// Begins a run of an attachment.
  ///
  /// - Returns: the run's number; nil where the attachment has a run of that instant already, which
  ///   another server began.
  package func beginRun(
    of attachment: Int64,
    dueAt: Instant,
    cause: AttachmentRun.Cause
  ) throws -> Int64? {
    let id = try take(of: "run")
    let added = try session.run(
      """
      INSERT INTO runs (id, attachment, due_at, cause, requested_by, created_at)
      VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
      """,
      [
        .integer(id), .integer(attachment), dueAt.value, .text(cause.rawValue), .text(actor),
        now.value,
      ]
    )
    guard added == 1 else { return nil }
    if cause == .person { try record("attachment.run", "\(attachment)", ["run": .integer(id)]) }
    return id
  }

  /// Notes that a run asked for a job, new or joined.
  package func note(_ job: Int64, of run: Int64) throws {
    try session.run(
      "INSERT INTO run_jobs (run, job) VALUES ($1, $2) ON CONFLICT DO NOTHING",
      [.integer(run), .integer(job)]
    )
  }

  /// The runs, of one attachment where it is given, newest first: those before a number where one
  /// is given, at most so many.
  package func runs(
    of attachment: Int64? = nil,
    before: Int64? = nil,
    limit: Int = 100
  ) throws -> [AttachmentRun] {
    try session.rows(
      """
      SELECT id, attachment, due_at, cause, requested_by, created_at FROM runs
      WHERE id < $1 AND (attachment = $2 OR $2 = 0) ORDER BY id DESC LIMIT $3
      """,
      [.integer(before ?? .max), .integer(attachment ?? 0), .integer(Int64(limit))]
    ) { row in
      AttachmentRun(
        id: row.integer(0),
        attachment: row.integer(1),
        dueAt: row.instant(2),
        cause: AttachmentRun.Cause(rawValue: row.text(3)) ?? .schedule,
        requestedBy: row.text(4),
        createdAt: row.instant(5)
      )
    }
  }

  /// What the schedules of attachments have to go by, as far as there is something, at an instant.
  package func scheduleStates(at instant: Instant) throws -> [Int64: ScheduleState] {
    var states: [Int64: ScheduleState] = [:]
    try session.query(
      "SELECT attachment, max(due_at) FROM runs WHERE cause = 'schedule' GROUP BY attachment",
      []
    ) { states[$0.integer(0), default: ScheduleState()].lastDue = $0.instant(1) }
    try session.query(
      """
      SELECT attachment, valid_from, valid_to FROM attachment_pauses WHERE valid_from <= $1
      ORDER BY valid_from, id
      """,
      [instant.value]
    ) { row in
      var state = states[row.integer(0)] ?? ScheduleState()
      let end = row.instant(2)
      if end > instant {
        (state.pausedAt, state.pausedUntil) = (row.instant(1), end.isNever ? nil : end)
      } else {
        state.resumedAt = end
      }
      states[row.integer(0)] = state
    }
    return states
  }

  /// Who paused an attachment that is paused since an instant.
  package func pauser(of attachment: Int64, since: Instant?) throws -> String? {
    var query = AuditQuery()
    (query.action, query.subject) = ("attachment.pause", "\(attachment)")
    if let since { query.from = since }
    (query.isNewestFirst, query.limit) = (true, 1)
    return try auditEntries(query).first?.actor
  }

  /// The schedule of an attachment stops until an instant, or until it is resumed; what would be due
  /// is not missed.
  ///
  /// - Throws: ``StoreError`` when there is no such attachment, it is paused, or the instant is past.
  package func pause(attachment: Int64, until: Instant = .never) throws {
    try beginDecision()
    try check(attachment)
    guard until > now else {
      throw StoreError.conflict(
        "attachment \(attachment) cannot be paused until \(until), which is past"
      )
    }
    guard try scheduleStates(at: now)[attachment]?.isPaused != true else {
      throw StoreError.conflict("attachment \(attachment) is paused already")
    }
    try session.run(
      """
      INSERT INTO attachment_pauses (id, attachment, valid_from, valid_to) VALUES ($1, $2, $3, $4)
      """,
      [
        .integer(try take(of: "attachment pause")), .integer(attachment), now.value,
        until.value,
      ]
    )
    try record(
      "attachment.pause",
      "\(attachment)",
      until.isNever ? [:] : ["until": .string("\(until)")]
    )
  }

  /// The schedule of an attachment goes on.
  ///
  /// - Throws: ``StoreError`` when there is no such attachment, or it is not paused.
  package func resume(attachment: Int64) throws {
    try check(attachment)
    let ended = try session.run(
      "UPDATE attachment_pauses SET valid_to = $2 WHERE attachment = $1 AND valid_to > $2",
      [.integer(attachment), now.value]
    )
    guard ended > 0 else {
      throw StoreError.conflict("attachment \(attachment) is not paused")
    }
    try record("attachment.resume", "\(attachment)")
  }

  private func check(_ attachment: Int64) throws {
    guard try attachments(at: now).contains(where: { $0.id == attachment }) else {
      throw StoreError.notFound(kind: "attachment", name: "\(attachment)")
    }
  }
}
