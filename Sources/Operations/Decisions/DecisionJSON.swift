package import JSON
package import Model
package import Store

// Decisions of people as JSON, the same on the command line and through the API.

extension ExceptionRecord {
  /// The exception as of an instant.
  package func json(at instant: Instant) -> JSONValue {
    var object: JSONObject = [
      "id": .integer(id), "name": .string(name), "state": .string(state(at: instant).rawValue),
      "rule": .string(rule), "resource": .string(resource), "scope": .string(scope),
      "reason": .string(reason), "owner": .string(owner),
      "compensating_control": .string(compensatingControl), "requester": .string(requester),
      "requested_at": .string("\(requestedAt)"), "expires_at": .string("\(expiresAt)"),
    ]
    object["approver"] = approver.map { .string($0) }
    object["approved_at"] = approvedAt.map { .string("\($0)") }
    object["revoked_by"] = revokedBy.map { .string($0) }
    object["revoked_at"] = revokedAt.map { .string("\($0)") }
    return .object(object)
  }
}

extension Attestation {
  /// What has become of it by an instant: waiting, not yet begun, in force or ended.
  package func state(at instant: Instant) -> String {
    if isInForce(at: instant) { return "in force" }
    guard let approvedAt, approvedAt <= instant else { return "waiting" }
    return instant < periodBegins ? "not yet begun" : "ended"
  }

  /// The attestation as of an instant.
  package func json(at instant: Instant) -> JSONValue {
    var object: JSONObject = [
      "id": .integer(id), "profile": .string(profile), "version": .string(version),
      "control": .string(control), "scope": .string(scope), "met": .bool(isMet),
      "state": .string(state(at: instant)), "statement": .string(statement),
      "evidence_name": .string(evidenceName), "evidence_sha256": .string(evidenceDigest),
      "observed_at": .string("\(observedAt)"), "received_at": .string("\(receivedAt)"),
      "period_from": .string("\(periodBegins)"), "period_to": .string("\(periodEnds)"),
      "attested_by": .string(attestedBy),
    ]
    object["approved_by"] = approvedBy.map { .string($0) }
    object["approved_at"] = approvedAt.map { .string("\($0)") }
    return .object(object)
  }
}

extension Mark {
  /// The mark.
  package var json: JSONValue {
    [
      "subject": .string(subject.rawValue), "name": .string(name),
      "mark": .string(kind.rawValue), "value": .string(value),
    ]
  }
}

extension AuditEntry {
  /// The entry, with the digests by which entries are chained.
  package var json: JSONValue {
    [
      "number": .integer(number), "at": .string("\(at)"), "actor": .string(actor),
      "action": .string(action), "subject": .string(subject),
      "detail": (try? JSONValue(parsing: detail)) ?? [:], "sha256": .string(digest),
      "previous_sha256": .string(previous),
    ]
  }
}
