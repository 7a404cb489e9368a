import Engine
import JSON
import Model
import Operations
import Testing

/// What cannot be enforced is unknown, and nobody slips through by it.
struct FaultyGuardrailTests {
  private static func set(
    _ guardrails: [Guardrail],
    rules: [String] = Kit.rules,
    more: [Rule] = [],
    scopes: [Scope] = [],
    accounts: [String: [String]] = [:]
  ) throws -> GuardrailSet {
    GuardrailSet(
      GuardrailSet.Parts(
        guardrails: guardrails.enumerated().map { index, guardrail in
          var guardrail = guardrail
          guardrail.id = Int64(index + 1)
          return guardrail
        },
        rules: try Kit.index(rules).rules + more,
        unreadable: ["own.broken": "key required_config is missing"],
        profiles: [Kit.profile("house", [Goal(rule: "gone"), Goal(rule: "bucket.encrypted")])],
        scopes: ScopeTree(scopes),
        accounts: accounts
      )
    )
  }

  /// What one guardrail makes of a bucket that passes everything, open and closed.
  private static func effects(_ laid: Guardrail, scopes: [Scope] = []) throws -> [Effect] {
    try FailureChoice.allCases.sorted { "\($0)" > "\($1)" }.map { choice in
      var laid = laid
      (laid.enforcement, laid.onFailure) = (.disallow, choice)
      let set = try Self.set([laid], scopes: scopes)
      let resource = try GuardrailTests.resource(Bucket(id: "b"))
      let decision = set.decide(resource, isNew: true, at: hour(1))
      let batch = set.decide(lines: Array(resource.inventoryLine.text.utf8), at: hour(1))
      #expect(batch.decisions.map(\.effect) == [decision.effect])
      #expect(set.undecided(resource, "late", at: hour(1)).rulings.count >= decision.rulings.count)
      return decision.effect
    }
  }

  @Test
  func `among many resources one that cannot be judged is unknown, and the others are judged`()
    throws
  {
    let set = try Self.set([Guardrail(.rule("bucket.encrypted"), enforcement: .disallow)])
    var resources = try (0..<600).map { number in
      var resource = try GuardrailTests.resource(Bucket(id: "b"))
      resource.id = "b\(number)"
      return resource
    }
    for place in [77, 599] {
      var deep: JSONValue = 1
      for _ in 0..<600 { deep = [deep] }
      resources[place].configuration = ["deep": deep]
    }
    let decisions = set.decide(resources, isNew: true, at: hour(1))
    #expect(decisions.map(\.resource.id) == resources.map(\.id))
    #expect(decisions.indices.filter { decisions[$0].fault != nil } == [77, 599])
    #expect(decisions.map(\.effect).filter { $0 == .allowed }.count == 598)
    #expect(decisions[77].effect == .warned && decisions[77].fault?.contains("deep") == true)
  }

  @Test func `what a guardrail cannot enforce is unknown where it is laid`() throws {
    let elsewhere = Scope(
      name: "far",
      parent: "",
      includes: [try Scope.Selector("region=far")],
      excludes: []
    )
    #expect(try Self.effects(Guardrail(.rule("gone"))) == [.warned, .refused])
    #expect(try Self.effects(Guardrail(.rule("own.broken"))) == [.warned, .refused])
    #expect(try Self.effects(Guardrail(.profile("gone"))) == [.warned, .refused])
    #expect(try Self.effects(Guardrail(.profile("house"))) == [.warned, .refused])
    #expect(
      try Self.effects(Guardrail(.rule("bucket.encrypted"), scope: "gone")) == [.warned, .refused]
    )
    #expect(
      try Self.effects(Guardrail(.rule("gone"), scope: "far"), scopes: [elsewhere]) == [
        .allowed, .allowed,
      ]
    )
    var wrong = Guardrail(.rule("bucket.kept"))
    wrong.parameters = ["bucket.kept": ["nosuch": 1]]
    #expect(try Self.effects(wrong) == [.warned, .refused])
    // A rule that is known is about its kinds only.
    wrong = Guardrail(.rule("user.key-age"))
    wrong.parameters = ["user.key-age": ["nosuch": 1]]
    #expect(try Self.effects(wrong) == [.allowed, .allowed])
  }

  @Test func `the goals of a profile that are there go on deciding`() throws {
    let set = try Self.set([Guardrail(.profile("house"), enforcement: .disallow)])
    var bucket = Bucket(id: "b")
    bucket.isEncrypted = false
    let decision = set.decide(try GuardrailTests.resource(bucket), isNew: true, at: hour(1))
    #expect(decision.effect == .refused)
    #expect(Set(decision.rulings.map(\.rule.id)) == ["bucket.encrypted", "house"])
    #expect(
      decision.rulings.last?.reason.contains("no rule") == true,
      "\(decision.rulings.map(\.reason))"
    )
    #expect(set.enforcedCount == 1 && set.faults[1] != nil)
  }

  @Test func `rules that share a name disable nothing but the second of them`() throws {
    let rules = try Kit.index().rules
    var twin = try #require(rules.first { $0.id == "bucket.kept" })
    twin.id = "twin"
    twin.aliases = ["bucket.encrypted"]
    let set = try Self.set(
      [Guardrail(.rule("bucket.encrypted"), enforcement: .disallow), Guardrail(.rule("twin"))],
      more: [twin]
    )
    var bucket = Bucket(id: "b")
    bucket.isEncrypted = false
    let decision = set.decide(try GuardrailTests.resource(bucket), isNew: true, at: hour(1))
    #expect(decision.effect == .refused)
    #expect(set.faults.keys.sorted() == [2])
  }

  @Test func `what stands above an account that the tree does not have is not known`() throws {
    let prod = Scope(
      name: "prod",
      parent: "",
      includes: [try Scope.Selector("account=prod")],
      excludes: []
    )
    var guardrail = Guardrail(.rule("bucket.encrypted"), scope: "prod", enforcement: .disallow)
    guardrail.onFailure = .closed
    var bucket = Bucket(id: "b")
    bucket.isEncrypted = false
    let resource = try GuardrailTests.resource(bucket)
    func effect(_ accounts: [String: [String]]) throws -> Effect {
      let set = try Self.set([guardrail], scopes: [prod], accounts: accounts)
      return set.decide(resource, isNew: true, at: hour(1)).effect
    }
    #expect(try effect([resource.account: [resource.account, "prod"]]) == .refused)
    #expect(try effect([resource.account: [resource.account, "test"]]) == .allowed)
    #expect(try effect(["other": ["other", "prod"]]) == .refused)
    // Without a tree there is nothing above an account.
    #expect(try effect([:]) == .allowed)
  }

  @Test func `a region that a request leaves out is not known, and an empty one is none`() throws {
    let east = Scope(
      name: "east",
      parent: "",
      includes: [try Scope.Selector("region=east")],
      excludes: []
    )
    var guardrail = Guardrail(.rule("bucket.encrypted"), scope: "east", enforcement: .disallow)
    guardrail.onFailure = .closed
    let set = try Self.set([guardrail], scopes: [east])
    func effect(_ region: JSONValue?) throws -> Effect {
      var bucket = Bucket(id: "b")
      bucket.isEncrypted = false
      var line = try #require(try JSONValue(parsing: bucket.line).object)
      line["region"] = region
      let resource = try #require(Resource(described: .object(line)))
      return set.decide(resource, isNew: true, at: hour(1)).effect
    }
    #expect(try effect("east") == .refused)
    #expect(try effect("west") == .allowed)
    #expect(try effect("") == .allowed)
    #expect(try effect(nil) == .refused)
  }

  @Test func `a gate decides about each of two resources of one address`() async throws {
    let set = try Self.set([Guardrail(.rule("bucket.encrypted"), enforcement: .disallow)])
    var (bad, last) = (Bucket(id: "b"), Bucket(id: "c"))
    bad.isEncrypted = false
    last.isEncrypted = true
    let found = try await Gate(set, exceptions: []).decisions(
      of: [
        .resource(try GuardrailTests.resource(Bucket(id: "b"))),
        .resource(try GuardrailTests.resource(bad)), .resource(try GuardrailTests.resource(last)),
      ],
      at: hour(1),
      account: "",
      subject: "two plans",
      toolVersion: "test"
    )
    #expect(found.decisions.map(\.resource.id) == ["b", "b", "c"])
    #expect(found.decisions.map(\.effect) == [.refused, .refused, .allowed])
  }

  @Test func `an exception covers what is unknown at a gate as it does in a request`() async throws
  {
    var guardrail = Guardrail(.rule("bucket.encrypted"), enforcement: .disallow)
    guardrail.onFailure = .closed
    let set = try Self.set([guardrail])
    var bucket = Bucket(id: "b")
    bucket.unread = ["encryption.enabled"]
    let exception = Model.Exception(
      id: "EX-1",
      rule: "bucket.encrypted",
      resource: "b",
      reason: "r",
      owner: "o",
      requester: "p",
      approver: "q",
      compensatingControl: "c",
      begins: hour(0),
      ends: hour(9)
    )
    for (exceptions, effect) in [([exception], Effect.allowed), ([], .refused)] {
      let found = try await Gate(set, exceptions: exceptions).decisions(
        of: [.resource(try GuardrailTests.resource(bucket))],
        at: hour(1),
        account: "",
        subject: "plan",
        toolVersion: "test"
      )
      #expect(found.decisions.map(\.effect) == [effect])
    }
  }

  @Test func `a parameter written 30.0 is 30`() async throws {
    var guardrail = Guardrail(.rule("bucket.kept"), enforcement: .disallow)
    let name = try #require(Kit.index()["bucket.kept"]?.parameters.first?.name)
    guardrail.parameters = ["bucket.kept": [name: .number(30)]]
    let set = try Self.set([guardrail])
    var bucket = Bucket(id: "b")
    bucket.retention = 7
    let resource = try GuardrailTests.resource(bucket)
    #expect(set.decide(resource, isNew: true, at: hour(1)).rulings.map(\.verdict) == [.fail])
    let found = try await Gate(set, exceptions: []).decisions(
      of: [.resource(resource)],
      at: hour(1),
      account: "",
      subject: "plan",
      toolVersion: "test"
    )
    #expect(found.decisions.map(\.effect) == [.refused])
  }
}
