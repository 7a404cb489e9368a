import JSON
import Model
import Operations
import Store

/// The audit log, which tells of everything and so asks for a role on everything.
enum AuditRoutes {
  static let handlers: [String: APIHandler] = ["listAuditLog": list, "showAuditFault": fault]

  private static func list(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    var query = AuditQuery()
    query.isNewestFirst = call.text("sort") == "-number"
    query.actor = call.text("actor")
    query.action = call.text("action")
    query.subject = call.text("subject")
    if call["from"] != nil { query.from = call.instant("from") }
    if call["to"] != nil { query.to = call.instant("to") }
    if let cursor = try call.cursor() {
      guard case .integer(let number) = cursor else {
        throw Problem.invalid("cursor", "is none that \(call.operation.id) gave out")
      }
      query.beyond = number
    }
    query.limit = call.limit
    let asked = query
    let entries = try await call.read { try $0.auditEntries(asked) }
    let next = entries.count < call.limit ? nil : entries.last.map { JSONValue.integer($0.number) }
    return call.page(entries.map(\.json), next: next)
  }

  private static func fault(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let (fault, last) = try await call.read { transaction in
      var query = AuditQuery()
      query.isNewestFirst = true
      query.limit = 1
      return (try transaction.auditFault(), try transaction.auditEntries(query).first)
    }
    var object: JSONObject = [
      "is_whole": .bool(fault == nil), "entries": .integer(last?.number ?? 0),
    ]
    object["fault"] = fault.map { .string($0) }
    object["last_sha256"] = last.map { .string($0.digest) }
    return .json(.object(object))
  }
}
