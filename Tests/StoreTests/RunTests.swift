import Model
import Store
import TestSupport
import Testing

/// Runs of attachments, and pauses of their schedules.
struct RunTests {
  /// A store with an attachment to everything.
  private func withAttachment(
    _ kind: TestDatabase,
    _ body: (DataStore, Int64) async throws -> Void
  ) async throws {
    try await kind.withStore { store in
      let attachment = try await store.write(as: "ann", at: .hour(0)) { transaction in
        try transaction.attach(Self.profile, to: "", parameters: [:], schedule: "every 24h")
      }
      try await body(store, attachment)
    }
  }

  private static let profile = Profile(
    id: "p",
    version: "1",
    effectiveDate: "2026-01-01",
    title: "p",
    controls: []
  )

  private static func begin(
    _ store: DataStore,
    _ attachment: Int64,
    due hour: Int64,
    _ cause: AttachmentRun.Cause = .schedule
  ) async throws -> Int64? {
    try await store.write(as: "server", at: .hour(hour)) { transaction in
      try transaction.beginRun(of: attachment, dueAt: .hour(hour), cause: cause)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `of servers that begin one run at once a single one does`(
    kind: TestDatabase
  ) async throws {
    try await withAttachment(kind) { store, attachment in
      let begun = try await withThrowingTaskGroup(of: Int64?.self) { group in
        for _ in 0..<4 { group.addTask { try await Self.begin(store, attachment, due: 24) } }
        return try await group.reduce(into: []) { $0 += [$1].compactMap(\.self) }
      }
      #expect(begun.count == 1)
      let later = try #require(try await Self.begin(store, attachment, due: 48))
      let byPerson = try #require(try await Self.begin(store, attachment, due: 50, .person))
      let job = try await store.write(as: "server", at: .hour(50)) { transaction in
        let target = JobTarget(provider: "aws", account: "1", credential: "c")
        let (job, _) = try transaction.enqueue(target)
        for run in [later, byPerson, byPerson] { try transaction.note(job, of: run) }
        return job
      }
      let (runs, page, states, jobs) = try await store.read { transaction in
        (
          try transaction.runs(of: attachment), try transaction.runs(before: byPerson, limit: 1),
          try transaction.scheduleStates(at: .hour(99)),
          try transaction.jobs(JobFilter(run: later))
        )
      }
      #expect(runs.map(\.id) == [byPerson, later] + begun)
      #expect(runs.map(\.cause) == [.person, .schedule, .schedule])
      #expect(runs[0].requestedBy == "server" && runs[0].dueAt == .hour(50))
      #expect(page.map(\.id) == [later])
      #expect(jobs.map(\.id) == [job])
      // What a person asked for does not count as what was due.
      #expect(states == [attachment: ScheduleState(lastDue: .hour(48))])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a schedule is paused and resumed`(kind: TestDatabase) async throws {
    try await withAttachment(kind) { store, attachment in
      func state(_ hour: Int64) async throws -> ScheduleState? {
        try await store.read { try $0.scheduleStates(at: .hour(hour))[attachment] }
      }
      func change(
        at hour: Int64,
        _ expected: String,
        _ body: @Sendable @escaping (StoreTransaction) throws -> Void
      ) async throws {
        var word = "done"
        do {
          try await store.write(as: "ann", at: .hour(hour)) { try body($0) }
        } catch let error as StoreError {
          word = error.word
        }
        #expect(word == expected, "at hour \(hour)")
      }
      try await change(at: 1, "conflict") { try $0.resume(attachment: attachment) }
      try await change(at: 2, "done") { try $0.pause(attachment: attachment) }
      try await change(at: 3, "conflict") { try $0.pause(attachment: attachment) }
      #expect(try await state(1) == nil)
      #expect(try await state(3) == ScheduleState(pausedAt: .hour(2)))
      try await change(at: 5, "done") { try $0.resume(attachment: attachment) }
      #expect(try await state(6) == ScheduleState(resumedAt: .hour(5)))
      try await change(at: 7, "done") { try $0.pause(attachment: attachment) }
      #expect(try await state(8)?.isPaused == true)
      #expect(
        try await store.read { try $0.pauser(of: attachment, since: .hour(7)) } == "ann"
      )
      #expect(try await store.read { try $0.pauser(of: attachment, since: .hour(8)) } == nil)
      try await change(at: 10, "done") { try $0.resume(attachment: attachment) }
      try await change(at: 11, "conflict") {
        try $0.pause(attachment: attachment, until: .hour(11))
      }
      try await change(at: 11, "done") { try $0.pause(attachment: attachment, until: .hour(20)) }
      #expect(
        try await state(12)
          == ScheduleState(pausedAt: .hour(11), pausedUntil: .hour(20), resumedAt: .hour(10))
      )
      #expect(try await state(20) == ScheduleState(resumedAt: .hour(20)))
      try await change(at: 9, "not found") { try $0.pause(attachment: 99) }
    }
  }
}
