package import JSON
package import Model
package import Store

/// Collectors as people see and steer them.
enum CollectorRoutes {
  static let handlers: [String: APIHandler] = [
    "addCollectorCode": addCode, "listCollectors": list, "showCollector": show,
    "approveCollector": approve, "stopCollector": stop, "revokeCollector": revoke,
    "addCollectorJob": addJob,
  ]

  private static func addCode(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let code = try Session.token(call.services.random)
    let (name, ends) = (call.body["name"]?.string ?? "", call.now.advanced(days: 1))
    try await call.write { transaction in
      try transaction.addCollectorCode(name, digest: Session.digest(code), expiresAt: ends)
    }
    var reply = APIReply.json(
      ["name": .string(name), "code": .string(code), "expires_at": .string("\(ends)")]
    )
    reply.hasSecret = true
    return reply
  }

  private static func list(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let state = call["state"]?.string
    let found = try await call.read { try $0.collectors() }
      .filter { state == nil || $0.state.rawValue == state }
    return try call.page(found.map { $0.json(at: call.now) }, sorts: ["id", "name"])
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let id = call.number()
    return .tagged(try await call.read { try $0.collector(id) }.json(at: call.now))
  }

  private static func approve(_ call: APICall) async throws -> APIReply {
    try await change(call) { try $0.approveCollector($1) }
  }

  private static func stop(_ call: APICall) async throws -> APIReply {
    let reason = reason(call)
    return try await change(call) { try $0.endCollector($1, as: .stopped, reason: reason) }
  }

  private static func revoke(_ call: APICall) async throws -> APIReply {
    let reason = reason(call)
    return try await change(call) { try $0.endCollector($1, as: .revoked, reason: reason) }
  }

  private static func reason(_ call: APICall) -> String {
    "\(call.body["reason"]?.string ?? "") (\(call.principal.name))"
  }

  private static func change(
    _ call: APICall,
    _ body: @Sendable @escaping (StoreTransaction, Int64) throws -> Void
  ) async throws -> APIReply {
    try call.requireEverything()
    let id = call.number()
    let changed = try await call.write { transaction in
      try body(transaction, id)
      return try transaction.collector(id)
    }
    return .json(changed.json(at: call.now))
  }

  private static func addJob(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let (id, name) = (call.number(), call.body["credential"]?.string ?? "")
    let (job, isNew) = try await call.write { transaction in
      try transaction.enqueue(collector: id, credential: name)
    }
    return .json(["job": .integer(job), "is_new": .bool(isNew)])
  }
}

extension CollectorRecord {
  /// After how long without a word a collector counts as silent, in milliseconds.
  private static let silence: Int64 = 300_000

  /// The collector for people.
  package func json(at now: Instant) -> JSONValue {
    var object: JSONObject = [
      "id": .integer(id), "name": .string(name), "state": .string(state.rawValue),
      "key_sha256": .string(Digest.sha256(Array(publicKey.utf8))), "version": .string(version),
      "host": .string(host), "address": .string(address),
      "registered_at": .string("\(registeredAt)"), "backlog": .integer(backlog),
      "health": health,
      "credentials": .array(
        credentials.map {
          [
            "name": .string($0.name), "provider": .string($0.provider),
            "account": .string($0.account),
          ]
        }
      ),
    ]
    if !reason.isEmpty { object["reason"] = .string(reason) }
    if !approvedBy.isEmpty { object["approved_by"] = .string(approvedBy) }
    object["approved_at"] = approvedAt.map { .string("\($0)") }
    object["last_contact"] = lastContact.map { .string("\($0)") }
    let heard = lastContact ?? registeredAt
    object["is_silent"] = .bool(now.milliseconds - heard.milliseconds > Self.silence)
    return .object(object)
  }
}
