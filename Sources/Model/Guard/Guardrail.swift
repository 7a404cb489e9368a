package import JSON

/// A rule, profile or template laid on a scope, with what it does to requests there.
package struct Guardrail: Sendable, Hashable {
  /// What is laid on a scope.
  package enum Subject: Sendable, Hashable {
    case rule(String)
    case profile(String)
    case template(String)

    /// The kind as a word.
    package var kind: String {
      switch self {
      case .rule: "rule"
      case .profile: "profile"
      case .template: "template"
      }
    }

    /// The id of the rule, profile or template.
    package var name: String {
      switch self {
      case .rule(let name), .profile(let name), .template(let name): name
      }
    }

    /// Reads kind and name back; nil where the kind is none.
    package init?(kind: String, name: String) {
      switch kind {
      case "rule": self = .rule(name)
      case "profile": self = .profile(name)
      case "template": self = .template(name)
      default: return nil
      }
    }
  }

  /// Its number, which it keeps when it is changed.
  package var id: Int64
  package var subject: Subject
  /// The name of the scope; empty for everything.
  package var scope: String
  /// What is left out of the scope.
  package var excludes: [Scope.Selector]
  /// Values by rule and parameter.
  package var parameters: [String: [String: JSONValue]]
  package var enforcement: Enforcement
  /// What it does with what cannot be judged, where it disallows.
  package var onFailure: FailureChoice
  /// Why it is enforced as it is, where somebody had to say so.
  package var reason: String
  package var changedBy: String
  package var begins: Instant
  package var ends: Instant

  package init(
    id: Int64 = 0,
    _ subject: Subject,
    scope: String = "",
    excludes: [Scope.Selector] = [],
    parameters: [String: [String: JSONValue]] = [:],
    enforcement: Enforcement = .auditLog,
    onFailure: FailureChoice = .open,
    reason: String = "",
    changedBy: String = "",
    begins: Instant = Instant(milliseconds: .min),
    ends: Instant = .never
  ) {
    self.id = id
    self.subject = subject
    self.scope = scope
    self.excludes = excludes
    self.parameters = parameters
    self.enforcement = enforcement
    self.onFailure = onFailure
    self.reason = reason
    self.changedBy = changedBy
    self.begins = begins
    self.ends = ends
  }

  /// The guardrail as JSON, for people and for documents.
  package var json: JSONValue {
    let settings = parameters.sorted { $0.key < $1.key }.map { rule, values in
      let sorted = values.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
      return (key: rule, value: JSONValue.object(JSONObject(sorted)))
    }
    var object: JSONObject = ["id": .integer(id), subject.kind: .string(subject.name)]
    object["scope"] = .string(scope)
    object["excludes"] = .array(excludes.map { .string($0.text) })
    object["parameters"] = .object(JSONObject(settings))
    object["enforcement"] = .string(enforcement.rawValue)
    object["on_failure"] = .string(onFailure.rawValue)
    object["reason"] = .string(reason)
    if !changedBy.isEmpty { object["changed_by"] = .string(changedBy) }
    if begins.milliseconds != .min { object["since"] = .string("\(begins)") }
    return .object(object)
  }

  /// Decodes a document with the keys `guardrails` and, where it names scopes, `scopes`.
  package static func document(
    _ node: DocumentNode
  ) throws(DocumentError) -> (guardrails: [Guardrail], scopes: [Scope]) {
    var reader = try DocumentReader(node)
    _ = try reader.requiredNode("guardrails")
    var guardrails: [Guardrail] = []
    for (index, node) in try reader.list("guardrails").enumerated() {
      var guardrail = try one(node, path: "guardrails[\(index)]")
      guardrail.id = Int64(index + 1)
      guardrails.append(guardrail)
    }
    var scopes: [Scope] = []
    for (index, node) in try reader.list("scopes").enumerated() {
      var inner = try DocumentReader(node, path: "scopes[\(index)]")
      scopes.append(
        Scope(
          name: try inner.requiredText("name"),
          parent: try inner.text("parent") ?? "",
          includes: try selectors(&inner, "includes"),
          excludes: try selectors(&inner, "excludes")
        )
      )
      try inner.finish()
    }
    try reader.finish()
    do {
      try ScopeTree(scopes).check()
    } catch {
      throw DocumentError("\(error)", key: "scopes", at: node.location)
    }
    return (guardrails, scopes)
  }

  private static func one(
    _ node: DocumentNode,
    path: String
  ) throws(DocumentError) -> Guardrail {
    var reader = try DocumentReader(node, path: path)
    let named = ["rule", "profile", "template"].filter(reader.keys.contains)
    guard named.count == 1,
      let subject = Subject(kind: named[0], name: try reader.requiredText(named[0]))
    else {
      throw DocumentError(
        "a guardrail has one of the keys rule, profile and template",
        key: path,
        at: node.location
      )
    }
    var parameters: [String: [String: JSONValue]] = [:]
    if let node = reader.node("parameters") {
      guard case .mapping(let rules) = node.value else {
        throw reader.error("parameters", "expected rule ids with names and values")
      }
      for (rule, values) in rules {
        guard case .mapping(let members) = values.value else {
          throw reader.error("parameters", "expected names and values under \(rule)")
        }
        parameters[rule] = Dictionary(members.map { ($0.key, $0.value.json) }) { $1 }
      }
    }
    let guardrail = Guardrail(
      subject,
      scope: try reader.text("scope") ?? "",
      excludes: try selectors(&reader, "excludes"),
      parameters: parameters,
      enforcement: try reader.word("enforcement", Enforcement.self) ?? .auditLog,
      onFailure: try reader.word("on_failure", FailureChoice.self) ?? .open,
      reason: try reader.text("reason") ?? ""
    )
    try reader.finish()
    return guardrail
  }

  private static func selectors(
    _ reader: inout DocumentReader,
    _ key: String
  ) throws(DocumentError) -> [Scope.Selector] {
    var selectors: [Scope.Selector] = []
    for text in try reader.strings(key) {
      do {
        selectors.append(try Scope.Selector(text))
      } catch {
        throw reader.error(key, "\(error)")
      }
    }
    return selectors
  }
}
