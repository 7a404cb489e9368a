import JSON
import Model

/// A node of a mapping.
indirect enum MappingNode: Sendable {
  case path(PropertyPath, Conversion)
  case value(JSONValue)
  case unread(String)
  case each(PropertyPath, MappingNode)
  case first([MappingNode])
  case when(PropertyPath, equals: JSONValue?, then: MappingNode, otherwise: MappingNode)
  case concat([MappingNode])
  case list([MappingNode])
  case object([(key: String, node: MappingNode)])

  /// Nothing at all.
  static let nothing = MappingNode.object([])

  /// What is done with the value at a path.
  struct Conversion: Sendable {
    var defaultValue: JSONValue?
    var values: JSONObject?
    var type: Kind?

    enum Kind: String, Sendable, CaseIterable {
      case json, string, integer, boolean, list, not, upper, lower
    }
  }

  init(_ node: DocumentNode, _ key: String) throws(DocumentError) {
    switch node.value {
    case .scalar(.string(let text)):
      guard let path = PropertyPath(text) else {
        throw DocumentError("\"\(text)\" is no path", key: key, at: node.location)
      }
      self = .path(path, Conversion())
    case .scalar:
      throw DocumentError(
        "expected a path or a mapping; a literal is written { $value: … }",
        key: key,
        at: node.location
      )
    case .sequence(let nodes):
      self = .list(try Self.nodes(nodes, key))
    case .mapping(let members):
      let operators = members.map(\.key).filter { $0.hasPrefix("$") }
      if operators.isEmpty {
        var object: [(key: String, node: MappingNode)] = []
        for (name, member) in members {
          object.append((name, try MappingNode(member, "\(key).\(name)")))
        }
        self = .object(object)
      } else {
        self = try Self.operation(node, key)
      }
    }
  }

  private static func nodes(
    _ nodes: [DocumentNode],
    _ key: String
  ) throws(DocumentError) -> [MappingNode] {
    var result: [MappingNode] = []
    for (index, node) in nodes.enumerated() {
      result.append(try MappingNode(node, "\(key)[\(index)]"))
    }
    return result
  }

  private static func operation(
    _ node: DocumentNode,
    _ key: String
  ) throws(DocumentError) -> MappingNode {
    var reader = try DocumentReader(node, path: key)
    func path(_ name: String) throws(DocumentError) -> PropertyPath {
      let text = try reader.requiredText(name)
      guard let path = PropertyPath(text) else {
        throw reader.error(name, "\"\(text)\" is no path")
      }
      return path
    }
    let result: MappingNode
    if reader.keys.contains("$path") {
      var conversion = Conversion()
      conversion.defaultValue = reader.node("$default")?.json
      conversion.values = reader.node("$values")?.json.object
      conversion.type = try reader.word("$as", Conversion.Kind.self)
      result = .path(try path("$path"), conversion)
    } else if let value = reader.node("$value") {
      result = .value(value.json)
    } else if reader.keys.contains("$unread") {
      result = .unread(try reader.requiredText("$unread"))
    } else if reader.keys.contains("$each") {
      result = .each(
        try path("$each"),
        try MappingNode(try reader.requiredNode("$item"), "\(key).$item")
      )
    } else if reader.keys.contains("$first") {
      result = .first(try nodes(try reader.list("$first"), "\(key).$first"))
    } else if reader.keys.contains("$when") {
      let then = try MappingNode(try reader.requiredNode("$then"), "\(key).$then")
      var otherwise = MappingNode.nothing
      if let node = reader.node("$else") { otherwise = try MappingNode(node, "\(key).$else") }
      result = .when(
        try path("$when"),
        equals: reader.node("$equals")?.json,
        then: then,
        otherwise: otherwise
      )
    } else if reader.keys.contains("$concat") {
      result = .concat(try nodes(try reader.list("$concat"), "\(key).$concat"))
    } else {
      throw DocumentError(
        "expected one of $path, $value, $unread, $each, $first, $when, $concat",
        key: key,
        at: node.location
      )
    }
    try reader.finish()
    return result
  }
}
