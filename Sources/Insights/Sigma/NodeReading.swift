import JSON
import Model

extension DocumentNode {
  /// The members of a mapping.
  func members(_ key: String) throws(DocumentError) -> [(key: String, value: DocumentNode)] {
    guard case .mapping(let members) = value else {
      throw DocumentError("expected keys with values", key: key, at: location)
    }
    return members
  }

  /// The elements of a sequence; a single value is a sequence of one.
  var elements: [DocumentNode] {
    if case .sequence(let nodes) = value { return nodes }
    return [self]
  }

  /// The text of a scalar; a number is a text too.
  func text(_ key: String) throws(DocumentError) -> String {
    if case .scalar(let scalar) = value {
      switch scalar {
      case .string(let text): return text
      case .integer, .number, .bool: return scalar.text
      default: break
      }
    }
    throw DocumentError("expected a text", key: key, at: location)
  }

  /// The texts of a sequence or of a single text.
  func texts(_ key: String) throws(DocumentError) -> [String] {
    var texts: [String] = []
    for element in elements { texts.append(try element.text(key)) }
    return texts
  }
}

/// The members of a mapping, looked up by key.
struct NodeMembers {
  let node: DocumentNode
  let members: [(key: String, value: DocumentNode)]
  /// The dotted path of the mapping; empty for the document.
  let path: String

  init(_ node: DocumentNode, path: String = "") throws(DocumentError) {
    self.node = node
    self.path = path
    members = try node.members(path)
  }

  /// The member under a key; null counts as none.
  subscript(key: String) -> DocumentNode? {
    guard let found = members.first(where: { $0.key == key })?.value else { return nil }
    if case .scalar(.null) = found.value { return nil }
    return found
  }

  /// The member under a key that must be there.
  func required(_ key: String) throws(DocumentError) -> DocumentNode {
    guard let found = self[key] else {
      throw DocumentError("is missing", key: keyPath(key), at: node.location)
    }
    return found
  }

  /// The text under a key, or nil where there is none.
  func text(_ key: String) throws(DocumentError) -> String? {
    try self[key]?.text(keyPath(key))
  }

  /// The texts under a key; none where there is nothing.
  func texts(_ key: String) throws(DocumentError) -> [String] {
    try self[key]?.texts(keyPath(key)) ?? []
  }

  /// The dotted path of a member.
  func keyPath(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}
