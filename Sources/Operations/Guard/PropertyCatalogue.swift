package import JSON
package import Model

/// Which properties there are of each kind of resource, with the operators that may be asked of them.
package struct PropertyCatalogue: Sendable {
  /// From where a property is known.
  package enum Source: String, Sendable, CaseIterable {
    case catalogue, rules, observed
  }

  /// One property.
  package struct Entry: Sendable {
    package var kind: ResourceKind
    package var path: String
    package var types: Set<PropertyType> = []
    package var meaning = ""
    package var sources: Set<Source> = []
    /// The rules that ask about it.
    package var rules: Set<String> = []
    /// In how many of the resources that were looked at it stands.
    package var observed = 0
  }

  private var entries: [ResourceKind: [String: Entry]] = [:]

  /// The catalogue of what is known of kinds and what rules ask about.
  package init(_ facts: [PropertyFacts], _ rules: [Rule]) {
    for fact in facts {
      update(fact.kind, "\(fact.path)") { entry in
        entry.types.insert(fact.type)
        entry.meaning = fact.meaning
        entry.sources.insert(.catalogue)
      }
    }
    for rule in rules {
      for (kind, properties) in rule.properties {
        for (path, operators) in properties {
          update(kind, path) { entry in
            entry.types.formUnion(operators.compactMap { PropertyType(of: $0) })
            entry.sources.insert(.rules)
            entry.rules.insert(rule.id)
          }
        }
      }
    }
  }

  /// Adds the properties of a configuration that was read.
  package mutating func add(_ configuration: JSONValue, of kind: ResourceKind) {
    var seen: [String: Set<PropertyType>] = [:]
    Self.walk(configuration, [], &seen)
    for (path, types) in seen {
      update(kind, path) { entry in
        // A list of addresses is written as texts.
        if entry.types.isEmpty || entry.sources == [.observed] { entry.types.formUnion(types) }
        entry.sources.insert(.observed)
        entry.observed += 1
      }
    }
  }

  /// How many properties of one configuration are noted.
  private static let most = 2000

  private static func walk(
    _ value: JSONValue,
    _ steps: [PropertyPath.Component],
    _ seen: inout [String: Set<PropertyType>]
  ) {
    guard seen.count < most, steps.count < 16 else { return }
    func note(_ type: PropertyType?) {
      guard !steps.isEmpty else { return }
      seen[PropertyPath(steps).description, default: []].formUnion([type].compactMap { $0 })
    }
    switch value {
    case .null: note(nil)
    case .bool: note(.boolean)
    case .integer, .number: note(.numeric)
    case .string(let text): note(Instant(text) == nil ? .string : .timestamp)
    case .array(let items):
      let isOfTexts = !items.isEmpty && items.allSatisfy { $0.string != nil }
      note(isOfTexts ? .stringList : .composite)
      if !isOfTexts { for item in items.prefix(50) { walk(item, steps + [.each], &seen) } }
    case .object(let object):
      note(.composite)
      for (key, value) in object.members { walk(value, steps + [.key(key)], &seen) }
    }
  }

  private mutating func update(
    _ kind: ResourceKind,
    _ path: String,
    _ change: (inout Entry) -> Void
  ) {
    var entry = entries[kind]?[path] ?? Entry(kind: kind, path: path)
    change(&entry)
    entries[kind, default: [:]][path] = entry
  }

  /// The kinds with how many properties are known of each, in the order of their names.
  package var kinds: [(kind: ResourceKind, properties: Int)] {
    entries.map { ($0.key, $0.value.count) }.sorted { $0.kind < $1.kind }
  }

  /// The properties of the kinds that match a pattern, in the order of kinds and paths.
  package func properties(of pattern: String) -> [Entry] {
    entries.filter { Wildcard.matches("\($0.key)", pattern: pattern) }.flatMap(\.value.values)
      .sorted { ($0.kind, $0.path) < ($1.kind, $1.path) }
  }
}

extension PropertyCatalogue.Entry {
  /// The property with the operators that are legal for it, and what each takes.
  package var json: JSONValue {
    let known = types.isEmpty ? [.composite] : types.sorted()
    var operators: [Operator] = []
    for type in known { operators += type.operators.filter { !operators.contains($0) } }
    return [
      "kind": .string("\(kind)"), "path": .string(path),
      "types": .array(types.sorted().map { .string($0.rawValue) }),
      "operators": .array(
        operators.map { one in
          ["operator": .string(one.rawValue), "value": .string(one.operand.expected)]
        }
      ),
      "meaning": .string(meaning),
      "sources": .array(
        PropertyCatalogue.Source.allCases.filter(sources.contains).map { .string($0.rawValue) }
      ),
      "rules": .array(rules.sorted().prefix(20).map { .string($0) }),
      "observed": .integer(Int64(observed)),
    ]
  }
}
