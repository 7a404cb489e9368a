package import JSON

/// A condition of the rule grammar (docs/rules.md).
package indirect enum Condition: Sendable, Hashable {
  /// Every condition holds.
  case and([Condition])
  /// At least one condition holds.
  case or([Condition])
  /// The condition does not hold.
  case not(Condition)
  /// A property compared by an operator.
  case leaf(Leaf)
  /// A statement about the elements of a list or about related resources.
  case quantifier(Quantifier)

  /// A property, an operator and its value.
  package struct Leaf: Sendable, Hashable {
    package var property: PropertyPath
    package var comparison: Operator
    package var value: Operand
    /// Where to look when the property is absent; only target attributes use it.
    package var fallback: PropertyPath?

    package init(
      _ property: PropertyPath,
      _ comparison: Operator,
      _ value: Operand = .none,
      fallback: PropertyPath? = nil
    ) {
      self.property = property
      self.comparison = comparison
      self.value = value
      self.fallback = fallback
    }
  }

  /// The value of an operator as a rule writes it.
  package enum Operand: Sendable, Hashable {
    case none
    case literal(JSONValue)
    /// `${name}`: the value of the rule's parameter.
    case parameter(String)
  }

  /// `any`, `all`, `none` or `count` over a range, with a condition on each member.
  package struct Quantifier: Sendable, Hashable {
    package var kind: Kind
    package var range: Range
    /// The condition on each member; nil is met by every member.
    package var satisfy: Condition?
    /// How `count` compares the number of members that satisfy the condition.
    package var comparison: Operator?
    package var value: Operand

    package init(
      _ kind: Kind,
      _ range: Range,
      satisfy: Condition? = nil,
      comparison: Operator? = nil,
      value: Operand = .none
    ) {
      self.kind = kind
      self.range = range
      self.satisfy = satisfy
      self.comparison = comparison
      self.value = value
    }

    /// Which statement a quantifier makes.
    package enum Kind: String, Sendable, CaseIterable { case any, all, none, count }

    /// What a quantifier ranges over.
    package enum Range: Sendable, Hashable {
      /// The elements of the list at a path.
      case elements(PropertyPath)
      /// The resources of a kind in the same account.
      case related(Related)
    }
  }

  /// A kind of resource of the same account, and how its members are joined to the judged resource.
  package struct Related: Sendable, Hashable {
    package var kind: ResourceKind
    package var join: Join?

    package init(_ kind: ResourceKind, join: Join? = nil) {
      self.kind = kind
      self.join = join
    }

    /// The related resource's property equals the judged resource's.
    package struct Join: Sendable, Hashable {
      package var property: PropertyPath
      package var equals: PropertyPath

      package init(property: PropertyPath, equals: PropertyPath) {
        self.property = property
        self.equals = equals
      }
    }
  }
}

extension Condition {
  /// The condition with parameters replaced by their values.
  package func resolved(_ parameters: [String: JSONValue]) -> Condition {
    switch self {
    case .and(let parts): return .and(parts.map { $0.resolved(parameters) })
    case .or(let parts): return .or(parts.map { $0.resolved(parameters) })
    case .not(let part): return .not(part.resolved(parameters))
    case .leaf(var leaf):
      leaf.value = leaf.value.resolved(parameters)
      return .leaf(leaf)
    case .quantifier(var quantifier):
      quantifier.value = quantifier.value.resolved(parameters)
      quantifier.satisfy = quantifier.satisfy?.resolved(parameters)
      return .quantifier(quantifier)
    }
  }
}

extension Condition.Operand {
  /// The value where it is written out; nil for none and for a parameter.
  package var literal: JSONValue? {
    if case .literal(let value) = self { return value }
    return nil
  }

  /// The value with a parameter replaced.
  package func resolved(_ parameters: [String: JSONValue]) -> Condition.Operand {
    guard case .parameter(let name) = self, let value = parameters[name] else { return self }
    return .literal(value)
  }

  /// The value as a rule writes it.
  package var grammar: JSONValue? {
    switch self {
    case .none: nil
    case .literal(let value): value
    case .parameter(let name): .string("${\(name)}")
    }
  }
}

/// A kind of resource: the service and the kind within it, in the provider's words.
package struct ResourceKind: Sendable, Hashable, Comparable, CustomStringConvertible {
  package var service: String
  package var kind: String

  package init(service: String, kind: String) {
    self.service = service
    self.kind = kind
  }

  /// Reads `service/kind`; nil where the text is none.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts.contains("") else { return nil }
    self.init(service: parts[0], kind: parts[1])
  }

  /// The kind as `service/kind`.
  package var description: String { "\(service)/\(kind)" }

  /// Orders by service, then kind.
  package static func < (left: Self, right: Self) -> Bool {
    (left.service, left.kind) < (right.service, right.kind)
  }
}
