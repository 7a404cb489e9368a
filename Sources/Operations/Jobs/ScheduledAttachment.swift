package import JSON
package import Model
package import Store

/// An attachment with what its schedule has to go by, and when it is validated next.
package struct ScheduledAttachment: Sendable {
  package let attachment: Attachment
  package let state: ScheduleState
  /// Nil where nothing comes round by itself.
  package let nextDue: Instant?

  /// An attachment as it is at an instant.
  package init(_ attachment: Attachment, _ state: ScheduleState?, at now: Instant) {
    let state = state ?? ScheduleState()
    (self.attachment, self.state) = (attachment, state)
    // What is paused for good comes round no more; what is paused for a while does after that.
    let start = state.isPaused ? state.pausedUntil : now
    nextDue = start.flatMap { start in
      (try? Schedule(attachment.schedule))?.nextDue(after: start, since: attachment.begins)
    }
  }

  /// Every attachment of an instant.
  package static func all(
    _ transaction: StoreTransaction,
    at now: Instant
  ) throws -> [ScheduledAttachment] {
    let states = try transaction.scheduleStates(at: now)
    return try transaction.attachments(at: now).map { attachment in
      ScheduledAttachment(attachment, states[attachment.id], at: now)
    }
  }

  /// One attachment of an instant.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package static func find(
    _ id: Int64,
    _ transaction: StoreTransaction,
    at now: Instant
  ) throws -> ScheduledAttachment {
    guard let found = try all(transaction, at: now).first(where: { $0.attachment.id == id }) else {
      throw StoreError.notFound(kind: "attachment", name: "\(id)")
    }
    return found
  }

  /// The attachment, and when it is validated next.
  package var json: JSONValue {
    var object = attachment.json.object ?? [:]
    object["paused"] = .bool(state.isPaused)
    object["next_due"] = nextDue.json
    return .object(object)
  }

  /// Where its schedule stands: what ran, what comes, and who paused it.
  package func schedule(_ transaction: StoreTransaction) throws -> JSONValue {
    let last = try transaction.runs(of: attachment.id, limit: 1).first
    let pausedBy =
      state.isPaused ? try transaction.pauser(of: attachment.id, since: state.pausedAt) : nil
    return [
      "attachment": .integer(attachment.id), "schedule": .string(attachment.schedule),
      "next_due": nextDue.json, "last_due": state.lastDue.json, "last_run": last?.json ?? .null,
      "paused": .bool(state.isPaused), "paused_at": state.pausedAt.json,
      "paused_until": state.pausedUntil.json,
      "paused_by": pausedBy.map { .string($0) } ?? .null,
      "resumed_at": state.resumedAt.json,
    ]
  }
}

extension Attachment {
  /// The attachment with its parameters by rule.
  package var json: JSONValue {
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

extension Instant? {
  fileprivate var json: JSONValue { map { .string("\($0)") } ?? .null }
}
