import Engine
import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

struct FieldChangeTests {
  private static func changes(_ before: String, _ after: String) throws -> [String] {
    try FieldChange.all(JSONValue(parsing: before), JSONValue(parsing: after)).map { change in
      "\(change.path): \(change.before?.text ?? "-") > \(change.after?.text ?? "-")"
    }
  }

  @Test(
    arguments: [
      (#"{"a":1,"b":{"c":[1,2]}}"#, #"{"b":{"c":[1,2]},"a":1}"#, []),
      (#"{"a":1}"#, #"{"a":2}"#, ["a: 1 > 2"]),
      (#"{"a":{"b":true}}"#, #"{"a":{}}"#, ["a.b: true > -"]),
      (#"{"a":{}}"#, #"{"a":{"b":null}}"#, ["a.b: - > null"]),
      (#"{"a":[1,2,3]}"#, #"{"a":[1,4]}"#, ["a[1]: 2 > 4", "a[2]: 3 > -"]),
      (#"{"a":[{"b":1}]}"#, #"{"a":[{"b":2},{"b":3}]}"#, ["a[0].b: 1 > 2", #"a[1]: - > {"b":3}"#]),
      (#"{"a":{"b":1}}"#, #"{"a":[1]}"#, [#"a: {"b":1} > [1]"#]),
      (
        #"{"a.b":1,"c[d":{"e":1}}"#, #"{"a.b":2,"c[d":{"e":2}}"#,
        [#""a.b": 1 > 2"#, #""c[d".e: 1 > 2"#]
      ),
      ("1", "2", [": 1 > 2"]),
    ]
  )
  func `each field that differs is named`(
    before: String,
    after: String,
    expected: [String]
  ) throws {
    #expect(try Self.changes(before, after) == expected)
  }
}

struct PostureDiffTests {
  private static func text(_ entry: PostureDiff.Entry) -> String {
    let fields = entry.fields.map(\.path).joined(separator: " ")
    let verdicts = entry.verdicts.map { change in
      "\(change.rule) \(change.before?.rawValue ?? "-")>\(change.after?.rawValue ?? "-")"
    }
    return "\(entry.kind.rawValue) \(entry.place.id) [\(fields)] "
      + verdicts.joined(separator: ", ")
  }

  private static func diff(_ bench: Bench, _ from: Int, _ to: Int) async throws -> [String] {
    try await bench.store.read { transaction in
      let diff = try PostureDiff(transaction, from: hour(from), to: hour(to))
      let whole = try diff.entries().found.map(text)
      // Page by page it is the same.
      var (pages, end) = ([String](), Int64?(0))
      while let after = end {
        let page = try diff.entries(after: after, limit: 1)
        (pages, end) = (pages + page.found.map(text), page.end)
      }
      #expect(pages == whole)
      return whole.sorted()
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a difference names resources, fields and verdicts exactly`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let plan = try Kit.plan([Kit.encrypted(), Kit.kept, Kit.keyAge])
      let user = User(id: "u1", keyCreated: "\(hour(-2159))").line
      try await bench.scan(
        [Bucket(id: "b1").line, Bucket(id: "b2").line, user],
        at: hour(0),
        plan
      )
      var b1 = Bucket(id: "b1", region: "west", isEncrypted: false, isLogged: false)
      b1.unread = ["retention"]
      try await bench.scan([b1.line, Bucket(id: "b3").line, user], at: hour(2), plan)
      let expected = [
        "came b3 [] bucket.encrypted ->pass, bucket.kept (days = 30) ->pass",
        "changed b1 [region configuration.encryption.enabled configuration.logging unread] "
          + "bucket.encrypted pass>fail, bucket.kept (days = 30) pass>unknown",
        "judged u1 [] user.key-age pass>fail",
        "went b2 [] bucket.encrypted pass>-, bucket.kept (days = 30) pass>-",
      ]
      #expect(try await Self.diff(bench, 0, 2) == expected)
      #expect(try await Self.diff(bench, 1, 3) == expected)
      #expect(try await Self.diff(bench, 2, 3) == [])
      #expect(try await Self.diff(bench, 0, 1) == [])
      // There and back again is no difference.
      try await bench.scan(
        [Bucket(id: "b1").line, Bucket(id: "b2").line, Bucket(id: "b3").line, user],
        at: hour(4),
        plan
      )
      #expect(try await Self.diff(bench, 0, 4) == [expected[0], expected[2]])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `the history of a resource has every state it had`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      for (number, retention) in [30, 30, 10, 60].enumerated() {
        try await bench.scan([Bucket(id: "b1", retention: retention).line], at: hour(number))
      }
      let histories = try await bench.store.read { transaction in
        [
          try ResourceHistory.all(named: "b1", transaction),
          try ResourceHistory.all(named: "name of b1", transaction),
        ].joined().map { ($0.place, $0.steps) }
      }
      #expect(histories.count == 2)
      for (place, steps) in histories {
        #expect(place.id == "b1")
        #expect(place.accounts == ["a"])
        #expect(place.tags == ["stage": "prod"])
        #expect(steps.map(\.state.begins) == [hour(0), hour(2), hour(3)])
        #expect(steps.map(\.state.ends) == [hour(2), hour(3), .never])
        #expect(steps.map { $0.verdict("bucket.kept") } == [.pass, .fail, .pass])
        #expect(
          steps.map { $0.fields.map(\.path) }
            == [[], ["configuration.retention"], ["configuration.retention"]]
        )
        #expect(steps.last?.fields.first?.before == 10)
        #expect(steps.last?.fields.first?.after == 60)
      }
      let error = await #expect(throws: StoreError.self) { try await bench.history("b2") }
      #expect(error == .notFound(kind: "resource", name: "b2"))
    }
  }
}

struct ExceptionReportTests {
  private static func request(
    _ bench: Bench,
    _ rule: String,
    _ resource: String,
    until end: Instant = hour(24 * 90),
    isApproved: Bool = true
  ) async throws {
    let request = ExceptionRequest(
      rule: rule,
      resource: resource,
      scope: "",
      reason: "a test",
      owner: "owner",
      compensatingControl: "none",
      expiresAt: end
    )
    let id = try await bench.change(as: "asker", at: hour(1)) { try $0.request(request) }
    guard isApproved else { return }
    try await bench.change(as: "approver", at: hour(2)) { try $0.approveException(id) }
  }

  @Test(arguments: TestDatabase.all)
  func `exceptions that need a hand are told apart`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      let plan = try Kit.plan([Kit.encrypted(), Kit.kept])
      try await bench.scan(
        [Bucket(id: "b1", isEncrypted: false).line, Bucket(id: "b2").line],
        at: hour(0),
        plan
      )
      try await Self.request(bench, "bucket.encrypted", "b1")  // EX-1 covers a failure
      try await Self.request(bench, "bucket.encrypted", "b?")  // EX-2 covers the same failure
      try await Self.request(bench, "bucket.kept", "b1")  // EX-3 covers none
      try await Self.request(bench, "bucket.kept", "b9")  // EX-4 has no resource
      try await Self.request(bench, "bucket.gone", "b*")  // EX-5 has no rule
      try await Self.request(bench, "bucket.gone", "x*", isApproved: false)  // EX-6 has neither
      try await Self.request(bench, "bucket.encrypted", "b1", until: hour(26))  // EX-7 ends soon
      let report = try await bench.store.read { try ExceptionReport($0, at: hour(2)) }
      #expect(report.unused.map(\.name) == ["EX-3"])
      #expect(report.requested.map(\.name) == ["EX-6"])
      #expect(report.expiring.map(\.name) == ["EX-7"])
      #expect(
        report.orphaned.map { "\($0.exception.name): \($0.reason)" } == [
          "EX-4: no present resource is named so", "EX-5: the rule is no longer judged",
          "EX-6: no present resource is named so; the rule is no longer judged",
        ]
      )
      let earlier = try await bench.store.read { try ExceptionReport($0, at: hour(1)) }
      #expect(earlier.requested.count == 7)
      #expect(earlier.unused.isEmpty)
      let later = try await bench.store.read { try ExceptionReport($0, at: hour(26)) }
      #expect(later.expiring.isEmpty)
      let status = try await bench.store.read { try Status($0, at: hour(2)) }
      #expect(status.expiring.map(\.name) == ["EX-7"])
      #expect(status.requested.map(\.name) == ["EX-6"])
    }
  }
}

struct ProfileComparisonTests {
  private static func profile(_ version: String, _ controls: [Profile.Control]) -> Profile {
    Profile(
      id: "p",
      version: version,
      effectiveDate: "2026-01-01",
      title: "P",
      controls: controls
    )
  }

  private static func kept(_ days: Int64) -> Goal {
    Goal(rule: "bucket.kept", parameters: ["days": .integer(days)])
  }

  private static let before = profile(
    "1",
    [
      Profile.Control(id: "1", title: "Same", goals: [Goal(rule: "bucket.kept")]),
      Profile.Control(id: "2", title: "Title", goals: [Goal(rule: "bucket.encrypted")]),
      Profile.Control(id: "3", title: "Goals", goals: [Goal(rule: "bucket.logged")]),
      Profile.Control(id: "4", title: "Gone", goals: [Goal(rule: "user.key-age")]),
      Profile.Control(id: "5", title: "Manual", goals: [], manualReason: "no rule"),
    ]
  )

  private static let after = profile(
    "2",
    [
      Profile.Control(id: "1", title: "Same", goals: [kept(30)]),
      Profile.Control(id: "2", title: "Another", goals: [Goal(rule: "bucket.encrypted")]),
      Profile.Control(id: "3", title: "Goals", goals: [Goal(rule: "bucket.logged"), kept(60)]),
      Profile.Control(id: "5", title: "Manual", goals: [Goal(rule: "account.few-admins")]),
      Profile.Control(id: "6", title: "New", goals: [], manualReason: "no rule"),
    ]
  )

  @Test func `two versions differ in controls and goals`() throws {
    let comparison = ProfileComparison(Self.before, Self.after, rules: try Kit.index())
    let controls = comparison.controls.map { change in
      "\(change.before?.id ?? "-")>\(change.after?.id ?? "-") "
        + change.differences.joined(separator: ", ")
    }
    #expect(
      controls == ["2>2 title", "3>3 goals", "4>- ", "5>5 now automated", "->6 "]
    )
    let goals = comparison.goals.map { "\($0.before?.rule ?? "-")>\($0.after?.rule ?? "-")" }
    #expect(goals == ["user.key-age>-", "->account.few-admins", "->bucket.kept"])
    let same = ProfileComparison(Self.before, Self.before, rules: try Kit.index())
    #expect(same.controls.isEmpty && same.goals.isEmpty)
  }

  @Test(arguments: TestDatabase.all)
  func `the effect of another version is counted over what is stored`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let index = try Kit.index()
      let comparison = ProfileComparison(Self.before, Self.after, rules: index)
      #expect(try await bench.store.read { try comparison.effect($0, at: hour(0)) } == nil)
      let lines = [
        Bucket(id: "b1", isEncrypted: false, retention: 40).line, User(id: "u1").line,
        Settings().line,
      ]
      try await bench.scan(lines, at: hour(0))
      let effect = try #require(
        await bench.store.read { try comparison.effect($0, at: hour(0)) }
      )
      #expect(effect.before.score.counts == [2, 1, 0, 1])
      #expect(effect.before.score.passed == 6)
      #expect(effect.before.notJudged == [])
      #expect(effect.after.score.counts == [2, 1, 0, 1])
      #expect(effect.after.score.passed == 11)
      #expect(effect.after.notJudged == [Self.kept(60)])
    }
  }
}
