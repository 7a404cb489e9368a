package import JSON
package import Model
import YAML

/// The API's description: OpenAPI documents in `openapi/`, merged and written out in full.
///
/// It is the single source of routes, checks of requests, and documentation.
package struct OpenAPIDocument: Sendable {
  /// The whole document (OpenAPI 3.1).
  package let json: JSONValue
  /// Its operations, by path and method.
  package let operations: [APIOperation]

  /// Reads the documents that are part of this binary.
  ///
  /// - Throws: ``DocumentError`` where one cannot be read, or says what nothing here understands.
  package init() throws {
    try self.init(
      Self.sources.map { name, bytes in
        try YAMLReader(.core).document(String(decoding: bytes, as: UTF8.self), file: name).json
      }
    )
  }

  private static let sources: [(String, [UInt8])] = [
    ("base.yaml", PackageResources.base_yaml), ("session.yaml", PackageResources.session_yaml),
    ("people.yaml", PackageResources.people_yaml), ("scopes.yaml", PackageResources.scopes_yaml),
    ("results.yaml", PackageResources.results_yaml), ("score.yaml", PackageResources.score_yaml),
    ("scans.yaml", PackageResources.scans_yaml),
    ("accounts.yaml", PackageResources.accounts_yaml),
    ("attachments.yaml", PackageResources.attachments_yaml),
    ("exceptions.yaml", PackageResources.exceptions_yaml),
    ("marks.yaml", PackageResources.marks_yaml),
    ("credentials.yaml", PackageResources.credentials_yaml),
    ("content.yaml", PackageResources.content_yaml), ("audit.yaml", PackageResources.audit_yaml),
    ("collectors.yaml", PackageResources.collectors_yaml),
    ("jobs.yaml", PackageResources.jobs_yaml), ("guard.yaml", PackageResources.guard_yaml),
    ("insights.yaml", PackageResources.insights_yaml),
    ("conversations.yaml", PackageResources.conversations_yaml),
    ("alerts.yaml", PackageResources.alerts_yaml),
  ]

  init(_ parts: [JSONValue]) throws {
    var document = JSONObject()
    for part in parts {
      for (key, value) in part.object?.members ?? [] {
        document[key] = Self.merged(document[key], value)
      }
    }
    let schemas = document["components"]?["schemas"] ?? [:]
    var operations: [APIOperation] = []
    var paths = JSONObject()
    for (path, item) in document["paths"]?.object?.members ?? [] {
      var expanded = JSONObject()
      for (method, operation) in item.object?.members ?? [] {
        guard let operation = operation.object else { throw Self.fault(path, method, "no object") }
        let full = try Self.expand(operation, method: method, path: path)
        expanded[method] = .object(full)
        operations.append(
          try APIOperation(full, method: method, path: path, document: .object(document))
        )
      }
      paths[path] = .object(expanded)
    }
    document["paths"] = .object(paths)
    for (name, schema) in schemas.object?.members ?? [] {
      if let fault = Schema.fault(schema) { throw Self.fault("schemas", name, fault) }
    }
    json = .object(document)
    self.operations = operations
  }

  private static func fault(_ path: String, _ key: String, _ message: String) -> DocumentError {
    DocumentError(message, key: key, at: SourceLocation(file: "openapi \(path)"))
  }

  /// Objects merge member by member, lists are joined.
  private static func merged(_ first: JSONValue?, _ second: JSONValue) -> JSONValue {
    switch (first, second) {
    case (.object(var all), .object(let more)):
      for (key, value) in more.members { all[key] = merged(all[key], value) }
      return .object(all)
    case (.array(let all), .array(let more)): return .array(all + more)
    default: return second
    }
  }

  // The short forms, which openapi/base.yaml explains.
  private static func expand(
    _ operation: JSONObject,
    method: String,
    path: String
  ) throws -> JSONObject {
    var operation = operation
    var parameters = operation["parameters"]?.array ?? []
    func common(_ name: String) -> JSONValue {
      ["$ref": .string("#/components/parameters/\(name)")]
    }
    for name in path.split(separator: "/") where name.hasPrefix("{") {
      let name = String(name.dropFirst().dropLast())
      guard !parameters.contains(where: { $0["name"]?.string == name }) else { continue }
      parameters.append(
        [
          "name": .string(name), "in": "path", "required": true,
          "schema": ["type": "integer", "minimum": 1, "maximum": .integer(Int64.max)],
        ]
      )
    }
    guard let permission = operation["x-permission"]?.string,
      permission == "none" || Permission(rawValue: permission) != nil
    else { throw fault(path, method, "x-permission names no permission") }
    if permission == "none" { operation["security"] = [] }
    let isPage = operation["x-page"]?.bool ?? false
    if isPage { parameters += [common("limit"), common("cursor")] }
    let hasETag = operation["x-etag"]?.bool ?? false
    if hasETag { parameters.append(common(method == "get" ? "ifNoneMatch" : "ifMatch")) }
    if method == "post" { parameters.append(common("idempotencyKey")) }
    if operation["x-events"] != nil { parameters.append(common("lastEventID")) }
    if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
    if let body = operation["x-takes"] {
      operation["requestBody"] = [
        "required": true, "content": ["application/json": ["schema": schema(body)]],
      ]
    }
    if operation["responses"] == nil {
      operation["responses"] = responses(operation, isPage: isPage, hasETag: hasETag)
    }
    for key in ["x-takes", "x-answer", "x-events", "x-page", "x-etag", "x-status"] {
      operation[key] = nil
    }
    return operation
  }

  private static func responses(
    _ operation: JSONObject,
    isPage: Bool,
    hasETag: Bool
  ) -> JSONValue {
    let status =
      operation["x-status"]?.whole
      ?? (operation["x-answer"] == nil && operation["x-events"] == nil ? 204 : 200)
    var good: JSONObject = ["description": operation["summary"] ?? "Done"]
    if let answer = operation["x-answer"] {
      let one = schema(answer)
      let whole: JSONValue =
        isPage
        ? [
          "type": "object", "required": ["items"],
          "properties": [
            "items": ["type": "array", "items": one],
            "next_cursor": ["type": "string", "description": "Absent on the last page"],
            "total": [
              "type": "integer", "description": "How many the list has, where that is known",
            ],
          ],
        ] : one
      good["content"] = ["application/json": ["schema": whole]]
    }
    if let events = operation["x-events"] {
      let event: JSONValue = [
        "type": "object", "required": ["event", "id", "data"],
        "properties": [
          "event": ["type": "string", "enum": ["progress", "end"]], "id": ["type": "string"],
          "data": [
            "type": "string", "contentMediaType": "application/json",
            "contentSchema": schema(events),
          ],
        ],
      ]
      good["content"] = ["text/event-stream": ["schema": event]]
    }
    if hasETag { good["headers"] = ["ETag": ["schema": ["type": "string"]]] }
    var all: JSONObject = [:]
    all[String(status)] = .object(good)
    if hasETag, status == 200 { all["304"] = ["description": "As known already"] }
    all["default"] = [
      "description": "A problem",
      "content": [
        "application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]
      ],
    ]
    return .object(all)
  }

  private static func schema(_ written: JSONValue) -> JSONValue {
    guard let name = written.string else { return written }
    return ["$ref": .string("#/components/schemas/\(name)")]
  }
}

/// One operation of the API.
package struct APIOperation: Sendable {
  /// A value that a request names in its path, query or headers.
  package struct Parameter: Sendable {
    /// Where it stands.
    package enum Place: String, Sendable { case path, query, header }
    package var name: String
    package var place: Place
    package var isRequired: Bool
    package var schema: JSONValue
    /// Whether it may stand several times.
    package var isList: Bool { schema["type"]?.string == "array" }
  }

  /// What a good answer is.
  package enum Answer: Sendable { case json, events, bytes }

  /// How handlers are found.
  package let id: String
  /// In upper case.
  package let method: String
  package let path: String
  /// What the caller needs; nil for nothing.
  package let permission: Permission?
  package let parameters: [Parameter]
  /// The schema of the body; nil where it takes none.
  package let body: JSONValue?
  /// The kind of body where it is not JSON, such as a stream of lines.
  package let bodyKind: String?
  /// The most bytes of a body that is JSON.
  package let bodyLimit: Int
  /// Whether a change needs If-Match.
  package let needsMatch: Bool
  /// What it answers.
  package let answer: Answer
  /// The status of a good answer.
  package let status: Int
  package let summary: String

  init(_ operation: JSONObject, method: String, path: String, document: JSONValue) throws {
    func fault(_ message: String) -> DocumentError {
      DocumentError(message, key: method, at: SourceLocation(file: "openapi \(path)"))
    }
    guard let id = operation["operationId"]?.string else { throw fault("no operationId") }
    self.id = id
    self.method = method.uppercased()
    self.path = path
    permission = Permission(rawValue: operation["x-permission"]?.string ?? "")
    summary = operation["summary"]?.string ?? ""
    parameters = try (operation["parameters"]?.array ?? []).map { written in
      let parameter = Schema.resolved(written, document)
      guard let name = parameter["name"]?.string,
        let schema = parameter["schema"].map({ Schema.resolved($0, document) }),
        let place = Parameter.Place(rawValue: parameter["in"]?.string ?? "")
      else { throw fault("a parameter without name, place or schema") }
      if let problem = Schema.fault(schema) { throw fault("\(name): \(problem)") }
      return Parameter(
        name: name,
        place: place,
        isRequired: parameter["required"]?.bool ?? false,
        schema: schema
      )
    }
    needsMatch = parameters.contains { $0.name == "If-Match" }
    let content = operation["requestBody"]?["content"]?.object?.members.first
    body = content?.key == "application/json" ? content?.value["schema"] : nil
    bodyLimit = operation["x-body-limit"]?.whole ?? RequestReader.bodyLimit
    bodyKind = content?.key == "application/json" ? nil : content?.key
    let statuses = operation["responses"]?.object?.members.compactMap { Int($0.key) } ?? []
    guard let status = statuses.first(where: { $0 < 400 }) else { throw fault("no good answer") }
    self.status = status
    let answered = operation["responses"]?["\(status)"]?["content"]?.object?.members.first?.key
    switch answered ?? "application/json" {
    case "application/json": answer = .json
    case "text/event-stream": answer = .events
    default: answer = .bytes
    }
  }
}
