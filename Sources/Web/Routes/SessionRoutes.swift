import JSON
import Model
import Store

/// Signing in, and API keys.
enum SessionRoutes {
  static let handlers: [String: APIHandler] = [
    "signIn": signIn, "showSession": showSession, "signOut": signOut, "listKeys": listKeys,
    "addKey": addKey, "showKey": showKey, "revokeKey": revokeKey,
  ]

  /// For how long a key holds where its maker does not say.
  private static let keyDays = 90

  private static func signIn(_ call: APICall) async throws -> APIReply {
    let digest = Session.digest(call.body["code"]?.string ?? "")
    let token = try Session.token(call.services.random)
    let now = call.now
    let ends = now.advanced(milliseconds: Int64(Session.hours) * 3_600_000)
    let principal = try await call.services.store.write(as: "sign-in", at: now) {
      transaction -> Principal? in
      guard let person = try transaction.useCode(digest: digest),
        let principal = try transaction.principal(person, at: now)
      else { return nil }
      try transaction.beginSession(digest: Session.digest(token), of: person, expiresAt: ends)
      return principal
    }
    guard let principal else {
      throw Problem(
        401,
        "not-signed-in",
        "The code does not sign in",
        "it was used, has ended or was never made; an administrator makes another"
      )
    }
    var reply = APIReply.json(json(principal, csrf: Session.antiForgery(token)))
    reply.headers.append(("Set-Cookie", Session.cookie(token, isSecure: call.isSecure)))
    return reply
  }

  private static func showSession(_ call: APICall) async throws -> APIReply {
    .json(json(call.principal, csrf: call.antiForgery))
  }

  private static func signOut(_ call: APICall) async throws -> APIReply {
    if case .cookie(let digest)? = call.session {
      try await call.write { try $0.endSession(digest: digest) }
    }
    var reply = APIReply.done
    reply.headers.append(("Set-Cookie", "plumb=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"))
    return reply
  }

  private static func json(_ principal: Principal, csrf: String?) -> JSONValue {
    var object: JSONObject = [
      "name": .string(principal.name), "grants": .array(principal.grants.map(\.json)),
    ]
    object["csrf_token"] = csrf.map { .string($0) }
    return .object(object)
  }

  private static func listKeys(_ call: APICall) async throws -> APIReply {
    let own = call.seesEveryKey ? nil : call.principal.person ?? -1
    let keys = try await call.read { transaction in
      try transaction.keys(of: own).map { ($0, try transaction.person($0.person).name) }
    }
    return try call.page(keys.map { $0.json(of: $1, at: call.now) })
  }

  private static func addKey(_ call: APICall) async throws -> APIReply {
    guard let person = call.principal.person else {
      throw Problem(422, "refused", "Only people have keys", "sign in as a person first")
    }
    let secret = try SignInCode.key(call.services.random)
    let limit = try call.grant()
    let name = call.body["name"]?.string ?? ""
    let ends =
      call.body["expires_at"]?.string.flatMap { Instant($0) }
      ?? call.now.advanced(days: keyDays)
    // A key cannot do more than its person, whatever it says; but what says too much is a mistake.
    guard call.principal.limit == nil else {
      throw Problem(422, "refused", "A key does not make keys", "sign in as the person")
    }
    let key = try await call.write { transaction in
      try transaction.addKey(
        name,
        digest: Session.digest(secret),
        of: person,
        limit: limit,
        expiresAt: ends
      )
    }
    let json = key.json(of: call.principal.name, at: call.now)
    var reply = APIReply.created(
      ["key": json, "secret": .string(secret)],
      at: "/api/v1/keys/\(key.id)"
    )
    reply.isSecret = true
    return reply
  }

  private static func showKey(_ call: APICall) async throws -> APIReply {
    let (key, name) = try await call.read { try find($0, call) }
    return .tagged(key.json(of: name, at: call.now))
  }

  private static func revokeKey(_ call: APICall) async throws -> APIReply {
    try await call.write { transaction in
      let (key, name) = try find(transaction, call)
      try call.match(key.json(of: name, at: call.now))
      try transaction.revokeKey(key.id)
    }
    return .done
  }

  /// The key that the path names, if it is the caller's or the caller sees all.
  private static func find(_ transaction: StoreTransaction, _ call: APICall) throws
    -> (APIKey, String)
  {
    let key = try transaction.key(call.number())
    guard call.seesEveryKey || key.person == call.principal.person else {
      throw Problem.notFound("API key", call.number())
    }
    return (key, try transaction.person(key.person).name)
  }
}

extension APICall {
  fileprivate var seesEveryKey: Bool { principal.sight(.administer).isEverything }

  /// What the session's browser sends with changes.
  fileprivate var antiForgery: String? { sessionToken.map(Session.antiForgery) }

  /// The role and extent that the body names.
  func grant() throws -> Grant {
    let written = body["extent"]
    let kind = written?["kind"]?.string ?? "everything"
    guard let extent = Extent(kind: kind, name: written?["name"]?.string ?? "") else {
      throw Problem.invalid(
        "/extent/name",
        kind == "everything" ? "is not expected here" : "is missing: which \(kind)?"
      )
    }
    guard let role = Role(rawValue: body["role"]?.string ?? "") else {
      throw Problem.invalid("/role", "is no role")
    }
    return Grant(
      role: role,
      extent: extent,
      expiresAt: body["expires_at"]?.string.flatMap { Instant($0) } ?? .never
    )
  }
}

extension Extent {
  var json: JSONValue {
    var object: JSONObject = ["kind": .string(kind)]
    if !name.isEmpty { object["name"] = .string(name) }
    return .object(object)
  }
}

extension Grant {
  var json: JSONValue {
    var object: JSONObject = [
      "id": .integer(id), "role": .string(role.rawValue), "extent": extent.json,
    ]
    if !expiresAt.isNever { object["expires_at"] = .string("\(expiresAt)") }
    return .object(object)
  }
}

extension APIKey {
  fileprivate func json(of person: String, at now: Instant) -> JSONValue {
    var object: JSONObject = [
      "id": .integer(id), "name": .string(name), "person": .string(person),
      "role": .string(limit.role.rawValue), "extent": limit.extent.json,
      "created_at": .string("\(createdAt)"), "expires_at": .string("\(expiresAt)"),
    ]
    object["revoked_at"] = revokedAt.map { .string("\($0)") }
    if !usedOn.isEmpty { object["used_on"] = .string(usedOn) }
    let state = revokedAt != nil ? "revoked" : expiresAt <= now ? "ended" : "in force"
    object["state"] = .string(state)
    return .object(object)
  }
}
