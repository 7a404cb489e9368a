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

  /// Adds so many resources at a place.
  mutating func add(_ count: Int, _ place: Place, classification: String?) {
    total += count
    accounts[place.accounts.first ?? "", default: 0] += count
    regions[place.region, default: 0] += count
    kinds["\(place.kind)", default: 0] += count
    // A filter could not name a tag with such a name.
    for (name, value) in place.tags where !name.contains("=") {
      tags["\(name)=\(value)", default: 0] += count
    }
    if let classification { classifications[classification, default: 0] += count }
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
  /// A renewal finds out what others go on to be told the former figures of.
  /// - Throws: ``StoreError/notFound(kind:name:)`` for a scope that is not there.
  package func figures(
    _ filter: ResourceFilter,
    isPresent: Bool,
    _ cache: PostureCache,
    isRenewal: Bool = false
  ) throws -> ResourceFigures {
    try checkScope(filter)
    let key = PostureCache.FigureKey(
      instant: isPresent ? nil : instant,
      decisions: try transaction.contentStamp(),
      sight: sight,
      filter: filter
    )
    return try cache.figures(key, of: transaction.changeCount(), isRenewal: isRenewal) {
      try counted(filter)
    }
  }

  private func counted(_ filter: ResourceFilter) throws -> ResourceFigures {
    var figures = ResourceFigures()
    // Most of what a filter refuses is told by where it is.
    let mayBe = places.telling { [tree, sight] place in
      filter.selectsSpot(place) && tree.mayContain(place, in: filter.scope)
        && sight.mayContain(place, tree)
    }
    // Marks, and scopes that ask for ids, tell resources apart that are else alike.
    let isEach =
      !marks.isEmpty || tree.asksForResources(filter.scope) || sight.asksForResources(tree)
    var alike: [Alike: Int] = [:]
    try transaction.states(at: instant, where: mayBe) { state in
      guard filter.selects(id: state.id, name: state.name) else { return }
      guard !isEach else { return add(Alike(state), id: state.id, 1, filter, &figures) }
      alike[Alike(state), default: 0] += 1
      guard alike.count == Self.together else { return }
      for (one, count) in alike { add(one, id: "", count, filter, &figures) }
      alike = [:]
    }
    for (one, count) in alike { add(one, id: "", count, filter, &figures) }
    return figures
  }

  /// How many different resources are told apart at a time.
  private static let together = 50_000

  /// What resources have in common that are counted together.
  private struct Alike: Hashable {
    var place: StatePlace
    var tags: String

    init(_ state: StoredState) {
      place = StatePlace(
        account: state.account,
        kind: state.kind,
        region: state.region,
        group: state.group
      )
      tags = state.tags
    }
  }

  private func add(
    _ alike: Alike,
    id: String,
    _ count: Int,
    _ filter: ResourceFilter,
    _ figures: inout ResourceFigures
  ) {
    let spot = alike.place
    var place = places.place(spot.account, region: spot.region, group: spot.group, kind: spot.kind)
    (place.id, place.tags) = (id, Places.tags(alike.tags))
    guard selects(place, filter) else { return }
    figures.add(count, place, classification: marks.value(.dataClassification, of: place))
  }
}
