import JSON
import Model
import Operations
import Store

/// Decisions about requests to create or change resources.
enum DecisionRoutes {
  static let handlers: [String: APIHandler] = [
    "decide": decide, "listDecisions": list, "showDecision": show, "countDecisions": count,
    "queryData": queryData, "queryDatum": queryDatum,
  ]

  private static func decide(_ call: APICall) async throws -> APIReply {
    let body = call.body
    let single = body["resource"]
    guard (single == nil) != (body["resources"] == nil) else {
      throw Problem.invalid("", "has one of resource and resources")
    }
    let decisions = try await self.decisions(
      single.map { [$0] } ?? body["resources"]?.array ?? [],
      isNew: body["operation"]?.string != "update",
      gate: body["gate"]?.string ?? "api",
      call
    )
    let hasProof = body["proof"]?.bool ?? false
    if single != nil, let decision = decisions.first {
      return .json(decision.json(hasProof: hasProof))
    }
    return .json(
      [
        "decision": .string((decisions.map(\.effect).max() ?? .allowed).rawValue),
        "decisions": .array(decisions.map { $0.json(hasProof: hasProof) }),
      ]
    )
  }

  /// Decides about described resources, all of which the caller must have in sight.
  private static func decisions(
    _ described: [JSONValue],
    isNew: Bool,
    gate: String,
    _ call: APICall
  ) async throws -> [Decision] {
    let guards = call.services.guards
    let resources = try described.map { value in
      guard let resource = Resource(described: value) else {
        throw Problem.invalid("", "a resource has service_name, resource_kind and id")
      }
      return resource
    }
    if !call.sight.isEverything {
      let set = try await guards.current(at: call.now)
      for resource in resources where !call.sight.contains(set.place(of: resource), set.scopes) {
        throw Problem.forbidden(.read)
      }
    }
    return try await guards.decide(
      resources.map {
        GuardKeeper.Request($0, isNew: isNew, actor: call.principal.name, gate: gate)
      },
      at: call.now
    )
  }

  // MARK: - Open Policy Agent's form

  private static let data = ["allow", "deny", "warn", "decision"]

  private static func queryData(_ call: APICall) async throws -> APIReply {
    guard let decisions = try await answers(call) else { return .json([:]) }
    let found = data.compactMap { name in
      datum(name, decisions).map { (key: name, value: $0) }
    }
    return .json(["result": .object(JSONObject(found))])
  }

  private static func queryDatum(_ call: APICall) async throws -> APIReply {
    let name = call.text("name")
    guard data.contains(name), let decisions = try await answers(call),
      let result = datum(name, decisions)
    else { return .json([:]) }
    return .json(["result": result])
  }

  /// The decisions about the input as it is, which no template completes, because the answer could not
  /// hand back how; nil where there is none.
  private static func answers(_ call: APICall) async throws -> [Decision]? {
    guard let input = call.body["input"] else { return nil }
    let described: [JSONValue]
    if let resources = input["resources"] {
      guard let found = resources.array, !found.isEmpty, input["resource_kind"] == nil else {
        throw Problem.invalid("/input/resources", "is a list of one resource or more, alone")
      }
      described = found
    } else {
      described = [input]
    }
    for (place, resource) in described.enumerated() { try check(resource, at: place) }
    return try await decisions(described, isNew: false, gate: "opa", call)
  }

  /// Refuses what would be taken for absent.
  private static func check(_ resource: JSONValue, at place: Int) throws {
    for key in ["provider", "account", "region", "name", "id", "service_name", "resource_kind"] {
      guard let value = resource[key], value.string == nil else { continue }
      throw Problem.invalid("/input", "resource \(place): \(key) is a string")
    }
    for key in ["tags", "attributes", "unread"] {
      guard let value = resource[key], value.object == nil else { continue }
      throw Problem.invalid("/input", "resource \(place): \(key) is an object")
    }
  }

  private static func datum(_ name: String, _ decisions: [Decision]) -> JSONValue? {
    func sentences(_ effect: Effect) -> JSONValue {
      .array(decisions.flatMap { $0.sentences(effect) }.map { .string($0) })
    }
    switch name {
    case "allow":
      // Without a policy it is undefined, as in Open Policy Agent, and not simply true.
      guard !decisions.allSatisfy({ $0.guardrailsAnywhere == 0 }) else { return nil }
      return .bool(decisions.allSatisfy { $0.effect < .refused })
    case "deny": return sentences(.refused)
    case "warn": return sentences(.warned)
    case "decision":
      return decisions.count == 1
        ? decisions[0].json() : .array(decisions.map { $0.json() })
    default: return nil
    }
  }

  // MARK: - The log

  private static func list(_ call: APICall) async throws -> APIReply {
    await call.services.guards.log.flush()
    let filter = filter(call)
    let sight = call.sight
    return try await call.page { transaction, before, limit in
      let horizon = try horizon(transaction, call)
      return try transaction.decisions(filter, before: before, limit: limit).map { decision in
        (decision.id, sees(decision, sight, horizon) ? decision.summary : nil)
      }
    }
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    await call.services.guards.log.flush()
    let sight = call.sight
    let found = try await call.read { transaction in
      let decision = try transaction.decision(call.number())
      guard sees(decision, sight, try horizon(transaction, call)) else {
        throw Problem.notFound("decision", call.number())
      }
      return decision
    }
    return .json(found.json)
  }

  private static func count(_ call: APICall) async throws -> APIReply {
    await call.services.guards.log.flush()
    let filter = filter(call)
    let found = try await call.read { transaction -> [DecisionCount] in
      let (names, _) = try horizon(transaction, call)
      return try transaction.decisionCounts(filter).filter {
        call.sight.containsAccount(names[$0.account] ?? [$0.account])
      }
    }
    let told = call.text("by") == "day" ? DecisionCount.byDay(found) : found
    return try call.page(told.map(\.json), sorts: ["position"])
  }

  private static func filter(_ call: APICall) -> DecisionFilter {
    var filter = DecisionFilter()
    filter.effect = call["decision"]?.string.flatMap { Effect(rawValue: $0) }
    (filter.rule, filter.account) = (call["rule"]?.string, call["account"]?.string)
    (filter.resource, filter.actor) = (call["resource"]?.string, call["actor"]?.string)
    filter.gate = call["gate"]?.string
    filter.from = call["from"]?.string.flatMap { Instant($0) }
    filter.to = call["to"]?.string.flatMap { Instant($0) }
    return filter
  }

  private typealias Names = (names: [String: [String]], tree: ScopeTree)

  private static func horizon(_ transaction: StoreTransaction, _ call: APICall) throws -> Names {
    (try Places(transaction).names, ScopeTree(try transaction.scopes(at: call.now)))
  }

  private static func sees(_ decision: LoggedDecision, _ sight: Sight, _ horizon: Names) -> Bool {
    if sight.isEverything { return true }
    var place = decision.place
    let account = place.accounts.first ?? ""
    place.accounts = horizon.names[account] ?? [account]
    return sight.contains(place, horizon.tree)
  }
}
