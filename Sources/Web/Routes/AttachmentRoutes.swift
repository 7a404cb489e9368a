import JSON
import Model
import Operations
import Store

/// Profiles attached to scopes.
enum AttachmentRoutes {
  static let handlers: [String: APIHandler] = [
    "listAttachments": list, "showAttachment": show, "attach": attach, "detach": detach,
    "listRuns": listRuns, "runAttachment": run, "showSchedule": showSchedule,
    "pauseAttachment": pause, "resumeAttachment": resume,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let (instant, sight) = (call.instant(), call.sight)
    let (scope, profile) = (call["scope"]?.string, call["profile"]?.string)
    let recurring = call["recurring"]?.bool
    let found = try await call.read { try ScheduledAttachment.all($0, at: instant) }.filter {
      sight.containsScope($0.attachment.scope) && (scope == nil || $0.attachment.scope == scope)
        && (profile == nil || $0.attachment.profile == profile)
        && (recurring == nil || !$0.attachment.schedule.isEmpty == recurring)
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
    guard let profile = try await call.profile(name) else {
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
      rules: try await call.read { try $0.rules(beside: content.rules, at: now) }
    )
    let schedule = try schedule(body["schedule"]?.string ?? "")
    let made = try await call.write { transaction in
      let number = try transaction.attach(
        profile,
        to: scope,
        parameters: settings,
        schedule: schedule
      )
      return try ScheduledAttachment.find(number, transaction, at: now)
    }
    return .created(made.json, at: "/api/v1/attachments/\(made.attachment.id)")
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
      let found = try find(transaction, call)
      try call.match(found.json)
      try transaction.detach(found.attachment.id)
    }
    return .done
  }

  /// The attachment that the path names, if the caller sees its scope.
  private static func find(
    _ transaction: StoreTransaction,
    _ call: APICall
  ) throws -> ScheduledAttachment {
    let found = try ScheduledAttachment.find(call.number(), transaction, at: call.now)
    guard call.sight.containsScope(found.attachment.scope) else {
      throw Problem.notFound("attachment", call.number())
    }
    return found
  }

  private static func listRuns(_ call: APICall) async throws -> APIReply {
    try await call.page { transaction, before, limit in
      let attachment = try find(transaction, call).attachment.id
      return try transaction.runs(of: attachment, before: before, limit: limit).map {
        ($0.id, $0.json)
      }
    }
  }

  private static func run(_ call: APICall) async throws -> APIReply {
    let providers = call.services.providers
    let (run, hidden) = try await call.write { transaction in
      let attachment = try find(transaction, call).attachment.id
      var run = try Scheduler.run(attachment, of: providers, transaction, at: call.now)
      let (count, names) = (run.jobs.count, try Places(transaction).names)
      run.jobs.removeAll { !call.sight.contains($0.target, names) }
      return (run, count - run.jobs.count)
    }
    var object = run.json.object ?? [:]
    // Accounts of the scope that the caller does not see whole are scanned without being named.
    object["jobs_out_of_sight"] = .integer(Int64(hidden))
    return .json(.object(object))
  }

  private static func showSchedule(_ call: APICall) async throws -> APIReply {
    .json(try await call.read { try find($0, call).schedule($0) })
  }

  private static func pause(_ call: APICall) async throws -> APIReply {
    let until = call.body["until"]?.string.flatMap { Instant($0) } ?? .never
    return try await change(call) { try $0.pause(attachment: $1, until: until) }
  }

  private static func resume(_ call: APICall) async throws -> APIReply {
    try await change(call) { try $0.resume(attachment: $1) }
  }

  private static func change(
    _ call: APICall,
    _ body: @Sendable @escaping (StoreTransaction, Int64) throws -> Void
  ) async throws -> APIReply {
    let schedule = try await call.write { transaction in
      try body(transaction, find(transaction, call).attachment.id)
      return try find(transaction, call).schedule(transaction)
    }
    return .json(schedule)
  }
}
