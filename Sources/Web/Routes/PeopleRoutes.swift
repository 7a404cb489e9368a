import JSON
import Model
import Operations
import Store

/// People, their roles, and codes by which they sign in.
enum PeopleRoutes {
  static let handlers: [String: APIHandler] = [
    "listPeople": list, "addPerson": add, "showPerson": show, "changePerson": change,
    "listGrants": listGrants, "addGrant": addGrant, "revokeGrant": revokeGrant, "addCode": addCode,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let people = try await call.read { transaction in
      let grants = try seenGrants(transaction, call)
      let seen = Set(grants.map(\.person))
      return try transaction.people().filter { call.sight.isEverything || seen.contains($0.id) }
    }
    return try call.page(people.map(\.json), sorts: ["id"])
  }

  /// The grants in force on what the caller administers, of one person where it is given.
  private static func seenGrants(
    _ transaction: StoreTransaction,
    _ call: APICall,
    of person: Int64? = nil
  ) throws -> [GrantRecord] {
    let names = try Places(transaction).names
    return try transaction.grants(of: person, at: call.now).filter {
      call.sight.contains($0.grant.extent, names)
    }
  }

  /// The person whom the path names: who administers a part knows of those with a role in it.
  private static func find(
    _ transaction: StoreTransaction,
    _ call: APICall
  ) throws -> (person: Person, grants: [GrantRecord]) {
    let person = try transaction.person(call.number())
    let grants = try seenGrants(transaction, call, of: person.id)
    guard call.sight.isEverything || !grants.isEmpty else {
      throw Problem.notFound("person", person.id)
    }
    return (person, grants)
  }

  private static func add(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let body = call.body
    let person = try await call.write { transaction in
      try transaction.addPerson(
        body["name"]?.string ?? "",
        email: body["email"]?.string ?? "",
        issuer: body["issuer"]?.string ?? "",
        subject: body["subject"]?.string ?? ""
      )
    }
    return .created(person.json, at: "/api/v1/people/\(person.id)")
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    .tagged(try await call.read { try find($0, call).person }.json)
  }

  private static func change(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let (id, body) = (call.number(), call.body)
    let person = try await call.write { transaction in
      let former = try transaction.person(id)
      try call.match(former.json)
      let (email, issuer) = (body["email"]?.string, body["issuer"]?.string)
      if email != nil || issuer != nil || body["subject"] != nil {
        try transaction.setIdentity(
          of: id,
          email: email ?? former.email,
          issuer: issuer ?? former.issuer,
          subject: body["subject"]?.string ?? former.subject
        )
      }
      if let isDisabled = body["is_disabled"]?.bool {
        try transaction.setDisabled(isDisabled, person: id)
      }
      return try transaction.person(id)
    }
    return .tagged(person.json)
  }

  private static func listGrants(_ call: APICall) async throws -> APIReply {
    let grants = try await call.read { try find($0, call).grants }
    return try call.page(grants.map(\.json))
  }

  private static func addGrant(_ call: APICall) async throws -> APIReply {
    let (id, grant, now) = (call.number(), try call.grant(), call.now)
    // Who administers a part grants on that part only.
    let sight = call.sight
    let made = try await call.write { transaction in
      guard sight.contains(grant.extent, try Places(transaction).names) else {
        throw Problem.forbidden(.administer)
      }
      let number = try transaction.grant(grant, to: id)
      return try transaction.grants(of: id, at: now).first { $0.grant.id == number }
    }
    guard let made else { throw Problem.notFound("grant", "") }
    return .created(made.json, at: "/api/v1/grants/\(made.grant.id)")
  }

  private static func revokeGrant(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let (id, now) = (call.number(), call.now)
    try await call.write { transaction in
      guard let found = try transaction.grants(at: now).first(where: { $0.grant.id == id }) else {
        throw Problem.notFound("grant", id)
      }
      try call.match(found.json)
      try transaction.revokeGrant(id)
    }
    return .done
  }

  private static func addCode(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let code = try Session.token(call.services.random)
    let (id, ends) = (call.number(), call.now.advanced(milliseconds: 3_600_000))
    try await call.write { transaction in
      _ = try transaction.person(id)
      try transaction.addCode(digest: Session.digest(code), for: id, expiresAt: ends)
    }
    var reply = APIReply.json(["code": .string(code), "expires_at": .string("\(ends)")])
    reply.hasSecret = true
    return reply
  }
}

extension Sight {
  /// Whether all that a grant is about is in sight.
  fileprivate func contains(_ extent: Extent, _ names: [String: [String]]) -> Bool {
    switch extent {
    case .everything: isEverything
    case .account(let account): containsAccount(names[account] ?? [account])
    case .scope(let name): containsScope(name)
    }
  }
}

extension Person {
  fileprivate var json: JSONValue {
    [
      "id": .integer(id), "name": .string(name), "email": .string(email),
      "issuer": .string(issuer), "subject": .string(subject),
      "created_at": .string("\(createdAt)"), "is_disabled": .bool(disabledAt != nil),
    ]
  }
}

extension GrantRecord {
  fileprivate var json: JSONValue {
    var object = grant.json.object ?? [:]
    object["granted_by"] = .string(grantedBy)
    object["granted_at"] = .string("\(begins)")
    return .object(object)
  }
}
