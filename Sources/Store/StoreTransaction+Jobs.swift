package import JSON
package import Model

// Jobs: what is to be done, by whom, and what came of it.
extension StoreTransaction {
  /// How often a job is tried.
  package static let jobTries = 3
  /// The channel on which a database that can send says that a job waits.
  package static let jobChannel = "plumb_jobs"

  /// Asks for a job, or joins the open one of the same target.
  ///
  /// - Returns: the job's number, and whether it is a new one.
  package func enqueue(
    _ target: JobTarget,
    kind: String = "scan",
    instruction: JSONValue = [:]
  ) throws -> (job: Int64, isNew: Bool) {
    let question = "SELECT id FROM jobs WHERE target = $1 AND state IN ('waiting', 'leased')"
    func open() throws -> Int64? {
      try session.first(question, [.text(target.key)]) { $0.integer(0) }
    }
    // One that ends between the two statements makes room for another.
    for _ in 0..<4 {
      if let job = try open() { return (job, false) }
      let id = try take(of: "job")
      let added = try session.run(
        """
        INSERT INTO jobs (id, kind, target, provider, account, credential, instruction, state, owner,
          leased_until, attempts, not_before, scan, reason, progress, created_at, created_by,
          started_at, finished_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', '', 0, 0, $8, NULL, '', '{}', $8, $9, NULL,
          NULL)
        ON CONFLICT DO NOTHING
        """,
        [
          .integer(id), .text(kind), .text(target.key), .text(target.provider),
          .text(target.account), .text(target.credential), .text(instruction.text), now.value,
          .text(actor),
        ]
      )
      guard added == 0 else {
        try wakeWorkers()
        return (id, true)
      }
    }
    throw StoreError.conflict("jobs of \(target.key) come and go too fast; try again")
  }

  /// Tells whoever listens that a job waits, when the transaction is kept.
  private func wakeWorkers() throws {
    guard session.dialect == .postgres else { return }
    try session.query("SELECT pg_notify($1, '')", [.text(Self.jobChannel)]) { _ in }
  }

  /// Whether a job could be leased now; changes nothing.
  package func hasFreeJob(at instant: Instant) throws -> Bool {
    try session.first(
      "SELECT 1 FROM jobs WHERE \(Self.isFree) LIMIT 1",
      [.integer(instant.milliseconds), .text("")]
    ) { _ in true } ?? false
  }

  // Jobs for a collector are its own, and nobody else's.
  private static let isFree = """
    ((state = 'waiting' AND not_before <= $1) OR (state = 'leased' AND leased_until < $1))
      AND CASE WHEN $2 = '' THEN substr(credential, 1, 10) <> 'collector:'
        ELSE substr(credential, 1, length($2)) = $2 END
    """

  /// Leases the job that waits longest to an owner until an instant; nil where none is free.
  ///
  /// A job whose owner fell silent is free again, unless that happened at every try that it has. The
  /// prefix is what the credential begins with of jobs for one collector; empty for all others.
  package func leaseJob(
    to owner: String,
    until: Instant,
    from prefix: String = ""
  ) throws -> Job? {
    let lock = session.dialect == .postgres ? " FOR UPDATE SKIP LOCKED" : ""
    while true {
      let question = "WHERE \(Self.isFree) ORDER BY not_before, id LIMIT 1"
      let free = try session.first(
        Self.jobColumns + question + lock,
        [now.value, .text(prefix)],
        Self.job
      )
      guard var job = free else { return nil }
      guard job.attempts < Self.jobTries else {
        try end(job.id, as: .setAside, reason: Self.silence)
        try cancelScan(of: job.id)
        continue
      }
      job.attempts += 1
      (job.state, job.owner, job.leasedUntil) = (.leased, owner, until)
      job.startedAt = now
      try session.run(
        """
        UPDATE jobs SET state = 'leased', owner = $2, leased_until = $3, attempts = $4,
          started_at = $5, progress = '{}'
        WHERE id = $1
        """,
        [
          .integer(job.id), .text(owner), until.value, .integer(Int64(job.attempts)), now.value,
        ]
      )
      return job
    }
  }

  /// That a lease is still the one that a job was handed out with.
  private static let isHeld =
    "id = $1 AND owner = $2 AND attempts = $3 AND started_at = $4 AND state = 'leased'"

  private static let silence =
    "the process that did it ended without a word, at every one of \(jobTries) tries"

  /// Prolongs the lease of a job and notes how far it is.
  ///
  /// - Returns: false when the owner has it no more: it was cancelled, or went to another.
  package func heartbeat(
    _ job: Job,
    until: Instant,
    progress: JSONValue,
    scan: Int64?
  ) throws -> Bool {
    try session.run(
      """
      UPDATE jobs SET leased_until = $5, progress = $6, scan = coalesce($7, scan)
      WHERE \(Self.isHeld)
      """,
      job.lease + [until.value, .text(progress.text), .optional(scan)]
    ) == 1
  }

  /// Notes that a job is done.
  ///
  /// - Returns: false when the owner has it no more.
  package func finish(_ job: Job, progress: JSONValue, scan: Int64?) throws -> Bool {
    try session.run(
      """
      UPDATE jobs SET state = 'done', owner = '', reason = '', progress = $5,
        scan = coalesce($6, scan), finished_at = $7
      WHERE \(Self.isHeld)
      """,
      job.lease + [.text(progress.text), .optional(scan), now.value]
    ) == 1
  }

  /// Notes that a try went wrong: another comes after a pause, or the job is set aside.
  ///
  /// - Parameters:
  ///   - job: the job as it was leased.
  ///   - reason: what went wrong.
  ///   - isFinal: whether another try would come to the same.
  ///   - retryAt: when the next try may begin.
  ///   - scan: the scan that it has begun; where no try follows it is cancelled, so that it keeps no
  ///     other from beginning.
  /// - Returns: false when the owner has it no more.
  /// - Throws: ``SQLError``.
  package func fail(
    _ job: Job,
    reason: String,
    isFinal: Bool,
    retryAt: Instant,
    scan: Int64? = nil
  ) throws -> Bool {
    let isLast = job.attempts >= Self.jobTries
    let state: JobState = isFinal ? .failed : isLast ? .setAside : .waiting
    let isHeld = try session.run(
      """
      UPDATE jobs SET state = $5, owner = '', reason = $6, not_before = $7, finished_at = $8,
        scan = coalesce($9, scan)
      WHERE \(Self.isHeld)
      """,
      job.lease + [
        .text(state.rawValue), .text(reason), retryAt.value, state.isOpen ? .null : now.value,
        .optional(scan),
      ]
    )
    if isHeld == 1, !state.isOpen { try cancelScan(of: job.id) }
    return isHeld == 1
  }

  /// Gives a job back that its owner cannot do now; the try does not count.
  package func release(_ job: Job) throws {
    let released = try session.run(
      """
      UPDATE jobs SET state = 'waiting', owner = '', attempts = attempts - 1
      WHERE \(Self.isHeld)
      """,
      job.lease
    )
    if released == 1 { try wakeWorkers() }
  }

  /// The owners of leased jobs.
  package func jobOwners() throws -> [String] {
    try session.rows("SELECT DISTINCT owner FROM jobs WHERE state = 'leased'") { $0.text(0) }
  }

  /// Ends the leases of an owner that is known to be dead; its tries count.
  package func releaseJobs(of owner: String) throws {
    let released = try session.run(
      "UPDATE jobs SET leased_until = 0 WHERE owner = $1 AND state = 'leased'",
      [.text(owner)]
    )
    if released > 0 { try wakeWorkers() }
  }

  /// Cancels an open job and the scan that it has begun; who does it hears of it with the next
  /// heartbeat.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` when it has ended, ``StoreError/notFound(kind:name:)``.
  package func cancelJob(_ id: Int64) throws {
    let job = try job(id)
    guard try end(id, as: .cancelled, reason: "cancelled by \(actor)") else {
      throw StoreError.conflict("job \(id) has ended: \(job.state.rawValue)")
    }
    try record("job.cancel", "\(id)", ["target": .string(job.target.key)])
    try cancelScan(of: id)
  }

  /// Cancels what a job has begun and will not end.
  private func cancelScan(of id: Int64) throws {
    guard let number = try job(id).scan,
      let scan = try openScans().first(where: { $0.id == number })
    else { return }
    try move(number, to: .cancelled, report: scan.report)
  }

  @discardableResult
  private func end(_ id: Int64, as state: JobState, reason: String) throws -> Bool {
    try session.run(
      """
      UPDATE jobs SET state = $2, owner = '', reason = $3, finished_at = $4
      WHERE id = $1 AND state IN ('waiting', 'leased')
      """,
      [.integer(id), .text(state.rawValue), .text(reason), now.value]
    ) == 1
  }

  /// Lets a job be tried again that failed, was set aside or cancelled, with all its tries.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` when it is open or done, or another job of its target is
  ///   open; ``StoreError/notFound(kind:name:)``.
  package func retryJob(_ id: Int64) throws {
    let job = try job(id)
    guard !job.state.isOpen, job.state != .done else {
      throw StoreError.conflict("job \(id) is \(job.state.rawValue); only others are tried again")
    }
    let other = try session.first(
      "SELECT id FROM jobs WHERE target = $1 AND state IN ('waiting', 'leased')",
      [.text(job.target.key)]
    ) { $0.integer(0) }
    if let other {
      throw StoreError.conflict("job \(other) of \(job.target.key) is to be done already")
    }
    try session.run(
      """
      UPDATE jobs SET state = 'waiting', attempts = 0, not_before = $2, reason = '',
        progress = '{}', started_at = NULL, finished_at = NULL
      WHERE id = $1 AND state = $3
      """,
      [.integer(id), now.value, .text(job.state.rawValue)]
    )
    try record("job.retry", "\(id)", ["target": .string(job.target.key)])
    try wakeWorkers()
  }

  /// One job.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func job(_ id: Int64) throws -> Job {
    guard let found = try jobIfKept(id) else {
      throw StoreError.notFound(kind: "job", name: "\(id)")
    }
    return found
  }

  /// One job; nil where there is none, or it is not kept any more.
  package func jobIfKept(_ id: Int64) throws -> Job? {
    try session.first(Self.jobColumns + "WHERE id = $1", [.integer(id)], Self.job)
  }

  /// Jobs, newest first: those before a number where one is given, at most so many.
  package func jobs(
    _ filter: JobFilter = JobFilter(),
    before: Int64? = nil,
    limit: Int = 100
  ) throws -> [Job] {
    var conditions = ["id < $1"]
    var values: [SQLValue] = [.integer(before ?? .max)]
    if !filter.states.isEmpty {
      let words = filter.states.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")
      conditions.append("state IN (\(words))")
    }
    if let account = filter.account {
      values.append(.text(account))
      conditions.append("account = $\(values.count)")
    }
    if let kind = filter.kind {
      values.append(.text(kind))
      conditions.append("kind = $\(values.count)")
    }
    if let run = filter.run {
      values.append(.integer(run))
      conditions.append("id IN (SELECT job FROM run_jobs WHERE run = $\(values.count))")
    }
    values.append(.integer(Int64(limit)))
    return try session.rows(
      Self.jobColumns
        + "WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC LIMIT $\(values.count)",
      values,
      Self.job
    )
  }

  /// The time of day by the database's own clock; nil where it runs in this process.
  package func serverClock() throws -> Instant? {
    guard session.dialect == .postgres else { return nil }
    return try session.first(
      "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
    ) { $0.instant(0) }
  }

  static let jobColumns = """
    SELECT id, kind, provider, account, credential, instruction, state, owner, leased_until,
      attempts, not_before, scan, reason, progress, created_at, created_by, started_at, finished_at
    FROM jobs\u{20}
    """

  static func job(_ row: any SQLRow) throws -> Job {
    Job(
      id: row.integer(0),
      kind: row.text(1),
      target: JobTarget(
        provider: row.text(2),
        account: row.text(3),
        credential: row.text(4)
      ),
      instruction: try JSONValue(parsing: row.text(5)),
      state: JobState(rawValue: row.text(6)) ?? .failed,
      owner: row.text(7),
      leasedUntil: row.instant(8),
      attempts: Int(row.integer(9)),
      notBefore: row.instant(10),
      scan: row.optionalInteger(11),
      reason: row.text(12),
      progress: try JSONValue(parsing: row.text(13)),
      createdAt: row.instant(14),
      createdBy: row.text(15),
      startedAt: row.optionalInstant(16),
      finishedAt: row.optionalInstant(17)
    )
  }
}

extension Job {
  /// What tells a lease from others, also of the same job by the same owner.
  fileprivate var lease: [SQLValue] {
    [.integer(id), .text(owner), .integer(Int64(attempts)), startedAt?.value ?? .null]
  }
}
