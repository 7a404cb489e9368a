import Engine
import Foundation
import JSON
import Model
import Operations
import Store
import TestSupport
import Testing
import YAML

/// An instant some hours after the first one of every test here, 2026-01-01T00:00:00Z.
func hour(_ number: Int) -> Instant {
  Instant(milliseconds: 1_767_225_600_000).advanced(milliseconds: Int64(number) * 3_600_000)
}

/// A bucket: judged by rules that look at nothing but it.
struct Bucket: Sendable {
  var id: String
  var account = "a"
  var region = "east"
  var stage = "prod"
  var isEncrypted = true
  var isPublic = false
  var isLogged = true
  var retention = 30
  var unread: [String] = []
  /// More of the configuration, where a line has to be long.
  var padding = ""

  var line: String {
    var configuration: JSONObject = [
      "encryption": ["enabled": .bool(isEncrypted)], "public": .bool(isPublic),
      "logging": .bool(isLogged), "retention": .integer(Int64(retention)),
    ]
    if !padding.isEmpty { configuration["padding"] = .string(padding) }
    return Resource(
      provider: "test",
      account: account,
      region: region,
      kind: Kit.bucket,
      id: id,
      name: "name of \(id)",
      tags: [(key: "stage", value: stage)],
      attributes: [(key: "stage", value: .string(stage))],
      configuration: .object(configuration),
      unread: unread.map { (path: $0, reason: "denied") }
    ).inventoryLine.text
  }
}

/// A user: judged by the age of its key, and counted by ``Settings``.
struct User: Sendable {
  var id: String
  var account = "a"
  var keyCreated = "2025-12-31T00:00:00Z"
  var isAdmin = false
  var unread: [String] = []

  var line: String {
    Resource(
      provider: "test",
      account: account,
      kind: Kit.user,
      id: id,
      configuration: ["keyCreated": .string(keyCreated), "admin": .bool(isAdmin)],
      unread: unread.map { (path: $0, reason: "denied") }
    ).inventoryLine.text
  }
}

/// An account's settings: judged by how many administrators the account has.
struct Settings: Sendable {
  var account = "a"

  var line: String {
    Resource(
      provider: "test",
      account: account,
      kind: Kit.settings,
      id: "settings",
      configuration: ["contact": "somebody"]
    ).inventoryLine.text
  }
}

/// Rules about few kinds, and what else the tests here share.
enum Kit {
  static let bucket = ResourceKind(service: "store", kind: "bucket")
  static let user = ResourceKind(service: "iam", kind: "user")
  static let settings = ResourceKind(service: "iam", kind: "settings")

  /// Even versions also ask for logging; every third is critical, every fourth only about `prod`.
  static func encrypted(version: Int = 1) -> String {
    let isEnabled = "{ property: encryption.enabled, operator: is_true }"
    let isLogged = "{ property: logging, operator: is_true }"
    let attributes =
      "additional_target_attributes: [{ name: stage, operator: string_equals, value: prod }]"
    return """
      id: bucket.encrypted
      version: \(version)
      severity: \(version % 3 == 0 ? "critical" : "high")
      target:
        service_name: store
        resource_kind: bucket
        \(version % 4 == 0 ? attributes : "additional_target_attributes: []")
      required_config:
        and: [\(version % 2 == 0 ? "\(isEnabled), \(isLogged)" : isEnabled)]
      """
  }

  static let kept = """
    {"id": "bucket.kept", "severity": "low",
     "target": {"service_name": "store", "resource_kind": "bucket"},
     "parameters": {"days": {"type": "integer", "default": 30, "minimum": 1}},
     "required_config": {"property": "retention", "operator": "num_greater_than_equals",
       "value": "${days}"}}
    """

  static let logged = """
    id: bucket.logged
    severity: medium
    target: { service_name: store, resource_kind: bucket }
    applies: { property: public, operator: is_true }
    required_config: { property: logging, operator: is_true }
    """

  static let inProduction = """
    id: bucket.private-in-production
    severity: critical
    target:
      service_name: store
      resource_kind: bucket
      additional_target_attributes:
        - { name: stage, operator: string_equals, value: prod }
    required_config: { property: public, operator: is_false }
    """

  static let keyAge = """
    id: user.key-age
    severity: high
    target: { service_name: iam, resource_kind: user }
    required_config:
      not: { property: keyCreated, operator: days_greater_than, value: 90 }
    """

  static let fewAdmins = """
    id: account.few-admins
    severity: critical
    target: { service_name: iam, resource_kind: settings }
    required_config:
      count: { service_name: iam, resource_kind: user }
      satisfy: { property: admin, operator: is_true }
      operator: num_less_than_equals
      value: 1
    """

  static let rules = [encrypted(), kept, logged, inProduction, keyAge, fewAdmins]

  static func index(_ documents: [String] = rules) throws -> RuleIndex {
    try RuleIndex(
      documents.map { text in
        try RuleDecoder.rule(YAMLReader().document(text, file: "rule.yaml"), name: "rule")
      }
    )
  }

  /// A plan of every rule with its defaults, or of some goals.
  static func plan(
    _ documents: [String] = rules,
    goals: [Goal] = [],
    attachments: [(scope: String, profile: Profile)] = []
  ) throws -> GoalPlan {
    let index = try index(documents)
    let all = goals.isEmpty ? index.rules.map { Goal(rule: $0.id) } : goals
    return GoalPlan(try RuleSet(goals: all, rules: index), attachments: attachments)
  }

  /// A profile with a control for each goal.
  static func profile(_ id: String, version: String = "1", _ goals: [Goal]) -> Profile {
    Profile(
      id: id,
      version: version,
      effectiveDate: "2026-01-01",
      title: "Profile \(id)",
      controls: goals.enumerated().map { index, goal in
        Profile.Control(id: "c\(index)", title: "Control \(index)", goals: [goal])
      }
    )
  }

  static func coverage(_ kind: ResourceKind, account: String = "a", gap: String? = nil) -> String {
    Coverage(account: account, kind: kind, gap: gap).inventoryLine.text
  }
}
