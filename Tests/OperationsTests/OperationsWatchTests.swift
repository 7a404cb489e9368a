import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

/// What is wrong with Plumbline itself becomes findings, which end by themselves.
struct OperationsWatchTests {
  private static func findings(_ bench: Bench) async throws -> [String: String] {
    var filter = FindingFilter()
    filter.sources = [.operations]
    let asked = filter
    let found = try await bench.store.read { try $0.findings(asked) }
    return Dictionary(
      uniqueKeysWithValues: found.map {
        ("\($0.finding.note.id): \($0.finding.entity.name)", $0.finding.state.name)
      }
    )
  }

  @Test(arguments: TestDatabase.all)
  func `a job that fails for good is a finding until one of its target is done`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let target = JobTarget(provider: "aws", account: "a", credential: "audit")
      @Sendable func end(_ transaction: StoreTransaction, isDone: Bool) throws {
        _ = try transaction.enqueue(target)
        let leased = try transaction.leaseJob(to: "w", until: transaction.now)
        guard let job = leased else { return }
        if isDone {
          _ = try transaction.finish(job, progress: [:], scan: nil)
        } else {
          let at = transaction.now
          _ = try transaction.fail(job, reason: "denied", isFinal: true, retryAt: at)
        }
      }
      func look(_ at: Instant) async throws -> [String: String] {
        try await OperationsWatch(bench.store) { at }.look(since: hour(0))
        return try await Self.findings(bench)
      }
      #expect(try await look(hour(0)) == [:])
      try await bench.change(at: hour(1)) { try end($0, isDone: false) }
      #expect(try await look(hour(2)) == ["scan-failed: a": "open"])
      // A person who says that it is mended is believed until it fails again.
      try await bench.change(as: "ann", at: hour(3)) {
        try $0.decide(finding: 1, to: "mitigated", reason: "key rotated")
      }
      #expect(try await look(hour(4)) == ["scan-failed: a": "mitigated"])
      try await bench.change(at: hour(5)) { try end($0, isDone: false) }
      #expect(try await look(hour(6)) == ["scan-failed: a": "open"])
      try await bench.change(at: hour(7)) { try end($0, isDone: true) }
      #expect(try await look(hour(8)) == ["scan-failed: a": "mitigated"])
      let changes = try await bench.store.read { try $0.changes(ofFinding: 1).map(\.kind) }
      #expect(changes == [.opened, .mitigated, .reopened, .mitigated])
      // Nothing is written where nothing changed.
      let count = bench.store.writeCount
      _ = try await look(hour(9))
      #expect(bench.store.writeCount == count)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `lost decisions, a refused credential and a silent collector, until each is over`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      func look(_ at: Instant, lostAt: Instant? = nil) async throws -> [String: String] {
        let watch = OperationsWatch(
          bench.store,
          health: {
            .init(
              host: "one",
              isTripped: false,
              failing: nil,
              decisionsLost: lostAt == nil ? 0 : 7,
              lostAt: lostAt
            )
          },
          clock: { at }
        )
        try await watch.look(since: hour(0))
        return try await Self.findings(bench)
      }
      // A log that finds no room, as its database hangs.
      let lost = "decisions-lost: server one"
      #expect(try await look(hour(1), lostAt: hour(1)) == [lost: "open"])
      let minutes = hour(1).advanced(milliseconds: 59 * 60_000)
      #expect(try await look(minutes, lostAt: hour(1)) == [lost: "open"])
      #expect(try await look(hour(2), lostAt: hour(1)) == [lost: "mitigated"])

      let refused = "credential-refused: credential audit"
      try await bench.change(at: hour(3)) { transaction in
        try transaction.add(
          CredentialRecord(name: "audit", provider: "aws", details: ["account": "a"], secrets: [])
        )
        let test = CredentialRecord.Test(at: hour(3), isAccepted: false, outcome: "denied")
        try transaction.note(test, of: "audit", version: 1)
      }
      #expect(try await look(hour(3))[refused] == "open")
      try await bench.change(at: hour(4)) { transaction in
        let test = CredentialRecord.Test(at: hour(4), isAccepted: true, outcome: "signed in")
        try transaction.note(test, of: "audit", version: 1)
      }
      #expect(try await look(hour(4))[refused] == "mitigated")

      let silent = "collector-silent: collector edge"
      try await bench.change(at: hour(5)) { transaction in
        try transaction.addCollectorCode("edge", digest: "code", expiresAt: hour(24))
        let collector = try transaction.registerCollector(
          codeDigest: "code",
          publicKey: "key",
          host: "plant",
          version: "1",
          address: "10.0.0.1"
        )
        try transaction.approveCollector(collector?.id ?? 0)
      }
      #expect(try await look(hour(5))[silent] == nil)
      let later = hour(5).advanced(milliseconds: OperationsWatch.silence + 1)
      #expect(try await look(later)[silent] == "open")
      try await bench.change(at: hour(6)) { transaction in
        let poll = CollectorPoll(id: "1", ticket: "", version: "1", credentials: [], running: [:])
        _ = try transaction.answer(poll, of: 1, ticket: "2") { _ in [:] }
      }
      #expect(try await look(hour(6))[silent] == "mitigated")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `gates of a server, its audit log, and what a scan could not read`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      func look(_ at: Int, _ host: String, isTripped: Bool = false, failing: Instant? = nil)
        async throws -> [String: String]
      {
        let watch = OperationsWatch(
          bench.store,
          health: {
            .init(host: host, isTripped: isTripped, failing: failing, decisionsLost: 0)
          },
          clock: { hour(at) }
        )
        try await watch.look(since: hour(0), audit: true)
        return try await Self.findings(bench)
      }
      let tripped = "guardrails-only-monitored: server one"
      #expect(try await look(1, "one", isTripped: true) == [tripped: "open"])
      // Another server does not know how the first one does.
      #expect(try await look(2, "two") == [tripped: "open"])
      let unread = "guardrails-not-read: server one"
      #expect(
        try await look(3, "one", failing: hour(2)) == [tripped: "mitigated", unread: "open"]
      )
      #expect(try await look(4, "one") == [tripped: "mitigated", unread: "mitigated"])
      let lines = [Bucket(id: "b").line]
      try await bench.scan(lines + [Kit.coverage(Kit.user, gap: "denied")], at: hour(5))
      #expect(try await Self.findings(bench)["collection-partial: a"] == "open")
      try await bench.scan(lines + [Kit.coverage(Kit.user)], at: hour(6))
      #expect(try await Self.findings(bench)["collection-partial: a"] == "mitigated")
      _ = try await bench.store.database.write { session in
        try session.run("UPDATE audit_log SET actor = 'other' WHERE id = 1", [])
      }
      #expect(try await look(7, "one")["audit-log-broken: audit log"] == "open")
    }
  }
}
