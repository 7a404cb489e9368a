import Foundation
package import JSON
package import Model

/// A request of a Kubernetes API server to admit an object, an AdmissionReview of admission.k8s.io/v1.
package struct AdmissionRequest: Sendable {
  package let uid: String
  package let object: JSONValue
  /// The object as it is before the request; null where it is new.
  package let former: JSONValue
  package let namespace: String
  /// Who sent the request to the API server.
  package let actor: String
  /// Whether nothing is to come of it, not even an entry in a log.
  package let isDryRun: Bool
  private let operation: String
  private let subresource: String

  /// Reads a review that is formed as one.
  package init(_ review: JSONValue) {
    let request = review["request"]
    func text(_ key: String) -> String { request?[key]?.string ?? "" }
    (uid, namespace, operation) = (text("uid"), text("namespace"), text("operation"))
    subresource = text("subResource")
    object = request?["object"] ?? .null
    former = request?["oldObject"] ?? .null
    actor = request?["userInfo"]?["username"]?.string ?? ""
    isDryRun = request?["dryRun"]?.bool ?? false
  }

  /// The parts of objects below them that say how they are configured.
  private static let configuring: Set<String> = ["", "ephemeralcontainers", "resize"]

  /// Whether it brings a configuration: what is removed, connected to, scaled or only told of as a state
  /// brings none, and what is being removed may not be held up.
  package var isConfiguring: Bool {
    guard ["CREATE", "UPDATE"].contains(operation), Self.configuring.contains(subresource),
      object.object != nil
    else { return false }
    return object["metadata"]?["deletionTimestamp"]?.string == nil
  }

  /// Whether the object is new, so that templates complete it.
  package var isNew: Bool { operation == "CREATE" && subresource.isEmpty }

  // MARK: - Answers

  /// The review that answers with decisions; `notes` is what to warn of besides.
  package func answer(_ decisions: [Decision], notes: [String] = []) -> JSONValue {
    let effect = decisions.map(\.effect).max() ?? .allowed
    let warned = decisions.flatMap { decision in
      decision.told.filter { $0.effect == .warned }.map {
        "\($0.rule.title) (\($0.rule.id)): \($0.reason)"
      }
    }
    let told = decisions.flatMap(\.told)
    var response: JSONObject = ["uid": .string(uid), "allowed": .bool(effect < .refused)]
    if effect == .refused {
      let refused = decisions.filter { $0.effect == .refused }
      response["status"] = [
        "status": "Failure", "code": 403, "reason": "Forbidden",
        "message": .string(refused.map(\.message).joined(separator: "\n")),
        "details": [
          "causes": .array(
            told.filter { $0.effect == .refused }.map { ruling in
              [
                "reason": .string(ruling.rule.id), "message": .string(ruling.reason),
                "field": .string(ruling.comparison?.path ?? ""),
              ]
            }
          )
        ],
      ]
    }
    let warnings = (warned + notes).map { String($0.withoutControls.prefix(240)) }
    if !warnings.isEmpty { response["warnings"] = .array(warnings.map { .string($0) }) }
    var annotations: JSONObject = ["decision": .string(effect.rawValue)]
    let rules = Set(told.map(\.rule.id)).sorted().joined(separator: ",")
    if !rules.isEmpty { annotations["rules"] = .string(rules) }
    if let outdated = decisions.lazy.compactMap(\.outdated).first {
      annotations["outdated"] = .string(outdated)
    }
    response["auditAnnotations"] = .object(annotations)
    return Self.review(response)
  }

  /// The review that lets the object in as the templates of a set complete it.
  package func answer(_ parts: [ObjectPart], completedBy set: GuardrailSet) -> JSONValue {
    var patch = ObjectPatch(object)
    var templates: Set<String> = []
    for part in parts {
      guard let pointer = part.pointer else { continue }
      var resource = part.resource
      for addition in set.complete(&resource) {
        patch.add(addition.value, at: pointer + addition.pointer)
        templates.insert(addition.template)
      }
    }
    var response: JSONObject = ["uid": .string(uid), "allowed": true]
    if !patch.operations.isEmpty {
      let text = JSONValue.array(patch.operations).text
      response["patchType"] = "JSONPatch"
      response["patch"] = .string(Data(text.utf8).base64EncodedString())
      response["auditAnnotations"] = [
        "templates": .string(templates.sorted().joined(separator: ","))
      ]
    }
    return Self.review(response)
  }

  private static func review(_ response: JSONObject) -> JSONValue {
    [
      "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
      "response": .object(response),
    ]
  }
}

/// Operations of a JSON patch (RFC 6902) that add members to an object.
package struct ObjectPatch: Sendable {
  package private(set) var operations: [JSONValue] = []
  private var object: JSONValue

  /// A patch of an object, so far empty.
  package init(_ object: JSONValue) { self.object = object }

  /// Adds a member, with the objects around it that the object lacks.
  package mutating func add(_ value: JSONValue, at pointer: String) {
    let keys = pointer.split(separator: "/").map {
      String($0).replacing("~1", with: "/").replacing("~0", with: "~")
    }
    var reached = ""
    object = Self.adding(value, to: object, keys[...], &reached, &operations)
  }

  private static func adding(
    _ value: JSONValue,
    to node: JSONValue,
    _ keys: ArraySlice<String>,
    _ reached: inout String,
    _ operations: inout [JSONValue]
  ) -> JSONValue {
    guard let key = keys.first else { return value }
    reached += "/" + key.replacing("~", with: "~0").replacing("/", with: "~1")
    let rest = keys.dropFirst()
    if case .array(var items) = node, let index = Int(key), items.indices.contains(index) {
      items[index] = adding(value, to: items[index], rest, &reached, &operations)
      return .array(items)
    }
    var object = node.object ?? [:]
    if let inner = object[key], !inner.isNull, !rest.isEmpty {
      object[key] = adding(value, to: inner, rest, &reached, &operations)
    } else {
      let whole = rest.reversed().reduce(value) { .object(JSONObject([(key: $1, value: $0)])) }
      operations.append(["op": "add", "path": .string(reached), "value": whole])
      object[key] = whole
    }
    return .object(object)
  }
}
