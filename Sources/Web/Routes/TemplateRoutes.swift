import JSON
import Model
import Operations
import Store

/// Customised defaults.
enum TemplateRoutes {
  static let handlers: [String: APIHandler] = [
    "listTemplates": list, "showTemplate": show, "addTemplate": add, "changeTemplate": change,
    "removeTemplate": remove,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let (label, now) = (call["label"]?.string, call.now)
    let found = try await call.read { try $0.documents(.template, at: now) }.filter {
      label.map($0.labels.contains) ?? true
    }
    return try call.page(found.map(\.json), sorts: ["id", "title"])
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    .tagged(try await call.read { try find(call.text("id"), $0, call) }.json)
  }

  private static func add(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let template = try template(call, name: call.body["id"]?.string)
    let labels = labels(call)
    let made = try await call.write { transaction in
      if try transaction.documents(.template, at: call.now).contains(where: {
        $0.name == template.id
      }) {
        throw StoreError.conflict("there is a template \"\(template.id)\" already; change that one")
      }
      return try transaction.keep(template, labels: labels)
    }
    return .created(made.json, at: "/api/v1/templates/\(made.name)")
  }

  private static func change(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let name = call.text("id")
    let template = try template(call, name: name)
    guard template.id == name else {
      throw Problem.invalid("/document/id", "is \"\(template.id)\", and the path names \"\(name)\"")
    }
    let labels = labels(call)
    let made = try await call.write { transaction in
      try call.match(try find(name, transaction, call).json)
      try GuardrailCheck.refuseShared(template, transaction, at: call.now)
      return try transaction.keep(template, labels: labels)
    }
    return .tagged(made.json)
  }

  private static func remove(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let name = call.text("id")
    try await call.write { transaction in
      try call.match(try find(name, transaction, call).json)
      _ = try transaction.removeDocument(.template, name)
    }
    return .done
  }

  private static func template(_ call: APICall, name: String?) throws -> Template {
    let document = try call.document("document")
    return try Template(document, name: name ?? RuleDraft.name(for: document.json))
  }

  private static func labels(_ call: APICall) -> [String] {
    Set((call.body["labels"]?.array ?? []).compactMap(\.string)).sorted()
  }

  private static func find(
    _ name: String,
    _ transaction: StoreTransaction,
    _ call: APICall
  ) throws -> KeptDocument {
    let found = try transaction.documents(.template, at: call.now).first { $0.name == name }
    guard let found else { throw Problem.notFound("template", name) }
    return found
  }
}
