import JSON
package import Model

/// How resources of one kind are read: an entry of a provider's `resources.yaml`.
package struct APIKind: Sendable {
  package let kind: ResourceKind
  /// The service whose operations are called, by its id in the provider's facts.
  package let service: String
  /// Whether the kind is read once for the account rather than in every region.
  package let isGlobal: Bool
  /// What the list is asked for once each; nil where it is asked for once.
  let parents: APIParents?
  let list: APICall
  /// The items in the list's output; `@` is the whole output.
  let items: APIPath
  /// Whether the output holds one thing rather than a list.
  let isSingle: Bool
  /// The member that an item becomes which is a text.
  let textMember: String?
  /// What must hold of an item for it to count.
  let filter: [APIDemand]
  /// The configuration of the one resource that stands for what is absent.
  let otherwise: JSONObject?
  /// A list in the output that is empty when everything was told.
  let incomplete: APIPath?
  /// Whether the list leaves out what the caller may not see, without saying so.
  package let isSilent: Bool
  /// Other lists that name some of the items.
  let witnesses: [APIWitness]
  let id: APITemplate
  let name: APITemplate?
  let tags: APIPath?
  /// Where the item says which region it is in; global kinds only.
  let region: APIPath?
  let details: [APIDetail]
  /// Members that hold a document as text.
  let decode: [(path: APIPath, form: APIForm)]
  /// Members below which every value is a secret.
  let redact: [APIPath]
  /// Members that tell of the call rather than of the resource.
  let drop: [APIPath]
  /// The target attributes of a resource.
  let attributes: [(name: String, value: APITemplate)]

  /// Decodes one entry.
  package init(_ node: DocumentNode) throws(DocumentError) {
    var reader = try DocumentReader(node)
    let kindName = try reader.requiredText("kind")
    let parts = kindName.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw reader.error("kind", "expected service/kind") }
    kind = ResourceKind(service: String(parts[0]), kind: String(parts[1]))
    service = try reader.requiredText("service")
    isGlobal = try reader.word("scope", Scope.self) == .global
    parents = try reader.node("for").map { node throws(DocumentError) in try APIParents(node) }
    list = try APICall(&reader, operation: "list")
    let single = try reader.text("single")
    isSingle = single != nil
    if let single {
      items = APIPath(single)
    } else {
      items = APIPath(try reader.requiredText("items"))
    }
    textMember = try reader.text("as")
    filter = APIDemand.list(reader.node("where"))
    otherwise = reader.node("otherwise")?.json.object
    incomplete = try reader.text("incomplete").map { APIPath($0) }
    isSilent = try reader.boolean("silent") ?? false
    var witnesses: [APIWitness] = []
    for (index, node) in try reader.list("witness").enumerated() {
      witnesses.append(try APIWitness(node, path: "witness[\(index)]"))
    }
    self.witnesses = witnesses
    id = APITemplate(path: try reader.requiredText("id"))
    name = try reader.text("name").map { APITemplate(path: $0) }
    tags = try reader.text("tags").map { APIPath($0) }
    region = try reader.text("region").map { APIPath($0) }
    var details: [APIDetail] = []
    for (index, node) in try reader.list("details").enumerated() {
      details.append(try APIDetail(node, path: "details[\(index)]"))
    }
    self.details = details
    var forms: [(path: APIPath, form: APIForm)] = []
    if let node = reader.node("decode") {
      var inner = try DocumentReader(node, path: "decode")
      for key in inner.keys {
        guard let form = try inner.word(key, APIForm.self) else { continue }
        forms.append((APIPath(key), form))
      }
    }
    decode = forms
    redact = try reader.strings("redact").map { APIPath($0) }
    drop = try reader.strings("drop").map { APIPath($0) }
    var attributes: [(name: String, value: APITemplate)] = []
    if let node = reader.node("attributes") {
      var inner = try DocumentReader(node, path: "attributes")
      for key in inner.keys { attributes.append((key, APITemplate(try inner.requiredText(key)))) }
    }
    self.attributes = attributes
    try reader.finish()
  }

  /// The operations that are called for the kind, as `service:Operation`.
  package var operations: [String] {
    var found = ["\(service):\(list.operation)"]
    if case .listed(let list)? = parents {
      found.insert("\(list.service ?? service):\(list.call.operation)", at: 0)
    }
    found += witnesses.map { "\($0.service ?? service):\($0.call.operation)" }
    found += details.flatMap { $0.operations(of: service) }
    var seen: Set<String> = []
    return found.filter { seen.insert($0).inserted }
  }

  private enum Scope: String, CaseIterable { case global, regional }
}

/// The forms of documents inside a text.
enum APIForm: String, Sendable, CaseIterable { case json, csv }

/// One operation to call, with what it is given and which refusals mean "not configured".
struct APICall: Sendable {
  let operation: String
  /// What is given; `$Name` stands for a field of the item at hand.
  let input: JSONObject
  let absent: [APIAbsence]
  /// The permissions that allow it, where they are not named like the operation.
  let actions: [String]
  /// An operation to call until it says that what is asked for is there.
  let prepare: String?

  init(_ reader: inout DocumentReader, operation key: String) throws(DocumentError) {
    operation = try reader.requiredText(key)
    input = reader.node("with")?.json.object ?? JSONObject()
    prepare = try reader.text("prepare")
    var absent: [APIAbsence] = []
    for node in try reader.list("absent") {
      var inner = try DocumentReader(node, path: reader.key("absent"))
      absent.append(
        APIAbsence(code: try inner.requiredText("code"), message: try inner.text("message") ?? "")
      )
      try inner.finish()
    }
    self.absent = absent
    let named = reader.node("action")?.json
    actions = (named?.array ?? named.map { [$0] } ?? []).compactMap(\.string)
  }
}

/// A refusal that means that a thing is not configured.
struct APIAbsence: Sendable {
  let code: String
  /// A part of the message, where the code alone says too little.
  let message: String
}

/// A member and the values of which it must have one.
struct APIDemand: Sendable {
  let path: APIPath
  /// What stands for the member where it is a part of a text.
  private let template: APITemplate?
  /// The values, texts with `$Name` filled; nil stands for any but an empty one.
  private let values: [JSONValue]?

  /// The demands of a mapping of paths to values.
  static func list(_ node: DocumentNode?) -> [APIDemand] {
    guard case .mapping(let members)? = node?.value else { return [] }
    return members.map { path, node in
      let value = node.json
      let template = path.contains("$") ? APITemplate(path) : nil
      return APIDemand(
        path: template?.paths.first ?? APIPath(path),
        template: template,
        values: value == "*" ? nil : value.array ?? [value]
      )
    }
  }

  func isMet(by item: JSONValue, _ context: APIContext) -> Bool {
    let found = template.map { $0.value(item, context) } ?? path.value(in: item)
    guard let values else {
      return found != nil && found != "" && found != .array([]) && found?.object?.isEmpty != true
    }
    return values.contains { context.fill($0, item) == found }
  }
}

/// A further call for each item, whose output becomes a member of the configuration.
struct APIDetail: Sendable {
  let call: APICall
  /// The service that is called; nil for the kind's own.
  let service: String?
  /// The region in which it is called; nil for the item's own.
  let region: APITemplate?
  /// The account that holds what is asked for; nil for the one that is read.
  let account: APITemplate?
  /// The member that the output is put under; `@` for the item itself, which gets its members.
  let into: String
  let path: APIPath
  let form: APIForm?
  /// Whether the output is the same for every item, so that one call serves all.
  let isShared: Bool
  /// The element of a list to take: a member, and what it must equal.
  let pick: (member: String, equals: APITemplate)?
  /// Whether a list may lack the element.
  let isOptional: Bool
  /// Whether every such element is taken, as a list, rather than the first.
  let takesEvery: Bool
  /// The members to keep of what was taken; all where empty.
  let fields: Set<String>
  /// The members that the provider leaves out for those who may not see them.
  let expected: [String]
  /// What stands for the value where nothing is there.
  let otherwise: JSONValue?
  /// Whether the value's elements go behind those that are under the member already.
  let isAppended: Bool
  /// What must hold of the item for the call to make sense.
  let when: [APIDemand]
  /// Calls for each element of what was taken.
  let each: [APIDetail]

  init(_ node: DocumentNode, path: String) throws(DocumentError) {
    var reader = try DocumentReader(node, path: path)
    call = try APICall(&reader, operation: "op")
    service = try reader.text("service")
    region = try reader.text("region").map { APITemplate($0) }
    account = try reader.text("account").map { APITemplate($0) }
    into = try reader.requiredText("into")
    self.path = APIPath(try reader.text("path") ?? "@")
    form = try reader.word("decode", APIForm.self)
    isShared = try reader.boolean("once") ?? false
    var pick: (member: String, equals: APITemplate)?
    if let node = reader.node("pick") {
      var inner = try DocumentReader(node, path: reader.key("pick"))
      for key in inner.keys { pick = (key, APITemplate(try inner.requiredText(key))) }
    }
    self.pick = pick
    isOptional = try reader.boolean("optional") ?? false
    takesEvery = try reader.boolean("every") ?? false
    fields = Set(try reader.strings("fields"))
    expected = try reader.strings("expect")
    otherwise = reader.node("otherwise")?.json
    isAppended = try reader.boolean("append") ?? false
    when = APIDemand.list(reader.node("when"))
    var each: [APIDetail] = []
    for (index, node) in try reader.list("each").enumerated() {
      each.append(try APIDetail(node, path: "\(path).each[\(index)]"))
    }
    self.each = each
    try reader.finish()
  }

  /// The path that is unread where the call brings nothing.
  var unreadPath: String { into == "@" ? "$root" : into }

  /// The operations that are called, as `service:Operation`.
  fileprivate func operations(of service: String) -> [String] {
    let service = self.service ?? service
    return ["\(service):\(call.operation)"] + each.flatMap { $0.operations(of: service) }
  }
}
