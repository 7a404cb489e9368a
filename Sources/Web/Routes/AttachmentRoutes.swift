import JSON
import Model
import Operations
import Store

/// Profiles attached to scopes.
enum AttachmentRoutes {
  static let handlers: [String: APIHandler] = [
    "listAttachments": list, "showAttachment": show, "attach": attach, "detach": detach,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let (instant, sight) = (call.instant(), call.sight)
    let (scope, profile) = (call["scope"]?.string, call["profile"]?.string)
    let found = try await call.read { try $0.attachments(at: instant) }.filter {
      sight.containsScope($0.scope) && (scope == nil || $0.scope == scope)
        && (profile == nil || $0.profile == profile)
    }
    return try call.page(found.map(\.json), sorts: ["id", "profile", "scope"])
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    .tagged(try await call.read { try find($0, call) }.json)
  }

  private static func attach(_ call: APICall) async throws -> APIReply {
    let (body, now) = (call.body, call.now)
    let (name, scope) = (body["profile"]?.string ?? "", body["scope"]?.string ?? "")
    guard call.sight.containsScope(scope) else { throw Problem.forbidden(.edit) }
    let content = try call.services.content()
    guard let profile = AttachmentCheck.profile(name, of: content.profiles) else {
      throw Problem(422, "refused", "There is no such profile", "there is no profile \"\(name)\"")
    }
    let written = body["parameters"]?.object?.members ?? []
    let settings = try AttachmentCheck.settings(
      Dictionary(
        written.map { rule, values in
          (rule, Dictionary((values.object?.members ?? []).map { ($0, $1) }) { $1 })
        }
      ) { $1 },
      for: profile,
      rules: content.rules
    )
    let schedule = try schedule(body["schedule"]?.string ?? "")
    let made = try await call.write { transaction in
      let number = try transaction.attach(
        profile,
        to: scope,
        parameters: settings,
        schedule: schedule
      )
      return try transaction.attachments(at: now).first { $0.id == number }
    }
    guard let made else { throw Problem.notFound("attachment", "") }
    return .created(made.json, at: "/api/v1/attachments/\(made.id)")
  }

  private static func schedule(_ text: String) throws -> String {
    if text.isEmpty { return "" }
    do {
      return try Schedule(text).text
    } catch {
      throw Problem(422, "refused", "What was sent makes no sense here", "\(error)")
    }
  }

  private static func detach(_ call: APICall) async throws -> APIReply {
    try await call.write { transaction in
      let attachment = try find(transaction, call)
      try call.match(attachment.json)
      try transaction.detach(attachment.id)
    }
    return .done
  }

  private static func find(_ transaction: StoreTransaction, _ call: APICall) throws -> Attachment {
    let found = try transaction.attachments(at: call.now).first { $0.id == call.number() }
    guard let found, call.sight.containsScope(found.scope) else {
      throw Problem.notFound("attachment", call.number())
    }
    return found
  }
}

extension Attachment {
  fileprivate var json: JSONValue {
    let settings = parameters.sorted { $0.key < $1.key }.map { rule, values in
      let sorted = values.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
      return (key: rule, value: JSONValue.object(JSONObject(sorted)))
    }
    var object: JSONObject = [
      "id": .integer(id), "profile": .string(profile), "version": .string(version),
      "digest": .string(digest), "scope": .string(scope),
      "parameters": .object(JSONObject(settings)), "schedule": .string(schedule),
      "since": .string("\(begins)"),
    ]
    if !ends.isNever { object["until"] = .string("\(ends)") }
    return .object(object)
  }
}
