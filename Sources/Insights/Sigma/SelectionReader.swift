import JSON
package import Model

/// Reads selections, which are maps of fields, lists of them or keywords, and the condition over
/// them.
package struct SelectionReader: Sendable {
  /// The values that `%name%` stands for.
  let placeholders: [String: [String]]

  package init(placeholders: [String: [String]] = [:]) { self.placeholders = placeholders }

  /// Reads a mapping of named selections with a condition; several conditions mean any of them.
  func condition(
    _ node: DocumentNode,
    path: String
  ) throws(DocumentError) -> SigmaExpression {
    let members = try NodeMembers(node, path: path)
    var selections: [(name: String, expression: SigmaExpression)] = []
    for (name, value) in members.members where name != "condition" && name != "timeframe" {
      selections.append((name, try selection(value, path: "\(path).\(name)")))
    }
    let condition = try members.required("condition")
    var expressions: [SigmaExpression] = []
    for element in condition.elements {
      let text = try element.text("\(path).condition")
      var parser = SigmaConditionParser(
        text,
        selections: selections,
        key: "\(path).condition",
        location: element.location
      )
      expressions.append(try parser.parse())
    }
    return expressions.count == 1 ? expressions[0] : .any(expressions)
  }

  /// Reads one selection: a map is an "and" of its fields, a list an "or" of its elements.
  package func selection(
    _ node: DocumentNode,
    path: String
  ) throws(DocumentError) -> SigmaExpression {
    switch node.value {
    case .mapping(let members):
      if members.isEmpty { throw DocumentError("is empty", key: path, at: node.location) }
      var tests: [SigmaExpression] = []
      for (key, value) in members { tests.append(try item(key, value, path: path)) }
      return tests.count == 1 ? tests[0] : .all(tests)
    case .sequence(let nodes):
      if nodes.isEmpty { throw DocumentError("is empty", key: path, at: node.location) }
      var parts: [SigmaExpression] = []
      for element in nodes { parts.append(try selection(element, path: path)) }
      return parts.count == 1 ? parts[0] : .any(parts)
    case .scalar:
      // A value without a field is looked for in the whole event.
      return try item("", node, path: path)
    }
  }

  /// Reads a field with its modifiers and values.
  private func item(
    _ key: String,
    _ node: DocumentNode,
    path: String
  ) throws(DocumentError) -> SigmaExpression {
    let parts = key.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    let field = parts[0].isEmpty ? nil : parts[0]
    let keyPath = key.isEmpty ? path : "\(path).\(key)"
    var chain = ModifierChain(
      field: field,
      placeholders: placeholders,
      key: keyPath,
      location: node.location
    )
    for name in parts.dropFirst() { try chain.add(name) }
    var values: [ModifiedValue] = []
    let elements = node.elements
    if elements.isEmpty { throw DocumentError("has no value", key: keyPath, at: node.location) }
    for element in elements {
      guard case .scalar(let scalar) = element.value else {
        throw DocumentError(
          "expected a text, a number, true, false or null",
          key: keyPath,
          at: element.location
        )
      }
      values.append(try chain.value(scalar, at: element.location))
    }
    return try chain.expression(values)
  }
}
