package import JSON

/// A value of a YAML or JSON document that knows the line it stands on.
package struct DocumentNode: Sendable {
  package var value: Value
  package var location: SourceLocation

  package init(_ value: Value, at location: SourceLocation) {
    self.value = value
    self.location = location
  }

  /// What a node is.
  package indirect enum Value: Sendable {
    case scalar(JSONValue)
    case sequence([DocumentNode])
    case mapping([(key: String, value: DocumentNode)])
  }

  /// A node for a value without a document: every part gets the same location.
  package init(_ json: JSONValue, at location: SourceLocation) {
    self.location = location
    value =
      switch json {
      case .array(let elements): .sequence(elements.map { DocumentNode($0, at: location) })
      case .object(let object):
        .mapping(object.members.map { ($0.key, DocumentNode($0.value, at: location)) })
      default: .scalar(json)
      }
  }

  /// The node without its locations.
  package var json: JSONValue {
    switch value {
    case .scalar(let scalar): scalar
    case .sequence(let nodes): .array(nodes.map(\.json))
    case .mapping(let members): .object(JSONObject(members.map { ($0.key, $0.value.json) }))
    }
  }
}

/// What is wrong with a document: where, at which key, and what was expected.
package struct DocumentError: Error, Sendable, Equatable, CustomStringConvertible {
  package var location: SourceLocation
  /// The key at fault as a dotted path from the document's root; empty for the root.
  package var key: String
  package var message: String

  package init(_ message: String, key: String, at location: SourceLocation) {
    self.message = message
    self.key = key
    self.location = location
  }

  /// Place, key and message on one line.
  package var description: String {
    key.isEmpty ? "\(location): \(message)" : "\(location): \(key): \(message)"
  }
}
