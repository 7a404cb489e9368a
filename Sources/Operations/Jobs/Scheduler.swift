package import Model
package import Store

/// Begins runs of attachments, which ask for jobs: those that are due, and those that people ask for.
///
/// Any number of servers may do that at once: each run that was due begins once.
package struct Scheduler: Sendable {
  /// A run that began.
  package struct StartedRun: Sendable, Hashable {
    package var run: Int64
    package var attachment: Int64
    package var dueAt: Instant
    /// The jobs by number, with whether the run asked for them first.
    package var jobs: [StartedJob]
  }

  /// A job that a run asked for.
  package struct StartedJob: Sendable, Hashable {
    package var job: Int64
    package var target: JobTarget
    /// Whether it is a new one, not one that was open already.
    package var isNew: Bool
  }

  /// As whom what is due is begun.
  package static let actor = "scheduler"

  private let store: DataStore
  private let providers: Set<String>

  /// A scheduler of scans of accounts of some providers.
  package init(_ store: DataStore, providers: Set<String>) {
    (self.store, self.providers) = (store, providers)
  }

  /// Begins what is due.
  ///
  /// - Returns: the runs that this call began, not those of other servers.
  /// - Throws: ``SQLError``, ``StoreError``; then nothing was begun.
  package func tick(at now: Instant) async throws -> [StartedRun] {
    let providers = providers
    // Mostly nothing is due, and reading holds off nobody.
    let isDue = try await store.read { transaction in
      try !SchedulePlan(transaction, at: now, providers: providers).due(at: now).isEmpty
    }
    guard isDue else { return [] }
    return try await store.write(as: Self.actor, at: now) { transaction in
      let plan = try SchedulePlan(transaction, at: now, providers: providers)
      return try plan.due(at: now).compactMap { due in
        try plan.begin(due.attachment, dueAt: due.dueAt, cause: .schedule, transaction)
      }
    }
  }

  /// Begins a run of an attachment that a person asks for, whether or not it is due or paused.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``, ``StoreError/conflict(_:)`` when it is asked for
  ///   twice at one instant, or no account can be scanned; then nothing was begun.
  package func run(
    _ attachment: Int64,
    as actor: String,
    at now: Instant
  ) async throws -> StartedRun {
    let providers = providers
    return try await store.write(as: actor, at: now) { transaction in
      try Self.run(attachment, of: providers, transaction, at: now)
    }
  }

  /// Begins a run of an attachment within a transaction of whoever asks for it.
  ///
  /// - Throws: as ``run(_:as:at:)``.
  package static func run(
    _ attachment: Int64,
    of providers: Set<String>,
    _ transaction: StoreTransaction,
    at now: Instant
  ) throws -> StartedRun {
    let plan = try SchedulePlan(transaction, at: now, providers: providers)
    guard let found = plan.attachments.first(where: { $0.id == attachment }) else {
      throw StoreError.notFound(kind: "attachment", name: "\(attachment)")
    }
    guard let run = try plan.begin(found, dueAt: now, cause: .person, transaction) else {
      throw StoreError.conflict("attachment \(attachment) has a run of \(now) already")
    }
    guard !run.jobs.isEmpty else {
      throw StoreError.conflict(
        "attachment \(attachment) has no account that can be scanned: no credential in force is for "
          + "one of its scope; plumb credentials add makes one"
      )
    }
    return run
  }
}

extension SchedulePlan {
  /// Begins a run and asks for its jobs; nil where another server has begun it.
  fileprivate func begin(
    _ attachment: Attachment,
    dueAt: Instant,
    cause: AttachmentRun.Cause,
    _ transaction: StoreTransaction
  ) throws -> Scheduler.StartedRun? {
    guard
      let run = try transaction.beginRun(of: attachment.id, dueAt: dueAt, cause: cause)
    else { return nil }
    let jobs = try targets(of: attachment).map { target in
      let (job, isNew) = try transaction.enqueue(target)
      try transaction.note(job, of: run)
      return Scheduler.StartedJob(job: job, target: target, isNew: isNew)
    }
    return Scheduler.StartedRun(run: run, attachment: attachment.id, dueAt: dueAt, jobs: jobs)
  }
}
