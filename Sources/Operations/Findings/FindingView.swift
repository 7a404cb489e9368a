package import JSON
package import Model
package import Store

// Kept findings as JSON, the same on the command line and through the API.

extension KeptFinding {
  /// What is listed of it.
  package var summary: JSONObject {
    var object: JSONObject = ["id": .integer(id), "uid": .string(finding.id)]
    for (key, value) in finding.json.object?.members ?? []
    where !["id", "event", "evidence", "level", "detection_id"].contains(key) {
      object[key] = value
    }
    let vulnerabilities = finding.vulnerabilities
    if !vulnerabilities.isEmpty {
      object["vulnerabilities"] = .array(vulnerabilities.map { .string($0) })
    }
    object["note"] = .string(finding.note.id)
    object["note_number"] = .integer(note)
    object["kept_at"] = .string("\(keptAt)")
    object["updated_at"] = .string("\(updatedAt)")
    if let decision = finding.state.decision {
      object["decided_by"] = .string(decision.actor)
      object["decided_at"] = .string("\(decision.at)")
      object["reason"] = .string(decision.reason)
    }
    return object
  }

  /// All of it.
  package var json: JSONValue {
    var object = summary
    if !finding.note.description.isEmpty {
      object["description"] = .string(finding.note.description)
    }
    if !finding.note.references.isEmpty {
      object["references"] = .array(finding.note.references.map { .string($0) })
    }
    object["evidence"] = finding.evidence.json
    return .object(object)
  }
}

extension FindingChange {
  /// The change.
  package var json: JSONValue {
    var object: JSONObject = [
      "id": .integer(id), "change": .string(kind.rawValue), "at": .string("\(at)"),
      "by": .string(actor), "state": .string(state), "severity": .string(severity.rawValue),
    ]
    object["seen_at"] = seenAt.map { .string("\($0)") }
    if !reason.isEmpty { object["reason"] = .string(reason) }
    return .object(object)
  }
}

extension KeptNote {
  /// The kind, as it is without its findings.
  package var json: JSONObject {
    var object: JSONObject = [
      "id": .integer(id), "note": .string(note.id), "source": .string(note.source.rawValue),
      "provider": .string(note.provider), "title": .string(note.title),
      "severity": .string(note.severity.rawValue),
    ]
    for (key, value) in note.details.members { object[key] = value }
    object["changed_by"] = .string(changedBy)
    object["changed_at"] = .string("\(changedAt)")
    return object
  }
}

extension FindingsKept {
  /// What became of findings.
  package var json: JSONValue {
    [
      "opened": .integer(Int64(opened)), "reopened": .integer(Int64(reopened)),
      "raised": .integer(Int64(raised)), "mitigated": .integer(Int64(mitigated)),
      "accepted": .integer(Int64(accepted)),
    ]
  }
}

/// What somebody sees of findings.
package struct FindingSight {
  private let sight: Sight
  private let names: [String: [String]]
  private let providers: [String: String]
  private let tree: ScopeTree

  /// What a sight holds of accounts and scopes as they are at an instant.
  package init(_ transaction: StoreTransaction, sight: Sight, at instant: Instant) throws {
    self.sight = sight
    let places = try Places(transaction)
    (names, providers) = (places.names, places.providers)
    tree = ScopeTree(try transaction.scopes(at: instant))
  }

  /// Whether a finding is in sight; one that is about no account is for who sees everything.
  package func sees(_ finding: Finding) -> Bool { sees(finding.entity) }

  private func sees(_ entity: FindingEntity) -> Bool {
    sight.isEverything || sight.contains(place(of: entity), tree)
  }

  /// Those of some accounts that are in sight; nil for all.
  package func accounts(_ accounts: () throws -> [String]) rethrows -> [String]? {
    guard !sight.isEverything else { return nil }
    return try accounts().filter { account in
      var entity = FindingEntity()
      entity.account = account.isEmpty ? nil : account
      return sees(entity)
    }
  }

  /// Whether a finding is about something that is in a scope, or may be, going by what it tells; the empty
  /// name is everything.
  package func mayBeIn(_ scope: String, _ finding: Finding) -> Bool {
    var place = place(of: finding.entity)
    place.unread = ["tag:", "kind", "service", "group"]
    if place.provider.isEmpty { place.unread.insert("provider") }
    if place.region.isEmpty { place.unread.insert("region") }
    if place.id.isEmpty { place.unread.insert("id") }
    return scope.isEmpty || tree.mayContain(place, in: scope, without: [])
  }

  private func place(of entity: FindingEntity) -> Place {
    let account = entity.account.map { names[$0] ?? [$0] } ?? []
    return Place(
      accounts: account,
      provider: entity.account.flatMap { providers[$0] } ?? "",
      region: entity.region ?? "",
      group: "",
      kind: ResourceKind(service: "", kind: ""),
      id: entity.resource ?? ""
    )
  }
}

/// Findings put together by kind, so that one cause of many is one line.
package struct FindingCounts: Sendable {
  /// What there is of one kind.
  package struct OfNote: Sendable {
    package var states: [String: Int] = [:]
    package var severity = FindingSeverity.informational
    package var entities = 0
    package var firstSeen: Instant?
    package var lastSeen: Instant?

    /// Nothing yet.
    package init() {}
  }

  /// By the number of the note.
  package private(set) var notes: [Int64: OfNote] = [:]
  /// How many are open, by source and severity.
  package private(set) var open: [FindingSource: [FindingSeverity: Int]] = [:]
  /// How many there are by state.
  package private(set) var states: [String: Int] = [:]

  /// Counts findings.
  package init(_ findings: some Sequence<KeptFinding>) {
    for kept in findings {
      let finding = kept.finding
      var one = notes[kept.note] ?? OfNote()
      one.states[finding.state.name, default: 0] += 1
      one.entities += 1
      if finding.state == .open { one.severity = max(one.severity, finding.note.severity) }
      if let seen = finding.firstSeen { one.firstSeen = min(one.firstSeen ?? seen, seen) }
      if let seen = finding.lastSeen { one.lastSeen = max(one.lastSeen ?? seen, seen) }
      notes[kept.note] = one
      states[finding.state.name, default: 0] += 1
      if finding.state == .open {
        open[finding.note.source, default: [:]][finding.note.severity, default: 0] += 1
      }
    }
  }

  /// The counts.
  package var json: JSONValue {
    var sources: JSONObject = [:]
    var total: [FindingSeverity: Int] = [:]
    for source in FindingSource.allCases {
      let counts = open[source] ?? [:]
      sources[source.rawValue] = Self.bySeverity(counts)
      total.merge(counts, uniquingKeysWith: +)
    }
    var states: JSONObject = [:]
    for name in FindingState.names { states[name] = .integer(Int64(self.states[name] ?? 0)) }
    return ["states": .object(states), "open": Self.bySeverity(total), "sources": .object(sources)]
  }

  private static func bySeverity(_ counts: [FindingSeverity: Int]) -> JSONValue {
    .object(
      JSONObject(
        FindingSeverity.allCases.reversed().map { ($0.rawValue, .integer(Int64(counts[$0] ?? 0))) }
      )
    )
  }
}

extension FindingCounts.OfNote {
  /// What a note's line tells of its findings.
  package var json: JSONObject {
    var object: JSONObject = [:]
    for name in FindingState.names { object[name] = .integer(Int64(states[name] ?? 0)) }
    object["first_seen"] = firstSeen.map { .string("\($0)") }
    object["last_seen"] = lastSeen.map { .string("\($0)") }
    return object
  }
}

/// Why a finding of somebody else's program is not taken.
package struct CustomFindingError: Error, Sendable {
  /// A JSON pointer to what is wrong.
  package let pointer: String
  package let reason: String

  init(_ pointer: String, _ reason: String) { (self.pointer, self.reason) = (pointer, reason) }
}

/// A finding of somebody else's program, as it is handed in.
package enum CustomFinding {
  /// The kind that a body describes.
  package static func note(_ body: JSONValue) -> FindingNote {
    var note = FindingNote(
      id: body["note"]?.string ?? "",
      title: body["title"]?.string ?? "",
      severity: body["severity"]?.string.flatMap { FindingSeverity(rawValue: $0) } ?? .medium,
      source: .custom,
      provider: body["provider"]?.string ?? ""
    )
    note.take(body.object ?? [:])
    note.name = nil
    return note
  }

  /// How far ahead of this clock that of another program may be, in milliseconds.
  private static let leeway: Int64 = 15 * 60_000

  /// The finding of a kind that a body describes; one without an id is that of its own content.
  ///
  /// - Throws: ``CustomFindingError`` for what is about nothing, or at no time that can be.
  package static func finding(
    _ body: JSONValue,
    of note: FindingNote,
    at now: Instant
  ) throws -> Finding {
    var note = note
    if let severity = body["severity"]?.string.flatMap({ FindingSeverity(rawValue: $0) }) {
      note.severity = severity
    }
    func instant(_ key: String) -> Instant? { body[key]?.string.flatMap { Instant($0) } }
    let entity = FindingEntity(json: body["entity"] ?? [:])
    let names = [entity.actor, entity.resource, entity.sourceIP, entity.account]
    guard names.contains(where: { $0?.isEmpty == false }) else {
      throw CustomFindingError(
        "/entity",
        "must name an actor, a resource, a source_ip or an account"
      )
    }
    let last = instant("last_seen") ?? instant("first_seen") ?? now
    let first = instant("first_seen") ?? last
    guard first <= last else { throw CustomFindingError("/first_seen", "is after last_seen") }
    guard last <= now.advanced(milliseconds: leeway) else {
      let key = instant("last_seen") == nil ? "first_seen" : "last_seen"
      throw CustomFindingError("/\(key)", "lies in the future; it is \(now) here")
    }
    let id = NameUUID.of(["custom", .string(note.id), body["id"] ?? body])
    return Finding(
      id: id,
      note: note,
      entity: entity,
      firstSeen: first,
      lastSeen: last,
      count: body["count"]?.whole ?? 1,
      evidence: FindingEvidence(
        source: "custom.\(note.provider)",
        values: body["evidence"]?.object ?? [:],
        events: []
      )
    )
  }
}
