/// What a property holds, which decides the operators that may be asked of it.
package enum PropertyType: String, Sendable, CaseIterable, Comparable {
  case boolean, string
  case stringList = "string_list"
  case ipList = "ip_list"
  case numeric, timestamp
  /// An object, or a list of other than texts: it is there or not, empty or not.
  case composite

  /// Orders by their names.
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The operators that are legal for it.
  package var operators: [Operator] {
    let own: [Operator] =
      switch self {
      case .boolean: [.isTrue, .isFalse]
      case .string:
        [
          .stringEquals, .stringNotEquals, .stringMatch, .stringNotMatch, .stringContains,
          .stringNotContains, .stringsInList,
        ]
      case .stringList: [.stringsInList, .stringsAllowed, .stringsRequired]
      case .ipList: [.ipsInRange, .ipsNotInRange]
      case .numeric:
        [
          .numEquals, .numNotEquals, .numLessThan, .numLessThanEquals, .numGreaterThan,
          .numGreaterThanEquals,
        ]
      case .timestamp: [.daysLessThan, .daysGreaterThan]
      case .composite: []
      }
    return own + [.isEmpty, .isNotEmpty, .exists, .notExists]
  }

  /// The type of which an operator is asked; nil where it may be asked of any.
  package init?(of comparison: Operator) {
    switch comparison {
    case .exists, .notExists, .isEmpty, .isNotEmpty: return nil
    case .isTrue, .isFalse: self = .boolean
    case .stringEquals, .stringNotEquals, .stringMatch, .stringNotMatch, .stringContains,
      .stringNotContains:
      self = .string
    case .stringsInList, .stringsAllowed, .stringsRequired: self = .stringList
    case .ipsInRange, .ipsNotInRange: self = .ipList
    case .numEquals, .numNotEquals, .numLessThan, .numLessThanEquals, .numGreaterThan,
      .numGreaterThanEquals:
      self = .numeric
    case .daysLessThan, .daysGreaterThan: self = .timestamp
    }
  }
}

/// A property of a kind of resource, as a provider or its documentation tells.
package struct PropertyFacts: Sendable, Hashable {
  package var provider: String
  package var kind: ResourceKind
  package var path: PropertyPath
  package var type: PropertyType
  package var meaning: String

  /// Decodes one provider's document; the head of `Content/properties/ibm.yaml` explains the keys.
  package static func all(_ node: DocumentNode) throws(DocumentError) -> [PropertyFacts] {
    var reader = try DocumentReader(node)
    let provider = try reader.requiredText("provider")
    var found: [PropertyFacts] = []
    for (index, node) in try reader.list("kinds").enumerated() {
      var entry = try DocumentReader(node, path: "kinds[\(index)]")
      let name = try entry.requiredText("kind")
      guard let kind = ResourceKind(name) else {
        throw entry.error("kind", "\"\(name)\" is no service/kind")
      }
      for (place, node) in try entry.list("properties").enumerated() {
        var inner = try DocumentReader(node, path: "\(entry.key("properties"))[\(place)]")
        let text = try inner.requiredText("path")
        guard let path = PropertyPath(text), path.root == .current else {
          throw inner.error("path", "\"\(text)\" is no path such as a.b or a[*].b")
        }
        guard let type = try inner.word("type", PropertyType.self) else {
          throw inner.error("type", "expected a type")
        }
        found.append(
          PropertyFacts(
            provider: provider,
            kind: kind,
            path: path,
            type: type,
            meaning: try inner.text("meaning") ?? ""
          )
        )
        try inner.finish()
      }
      try entry.finish()
    }
    try reader.finish()
    return found
  }
}

extension Rule {
  /// The properties that the rule asks about, by kind, with the operators that it asks.
  package var properties: [ResourceKind: [String: Set<Operator>]] {
    var walk = PropertyWalk(kinds: target.kinds)
    for condition in [applies, requiredConfig].compactMap({ $0 }) {
      walk.note(condition, below: [])
    }
    return walk.found
  }
}

/// Walks conditions and notes the whole paths of what they ask about.
private struct PropertyWalk {
  var kinds: [ResourceKind]
  var found: [ResourceKind: [String: Set<Operator>]] = [:]

  init(kinds: [ResourceKind]) { self.kinds = kinds }

  mutating func note(_ condition: Condition, below steps: [PropertyPath.Component]) {
    switch condition {
    case .and(let parts), .or(let parts): for part in parts { note(part, below: steps) }
    case .not(let part): note(part, below: steps)
    case .leaf(let leaf): note(leaf.property, leaf.comparison, below: steps)
    case .quantifier(let quantifier):
      switch quantifier.range {
      case .elements(let path):
        note(path, nil, below: steps)
        let inner = path.root == .current ? steps + path.components : path.components
        if let satisfy = quantifier.satisfy { note(satisfy, below: inner + [.each]) }
      case .related(let related):
        guard let satisfy = quantifier.satisfy else { return }
        let own = kinds
        kinds = [related.kind]
        note(satisfy, below: [])
        kinds = own
      }
    }
  }

  private mutating func note(
    _ path: PropertyPath,
    _ comparison: Operator?,
    below steps: [PropertyPath.Component]
  ) {
    guard path.root != .resource else { return }
    let whole = path.root == .current ? steps + path.components : path.components
    guard !whole.isEmpty else { return }
    let name = PropertyPath(whole).description
    for kind in kinds {
      found[kind, default: [:]][name, default: []].formUnion([comparison].compactMap { $0 })
    }
  }
}
