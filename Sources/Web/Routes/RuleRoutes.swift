import JSON
import Model
import Operations
import Store
import YAML

/// Rules of one's own; ``ContentRoutes`` lists and shows them beside those that are installed.
enum RuleRoutes {
  static let handlers: [String: APIHandler] = [
    "addRule": add, "changeRule": change, "removeRule": remove, "listRuleVersions": versions,
    "testRule": test, "previewRule": preview,
  ]

  private static func add(_ call: APICall) async throws -> APIReply {
    // A rule is the same for everybody, so who changes it must be allowed to everywhere.
    try call.requireEverything()
    let draft = try draft(call, name: call.body["id"]?.string)
    try draft.check()
    let made = try await call.write { transaction in
      if try find(draft.rule.id, transaction, call) != nil {
        throw StoreError.conflict("there is a rule \"\(draft.rule.id)\" already; change that one")
      }
      return try transaction.keep(draft)
    }
    return .created(made.json, at: "/api/v1/rules/\(made.name)")
  }

  private static func change(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let name = call.text("id")
    let draft = try draft(call, name: name)
    guard draft.rule.id == name else {
      throw Problem.invalid(
        "/document/id",
        "is \"\(draft.rule.id)\", and the path names \"\(name)\""
      )
    }
    try draft.check()
    let made = try await call.write { transaction in
      guard let former = try find(name, transaction, call) else { throw missing(name, call) }
      try call.match(former.json)
      return try transaction.keep(draft)
    }
    return .tagged(made.json)
  }

  private static func remove(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let name = call.text("id")
    try await call.write { transaction in
      guard let former = try find(name, transaction, call) else { throw missing(name, call) }
      try call.match(former.json)
      _ = try transaction.removeRule(name)
    }
    return .done
  }

  private static func versions(_ call: APICall) async throws -> APIReply {
    let name = call.text("id")
    let found = try await call.read { try $0.versions(of: .rule, name) }
    if found.isEmpty { throw missing(name, call) }
    return try call.page(found.map(\.json), sorts: ["position"])
  }

  private static func test(_ call: APICall) async throws -> APIReply {
    let draft = try draft(call, name: call.body["id"]?.string, isTest: true)
    let outcomes = try draft.outcomes()
    return .json(
      [
        "rule": .string(draft.rule.id), "as_expected": .bool(outcomes.allSatisfy(\.isAsExpected)),
        "cases": .array(outcomes.map(\.json)),
      ]
    )
  }

  private static func preview(_ call: APICall) async throws -> APIReply {
    let draft = try draft(call, name: call.body["id"]?.string, isTest: true)
    let found = try await call.read { try RulePreview(draft.rule, call.resources($0)) }
    return .json(found.json)
  }

  private static func draft(
    _ call: APICall,
    name: String?,
    isTest: Bool = false
  ) throws -> RuleDraft {
    let document = try call.document("document")
    return try RuleDraft(
      document,
      cases: call.body["cases"] == nil ? nil : call.document("cases"),
      labels: (call.body["labels"]?.array ?? []).compactMap(\.string),
      name: name ?? RuleDraft.name(for: document.json),
      shipped: isTest ? [] : try call.services.content().rules
    )
  }

  private static func find(
    _ name: String,
    _ transaction: StoreTransaction,
    _ call: APICall
  ) throws -> KeptDocument? {
    try transaction.documents(.rule, at: call.now).first { $0.name == name }
  }

  private static func missing(_ name: String, _ call: APICall) -> Problem {
    let isInstalled = (try? call.services.content().rules.contains { $0.id == name }) ?? false
    guard isInstalled else { return .notFound("rule", name) }
    return Problem(
      409,
      "conflict",
      "The state of things does not allow this",
      "\"\(name)\" is installed, and no rule of one's own; overlays change those"
    )
  }
}

extension APICall {
  /// A document of the body: a value, or text of YAML or JSON.
  ///
  /// - Throws: ``DocumentError``, with the line where it is text.
  func document(_ name: String) throws -> DocumentNode {
    let (value, file) = (body[name] ?? .null, "the \(name)")
    guard case .string(let text) = value else {
      return DocumentNode(value, at: SourceLocation(file: file))
    }
    return try YAMLReader(.core).document(text, file: file)
  }
}
