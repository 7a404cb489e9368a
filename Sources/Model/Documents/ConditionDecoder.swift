package import JSON

/// Decodes the condition grammar of docs/rules.md.
package struct ConditionDecoder {
  /// How deeply conditions may nest; a guard against hostile documents.
  package static let depthLimit = 200

  /// The parameters that `${name}` may refer to.
  private let parameters: [String: Parameter.Kind]
  /// Whether values come from a proof, where a parameter may have been an empty list.
  private let isReplay: Bool

  /// A decoder for conditions that may use the parameters given.
  package init(parameters: [Parameter] = [], isReplay: Bool = false) {
    self.parameters = Dictionary(
      parameters.map { ($0.name, $0.type) },
      uniquingKeysWith: { first, _ in first }
    )
    self.isReplay = isReplay
  }

  /// Decodes one condition.
  package func condition(_ node: DocumentNode, path: String) throws(DocumentError) -> Condition {
    try condition(node, path: path, depth: 0, inElement: false)
  }

  private func condition(
    _ node: DocumentNode,
    path: String,
    depth: Int,
    inElement: Bool
  ) throws(DocumentError) -> Condition {
    guard depth < Self.depthLimit else {
      throw DocumentError(
        "conditions nest deeper than \(Self.depthLimit) levels",
        key: path,
        at: node.location
      )
    }
    var reader = try DocumentReader(node, path: path)
    _ = try reader.text("description")
    let forms = ["and", "or", "not", "property", "any", "all", "none", "count"]
    let found = forms.filter(reader.keys.contains)
    guard let form = found.first, found.count == 1 else {
      let words = forms.joined(separator: ", ")
      throw DocumentError(
        found.isEmpty
          ? "a condition needs one of the keys \(words)"
          : "a condition has one of the keys \(words), not \(found.joined(separator: " and "))",
        key: path,
        at: node.location
      )
    }
    let result: Condition
    switch form {
    case "and", "or":
      var parts: [Condition] = []
      for (index, part) in try reader.list(form).enumerated() {
        parts.append(
          try condition(
            part,
            path: "\(reader.key(form))[\(index)]",
            depth: depth + 1,
            inElement: inElement
          )
        )
      }
      guard !parts.isEmpty else { throw reader.error(form, "expected at least one condition") }
      result = form == "and" ? .and(parts) : .or(parts)
    case "not":
      let inner = try reader.requiredNode("not")
      result = .not(
        try condition(inner, path: reader.key("not"), depth: depth + 1, inElement: inElement)
      )
    case "property": result = .leaf(try leaf(&reader, "property"))
    default:
      result = .quantifier(try quantifier(&reader, form, depth: depth, inElement: inElement))
    }
    try reader.finish()
    return result
  }

  /// Decodes a target attribute: a leaf whose `name` is an attribute of the resource, or one of its
  /// own fields such as `region`.
  package func targetAttribute(
    _ node: DocumentNode,
    path: String
  ) throws(DocumentError) -> Condition.Leaf {
    var reader = try DocumentReader(node, path: path)
    let name = try reader.requiredText("name")
    let (comparison, value) = try comparison(&reader)
    try reader.finish()
    let property = PropertyPath(root: .resource, [.key("attributes"), .key(name)])
    return Condition.Leaf(property, comparison, value, fallback: Self.fallback(of: property))
  }

  /// Where a target attribute is looked for when the resource's attributes lack it: among the
  /// resource's own fields, for those that share the name.
  package static func fallback(of attribute: PropertyPath) -> PropertyPath? {
    guard case .key(let name) = attribute.components.last,
      ["provider", "account", "region", "id", "name"].contains(name)
    else { return nil }
    return PropertyPath(root: .resource, [.key(name)])
  }

  private func leaf(
    _ reader: inout DocumentReader,
    _ key: String
  ) throws(DocumentError) -> Condition.Leaf {
    let property = try self.path(&reader, key)
    let (comparison, value) = try comparison(&reader)
    return Condition.Leaf(property, comparison, value)
  }

  private func path(
    _ reader: inout DocumentReader,
    _ key: String
  ) throws(DocumentError) -> PropertyPath {
    let text = try reader.requiredText(key)
    guard let path = PropertyPath(text) else {
      throw reader.error(key, "\"\(text)\" is no path; expected one such as a.b[0].c or a[*].b")
    }
    return path
  }

  private func comparison(
    _ reader: inout DocumentReader
  ) throws(DocumentError) -> (Operator, Condition.Operand) {
    guard let comparison = try reader.word("operator", Operator.self) else {
      throw DocumentError("missing key \"operator\"", key: reader.path, at: reader.location)
    }
    return (comparison, try operand(&reader, of: comparison))
  }

  private func operand(
    _ reader: inout DocumentReader,
    of comparison: Operator
  ) throws(DocumentError) -> Condition.Operand {
    let expected = comparison.operand
    guard let node = reader.node("value") else {
      if expected == .none { return .none }
      throw DocumentError(
        "operator \(comparison.rawValue) needs a value: \(expected.expected)",
        key: reader.path,
        at: reader.location
      )
    }
    if expected == .none {
      throw reader.error("value", "operator \(comparison.rawValue) takes no value; leave it out")
    }
    if case .scalar(.string(let text)) = node.value, text.hasPrefix("${"), text.hasSuffix("}") {
      let name = String(text.dropFirst(2).dropLast())
      guard let type = parameters[name] else {
        throw reader.error("value", "there is no parameter \"\(name)\"")
      }
      guard type.suits(expected) else {
        throw reader.error(
          "value",
          "parameter \"\(name)\" is of type \(type.rawValue); operator \(comparison.rawValue) "
            + "takes \(expected.expected)"
        )
      }
      return .parameter(name)
    }
    let json = node.json
    let isEmptyList = json.array?.isEmpty ?? false
    guard expected.accepts(json), isReplay || !isEmptyList else {
      throw reader.error(
        "value",
        "operator \(comparison.rawValue) takes \(expected.expected), not \(json.text)"
      )
    }
    return .literal(json)
  }

  private func quantifier(
    _ reader: inout DocumentReader,
    _ form: String,
    depth: Int,
    inElement: Bool
  ) throws(DocumentError) -> Condition.Quantifier {
    guard let kind = Condition.Quantifier.Kind(rawValue: form) else {
      throw reader.error(form, "expected any, all, none or count")
    }
    let range = try range(&reader, form, inElement: inElement)
    var satisfy: Condition?
    if let node = reader.node("satisfy") {
      satisfy = try condition(
        node,
        path: reader.key("satisfy"),
        depth: depth + 1,
        inElement: true
      )
    } else if kind == .all {
      throw DocumentError("missing key \"satisfy\"", key: reader.path, at: reader.location)
    }
    guard kind == .count else {
      return Condition.Quantifier(kind, range, satisfy: satisfy)
    }
    let (comparison, value) = try comparison(&reader)
    guard comparison.isNumeric else {
      throw reader.error("operator", "a count is compared by a num_ operator")
    }
    return Condition.Quantifier(kind, range, satisfy: satisfy, comparison: comparison, value: value)
  }

  private func range(
    _ reader: inout DocumentReader,
    _ form: String,
    inElement: Bool
  ) throws(DocumentError) -> Condition.Quantifier.Range {
    let node = try reader.requiredNode(form)
    guard case .mapping = node.value else { return .elements(try path(&reader, form)) }
    if inElement {
      throw reader.error(form, "related resources cannot be asked for inside another quantifier")
    }
    var inner = try DocumentReader(node, path: reader.key(form))
    let related = ResourceKind(
      service: try inner.requiredText("service_name"),
      kind: try inner.requiredText("resource_kind")
    )
    try inner.finish()
    guard let join = reader.node("join") else { return .related(Condition.Related(related)) }
    var sides = try DocumentReader(join, path: reader.key("join"))
    let pair = Condition.Related.Join(
      property: try path(&sides, "property"),
      equals: try path(&sides, "equals")
    )
    try sides.finish()
    return .related(Condition.Related(related, join: pair))
  }
}

extension Operator.Operand {
  /// Whether a value is of the kind that the operator takes.
  package func accepts(_ value: JSONValue) -> Bool {
    let items = value.array ?? [value]
    switch self {
    case .none: return false
    case .stringOrList: return items.allSatisfy { $0.string != nil }
    case .stringList: return value.array != nil && items.allSatisfy { $0.string != nil }
    case .networkList:
      return value.array != nil
        && items.allSatisfy { $0.string.flatMap(IPNetwork.init) != nil }
    case .number: return Self.isNumber(value)
    case .numberOrList: return items.allSatisfy(Self.isNumber)
    }
  }

  private static func isNumber(_ value: JSONValue) -> Bool {
    value.double != nil || value.string.flatMap(Double.init) != nil
  }
}

extension Parameter.Kind {
  /// Whether values of this type may stand where an operator takes an operand.
  func suits(_ operand: Operator.Operand) -> Bool {
    switch operand {
    case .none: false
    case .stringOrList: self == .string || self == .stringList
    case .stringList, .networkList: self == .stringList
    case .number: self == .integer || self == .number
    case .numberOrList: self == .integer || self == .number || self == .numberList
    }
  }
}
