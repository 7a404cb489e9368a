internal import JSON
package import Model

/// An exception with its life so far.
package struct ExceptionRecord: Sendable, Hashable {
  package var id: Int64
  package var rule: String
  package var resource: String
  package var scope: String
  package var reason: String
  package var owner: String
  package var requester: String
  package var compensatingControl: String
  package var requestedAt: Instant
  package var expiresAt: Instant
  package var approver: String?
  package var approvedAt: Instant?
  package var revokedBy: String?
  package var revokedAt: Instant?

  /// Where an exception is in its life.
  package enum State: String, Sendable { case requested, approved, expired, revoked }

  /// Its state at an instant.
  package func state(at instant: Instant) -> State {
    if let revokedAt, revokedAt <= instant { return .revoked }
    if expiresAt <= instant { return .expired }
    if let approvedAt, approvedAt <= instant { return .approved }
    return .requested
  }

  /// How people name it.
  package var name: String { "EX-\(id)" }

  /// The exception over the interval in which it is in force; nil before anybody approved it.
  package var approved: Exception? {
    guard let approver, let approvedAt else { return nil }
    return Exception(
      id: name,
      rule: rule,
      resource: resource,
      reason: reason,
      owner: owner,
      requester: requester,
      approver: approver,
      compensatingControl: compensatingControl,
      scope: scope,
      begins: approvedAt,
      ends: min(expiresAt, revokedAt ?? .never)
    )
  }
}

/// What somebody asks to be excepted.
package struct ExceptionRequest: Sendable {
  package var rule: String
  package var resource: String
  package var scope: String
  package var reason: String
  package var owner: String
  package var compensatingControl: String
  package var expiresAt: Instant

  package init(
    rule: String,
    resource: String,
    scope: String,
    reason: String,
    owner: String,
    compensatingControl: String,
    expiresAt: Instant
  ) {
    self.rule = rule
    self.resource = resource
    self.scope = scope
    self.reason = reason
    self.owner = owner
    self.compensatingControl = compensatingControl
    self.expiresAt = expiresAt
  }
}

// What people decide: exceptions.
extension StoreTransaction {
  /// Requests an exception, and returns its number.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` for one without a reason, an owner or a compensating
  ///   control, or that would have ended already.
  package func request(_ request: ExceptionRequest) throws -> Int64 {
    for (name, text) in [
      ("rule", request.rule), ("resource", request.resource), ("reason", request.reason),
      ("owner", request.owner), ("compensating control", request.compensatingControl),
      ("requester", actor),
    ] where text.allSatisfy(\.isWhitespace) {
      throw StoreError.conflict("an exception needs a \(name)")
    }
    guard request.expiresAt > now, !request.expiresAt.isNever else {
      throw StoreError.conflict("an exception needs an expiry after \(now)")
    }
    guard try request.scope.isEmpty || scopes(at: now).contains(where: { $0.name == request.scope })
    else { throw StoreError.notFound(kind: "scope", name: request.scope) }
    let id = try take(of: "exception")
    try session.run(
      """
      INSERT INTO exceptions (id, rule, resource, scope, reason, owner, requester,
        compensating_control, requested_at, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
      """,
      [
        .integer(id), .text(request.rule), .text(request.resource), .text(request.scope),
        .text(request.reason), .text(request.owner), .text(actor),
        .text(request.compensatingControl), now.value, request.expiresAt.value,
      ]
    )
    try record(
      "exception.request",
      "EX-\(id)",
      [
        "rule": .string(request.rule), "resource": .string(request.resource),
        "expires": .string("\(request.expiresAt)"), "reason": .string(request.reason),
      ]
    )
    return id
  }

  /// Approves a requested exception.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` when the approver is the requester, or the exception is
  ///   not waiting for approval.
  package func approveException(_ id: Int64) throws {
    let exception = try self.exception(id)
    guard !Exception.isSamePerson(exception.requester, actor) else {
      throw StoreError.conflict(
        "\(exception.name) was requested by \(exception.requester); another person must approve it"
      )
    }
    guard exception.requestedAt <= now else {
      throw StoreError.conflict(
        "\(exception.name) was requested at \(exception.requestedAt), after \(now)"
      )
    }
    guard exception.approvedAt == nil, exception.state(at: now) == .requested else {
      throw StoreError.conflict("\(exception.name) is \(exception.state(at: now).rawValue)")
    }
    let changed = try session.run(
      """
      UPDATE exceptions SET approver = $2, approved_at = $3
      WHERE id = $1 AND approved_at IS NULL AND revoked_at IS NULL
      """,
      [.integer(id), .text(actor), now.value]
    )
    guard changed == 1 else {
      throw StoreError.conflict("\(exception.name) was decided by somebody else meanwhile")
    }
    try record("exception.approve", exception.name)
  }

  /// Ends an exception now, or withdraws a request.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` when it has ended.
  package func revokeException(_ id: Int64) throws {
    let exception = try self.exception(id)
    let latest = max(exception.requestedAt, exception.approvedAt ?? exception.requestedAt)
    guard latest <= now else {
      throw StoreError.conflict("\(exception.name) was decided on at \(latest), after \(now)")
    }
    let state = exception.state(at: now)
    guard state == .requested || state == .approved else {
      throw StoreError.conflict("\(exception.name) is \(state.rawValue)")
    }
    try session.run(
      "UPDATE exceptions SET revoked_by = $2, revoked_at = $3 WHERE id = $1",
      [.integer(id), .text(actor), now.value]
    )
    try record("exception.revoke", exception.name)
  }

  /// Every exception, by number.
  package func exceptions() throws -> [ExceptionRecord] {
    try session.rows(Self.exceptionColumns + " ORDER BY id", [], Self.exception)
  }

  /// One exception.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func exception(_ id: Int64) throws -> ExceptionRecord {
    let question = Self.exceptionColumns + " WHERE id = $1"
    guard let found = try session.first(question, [.integer(id)], Self.exception) else {
      throw StoreError.notFound(kind: "exception", name: "EX-\(id)")
    }
    return found
  }

  /// The exceptions that were approved by an instant and end after it.
  package func exceptionsInForce(at instant: Instant) throws -> [Exception] {
    try session.rows(
      Self.exceptionColumns + " WHERE approved_at <= $1 AND expires_at > $1 ORDER BY id",
      [instant.value],
      Self.exception
    ).compactMap(\.approved).filter { $0.isInForce(at: instant) }
  }

  private static let exceptionColumns = """
    SELECT id, rule, resource, scope, reason, owner, requester, compensating_control, requested_at,
      expires_at, approver, approved_at, revoked_by, revoked_at FROM exceptions
    """

  private static func exception(_ row: any SQLRow) -> ExceptionRecord {
    ExceptionRecord(
      id: row.integer(0),
      rule: row.text(1),
      resource: row.text(2),
      scope: row.text(3),
      reason: row.text(4),
      owner: row.text(5),
      requester: row.text(6),
      compensatingControl: row.text(7),
      requestedAt: row.instant(8),
      expiresAt: row.instant(9),
      approver: row.optionalText(10),
      approvedAt: row.optionalInstant(11),
      revokedBy: row.optionalText(12),
      revokedAt: row.optionalInstant(13)
    )
  }
}
