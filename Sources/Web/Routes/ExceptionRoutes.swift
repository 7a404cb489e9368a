import JSON
import Model
import Operations
import Store

/// Failures that are accepted for a time.
enum ExceptionRoutes {
  static let handlers: [String: APIHandler] = [
    "listExceptions": list, "showException": show, "requestException": request,
    "approveException": approve, "revokeException": revoke, "reportExceptions": report,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let state = call["state"]?.string
    let (rule, resource) = (call["rule"]?.string, call["resource"]?.string)
    let scope = call["scope"]?.string
    let now = call.now
    let found = try await call.read { transaction in
      let all = try transaction.exceptions().filter {
        (state == nil || $0.state(at: now).rawValue == state)
          && (rule.map { [id = $0.rule] in Wildcard.matches(id, pattern: $0) } ?? true)
          && (resource == nil || $0.resource == resource) && (scope == nil || $0.scope == scope)
      }
      return try seen(all, transaction, call)
    }
    return try call.page(found.map { $0.json(at: now) }, sorts: ["id", "expires_at", "rule"])
  }

  /// Those of some exceptions that are wholly in the caller's sight.
  private static func seen(
    _ exceptions: [ExceptionRecord],
    _ transaction: StoreTransaction,
    _ call: APICall
  ) throws -> [ExceptionRecord] {
    if call.sight.isEverything { return exceptions }
    let horizon = try Horizon(transaction, sight: call.sight, at: call.now)
    let resources = try horizon.seen(ofResources: exceptions.map(\.resource))
    return exceptions.filter {
      (!$0.scope.isEmpty && horizon.seesScope($0.scope)) || resources.contains($0.resource)
    }
  }

  private static func find(_ transaction: StoreTransaction, _ call: APICall) throws
    -> ExceptionRecord
  {
    guard let found = try seen([transaction.exception(call.number())], transaction, call).first
    else { throw Problem.notFound("exception", "EX-\(call.number())") }
    return found
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    .tagged(try await call.read { try find($0, call) }.json(at: call.now))
  }

  private static func request(_ call: APICall) async throws -> APIReply {
    let body = call.body
    func text(_ name: String) -> String { body[name]?.string ?? "" }
    let written = text("rule")
    let shipped = try call.services.content().rules.first {
      $0.id == written || $0.aliases.contains(written)
    }
    let request = ExceptionRequest(
      rule: shipped?.id ?? written,
      resource: text("resource"),
      scope: text("scope"),
      reason: text("reason"),
      owner: text("owner"),
      compensatingControl: text("compensating_control"),
      expiresAt: Instant(text("expires_at")) ?? call.now
    )
    let isShipped = shipped != nil
    let made = try await call.write { transaction in
      let horizon = try Horizon(transaction, sight: call.sight, at: call.now)
      guard try horizon.sees(resource: request.resource, scope: request.scope) else {
        throw Problem.forbidden(.edit)
      }
      if !isShipped,
        try !transaction.documents(.rule, at: call.now).contains(where: { $0.name == request.rule }
        ),
        try !transaction.goals().values.contains(where: { $0.rule == request.rule })
      {
        throw Problem(
          422,
          "refused",
          "There is no such rule",
          "there is no rule \"\(request.rule)\""
        )
      }
      return try transaction.exception(transaction.request(request))
    }
    return .created(made.json(at: call.now), at: "/api/v1/exceptions/\(made.id)")
  }

  private static func approve(_ call: APICall) async throws -> APIReply {
    let approved = try await call.write { transaction in
      let exception = try find(transaction, call)
      try transaction.approveException(exception.id)
      return try transaction.exception(exception.id)
    }
    return .json(approved.json(at: call.now))
  }

  private static func revoke(_ call: APICall) async throws -> APIReply {
    try await call.write { transaction in
      let exception = try find(transaction, call)
      try call.match(exception.json(at: call.now))
      try transaction.revokeException(exception.id)
    }
    return .done
  }

  private static func report(_ call: APICall) async throws -> APIReply {
    let now = call.now
    let report = try await call.read { transaction in
      var report = try ExceptionReport(transaction, at: now)
      let all = report.unused + report.expiring + report.requested
      let ids = Set(
        try seen(all + report.orphaned.map(\.exception), transaction, call).map(\.id)
      )
      report.unused.removeAll { !ids.contains($0.id) }
      report.expiring.removeAll { !ids.contains($0.id) }
      report.requested.removeAll { !ids.contains($0.id) }
      report.orphaned.removeAll { !ids.contains($0.exception.id) }
      return report
    }
    func list(_ records: [ExceptionRecord]) -> JSONValue {
      .array(records.map { $0.json(at: now) })
    }
    let orphaned = report.orphaned.map { orphan -> JSONValue in
      ["exception": orphan.exception.json(at: now), "reason": .string(orphan.reason)]
    }
    return .json(
      [
        "unused": list(report.unused), "orphaned": .array(orphaned),
        "ending_soon": list(report.expiring), "waiting": list(report.requested),
      ]
    )
  }
}
