import JSON
package import Model

/// A small generator of random numbers that gives the same sequence on every machine.
///
/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
package struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  /// A sequence of its own for each seed.
  package init(seed: UInt64) { state = seed }

  /// The next number.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Random rules, and random resources of the same few keys and values, so that rules decide them.
package struct RuleGenerator {
  /// The kind that every rule is about and every resource is of.
  package static let kind = ResourceKind(service: "test", kind: "thing")
  /// The instant that generated timestamps lie around.
  package static let now = "2026-01-01T00:00:00Z"

  private var random: SplitMix64

  /// A generator that gives the same rules and resources for a seed.
  package init(seed: UInt64) { random = SplitMix64(seed: seed) }

  private mutating func chance(_ percent: Int) -> Bool {
    Int.random(in: 0..<100, using: &random) < percent
  }

  private mutating func number(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &random)
  }

  private mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
    choices[Int.random(in: choices.indices, using: &random)]
  }
}

// MARK: - The vocabulary

extension RuleGenerator {
  /// What a place mostly holds.
  private enum Flavour: CaseIterable {
    case text, number, flag, network, instant, object, objects, texts, networks

    /// What the elements of a list mostly are; a single value is its own element.
    var element: Flavour {
      switch self {
      case .objects: .object
      case .texts: .text
      case .networks: .network
      default: self
      }
    }

    var isList: Bool { element != self }
  }

  private static let members: [(key: String, flavour: Flavour)] = [
    ("name", .text), ("label.x", .text), ("size", .number), ("on", .flag), ("net", .network),
    ("at", .instant), ("spec", .object), ("items", .objects), ("tags", .texts),
    ("nets", .networks),
  ]
  private static let texts = [
    "alpha", "beta", "gamma", "Alpha", "", "true", "FALSE", "5", "10", "café", "a.b",
  ]
  private static let patterns = [
    "*", "al*", "?lpha", "*a*", "", "a?p*a", "caf?", "**", "*.*", "??", "*e", "gamma",
  ]
  private static let parts = ["a", "lph", "", "5", "é", "eta", "alpha", "zz"]
  private static let numbers: [JSONValue] = [
    0, 1, 2, 5, 10, -3, .number(2.5), "5", "10", "2.5", "1e1",
  ]
  private static let flags: [JSONValue] = [true, false, "true", "False", "TRUE", "yes"]
  private static let networks = [
    "10.0.0.0/8", "10.1.2.3", "10.1.0.0/16", "0.0.0.0/0", "192.168.1.7", "2001:db8::/32",
    "2001:db8::1", "::/0",
  ]
  private static let instants: [JSONValue] = [
    "2025-12-31T00:00:00Z", "2025-11-01T12:30:00.500Z", "2025-06-01T00:00:00+02:00", "2024-01-01",
    "2026-03-01T00:00:00", "2025-12-02T00:00:00Z", 1_735_689_600, 1_762_000_000_000, "1735689600",
    "soon",
  ]
  private static let days: [JSONValue] = [-30, 0, 30, 90, 400, .number(2.5), "30"]
  private static let parameters: [Parameter] = [
    Parameter(name: "words", type: .stringList, defaultValue: ["alpha", "5", "true"]),
    Parameter(name: "word", type: .string, defaultValue: "beta"),
    Parameter(name: "ranges", type: .stringList, defaultValue: ["10.0.0.0/8", "2001:db8::/32"]),
    Parameter(name: "least", type: .integer, defaultValue: 2),
    Parameter(name: "sizes", type: .numberList, defaultValue: [5, .number(2.5)]),
  ]
}

// MARK: - Resources

extension RuleGenerator {
  /// A resource with a random configuration, of which some may be unread.
  package mutating func resource(id: String) -> Resource {
    var resource = Resource(
      account: "a",
      region: pick(["us-east-1", "eu-de-1"]),
      kind: Self.kind,
      id: id,
      name: pick(["alpha", "beta", ""]),
      tags: [(key: "owner", value: pick(Self.texts))],
      attributes: chance(50) ? [(key: "level", value: pick(Self.numbers))] : [],
      configuration: chance(2) ? value(pick(Flavour.allCases), depth: 1) : object(depth: 0)
    )
    if chance(45) {
      for _ in 0...number(0...2) {
        let path = unreadPath()
        if resource.unread.allSatisfy({ $0.path != path }) {
          resource.unread.append((path, "no access to \(path)"))
        }
      }
    }
    return resource
  }

  /// A path of the configuration that could not be read.
  package mutating func unreadPath() -> String {
    var components = path(from: .object, noise: 3).components
    if chance(15), components.last != .each { components.append(.each) }
    return PropertyPath(components).description
  }

  private mutating func object(depth: Int) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = []
    for (key, flavour) in Self.members.shuffled(using: &random) {
      let isDeep = flavour == .object || flavour == .objects
      guard chance(depth == 0 ? 70 : 45), !isDeep || chance(100 - 45 * depth) else { continue }
      members.append((key, value(flavour, depth: depth + 1)))
    }
    return .object(JSONObject(members))
  }

  private mutating func value(_ flavour: Flavour, depth: Int) -> JSONValue {
    if chance(6) { return .null }
    let flavour = chance(8) && depth < 3 ? pick(Flavour.allCases) : flavour
    if flavour.isList, chance(85) {
      return .array((0..<number(0...3)).map { _ in value(flavour.element, depth: depth) })
    }
    switch flavour.element {
    case .text: return .string(pick(Self.texts))
    case .number: return pick(Self.numbers)
    case .flag: return pick(Self.flags)
    case .network: return .string(chance(6) ? "elsewhere" : pick(Self.networks))
    case .instant: return pick(Self.instants)
    case .object: return depth > 3 ? [:] : object(depth: depth)
    case .objects, .texts, .networks: return []
    }
  }
}

// MARK: - Rules

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

  private mutating func shuffled(_ parts: [Condition]) -> [Condition] {
    var parts = parts.map { shuffled($0) }
    parts.shuffle(using: &random)
    return parts
  }

  private mutating func condition(
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

  private mutating func parts(on scope: Flavour, depth: Int, isInside: Bool) -> [Condition] {
    (0..<number(1...3)).map { _ in condition(on: scope, depth: depth, isInside: isInside) }
  }

  private mutating func quantifier(
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

  private mutating func leaf(on scope: Flavour, isInside: Bool) -> Condition.Leaf {
    let (path, flavour) = anyPath(on: scope, isInside: isInside)
    let comparison = comparison(suiting: flavour)
    return Condition.Leaf(path, comparison, operand(of: comparison))
  }

  private mutating func comparison(suiting flavour: Flavour) -> Operator {
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

  private mutating func operand(of comparison: Operator) -> Condition.Operand {
    if chance(5) { return parameter(of: comparison) }
    switch comparison {
    case .daysLessThan, .daysGreaterThan: return .literal(pick(Self.days))
    case .stringMatch, .stringNotMatch: return .literal(oneOrSome(of: Self.patterns))
    case .stringContains, .stringNotContains: return .literal(oneOrSome(of: Self.parts))
    default: break
    }
    switch comparison.operand {
    case .none: return .none
    case .string: return .literal(.string(pick(Self.texts)))
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

  private mutating func parameter(of comparison: Operator) -> Condition.Operand {
    switch comparison.operand {
    case .none: .none
    case .string: .parameter("word")
    case .stringOrList: .parameter(pick(["word", "words"]))
    case .stringList: .parameter("words")
    case .networkList: .parameter("ranges")
    case .number: .parameter("least")
    case .numberOrList: .parameter(pick(["least", "sizes"]))
    }
  }

  private mutating func oneOrSome(of texts: [String]) -> JSONValue {
    chance(50)
      ? .string(pick(texts)) : .array(many(of: texts, 0...3).map(JSONValue.string))
  }

  private mutating func many<Choice>(
    of choices: [Choice],
    _ count: ClosedRange<Int>
  ) -> [Choice] {
    (0..<number(count)).map { _ in pick(choices) }
  }
}

// MARK: - Paths

extension RuleGenerator {
  /// A path from an element, the configuration or the whole resource, and what it mostly leads to.
  private mutating func anyPath(
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
  private mutating func path(
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
