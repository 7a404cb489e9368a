import JSON
import Model

/// How one resource type of a source becomes the provider's own API representation
/// (docs/terraform-mappings.md).
struct ResourceMapping: Sendable {
  /// The type's name in the source.
  let type: String
  let provider: String
  let kind: ResourceKind
  let id: [PropertyPath]
  let name: [PropertyPath]
  let tags: [PropertyPath]
  let attributes: [(key: String, path: PropertyPath)]
  let configuration: MappingNode
  /// What the API returns where neither the resource nor a part sets it.
  let defaults: MappingNode?
  /// Like ``defaults``, for resources that the source creates; for others such keys are unread.
  let created: MappingNode?
  let parts: [Part]
  /// Arguments that mean "not configured" when they are not written.
  let absentUnlessWritten: [String]
  /// The same, once parts configure the resource.
  let absentWhenPartsExist: [String]

  /// A type that configures part of another resource.
  struct Part: Sendable {
    let type: String
    let refers: PropertyPath
    let matches: [PropertyPath]
    let configuration: MappingNode
  }

  /// Decodes a mapping document, which names types under the key of its source.
  init(_ node: DocumentNode, source key: String) throws(DocumentError) {
    var reader = try DocumentReader(node)
    type = try reader.requiredText(key)
    provider = try reader.requiredText("provider")
    kind = ResourceKind(
      service: try reader.requiredText("service_name"),
      kind: try reader.requiredText("resource_kind")
    )
    id = try Self.paths(&reader, "id")
    name = try Self.paths(&reader, "name")
    tags = try Self.paths(&reader, "tags")
    var attributes: [(key: String, path: PropertyPath)] = []
    if let node = reader.node("attributes") {
      var inner = try DocumentReader(node, path: "attributes")
      for key in inner.keys { attributes.append((key, try Self.path(&inner, key))) }
    }
    self.attributes = attributes
    configuration = try MappingNode(try reader.requiredNode("configuration"), "configuration")
    var defaults: MappingNode?
    if let node = reader.node("defaults") { defaults = try MappingNode(node, "defaults") }
    self.defaults = defaults
    var created: MappingNode?
    if let node = reader.node("created") { created = try MappingNode(node, "created") }
    self.created = created
    var parts: [Part] = []
    for (index, node) in try reader.list("parts").enumerated() {
      var inner = try DocumentReader(node, path: "parts[\(index)]")
      parts.append(
        Part(
          type: try inner.requiredText(key),
          refers: try Self.path(&inner, "refers"),
          matches: try Self.paths(&inner, "matches"),
          configuration: try MappingNode(
            try inner.requiredNode("configuration"),
            "parts[\(index)].configuration"
          )
        )
      )
      try inner.finish()
    }
    self.parts = parts
    absentUnlessWritten = try reader.strings("absent_unless_written")
    absentWhenPartsExist = try reader.strings("absent_when_parts_exist")
    try reader.finish()
  }

  private static func paths(
    _ reader: inout DocumentReader,
    _ key: String
  ) throws(DocumentError) -> [PropertyPath] {
    var paths: [PropertyPath] = []
    for text in try reader.strings(key) {
      guard let path = PropertyPath(text) else {
        throw reader.error(key, "\"\(text)\" is no path")
      }
      paths.append(path)
    }
    return paths
  }

  private static func path(
    _ reader: inout DocumentReader,
    _ key: String
  ) throws(DocumentError) -> PropertyPath {
    let text = try reader.requiredText(key)
    guard let path = PropertyPath(text) else { throw reader.error(key, "\"\(text)\" is no path") }
    return path
  }
}
