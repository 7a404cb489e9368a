import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store
import Synchronization

struct WorkCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "work",
    abstract: "Does the jobs that wait, such as scans of accounts, until it is told to stop.",
    discussion: """
      Any number of workers on any number of machines share the jobs of a PostgreSQL database; each
      machine needs the key of the credentials. A scan runs in a process of its own. When a worker
      dies, its jobs are done by others within 60 seconds; on SIGTERM and SIGINT it gives them back
      at once. A job that fails three times is set aside: plumb jobs list --state set_aside.

      Examples:
        plumb work --data postgres://plumb@db.example.org/plumb --jobs 4
        plumb work --schedules
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var key: KeyOptions
  @OptionGroup var work: WorkOptions

  @Flag(name: .long, help: "Also begin what is due by its schedule, as plumb serve does.")
  var schedules = false

  func run() async throws {
    try await reporting {
      // What would let every job fail is said at once.
      _ = try key.place(store)
      let database = try await store.open()
      let signals = StopSignals()
      let task = Task {
        await runWork(database, at: store, key: key, work, schedules: schedules)
      }
      let watch = Task {
        await signals.wait()
        complain("stops; jobs under way are given back")
        task.cancel()
      }
      await task.value
      watch.cancel()
      await database.database.close()
    }
  }
}

/// How a process does jobs.
struct WorkOptions: ParsableArguments {
  @Option(name: .long, help: "How many jobs are done at the same time.")
  var jobs = 2

  @OptionGroup var reach: ReachOptions

  /// How long a job stays with a worker that is silent, in seconds.
  @Option(name: .long, help: .hidden)
  var lease = 30.0

  /// How long the second try of a job waits, in seconds.
  @Option(name: .long, help: .hidden)
  var backOff = 30.0

  func validate() throws {
    guard (1...64).contains(jobs) else {
      throw ValidationError("--jobs expects a number from 1 to 64")
    }
    guard lease >= 0.1, backOff >= 0 else {
      throw ValidationError("--lease and --back-off expect seconds")
    }
  }

  var settings: Worker.Settings {
    var settings = Worker.Settings()
    settings.jobs = jobs
    settings.lease = Int64(lease * 1000)
    settings.heartbeat = .seconds(lease / 6)
    settings.backOff = Int64(backOff * 1000)
    return settings
  }
}

/// Does jobs, and where it is asked to begins what is due, until its task is cancelled; then gives the
/// jobs under way back and returns.
///
/// - Parameters:
///   - store: where schedules and jobs are.
///   - place: how another process finds the same store.
///   - key: how another process finds the key of the credentials.
///   - options: how jobs are done.
///   - schedules: whether runs of attachments are begun when they are due.
///   - health: what this process knows of its gates.
func runWork(
  _ store: DataStore,
  at place: StoreOptions,
  key: KeyOptions,
  _ options: WorkOptions,
  schedules: Bool = true,
  health: @Sendable @escaping () -> OperationsWatch.Health? = { nil }
) async {
  let clock = await StoreClock(store)
  let worker = Worker(
    store,
    ScanProcess(store: store, place: place, key: key),
    settings: options.settings,
    clock: { clock.now },
    log: complain
  )
  await withDiscardingTaskGroup { group in
    group.addTask { await worker.run() }
    group.addTask { await clock.keep() }
    group.addTask {
      let watch = OperationsWatch(store, health: health, clock: { clock.now }, log: complain)
      await watch.run()
    }
    group.addTask { await deliverAlerts(store, at: place, key: key, options.reach, clock) }
    guard schedules else { return }
    group.addTask {
      let scheduler = Scheduler(store, providers: ScanProcess.providers)
      while !Task.isCancelled {
        do {
          for run in try await scheduler.tick(at: clock.now) { complain(run.text) }
        } catch is CancellationError {
          return
        } catch {
          complain("cannot look for what is due: \(error)")
        }
        try? await Task.sleep(for: .seconds(10))
      }
    }
  }
}

extension OperationsWatch.Health {
  /// What a process knows of its gates.
  init(_ guards: GuardKeeper) {
    self.init(
      host: ProcessInfo.processInfo.hostName,
      isTripped: guards.isTripped,
      failing: guards.isFailing,
      decisionsLost: guards.log.lost,
      lostAt: guards.log.lostAt
    )
  }
}

/// Tells channels of what became of findings, until its task is cancelled.
private func deliverAlerts(
  _ store: DataStore,
  at place: StoreOptions,
  key: KeyOptions,
  _ reach: ReachOptions,
  _ clock: StoreClock
) async {
  do {
    let keeper = CredentialKeeper(store, try key.place(place).place)
    let worker = AlertWorker(
      store,
      keeper,
      try reach.sender(),
      clock: { clock.now },
      log: complain
    )
    await worker.run()
  } catch {
    complain("channels are not told of anything: \(error)")
  }
}

extension Scheduler.StartedRun {
  /// The run for people.
  var text: String { Self.text(json) }

  /// A run, as a document tells it, for people.
  static func text(_ run: JSONValue) -> String {
    var names = (run["jobs"]?.array ?? []).map { job in
      let account = job["account"]?.string.map { "account \($0)" }
      let target = account ?? "credential \(job["credential"]?.cell ?? "")"
      let isNew = job["new"]?.bool ?? true
      return "job \(job["id"]?.cell ?? "") of \(job["provider"]?.cell ?? "") \(target)"
        + (isNew ? "" : ", which was open already")
    }
    let hidden = run["jobs_out_of_sight"]?.whole ?? 0
    if hidden > 0 { names.append("\(counted(hidden, "job")) of accounts that you do not see") }
    let what =
      names.isEmpty
      ? "no credential signs in to an account of its scope" : names.joined(separator: "; ")
    return "run \(run["run"]?.cell ?? "") of attachment \(run["attachment"]?.cell ?? ""), due "
      + "\(run["due_at"]?.cell ?? ""): \(what)"
  }
}

/// The time of day of a store's server, by which all of its workers go; this machine's where there is
/// none.
final class StoreClock: Sendable {
  private let store: DataStore
  private let ahead = Mutex<Int64>(0)

  init(_ store: DataStore) async {
    self.store = store
    await look()
  }

  /// The time of day.
  var now: Instant { timeOfDay().advanced(milliseconds: ahead.withLock { $0 }) }

  /// Asks the server now and then, until the task is cancelled.
  func keep() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(300))
      await look()
    }
  }

  private func look() async {
    let before = timeOfDay()
    guard let found = try? await store.read({ try $0.serverClock() }) else { return }
    let after = timeOfDay()
    // The answer was true at some moment in between.
    let middle = before.milliseconds + (after.milliseconds - before.milliseconds) / 2
    ahead.withLock { $0 = found.milliseconds - middle }
  }
}

/// Signals that ask the process to stop.
///
/// They are caught, not ignored, so that the processes that this one starts hear them.
final class StopSignals: Sendable {
  /// Set by the handler, which can do no more than that.
  private static let isAsked = Atomic(false)

  init() {
    _ = Self.isAsked.load(ordering: .relaxed)
    for number in [SIGTERM, SIGINT] {
      _ = signal(number) { _ in StopSignals.isAsked.store(true, ordering: .relaxed) }
    }
  }

  /// Waits until one came, or the task is cancelled.
  func wait() async {
    while !Self.isAsked.load(ordering: .relaxed), !Task.isCancelled {
      try? await Task.sleep(for: .milliseconds(100))
    }
  }
}
