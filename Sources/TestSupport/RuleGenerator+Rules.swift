import JSON
package import Model

extension RuleGenerator {
  /// A rule about ``kind`` with random conditions.
  package mutating func rule(id: String) -> Rule {
    var target = Rule.Target(kinds: [Self.kind])
    if chance(10) {
      target.attributes = [
        Condition.Leaf(
          PropertyPath(root: .resource, [.key("attributes"), .key("region")]),
          .stringEquals,
          .literal("us-east-1"),
          fallback: PropertyPath(root: .resource, [.key("region")])
        )
      ]
    }
    return Rule(
      id: id,
      title: "Generated",
      target: target,
      applies: chance(25) ? condition(depth: 1) : nil,
      parameters: Self.parameters,
      requiredConfig: condition(depth: 4)
    )
  }

  /// A condition on a configuration.
  package mutating func condition(depth: Int) -> Condition {
    condition(on: .object, depth: depth, isInside: false)
  }

  /// The same condition with the children of every `and` and `or` in another order.
  package mutating func shuffled(_ condition: Condition) -> Condition {
    switch condition {
    case .and(let parts): return .and(shuffled(parts))
    case .or(let parts): return .or(shuffled(parts))
    case .not(let part): return .not(shuffled(part))
    case .leaf: return condition
    case .quantifier(var quantifier):
      if let satisfy = quantifier.satisfy { quantifier.satisfy = shuffled(satisfy) }
      return .quantifier(quantifier)
    }
  }

  mutating func shuffled(_ parts: [Condition]) -> [Condition] {
    var parts = parts.map { shuffled($0) }
    parts.shuffle(using: &random)
    return parts
  }

  mutating func condition(
    on scope: Flavour,
    depth: Int,
    isInside: Bool
  ) -> Condition {
    guard depth > 0 else { return .leaf(leaf(on: scope, isInside: isInside)) }
    switch number(0...99) {
    case ..<32: return .leaf(leaf(on: scope, isInside: isInside))
    case ..<48: return .and(parts(on: scope, depth: depth - 1, isInside: isInside))
    case ..<64: return .or(parts(on: scope, depth: depth - 1, isInside: isInside))
    case ..<74: return .not(condition(on: scope, depth: depth - 1, isInside: isInside))
    default: return .quantifier(quantifier(on: scope, depth: depth - 1, isInside: isInside))
    }
  }

  mutating func parts(on scope: Flavour, depth: Int, isInside: Bool) -> [Condition] {
    (0..<number(1...3)).map { _ in condition(on: scope, depth: depth, isInside: isInside) }
  }

  mutating func quantifier(
    on scope: Flavour,
    depth: Int,
    isInside: Bool
  ) -> Condition.Quantifier {
    var (path, flavour) = anyPath(on: scope, isInside: isInside)
    for _ in 0..<4 where !flavour.isList {
      (path, flavour) = anyPath(on: scope, isInside: isInside)
    }
    let kind = pick(Condition.Quantifier.Kind.allCases)
    var quantifier = Condition.Quantifier(kind, .elements(path))
    if kind == .all || chance(85) {
      quantifier.satisfy = condition(on: flavour.element, depth: depth, isInside: true)
    }
    if kind == .count {
      let comparison = pick(Operator.allCases.filter(\.isNumeric))
      quantifier.comparison = comparison
      quantifier.value = .literal(.integer(Int64(number(-1...3))))
      if comparison.operand == .numberOrList, chance(30) {
        quantifier.value = .literal([0, "2", 7])
      }
      if chance(5) { quantifier.value = .parameter("least") }
    }
    return quantifier
  }

  mutating func leaf(on scope: Flavour, isInside: Bool) -> Condition.Leaf {
    let (path, flavour) = anyPath(on: scope, isInside: isInside)
    let comparison = comparison(suiting: flavour)
    return Condition.Leaf(path, comparison, operand(of: comparison))
  }

  mutating func comparison(suiting flavour: Flavour) -> Operator {
    if chance(20) { return pick(Operator.allCases) }
    if chance(12) { return pick([.exists, .notExists, .isEmpty, .isNotEmpty]) }
    switch flavour.element {
    case .text: return pick(Operator.allCases.filter { $0.rawValue.hasPrefix("string") })
    case .number: return pick(Operator.allCases.filter(\.isNumeric))
    case .flag: return pick([.isTrue, .isFalse])
    case .network: return pick([.ipsInRange, .ipsNotInRange])
    case .instant: return pick([.daysLessThan, .daysGreaterThan])
    default: return pick(Operator.allCases)
    }
  }

  mutating func operand(of comparison: Operator) -> Condition.Operand {
    if chance(5) { return parameter(of: comparison) }
    switch comparison {
    case .daysLessThan, .daysGreaterThan: return .literal(pick(Self.days))
    case .stringMatch, .stringNotMatch: return .literal(oneOrSome(of: Self.patterns))
    case .stringContains, .stringNotContains: return .literal(oneOrSome(of: Self.parts))
    default: break
    }
    switch comparison.operand {
    case .none: return .none
    case .stringOrList: return .literal(oneOrSome(of: Self.texts))
    case .stringList:
      // A rule that requires no strings says nothing.
      let least = comparison == .stringsRequired ? 1 : 0
      return .literal(.array(many(of: Self.texts, least...6).map(JSONValue.string)))
    case .networkList:
      return .literal(.array(many(of: Self.networks, 0...3).map(JSONValue.string)))
    case .number: return .literal(pick(Self.numbers))
    case .numberOrList:
      return .literal(chance(60) ? pick(Self.numbers) : .array(many(of: Self.numbers, 0...3)))
    }
  }

  mutating func parameter(of comparison: Operator) -> Condition.Operand {
    switch comparison.operand {
    case .none: .none
    case .stringOrList: .parameter(pick(["word", "words"]))
    case .stringList: .parameter("words")
    case .networkList: .parameter("ranges")
    case .number: .parameter("least")
    case .numberOrList: .parameter(pick(["least", "sizes"]))
    }
  }

  mutating func oneOrSome(of texts: [String]) -> JSONValue {
    chance(50)
      ? .string(pick(texts)) : .array(many(of: texts, 0...3).map(JSONValue.string))
  }

  mutating func many<Choice>(
    of choices: [Choice],
    _ count: ClosedRange<Int>
  ) -> [Choice] {
    (0..<number(count)).map { _ in pick(choices) }
  }
}

// MARK: - Paths

extension RuleGenerator {
  /// A path from an element, the configuration or the whole resource, and what it mostly leads to.
  mutating func anyPath(
    on scope: Flavour,
    isInside: Bool
  ) -> (path: PropertyPath, flavour: Flavour) {
    if chance(4) {
      return pick([
        (PropertyPath(root: .resource, [.key("tags"), .key("owner")]), .text),
        (PropertyPath(root: .resource, [.key("region")]), .text),
        (PropertyPath(root: .resource, [.key("name")]), .text),
        (PropertyPath(root: .resource, [.key("attributes"), .key("level")]), .number),
      ])
    }
    if chance(2) {
      let (components, flavour) = path(from: .object, noise: 1)
      return (PropertyPath(root: .resource, [.key("configuration")] + components), flavour)
    }
    if chance(isInside ? 10 : 3) {
      let (components, flavour) = path(from: .object, noise: 1)
      return (PropertyPath(root: .configuration, components), flavour)
    }
    let (components, flavour) = path(from: scope, noise: 2)
    return (PropertyPath(components), flavour)
  }

  /// Steps that mostly lead somewhere, from a place of a flavour.
  mutating func path(
    from start: Flavour,
    noise: Int
  ) -> (components: [PropertyPath.Component], flavour: Flavour) {
    var components: [PropertyPath.Component] = []
    var flavour = start
    while components.count < 6 {
      if !components.isEmpty, chance(noise) {
        components.append(pick([.each, .index(number(0...2)), .key(pick(["name", "ghost"]))]))
      }
      switch flavour {
      case .object:
        if !components.isEmpty, chance(15) { return (components, flavour) }
        let member = pick(Self.members)
        components.append(.key(member.key))
        flavour = member.flavour
      case .objects:
        if chance(30) { return (components, flavour) }
        if !chance(12) { components.append(chance(70) ? .each : .index(number(0...2))) }
        flavour = .object
      case .texts, .networks:
        if chance(60) { return (components, flavour) }
        components.append(chance(50) ? .each : .index(number(0...2)))
        flavour = flavour.element
      default: return (components, flavour)
      }
    }
    return (components, flavour)
  }
}
