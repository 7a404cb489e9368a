import JSON
import Model
import Operations
import Store
import Synchronization
import TestSupport
import Testing

/// Workers, with jobs that come to what their account says.
struct WorkerTests {
  /// Does a job by the name of its account.
  private final class Script: JobExecutor {
    private struct State {
      var running = 0
      var most = 0
      var begun: [String] = []
      var stopped: [String] = []
    }

    private let state = Mutex(State())

    var begun: [String] { state.withLock { $0.begun } }
    var stopped: [String] { state.withLock { $0.stopped } }
    /// How many were done at the same time at most.
    var most: Int { state.withLock { $0.most } }

    func run(_ job: Job, report: @escaping @Sendable (JobReport) -> Void) async throws {
      let account = job.target.account
      state.withLock { state in
        state.begun.append(account)
        state.running += 1
        state.most = max(state.most, state.running)
      }
      defer { state.withLock { $0.running -= 1 } }
      report(JobReport(progress: ["calls": .integer(7)], scan: 5))
      for _ in 0..<10 { await Task.yield() }
      switch account.prefix(4) {
      case "hang":
        do {
          while true { try await Task.sleep(for: .milliseconds(1)) }
        } catch {
          state.withLock { $0.stopped.append(account) }
          throw error
        }
      case "fail": throw JobFailure("no luck with \(account)")
      case "last": throw JobFailure("never", isFinal: true)
      case "odd-": throw SQLError.busy("something")
      default: break
      }
    }
  }

  /// The time of day, which moves with every look and when it is told to.
  private final class Clock: Sendable {
    private let now = Mutex(hour(1))

    func look() -> Instant {
      now.withLock { now in
        now = now.advanced(milliseconds: 1)
        return now
      }
    }

    func move(hours: Int64) { now.withLock { $0 = $0.advanced(milliseconds: hours * 3_600_000) } }
  }

  private struct Scene: Sendable {
    let store: DataStore
    let script = Script()
    let clock = Clock()

    @discardableResult
    func enqueue(_ accounts: String...) async throws -> [Int64] {
      try await store.write(as: "ann", at: clock.look()) { transaction in
        try accounts.map { account in
          let target = JobTarget(provider: "aws", account: account, credential: account)
          return try transaction.enqueue(target).job
        }
      }
    }

    func job(_ id: Int64) async throws -> Job { try await store.read { try $0.job(id) } }

    func states() async throws -> [String: JobState] {
      let jobs = try await store.read { try $0.jobs() }
      return Dictionary(jobs.map { ($0.target.account, $0.state) }) { first, _ in first }
    }

    /// Runs a worker for as long as something else takes, and waits until it has stopped.
    func working<R>(
      _ change: (inout Worker.Settings) -> Void = { _ in },
      _ body: () async throws -> R
    ) async throws -> R {
      var settings = Worker.Settings()
      settings.heartbeat = .milliseconds(2)
      settings.poll = .milliseconds(5)
      settings.backOff = 0
      change(&settings)
      let worker = Worker(store, script, settings: settings, clock: clock.look)
      let task = Task { await worker.run() }
      let result: Result<R, any Error>
      do {
        result = .success(try await body())
      } catch {
        result = .failure(error)
      }
      task.cancel()
      await task.value
      return try result.get()
    }

    /// Waits until something is so.
    func wait(
      _ comment: Comment,
      _ condition: () async throws -> Bool
    ) async throws {
      #expect(try await eventually(pause: .milliseconds(2), condition), comment)
    }
  }

  private func withScene(_ kind: TestDatabase, _ body: (Scene) async throws -> Void) async throws {
    try await kind.with { database in try await body(Scene(store: try await DataStore(database))) }
  }

  @Test(arguments: TestDatabase.all)
  func `all jobs come to an end, and bad ones keep no others from it`(
    kind: TestDatabase
  ) async throws {
    try await withScene(kind) { scene in
      let ids = try await scene.enqueue(
        "fail-1",
        "a",
        "odd-1",
        "b",
        "last-1",
        "c",
        "d",
        "e"
      )
      try await scene.working({ $0.jobs = 3 }) {
        try await scene.wait("not all jobs came to an end") {
          try await scene.states().values.allSatisfy { !$0.isOpen }
        }
      }
      let states = try await scene.states()
      for account in ["a", "b", "c", "d", "e"] { #expect(states[account] == .done) }
      #expect(states["fail-1"] == .setAside && states["odd-1"] == .setAside)
      #expect(states["last-1"] == .failed)
      #expect(try await scene.job(ids[0]).reason == "no luck with fail-1")
      #expect(try await scene.job(ids[2]).reason == "\(SQLError.busy("something"))")
      let done = try await scene.job(ids[1])
      #expect(done.scan == 5 && done.progress == ["calls": 7])
      #expect(scene.script.begun.filter { $0 == "fail-1" }.count == 3)
      #expect(scene.script.begun.filter { $0 == "last-1" }.count == 1)
      #expect(scene.script.most <= 3)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a job that takes long is kept by heartbeats, which tell how far it is`(
    kind: TestDatabase
  ) async throws {
    try await withScene(kind) { scene in
      let id = try await scene.enqueue("hang")[0]
      try await scene.working {
        try await scene.wait("the job was not begun") { try await scene.job(id).state == .leased }
        let first = try await scene.job(id).leasedUntil
        try await scene.wait("no heartbeat") {
          let job = try await scene.job(id)
          return job.leasedUntil > first.advanced(milliseconds: 5) && job.scan == 5
            && job.progress == ["calls": 7]
        }
        #expect(scene.script.begun == ["hang"])
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a cancelled job is stopped, and its place is free`(kind: TestDatabase) async throws {
    try await withScene(kind) { scene in
      let id = try await scene.enqueue("hang", "next")[0]
      try await scene.working({ $0.jobs = 1 }) {
        try await scene.wait("the job was not begun") { scene.script.begun == ["hang"] }
        try await scene.store.write(as: "bob", at: scene.clock.look()) { try $0.cancelJob(id) }
        try await scene.wait("the next job was not done") {
          try await scene.states()["next"] == .done
        }
      }
      #expect(scene.script.stopped == ["hang"])
      #expect(try await scene.job(id).state == .cancelled)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a worker that stops gives its jobs back at once`(kind: TestDatabase) async throws {
    try await withScene(kind) { scene in
      let ids = try await scene.enqueue("hang-1", "hang-2", "hang-3")
      try await scene.working {
        try await scene.wait("the jobs were not begun") { scene.script.begun.count == 2 }
      }
      #expect(Set(scene.script.stopped) == Set(scene.script.begun))
      for id in ids {
        let job = try await scene.job(id)
        #expect(job.state == .waiting && job.attempts == 0 && job.owner.isEmpty)
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a job of a silent worker is done by another, and dropped by the first`(
    kind: TestDatabase
  ) async throws {
    try await withScene(kind) { scene in
      // Somebody leased it and was never heard of again.
      let id = try await scene.enqueue("a")[0]
      let lost = try await scene.store.write(as: "elsewhere", at: scene.clock.look()) {
        let until = $0.now.advanced(milliseconds: 30_000)
        return try $0.leaseJob(to: "elsewhere 1 1", until: until)
      }
      #expect(lost?.id == id)
      scene.clock.move(hours: 1)
      try await scene.working {
        try await scene.wait("nobody took it") { try await scene.job(id).state == .done }
      }
      #expect(try await scene.job(id).attempts == 2)
      // The other way round: another has it while this one is still at it.
      let other = try await scene.enqueue("hang")[0]
      try await scene.working({ $0.jobs = 1 }) {
        try await scene.wait("the job was not begun") { scene.script.begun.contains("hang") }
        try await scene.store.write(as: "elsewhere", at: scene.clock.look()) { transaction in
          let owner = try transaction.job(other).owner
          try transaction.releaseJobs(of: owner)
          let until = transaction.now.advanced(milliseconds: 3_600_000)
          #expect(try transaction.leaseJob(to: "elsewhere 2 2", until: until)?.id == other)
        }
        try await scene.wait("it was not stopped") { scene.script.stopped == ["hang"] }
      }
      let job = try await scene.job(other)
      #expect(job.state == .leased && job.owner == "elsewhere 2 2")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a job that takes too long is a try that failed`(kind: TestDatabase) async throws {
    try await withScene(kind) { scene in
      let id = try await scene.enqueue("hang", "next")[0]
      try await scene.working({ $0.jobs = 1 }) {
        for count in 1...3 {
          try await scene.wait("try \(count) was not begun") {
            scene.script.begun.filter { $0 == "hang" }.count == count
          }
          scene.clock.move(hours: 13)
          try await scene.wait("try \(count) was not ended") {
            scene.script.stopped.count == count
          }
        }
        try await scene.wait("the next job was not done") {
          try await scene.states()["next"] == .done
        }
      }
      let job = try await scene.job(id)
      #expect(job.state == .setAside && job.reason == "took longer than a job may take")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `workers of one store share its jobs`(kind: TestDatabase) async throws {
    try await withScene(kind) { scene in
      for number in 0..<30 { try await scene.enqueue("\(number)") }
      try await scene.working {
        try await scene.working {
          try await scene.wait("not all jobs came to an end") {
            try await scene.states().values.allSatisfy { $0 == .done }
          }
        }
      }
      #expect(scene.script.begun.count == 30 && Set(scene.script.begun).count == 30)
    }
  }
}
