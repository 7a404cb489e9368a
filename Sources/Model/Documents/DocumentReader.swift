import JSON

/// Reads the keys of one mapping of a document, and refuses those that nobody asked for.
package struct DocumentReader {
  /// The dotted path of this mapping from the document's root.
  package let path: String
  package let location: SourceLocation
  private let members: [(key: String, value: DocumentNode)]
  private var asked: Set<String> = []

  /// Opens a mapping.
  ///
  /// - Throws: an error when the node is no mapping.
  package init(_ node: DocumentNode, path: String = "") throws(DocumentError) {
    guard case .mapping(let members) = node.value else {
      throw DocumentError("expected keys and values", key: path, at: node.location)
    }
    self.members = members
    self.path = path
    location = node.location
  }

  /// The keys of the mapping, in order.
  package var keys: [String] { members.map(\.key) }

  /// The full path of a key of this mapping.
  package func key(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  /// An error at a key of this mapping.
  package func error(_ name: String, _ message: String) -> DocumentError {
    let place = members.first { $0.key == name }?.value.location ?? location
    return DocumentError(message, key: key(name), at: place)
  }

  /// The node under a key, or nil.
  package mutating func node(_ name: String) -> DocumentNode? {
    asked.insert(name)
    return members.first { $0.key == name }?.value
  }

  /// The node under a key that must be there.
  package mutating func requiredNode(_ name: String) throws(DocumentError) -> DocumentNode {
    guard let node = node(name) else {
      throw DocumentError("missing key \"\(name)\"", key: path, at: location)
    }
    return node
  }

  /// The text under a key, a number or date there taken as written.
  package mutating func text(_ name: String) throws(DocumentError) -> String? {
    guard let node = node(name) else { return nil }
    switch node.value {
    case .scalar(.string(let text)): return text
    case .scalar(let value) where !value.isNull: return value.text
    default: throw error(name, "expected a text")
    }
  }

  /// The text under a key that must be there and not be empty.
  package mutating func requiredText(_ name: String) throws(DocumentError) -> String {
    _ = try requiredNode(name)
    let text = try text(name) ?? ""
    if text.isEmpty { throw error(name, "expected a text that is not empty") }
    return text
  }

  /// The text under a key that names something: a number there would lose zeros at its front.
  package mutating func identifier(_ name: String) throws(DocumentError) -> String? {
    guard let node = node(name) else { return nil }
    guard case .scalar(.string(let text)) = node.value, !text.isEmpty else {
      throw error(name, "expected a text that is not empty; a number needs quotes around it")
    }
    return text
  }

  /// The whole number under a key.
  package mutating func integer(_ name: String) throws(DocumentError) -> Int? {
    guard let node = node(name) else { return nil }
    guard case .scalar(.integer(let number)) = node.value else {
      throw error(name, "expected a whole number")
    }
    return Int(number)
  }

  /// The number under a key.
  package mutating func number(_ name: String) throws(DocumentError) -> Double? {
    guard let node = node(name) else { return nil }
    guard case .scalar(let value) = node.value, let number = value.double else {
      throw error(name, "expected a number")
    }
    return number
  }

  /// The boolean under a key.
  package mutating func boolean(_ name: String) throws(DocumentError) -> Bool? {
    guard let node = node(name) else { return nil }
    guard case .scalar(.bool(let flag)) = node.value else {
      throw error(name, "expected true or false")
    }
    return flag
  }

  /// The list under a key; absent is an empty list.
  package mutating func list(_ name: String) throws(DocumentError) -> [DocumentNode] {
    guard let node = node(name) else { return [] }
    guard case .sequence(let nodes) = node.value else { throw error(name, "expected a list") }
    return nodes
  }

  /// The list of texts under a key; absent is an empty list.
  package mutating func strings(_ name: String) throws(DocumentError) -> [String] {
    var texts: [String] = []
    for node in try list(name) {
      guard case .scalar(.string(let text)) = node.value else {
        throw DocumentError("expected a text", key: key(name), at: node.location)
      }
      texts.append(text)
    }
    return texts
  }

  /// One of an enumeration's words under a key.
  package mutating func word<Word: RawRepresentable & CaseIterable>(
    _ name: String,
    _ type: Word.Type
  ) throws(DocumentError) -> Word? where Word.RawValue == String {
    guard let text = try text(name) else { return nil }
    if let word = Word(rawValue: text) { return word }
    let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
    throw error(name, "\"\(text)\" is none of \(words)")
  }

  /// Refuses keys that were never asked for.
  package func finish() throws(DocumentError) {
    for (name, node) in members where !asked.contains(name) {
      let known = asked.sorted().joined(separator: ", ")
      throw DocumentError("unknown key; known here: \(known)", key: key(name), at: node.location)
    }
  }
}
