package import JSON
package import Model

// The jobs of collectors, and the inventories that they hand in.
extension StoreTransaction {
  /// Asks for a scan with a credential that an approved collector holds.
  ///
  /// - Returns: the job's number, and whether it is a new one.
  /// - Throws: ``StoreError/conflict(_:)`` for a collector that may not work,
  ///   ``StoreError/notFound(kind:name:)``.
  package func enqueue(collector id: Int64, credential name: String) throws -> (
    job: Int64, isNew: Bool
  ) {
    let collector = try collector(id)
    guard collector.state == .approved else {
      throw StoreError.conflict(
        "the collector \"\(collector.name)\" is \(collector.state.rawValue)"
      )
    }
    guard let credential = collector.credentials.first(where: { $0.name == name }) else {
      throw StoreError.notFound(kind: "credential of \(collector.name)", name: name)
    }
    return try enqueue(collector.target(credential))
  }

  /// What approved collectors sign in with, named as jobs name it.
  package func collectorCredentials() throws -> [CredentialRecord] {
    try collectors().filter { $0.state == .approved }.flatMap { collector in
      collector.credentials.map { held in
        let target = collector.target(held)
        return CredentialRecord(
          name: target.credential,
          provider: held.provider,
          details: held.account.isEmpty ? [:] : ["account": .string(held.account)],
          secrets: []
        )
      }
    }
  }

  /// Prolongs the leases of jobs that a collector does, takes new ones for it, and tells what it is
  /// to do and what no more, as members of a reply.
  ///
  /// `running` has the jobs that it does, and how far each is; it may have as many as there is room for.
  package func work(
    of collector: CollectorRecord,
    running: [Int64: JSONValue],
    room: Int,
    until: Instant
  ) throws -> JSONObject {
    var cancelled: [Int64] = []
    for (number, progress) in running.sorted(by: { $0.key < $1.key }) {
      let isHeld =
        try (try? leasedJob(number, of: collector)).map {
          try heartbeat($0, until: until, progress: progress, scan: nil)
        } ?? false
      if !isHeld { cancelled.append(number) }
    }
    // A job that it was told of and says nothing of was in a reply that got lost.
    var commands = try leasedJobs(of: collector).filter { running[$0.id] == nil }
    for job in commands { _ = try heartbeat(job, until: until, progress: job.progress, scan: nil) }
    while running.count - cancelled.count + commands.count < room,
      let job = try leaseJob(to: collector.owner, until: until, from: collector.jobPrefix)
    {
      commands.append(job)
    }
    return [
      "commands": .array(
        commands.map { job in
          [
            "job": .integer(job.id), "provider": .string(job.target.provider),
            "credential": .string(
              String(job.target.credential.dropFirst(collector.jobPrefix.count))
            ),
            "account": .string(job.target.account), "instruction": job.instruction,
          ]
        }
      ),
      "cancel": .array(cancelled.map { .integer($0) }),
    ]
  }

  /// A job that a collector has at present.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` where it has it no more, ``StoreError/notFound(kind:name:)``.
  package func leasedJob(_ id: Int64, of collector: CollectorRecord) throws -> Job {
    let job = try job(id)
    guard job.state == .leased, job.owner == collector.owner else {
      throw StoreError.conflict("job \(id) is not with the collector \"\(collector.name)\"")
    }
    return job
  }

  private func leasedJobs(of collector: CollectorRecord) throws -> [Job] {
    try jobs(JobFilter(states: [.leased]), limit: 10_000)
      .filter { $0.owner == collector.owner && $0.leasedUntil >= now }
      .sorted { $0.id < $1.id }
  }

  /// Begins the upload of a job's inventory, or goes on with it.
  package func upload(of job: Int64, by collector: Int64, path: String) throws -> UploadRecord {
    try session.run(
      """
      INSERT INTO uploads (job, collector, path, received, judge, judged_until, scan)
      VALUES ($1, $2, $3, 0, '', 0, NULL) ON CONFLICT (job) DO NOTHING
      """,
      [.integer(job), .integer(collector), .text(path)]
    )
    guard let found = try upload(of: job) else {
      throw StoreError.notFound(kind: "upload", name: "\(job)")
    }
    return found
  }

  /// The upload of a job's inventory; nil where none was begun.
  package func upload(of job: Int64) throws -> UploadRecord? {
    try session.first(
      "SELECT job, collector, path, received, scan FROM uploads WHERE job = $1",
      [.integer(job)]
    ) {
      UploadRecord(
        job: $0.integer(0),
        collector: $0.integer(1),
        path: $0.text(2),
        received: $0.integer(3),
        scan: $0.optionalInteger(4)
      )
    }
  }

  /// Notes how much of an inventory has come.
  package func noteUpload(of job: Int64, received: Int64) throws {
    try session.run(
      "UPDATE uploads SET received = $2 WHERE job = $1",
      [.integer(job), .integer(received)]
    )
  }

  /// Takes an upload to judge it, or keeps it.
  ///
  /// - Returns: false while another one judges it, or when it was judged.
  package func holdUpload(of job: Int64, judge: String, until: Instant) throws -> Bool {
    try session.run(
      """
      UPDATE uploads SET judge = $2, judged_until = $3
      WHERE job = $1 AND scan IS NULL AND (judge = $2 OR judged_until <= $4)
      """,
      [.integer(job), .text(judge), until.value, now.value]
    ) == 1
  }

  /// Notes what became of an upload: the scan that it was kept as, or that it may be judged again.
  package func endUpload(of job: Int64, judge: String, scan: Int64?) throws {
    try session.run(
      "UPDATE uploads SET judge = '', judged_until = 0, scan = $3 WHERE job = $1 AND judge = $2",
      [.integer(job), .text(judge), .optional(scan)]
    )
  }
}
