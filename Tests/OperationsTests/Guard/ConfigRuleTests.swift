import JSON
import Model
import Operations
import Testing

/// Config rules of IBM's Security and Compliance Center, as that product writes them.
struct ConfigRuleTests {
  private static func reading(_ text: String) throws -> ConfigRuleDocument.Reading {
    let node = DocumentNode(try JSONValue(parsing: text), at: SourceLocation(file: "rule.json"))
    return try ConfigRuleDocument.read(node, name: "rule")
  }

  private static let registry = """
    {"target": {"service_name": "container-registry", "resource_kind": "service",
      "additional_target_attributes": [
        {"name": "registry", "operator": "string_equals", "value": "us.icr.io"}]},
     "required_config": {"description": "Account-level regional settings",
      "and": [{"property": "private_only", "operator": "is_true"}]}}
    """

  @Test(arguments: [
    ("us.icr.io", false, Verdict?.some(.fail)), ("us.icr.io", true, .pass),
    ("de.icr.io", false, nil),
  ])
  func `the example loads unchanged, and another region is outside its target`(
    registry: String,
    isPrivate: Bool,
    verdict: Verdict?
  ) throws {
    let rule = try Self.reading(Self.registry).rule
    let set = GuardrailSet(
      GuardrailSet.Parts(
        guardrails: [Guardrail(id: 1, .rule("rule"), enforcement: .disallow)],
        rules: [rule]
      )
    )
    let resource = Resource(
      kind: ResourceKind(service: "container-registry", kind: "service"),
      id: "settings",
      attributes: [(key: "registry", value: .string(registry))],
      configuration: ["private_only": .bool(isPrivate)]
    )
    let decision = set.decide(resource, isNew: false, at: hour(1))
    #expect(decision.rulings.first?.verdict == (verdict == .fail ? .fail : nil))
    #expect(decision.passed == (verdict == .pass ? 1 : 0))
    #expect(decision.effect == (verdict == .fail ? .refused : .allowed))
  }

  @Test func `a whole config rule loads with its labels and actions`() throws {
    let reading = try Self.reading(
      """
      {"account_id": "a", "rule_id": "rule-1", "name": "Buckets", "description": "Why",
       "rule_type": "user_defined", "labels": ["pci", "team-a"],
       "enforcement_actions": [{"action": "disallow"}, {"action": "audit_log"}],
       "target": {"service_name": "cloud-object-storage", "resource_kind": "bucket"},
       "required_config": {"description": "Network", "and": [
         {"property": "firewall.allowed_network_type", "operator": "strings_in_list",
          "value": ["private", "direct"]},
         {"or": [{"property": "storage_class", "operator": "string_match", "value": "us-*"},
           {"and": [{"property": "hard_quota", "operator": "num_less_than_equals",
             "value": "10995116277760"},
             {"or": [{"property": "firewall.allowed_ip", "operator": "ips_in_range",
               "value": ["10.0.0.0/8"]},
               {"property": "firewall.allowed_ip", "operator": "is_empty"}]}]}]}]}}
      """
    )
    #expect(reading.rule.title == "Buckets")
    #expect(reading.rule.rationale == "Why")
    #expect(reading.labels == ["pci", "team-a"])
    #expect(reading.enforcement == .disallow)
  }

  @Test func `every operator loads, in more conditions than the other product takes`() throws {
    let conditions = Operator.allCases.flatMap { one -> [JSONValue] in
      var condition: JSONObject = ["property": "a.b", "operator": .string(one.rawValue)]
      switch one.operand {
      case .none: break
      case .stringOrList: condition["value"] = "x"
      case .stringList: condition["value"] = ["x"]
      case .networkList: condition["value"] = ["10.0.0.0/8", "2001:db8::/32"]
      case .number, .numberOrList: condition["value"] = "7"
      }
      return [.object(condition), ["or": [.object(condition), .object(condition)]]]
    }
    let document: JSONValue = [
      "name": "long", "rule_type": "user_defined",
      "target": ["service_name": "s", "resource_kind": "k"],
      "required_config": ["and": .array(conditions)],
    ]
    #expect(try Self.reading(document.text).rule.requiredConfig.grammar["and"]?.array?.count == 50)
  }

  @Test func `a draft tells the case that it does not meet, and a name that is taken`() throws {
    let location = SourceLocation(file: "draft")
    let document = DocumentNode(try JSONValue(parsing: Self.registry), at: location)
    func draft(_ verdict: String, shipped: [Rule] = []) throws -> RuleDraft {
      let cases: JSONValue = [
        [
          "name": "public", "verdict": .string(verdict), "attributes": ["registry": "us.icr.io"],
          "configuration": ["private_only": false],
        ]
      ]
      return try RuleDraft(
        document,
        cases: DocumentNode(cases, at: location),
        name: "own.registry",
        shipped: shipped
      )
    }
    try draft("fail").check()
    #expect(throws: GuardrailError.self) { try draft("pass").check() }
    let taken = try draft("fail").rule
    #expect(throws: DocumentError.self) { try draft("fail", shipped: [taken]) }
  }

  @Test func `a value where the operator takes none is refused at its key`() throws {
    let text = Self.registry.replacing(#""is_true"}"#, with: #""is_true", "value": true}"#)
    let error = try #require(throws: DocumentError.self) { try Self.reading(text) }
    #expect(error.key == "required_config.and[0].value")
    #expect(error.message.contains("takes no value"))
  }
}
