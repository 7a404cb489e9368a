import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

/// What fails becomes findings: one for each rule and account, which end when nothing fails any more.
struct PostureFindingTests {
  private static let rules = [Kit.encrypted(), Kit.inProduction]

  private static func bucket(
    _ id: String,
    account: String = "a",
    good: Bool = false,
    unread: Bool = false
  ) -> String {
    Bucket(
      id: id,
      account: account,
      isEncrypted: good,
      unread: unread ? ["encryption.enabled"] : []
    ).line
  }

  private static func findings(_ bench: Bench) async throws -> [String: KeptFinding] {
    var filter = FindingFilter()
    filter.sources = [.posture]
    let asked = filter
    let found = try await bench.store.read { try $0.findings(asked) }
    return Dictionary(
      uniqueKeysWithValues: found.map {
        ("\($0.finding.note.id) in \($0.finding.entity.account ?? "")", $0)
      }
    )
  }

  private static func changes(_ bench: Bench, _ id: Int64) async throws -> [String] {
    try await bench.store.read { transaction in
      try transaction.changes(ofFinding: id).map {
        "\($0.kind.rawValue) by \($0.actor)\($0.reason.isEmpty ? "" : ": \($0.reason)")"
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a rule that fails opens one finding for its account, and passing ends it`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let plan = try Kit.plan(Self.rules)
      let lines = ["b1", "b2"].map { Self.bucket($0) } + [Self.bucket("b3", good: true)]
      try await bench.scan(lines, at: hour(0), plan)
      var found = try await Self.findings(bench)
      #expect(Set(found.keys) == ["bucket.encrypted in a"])
      var kept = try #require(found["bucket.encrypted in a"])
      #expect(kept.finding.note.severity == .high && kept.finding.note.source == .posture)
      #expect(kept.finding.count == 2 && kept.finding.state == .open)
      #expect(kept.finding.firstSeen == hour(0) && kept.finding.lastSeen == hour(0))
      let told = kept.finding.evidence.values["resources"]?.array ?? []
      #expect(Set(told.map { $0["id"]?.string }) == ["b1", "b2"])
      let results = try await bench.results(at: hour(0))
      let failing = results.filter { $0.verdict == .fail }
      #expect(
        Set(told.compactMap { $0["path"]?.string })
          == Set(failing.map { "/results/\($0.state.resource)/\($0.goal.id)" })
      )
      #expect(try await Self.changes(bench, kept.id) == ["opened by scan 1"])
      // The same again is seen again, and nothing else.
      try await bench.scan(lines, at: hour(1), plan)
      kept = try #require(try await Self.findings(bench)["bucket.encrypted in a"])
      #expect(kept.finding.lastSeen == hour(1) && kept.finding.count == 2)
      // One is mended and another fails: as many as before, and news.
      try await bench.scan(
        [Self.bucket("b1"), Self.bucket("b2", good: true), Self.bucket("b3")],
        at: hour(2),
        plan
      )
      kept = try #require(try await Self.findings(bench)["bucket.encrypted in a"])
      #expect(kept.finding.count == 2)
      #expect(try await Self.changes(bench, kept.id).last == "raised by scan 3")
      // One fewer is no news.
      try await bench.scan(
        [Self.bucket("b1"), Self.bucket("b2", good: true), Self.bucket("b3", good: true)],
        at: hour(3),
        plan
      )
      kept = try #require(try await Self.findings(bench)["bucket.encrypted in a"])
      #expect(kept.finding.count == 1)
      #expect(try await Self.changes(bench, kept.id).count == 2)
      // The last one is gone.
      try await bench.scan([Self.bucket("b3", good: true)], at: hour(4), plan)
      kept = try #require(try await Self.findings(bench)["bucket.encrypted in a"])
      #expect(
        kept.finding.state
          == .mitigated(by: "scan 5", at: hour(4), reason: "nothing fails it any more")
      )
      try await bench.scan(lines, at: hour(5), plan)
      found = try await Self.findings(bench)
      #expect(found["bucket.encrypted in a"]?.finding.state == .open)
      #expect(
        try await Self.changes(bench, kept.id).suffix(2).map { $0.prefix(8) } == [
          "mitigate", "reopened",
        ]
      )
    }
  }

  @Test(arguments: TestDatabase.all)
  func `what is unknown neither opens nor ends a finding`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      let plan = try Kit.plan(Self.rules)
      try await bench.scan([Self.bucket("b1", unread: true)], at: hour(0), plan)
      #expect(try await Self.findings(bench).isEmpty)
      let both = [Self.bucket("b1", unread: true), Self.bucket("b2")]
      try await bench.scan(both, at: hour(1), plan)
      // What failed is read no more: nobody knows that it was mended.
      try await bench.scan(["b1", "b2"].map { Self.bucket($0, unread: true) }, at: hour(2), plan)
      #expect(try await Self.findings(bench)["bucket.encrypted in a"]?.finding.state == .open)
      // Read as it has to be; what never failed and is unknown holds nothing open.
      let mended = [Self.bucket("b1", unread: true), Self.bucket("b2", good: true)]
      try await bench.scan(mended, at: hour(3), plan)
      #expect(
        try await Self.findings(bench)["bucket.encrypted in a"]?.finding.state.name == "mitigated"
      )
      // A scan that does not judge the rule says nothing of it.
      try await bench.scan([Self.bucket("b2")], at: hour(4), plan, isComplete: false)
      try await bench.scan(
        [Self.bucket("b2", good: true)],
        at: hour(5),
        Kit.plan([Kit.inProduction]),
        isComplete: false
      )
      #expect(try await Self.findings(bench)["bucket.encrypted in a"]?.finding.state == .open)
      // When no resource of its kind is left there is nothing to fail.
      try await bench.scan([User(id: "u").line], at: hour(6), Kit.plan([Kit.keyAge]))
      #expect(
        try await Self.findings(bench)["bucket.encrypted in a"]?.finding.state.name == "mitigated"
      )
    }
  }

  @Test(arguments: TestDatabase.all)
  func `failures under an exception do not count, and when all are the finding is accepted by it`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let plan = try Kit.plan(Self.rules)
      let lines = [Self.bucket("b1"), Self.bucket("b2")]
      try await bench.scan(lines, at: hour(0), plan)
      func except(_ resource: String, at instant: Instant, until: Instant) async throws {
        let id = try await bench.change(as: "ann", at: instant) {
          try $0.request(
            ExceptionRequest(
              rule: "bucket.encrypted",
              resource: resource,
              scope: "",
              reason: "migration",
              owner: "ann",
              compensatingControl: "network",
              expiresAt: until
            )
          )
        }
        try await bench.change(as: "bob", at: instant) { try $0.approveException(id) }
      }
      try await except("b1", at: hour(1), until: hour(100))
      try await bench.scan(lines, at: hour(2), plan)
      var kept = try #require(try await Self.findings(bench)["bucket.encrypted in a"])
      #expect(kept.finding.count == 1 && kept.finding.state == .open)
      #expect(kept.finding.evidence.values["excepted"] == 1)
      #expect(
        kept.finding.evidence.values["resources"]?.array?.map { $0["id"]?.string } == ["b2"]
      )
      try await except("b*", at: hour(3), until: hour(6))
      try await bench.scan(lines, at: hour(4), plan)
      kept = try #require(try await Self.findings(bench)["bucket.encrypted in a"])
      #expect(
        kept.finding.state
          == .accepted(by: "scan 3", at: hour(4), reason: "all that fails is excepted: EX-1, EX-2")
      )
      // Another account's is opened; what is excepted there from the start opens nothing.
      try await bench.scan([Self.bucket("b9", account: "c")], at: hour(5), plan, account: "c")
      #expect(try await Self.findings(bench)["bucket.encrypted in c"] == nil)
      // The exception ended.
      try await bench.scan(lines, at: hour(7), plan)
      kept = try #require(try await Self.findings(bench)["bucket.encrypted in a"])
      #expect(kept.finding.state == .open && kept.finding.count == 1)
      // What a person accepted stays, whatever a scan finds.
      let id = kept.id
      try await bench.change(as: "bob", at: hour(8)) {
        try $0.decide(finding: id, to: "accepted", reason: "known")
      }
      try await bench.scan([Self.bucket("b2", good: true)], at: hour(9), plan)
      kept = try #require(try await Self.findings(bench)["bucket.encrypted in a"])
      #expect(kept.finding.state == .accepted(by: "bob", at: hour(8), reason: "known"))
    }
  }

  @Test(arguments: TestDatabase.all)
  func
    `a scan of one account leaves findings of others, a first scan of many tells the gravest first`(
      database: TestDatabase
    ) async throws
  {
    try await Bench.with(database) { bench in
      let plan = try Kit.plan([Kit.kept, Kit.encrypted(version: 3), Kit.logged])
      let lines = ["a", "b", "c"].flatMap { account in
        (0..<30).map {
          Bucket(
            id: "b\($0)",
            account: account,
            isEncrypted: false,
            isPublic: true,
            isLogged: false,
            retention: 1
          ).line
        }
      }
      try await bench.scan(lines, at: hour(0), plan, isOpen: true)
      let found = try await Self.findings(bench)
      #expect(found.count == 9 && found.values.allSatisfy { $0.finding.count == 30 })
      let named = found.values.map { $0.finding.evidence.values["resources"]?.array?.count }
      #expect(named.allSatisfy { $0 == 20 })
      let severities = found.values.sorted { $0.id < $1.id }.map(\.finding.note.severity)
      #expect(severities == severities.sorted(by: >))
      try await bench.scan([], at: hour(1), plan, account: "b")
      try await bench.scan(
        [Self.bucket("b1", account: "b", good: true)],
        at: hour(2),
        plan,
        account: "b"
      )
      let states = try await Self.findings(bench).mapValues(\.finding.state.name)
      #expect(states["bucket.encrypted in b"] == "mitigated")
      #expect(states.filter { $0.value == "open" }.count == 6, "\(states)")
    }
  }
}
