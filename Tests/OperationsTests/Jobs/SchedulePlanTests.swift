import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

/// Which attachments are due, and which accounts they are about.
struct SchedulePlanTests {
  private static func attachment(
    _ id: Int64 = 1,
    scope: String = "",
    schedule: String = "every 24h",
    begins: Int = 0
  ) -> Store.Attachment {
    Store.Attachment(
      id: id,
      profile: "p\(id)",
      version: "1",
      digest: "",
      scope: scope,
      schedule: schedule,
      begins: hour(begins)
    )
  }

  private static func credential(
    _ name: String,
    _ account: String = "",
    provider: String = "aws"
  ) -> CredentialRecord {
    CredentialRecord(
      name: name,
      provider: provider,
      details: account.isEmpty ? [:] : ["account": .string(account)],
      secrets: []
    )
  }

  private static func plan(
    _ attachments: [Store.Attachment],
    _ states: [Int64: ScheduleState] = [:],
    _ credentials: [CredentialRecord] = [],
    scopes: [Scope] = [],
    accounts: [String: [String]] = [:]
  ) -> SchedulePlan {
    SchedulePlan(
      attachments: attachments,
      states: states,
      credentials: credentials,
      scopes: ScopeTree(scopes),
      accounts: accounts,
      providers: ["aws", "ibm"]
    )
  }

  /// When the one attachment is due, at an hour.
  private static func due(_ state: ScheduleState?, at now: Int) -> Instant? {
    plan([attachment()], state.map { [1: $0] } ?? [:]).due(at: hour(now)).first?.dueAt
  }

  @Test func `what was missed is caught up once`() {
    #expect(Self.due(nil, at: 23) == nil)
    #expect(Self.due(nil, at: 24) == hour(24))
    #expect(Self.due(nil, at: 100) == hour(96))
    #expect(Self.due(ScheduleState(lastDue: hour(24)), at: 47) == nil)
    #expect(Self.due(ScheduleState(lastDue: hour(24)), at: 48) == hour(48))
    #expect(Self.due(ScheduleState(lastDue: hour(24)), at: 1000) == hour(984))
    #expect(Self.due(ScheduleState(lastDue: hour(984)), at: 1000) == nil)
  }

  @Test func `what would be due in a pause is not missed`() {
    #expect(Self.due(ScheduleState(pausedAt: hour(1)), at: 100) == nil)
    #expect(Self.due(ScheduleState(lastDue: hour(24), resumedAt: hour(90)), at: 95) == nil)
    #expect(Self.due(ScheduleState(lastDue: hour(24), resumedAt: hour(90)), at: 96) == hour(96))
    func next(_ state: ScheduleState?) -> Instant? {
      ScheduledAttachment(Self.attachment(), state, at: hour(1)).nextDue
    }
    #expect(next(nil) == hour(24))
    #expect(next(ScheduleState(pausedAt: hour(0))) == nil)
    #expect(next(ScheduleState(pausedAt: hour(0), pausedUntil: hour(25))) == hour(48))
  }

  @Test func `without a schedule, or one that can be read, nothing is due and others are`() {
    let plan = Self.plan([
      Self.attachment(1, schedule: ""), Self.attachment(2, schedule: "every now and then"),
      Self.attachment(3), Self.attachment(4, begins: 80),
    ])
    #expect(plan.due(at: hour(100)).map(\.attachment.id) == [3])
  }

  @Test func `each account of a scope is read once, with a credential that works`() {
    let production = Scope(
      name: "production",
      parent: "",
      includes: [Scope.Selector(terms: ["account": ["1*", "Production"]])],
      excludes: [Scope.Selector(terms: ["account": ["13"]])]
    )
    let part = Scope(
      name: "part",
      parent: "production",
      includes: [Scope.Selector(terms: ["region": ["eu-*"], "tag:a": ["b"]])],
      excludes: []
    )
    let ours = Scope(
      name: "ours",
      parent: "",
      includes: [Scope.Selector(terms: ["provider": ["aws"]])],
      excludes: []
    )
    var refused = Self.credential("a", "11")
    refused.test = CredentialRecord.Test(at: hour(0), isAccepted: false, outcome: "no")
    var revoked = Self.credential("gone", "19")
    revoked.revokedAt = hour(0)
    let plan = Self.plan(
      [],
      [:],
      [
        refused, Self.credential("b", "11"), Self.credential("c", "12"), Self.credential("d", "13"),
        revoked, Self.credential("f", "20"), Self.credential("g", "21"), Self.credential("any"),
        Self.credential("i", "14", provider: "ibm"), Self.credential("z", "15", provider: "azure"),
      ],
      scopes: [production, part, ours],
      accounts: ["20": ["20", "Shop", "Production"]]
    )
    func credentials(_ scope: String) -> [String] {
      plan.targets(of: Self.attachment(scope: scope)).map(\.credential).sorted()
    }
    #expect(credentials("") == ["any", "b", "c", "d", "f", "g", "i"])
    #expect(credentials("production") == ["b", "c", "f", "i"])
    // What only a resource can tell keeps no account out.
    #expect(credentials("part") == ["b", "c", "f", "i"])
    #expect(credentials("ours") == ["any", "b", "c", "d", "f", "g"])
    #expect(credentials("not there") == [])
  }
}

/// Runs that begin, by the clock and by people.
struct SchedulerTests {
  /// A store with two accounts, and two attachments that come round every day.
  private static func withStore(
    _ kind: TestDatabase,
    _ body: (DataStore, Scheduler) async throws -> Void
  ) async throws {
    try await kind.with { database in
      let store = try await DataStore(database)
      try await store.write(as: "ann", at: hour(0)) { transaction in
        for (name, account) in [("first", "1"), ("second", "2")] {
          try transaction.add(
            CredentialRecord(
              name: name,
              provider: "aws",
              details: ["account": .string(account)],
              secrets: []
            )
          )
        }
        for id in ["p", "q"] {
          let profile = Profile(
            id: id,
            version: "1",
            effectiveDate: "2026-01-01",
            title: id,
            controls: []
          )
          _ = try transaction.attach(profile, to: "", parameters: [:], schedule: "every 24h")
        }
      }
      try await body(store, Scheduler(store, providers: ["aws"]))
    }
  }

  @Test(arguments: TestDatabase.all)
  func `of many servers one begins what is due, with a job per account`(
    kind: TestDatabase
  ) async throws {
    try await Self.withStore(kind) { store, scheduler in
      #expect(try await scheduler.tick(at: hour(23)).isEmpty)
      let begun = try await withThrowingTaskGroup(of: [Scheduler.StartedRun].self) { group in
        for _ in 0..<4 { group.addTask { try await scheduler.tick(at: hour(80)) } }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      #expect(begun.map(\.attachment).sorted() == [1, 2])
      #expect(begun.allSatisfy { $0.dueAt == hour(72) && $0.jobs.count == 2 })
      // Both attachments ask for the same accounts, which are read once.
      let jobs = try await store.read { try $0.jobs() }
      #expect(jobs.map(\.target.account).sorted() == ["1", "2"])
      #expect(jobs.allSatisfy { $0.createdBy == Scheduler.actor })
      #expect(try await scheduler.tick(at: hour(81)).isEmpty)
      #expect(try await scheduler.tick(at: hour(96)).count == 2)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a run for which no credential is there is not begun`(kind: TestDatabase) async throws {
    try await Self.withStore(kind) { store, _ in
      let error = await #expect(throws: StoreError.self) {
        try await Scheduler(store, providers: ["gcp"]).run(1, as: "bob", at: hour(5))
      }
      #expect(error?.description.contains("no account that can be scanned") == true)
      let runs = try await store.read { try $0.runs(of: 1) }
      #expect(runs.isEmpty)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `people begin runs also of what is paused, and the schedule is as before`(
    kind: TestDatabase
  ) async throws {
    try await Self.withStore(kind) { store, scheduler in
      try await store.write(as: "ann", at: hour(1)) { try $0.pause(attachment: 1) }
      let run = try await scheduler.run(1, as: "bob", at: hour(5))
      #expect(run.jobs.map(\.isNew) == [true, true] && run.dueAt == hour(5))
      await #expect(throws: StoreError.self) { try await scheduler.run(1, as: "bob", at: hour(5)) }
      await #expect(throws: StoreError.self) { try await scheduler.run(9, as: "bob", at: hour(5)) }
      #expect(try await scheduler.tick(at: hour(30)).map(\.attachment) == [2])
      let runs = try await store.read { try $0.runs(of: 1) }
      #expect(runs.map(\.requestedBy) == ["bob"] && runs.map(\.cause) == [.person])
    }
  }
}
