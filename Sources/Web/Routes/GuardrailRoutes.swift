import JSON
import Model
import Operations
import Store

/// What is laid on which scope, and what it does to requests there.
enum GuardrailRoutes {
  static let handlers: [String: APIHandler] = [
    "listGuardrails": list, "showGuardrail": show, "addGuardrail": add, "changeGuardrail": change,
    "removeGuardrail": remove, "listGuardrailStates": states, "previewGuardrail": preview,
    "listEnforcement": enforcement,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let set = try await call.services.guards.current(isFresh: true, at: call.now)
    let (scope, rule) = (call["scope"]?.string, call["rule"]?.string)
    let enforcement = call["enforcement"]?.string
    let found = set.guardrails.indices.filter { index in
      let guardrail = set.guardrails[index]
      return call.sight.containsScope(guardrail.scope) && (scope == nil || guardrail.scope == scope)
        && (enforcement == nil || guardrail.enforcement.rawValue == enforcement)
        && (rule.map { set.rules(of: index).contains($0) } ?? true)
    }
    return try call.page(
      found.map { set.json(ofGuardrail: $0) },
      sorts: ["id", "scope", "enforcement"]
    )
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    .tagged(try await shown(call))
  }

  private static func shown(_ call: APICall, _ id: Int64? = nil) async throws -> JSONValue {
    let set = try await call.services.guards.current(isFresh: true, at: call.now)
    let id = id ?? call.number()
    guard let index = set.guardrails.firstIndex(where: { $0.id == id }),
      call.sight.containsScope(set.guardrails[index].scope)
    else { throw Problem.notFound("guardrail", id) }
    return set.json(ofGuardrail: index)
  }

  private static func add(_ call: APICall) async throws -> APIReply {
    let guardrail = try read(call.body)
    guard call.sight.containsScope(guardrail.scope) else { throw Problem.forbidden(.edit) }
    try await check(guardrail, nil, call)
    let id = try await call.write { try $0.lay(guardrail) }
    return .created(try await shown(call, id), at: "/api/v1/guardrails/\(id)")
  }

  private static func change(_ call: APICall) async throws -> APIReply {
    try call.match(try await shown(call))
    let former = try await call.read { transaction in
      try transaction.guardrails(at: call.now).first { $0.id == call.number() }
    }
    guard let former else { throw Problem.notFound("guardrail", call.number()) }
    var body: JSONObject = [former.subject.kind: .string(former.subject.name)]
    let kept = former.json
    for key in ["scope", "excludes", "parameters", "enforcement", "on_failure"] {
      body[key] = call.body[key] ?? kept[key]
    }
    body["reason"] = call.body["reason"]
    var guardrail = try read(.object(body))
    guardrail.id = former.id
    let changed = guardrail
    try await check(changed, former, call)
    try await call.write { transaction in
      guard try transaction.guardrail(changed.id) == former else {
        throw Problem(412, "changed", "It has changed meanwhile", "read it again")
      }
      try transaction.change(changed)
    }
    return .tagged(try await shown(call))
  }

  private static func remove(_ call: APICall) async throws -> APIReply {
    try call.match(try await shown(call))
    try await call.write { try $0.removeGuardrail(call.number()) }
    _ = try await call.services.guards.current(isFresh: true, at: call.now)
    return .done
  }

  private static func states(_ call: APICall) async throws -> APIReply {
    let found = try await call.read { try $0.states(ofGuardrail: call.number()) }.filter {
      call.sight.containsScope($0.scope)
    }
    if found.isEmpty { throw Problem.notFound("guardrail", call.number()) }
    return try call.page(found.map(\.json), sorts: ["position"])
  }

  /// Whether it can be enforced, and whether its step up is allowed; read before the change, which
  /// must not wait for many resources to be judged.
  private static func check(
    _ guardrail: Guardrail,
    _ former: Guardrail?,
    _ call: APICall
  ) async throws {
    let content = try call.services.content()
    try await call.read { transaction in
      let check = try GuardrailCheck(
        guardrail,
        former: former,
        transaction,
        rules: content.rules,
        profiles: content.profiles,
        at: call.now
      )
      try check.step(transaction, at: call.now)
    }
  }

  private static func read(_ body: JSONValue) throws -> Guardrail {
    let node = DocumentNode(
      ["guardrails": .array([body])],
      at: SourceLocation(file: "the guardrail")
    )
    guard let guardrail = try Guardrail.document(node).guardrails.first else {
      throw Problem.invalid("", "is no guardrail")
    }
    return guardrail
  }

  private static func preview(_ call: APICall) async throws -> APIReply {
    let guardrail = try read(call.body["guardrail"] ?? .null)
    // Of everything each sees what is in sight; another scope is none of the caller's.
    guard guardrail.scope.isEmpty || call.sight.containsScope(guardrail.scope) else {
      throw Problem.forbidden(.read)
    }
    let content = try call.services.content()
    let question = GuardPreview.Question(
      since: call.body["since"]?.string.flatMap { Instant($0) },
      limit: call.body["limit"]?.whole ?? 100,
      sight: call.sight
    )
    let preview = try await call.read { transaction in
      let check = try GuardrailCheck(
        guardrail,
        former: nil,
        transaction,
        rules: content.rules,
        profiles: content.profiles,
        at: call.now
      )
      return try GuardPreview(check.set, transaction, question, at: call.now)
    }
    return .json(preview.json)
  }

  private static func enforcement(_ call: APICall) async throws -> APIReply {
    let set = try await call.services.guards.current(isFresh: true, at: call.now)
    let (account, rule, sight) = (call["account"]?.string, call["rule"]?.string, call.sight)
    let stored = try await call.read { try $0.accounts() }
    let found = set.enforcement(of: Array(stored.values)).filter { entry in
      (account == nil || entry.account == account) && (rule == nil || entry.rule == rule)
        && sight.containsAccount(set.accounts[entry.account] ?? [entry.account])
    }
    return try call.page(found.map(\.json), sorts: ["position"])
  }
}
