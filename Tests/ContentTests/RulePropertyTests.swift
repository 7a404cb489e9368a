import Content
import Foundation
import JSON
import Model
import TestSupport
import Testing

/// What shipped rules read and mappings write, against the definitions of the providers themselves.
///
/// They lie in Tests/ContentTests/Schemas, which script/kind-schemas writes. AWS has tests of its own.
struct RulePropertyTests {
  /// How the ids of a provider's rules begin.
  private static let prefixes = [
    "azure": "azure.", "gcp": "gcp.", "ibm": "ibm.", "kubernetes": "k8s.", "linux": "linux.",
  ]

  @Test(arguments: ["azure", "gcp", "ibm", "kubernetes", "linux"])
  func `every property that a rule reads is defined by the provider`(_ provider: String) throws {
    let prefix = try #require(Self.prefixes[provider])
    var reading = Reading(schema: try Schema(provider))
    for rule in try Shipped.rules.get()
    where rule.id.hasPrefix(prefix) && rule.status != .deprecated {
      reading.read(rule)
    }
    #expect(reading.misses.isEmpty, "\(reading.misses.joined(separator: "\n"))")
    #expect(reading.count > 100)
    let unread = Set(reading.schema.kinds.keys).subtracting(reading.kinds).sorted()
    #expect(unread.isEmpty, "no rule reads \(unread)")
  }

  @Test(arguments: ["azure", "gcp", "ibm"])
  func `every key that a Terraform mapping writes is defined by the provider`(
    _ provider: String
  ) throws {
    let schema = try Schema(provider)
    var writing = Writing()
    for document in try Shipped.library.get().nodes("terraform/\(provider)") {
      let type = try #require(Writing.member("terraform", of: document)?.json.string)
      let service = try #require(Writing.member("service_name", of: document)?.json.string)
      let kind = try #require(Writing.member("resource_kind", of: document)?.json.string)
      guard let place = schema.kinds["\(service)/\(kind)"] else { continue }
      writing.write(document: document, at: Spot(place: place, path: "\(type): "))
    }
    #expect(writing.misses.isEmpty, "\(writing.misses.joined(separator: "\n"))")
    #expect(writing.count > 200)
  }

  @Test(arguments: ["azure", "gcp", "ibm", "kubernetes", "linux"])
  func `exceptions have a reason and an address, and are needed`(_ provider: String) throws {
    let exceptions = try Schema(provider).exceptions
    for exception in exceptions {
      #expect(!exception.reason.isEmpty, "\(exception.kind) \(exception.path)")
      #expect(exception.url.hasPrefix("https://"), "\(exception.kind) \(exception.path)")
      #expect(!exception.isDefined, "\(exception.kind) \(exception.path) is defined by now")
    }
  }

  @Test(arguments: [
    ("kind", 0), ("madeUp", 1), ("properties.networkAcls.defaultAction", 0),
    ("properties.networkAcls.defaultActions", 1), ("properties.networkAcls.ipRules[*].value", 0),
    ("properties.networkAcls.ipRules[0].values", 1), ("properties.networkAcls.ipRules.value", 1),
    (#"tags."cost.centre""#, 0), ("$resource.tags.owner", 0), ("$resource.owner", 1),
  ])
  func `a property that nobody defined is found missing`(_ text: String, _ misses: Int) throws {
    let path = try #require(PropertyPath(text))
    var reading = Reading(schema: try Schema("azure"))
    reading.read(Self.rule(.leaf(Condition.Leaf(path, .exists))))
    #expect(reading.misses.count == misses, "\(reading.misses)")
  }

  @Test func `elements and related resources are looked up in their own definitions`() throws {
    let list = try #require(PropertyPath("properties.networkAcls.ipRules"))
    let value = Condition.leaf(Condition.Leaf(try #require(PropertyPath("value")), .exists))
    let outside = Condition.leaf(Condition.Leaf(try #require(PropertyPath("kind")), .exists))
    let root = Condition.leaf(Condition.Leaf(try #require(PropertyPath("$root.kind")), .exists))
    let vault = Condition.Related(
      ResourceKind(service: "keyvault", kind: "vault"),
      join: .init(
        property: try #require(PropertyPath("properties.enableSoftDelete")),
        equals: try #require(PropertyPath("properties.enableSoftDelete"))
      )
    )
    let unknown = Condition.Related(ResourceKind(service: "storage", kind: "made_up"))
    let conditions: [(Condition.Quantifier.Range, Condition, [String])] = [
      (.elements(list), .and([value, root]), []),
      (
        .elements(list), .not(outside),
        ["made.up: storage/storage_account has no property properties.networkAcls.ipRules[*].kind"]
      ),
      // What a vault is joined by is no property of a storage account; `value` is none of a vault.
      (
        .related(vault), .or([value]),
        [
          "made.up: storage/storage_account has no property properties.enableSoftDelete",
          "made.up: keyvault/vault has no property value",
        ]
      ),
      (.related(unknown), value, ["made.up: storage/made_up is not defined"]),
    ]
    for (range, satisfy, misses) in conditions {
      var reading = Reading(schema: try Schema("azure"))
      reading.read(Self.rule(.quantifier(Condition.Quantifier(.any, range, satisfy: satisfy))))
      #expect(reading.misses == misses)
    }
  }

  /// A rule about storage accounts.
  private static func rule(_ condition: Condition) -> Rule {
    let kind = ResourceKind(service: "storage", kind: "storage_account")
    return Rule(
      id: "made.up",
      title: "Made up",
      target: Rule.Target(kinds: [kind]),
      requiredConfig: condition
    )
  }

  // MARK: - Definitions

  /// A place in a kind's definition: a value, an object by its keys, or a list.
  private struct Place {
    /// Where anything may stand.
    static let anything = Place(isOpen: true)

    var keys: [String: Place] = [:]
    /// The element of a list; empty for what is none.
    var elements: [Place] = []
    /// Whether the definition leaves open which keys there are.
    var isOpen = false

    /// Adds the property at a path; a key `*` stands for any key and all below it.
    mutating func insert(_ path: ArraySlice<PropertyPath.Component>) {
      guard let first = path.first else { return }
      switch first {
      case .key("*"): isOpen = true
      case .key(let key): keys[key, default: Place()].insert(path.dropFirst())
      case .index, .each:
        if elements.isEmpty { elements = [Place()] }
        elements[0].insert(path.dropFirst())
      }
    }

    /// What is one step further, or nil where the definition has nothing there.
    subscript(component: PropertyPath.Component) -> Place? {
      let next: Place? =
        switch component {
        case .key(let key): keys[key]
        case .index, .each: elements.first
        }
      return next ?? (isOpen ? Self.anything : nil)
    }
  }

  /// A place and how it was reached.
  private struct Spot {
    let place: Place
    let path: String

    /// What is one step further, or nil where the definition has nothing there.
    func next(_ component: PropertyPath.Component) -> Spot? {
      place[component].map { Spot(place: $0, path: path(to: component)) }
    }

    /// How the place one step further is written.
    func path(to component: PropertyPath.Component) -> String {
      let step = PropertyPath([component]).description
      return path.isEmpty || path.hasSuffix(" ") || step.hasPrefix("[")
        ? path + step : "\(path).\(step)"
    }
  }

  /// A provider's definitions.
  private struct Schema {
    /// A property that the definitions do not show and rules may read all the same.
    struct Exception {
      let kind: String
      let path: PropertyPath
      let reason: String
      let url: String
      /// Whether the definitions show it after all.
      let isDefined: Bool
    }

    /// The configuration of each kind, by `service/kind`.
    let kinds: [String: Place]
    let exceptions: [Exception]

    init(_ provider: String) throws {
      let file = Fixtures.root.appendingPathComponent("Tests/ContentTests/Schemas/\(provider).json")
      let document = try JSONValue(parsing: String(contentsOf: file, encoding: .utf8))
      var kinds: [String: Place] = [:]
      var exceptions: [Exception] = []
      for (kind, entry) in try #require(document["kinds"]?.object).members {
        var defined = Place()
        for path in try Self.paths(entry) { defined.insert(path.components[...]) }
        var place = defined
        for group in entry["documented"]?.array ?? [] {
          for path in try Self.paths(group) {
            place.insert(path.components[...])
            let found = path.components.reduce(defined as Place?) { place, step in place?[step] }
            exceptions.append(
              Exception(
                kind: kind,
                path: path,
                reason: group["reason"]?.string ?? "",
                url: group["url"]?.string ?? "",
                isDefined: found != nil
              )
            )
          }
        }
        kinds[kind] = place
      }
      self.kinds = kinds
      self.exceptions = exceptions
    }

    private static func paths(_ entry: JSONValue) throws -> [PropertyPath] {
      try #require(entry["properties"]?.array).map { text in
        try #require(text.string.flatMap { PropertyPath($0) }, "\(text) is no path")
      }
    }
  }

  // MARK: - Rules

  /// The properties of rules, looked up one by one.
  private struct Reading {
    /// What `$resource` may begin with (docs/rules.md).
    static let envelope: Set = [
      "account", "attributes", "id", "name", "provider", "region", "tags",
    ]

    let schema: Schema
    /// How many properties were looked up.
    var count = 0
    /// The kinds that were asked for.
    var kinds: Set<String> = []
    var misses: [String] = []

    /// Whose configuration a condition is about.
    struct Scope {
      let rule: String
      let kind: ResourceKind
      let configuration: Spot
    }

    mutating func read(_ rule: Rule) {
      for kind in rule.target.kinds {
        let scope = scope(kind, rule.id)
        for leaf in rule.target.attributes { look(leaf.property, scope, scope.configuration) }
        if let applies = rule.applies { read(applies, scope, scope.configuration) }
        read(rule.requiredConfig, scope, scope.configuration)
      }
    }

    private mutating func scope(_ kind: ResourceKind, _ rule: String) -> Scope {
      kinds.insert(kind.description)
      let place = schema.kinds[kind.description]
      if place == nil { misses.append("\(rule): \(kind) is not defined") }
      let configuration = Spot(place: place ?? .anything, path: "")
      return Scope(rule: rule, kind: kind, configuration: configuration)
    }

    private mutating func read(_ condition: Condition, _ scope: Scope, _ element: Spot) {
      switch condition {
      case .and(let parts), .or(let parts):
        for part in parts { read(part, scope, element) }
      case .not(let part): read(part, scope, element)
      case .leaf(let leaf): look(leaf.property, scope, element)
      case .quantifier(let quantifier):
        let inner: (scope: Scope, element: Spot)
        switch quantifier.range {
        case .elements(let path):
          let list = look(path, scope, element)
          // A value that is no list counts as a list of one.
          inner = (scope, list.place.elements.isEmpty ? list : list.next(.each) ?? list)
        case .related(let related):
          let other = self.scope(related.kind, scope.rule)
          if let join = related.join {
            look(join.equals, scope, element)
            look(join.property, other, other.configuration)
          }
          inner = (other, other.configuration)
        }
        if let satisfy = quantifier.satisfy { read(satisfy, inner.scope, inner.element) }
      }
    }

    /// Where a path leads; anywhere when there is no such property, which is noted.
    @discardableResult
    private mutating func look(_ path: PropertyPath, _ scope: Scope, _ element: Spot) -> Spot {
      count += 1
      if path.root == .resource {
        if case .key(let key) = path.components.first, Self.envelope.contains(key) {
          return Spot(place: .anything, path: path.description)
        }
        misses.append("\(scope.rule): a resource has no \(path)")
        return Spot(place: .anything, path: path.description)
      }
      var spot = path.root == .configuration ? scope.configuration : element
      var isThere = true
      for component in path.components {
        let next = spot.next(component)
        isThere = isThere && next != nil
        spot = next ?? Spot(place: .anything, path: spot.path(to: component))
      }
      if !isThere { misses.append("\(scope.rule): \(scope.kind) has no property \(spot.path)") }
      return spot
    }
  }

  // MARK: - Mappings

  /// The keys that mappings write, looked up one by one.
  private struct Writing {
    var count = 0
    var misses: [String] = []

    static func member(_ key: String, of node: DocumentNode) -> DocumentNode? {
      guard case .mapping(let members) = node.value else { return nil }
      return members.first { $0.key == key }?.value
    }

    /// Looks at every node of a mapping document that makes a configuration.
    mutating func write(document: DocumentNode, at spot: Spot) {
      var nodes = ["configuration", "defaults", "created"].compactMap {
        Self.member($0, of: document)
      }
      if case .sequence(let parts) = Self.member("parts", of: document)?.value {
        nodes += parts.compactMap { Self.member("configuration", of: $0) }
      }
      for node in nodes { write(node, at: spot) }
    }

    /// A node yields what stands at a place (docs/terraform-mappings.md).
    private mutating func write(_ node: DocumentNode, at spot: Spot) {
      switch node.value {
      case .scalar: break
      case .sequence(let nodes):
        guard let element = step(.each, from: spot) else { return }
        for inner in nodes { write(inner, at: element) }
      case .mapping(let members):
        for (key, inner) in members {
          switch key {
          case "$value", "$then", "$else": write(inner, at: spot)
          case "$first", "$concat":
            guard case .sequence(let nodes) = inner.value else { continue }
            for one in nodes { write(one, at: spot) }
          case "$item":
            if let element = step(.each, from: spot) { write(inner, at: element) }
          case _ where key.hasPrefix("$"): break
          default:
            if let value = step(.key(key), from: spot) { write(inner, at: value) }
          }
        }
      }
    }

    private mutating func step(_ component: PropertyPath.Component, from spot: Spot) -> Spot? {
      count += 1
      let next = spot.next(component)
      if next == nil { misses.append(spot.path(to: component)) }
      return next
    }
  }
}
