import JSON
import Model
import Store
import TestSupport
import Testing

/// Jobs, which workers of any machine lease.
struct JobTests {
  private static func target(_ account: String) -> JobTarget {
    JobTarget(provider: "aws", account: account, credential: "c-\(account)")
  }

  private static func enqueue(
    _ store: DataStore,
    _ accounts: String...,
    at instant: Instant = .hour(0)
  ) async throws -> [Int64] {
    try await store.write(as: "ann", at: instant) { transaction in
      try accounts.map { try transaction.enqueue(target($0)).job }
    }
  }

  /// Leases for an hour.
  private static func lease(
    _ store: DataStore,
    to owner: String = "one",
    at hour: Int64
  ) async throws -> Job? {
    try await store.write(as: owner, at: .hour(hour)) { transaction in
      try transaction.leaseJob(to: owner, until: .hour(hour + 1))
    }
  }

  private static func fail(
    _ store: DataStore,
    _ job: Job,
    isFinal: Bool = false,
    at hour: Int64
  ) async throws -> Bool {
    try await store.write(as: job.owner, at: .hour(hour)) { transaction in
      try transaction.fail(job, reason: "no luck", isFinal: isFinal, retryAt: .hour(hour + 2))
    }
  }

  private static func heartbeat(
    _ store: DataStore,
    _ job: Job,
    at hour: Int64
  ) async throws -> Bool {
    try await store.write(as: job.owner, at: .hour(hour)) { transaction in
      try transaction.heartbeat(job, until: .hour(hour + 1), progress: ["calls": 7], scan: 5)
    }
  }

  private static func state(_ store: DataStore, _ id: Int64) async throws -> Job {
    try await store.read { try $0.job(id) }
  }

  @Test(arguments: TestDatabase.all)
  func `an account has one open job, which a second request joins`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let (first, second, other) = try await store.write(as: "ann", at: .hour(0)) { transaction in
        let same = JobTarget(provider: "aws", account: "1", credential: "another")
        return (
          try transaction.enqueue(Self.target("1")), try transaction.enqueue(same),
          try transaction.enqueue(Self.target("2"))
        )
      }
      #expect(first.isNew && !second.isNew && other.isNew)
      #expect(first.job == second.job && first.job != other.job)
      let job = try #require(try await Self.lease(store, at: 1))
      #expect(job.id == first.job && job.attempts == 1 && job.target == Self.target("1"))
      // It is joined while it is done, and not any more when it has ended.
      #expect(try await Self.enqueue(store, "1", at: .hour(1)) == [first.job])
      let isDone = try await store.write(as: "one", at: .hour(1)) { transaction in
        try transaction.finish(job, progress: ["calls": 9], scan: 3)
      }
      #expect(isDone)
      let done = try await Self.state(store, job.id)
      #expect(done.state == .done && done.scan == 3 && done.progress == ["calls": 9])
      #expect(done.finishedAt == .hour(1) && done.owner.isEmpty)
      #expect(try await Self.enqueue(store, "1", at: .hour(2)) != [first.job])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `whoever asks at once, no job is leased twice and none is left`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      try await store.write(as: "ann", at: .hour(0)) { transaction in
        for number in 0..<40 { _ = try transaction.enqueue(Self.target("\(number)")) }
      }
      let leased = try await withThrowingTaskGroup(of: [Int64].self) { group in
        for worker in 0..<4 {
          group.addTask {
            var mine: [Int64] = []
            while let job = try await Self.lease(store, to: "worker \(worker)", at: 1) {
              mine.append(job.id)
            }
            return mine
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      #expect(leased.count == 40 && Set(leased).count == 40)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a job that somebody holds keeps nobody waiting`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let ids = try await Self.enqueue(store, "1", "2")
      // SQLite lets one transaction write at a time, so there it can only come afterwards.
      guard kind == .postgres else { return }
      let (isHeld, isLeased) = (Flag(), Flag())
      async let first = store.write(as: "one", at: .hour(1)) { transaction in
        let job = try transaction.leaseJob(to: "one", until: .hour(2))
        isHeld.set()
        #expect(isLeased.wait())
        return job?.id
      }
      #expect(try await isHeld.isSetSoon())
      let second = try await Self.lease(store, to: "two", at: 1)
      isLeased.set()
      #expect(try await first == ids[0])
      #expect(second?.id == ids[1])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a lease that runs out goes to another, and the former owner hears of it`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let id = try await Self.enqueue(store, "1")[0]
      let first = try #require(try await Self.lease(store, at: 1))
      #expect(try await Self.heartbeat(store, first, at: 2))
      #expect(try await store.read { try $0.hasFreeJob(at: .hour(3)) } == false)
      #expect(try await Self.lease(store, to: "two", at: 3) == nil)
      let second = try #require(try await Self.lease(store, to: "two", at: 4))
      #expect(second.id == id && second.attempts == 2)
      #expect(try await Self.heartbeat(store, first, at: 4) == false)
      #expect(try await Self.fail(store, first, at: 4) == false)
      #expect(try await Self.heartbeat(store, second, at: 4))
      let now = try await Self.state(store, id)
      #expect(now.owner == "two" && now.progress == ["calls": 7] && now.scan == 5)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `after three tries a job is set aside with its reason, and the others go on`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let ids = try await Self.enqueue(store, "poison", "good")
      var hours: [Int64] = []
      for hour in Int64(1)...12 {
        guard let job = try await Self.lease(store, at: hour) else { continue }
        if job.id == ids[1] {
          #expect(
            try await store.write(as: "one", at: .hour(hour)) { transaction in
              try transaction.finish(job, progress: [:], scan: nil)
            }
          )
        } else {
          hours.append(hour)
          #expect(try await Self.fail(store, job, at: hour))
        }
      }
      // Each try waits for its time, and the other job comes in between.
      #expect(hours == [1, 3, 5])
      let poison = try await Self.state(store, ids[0])
      #expect(poison.state == .setAside && poison.reason == "no luck" && poison.attempts == 3)
      #expect(try await Self.state(store, ids[1]).state == .done)
      // Then it gets three more tries.
      try await store.write(as: "ann", at: .hour(20)) { try $0.retryJob(ids[0]) }
      for hour in Int64(20)...22 {
        let job = try #require(try await Self.lease(store, at: hour * 10))
        #expect(try await Self.fail(store, job, at: hour * 10))
      }
      #expect(try await Self.state(store, ids[0]).state == .setAside)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a job whose owner dies each time is set aside too`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let ids = try await Self.enqueue(store, "deadly", "good")
      for hour in [Int64(1), 10, 20] {
        let job = try #require(try await Self.lease(store, to: "owner \(hour)", at: hour))
        #expect(job.id == ids[0])
      }
      let next = try #require(try await Self.lease(store, to: "survivor", at: 30))
      #expect(next.id == ids[1])
      let deadly = try await Self.state(store, ids[0])
      #expect(deadly.state == .setAside && deadly.reason.contains("ended without a word"))
    }
  }

  @Test(arguments: TestDatabase.all)
  func `what cannot succeed is not tried again`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let id = try await Self.enqueue(store, "1")[0]
      let job = try #require(try await Self.lease(store, at: 1))
      #expect(try await Self.fail(store, job, isFinal: true, at: 1))
      #expect(try await Self.state(store, id).state == .failed)
      #expect(try await Self.lease(store, at: 9) == nil)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a job is given back without a try, or with one where its owner died`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let id = try await Self.enqueue(store, "1")[0]
      let first = try #require(try await Self.lease(store, at: 1))
      try await store.write(as: "one", at: .hour(1)) { try $0.release(first) }
      #expect(try await Self.state(store, id).state == .waiting)
      let second = try #require(try await Self.lease(store, to: "two", at: 1))
      #expect(second.attempts == 1)
      // The former lease is none any more, whoever had it.
      try await store.write(as: "one", at: .hour(1)) { try $0.release(first) }
      #expect(try await store.read { try $0.jobOwners() } == ["two"])
      try await store.write(as: "three", at: .hour(1)) { try $0.releaseJobs(of: "two") }
      let third = try #require(try await Self.lease(store, to: "three", at: 1))
      #expect(third.attempts == 2)
      #expect(try await Self.heartbeat(store, second, at: 1) == false)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a cancelled job is lost to its owner, and can be tried again`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let id = try await Self.enqueue(store, "1")[0]
      let job = try #require(try await Self.lease(store, at: 1))
      try await store.write(as: "bob", at: .hour(1)) { try $0.cancelJob(id) }
      #expect(try await Self.heartbeat(store, job, at: 1) == false)
      let cancelled = try await Self.state(store, id)
      #expect(cancelled.state == .cancelled && cancelled.reason == "cancelled by bob")
      let again = await #expect(throws: StoreError.self) {
        try await store.write(as: "bob", at: .hour(1)) { try $0.cancelJob(id) }
      }
      #expect(again?.word == "conflict")
      try await store.write(as: "bob", at: .hour(2)) { try $0.retryJob(id) }
      #expect(try await Self.state(store, id).reason.isEmpty)
      let second = try #require(try await Self.lease(store, at: 3))
      #expect(second.id == id && second.attempts == 1)
      // A try with the same number by the same owner is another try.
      #expect(try await Self.heartbeat(store, job, at: 3) == false)
      #expect(try await Self.heartbeat(store, second, at: 3))
      let open = await #expect(throws: StoreError.self) {
        try await store.write(as: "bob", at: .hour(3)) { try $0.retryJob(id) }
      }
      #expect(open?.word == "conflict")
      let unknown = await #expect(throws: StoreError.self) {
        try await store.write(as: "bob", at: .hour(3)) { try $0.cancelJob(99) }
      }
      #expect(unknown?.word == "not found")
      let actions = try await store.read { transaction in
        var actions: [String] = []
        try transaction.auditLog { actions.append("\($0.actor) \($0.action)") }
        return actions
      }
      #expect(actions == ["bob job.cancel", "bob job.retry"])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a scan that no try will end is cancelled with its job`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let ids = try await Self.enqueue(store, "1", "2", "3")
      var scans: [Int64] = []
      for id in ids {
        let job = try #require(try await Self.lease(store, at: 1))
        #expect(job.id == id)
        scans.append(
          try await store.write(as: "one", at: .hour(1)) { transaction in
            let account = job.target.account
            let scan = try transaction.beginScan(
              subject: account,
              account: account,
              instruction: [:],
              instant: .hour(1),
              content: "digest"
            )
            _ = try transaction.fail(
              job,
              reason: "no luck",
              isFinal: id == ids[0],
              retryAt: .hour(2),
              scan: scan
            )
            return scan
          }
        )
      }
      try await store.write(as: "bob", at: .hour(2)) { try $0.cancelJob(ids[1]) }
      let open = try await store.read { try $0.openScans().map(\.id) }
      // The third job has tries left, which take its scan up.
      #expect(open == [scans[2]])
      #expect(try await Self.state(store, ids[2]).scan == scans[2])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a job of a target that has another open one is not tried again`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let first = try await Self.enqueue(store, "1")[0]
      try await store.write(as: "bob", at: .hour(1)) { try $0.cancelJob(first) }
      let second = try await Self.enqueue(store, "1", at: .hour(2))[0]
      let error = await #expect(throws: StoreError.self) {
        try await store.write(as: "bob", at: .hour(3)) { try $0.retryJob(first) }
      }
      #expect(error?.description.contains("job \(second)") == true)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `jobs are listed page by page, by state, account and run`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let ids = try await Self.enqueue(store, "1", "2", "3", "4", "5")
      let leased = try #require(try await Self.lease(store, at: 1))
      let pages = try await store.read { transaction in
        [
          try transaction.jobs(limit: 2), try transaction.jobs(before: ids[3], limit: 2),
          try transaction.jobs(JobFilter(states: [.leased])),
          try transaction.jobs(JobFilter(states: [.waiting, .leased], account: "3")),
          try transaction.jobs(JobFilter(states: [.done])), try transaction.jobs(JobFilter(run: 1)),
        ].map { $0.map(\.id) }
      }
      #expect(
        pages == [[ids[4], ids[3]], [ids[2], ids[1]], [leased.id], [ids[2]], [], []]
      )
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a job that waits is told to whoever listens`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let stream = store.database.notifications(on: StoreTransaction.jobChannel)
      #expect((stream != nil) == (kind == .postgres))
      guard let stream else { return }
      var words = stream.makeAsyncIterator()
      #expect(await words.next() != nil)
      _ = try await Self.enqueue(store, "1")
      #expect(await words.next() != nil)
    }
  }
}
