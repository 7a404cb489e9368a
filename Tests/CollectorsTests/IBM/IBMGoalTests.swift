import Collectors
import Engine
import Foundation
import JSON
import Model
import TestSupport
import Testing
import YAML

/// The goals on the container registry, judged on what the collector reads.
struct IBMGoalTests {
  /// The nine goals.
  static let goals = [
    "ibm.registry.iam-authz", "ibm.registry.private-only", "ibm.registry.platform-metrics",
    "ibm.registry.access-groups-only", "ibm.registry.administrator-users-maximum",
    "ibm.registry.administrator-service-ids-maximum", "ibm.registry.manager-users-minimum",
    "ibm.registry.manager-service-ids-minimum", "ibm.registry.vulnerability-alerts",
  ]

  /// What changes the good account so that users reach the registry only through groups.
  static let throughGroups: JSONValue = [
    [
      "get": "/iam/v1/policies", "query": ["account_id": "acc1", "start": "page2"],
      "json": ["policies": []],
    ],
    [
      "get": "/iam/v2/policies",
      "json": [
        "policies": [
          ["id": "p-audit-service"], ["id": "p-audit-platform"], ["id": "p-audit-kms"],
          ["id": "p-developers"],
        ]
      ],
    ],
  ]

  @Test func `all pass in an account that keeps to them`() async throws {
    let scene = try IBMScene("good")
    let found = try await scene.judge(Self.goals.map { Goal(rule: $0) })
    for goal in Self.goals where goal != "ibm.registry.access-groups-only" {
      #expect(found.verdicts(goal) == [.pass], "\(goal): \(found.reasons)")
    }
    // A user who is manager by a policy of his own breaks this one.
    #expect(found.verdicts("ibm.registry.access-groups-only") == [.fail])
  }

  @Test func `users reach the registry through groups only`() async throws {
    let scene = try IBMScene("good", changes: Self.throughGroups)
    let found = try await scene.judge([Goal(rule: "ibm.registry.access-groups-only")])
    #expect(found.verdicts("ibm.registry.access-groups-only") == [.pass], "\(found.reasons)")
  }

  @Test func `all fail in an account that breaks them`() async throws {
    let scene = try IBMScene("good", "bad")
    let found = try await scene.judge(Self.goals.map { Goal(rule: $0) })
    for goal in Self.goals { #expect(found.verdicts(goal) == [.fail], "\(goal): \(found.reasons)") }
  }

  @Test(arguments: [
    ("ibm.registry.iam-authz", "/api/v1/auth"),
    ("ibm.registry.private-only", "/api/v1/auth"),
    ("ibm.registry.platform-metrics", "/api/v1/settings"),
    ("ibm.registry.access-groups-only", "/iam/v1/policies"),
    ("ibm.registry.administrator-users-maximum", "/v2/accounts/acc1/users"),
    ("ibm.registry.administrator-service-ids-maximum", "/iam/v1/serviceids/"),
    ("ibm.registry.manager-users-minimum", "/iam/v1/policies"),
    ("ibm.registry.manager-service-ids-minimum", "/iam/v1/serviceids/"),
    ("ibm.registry.vulnerability-alerts", "/notifications/channels"),
  ])
  func `a goal is unknown where what it needs may not be read`(goal: String, path: String)
    async throws
  {
    let scene = try IBMScene("good")
    scene.fail { request, _ in
      guard request.path.hasSuffix(path) else { return nil }
      let error: JSONValue = ["code": "forbidden", "message": "You are not authorized."]
      return ReplayServer.Answer(403, json: ["errors": [error]])
    }
    let found = try await scene.judge([Goal(rule: goal)])
    #expect(found.verdicts(goal) == [.unknown], "\(found.reasons)")
    #expect(found.reasons.values.contains { $0.contains("denied") }, "\(found.reasons)")
  }

  @Test(arguments: [
    ("ibm.registry.administrator-users-maximum", "maximum", 4, Verdict.pass),
    ("ibm.registry.administrator-service-ids-maximum", "maximum", 4, Verdict.pass),
    ("ibm.registry.manager-users-minimum", "minimum", 0, Verdict.pass),
    ("ibm.registry.manager-service-ids-minimum", "minimum", 0, Verdict.pass),
  ])
  func `a parameter moves the bound in the bad account`(
    goal: String,
    name: String,
    value: Int64,
    verdict: Verdict
  ) async throws {
    let scene = try IBMScene("good", "bad")
    let found = try await scene.judge([Goal(rule: goal, parameters: [name: .integer(value)])])
    #expect(found.verdicts(goal) == [verdict], "\(found.reasons)")
  }

  @Test(arguments: [
    ("ibm.registry.manager-users-minimum", "minimum", 2),
    ("ibm.registry.manager-service-ids-minimum", "minimum", 2),
  ])
  func `a parameter moves the bound in the good account`(
    goal: String,
    name: String,
    value: Int64
  ) async throws {
    let scene = try IBMScene("good")
    let found = try await scene.judge([Goal(rule: goal, parameters: [name: .integer(value)])])
    #expect(found.verdicts(goal) == [.fail], "\(found.reasons)")
  }

  @Test func `only what the goals need is asked for`() async throws {
    let scene = try IBMScene("good")
    _ = try await scene.judge([Goal(rule: "ibm.registry.platform-metrics")])
    let paths = Set(scene.server.requests.map(\.path))
    #expect(!paths.contains { $0.contains("/users") || $0.contains("/serviceids") })
    #expect(paths.contains("/container-registry/us-south/api/v1/settings"))
  }

  @Test(arguments: [("good", Verdict.pass), ("bad", Verdict.fail)])
  func `the example of a rule selects its registry among those that were read`(
    account: String,
    verdict: Verdict
  ) async throws {
    let url = Fixtures.shared.appendingPathComponent("data/rule-example.json")
    let text = try String(contentsOf: url, encoding: .utf8)
    let node = try YAMLReader().document(text, file: "rule-example.json")
    let rule = try RuleDecoder.rule(node, name: "example")
    let scene = try IBMScene("good", account)
    let found = try await scene.judge(try RuleSet(try RuleIndex([rule])), [rule])
    #expect(
      found.all.map { "\($0.key.resource) \($0.value)" } == [
        "crn:v1:bluemix:public:container-registry:us-south:a/acc1::: \(verdict)"
      ]
    )
  }
}
