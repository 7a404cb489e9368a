import Model

/// The profile documents of a library's layers, of which one may extend another.
struct ProfileShelf {
  /// A document with the id that it states.
  struct Entry: Sendable {
    var id: String
    var layer: Int
    var node: DocumentNode
  }

  /// The documents of every layer, the uppermost last.
  let layers: [[Entry]]

  /// A shelf of documents by layer, the uppermost last.
  init(_ layers: [[DocumentNode]]) throws(DocumentError) {
    var entries: [[Entry]] = []
    for (layer, nodes) in layers.enumerated() {
      var own: [Entry] = []
      for node in nodes { own.append(try Self.entry(node, layer: layer)) }
      entries.append(own)
    }
    self.layers = entries
  }

  private static func entry(_ node: DocumentNode, layer: Int) throws(DocumentError) -> Entry {
    var reader = try DocumentReader(node)
    return Entry(id: try reader.requiredText("id"), layer: layer, node: node)
  }

  /// The profile of a document above all layers, such as a file of its own.
  func profile(_ node: DocumentNode) throws(DocumentError) -> Profile {
    try profile(Self.entry(node, layer: layers.count))
  }

  /// The profile of an entry, whole.
  ///
  /// - Throws: ``DocumentError`` for a document that extends itself by way of others.
  func profile(_ entry: Entry, for others: [Entry] = []) throws(DocumentError) -> Profile {
    try ProfileDecoder.profile(entry.node) { id throws(DocumentError) in
      guard let base = base(id, of: entry) else { return nil }
      let path = others + [entry]
      if path.contains(where: { $0.id == base.id && $0.layer == base.layer }) {
        let ids = (path + [base]).map(\.id).joined(separator: ", which extends ")
        throw DocumentError("\(ids) again", key: "extends", at: entry.node.location)
      }
      return try profile(base, for: path)
    }
  }

  /// The document that an entry extends by an id: of its own id the one below it, else the
  /// uppermost.
  private func base(_ id: String, of entry: Entry) -> Entry? {
    layers.joined().last { $0.id == id && (id != entry.id || $0.layer < entry.layer) }
  }
}
