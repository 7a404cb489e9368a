import JSON
import Model
import Operations
import Store

/// What scans sign in with; secrets only go in.
enum CredentialRoutes {
  static let handlers: [String: APIHandler] = [
    "listCredentials": list, "showCredential": show, "addCredential": add,
    "rotateCredential": rotate, "revokeCredential": revoke,
    "testCredential": test,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let (provider, state) = (call["provider"]?.string, call["state"]?.string)
    let found = try await call.read { transaction in
      let horizon = try Horizon(transaction, sight: call.sight, at: call.now)
      return try transaction.credentials().filter {
        horizon.sees($0) && (provider == nil || $0.provider == provider)
          && (state == nil || $0.state == state)
      }
    }
    return try call.page(found.map(\.json), sorts: ["name", "created_at"])
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    .tagged(try await call.read { try find($0, call) }.json)
  }

  private static func find(_ transaction: StoreTransaction, _ call: APICall) throws
    -> CredentialRecord
  {
    let name = call.text("name")
    let found = try transaction.credential(name)
    guard try Horizon(transaction, sight: call.sight, at: call.now).sees(found) else {
      throw Problem.notFound("credential", name)
    }
    return found
  }

  private static func add(_ call: APICall) async throws -> APIReply {
    let body = call.body
    let (name, provider) = (body["name"]?.string ?? "", body["provider"]?.string ?? "")
    var details = body["details"]?.object ?? [:]
    let secrets = try secrets(body["secret"] ?? [:], of: provider, &details, at: "/secret")
    if provider == "ibm", let odd = details.members.first(where: { !forAll.contains($0.key) }) {
      throw Problem.invalid("/details/\(odd.key)", "is for aws, not for ibm")
    }
    if provider == "aws", details["access_key_id"] == nil {
      throw Problem.invalid("/details/access_key_id", "is missing: the id of the secret's key")
    }
    let account = details["account"]?.string
    let isInSight = try await call.read { transaction in
      let horizon = try Horizon(transaction, sight: call.sight, at: call.now)
      return account.map(horizon.seesAccount) ?? horizon.sight.isEverything
    }
    // Whoever names an endpoint decides where requests of this server go.
    guard isInSight, details["endpoint"] == nil || call.sight.isEverything else {
      throw Problem.forbidden(.administer)
    }
    try await call.services.keeper.add(
      name,
      provider: provider,
      details: details,
      secrets: secrets,
      by: call.principal.name,
      at: call.now
    )
    // The keeper has transactions of its own; this one notes the request's Idempotency-Key.
    let made = try await call.write { try $0.credential(name) }
    return .created(made.json, at: "/api/v1/credentials/\(name)")
  }

  private static let forAll = ["account", "endpoint"]

  /// The secrets that a body holds, by field; an access key's id goes to the details.
  private static func secrets(
    _ written: JSONValue,
    of provider: String,
    _ details: inout JSONObject,
    at pointer: String
  ) throws -> [String: Secret] {
    let fields = provider == "aws" ? ["secret_access_key", "session_token"] : ["api_key"]
    var secrets: [String: Secret] = [:]
    for (name, value) in written.object?.members ?? [] {
      if name == "access_key_id", provider == "aws" {
        details[name] = value
        continue
      }
      guard fields.contains(name) else {
        throw Problem.invalid("\(pointer)/\(name)", "is not for \(provider)")
      }
      secrets[name] = Secret(value.string ?? "")
    }
    guard secrets[fields[0]] != nil else {
      throw Problem.invalid("\(pointer)/\(fields[0])", "is missing")
    }
    return secrets
  }

  private static func rotate(_ call: APICall) async throws -> APIReply {
    let former = try await call.read { try find($0, call) }
    guard former.revokedAt == nil else {
      throw StoreError.conflict("the credential \"\(former.name)\" was revoked; add another")
    }
    var details = former.details
    let secrets = try secrets(call.body, of: former.provider, &details, at: "")
    // Refuses where somebody else replaced the secret since it was read above.
    try await call.services.keeper.replace(
      former,
      details: details,
      secrets: secrets,
      test: nil,
      by: call.principal.name,
      at: call.now,
      check: { try call.match(find($0, call).json) }
    )
    return .tagged(try await call.read { try $0.credential(former.name) }.json)
  }

  private static func test(_ call: APICall) async throws -> APIReply {
    let record = try await call.read { try find($0, call) }
    // Signing in takes as long as the provider does; nothing is held meanwhile.
    let test = try await call.services.test(record)
    try await call.write { try $0.note(test, of: record.name, version: record.version) }
    return .json(test.json)
  }

  private static func revoke(_ call: APICall) async throws -> APIReply {
    try await call.write { transaction in
      let credential = try find(transaction, call)
      try call.match(credential.json)
      try transaction.revokeCredential(credential.name)
    }
    return .done
  }
}

extension Horizon {
  /// Whether the account of a credential is in sight; one without an account is everybody's.
  fileprivate func sees(_ credential: CredentialRecord) -> Bool {
    // The secrets of a channel are that channel's.
    if credential.provider == CredentialRecord.channels { return false }
    return sight.isEverything || credential.details["account"]?.string.map(seesAccount) ?? false
  }
}
