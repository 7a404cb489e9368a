import Engine
import Model
import Store

// Counts of results. Most filters ask for accounts, kinds, goals and verdicts only, and their figures
// come from a tally that is kept for as long as nothing changes; the others walk over the results.
extension ResultReader {
  /// The counts of the results that a filter selects.
  ///
  /// `cache` keeps the tally; a renewal counts what others go on to be told the former counts of.
  /// - Throws: as ``results(_:_:)``.
  package mutating func figures(
    _ filter: ResultFilter,
    _ cache: PostureCache,
    isRenewal: Bool = false
  ) throws -> ResultFigures {
    var figures = ResultFigures()
    guard filter.resources.isEmpty, filter.marks.isEmpty else {
      var whole = filter
      whole.verdicts = []
      try results(whole) { result in
        var counts = ResultFigures.Counts()
        counts.add(result.verdict, 1, excepted: result.exception == nil ? 0 : 1)
        figures.add(counts, of: result.goal, filter)
        figures.add(counts, at: result.place, filter)
      }
      return figures
    }
    var key = PostureCache.ResultKey(
      tally: try tallyKey(filter),
      sight: sight,
      filter: filter,
      stamp: try transaction.contentStamp()
    )
    if let kept = cache.figures(key) { return kept }
    let columns = try columns(of: filter)
    // Kept under what was counted, which may be of a moment ago.
    key.tally = try eachCount(
      filter,
      cache,
      isRenewal: isRenewal,
      of: columns,
      at: { figures.add($1.counted(filter), at: $0, filter) },
      { figures.add($1.counted(filter), of: $0, filter) }
    )
    cache.keep(figures, under: key)
    return figures
  }

  /// The resources whose failures weigh most, accepted failures among them, heaviest first.
  ///
  /// Of the filter only scope, accounts and kinds count.
  package func heaviest(_ filter: ResultFilter, limit: Int, _ cache: PostureCache) throws
    -> [(resource: Int64, weight: Int)]
  {
    let most = min(limit, Self.heaviestLimit)
    let (tally, _, isInside) = try tally(filter, cache)
    let vectors = tally.columns.vectors
    var known: [Int64: [Int32: Int]] = [:]
    // Of those that nobody may see, or that nobody asks for, nothing weighs anything.
    let weights = vectors.map { vector -> Int in
      guard isInside[Int(vector.spot)] else { return 0 }
      let layout = tally.columns.spots[Int(vector.spot)].layout
      if let weight = known[layout]?[vector.text] { return weight }
      let letters = tally.columns.texts[Int(vector.text)].utf8
      let weight = zip(layouts[layout]?.goals ?? [], letters).reduce(0) { sum, column in
        Verdict(letter: column.1) == .fail ? sum + (goals[column.0]?.severity.weight ?? 0) : sum
      }
      known[layout, default: [:]][vector.text] = weight
      return weight
    }
    var found: [(resource: Int64, weight: Int)] = []
    for (resource, vector) in tally.columns.vectorOf.enumerated() where vector >= 0 {
      let weight = weights[Int(vector)]
      // Of those that weigh the same the first stay.
      guard weight > 0, found.count < most || weight > found.last?.weight ?? 0 else { continue }
      let place = found.firstIndex { $0.weight < weight } ?? found.count
      found.insert((Int64(resource), weight), at: place)
      if found.count > most { found.removeLast() }
    }
    return found
  }

  /// How many of the heaviest are told at most.
  private static let heaviestLimit = 20

  /// Hands over the counts of every goal, exceptions left aside, of the resources at some places.
  func eachCount(
    _ cache: PostureCache,
    where isAsked: (Place) -> Bool,
    _ body: (StoredGoal, ResultFigures.Counts) -> Void
  ) throws {
    let columns = layouts.mapValues { $0.goals.map { goals[$0] } }
    _ = try eachCount(ResultFilter(), cache, of: columns, where: isAsked, at: { _, _ in }, body)
  }

  /// Hands over what a filter selects in sight: the counts at each place, and those of each goal; returns what
  /// they were counted from.
  private func eachCount(
    _ filter: ResultFilter,
    _ cache: PostureCache,
    isRenewal: Bool = false,
    of columns: [Int64: [StoredGoal?]],
    where isAsked: (Place) -> Bool = { _ in true },
    at place: (Place, ResultFigures.Counts) -> Void,
    _ goal: (StoredGoal, ResultFigures.Counts) -> Void
  ) throws -> PostureCache.TallyKey {
    let (tally, key, isInside) = try tally(filter, cache, isRenewal: isRenewal)
    var sums = CrowdSums(
      tally.columns.texts,
      asking: columns.mapValues { goals in goals.map { $0 != nil } }
    )
    for spot in tally.columns.spots.indices where isInside[spot] {
      let here = self.place(of: tally.columns.spots[spot])
      if isAsked(here) { place(here, sums.add(tally, at: spot)) }
    }
    sums.each { layout, column, counts in
      if let one = columns[layout]?[column] { goal(one, counts) }
    }
    return key
  }

  private func place(of spot: ResultTally.Spot) -> Place {
    places.place(spot.account, region: spot.region, group: spot.group, kind: spot.kind)
  }

  /// The tally for a filter, what it was counted from, and by spot whether the filter selects some resource
  /// there that is in sight.
  private func tally(_ filter: ResultFilter, _ cache: PostureCache, isRenewal: Bool = false) throws
    -> (tally: ResultTally, key: PostureCache.TallyKey, isInside: [Bool])
  {
    if !filter.scope.isEmpty, !tree.has(filter.scope) {
      throw StoreError.notFound(kind: "scope", name: filter.scope)
    }
    let asked = try tallyKey(filter)
    let (tally, key) = try cache.tally(asked, isRenewal: isRenewal) {
      try count(within: asked.scope, cache)
    }
    let isOfRows = key.scope != nil
    let isInside = tally.columns.spots.map { spot in
      let place = place(of: spot)
      return filter.maySelect(place)
        && (isOfRows || (tree.contains(place, in: filter.scope) && sight.contains(place, tree)))
    }
    return (tally, key, isInside)
  }

  /// What the tally for a filter is counted from: everything, or what is in sight within the scope
  /// where that asks for more of resources than spots tell.
  private func tallyKey(_ filter: ResultFilter) throws -> PostureCache.TallyKey {
    let asksForRows = tree.asksForResources(filter.scope) || sight.asksForResources(tree)
    let scope = asksForRows ? filter.scope : nil
    return PostureCache.TallyKey(
      instant: isPresent ? nil : instant,
      changes: try transaction.changeCount(),
      exceptions: try transaction.exceptionsInForce(at: instant).map(\.id),
      scopes: scope == nil && resolver.isEmpty ? [] : tree.all,
      scope: scope,
      sight: scope == nil ? nil : sight
    )
  }

  /// Counts everything, or what is in sight within a scope.
  private func count(within scope: String?, _ cache: PostureCache) throws -> ResultTally {
    var resolver = resolver
    let few =
      try resolver.isEmpty
      ? []
      : ExceptedWeights.few(
        transaction,
        resolver.resources,
        Set(layouts.values.map(\.kind))
      )
    if scope == nil, let few {
      var tally = ResultTally(try cache.verdicts.columns(transaction, at: instant))
      for number in few {
        guard let state = try transaction.state(of: number, at: instant) else { continue }
        for column in excepted(state, places.place(of: state), &resolver) {
          tally.except(at: ResultTally.Spot(state), column: column)
        }
      }
      return tally
    }
    var columns = VerdictColumns()
    var excepted: [(spot: ResultTally.Spot, column: Int)] = []
    try transaction.states(at: instant) { state in
      let place = places.place(of: state)
      if let scope {
        guard tree.contains(place, in: scope), sight.contains(place, tree) else { return }
      }
      let spot = ResultTally.Spot(state)
      columns.set(state.resource, at: spot, state.verdicts)
      if !resolver.isEmpty {
        excepted += self.excepted(state, place, &resolver).map { (spot, $0) }
      }
    }
    var tally = ResultTally(columns)
    for failure in excepted { tally.except(at: failure.spot, column: failure.column) }
    return tally
  }

  /// The columns of a state whose failures exceptions cover.
  private func excepted(
    _ state: StoredState,
    _ place: Place,
    _ resolver: inout ExceptionResolver
  ) -> [Int] {
    guard let layout = layouts[state.layout] else { return [] }
    return zip(layout.goals.indices, state.verdicts.utf8).compactMap { column, letter in
      guard Verdict(letter: letter) == .fail, let goal = goals[layout.goals[column]],
        resolver.exception(rule: goal.rule, resource: state.id, place: { place }) != nil
      else { return nil }
      return column
    }
  }
}
