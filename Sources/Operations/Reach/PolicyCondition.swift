import Engine
import JSON
import Model

/// One condition of a statement: an operator, a key and the values it may have.
struct PolicyCondition: Sendable {
  let operation: String
  let key: String
  let values: [String]

  /// The conditions of a statement's `Condition` block.
  static func all(_ block: JSONValue?) -> [PolicyCondition] {
    (block?.object?.members ?? []).flatMap { operation, keys in
      (keys.object?.members ?? []).map { key, values in
        PolicyCondition(operation: operation, key: key, values: texts(values))
      }
    }
  }

  /// The condition for people.
  var text: String { "\(operation) \(key) \(values.joined(separator: " or "))" }

  /// Whether the condition holds, as far as the context tells.
  func truth(_ context: PolicyContext) -> Truth {
    var name = operation.lowercased()
    let fact = context[key]
    if let colon = name.firstIndex(of: ":") {
      // Of all of no values everything holds, of any of them nothing; of one, both are the same.
      if fact == .absent { return Truth(name.hasPrefix("forallvalues")) }
      name = String(name[name.index(after: colon)...])
    }
    let isOptional = name.hasSuffix("ifexists")
    if isOptional { name.removeLast("ifexists".count) }
    if name == "null" { return null(fact) }
    guard let comparison = Self.comparisons[name] else { return .unknown }
    switch fact {
    case .unknown: return .unknown
    case .absent: return Truth(isOptional || comparison.isNegated)
    case .values(let found):
      guard found.count == 1 else { return .unknown }
      let truth = values.reduce(Truth.no) { truth, value in
        .or(truth, Self.compare(found[0], value, comparison, context))
      }
      return comparison.isNegated ? !truth : truth
    }
  }

  private func null(_ fact: PolicyContext.Fact) -> Truth {
    guard let expected = values.first else { return .unknown }
    switch fact {
    case .unknown: return .unknown
    case .absent: return Truth(expected == "true")
    case .values: return Truth(expected == "false")
    }
  }

  private struct Comparison: Sendable {
    var isPattern = false
    var isNegated = false
    var ignoresCase = false
  }

  /// The operators that compare texts; of the others nothing is known beforehand.
  private static let comparisons: [String: Comparison] = [
    "stringequals": Comparison(),
    "stringnotequals": Comparison(isNegated: true),
    "stringequalsignorecase": Comparison(ignoresCase: true),
    "stringnotequalsignorecase": Comparison(isNegated: true, ignoresCase: true),
    "stringlike": Comparison(isPattern: true),
    "stringnotlike": Comparison(isPattern: true, isNegated: true),
    "arnequals": Comparison(isPattern: true),
    "arnlike": Comparison(isPattern: true),
    "arnnotequals": Comparison(isPattern: true, isNegated: true),
    "arnnotlike": Comparison(isPattern: true, isNegated: true),
    "bool": Comparison(ignoresCase: true),
  ]

  private static func compare(
    _ found: String,
    _ value: String,
    _ comparison: Comparison,
    _ context: PolicyContext
  ) -> Truth {
    if !comparison.isPattern, !value.contains("${") {
      let isSame =
        comparison.ignoresCase ? found.lowercased() == value.lowercased() : found == value
      return Truth(isSame)
    }
    let pattern = PolicyPattern(value, context)
    switch pattern.cover(of: PolicyPattern(literal: found)) {
    case .all: return .yes
    case .some: return .unknown
    case .none: return .no
    }
  }

  /// A text, or each of a list of texts.
  static func texts(_ value: JSONValue?) -> [String] {
    switch value {
    case .array(let elements): elements.flatMap(texts)
    case .string(let text): [text]
    case .bool(let flag): [flag ? "true" : "false"]
    case .integer, .number: value.map { [$0.text] } ?? []
    default: []
    }
  }
}
