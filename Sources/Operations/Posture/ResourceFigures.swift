package import JSON
package import Model
import Store

/// How many resources a filter selects, by what people look for them by.
package struct ResourceFigures: Sendable {
  package private(set) var total = 0
  private var accounts: [String: Int] = [:]
  private var regions: [String: Int] = [:]
  private var kinds: [String: Int] = [:]
  private var tags: [String: Int] = [:]
  private var classifications: [String: Int] = [:]

  /// How many entries of a kind are told.
  private static let told = 200

  mutating func add(_ place: Place, classification: String?) {
    total += 1
    accounts[place.accounts.first ?? "", default: 0] += 1
    regions[place.region, default: 0] += 1
    kinds["\(place.kind)", default: 0] += 1
    // A filter could not name a tag with such a name.
    for (name, value) in place.tags where !name.contains("=") {
      tags["\(name)=\(value)", default: 0] += 1
    }
    if let classification { classifications[classification, default: 0] += 1 }
  }

  /// The figures as of an instant.
  package func json(at instant: Instant) -> JSONValue {
    [
      "as_of": .string("\(instant)"), "total": .integer(Int64(total)),
      "accounts": Self.most(accounts), "regions": Self.most(regions), "kinds": Self.most(kinds),
      "tags": Self.most(tags), "classifications": Self.most(classifications),
    ]
  }

  private static func most(_ counts: [String: Int]) -> JSONValue {
    let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return .array(
      sorted.prefix(told).map {
        ["name": .string($0.key), "total": .integer(Int64($0.value))]
      }
    )
  }
}

extension ResourceReader {
  /// How many resources a filter selects; `cache` keeps it for as long as it stands.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)`` for a scope that is not there.
  package func figures(_ filter: ResourceFilter, isPresent: Bool, _ cache: PostureCache) throws
    -> ResourceFigures
  {
    try checkScope(filter)
    let key = PostureCache.FigureKey(
      instant: isPresent ? nil : instant,
      changes: try transaction.changeCount(),
      decisions: try transaction.contentStamp(),
      sight: sight,
      filter: filter
    )
    return try cache.figures(key) { try counted(filter) }
  }

  private func counted(_ filter: ResourceFilter) throws -> ResourceFigures {
    var figures = ResourceFigures()
    // Most of what a filter refuses is told by where it is.
    let mayBe = places.telling { [tree, sight] place in
      filter.selectsSpot(place) && tree.mayContain(place, in: filter.scope)
        && sight.mayContain(place, tree)
    }
    try transaction.states(at: instant, where: mayBe) { state in
      let place = places.place(of: state)
      guard selects(state, place, filter) else { return }
      figures.add(place, classification: marks.value(.dataClassification, of: place))
    }
    return figures
  }
}
