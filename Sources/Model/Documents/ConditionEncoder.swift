package import JSON

extension Condition {
  /// The condition in the grammar of docs/rules.md, with parameters replaced by their values.
  package func grammar(_ parameters: [String: JSONValue] = [:]) -> JSONValue {
    switch self {
    case .and(let parts): return ["and": .array(parts.map { $0.grammar(parameters) })]
    case .or(let parts): return ["or": .array(parts.map { $0.grammar(parameters) })]
    case .not(let part): return ["not": part.grammar(parameters)]
    case .leaf(let leaf):
      var object: JSONObject = [
        "property": .string(leaf.property.description),
        "operator": .string(leaf.comparison.rawValue),
      ]
      object["value"] = leaf.value.resolved(parameters)
      return .object(object)
    case .quantifier(let quantifier): return quantifier.grammar(parameters)
    }
  }
}

extension Condition.Quantifier {
  /// The quantifier in the grammar of docs/rules.md, with parameters replaced by their values.
  package func grammar(_ parameters: [String: JSONValue]) -> JSONValue {
    var object = JSONObject()
    switch range {
    case .elements(let path): object[kind.rawValue] = .string(path.description)
    case .related(let related):
      object[kind.rawValue] = [
        "service_name": .string(related.kind.service),
        "resource_kind": .string(related.kind.kind),
      ]
      if let join = related.join {
        object["join"] = [
          "property": .string(join.property.description),
          "equals": .string(join.equals.description),
        ]
      }
    }
    object["satisfy"] = satisfy?.grammar(parameters)
    if let comparison {
      object["operator"] = .string(comparison.rawValue)
      object["value"] = value.resolved(parameters)
    }
    return .object(object)
  }
}

extension Condition.Operand {
  /// The value with a parameter replaced; nil where there is none.
  package func resolved(_ parameters: [String: JSONValue]) -> JSONValue? {
    switch self {
    case .none: nil
    case .literal(let value): value
    case .parameter(let name): parameters[name]
    }
  }
}
