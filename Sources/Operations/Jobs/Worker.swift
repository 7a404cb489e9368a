package import Model
package import Store
import Synchronization

/// Takes jobs and does them, a few at a time, until its task is cancelled.
///
/// A job that it has is prolonged by heartbeats. When they stay away, because the process died or the
/// database cannot be reached, the job is free for others. When the task is cancelled the jobs under
/// way are stopped and given back at once, without a try being counted.
package struct Worker: Sendable {
  /// How jobs are taken.
  package struct Settings: Sendable {
    /// How many are done at the same time.
    package var jobs = 2
    /// How long a job stays with a worker that is silent, in milliseconds.
    package var lease: Int64 = 30_000
    package var heartbeat = Duration.seconds(5)
    /// How often it looks for jobs that nobody told it of, give or take a quarter.
    package var poll = Duration.seconds(2)
    /// How long the second try waits, in milliseconds; each further one four times as long.
    package var backOff: Int64 = 30_000
    /// How long a job may take, in milliseconds.
    package var limit: Int64 = 12 * 3_600_000

    package init() {}
  }

  private let store: DataStore
  private let executor: any JobExecutor
  private let settings: Settings
  private let clock: @Sendable () -> Instant
  private let log: @Sendable (String) -> Void

  /// A worker.
  ///
  /// - Parameters:
  ///   - store: where the jobs are.
  ///   - executor: does them.
  ///   - settings: how they are taken.
  ///   - clock: the time of day, the same for all workers but for seconds.
  ///   - log: is told what becomes of each job.
  package init(
    _ store: DataStore,
    _ executor: any JobExecutor,
    settings: Settings = Settings(),
    clock: @escaping @Sendable () -> Instant,
    log: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.store = store
    self.executor = executor
    self.settings = settings
    self.clock = clock
    self.log = log
  }

  /// Works until the task is cancelled, and returns when no job is under way any more.
  package func run() async {
    let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let slots = Slots(settings.jobs)
    await withDiscardingTaskGroup { group in
      group.addTask { await poll(wake) }
      group.addTask { await listen(wake) }
      var isReachable = true
      for await _ in wakes {
        do {
          while slots.isFree, let job = try await lease() {
            slots.take()
            group.addTask {
              await perform(job)
              slots.give()
              wake.yield()
            }
          }
          isReachable = true
        } catch is CancellationError {
          break
        } catch {
          // It is said once, not with every look.
          if isReachable { log("cannot look for jobs: \(error)") }
          isReachable = false
        }
      }
    }
  }

  /// Wakes the worker now and then.
  private func poll(_ wake: AsyncStream<Void>.Continuation) async {
    while !Task.isCancelled {
      wake.yield()
      try? await Task.sleep(for: settings.poll * Double.random(in: 0.75...1.25))
    }
  }

  /// Wakes the worker when the database says that a job waits.
  private func listen(_ wake: AsyncStream<Void>.Continuation) async {
    let channel = StoreTransaction.jobChannel
    while !Task.isCancelled, let sent = store.database.notifications(on: channel) {
      for await _ in sent { wake.yield() }
      try? await Task.sleep(for: settings.poll)
    }
  }

  /// The next job, leased; nil where none is free.
  private func lease() async throws -> Job? {
    let now = clock()
    let (isFree, owners) = try await store.read { transaction in
      (try transaction.hasFreeJob(at: now), try transaction.jobOwners())
    }
    let dead = owners.filter(LeaseOwner.isDead)
    guard isFree || !dead.isEmpty else { return nil }
    return try await store.write(as: LeaseOwner.current, at: now) { transaction in
      for owner in dead { try transaction.releaseJobs(of: owner) }
      return try transaction.leaseJob(
        to: LeaseOwner.current,
        until: now.advanced(milliseconds: settings.lease)
      )
    }
  }

  /// How a try came to its end.
  fileprivate enum Ending {
    case done
    case failed(JobFailure)
    /// The job went to somebody else or was cancelled.
    case lost
    /// The worker is to stop.
    case stopped
  }

  private func perform(_ job: Job) async {
    let name = "job \(job.id), \(job.kind) of \(job.target.key)"
    log("\(name): try \(job.attempts)")
    let report = Latest()
    let ending = await withTaskGroup(of: Ending.self) { group in
      group.addTask { await execute(job, report) }
      group.addTask { await heartbeat(job, report) }
      let first = await group.next() ?? .stopped
      group.cancelAll()
      // Nothing of it may go on when the job is given back.
      var endings = [first]
      for await other in group { endings.append(other) }
      return endings
    }
    // What was done at the last moment is done.
    let isDone = ending.contains { if case .done = $0 { true } else { false } }
    await note(isDone ? .done : ending[0], of: job, report.value, name)
  }

  private func execute(_ job: Job, _ report: Latest) async -> Ending {
    do {
      try await executor.run(job) { report.value = $0 }
      return .done
    } catch {
      if Task.isCancelled { return .stopped }
      return .failed(error as? JobFailure ?? JobFailure("\(error)"))
    }
  }

  /// Prolongs the lease until the task is cancelled, the job is lost, or it takes too long.
  private func heartbeat(_ job: Job, _ report: Latest) async -> Ending {
    var leasedUntil = job.leasedUntil
    let latest = (job.startedAt ?? leasedUntil).advanced(milliseconds: settings.limit)
    while true {
      do {
        try await Task.sleep(for: settings.heartbeat)
        let now = clock()
        guard now < latest else { return .failed(JobFailure("took longer than a job may take")) }
        let until = now.advanced(milliseconds: settings.lease)
        let told = report.value
        let isHeld = try await store.write(as: job.owner, at: now) { transaction in
          try transaction.heartbeat(job, until: until, progress: told.progress, scan: told.scan)
        }
        guard isHeld else { return .lost }
        leasedUntil = until
      } catch is CancellationError {
        return .stopped
      } catch {
        // One that fails is followed by another, as long as nobody else may have the job.
        if clock() >= leasedUntil { return .lost }
      }
    }
  }

  /// Notes what came of a try.
  private func note(_ ending: Ending, of job: Job, _ report: JobReport, _ name: String) async {
    let pause = settings.backOff * (1 << (2 * Int64(max(0, job.attempts - 1))))
    // A task of its own: what came of the job is noted although this one may be cancelled.
    await Task {
      for attempt in 0..<5 {
        let now = clock()
        do {
          let isHeld = try await store.write(as: job.owner, at: now) { transaction in
            switch ending {
            case .done:
              return try transaction.finish(job, progress: report.progress, scan: report.scan)
            case .failed(let failure):
              return try transaction.fail(
                job,
                reason: String(failure.description.prefix(2000)),
                isFinal: failure.isFinal,
                retryAt: now.advanced(milliseconds: pause),
                scan: report.scan
              )
            case .lost: return false
            case .stopped:
              try transaction.release(job)
              return true
            }
          }
          return log("\(name): \(isHeld ? ending.words(job) : Ending.lost.words(job))")
        } catch {
          // Where it can never be noted the lease runs out, and another worker does the job again.
          if attempt == 4 {
            return log("\(name): \(ending.words(job)), which cannot be noted: \(error)")
          }
          try? await Task.sleep(for: settings.poll)
        }
      }
    }.value
  }
}

extension Worker.Ending {
  /// The ending for people.
  fileprivate func words(_ job: Job) -> String {
    switch self {
    case .done: "done"
    case .failed(let failure) where failure.isFinal: "failed: \(failure)"
    case .failed(let failure) where job.attempts >= StoreTransaction.jobTries:
      "set aside after \(job.attempts) tries: \(failure)"
    case .failed(let failure): "waits for another try: \(failure)"
    case .lost: "was cancelled, or is with another worker"
    case .stopped: "given back"
    }
  }
}

/// How many jobs can be taken still.
private final class Slots: Sendable {
  private let free: Mutex<Int>

  init(_ count: Int) { free = Mutex(count) }

  var isFree: Bool { free.withLock { $0 > 0 } }

  func take() { free.withLock { $0 -= 1 } }

  func give() { free.withLock { $0 += 1 } }
}

/// The latest word on how far a job is.
private final class Latest: Sendable {
  private let report = Mutex(JobReport())

  var value: JobReport {
    get { report.withLock { $0 } }
    set { report.withLock { $0 = newValue } }
  }
}
