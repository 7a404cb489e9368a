import Engine
import JSON
import Model
import Operations
import Testing
import YAML

/// What guardrails make of requests.
struct GuardrailTests {
  private static func rules(_ texts: [String] = Kit.rules) throws -> [Rule] {
    try Kit.index(texts).rules
  }

  static func resource(_ bucket: Bucket) throws -> Resource {
    let line = try JSONValue(parsing: bucket.line)
    return try #require(Resource(described: line))
  }

  private static func set(
    _ guardrails: [Guardrail],
    templates: [Template] = [],
    scopes: [Scope] = [],
    accounts: [String: [String]] = [:],
    exceptions: [Model.Exception] = []
  ) throws -> GuardrailSet {
    GuardrailSet(
      GuardrailSet.Parts(
        guardrails: guardrails.enumerated().map { index, guardrail in
          var guardrail = guardrail
          guardrail.id = Int64(index + 1)
          return guardrail
        },
        rules: try rules(),
        profiles: [
          Kit.profile("house", [Goal(rule: "bucket.encrypted"), Goal(rule: "bucket.kept")])
        ],
        templates: templates,
        scopes: ScopeTree(scopes),
        accounts: accounts,
        exceptions: exceptions
      )
    )
  }

  /// Enforcement, verdict, choice, whether it is excepted, and what comes of it.
  private static let matrix: [(Enforcement, Verdict, FailureChoice, Bool, Effect)] = [
    (.disallow, .fail, .open, false, .refused), (.disallow, .fail, .closed, false, .refused),
    (.disallow, .fail, .open, true, .allowed), (.disallow, .fail, .closed, true, .allowed),
    (.disallow, .unknown, .open, false, .warned), (.disallow, .unknown, .closed, false, .refused),
    (.disallow, .unknown, .open, true, .allowed), (.disallow, .unknown, .closed, true, .allowed),
    (.warn, .fail, .open, false, .warned), (.warn, .fail, .closed, false, .warned),
    (.warn, .fail, .open, true, .allowed), (.warn, .fail, .closed, true, .allowed),
    (.warn, .unknown, .open, false, .warned), (.warn, .unknown, .closed, false, .warned),
    (.warn, .unknown, .open, true, .allowed), (.warn, .unknown, .closed, true, .allowed),
    (.auditLog, .fail, .open, false, .allowed), (.auditLog, .fail, .closed, false, .allowed),
    (.auditLog, .unknown, .open, false, .allowed), (.auditLog, .unknown, .closed, false, .allowed),
  ]

  @Test(arguments: matrix.indices)
  func `an effect follows from enforcement, verdict, choice and exception`(index: Int) throws {
    let (enforcement, verdict, choice, isExcepted, expected) = Self.matrix[index]
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
    let set = try Self.set(
      [Guardrail(.rule("bucket.encrypted"), enforcement: enforcement, onFailure: choice)],
      exceptions: isExcepted ? [exception] : []
    )
    var bucket = Bucket(id: "b")
    if verdict == .fail { bucket.isEncrypted = false }
    if verdict == .unknown { bucket.unread = ["encryption.enabled"] }
    let decision = set.decide(try Self.resource(bucket), isNew: true, at: hour(1))
    #expect(decision.effect == expected)
    #expect(decision.rulings.map(\.verdict) == [verdict])
    #expect(decision.rulings.first?.effect == expected)
    #expect((decision.rulings.first?.exception != nil) == isExcepted)
  }

  @Test(arguments: Enforcement.allCases, FailureChoice.allCases)
  func `what passed or does not apply is allowed under every enforcement`(
    enforcement: Enforcement,
    choice: FailureChoice
  ) throws {
    let rules = ["bucket.encrypted", "bucket.logged"]
    let set = try Self.set(
      rules.map { Guardrail(.rule($0), enforcement: enforcement, onFailure: choice) }
    )
    let decision = set.decide(try Self.resource(Bucket(id: "b")), isNew: true, at: hour(1))
    #expect(decision.effect == .allowed)
    #expect(decision.rulings.isEmpty)
    #expect((decision.passed, decision.notApplicable) == (1, 1))
  }

  @Test func `a refusal tells path, observed, expected and how to ask for an exception`() throws {
    let set = try Self.set([Guardrail(.rule("bucket.kept"), enforcement: .disallow)])
    var bucket = Bucket(id: "b")
    bucket.retention = 7
    let decision = set.decide(try Self.resource(bucket), isNew: true, at: hour(1))
    let ruling = try #require(decision.json()["rulings"]?.array?.first)
    #expect(ruling["path"] == "retention")
    #expect(ruling["operator"] == "num_greater_than_equals")
    #expect(ruling["observed"] == 7)
    #expect(ruling["expected"] == 30)
    #expect(ruling["exception_request"]?["body"]?["rule"] == "bucket.kept")
    #expect(ruling["exception_request"]?["body"]?["resource"] == "b")
    #expect(decision.json(hasProof: true)["rulings"]?.array?[0]["proof"]?["condition"] != nil)
    #expect(decision.message.contains("name of b is refused"))
  }

  @Test func `the same rule refuses in production and is silent in the account for tests`() throws {
    let tree = [
      "prod-1": ["prod-1", "production", "enterprise"],
      "test-1": ["test-1", "testing", "enterprise"],
    ]
    let all = Scope(
      name: "all-accounts",
      parent: "",
      includes: [try Scope.Selector("account=enterprise")],
      excludes: []
    )
    let set = try Self.set(
      [
        Guardrail(
          .rule("bucket.private-in-production"),
          scope: "all-accounts",
          excludes: [try Scope.Selector("account=testing")],
          enforcement: .disallow
        )
      ],
      scopes: [all],
      accounts: tree
    )
    func effect(_ account: String) throws -> Effect {
      let bucket = Bucket(id: "b", account: account, isPublic: true)
      return set.decide(try Self.resource(bucket), isNew: true, at: hour(1)).effect
    }
    #expect(try effect("prod-1") == .refused)
    #expect(try effect("test-1") == .allowed)
    // Nobody knows what stands above an account that is not in the tree.
    #expect(try effect("elsewhere") == .warned)
  }

  @Test func `of several guardrails the strictest decides, and each is named`() throws {
    let set = try Self.set([
      Guardrail(.rule("bucket.encrypted"), enforcement: .warn),
      Guardrail(.profile("house"), enforcement: .disallow),
      Guardrail(.rule("bucket.encrypted"), enforcement: .auditLog),
    ])
    var bucket = Bucket(id: "b")
    bucket.isEncrypted = false
    let decision = set.decide(try Self.resource(bucket), isNew: true, at: hour(1))
    #expect(decision.effect == .refused)
    #expect(decision.rulings.map(\.guardrails) == [[1, 2, 3]])
    #expect(decision.rulings.map(\.enforcement) == [.disallow])
  }

  @Test func `a guardrail whose rule is gone is told with the reason, and others stay`() throws {
    let set = try Self.set([
      Guardrail(.rule("no.such.rule"), enforcement: .disallow),
      Guardrail(.rule("bucket.kept"), parameters: ["bucket.kept": ["days": 0]]),
      Guardrail(.rule("bucket.encrypted"), scope: "nowhere", enforcement: .disallow),
      Guardrail(
        .rule("bucket.kept"),
        parameters: ["bucket.kept": ["days": 90]],
        enforcement: .warn
      ),
    ])
    #expect(set.faults.keys.sorted() == [1, 2, 3])
    let decision = set.decide(try Self.resource(Bucket(id: "b")), isNew: true, at: hour(1))
    #expect(decision.effect == .warned)
    #expect(Set(decision.rulings.map(\.guardrails)) == [[1], [2], [3], [4]])
    let kept = try #require(decision.rulings.first { $0.guardrails == [4] })
    #expect(kept.comparison?.expected == 90)
  }

  @Test func `what counts related resources is unknown rather than passed`() throws {
    let set = try Self.set([
      Guardrail(.rule("account.few-admins"), enforcement: .disallow, onFailure: .closed)
    ])
    let settings = try #require(Resource(described: JSONValue(parsing: Settings().line)))
    let decision = set.decide(settings, isNew: true, at: hour(1))
    #expect(decision.effect == .refused)
    #expect(decision.rulings.map(\.verdict) == [.unknown])
  }

  @Test func `what cannot be judged goes by the choice of each guardrail`() throws {
    var broken = try Self.resource(Bucket(id: "b"))
    broken.configuration = ["logging": .string("\u{0}"), "encryption": ["enabled": true]]
    let open = try Self.set([Guardrail(.rule("bucket.encrypted"), enforcement: .disallow)])
    let closed = try Self.set([
      Guardrail(.rule("bucket.encrypted"), enforcement: .disallow, onFailure: .closed)
    ])
    #expect(open.undecided(broken, "too late", at: hour(1)).effect == .warned)
    #expect(closed.undecided(broken, "too late", at: hour(1)).effect == .refused)
    #expect(closed.undecided(broken, "too late", at: hour(1)).fault == "too late")
  }

  @Test func `rules that count days go by the instant of each decision`() throws {
    let set = try Self.set([Guardrail(.rule("user.key-age"), enforcement: .disallow)])
    let user = try #require(Resource(described: JSONValue(parsing: User(id: "u").line)))
    #expect(set.decide(user, isNew: true, at: hour(1)).effect == .allowed)
    #expect(set.decide(user, isNew: true, at: hour(24 * 100)).effect == .refused)
    #expect(set.decide(user, isNew: true, at: hour(1)).effect == .allowed)
  }

  @Test func `an exception that ends lets the guardrail refuse again`() throws {
    let exception = Model.Exception(
      id: "EX-1",
      rule: "bucket.encrypted",
      resource: "b*",
      reason: "r",
      owner: "o",
      requester: "p",
      approver: "q",
      compensatingControl: "c",
      begins: hour(1),
      ends: hour(3)
    )
    let set = try Self.set(
      [Guardrail(.rule("bucket.encrypted"), enforcement: .disallow)],
      exceptions: [exception]
    )
    var bucket = Bucket(id: "b1")
    bucket.isEncrypted = false
    let resource = try Self.resource(bucket)
    let effects = [0, 1, 2, 3].map { set.decide(resource, isNew: true, at: hour($0)).effect }
    #expect(effects == [.refused, .allowed, .allowed, .refused])
  }

  @Test func `a template completes what is created, and what is updated stays as it is`() throws {
    let document = """
      id: encrypted-buckets
      target: { service_name: store, resource_kind: bucket }
      defaults:
        - { property: encryption.enabled, value: true }
        - { property: "rules[*].locked", value: true }
        - { property: public, value: false }
      """
    let node = try YAMLReader().document(document, file: "t.yaml")
    let template = try Template(node, name: "t")
    let set = try Self.set(
      [
        Guardrail(.rule("bucket.encrypted"), enforcement: .disallow),
        Guardrail(.template("encrypted-buckets")),
      ],
      templates: [template]
    )
    let bare = Resource(
      account: "a",
      kind: Kit.bucket,
      id: "b",
      configuration: ["public": true, "rules": [["name": "one"], ["locked": false]]]
    )
    let created = set.decide(bare, isNew: true, at: hour(1))
    #expect(created.effect == .allowed)
    #expect(created.additions.map(\.pointer) == ["/encryption", "/rules/0/locked"])
    #expect(created.additions.map(\.value) == [["enabled": true], true])
    #expect(set.decide(bare, isNew: false, at: hour(1)).effect == .refused)
    let again = try Template(DocumentNode(template.document, at: node.location), name: "")
    #expect(again.defaults == template.defaults)
  }

  @Test func `of two templates the one of the inner scope comes first`() throws {
    func template(_ id: String, days: Int64) throws -> Template {
      let document: JSONValue = [
        "id": .string(id), "target": ["service_name": "store", "resource_kind": "bucket"],
        "defaults": [["property": "retention", "value": .integer(days)]],
      ]
      return try Template(DocumentNode(document, at: SourceLocation(file: "t")), name: id)
    }
    let inner = Scope(
      name: "inner",
      parent: "",
      includes: [try Scope.Selector("account=a")],
      excludes: []
    )
    let set = try Self.set(
      [Guardrail(.template("house-wide")), Guardrail(.template("of-inner"), scope: "inner")],
      templates: [try template("house-wide", days: 30), try template("of-inner", days: 90)],
      scopes: [inner]
    )
    var resource = Resource(account: "a", kind: Kit.bucket, id: "b", configuration: [:])
    #expect(set.complete(&resource).map(\.template) == ["of-inner"])
    var other = Resource(account: "z", kind: Kit.bucket, id: "b", configuration: [:])
    #expect(set.complete(&other).map(\.template) == ["house-wide"])
  }

  @Test func `what disallows already becomes stricter only for a reason`() throws {
    var former = Guardrail(
      .rule("bucket.kept"),
      excludes: [try Scope.Selector("account=a"), try Scope.Selector("account=b")],
      enforcement: .disallow
    )
    func obstacles(violators: Int = 0, unknown: Int = 0, _ change: (inout Guardrail) -> Void) -> Int
    {
      var guardrail = former
      change(&guardrail)
      return Ladder(
        from: former.enforcement,
        to: guardrail.enforcement,
        onFailure: guardrail.onFailure,
        violators: violators,
        unknown: unknown,
        tightenings: guardrail.tightenings(since: former)
      ).obstacles.count
    }
    let selector = try Scope.Selector("account=c")
    #expect(obstacles { _ in } == 0)
    #expect(obstacles(violators: 3) { $0.reason = "other words" } == 0)
    #expect(obstacles { $0.excludes.removeLast() } == 1)
    #expect(obstacles(violators: 3) { $0.excludes = [] } == 2)
    #expect(obstacles { $0.excludes[0] = selector } == 1)
    #expect(obstacles(violators: 3) { $0.excludes.append(selector) } == 0)
    #expect(obstacles { $0.excludes.reverse() } == 0)
    #expect(obstacles { $0.parameters = ["bucket.kept": ["days": 90]] } == 1)
    #expect(obstacles { $0.scope = "all" } == 1)
    #expect(
      obstacles {
        $0.excludes = []; $0.enforcement = .warn
      } == 0
    )
    // What cannot be judged was warned of, so that only what is there stands against it.
    #expect(obstacles(violators: 3) { $0.onFailure = .closed } == 0)
    #expect(obstacles(unknown: 1) { $0.onFailure = .closed } == 1)
    former.enforcement = .warn
    #expect(obstacles { $0.excludes = [] } == 0)
  }

  @Test func `the ladder lets nothing refuse that would stand against what is there`() {
    func obstacles(_ from: Enforcement?, _ to: Enforcement, _ violators: Int, _ unknown: Int = 0)
      -> Int
    {
      Ladder(from: from, to: to, onFailure: .closed, violators: violators, unknown: unknown)
        .obstacles.count
    }
    #expect(obstacles(nil, .auditLog, 5) == 0)
    #expect(obstacles(.auditLog, .warn, 5) == 0)
    #expect(obstacles(.warn, .disallow, 0) == 0)
    #expect(obstacles(.warn, .disallow, 5) == 1)
    #expect(obstacles(.warn, .disallow, 5, 2) == 2)
    #expect(obstacles(.auditLog, .disallow, 0) == 1)
    #expect(obstacles(nil, .disallow, 1) == 2)
    #expect(obstacles(.disallow, .disallow, 9) == 0)
    #expect(obstacles(.disallow, .auditLog, 9) == 0)
    let steep = Ladder(from: nil, to: .disallow, onFailure: .open, violators: 1, unknown: 0)
    #expect(throws: GuardrailError.self) { try steep.check(reason: " ") }
    #expect(throws: Never.self) { try steep.check(reason: "an audit asks for it") }
  }
}
