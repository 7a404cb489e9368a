import JSON
import Model
import Operations
import Store

/// What people say of resources and scopes.
enum MarkRoutes {
  static let handlers: [String: APIHandler] = [
    "listMarks": list, "showMark": show, "putMark": put, "removeMark": remove,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let (subject, name) = (call["subject"]?.string, call["name"]?.string)
    let kind = call["mark"]?.string
    let instant = call.instant()
    let found = try await call.read { transaction in
      let marks = try transaction.marks(at: instant).filter {
        (subject == nil || $0.subject.rawValue == subject) && (name == nil || $0.name == name)
          && (kind == nil || $0.kind.rawValue == kind)
      }
      return try seen(marks, transaction, call)
    }
    return try call.page(found.map(\.json), sorts: ["name", "mark"])
  }

  /// Those of some marks whose subjects are wholly in the caller's sight.
  private static func seen(
    _ marks: [Mark],
    _ transaction: StoreTransaction,
    _ call: APICall
  ) throws -> [Mark] {
    if call.sight.isEverything { return marks }
    let horizon = try Horizon(transaction, sight: call.sight, at: call.now)
    let resources = try horizon.seen(
      ofResources: marks.filter { $0.subject == .resource }.map(\.name)
    )
    return marks.filter {
      $0.subject == .scope ? horizon.seesScope($0.name) : resources.contains($0.name)
    }
  }

  /// The mark that the path and the query name, without a value.
  private static func asked(_ call: APICall) throws -> Mark {
    guard let subject = Mark.Subject(rawValue: call.text("subject")),
      let kind = Mark.Kind(rawValue: call.text("mark"))
    else { throw Problem.notFound("mark", call.text("mark")) }
    return Mark(subject: subject, name: call.text("name"), kind: kind, value: "")
  }

  private static func present(_ mark: Mark, _ transaction: StoreTransaction, _ call: APICall) throws
    -> Mark?
  {
    try transaction.marks(at: call.now).first {
      $0.subject == mark.subject && $0.name == mark.name && $0.kind == mark.kind
    }
  }

  private static func find(_ transaction: StoreTransaction, _ call: APICall) throws -> Mark {
    let mark = try asked(call)
    guard let found = try present(mark, transaction, call),
      try !seen([found], transaction, call).isEmpty
    else { throw Problem.notFound("mark", mark.name) }
    return found
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    .tagged(try await call.read { try find($0, call) }.json)
  }

  private static func put(_ call: APICall) async throws -> APIReply {
    var mark = try asked(call)
    mark.value = call.body["value"]?.string ?? ""
    if let values = mark.kind.values, !values.contains(mark.value) {
      throw Problem.invalid("/value", "must be one of \(values.joined(separator: ", "))")
    }
    let wanted = mark
    try await call.write { transaction in
      guard try !seen([wanted], transaction, call).isEmpty else { throw Problem.forbidden(.edit) }
      if let former = try present(wanted, transaction, call) {
        try call.match(former.json)
      } else if call.text("If-Match") != "*" {
        throw Problem.notFound("mark", wanted.name)
      }
      try transaction.set(wanted)
    }
    return .tagged(wanted.json)
  }

  private static func remove(_ call: APICall) async throws -> APIReply {
    try await call.write { transaction in
      var mark = try find(transaction, call)
      try call.match(mark.json)
      mark.value = ""
      try transaction.set(mark)
    }
    return .done
  }
}
