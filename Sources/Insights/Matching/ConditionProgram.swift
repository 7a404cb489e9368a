/// A condition over one event with its fields resolved to slots.
struct ConditionProgram {
  private indirect enum Node {
    case all([Node])
    case any([Node])
    case not(Node)
    case test(CompiledTest)
  }

  private let root: Node

  /// Compiles a condition; the closure gives the slot of a field.
  init(_ expression: SigmaExpression, slot: (String) -> Int) {
    root = Self.node(expression, slot)
  }

  private static func node(_ expression: SigmaExpression, _ slot: (String) -> Int) -> Node {
    switch expression {
    case .all(let parts): .all(parts.map { node($0, slot) })
    case .any(let parts): .any(parts.map { node($0, slot) })
    case .not(let part): .not(node(part, slot))
    case .test(let test): .test(CompiledTest(test, slot: slot))
    }
  }

  func holds(_ event: EventFields) -> Bool { Self.holds(root, event) }

  private static func holds(_ node: Node, _ event: EventFields) -> Bool {
    switch node {
    case .all(let parts):
      for part in parts where !holds(part, event) { return false }
      return true
    case .any(let parts):
      for part in parts where holds(part, event) { return true }
      return false
    case .not(let part): return !holds(part, event)
    case .test(let test): return test.holds(event)
    }
  }
}

/// A value that a field must have for a rule to match at all.
struct RequiredValue: Hashable {
  var field: String
  /// The value as text, ASCII capitals made small.
  var text: [UInt8]
}

extension SigmaExpression {
  /// Values of which an event must have at least one to match; nil where there are no such.
  ///
  /// Of several that an "and" requires the choice is left to a rank, the highest of which wins.
  func requiredValues(_ rank: ([RequiredValue]) -> Int) -> [RequiredValue]? {
    switch self {
    case .not: return nil
    case .all(let parts):
      let choices = parts.compactMap { $0.requiredValues(rank) }
      return choices.max { rank($0) < rank($1) }
    case .any(let parts):
      var values: [RequiredValue] = []
      for part in parts {
        guard let required = part.requiredValues(rank) else { return nil }
        values += required
      }
      return values
    case .test(let test):
      guard let field = test.field else { return nil }
      switch test.comparison {
      case .text(let pattern, _):
        guard let literal = pattern.literal else { return nil }
        return [RequiredValue(field: field, text: literal.map(asciiFold))]
      case .bool(let flag):
        return [RequiredValue(field: field, text: Array(flag ? "true".utf8 : "false".utf8))]
      default: return nil
      }
    }
  }
}
