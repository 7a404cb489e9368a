import Engine
package import JSON
package import Model
package import Store

/// Which resources are asked for; what is empty selects everything.
package struct ResourceFilter: Sendable, Hashable {
  package var scope = ""
  /// Patterns of accounts or what stands above them, of regions and of kinds.
  package var accounts: [String] = []
  package var regions: [String] = []
  package var kinds: [String] = []
  /// Words, each of which stands somewhere in the id or the name, in any case.
  package var words: [String] = []
  /// Patterns of values by tag.
  package var tags: [String: String] = [:]
  /// Values that marks must have.
  package var marks: [Mark.Kind: String] = [:]

  package init() {}

  /// Whether it selects some resource at a place, going by account, region and kind.
  func selectsSpot(_ place: Place) -> Bool {
    func any(_ patterns: [String], _ texts: [String]) -> Bool {
      patterns.isEmpty
        || patterns.contains { pattern in
          texts.contains { Wildcard.matches($0, pattern: pattern) }
        }
    }
    return any(accounts, place.accounts) && any(regions, [place.region])
      && any(kinds, ["\(place.kind)", place.kind.kind])
  }

  /// Whether a resource's id and name hold the words.
  func selects(id: String, name: String) -> Bool {
    guard !words.isEmpty else { return true }
    let text = "\(id) \(name)".lowercased()
    return words.allSatisfy { text.contains($0.lowercased()) }
  }

  /// Whether it selects resources at a place with its tags, whatever their ids and names.
  func selects(_ place: Place) -> Bool {
    selectsSpot(place)
      && tags.allSatisfy { key, pattern in
        place.tags[key].map { Wildcard.matches($0, pattern: pattern) } ?? false
      }
  }
}

/// A resource as of an instant.
package struct StoredResource: Sendable {
  package var state: StoredState
  package var place: Place
  /// How many of its goals have each verdict.
  package var counts: [Verdict: Int]

  /// The resource without its configuration.
  package var json: JSONValue {
    var object: JSONObject = [
      "number": .integer(state.resource), "provider": .string(place.provider),
      "account": .string(place.accounts.first ?? ""), "region": .string(place.region),
      "resource_group": .string(place.group), "service_name": .string(place.kind.service),
      "resource_kind": .string(place.kind.kind), "id": .string(place.id),
      "name": .string(state.name),
    ]
    let tags = place.tags.sorted { $0.key < $1.key }
    object["tags"] = .object(JSONObject(tags.map { (key: $0.key, value: .string($0.value)) }))
    object["since"] = .string("\(state.begins)")
    if !state.ends.isNever { object["until"] = .string("\(state.ends)") }
    let verdicts = Verdict.allCases.map {
      (key: $0.rawValue, value: JSONValue.integer(Int64(counts[$0] ?? 0)))
    }
    object["verdicts"] = .object(JSONObject(verdicts))
    return .object(object)
  }
}

/// Reads resources as of an instant.
package struct ResourceReader {
  let transaction: StoreTransaction
  let instant: Instant
  let places: Places
  let tree: ScopeTree
  let sight: Sight
  let marks: MarkIndex

  /// A reader as of an instant.
  ///
  /// `sight` is where its user may read; nothing else is handed over.
  /// `facts` is the store's, where they are known already.
  package init(
    _ transaction: StoreTransaction,
    at instant: Instant,
    sight: Sight,
    facts: PostureFacts? = nil
  ) throws {
    (self.transaction, self.instant, self.sight) = (transaction, instant, sight)
    places = try facts?.places ?? Places(transaction)
    tree = ScopeTree(try transaction.scopes(at: instant))
    marks = MarkIndex(try transaction.marks(at: instant), tree)
  }

  func checkScope(_ filter: ResourceFilter) throws {
    if !filter.scope.isEmpty, !tree.has(filter.scope) {
      throw StoreError.notFound(kind: "scope", name: filter.scope)
    }
  }

  /// Whether a filter selects resources at a place with its tags and id, and they are in sight.
  func selects(_ place: Place, _ filter: ResourceFilter) -> Bool {
    filter.selects(place) && tree.contains(place, in: filter.scope) && sight.contains(place, tree)
      && filter.marks.allSatisfy { marks.value($0, of: place) == $1 }
  }

  /// A page of resources in the order of their numbers.
  ///
  /// `after` is the number after which it begins.
  /// `effort` is how many resources are looked at, at most: a page may be shorter, or empty, where few
  /// are selected, and another follows.
  /// - Returns: the resources, and the number after which the next page begins; nil for the last.
  /// - Throws: ``StoreError/notFound(kind:name:)`` for a scope that is not there.
  package func page(
    _ filter: ResourceFilter,
    after: Int64,
    limit: Int,
    effort: Int = 20_000
  ) throws -> (resources: [StoredResource], end: Int64?) {
    try checkScope(filter)
    var found: [StoredResource] = []
    var last = after
    var looked = 0
    let account = places.onlyAccount(filter.accounts)
    while looked < effort {
      let count = min(512, max(64, limit))
      let states = try transaction.states(at: instant, after: last, account: account, limit: count)
      looked += count
      for state in states.found {
        guard let resource = resource(state, filter) else { continue }
        found.append(resource)
        if found.count == limit { return (found, state.resource) }
      }
      guard let next = states.last else { return (found, nil) }
      last = next
    }
    return (found, last)
  }

  /// One resource as of the instant.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)`` for one that was not there, or is out of sight.
  package func resource(_ number: Int64) throws -> StoredResource {
    guard let resource = try seen(number) else {
      throw StoreError.notFound(kind: "resource", name: "\(number)")
    }
    return resource
  }

  /// One resource as of the instant; nil for one that was not there, or is out of sight.
  func seen(_ number: Int64) throws -> StoredResource? {
    try transaction.state(of: number, at: instant).flatMap { resource($0, ResourceFilter()) }
  }

  /// What marks say of a resource, its scopes' marks among them.
  package func marks(of resource: StoredResource) -> JSONValue {
    let values = marks.values(of: resource.place).sorted { $0.key.rawValue < $1.key.rawValue }
    return .object(JSONObject(values.map { (key: $0.key.rawValue, value: .string($0.value)) }))
  }

  /// The last state of a resource, whether it is still there or gone.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)`` for one that never was, or is out of sight.
  package func lastState(of number: Int64) throws -> StoredState {
    guard let state = try transaction.history(of: number).last,
      sight.contains(places.place(of: state), tree)
    else { throw StoreError.notFound(kind: "resource", name: "\(number)") }
    return state
  }

  /// The resource of a state; nil where a filter refuses it, or it is out of sight.
  func resource(_ state: StoredState, _ filter: ResourceFilter) -> StoredResource? {
    guard filter.selects(id: state.id, name: state.name) else { return nil }
    let place = places.place(of: state)
    guard selects(place, filter) else { return nil }
    var counts: [Verdict: Int] = [:]
    for letter in state.verdicts.utf8 {
      if let verdict = Verdict(letter: letter) { counts[verdict, default: 0] += 1 }
    }
    return StoredResource(state: state, place: place, counts: counts)
  }
}
