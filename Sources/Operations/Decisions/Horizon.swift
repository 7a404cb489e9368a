import JSON
package import Model
package import Store

/// What somebody sees of decisions, which name accounts, scopes and resources instead of having a place.
package struct Horizon {
  /// Where that one has the permission.
  package let sight: Sight
  private let places: Places
  private let tree: ScopeTree
  private let transaction: StoreTransaction

  /// What a sight holds of accounts and scopes as they are at an instant.
  package init(_ transaction: StoreTransaction, sight: Sight, at instant: Instant) throws {
    (self.transaction, self.sight) = (transaction, sight)
    places = try Places(transaction)
    tree = ScopeTree(try transaction.scopes(at: instant))
  }

  /// Whether all of an account is in sight, known or not.
  package func seesAccount(_ id: String) -> Bool {
    sight.containsAccount(places.names[id] ?? [id])
  }

  /// Whether all of a scope is in sight; the empty name is everything.
  package func seesScope(_ name: String) -> Bool { sight.containsScope(name) }

  /// Those of some resources of which every one that has the id is in sight.
  ///
  /// A pattern, and an id that no resource has, may come to mean any resource: whoever sees everything
  /// sees these, and nobody else.
  package func seen(ofResources ids: some Sequence<String>) throws -> Set<String> {
    let ids = Set(ids)
    if sight.isEverything { return ids }
    let exact = ids.filter { !Self.isPattern($0) }
    var seen: Set<String> = []
    var hidden: Set<String> = []
    for found in try transaction.lastPlaces(ofResources: exact.sorted()) {
      var place = places.place(
        found.place.account,
        region: found.place.region,
        group: found.place.group,
        kind: found.place.kind
      )
      place.id = found.id
      if sight.asksForScopes, !found.tags.isEmpty {
        for (key, value) in (try? JSONValue(parsing: found.tags))?.object?.members ?? [] {
          place.tags[key] = value.string
        }
      }
      if sight.contains(place, tree) { seen.insert(found.id) } else { hidden.insert(found.id) }
    }
    return seen.subtracting(hidden)
  }

  /// Whether everything is in sight that a decision about a resource in a scope can touch.
  package func sees(resource: String, scope: String) throws -> Bool {
    try seen(scope: scope, resources: [resource]).contains(resource)
  }

  /// Those of some resources, within a scope, of which everything that a decision can touch is in sight.
  package func seen(scope: String, resources: some Sequence<String>) throws -> Set<String> {
    if sight.isEverything || (!scope.isEmpty && seesScope(scope)) { return Set(resources) }
    return try seen(ofResources: resources)
  }

  /// Whether a text stands for more than one id.
  package static func isPattern(_ text: String) -> Bool { text.contains { $0 == "*" || $0 == "?" } }
}
