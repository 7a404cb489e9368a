import JSON
package import Model

/// A small generator of random numbers that gives the same sequence on every machine.
///
/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
package struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

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

  var random: SplitMix64

  /// A generator that gives the same rules and resources for a seed.
  package init(seed: UInt64) { random = SplitMix64(seed: seed) }

  mutating func chance(_ percent: Int) -> Bool {
    Int.random(in: 0..<100, using: &random) < percent
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &random)
  }

  mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
    choices[Int.random(in: choices.indices, using: &random)]
  }
}

// MARK: - The vocabulary

extension RuleGenerator {
  /// What a place mostly holds.
  enum Flavour: CaseIterable {
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

  static let members: [(key: String, flavour: Flavour)] = [
    ("name", .text), ("label.x", .text), ("size", .number), ("on", .flag), ("net", .network),
    ("at", .instant), ("spec", .object), ("items", .objects), ("tags", .texts),
    ("nets", .networks),
  ]
  static let texts = [
    "alpha", "beta", "gamma", "Alpha", "", "true", "FALSE", "5", "10", "café", "a.b",
  ]
  static let patterns = [
    "*", "al*", "?lpha", "*a*", "", "a?p*a", "caf?", "**", "*.*", "??", "*e", "gamma",
  ]
  static let parts = ["a", "lph", "", "5", "é", "eta", "alpha", "zz"]
  static let numbers: [JSONValue] = [
    0, 1, 2, 5, 10, -3, .number(2.5), "5", "10", "2.5", "1e1",
  ]
  static let flags: [JSONValue] = [true, false, "true", "False", "TRUE", "yes"]
  static let networks = [
    "10.0.0.0/8", "10.1.2.3", "10.1.0.0/16", "0.0.0.0/0", "192.168.1.7", "2001:db8::/32",
    "2001:db8::1", "::/0",
  ]
  static let instants: [JSONValue] = [
    "2025-12-31T00:00:00Z", "2025-11-01T12:30:00.500Z", "2025-06-01T00:00:00+02:00", "2024-01-01",
    "2026-03-01T00:00:00", "2025-12-02T00:00:00Z", 1_735_689_600, 1_762_000_000_000, "1735689600",
    "soon",
  ]
  static let days: [JSONValue] = [-30, 0, 30, 90, 400, .number(2.5), "30"]
  static let parameters: [Parameter] = [
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
      configuration: object(depth: 0)
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

  mutating func object(depth: Int) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = []
    for (key, flavour) in Self.members.shuffled(using: &random) {
      let isDeep = flavour == .object || flavour == .objects
      guard chance(depth == 0 ? 70 : 45), !isDeep || chance(100 - 45 * depth) else { continue }
      members.append((key, value(flavour, depth: depth + 1)))
    }
    return .object(JSONObject(members))
  }

  mutating func value(_ flavour: Flavour, depth: Int) -> JSONValue {
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
