import JSON
import Model
import Operations
import Store

/// Findings of every source and their kinds.
enum FindingRoutes {
  static let handlers: [String: APIHandler] = [
    "listFindings": list, "exportFindings": export, "showFinding": show, "addFinding": add,
    "changeFinding": change, "listFindingChanges": changes, "countFindings": count,
    "listNotes": listNotes, "showNote": showNote, "addNote": addNote,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    try await page(call) { .object($0.summary) }
  }

  private static func export(_ call: APICall) async throws -> APIReply {
    let version = call.services.version
    return try await page(call) { $0.finding.ocsf(product: version) }
  }

  private static func page(
    _ call: APICall,
    _ json: @Sendable @escaping (KeptFinding) -> JSONValue
  ) async throws -> APIReply {
    let filter = try filter(call)
    return try await call.page { transaction, before, limit in
      let sight = try FindingSight(transaction, sight: call.sight, at: call.now)
      return try transaction.findings(filter, before: before, limit: limit).map { kept in
        (kept.id, sight.sees(kept.finding) ? json(kept) : nil)
      }
    }
  }

  private static func filter(_ call: APICall) throws -> FindingFilter {
    var filter = FindingFilter()
    filter.states = Set(call.texts("state"))
    filter.severity =
      call["severity"]?.string.flatMap { FindingSeverity(rawValue: $0) } ?? .informational
    filter.sources = Set(call.texts("source").compactMap { FindingSource(rawValue: $0) })
    filter.provider = call["provider"]?.string
    filter.note = call["note"]?.string
    filter.account = call["account"]?.string
    filter.resource = call["resource"]?.string
    filter.address = try call.address("address")
    filter.from = call["from"]?.string.flatMap { Instant($0) }
    filter.to = call["to"]?.string.flatMap { Instant($0) }
    return filter
  }

  private static func find(_ transaction: StoreTransaction, _ call: APICall) throws -> KeptFinding {
    let kept = try transaction.finding(call.number())
    guard try FindingSight(transaction, sight: call.sight, at: call.now).sees(kept.finding) else {
      throw Problem.notFound("finding", call.number())
    }
    return kept
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    .tagged(try await call.read { try find($0, call) }.json)
  }

  private static func changes(_ call: APICall) async throws -> APIReply {
    let found = try await call.read { transaction in
      try transaction.changes(ofFinding: try find(transaction, call).id)
    }
    return try call.page(found.map(\.json))
  }

  private static func change(_ call: APICall) async throws -> APIReply {
    let (state, reason) = (call.body["state"]?.string ?? "", call.body["reason"]?.string ?? "")
    let changed = try await call.write { transaction in
      let kept = try find(transaction, call)
      try call.match(kept.json)
      try transaction.decide(finding: kept.id, to: state, reason: reason)
      return try transaction.finding(kept.id)
    }
    return .tagged(changed.json)
  }

  private static func add(_ call: APICall) async throws -> APIReply {
    let body = call.body
    let name = body["note"]?.string ?? ""
    let kept = try await call.write { transaction in
      guard let note = try transaction.note(.custom, name) else {
        throw Problem.invalid("/note", "is no custom kind of finding; POST /api/v1/notes adds it")
      }
      let finding = try CustomFinding.finding(body, of: note.note, at: call.now)
      let sight = try FindingSight(transaction, sight: call.sight, at: call.now)
      guard sight.sees(finding) else { throw Problem.forbidden(.edit) }
      _ = try transaction.keep([finding])
      guard let kept = try transaction.finding(ofCause: finding.causeID) else {
        throw StoreError.damaged("the finding is gone")
      }
      return kept
    }
    return .created(kept.json, at: "/api/v1/findings/\(kept.id)")
  }

  private static func count(_ call: APICall) async throws -> APIReply {
    let filter = try filter(call)
    let counts = try await call.read { transaction in
      FindingCounts(try seen(transaction, call, filter))
    }
    return .json(counts.json)
  }

  private static func seen(
    _ transaction: StoreTransaction,
    _ call: APICall,
    _ filter: FindingFilter
  ) throws -> [KeptFinding] {
    let sight = try FindingSight(transaction, sight: call.sight, at: call.now)
    return try transaction.findings(filter, withEvidence: false).filter { sight.sees($0.finding) }
  }

  // MARK: - Kinds

  private static func listNotes(_ call: APICall) async throws -> APIReply {
    let source = call["source"]?.string.flatMap { FindingSource(rawValue: $0) }
    let found = try await call.read { transaction in
      var filter = FindingFilter()
      if let source { filter.sources = [source] }
      let counts = FindingCounts(try seen(transaction, call, filter))
      return try transaction.notes().filter { source == nil || $0.note.source == source }.map {
        $0.json(counts)
      }
    }
    return try call.page(found, sorts: ["id", "open", "note"])
  }

  private static func showNote(_ call: APICall) async throws -> APIReply {
    let found = try await call.read { transaction in
      let note = try transaction.note(call.number())
      var filter = FindingFilter()
      filter.note = note.note.id
      return note.json(FindingCounts(try seen(transaction, call, filter)))
    }
    return .tagged(found)
  }

  private static func addNote(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let note = CustomFinding.note(call.body)
    let kept = try await call.write { transaction in
      if let other = try transaction.notes().first(where: { $0.note.id == note.id }),
        other.note.source != .custom
      {
        throw StoreError.conflict(
          "\"\(note.id)\" is a kind of Plumbline's own (\(other.note.source.rawValue)); take another name"
        )
      }
      return try transaction.note(try transaction.keep(note))
    }
    let counts = try await call.read { transaction in
      var filter = FindingFilter()
      (filter.note, filter.sources) = (note.id, [.custom])
      return FindingCounts(try seen(transaction, call, filter))
    }
    return .created(kept.json(counts), at: "/api/v1/notes/\(kept.id)")
  }
}

extension KeptNote {
  /// The kind with how many findings of it there are.
  fileprivate func json(_ counts: FindingCounts) -> JSONValue {
    var object = json
    for (key, value) in (counts.notes[id] ?? FindingCounts.OfNote()).json.members {
      object[key] = value
    }
    return .object(object)
  }
}
