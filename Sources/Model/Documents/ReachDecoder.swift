import JSON

/// Decodes what means access in a provider; the head of `Content/access/aws.yaml` explains the keys.
package enum ReachDecoder {
  /// Decodes one provider's document.
  package static func facts(_ node: DocumentNode) throws(DocumentError) -> ReachFacts {
    var reader = try DocumentReader(node)
    let provider = try reader.requiredText("provider")
    var principals: [ResourceKind] = []
    for name in try reader.strings("principals") {
      guard let kind = ResourceKind(name) else {
        throw reader.error("principals", "\"\(name)\" is no service/kind")
      }
      principals.append(kind)
    }
    var kinds: [ReachKind] = []
    for (index, node) in try reader.list("kinds").enumerated() {
      kinds.append(try entry(node, path: "kinds[\(index)]"))
    }
    try reader.finish()
    return ReachFacts(provider: provider, principals: principals, kinds: kinds)
  }

  private static func entry(_ node: DocumentNode, path: String) throws(DocumentError) -> ReachKind {
    var reader = try DocumentReader(node, path: path)
    guard let kind = ResourceKind(try reader.requiredText("kind")) else {
      throw reader.error("kind", "expected service/kind")
    }
    var rights: [ReachLevel: [ReachKind.Right]] = [:]
    for level in ReachLevel.allCases {
      rights[level] = try self.rights(level.rawValue, &reader)
    }
    if rights.values.allSatisfy(\.isEmpty) {
      throw reader.error("access", "expected actions under access, or under manage")
    }
    let entry = ReachKind(
      kind: kind,
      only: try reader.text("only") ?? "*",
      rights: rights,
      policy: try reader.text("policy") ?? "",
      known: try texts("known", &reader).map { (key: $0.key, path: $0.text) },
      attributes: try texts("attributes", &reader).map { (name: $0.key, text: $0.text) },
      never: Set(try reader.strings("never")),
      beyond: try reader.strings("beyond")
    )
    try reader.finish()
    return entry
  }

  private static func rights(
    _ name: String,
    _ reader: inout DocumentReader
  ) throws(DocumentError) -> [ReachKind.Right] {
    var rights: [ReachKind.Right] = []
    for (index, node) in try reader.list(name).enumerated() {
      if case .scalar(.string(let text)) = node.value {
        rights.append(ReachKind.Right(name: text))
        continue
      }
      var inner = try DocumentReader(node, path: "\(reader.key(name))[\(index)]")
      let action = try inner.requiredText("action")
      let targets = try inner.strings("on")
      if targets.isEmpty { throw inner.error("on", "expected a list of ARNs") }
      rights.append(ReachKind.Right(name: action, on: targets))
      try inner.finish()
    }
    return rights
  }

  /// The texts under the keys of a mapping.
  private static func texts(
    _ name: String,
    _ reader: inout DocumentReader
  ) throws(DocumentError) -> [(key: String, text: String)] {
    guard let node = reader.node(name) else { return [] }
    var inner = try DocumentReader(node, path: reader.key(name))
    var texts: [(key: String, text: String)] = []
    for key in inner.keys { texts.append((key, try inner.requiredText(key))) }
    return texts
  }
}
