import JSON
import Model
import Store
import TestSupport
import Testing

/// The score ledger, and what was read of each kind.
struct LedgerTests {
  private static func score(_ passed: Int, _ failed: Int) -> Score {
    var score = Score()
    score.add(.pass, .high, count: passed)
    score.add(.fail, .low, count: failed)
    score.add(.unknown, .critical, count: 2)
    score.add(.notApplicable, .medium, count: 3)
    return score
  }

  private static func begin(_ store: DataStore, at instant: Instant) async throws -> Int64 {
    try await store.write(as: "ann", at: instant) { transaction in
      try transaction.beginScan(
        subject: "s",
        account: "\(instant)",
        instruction: [:],
        instant: instant,
        content: ""
      )
    }
  }

  @Test(arguments: TestDatabase.all)
  func `the ledger gives back the scores of an interval`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let before = try await store.read { try $0.lastLedgerInstant(upTo: .never) }
      #expect(before == nil)
      for hour in Int64(1)...4 {
        let scan = try await Self.begin(store, at: .hour(hour))
        let entries = [
          LedgerEntry(
            scan: scan,
            scope: "prod",
            profile: "p",
            version: "1",
            at: .hour(hour),
            score: Self.score(Int(hour), 1),
            goals: [3, 1]
          ),
          LedgerEntry(
            scan: scan,
            scope: "",
            profile: "",
            version: "",
            at: .hour(hour),
            score: Self.score(Int(hour), 2)
          ),
        ]
        try await store.write(as: "ann", at: .hour(hour)) { try $0.add(entries) }
      }
      let found = try await store.read { try $0.ledger(from: .hour(2), to: .hour(3)) }
      #expect(
        found.map { "\($0.scan) \($0.scope) \($0.profile)" } == [
          "2  ", "2 prod p", "3  ", "3 prod p",
        ]
      )
      #expect(found.map(\.at) == [.hour(2), .hour(2), .hour(3), .hour(3)])
      #expect(found.map(\.version) == ["", "1", "", "1"])
      #expect(found.map(\.goals) == [[], [3, 1], [], [3, 1]])
      #expect(
        found.map(\.score) == [
          Self.score(2, 2), Self.score(2, 1), Self.score(3, 2), Self.score(3, 1),
        ]
      )
      #expect(found[1].score.counts == [2, 1, 2, 3])
      let last = try await store.read { transaction in
        [
          try transaction.lastLedgerInstant(upTo: .hour(3)),
          try transaction.lastLedgerInstant(upTo: .hour(0)),
          try transaction.lastLedgerInstant(upTo: .never),
        ]
      }
      #expect(last == [.hour(3), nil, .hour(4)])
      let none = try await store.read { try $0.ledger(from: .hour(5), to: .never).count }
      #expect(none == 0)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a scan has one score for a profile and a scope`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let scan = try await Self.begin(store, at: .hour(1))
      let entry = LedgerEntry(
        scan: scan,
        scope: "",
        profile: "p",
        version: "1",
        at: .hour(1),
        score: Self.score(1, 1)
      )
      let error = await #expect(throws: SQLError.self) {
        try await store.write(as: "ann", at: .hour(1)) { try $0.add([entry, entry]) }
      }
      #expect(error?.word == "constraint")
      let count = try await store.read { try $0.ledger(from: .hour(0), to: .never).count }
      #expect(count == 0)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a damaged entry of the ledger is told`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let scan = try await Self.begin(store, at: .hour(1))
      try await store.write(as: "ann", at: .hour(1)) { transaction in
        _ = try transaction.session.run(
          """
          INSERT INTO score_ledger (scan, scope, profile, profile_version, at, figures)
          VALUES ($1, '', '', '', 0, '{"passed":1}')
          """,
          [.integer(scan)]
        )
      }
      let error = await #expect(throws: StoreError.self) {
        try await store.read { transaction in
          try transaction.ledger(from: Instant(milliseconds: 0), to: .never)
        }
      }
      #expect(error?.word == "damaged")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `coverage is what was read at each instant`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let sample = try await StoreSample(store)
      let (account, number) = (sample.account, sample.kind)
      let notes: [(hour: Int64, gap: String?)] = [
        (1, nil), (2, nil), (3, "denied"), (4, "denied"), (5, "throttled"), (7, nil),
        // Not later than the last note, so it changes nothing.
        (7, "late"), (6, "late"),
      ]
      for (hour, gap) in notes {
        try await store.write(as: "ann", at: .hour(hour)) { transaction in
          try transaction.note(account: account, kind: number, gap: gap, at: .hour(hour))
        }
      }
      let expected: [[String]] = [
        [], ["complete"], ["complete"], ["denied"], ["denied"], ["throttled"], ["throttled"],
        ["complete"], ["complete"],
      ]
      for (hour, texts) in expected.enumerated() {
        let found = try await store.read { transaction in
          try transaction.coverage(at: .hour(Int64(hour))).map { $0.gap ?? "complete" }
        }
        #expect(found == texts, "hour \(hour)")
      }
      let now = try await store.read { transaction in
        try transaction.coverage(at: .never).map { "\($0.account) \($0.kind) \($0.gap ?? "-")" }
      }
      #expect(now == ["\(account) \(number) -"])
      try await #expect(store.read { try $0.session.count("coverage") } == 4)
    }
  }
}
