package import JSON

/// One resource: who it is, how it is configured, and what of it could not be read.
package struct Resource: Sendable {
  package var provider: String
  package var account: String
  package var region: String
  package var kind: ResourceKind
  package var id: String
  package var name: String
  package var tags: [(key: String, value: String)]
  /// Target attributes, such as the registry's name.
  package var attributes: [(key: String, value: JSONValue)]
  /// The provider's own API representation; null where nothing of it could be read.
  package var configuration: JSONValue
  /// Paths that could not be read, with the reason.
  package var unread: [(path: String, reason: String)]
  /// Where the facts come from: a file and line, or an API call.
  package var source: JSONValue?

  package init(
    provider: String = "",
    account: String = "",
    region: String = "",
    kind: ResourceKind,
    id: String,
    name: String = "",
    tags: [(key: String, value: String)] = [],
    attributes: [(key: String, value: JSONValue)] = [],
    configuration: JSONValue,
    unread: [(path: String, reason: String)] = [],
    source: JSONValue? = nil
  ) {
    self.provider = provider
    self.account = account
    self.region = region
    self.kind = kind
    self.id = id
    self.name = name
    self.tags = tags
    self.attributes = attributes
    self.configuration = configuration
    self.unread = unread
    self.source = source
  }

  /// Who a line of an inventory is about, without its configuration; nil for other lines.
  package init?(inventoryLine line: JSONValue) {
    guard let service = line["service_name"]?.string, let kind = line["resource_kind"]?.string,
      let id = line["id"]?.string
    else { return nil }
    func text(_ key: String) -> String { line[key]?.string ?? "" }
    self.init(
      provider: text("provider"),
      account: text("account"),
      region: text("region"),
      kind: ResourceKind(service: service, kind: kind),
      id: id,
      name: text("name"),
      tags: (line["tags"]?.object?.members ?? []).map { ($0.key, $0.value.string ?? "") },
      attributes: line["attributes"]?.object?.members ?? [],
      configuration: .null
    )
  }

  /// A resource with its configuration, as somebody describes it who asks for a decision; nil where it
  /// is none.
  ///
  /// A provider or region that is left out is not known; an empty one says that there is none.
  package init?(described line: JSONValue) {
    self.init(inventoryLine: line)
    configuration = line["configuration"] ?? .null
    unread = (line["unread"]?.object?.members ?? []).map { ($0.key, $0.value.string ?? "") }
    for key in ["provider", "region"] where line[key] == nil {
      unread.append(("$resource.\(key)", "the request does not tell"))
    }
    source = line["source"]
  }

  /// The resource as a line of an inventory, without the line end.
  package var inventoryLine: JSONValue {
    var members: [(key: String, value: JSONValue)] = []
    for (key, text) in [
      ("provider", provider), ("account", account), ("region", region),
      ("service_name", kind.service), ("resource_kind", kind.kind), ("id", id), ("name", name),
    ] where !text.isEmpty {
      members.append((key, .string(text)))
    }
    if !tags.isEmpty {
      members.append(
        ("tags", .object(JSONObject(tags.map { (key: $0.key, value: .string($0.value)) })))
      )
    }
    if !attributes.isEmpty { members.append(("attributes", .object(JSONObject(attributes)))) }
    if let source { members.append(("source", source)) }
    if !configuration.isNull { members.append(("configuration", configuration)) }
    if !unread.isEmpty {
      let paths = unread.map { (key: $0.path, value: JSONValue.string($0.reason)) }
      members.append(("unread", .object(JSONObject(paths))))
    }
    return .object(JSONObject(members))
  }
}

/// What was read of one kind of resource in one account.
package struct Coverage: Sendable, Hashable {
  package var account: String
  package var kind: ResourceKind
  /// Why some of it may be missing; nil when every resource of the kind was read.
  package var gap: String?

  package init(account: String, kind: ResourceKind, gap: String? = nil) {
    self.account = account
    self.kind = kind
    self.gap = gap
  }

  /// The coverage as a line of an inventory, without the line end.
  package var inventoryLine: JSONValue {
    var object: JSONObject = [
      "account": .string(account), "service_name": .string(kind.service),
      "resource_kind": .string(kind.kind), "complete": .bool(gap == nil),
    ]
    if let gap { object["reason"] = .string(gap) }
    return ["coverage": .object(object)]
  }
}
