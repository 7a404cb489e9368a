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
    for (name, value) in place.tags { add(count, WordColumns.Tag(name: name, value: value)) }
    if let classification { classifications[classification, default: 0] += count }
  }

  /// Adds so many resources with a tag.
  mutating func add(_ count: Int, _ tag: WordColumns.Tag) {
    // A filter could not name a tag with such a name.
    if !tag.name.contains("=") { tags["\(tag.name)=\(tag.value)", default: 0] += count }
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
      try counted(filter, cache)
    }
  }

  private func counted(_ filter: ResourceFilter, _ cache: PostureCache) throws -> ResourceFigures {
    // Marks, and scopes that ask for ids or tags, tell resources apart that are else alike.
    if !marks.isEmpty || tree.asksForResources(filter.scope) || sight.asksForResources(tree) {
      return try countedOneByOne(filter)
    }
    let verdicts = try cache.verdicts.columns(transaction, at: instant)
    let words = try cache.words.columns(transaction, at: instant)
    let spots = verdicts.spots.map { spot in
      places.place(spot.account, region: spot.region, group: spot.group, kind: spot.kind)
    }
    let isInside = spots.map { place in
      filter.selectsSpot(place) && tree.contains(place, in: filter.scope)
        && sight.contains(place, tree)
    }
    let isFound = filter.words.isEmpty ? nil : words.resources(with: filter.words)
    let tags = words.allTags
    // A resource has one value of a tag at most.
    let isAsked = tags.map { tag in
      filter.tags[tag.name].map { Wildcard.matches(tag.value, pattern: $0) } ?? false
    }
    var spotCounts = Array(repeating: 0, count: spots.count)
    var tagCounts = Array(repeating: 0, count: tags.count)
    for (resource, vector) in verdicts.vectorOf.enumerated() where vector >= 0 {
      let spot = Int(verdicts.vectors[Int(vector)].spot)
      guard isInside[spot], isFound.map({ resource < $0.count && $0[resource] }) ?? true
      else { continue }
      if !filter.tags.isEmpty {
        var met = 0
        words.eachTag(of: resource) { if isAsked[$0] { met += 1 } }
        guard met == filter.tags.count else { continue }
      }
      spotCounts[spot] += 1
      words.eachTag(of: resource) { tagCounts[$0] += 1 }
    }
    var figures = ResourceFigures()
    for (place, count) in zip(spots, spotCounts) where count > 0 {
      figures.add(count, place, classification: nil)
    }
    for (tag, count) in zip(tags, tagCounts) where count > 0 { figures.add(count, tag) }
    return figures
  }

  private func countedOneByOne(_ filter: ResourceFilter) throws -> ResourceFigures {
    var figures = ResourceFigures()
    // Most of what a filter refuses is told by where it is.
    let mayBe = places.telling { [tree, sight] place in
      filter.selectsSpot(place) && tree.mayContain(place, in: filter.scope)
        && sight.mayContain(place, tree)
    }
    try transaction.states(at: instant, where: mayBe) { state in
      guard filter.selects(id: state.id, name: state.name) else { return }
      let place = places.place(of: state)
      guard selects(place, filter) else { return }
      figures.add(1, place, classification: marks.value(.dataClassification, of: place))
    }
    return figures
  }
}
