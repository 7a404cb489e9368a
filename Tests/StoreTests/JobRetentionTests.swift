import JSON
import Model
import Store
import TestSupport
import Testing

/// How long jobs and runs are kept.
struct JobRetentionTests {
  /// Begins a run with a job of an account, which is done at once unless it stays open.
  private func run(
    _ store: DataStore,
    _ attachment: Int64,
    _ account: String,
    at day: Int,
    _ cause: AttachmentRun.Cause = .schedule,
    staysOpen: Bool = false
  ) async throws -> (run: Int64, job: Int64) {
    try await store.write(as: "ann", at: .day(day)) { transaction in
      let run = try #require(
        try transaction.beginRun(of: attachment, dueAt: .day(day), cause: cause)
      )
      let target = JobTarget(provider: "aws", account: account, credential: "c")
      let job = try transaction.enqueue(target).job
      try transaction.note(job, of: run)
      let leased = try transaction.leaseJob(to: "w", until: .day(1000))
      #expect(leased?.id == job)
      if let leased, !staysOpen {
        _ = try transaction.finish(leased, progress: [:], scan: nil)
      }
      return (run, job)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `old jobs and runs go, but none that may matter`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let profile = Profile(
        id: "p",
        version: "1",
        effectiveDate: "2026-01-01",
        title: "P",
        controls: []
      )
      let (first, second) = try await store.write(as: "ann", at: .day(0)) { transaction in
        try transaction.put(Scope(name: "s", parent: "", includes: [], excludes: []))
        return (
          try transaction.attach(profile, to: "", parameters: [:], schedule: "every 24h"),
          try transaction.attach(profile, to: "s", parameters: [:], schedule: "every 24h")
        )
      }
      let old = try await run(store, first, "a", at: 1)
      let scheduled = try await run(store, first, "a", at: 2)
      let asked = try await run(store, first, "a", at: 3, .person)
      let newest = try await run(store, first, "a", at: 4, .person)
      let open = try await run(store, second, "b", at: 5, .person, staysOpen: true)
      let last = try await run(store, second, "c", at: 6)
      let recent = try await run(store, second, "c", at: 50, .person)

      let none = try await store.write(as: "ann", at: .day(60)) { try $0.prune() }
      #expect(none == PruneReport())
      let report = try await store.write(as: "ann", at: .day(60)) { transaction in
        try transaction.keep(.jobs, days: 30)
        return try transaction.prune()
      }
      #expect(report == PruneReport(runs: 2, jobs: 2))
      let (runs, jobs) = try await store.read { (try $0.runs().map(\.id), try $0.jobs().map(\.id)) }
      #expect(Set(runs) == [scheduled.run, newest.run, open.run, last.run, recent.run])
      #expect(Set(jobs) == [scheduled.job, newest.job, open.job, last.job, recent.job])
      #expect(!runs.contains(old.run) && !runs.contains(asked.run))
      // What was missed is still known.
      let states = try await store.read { try $0.scheduleStates(at: .day(60)) }
      #expect(states[first]?.lastDue == .day(2) && states[second]?.lastDue == .day(6))
      let again = try await store.write(as: "ann", at: .day(61)) { try $0.prune() }
      #expect(again == PruneReport())
      #expect(try await store.read { try $0.auditFault() } == nil)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a job stays whose scan has not ended`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let target = JobTarget(provider: "aws", account: "a", credential: "c")
      let scan = try await store.write(as: "worker/job-1", at: .day(1)) { transaction in
        let scan = try transaction.beginScan(
          subject: "s",
          account: "a",
          instruction: [:],
          instant: .day(1),
          content: ""
        )
        _ = try transaction.enqueue(target)
        let job = try #require(try transaction.leaseJob(to: "w", until: .day(2)))
        _ = try transaction.finish(job, progress: [:], scan: scan)
        try transaction.keep(.jobs, days: 1)
        return scan
      }
      let early = try await store.write(as: "ann", at: .day(9)) { try $0.prune() }
      #expect(early == PruneReport())
      let late = try await store.write(as: "ann", at: .day(10)) { transaction in
        try transaction.move(scan, to: .cancelled, report: [:])
        return try transaction.prune()
      }
      #expect(late == PruneReport(jobs: 1))
    }
  }
}
