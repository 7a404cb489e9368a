import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

/// A scope as a test writes it: its name, its parent and the selectors it includes and excludes.
private func scope(
  _ name: String,
  in parent: String = "",
  _ includes: [String] = [],
  less excludes: [String] = []
) throws -> Scope {
  Scope(
    name: name,
    parent: parent,
    includes: try includes.map { try Scope.Selector($0) },
    excludes: try excludes.map { try Scope.Selector($0) }
  )
}

struct ScopeTreeTests {
  private static let place = Place(
    accounts: ["123", "shop", "o-1", "Holding"],
    provider: "aws",
    region: "eu-de-1",
    group: "web",
    kind: Kit.bucket,
    id: "arn:bucket/logs",
    tags: ["env": "live", "team": "shop"]
  )

  @Test(
    arguments: [
      ("provider=aws", true), ("provider=gcp", false), ("account=123", true),
      ("account=Hold*", true), ("account=o-?", true), ("account=other", false),
      ("region=eu-*", true), ("region=us-*", false), ("group=web", true), ("service=store", true),
      ("kind=bucket", true), ("kind=store/bucket", true), ("kind=user", false),
      ("id=*/logs", true), ("id=logs", false), ("tag:env=live", true), ("tag:env=l*", true),
      ("tag:owner=*", false), ("region=us-*,region=eu-*", true), ("region=eu-*,kind=user", false),
      ("region=eu-*,kind=bucket,tag:team=shop", true),
    ]
  )
  func `a selector asks for every key and any of its patterns`(
    text: String,
    isInside: Bool
  ) throws {
    let tree = ScopeTree([try scope("s", [text])])
    #expect(tree.contains(Self.place, in: "s") == isInside)
    let selector = try Scope.Selector(text)
    #expect(try Scope.Selector(selector.text) == selector)
  }

  @Test func `what is excluded is out, and a part is within its whole`() throws {
    let tree = ScopeTree([
      try scope("all"), try scope("europe", ["region=eu-*"]),
      try scope("asia", ["region=ap-*", "region=jp-*"]),
      try scope("live", in: "europe", ["tag:env=live"]),
      try scope("asian live", in: "asia", ["tag:env=live"]),
      try scope("quiet", in: "europe", [], less: ["id=*/logs", "kind=user"]),
      try scope("both", ["scope=asia", "scope=live"]),
      try scope("not live", ["region=*"], less: ["scope=live"]),
    ])
    try tree.check()
    let names = ["all", "europe", "asia", "live", "asian live", "quiet", "both", "not live", ""]
    let found = names.filter { tree.contains(Self.place, in: $0) }
    #expect(found == ["all", "europe", "live", "both", ""])
    #expect(!tree.contains(Self.place, in: "nowhere"))
    #expect(tree.has("all") && !tree.has("nowhere"))
  }

  @Test(
    arguments: [
      ("region", "is no term"), ("region=", "is no term"), ("colour=red", "is no key"),
      ("tag:=x", "is no key"), ("", "at least one term"),
    ]
  )
  func `a selector that cannot be read is refused`(text: String, message: String) {
    let error = #expect(throws: ScopeError.self) { try Scope.Selector(text) }
    #expect(error?.description.contains(message) == true)
  }

  @Test func `a tree that names what is not there, or itself, is refused`() throws {
    let trees = [
      [try scope("a", in: "b")], [try scope("a", ["scope=b"])], [try scope("a", in: "a")],
      [try scope("a", in: "b"), try scope("b", [], less: ["scope=a"])],
    ]
    let messages = ["is not there", "is not there", "contains itself", "contains itself"]
    for (scopes, message) in zip(trees, messages) {
      let error = #expect(throws: ScopeError.self) { try ScopeTree(scopes).check() }
      #expect(error?.description.contains(message) == true)
    }
  }

  @Test func `a definition is read back as it was`() throws {
    let made = try scope("s", in: "p", ["region=eu-*,kind=bucket"], less: ["tag:env=test", "id=x"])
    #expect(try Scope(name: "s", definition: made.definition) == made)
  }
}

/// Scopes over what is stored.
struct StoredScopeTests {
  /// Six buckets in two regions, two accounts and two stages, and a user.
  private static let lines = [
    Bucket(id: "b1", account: "a", region: "east", stage: "prod").line,
    Bucket(id: "b2", account: "a", region: "east", stage: "test").line,
    Bucket(id: "b3", account: "a", region: "west", stage: "prod").line,
    Bucket(id: "b4", account: "b", region: "east", stage: "prod").line,
    Bucket(id: "b5", account: "b", region: "west", stage: "test").line,
    Bucket(id: "b6", account: "b", region: "west", stage: "prod").line,
    User(id: "u1", account: "a").line,
  ]

  private static func fill(_ bench: Bench, _ scopes: [Scope]) async throws {
    try await bench.change(at: hour(0)) { transaction in
      for scope in scopes { try transaction.put(scope) }
    }
    try await bench.scan(lines, at: hour(0), account: "", isOpen: true)
  }

  private static func ids(_ bench: Bench, in scope: String, at instant: Instant) async throws
    -> [String]
  {
    var filter = ResultFilter()
    filter.scope = scope
    return Set(try await bench.results(at: instant, filter).map(\.place.id)).sorted()
  }

  @Test(arguments: TestDatabase.all)
  func `results are those of a scope as it was`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      try await Self.fill(
        bench,
        [
          try scope("east", ["region=east"], less: ["tag:stage=test"]),
          try scope("shop", ["account=Shop"]),
        ]
      )
      #expect(try await Self.ids(bench, in: "east", at: hour(0)) == ["b1", "b4"])
      #expect(try await Self.ids(bench, in: "shop", at: hour(0)) == [])
      let wider = try scope("east", ["region=east"])
      try await bench.change(at: hour(2)) { transaction in
        try transaction.put(wider)
        // Account b is part of the group that is called Shop.
        let group = try transaction.account(provider: "test", account: "group")
        try transaction.place(group, name: "Shop", parent: nil)
        let member = try transaction.account(provider: "test", account: "b")
        try transaction.place(member, name: "", parent: group)
      }
      #expect(try await Self.ids(bench, in: "east", at: hour(1)) == ["b1", "b4"])
      #expect(try await Self.ids(bench, in: "east", at: hour(2)) == ["b1", "b2", "b4"])
      #expect(try await Self.ids(bench, in: "shop", at: hour(2)) == ["b4", "b5", "b6"])
      let error = await #expect(throws: StoreError.self) {
        try await Self.ids(bench, in: "nowhere", at: hour(2))
      }
      #expect(error == .notFound(kind: "scope", name: "nowhere"))
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an account that moves in the tree counts where it is now`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      try await bench.change(at: hour(-1)) { try $0.put(scope("shop", ["account=Shop"])) }
      let profile = Kit.profile("p", [Goal(rule: "bucket.encrypted")])
      let plan = try Kit.plan(attachments: [(scope: "shop", profile: profile)])
      try await bench.scan(Self.lines, at: hour(0), plan, account: "", isOpen: true)
      #expect(try await bench.ledger(at: hour(0))["shop/p"]?.counts == [0, 0, 0, 0])
      try await bench.change(at: hour(1)) { transaction in
        let account = try transaction.account(provider: "test", account: "b")
        try transaction.place(account, name: "Shop", parent: nil)
      }
      try await bench.scan(Self.lines, at: hour(2), plan, account: "", isOpen: true)
      #expect(try await bench.ledger(at: hour(2))["shop/p"]?.counts == [3, 0, 0, 0])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an overview counts parts, exclusions and overlaps`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      try await Self.fill(
        bench,
        [
          try scope("east", ["region=east"], less: ["tag:stage=test", "account=c"]),
          try scope("east of a", in: "east", ["account=a"]),
          try scope("prod", ["tag:stage=prod"]), try scope("users", ["kind=user"]),
        ]
      )
      let profile = Kit.profile("p", [Goal(rule: "bucket.encrypted")])
      let (overview, all) = try await bench.change(at: hour(0)) { transaction in
        _ = try transaction.attach(profile, to: "east", parameters: [:], schedule: "")
        return (
          try ScopeOverview(transaction, of: "east", at: hour(0)),
          try ScopeSummary.all(transaction, at: hour(0))
        )
      }
      #expect(overview.count == 2)
      #expect(overview.groups.map(\.account) == ["a", "b"])
      #expect(overview.groups.map(\.count) == [1, 1])
      #expect(overview.groups.map(\.kind) == [Kit.bucket, Kit.bucket])
      #expect(overview.parts.map { "\($0.name): \($0.count)" } == ["east of a: 1"])
      #expect(
        overview.exclusions.map { "\($0.name): \($0.count)" }
          == ["tag:stage=test: 1", "account=c: 0"]
      )
      #expect(overview.overlaps.map { "\($0.name): \($0.count)" } == ["prod: 2"])
      #expect(overview.attachments.map(\.profile) == ["p"])
      #expect(all.map(\.scope.name) == ["east", "east of a", "prod", "users"])
      #expect(all.map(\.count) == [2, 1, 4, 1])
      #expect(all.map(\.attachments) == [1, 0, 0, 0])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `attachments that contradict each other are found`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      try await Self.fill(
        bench,
        [
          try scope("east", ["region=east"]), try scope("prod", ["tag:stage=prod"]),
          try scope("users", ["kind=user"]), try scope("east of a", in: "east", ["account=a"]),
        ]
      )
      let goals = [Goal(rule: "bucket.kept")]
      let conflicts = try await bench.change(at: hour(0)) { transaction in
        for (version, name, days) in [("1", "east", 30), ("2", "prod", 30), ("2", "users", 60)] {
          _ = try transaction.attach(
            Kit.profile("p", version: version, goals),
            to: name,
            parameters: ["bucket.kept": ["days": .integer(Int64(days))]],
            schedule: ""
          )
        }
        _ = try transaction.attach(
          Kit.profile("p", version: "1", goals),
          to: "",
          parameters: ["bucket.kept": ["days": 90]],
          schedule: ""
        )
        return try ScopeConflicts(transaction, at: hour(0))
      }
      #expect(
        conflicts.overlaps.map { "\($0.first)+\($0.second): \($0.count)" }
          == ["east+prod: 2", "east of a+prod: 1"]
      )
      let found = conflicts.conflicts.map { conflict in
        "\(conflict.first.scope)+\(conflict.second.scope): \(conflict.count) "
          + conflict.differences.joined(separator: "; ")
      }
      #expect(
        found == [
          "east+prod: 2 version 1 beside 2", "east+: 3 bucket.kept.days: 30 beside 90",
          "prod+: 4 version 2 beside 1; bucket.kept.days: 30 beside 90",
          "users+: 1 version 2 beside 1; bucket.kept.days: 60 beside 90",
        ]
      )
    }
  }
}
