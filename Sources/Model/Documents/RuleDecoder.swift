import JSON

/// Decodes rule documents and their cases (docs/rules.md).
package enum RuleDecoder {
  /// Decodes a rule; a document that states no id takes the name given, its file's.
  package static func rule(_ node: DocumentNode, name: String) throws(DocumentError) -> Rule {
    var reader = try DocumentReader(node)
    let id = try reader.text("id") ?? name
    guard !id.isEmpty,
      id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) })
    else { throw reader.error("id", "expected letters, digits, dots and dashes") }
    let parameters = try self.parameters(&reader)
    let conditions = ConditionDecoder(parameters: parameters)
    let required = try reader.requiredNode("required_config")
    var applies: Condition?
    if let node = reader.node("applies") {
      applies = try conditions.condition(node, path: "applies")
    }
    let requirement = try requirementText(required)
    let status = try reader.word("status", Rule.Status.self) ?? .stable
    let rule = Rule(
      id: id,
      aliases: try reader.strings("aliases"),
      version: try reader.integer("version") ?? 1,
      title: try reader.text("title") ?? (requirement.isEmpty ? id : requirement),
      status: status,
      successor: try successor(&reader, of: id, status),
      severity: try reader.word("severity", Severity.self) ?? .medium,
      target: try target(&reader, conditions),
      applies: applies,
      parameters: parameters,
      requirement: requirement,
      requiredConfig: try conditions.condition(required, path: "required_config"),
      rationale: try reader.text("rationale") ?? "",
      remediation: try remediation(&reader),
      references: try reader.strings("references"),
      source: node.location
    )
    try reader.finish()
    return rule
  }

  private static func successor(
    _ reader: inout DocumentReader,
    of id: String,
    _ status: Rule.Status
  ) throws(DocumentError) -> String? {
    guard reader.node("successor") != nil else { return nil }
    let successor = try reader.requiredText("successor")
    if status != .deprecated {
      throw reader.error("successor", "only a rule with status: deprecated has a successor")
    }
    if successor == id { throw reader.error("successor", "a rule cannot succeed itself") }
    return successor
  }

  private static func requirementText(_ node: DocumentNode) throws(DocumentError) -> String {
    var reader = try DocumentReader(node, path: "required_config")
    return try reader.text("description") ?? ""
  }

  /// Decodes the target of a rule or template.
  static func target(
    _ reader: inout DocumentReader,
    _ conditions: ConditionDecoder
  ) throws(DocumentError) -> Rule.Target {
    var target = try DocumentReader(try reader.requiredNode("target"), path: "target")
    let service = try target.requiredText("service_name")
    let kindNode = try target.requiredNode("resource_kind")
    var kinds: [String] = []
    if case .sequence = kindNode.value {
      kinds = try target.strings("resource_kind")
    } else {
      kinds = [try target.requiredText("resource_kind")]
    }
    if kinds.isEmpty { throw target.error("resource_kind", "expected at least one kind") }
    var attributes: [Condition.Leaf] = []
    for (index, node) in try target.list("additional_target_attributes").enumerated() {
      let path = "target.additional_target_attributes[\(index)]"
      attributes.append(try conditions.targetAttribute(node, path: path))
    }
    try target.finish()
    return Rule.Target(
      kinds: kinds.map { ResourceKind(service: service, kind: $0) },
      attributes: attributes
    )
  }

  private static func parameters(
    _ reader: inout DocumentReader
  ) throws(DocumentError) -> [Parameter] {
    guard let node = reader.node("parameters") else { return [] }
    var parameters: [Parameter] = []
    var all = try DocumentReader(node, path: "parameters")
    for name in all.keys {
      var reader = try DocumentReader(try all.requiredNode(name), path: "parameters.\(name)")
      guard let type = try reader.word("type", Parameter.Kind.self) else {
        throw DocumentError("missing key \"type\"", key: reader.path, at: reader.location)
      }
      let allowed = reader.node("allowed") == nil ? nil : try reader.list("allowed").map(\.json)
      let parameter = Parameter(
        name: name,
        type: type,
        defaultValue: try reader.requiredNode("default").json,
        minimum: try reader.number("minimum"),
        maximum: try reader.number("maximum"),
        allowed: allowed,
        description: try reader.text("description") ?? ""
      )
      if let fault = parameter.fault(in: parameter.defaultValue) {
        throw reader.error("default", fault)
      }
      try reader.finish()
      parameters.append(parameter)
    }
    return parameters
  }

  private static func remediation(
    _ reader: inout DocumentReader
  ) throws(DocumentError) -> Rule.Remediation {
    guard let node = reader.node("remediation") else { return Rule.Remediation() }
    var reader = try DocumentReader(node, path: "remediation")
    var snippets: [(form: String, text: String)] = []
    for form in ["cli", "terraform", "manifest"] {
      if let text = try reader.text(form) { snippets.append((form, text)) }
    }
    let text = try reader.text("text") ?? ""
    try reader.finish()
    return Rule.Remediation(text: text, snippets: snippets)
  }

  /// Decodes a rule's cases.
  ///
  /// - Returns: the id of the rule and its cases.
  package static func cases(
    _ node: DocumentNode,
    for rule: (String) throws(DocumentError) -> Rule
  ) throws(DocumentError) -> (rule: String, cases: [RuleCase]) {
    var reader = try DocumentReader(node)
    let id = try reader.requiredText("rule")
    let rule = try rule(id)
    var cases: [RuleCase] = []
    for (index, node) in try reader.list("cases").enumerated() {
      cases.append(try oneCase(node, path: "cases[\(index)]", rule))
    }
    if cases.isEmpty { throw reader.error("cases", "expected at least one case") }
    try reader.finish()
    return (id, cases)
  }

  private static func oneCase(
    _ node: DocumentNode,
    path: String,
    _ rule: Rule
  ) throws(DocumentError) -> RuleCase {
    var reader = try DocumentReader(node, path: path)
    let word = try reader.requiredText("verdict")
    let verdict = Verdict(rawValue: word)
    if verdict == nil, word != "none" {
      throw reader.error(
        "verdict",
        "\"\(word)\" is none of pass, fail, unknown, not_applicable, none"
      )
    }
    let resource = try self.resource(&reader, kind: rule.target.kinds[0], name: "resource_name")
    var related: [Resource] = []
    for (index, node) in try reader.list("related").enumerated() {
      var inner = try DocumentReader(node, path: "\(path).related[\(index)]")
      _ = try inner.requiredNode("service_name")
      related.append(try self.resource(&inner, kind: rule.target.kinds[0], name: "name"))
      try inner.finish()
    }
    var complete: [ResourceKind]?
    if reader.node("complete") != nil {
      complete = []
      for text in try reader.strings("complete") {
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else {
          throw reader.error("complete", "expected service_name/resource_kind")
        }
        complete?.append(ResourceKind(service: parts[0], kind: parts[1]))
      }
    }
    let parameters = try members(&reader, "parameters")
    let result = RuleCase(
      name: try reader.requiredText("name"),
      verdict: verdict,
      resource: resource,
      parameters: Dictionary(parameters, uniquingKeysWith: { first, _ in first }),
      related: related,
      complete: complete,
      now: try reader.text("now") ?? "2026-01-01T00:00:00Z",
      location: reader.location
    )
    try reader.finish()
    return result
  }

  private static func resource(
    _ reader: inout DocumentReader,
    kind: ResourceKind,
    name: String
  ) throws(DocumentError) -> Resource {
    Resource(
      provider: try reader.text("provider") ?? "",
      account: try reader.text("account") ?? "case",
      region: try reader.text("region") ?? "",
      kind: ResourceKind(
        service: try reader.text("service_name") ?? kind.service,
        kind: try reader.text("resource_kind") ?? kind.kind
      ),
      id: try reader.text("id") ?? "case",
      name: try reader.text(name) ?? "",
      tags: try members(&reader, "tags").map { ($0.0, $0.1.string ?? $0.1.text) },
      attributes: try members(&reader, "attributes").map { (key: $0.0, value: $0.1) },
      configuration: reader.node("configuration")?.json ?? .object(JSONObject()),
      unread: try members(&reader, "unread").map { ($0.0, $0.1.string ?? $0.1.text) }
    )
  }

  private static func members(
    _ reader: inout DocumentReader,
    _ key: String
  ) throws(DocumentError) -> [(String, JSONValue)] {
    guard let node = reader.node(key) else { return [] }
    guard case .mapping(let members) = node.value else {
      throw reader.error(key, "expected keys and values")
    }
    return members.map { ($0.key, $0.value.json) }
  }
}
