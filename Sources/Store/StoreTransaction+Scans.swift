package import JSON
package import Model

/// How far a scan is.
package enum ScanStatus: String, Sendable, CaseIterable {
  /// Resources are being read.
  case collecting
  /// What was read is being judged.
  case running
  case finished, cancelled, failed

  /// Whether the scan can go on.
  package var isOpen: Bool { self == .collecting || self == .running }
}

/// One scan.
package struct ScanRecord: Sendable {
  package var id: Int64
  /// What is scanned, in words.
  package var subject: String
  /// The account of all that it reads; nil where it may read several.
  package var account: String?
  /// How to read it again, as the caller wrote it.
  package var instruction: JSONValue
  /// The instant of judgement, from which its results hold.
  package var instant: Instant
  package var status: ScanStatus
  package var started: Instant
  package var finished: Instant?
  package var actor: String
  /// The digest of the goals by which it judges.
  package var content: String
  /// What it came to: counts, and what could not be read.
  package var report: JSONValue
}

/// A part of a scan: some bytes of its inventory.
package struct ScanTask: Sendable, Hashable {
  /// Where a task is in its life.
  package enum State: String, Sendable { case waiting, leased, done }

  package var id: Int64
  package var scan: Int64
  /// `part` for a piece of the inventory, `related` for what waits for counts over all of it.
  package var part: String
  package var state: State
  package var attempts: Int
  package var start: Int64
  package var length: Int64
}

/// What a finished task leaves for the end of the scan.
package struct TaskOutcome: Sendable {
  package var report: JSONValue
  /// The numbers of the resources that it saw.
  package var seen: NumberSet
  /// Counts over related resources, as JSON.
  package var population: [UInt8]
  /// Lines that wait for those counts; a finished task's are read apart.
  package var deferred: [UInt8]

  package init(
    report: JSONValue,
    seen: NumberSet,
    population: [UInt8],
    deferred: [UInt8] = []
  ) {
    self.report = report
    self.seen = seen
    self.population = population
    self.deferred = deferred
  }
}

// When: scans and their tasks.
extension StoreTransaction {
  /// Begins a scan of an account, or of any account where it names none.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` when its instant is not after that of an earlier scan of
  ///   the same subject, or a scan that has not ended may meet the same resources.
  package func beginScan(
    subject: String,
    account: String?,
    instruction: JSONValue,
    instant: Instant,
    content: String
  ) throws -> Int64 {
    // Taking the number holds off others who begin a scan, so two cannot begin side by side.
    let id = try take(of: "scan")
    let open = try session.rows(
      "SELECT id, subject, account FROM scans WHERE status IN ('collecting', 'running')"
    ) { (id: $0.integer(0), subject: $0.text(1), account: $0.optionalText(2)) }
    if let other = open.first(where: {
      $0.account == nil || account == nil || $0.account == account
    }) {
      throw StoreError.conflict(
        "scan \(other.id) of \(other.subject) has not ended and may meet the same resources; wait "
          + "for it, or plumb scans resume \(other.id), or plumb scans cancel \(other.id)"
      )
    }
    let last = try session.first(
      """
      SELECT max(instant) FROM scans WHERE status <> 'cancelled'
        AND (subject = $1 OR $2 = '' OR account IS NULL OR account = $2)
      """,
      [.text(subject), .text(account ?? "")]
    ) { $0.optionalInteger(0) }
    if let last, let last, last >= instant.milliseconds {
      throw StoreError.conflict(
        "scans of the same resources were kept as of \(Instant(milliseconds: last)); another scan of "
          + "\(subject) must be as of a later instant, not \(instant)"
      )
    }
    try session.run(
      """
      INSERT INTO scans
        (id, subject, account, instruction, instant, status, started, finished, actor, content, report)
      VALUES ($1, $2, $3, $4, $5, 'collecting', $6, NULL, $7, $8, '{}')
      """,
      [
        .integer(id), .text(subject), .optional(account), .text(instruction.text), instant.value,
        now.value, .text(actor), .text(content),
      ]
    )
    try record("scan.begin", "\(id)", ["subject": .string(subject)])
    return id
  }

  /// The scans before a number, newest first; at most a number of them.
  package func scans(before: Int64 = .max, limit: Int = 1000) throws -> [ScanRecord] {
    try session.rows(
      """
      SELECT id, subject, instruction, instant, status, started, finished, actor, content, report,
        account
      FROM scans WHERE id < $2 ORDER BY id DESC LIMIT $1
      """,
      [.integer(Int64(limit)), .integer(before)],
      Self.scan
    )
  }

  /// The scans that have not ended, oldest first.
  package func openScans() throws -> [ScanRecord] {
    try session.rows(
      """
      SELECT id, subject, instruction, instant, status, started, finished, actor, content, report,
        account
      FROM scans WHERE status IN ('collecting', 'running') ORDER BY id
      """,
      [],
      Self.scan
    )
  }

  /// The last scan that somebody began at or after an instant and that was done; nil where there is none.
  package func finishedScan(of actor: String, since: Instant) throws -> ScanRecord? {
    try session.first(
      """
      SELECT id, subject, instruction, instant, status, started, finished, actor, content, report,
        account
      FROM scans WHERE actor = $1 AND status = 'finished' AND started >= $2 ORDER BY id DESC LIMIT 1
      """,
      [.text(actor), since.value],
      Self.scan
    )
  }

  /// One scan.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func scan(_ id: Int64) throws -> ScanRecord {
    let found = try session.first(
      """
      SELECT id, subject, instruction, instant, status, started, finished, actor, content, report,
        account
      FROM scans WHERE id = $1
      """,
      [.integer(id)],
      Self.scan
    )
    guard let found else { throw StoreError.notFound(kind: "scan", name: "\(id)") }
    return found
  }

  private static func scan(_ row: any SQLRow) throws -> ScanRecord {
    ScanRecord(
      id: row.integer(0),
      subject: row.text(1),
      account: row.optionalText(10),
      instruction: try JSONValue(parsing: row.text(2)),
      instant: row.instant(3),
      status: ScanStatus(rawValue: row.text(4)) ?? .failed,
      started: row.instant(5),
      finished: row.optionalInstant(6),
      actor: row.text(7),
      content: row.text(8),
      report: try JSONValue(parsing: row.text(9))
    )
  }

  /// Moves a scan on.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` when it ended meanwhile.
  package func move(_ scan: Int64, to status: ScanStatus, report: JSONValue) throws {
    let changed = try session.run(
      """
      UPDATE scans SET status = $2, report = $3, finished = $4
      WHERE id = $1 AND status IN ('collecting', 'running')
      """,
      [
        .integer(scan), .text(status.rawValue), .text(report.text),
        status.isOpen ? .null : now.value,
      ]
    )
    guard changed == 1 else {
      throw StoreError.conflict("scan \(scan) is \(try self.scan(scan).status.rawValue) already")
    }
    if !status.isOpen {
      try session.run("DELETE FROM tasks WHERE scan = $1", [.integer(scan)])
      try record("scan.\(status.rawValue)", "\(scan)")
    }
  }

  /// Cuts a scan into tasks.
  package func add(
    _ tasks: [(part: String, start: Int64, length: Int64)],
    to scan: Int64
  ) throws {
    guard !tasks.isEmpty else { return }
    let first = try take(tasks.count, of: "task")
    for (index, task) in tasks.enumerated() {
      try session.run(
        """
        INSERT INTO tasks (id, scan, part, state, owner, leased_until, attempts, start, length,
          report, seen, population, deferred)
        VALUES ($1, $2, $3, 'waiting', '', 0, 0, $4, $5, '{}', $6, $6, $6)
        """,
        [
          .integer(first + Int64(index)), .integer(scan), .text(task.part), .integer(task.start),
          .integer(task.length), .bytes([]),
        ]
      )
    }
  }

  /// The tasks of a scan, in their order.
  package func tasks(of scan: Int64) throws -> [ScanTask] {
    try session.rows(
      """
      SELECT id, scan, part, state, attempts, start, length FROM tasks
      WHERE scan = $1 ORDER BY id
      """,
      [.integer(scan)],
      Self.task
    )
  }

  private static func task(_ row: any SQLRow) -> ScanTask {
    ScanTask(
      id: row.integer(0),
      scan: row.integer(1),
      part: row.text(2),
      state: ScanTask.State(rawValue: row.text(3)) ?? .waiting,
      attempts: Int(row.integer(4)),
      start: row.integer(5),
      length: row.integer(6)
    )
  }

  /// Leases the next task of a scan and part to an owner until an instant; nil where none is free.
  package func lease(
    _ part: String,
    of scan: Int64,
    to owner: String,
    until: Instant
  ) throws -> ScanTask? {
    let lock = session.dialect == .postgres ? " FOR UPDATE SKIP LOCKED" : ""
    let free = try session.first(
      """
      SELECT id, scan, part, state, attempts, start, length FROM tasks
      WHERE scan = $1 AND part = $3
        AND (state = 'waiting' OR (state = 'leased' AND leased_until < $2))
      ORDER BY id LIMIT 1
      """ + lock,
      [.integer(scan), now.value, .text(part)],
      Self.task
    )
    guard var task = free else { return nil }
    try session.run(
      """
      UPDATE tasks SET state = 'leased', owner = $2, leased_until = $3, attempts = attempts + 1
      WHERE id = $1
      """,
      [.integer(task.id), .text(owner), until.value]
    )
    task.attempts += 1
    return task
  }

  /// The owners of leases of a scan.
  package func owners(of scan: Int64) throws -> [String] {
    try session.rows(
      "SELECT DISTINCT owner FROM tasks WHERE scan = $1 AND state = 'leased'",
      [.integer(scan)]
    ) { $0.text(0) }
  }

  /// Gives back the leases of an owner that is known to be dead.
  package func release(_ owner: String, of scan: Int64) throws {
    try session.run(
      """
      UPDATE tasks SET state = 'waiting', owner = ''
      WHERE scan = $1 AND owner = $2 AND state = 'leased'
      """,
      [.integer(scan), .text(owner)]
    )
  }

  /// Prolongs the leases of an owner.
  package func heartbeat(_ owner: String, of scan: Int64, until: Instant) throws {
    try session.run(
      "UPDATE tasks SET leased_until = $3 WHERE scan = $1 AND owner = $2 AND state = 'leased'",
      [.integer(scan), .text(owner), until.value]
    )
  }

  /// Notes that a task is done, in the transaction that stores what it found.
  ///
  /// - Throws: ``StoreError/leaseLost(task:)`` when the owner lost it meanwhile.
  package func finish(_ task: ScanTask, by owner: String, _ outcome: TaskOutcome) throws {
    let changed = try session.run(
      """
      UPDATE tasks SET state = 'done', report = $3, seen = $4, population = $5, deferred = $6
      WHERE id = $1 AND owner = $2 AND state = 'leased' AND attempts = $7
      """,
      [
        .integer(task.id), .text(owner), .text(outcome.report.text), .bytes(outcome.seen.packed),
        .bytes(Pack.compress(outcome.population)), .bytes(Pack.compress(outcome.deferred)),
        .integer(Int64(task.attempts)),
      ]
    )
    guard changed == 1 else { throw StoreError.leaseLost(task: task.id) }
  }

  /// What the finished tasks of a scan left, in their order, without lines that wait.
  package func outcomes(of scan: Int64) throws -> [TaskOutcome] {
    try session.rows(
      """
      SELECT report, seen, population FROM tasks
      WHERE scan = $1 AND state = 'done' ORDER BY id
      """,
      [.integer(scan)]
    ) { row in
      TaskOutcome(
        report: try JSONValue(parsing: row.text(0)),
        seen: try NumberSet(packed: row.bytes(1)),
        population: try Pack.decompress(row.bytes(2))
      )
    }
  }
}
