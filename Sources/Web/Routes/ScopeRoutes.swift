import JSON
import Model
import Operations
import Store

/// Scopes.
enum ScopeRoutes {
  static let handlers: [String: APIHandler] = [
    "listScopes": list, "showScope": show, "putScope": put, "removeScope": remove,
    "showScopeOverview": overview, "listScopeConflicts": conflicts,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let (instant, sight) = (call.instant(), call.sight)
    let scopes = try await call.read { try $0.scopes(at: instant) }
    let shown = scopes.filter { sight.containsScope($0.name) }
    return try call.page(shown.map(\.json), sorts: ["name"])
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    let scope = try await call.read { try find($0, call) }
    return .tagged(scope.json)
  }

  private static func overview(_ call: APICall) async throws -> APIReply {
    let (name, instant, sight) = (call.text("name"), call.instant(), call.sight)
    guard sight.containsScope(name) else { throw Problem.notFound("scope", name) }
    let (cache, isPresent) = (call.services.posture, call["as_of"] == nil)
    var overview = try await call.read {
      try cache.overview($0, of: name, at: instant, isPresent: isPresent)
    }
    overview.parts.removeAll { !sight.containsScope($0.name) }
    overview.overlaps.removeAll { !sight.containsScope($0.name) }
    var object = overview.scope.json.object ?? [:]
    for (key, value) in overview.figures.members { object[key] = value }
    return .json(.object(object))
  }

  private static func conflicts(_ call: APICall) async throws -> APIReply {
    let (instant, sight) = (call.instant(), call.sight)
    let (cache, isPresent) = (call.services.posture, call["as_of"] == nil)
    var found = try await call.read { try cache.conflicts($0, at: instant, isPresent: isPresent) }
    found.overlaps.removeAll { !sight.containsScope($0.first) || !sight.containsScope($0.second) }
    found.conflicts.removeAll {
      !sight.containsScope($0.first.scope) || !sight.containsScope($0.second.scope)
    }
    return .json(found.json)
  }

  private static func put(_ call: APICall) async throws -> APIReply {
    let name = call.text("name")
    guard call.sight.containsScope(name) else { throw Problem.forbidden(.edit) }
    let scope = try Scope(name: name, definition: call.body)
    try await call.write { transaction in
      let former = try transaction.scopes(at: call.now).first { $0.name == name }
      // Who has a scope only could widen it to what is none of theirs.
      if former == nil || !call.sight.isEverything { try call.requireEverything() }
      if let former {
        if call["If-None-Match"] != nil {
          throw Problem(412, "changed", "There is a scope of this name", "take another name")
        }
        try call.match(former.json)
      } else if call.text("If-Match") != "*" {
        throw Problem.notFound("scope", name)
      } else if Scope.reserved.contains(name) {
        throw Problem.invalid("name", "means something else in commands and addresses")
      }
      try transaction.put(scope)
    }
    return .tagged(scope.json)
  }

  private static func remove(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    try await call.write { transaction in
      let scope = try find(transaction, call)
      try call.match(scope.json)
      try transaction.removeScope(scope.name)
    }
    return .done
  }

  private static func find(_ transaction: StoreTransaction, _ call: APICall) throws -> Scope {
    let name = call.text("name")
    let found = try transaction.scopes(at: call.now).first { $0.name == name }
    guard let found, call.sight.containsScope(name) else { throw Problem.notFound("scope", name) }
    return found
  }
}

extension Scope {
  fileprivate var json: JSONValue {
    var object: JSONObject = ["name": .string(name)]
    for (key, value) in definition.object?.members ?? [] { object[key] = value }
    return .object(object)
  }
}
