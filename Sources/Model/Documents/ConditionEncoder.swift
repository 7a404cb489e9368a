package import JSON

extension Condition {
  /// The condition in the grammar of docs/rules.md.
  package var grammar: JSONValue {
    switch self {
    case .and(let parts): return ["and": .array(parts.map { $0.grammar })]
    case .or(let parts): return ["or": .array(parts.map { $0.grammar })]
    case .not(let part): return ["not": part.grammar]
    case .leaf(let leaf):
      var object: JSONObject = [
        "property": .string(leaf.property.description),
        "operator": .string(leaf.comparison.rawValue),
      ]
      object["value"] = leaf.value.grammar
      return .object(object)
    case .quantifier(let quantifier): return quantifier.grammar
    }
  }
}

extension Condition.Quantifier {
  /// The quantifier in the grammar of docs/rules.md.
  package var grammar: JSONValue {
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
    object["satisfy"] = satisfy?.grammar
    if let comparison {
      object["operator"] = .string(comparison.rawValue)
      object["value"] = value.grammar
    }
    return .object(object)
  }
}
