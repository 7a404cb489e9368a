import JSON
import Model

/// How the operations of IBM Cloud's APIs are asked: the contents of `operations.yaml`.
package struct IBMFacts: Sendable {
  let services: [String: IBMService]

  /// Decodes the document.
  init(_ node: DocumentNode) throws(DocumentError) {
    let reader = try DocumentReader(node)
    guard case .mapping(let members) = node.value, reader.keys.count == members.count else {
      throw DocumentError("expected services", key: "", at: node.location)
    }
    var services: [String: IBMService] = [:]
    for (id, node) in members { services[id] = try IBMService(id, node) }
    self.services = services
  }

  /// By service, the regions that have it, with what its endpoint is called there; services that are
  /// everywhere are left out.
  package var places: [String: [String: String]] {
    services.mapValues(\.places).filter { !$0.value.isEmpty }
  }

  /// The regions that some service has.
  package var regions: [String] { Set(places.values.flatMap(\.keys)).sorted() }

  /// What an operation is, and of which service.
  func operation(_ name: String, of service: String) -> (IBMService, IBMOperation)? {
    guard let service = services[service], let operation = service.operations[name] else {
      return nil
    }
    return (service, operation)
  }
}

/// One API of IBM Cloud.
struct IBMService: Sendable {
  let id: String
  let url: String
  /// The regions that have it, with what the endpoint is called there; none where it is everywhere.
  let places: [String: String]
  /// What every query holds.
  let fixed: [(name: String, value: String)]
  /// Headers, and the members of the input that they are.
  let headers: [(name: String, member: String)]
  let operations: [String: IBMOperation]

  init(_ id: String, _ node: DocumentNode) throws(DocumentError) {
    var reader = try DocumentReader(node, path: id)
    self.id = id
    url = try reader.requiredText("url")
    places = Dictionary(uniqueKeysWithValues: try Self.texts(reader.node("places"), id))
    fixed = try Self.texts(reader.node("fixed"), id)
    headers = try Self.texts(reader.node("headers"), id)
    var operations: [String: IBMOperation] = [:]
    guard case .mapping(let members) = try reader.requiredNode("operations").value else {
      throw reader.error("operations", "expected operations by name")
    }
    for (name, node) in members {
      operations[name] = try IBMOperation(name, node, "\(id).operations.\(name)")
    }
    self.operations = operations
    try reader.finish()
  }

  private static func texts(
    _ node: DocumentNode?,
    _ path: String
  ) throws(DocumentError) -> [(String, String)] {
    guard let node else { return [] }
    var reader = try DocumentReader(node, path: path)
    var texts: [(String, String)] = []
    for key in reader.keys { texts.append((key, try reader.requiredText(key))) }
    return texts
  }

  /// Whether the service has an endpoint in each region.
  var isRegional: Bool { url.contains("{region}") || url.contains("{place}") }
}

/// One operation.
struct IBMOperation: Sendable {
  /// What an answer is made of.
  enum Answer: String, CaseIterable { case json, xml, headers }
  enum Method: String, CaseIterable { case get = "GET", head = "HEAD" }

  let name: String
  let method: Method
  let path: String
  /// The members of the input that become the query.
  let query: Set<String>
  let page: APIPage?
  /// A member that every good answer holds; `@` where it is a list.
  let holds: String?
  /// A list that is never empty for those who may see it.
  let neverEmpty: String?
  let answer: Answer
  /// The members that are taken from XML.
  let xml: [(member: String, path: APIPath, isList: Bool)]

  init(_ name: String, _ node: DocumentNode, _ path: String) throws(DocumentError) {
    var reader = try DocumentReader(node, path: path)
    self.name = name
    method = try reader.word("method", Method.self) ?? .get
    self.path = try reader.requiredText("path")
    page = try reader.node("page").map { node throws(DocumentError) in
      try Self.page(node, reader.key("page"))
    }
    query = Set(try reader.strings("query") + (page?.input ?? []))
    holds = try reader.text("holds")
    neverEmpty = try reader.text("never-empty")
    answer = try reader.word("answer", Answer.self) ?? .json
    var xml: [(member: String, path: APIPath, isList: Bool)] = []
    for (member, path) in reader.node("xml")?.json.object?.members ?? [] {
      let text = path.string ?? path.array?.first?.string ?? ""
      xml.append((member, APIPath(text), path.array != nil))
    }
    self.xml = xml
    try reader.finish()
  }

  private static func page(
    _ node: DocumentNode,
    _ path: String
  ) throws(DocumentError) -> APIPage {
    var reader = try DocumentReader(node, path: path)
    let query = try reader.requiredText("query")
    defer { _ = reader }
    if let link = try reader.text("link") {
      try reader.finish()
      return APIPage(input: [query], output: [link], isLink: true)
    }
    if let after = try reader.text("after") {
      let more = try reader.requiredText("more")
      try reader.finish()
      return APIPage(input: [query], output: [after], more: more)
    }
    let items = try reader.requiredText("items")
    let (size, total) = (try reader.integer("size") ?? 100, try reader.text("total"))
    try reader.finish()
    return APIPage(offset: query, items: items, size: size, total: total)
  }
}
