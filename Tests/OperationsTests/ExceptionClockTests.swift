import Engine
import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

/// Everybody who asks whether a failure is excepted gets the same answer at the same second.
struct ExceptionClockTests {
  private static let count = 10_000
  /// Instants of which each is asked a second before, at and a second after.
  private static let asked = 80

  /// One generated exception, before it is a row.
  private struct Grant: Sendable {
    var rule: String
    var resource: String
    var scope: String
    var begins: Instant
    var ends: Instant

    /// Whether it covers a failure, found the long way.
    func covers(_ failure: Failure) -> Bool {
      let isNamed =
        resource.hasSuffix("*")
        ? failure.bucket.id.hasPrefix(resource.dropLast()) : failure.bucket.id == resource
      return rule == failure.rule && isNamed
        && (scope.isEmpty || scope == failure.bucket.region || scope == failure.bucket.account)
    }
  }

  private struct Failure: Sendable {
    var rule: String
    var bucket: Bucket
    var weight: Int

    var name: String { "\(rule) on \(bucket.id)" }
  }

  private static let rules = [
    ("bucket.encrypted", 5), ("bucket.kept", 1), ("bucket.private-in-production", 10),
  ]

  /// Buckets of which each fails one rule at least.
  private static let buckets = (0..<60).map { number in
    Bucket(
      id: "b\(number)",
      account: number % 2 == 0 ? "a" : "b",
      region: number % 5 < 2 ? "east" : "west",
      isEncrypted: number % 4 == 0,
      isPublic: number % 3 == 0,
      retention: number % 4 == 0 ? 3 : 30
    )
  }

  private static let failures = buckets.flatMap { bucket in
    let isFailed = [!bucket.isEncrypted, bucket.retention < 30, bucket.isPublic]
    return zip(rules, isFailed).filter(\.1).map { rule, _ in
      Failure(rule: rule.0, bucket: bucket, weight: rule.1)
    }
  }

  /// Exceptions that each hold for some hours of a year, so that some begin or end all the time.
  private static func grants() -> [Grant] {
    var random = SplitMix64(seed: 10_000)
    return (0..<count).map { _ in
      let number = Int.random(in: 0..<60, using: &random)
      let isPattern = Int.random(in: 0..<50, using: &random) == 0
      let end = Int64.random(in: 7_200..<31_536_000, using: &random)
      let length = Int64.random(in: 600...200_000, using: &random)
      return Grant(
        rule: rules[Int.random(in: 0..<3, using: &random)].0,
        resource: isPattern ? "b\(number % 10)*" : "b\(number)",
        scope: ["", "east", "west", "a", "b"][Int.random(in: 0..<5, using: &random)],
        begins: hour(0).advanced(milliseconds: max(3_600, end - length) * 1000),
        ends: hour(0).advanced(milliseconds: end * 1000)
      )
    }
  }

  /// A store with the buckets judged, the scopes and the exceptions.
  private static func fill(_ bench: Bench, _ grants: [Grant]) async throws {
    let plan = try Kit.plan([Kit.encrypted(), Kit.kept, Kit.inProduction])
    try await bench.change(at: hour(-1)) { transaction in
      for (name, selector) in [
        ("east", "region=east"), ("west", "region=west"), ("a", "account=a"), ("b", "account=b"),
      ] {
        let terms = try Scope.Selector(selector)
        try transaction.put(Scope(name: name, parent: "", includes: [terms], excludes: []))
      }
    }
    try await bench.scan(buckets.map(\.line), at: hour(0), plan, account: "", isOpen: true)
    try await bench.change(at: hour(0)) { transaction in
      try transaction.session.insert(
        into: "exceptions",
        columns: [
          "id", "rule", "resource", "scope", "reason", "owner", "requester",
          "compensating_control", "requested_at", "expires_at", "approver", "approved_at",
        ],
        rows: grants.count
      ) { index, row in
        let grant = grants[index]
        row.integer(Int64(index + 1))
        for text in [grant.rule, grant.resource, grant.scope, "a test", "o", "asker", "none"] {
          row.text(text)
        }
        row.integer(hour(0).milliseconds)
        row.integer(grant.ends.milliseconds)
        row.text("approver")
        row.integer(grant.begins.milliseconds)
      }
    }
  }

  /// The failures as the judge writes them.
  private static func records() throws -> [ResultRecord] {
    let plan = try Kit.plan([Kit.encrypted(), Kit.kept, Kit.inProduction])
    let judge = Judge(
      plan.ruleSet,
      JudgeOptions(selection: .failures, hasProof: false, now: "\(hour(0))")
    )
    let text = buckets.map { $0.line + "\n" }.joined()
    let lines = try Fixtures.lines(judge.judge(Array(text.utf8)).lines)
    return lines.compactMap { ResultRecord($0) }
  }

  /// What each of those who are asked says at an instant.
  private struct Answers: Equatable {
    var read: Set<String> = []
    var scanned: Set<String> = []
    var weight = 0
    var failed = 0
  }

  private static func answers(
    _ transaction: StoreTransaction,
    _ records: [ResultRecord],
    at instant: Instant
  ) throws -> Answers {
    var answers = Answers()
    var filter = ResultFilter()
    filter.verdicts = [.fail]
    var reader = try ResultReader(transaction, at: instant)
    try reader.results(filter) { result in
      guard result.exception != nil else { return }
      answers.read.insert("\(result.goal.rule) on \(result.place.id)")
    }
    var resolver = ExceptionResolver(
      try transaction.exceptionsInForce(at: instant),
      now: instant,
      scopes: ScopeTree(try transaction.scopes(at: instant))
    )
    for record in records where resolver.exception(for: record) != nil {
      answers.scanned.insert("\(record.goal.rule) on \(record.resource.id)")
    }
    let score = try Status(transaction, at: instant).standings.first?.entry.score
    answers.weight = score?.excepted ?? -1
    answers.failed = score?.failed ?? -1
    return answers
  }

  @Test(arguments: TestDatabase.all)
  func `results, status and scan agree at every second`(database: TestDatabase) async throws {
    let grants = Self.grants()
    let records = try Self.records()
    #expect(records.count == Self.failures.count)
    #expect(Self.failures.count > 60)
    var random = SplitMix64(seed: 3)
    let ends = (0..<Self.asked).map { _ in
      grants[Int.random(in: grants.indices, using: &random)].ends
    }
    try await Bench.with(database) { bench in
      try await Self.fill(bench, grants)
      var flips = 0
      for end in ends {
        var found: [Set<String>] = []
        for offset in [-1000, 0, 1000] as [Int64] {
          let instant = end.advanced(milliseconds: offset)
          let inForce = grants.filter { $0.begins <= instant && instant < $0.ends }
          let excepted = Self.failures.filter { failure in
            inForce.contains { $0.covers(failure) }
          }
          let names = Set(excepted.map(\.name))
          let answers = try await bench.store.read { transaction in
            try Self.answers(transaction, records, at: instant)
          }
          let expected = Answers(
            read: names,
            scanned: names,
            weight: excepted.map(\.weight).reduce(0, +),
            failed: Self.failures.map(\.weight).reduce(0, +)
          )
          #expect(answers == expected, "as of \(instant)")
          found.append(names)
        }
        if found[0] != found[1] { flips += 1 }
      }
      #expect(flips > Self.asked / 10)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `one second ends an exception for everybody`(database: TestDatabase) async throws {
    let grant = Grant(
      rule: "bucket.encrypted",
      resource: "b1",
      scope: "b",
      begins: hour(2),
      ends: hour(30)
    )
    let records = try Self.records()
    try await Bench.with(database) { bench in
      try await Self.fill(bench, [grant])
      let expected: [(Instant, Bool)] = [
        (hour(2).advanced(milliseconds: -1), false), (hour(2), true),
        (hour(30).advanced(milliseconds: -1), true), (hour(30), false),
        (hour(30).advanced(milliseconds: 1000), false),
      ]
      for (instant, isExcepted) in expected {
        let answers = try await bench.store.read { transaction in
          try Self.answers(transaction, records, at: instant)
        }
        let names: Set<String> = isExcepted ? ["bucket.encrypted on b1"] : []
        #expect(answers.read == names, "as of \(instant)")
        #expect(answers.scanned == names, "as of \(instant)")
        #expect(answers.weight == (isExcepted ? 5 : 0), "as of \(instant)")
      }
    }
  }

  @Test func `an exception confined to a provider covers a result of a scan`() throws {
    let tree = ScopeTree([
      Scope(name: "s", parent: "", includes: [try .init("provider=test")], excludes: [])
    ])
    let exception = Exception(
      id: "EX-1",
      rule: "bucket.encrypted",
      resource: "b1",
      reason: "a test",
      owner: "o",
      requester: "asker",
      approver: "approver",
      compensatingControl: "none",
      scope: "s",
      begins: hour(0),
      ends: hour(1)
    )
    var resolver = ExceptionResolver([exception], now: hour(0), scopes: tree)
    let covered = try Self.records().filter { resolver.exception(for: $0) != nil }
    #expect(covered.map(\.resource.id) == ["b1"])
    #expect(resolver.unused.isEmpty)
  }
}
