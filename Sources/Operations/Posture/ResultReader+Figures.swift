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
        figures.add(at: result.place, [(result.goal, counts)], filter)
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
    key.tally = try eachCell(filter, cache, isRenewal: isRenewal) { place, spot, cell in
      guard let columns = columns[spot.layout] else { return }
      var results: [(goal: StoredGoal, counts: ResultFigures.Counts)] = []
      results.reserveCapacity(columns.count)
      for (column, goal) in columns.enumerated() {
        guard let goal else { continue }
        let counts = cell.counts(column, leavesOutExcepted: filter.leavesOutExcepted)
        if counts.all > 0 { results.append((goal, counts)) }
      }
      figures.add(at: place, results, filter)
    }
    cache.keep(figures, under: key)
    return figures
  }

  /// The resources whose failures weigh most, accepted failures among them, heaviest first.
  ///
  /// Of the filter only scope, accounts and kinds count.
  package func heaviest(_ filter: ResultFilter, limit: Int, _ cache: PostureCache) throws
    -> [(resource: Int64, weight: Int)]
  {
    var found: [ResultTally.Burden] = []
    let most = min(limit, ResultTally.kept)
    _ = try eachCell(filter, cache) { _, _, cell in
      for burden in cell.heaviest {
        if found.count == most, let last = found.last, !burden.isBefore(last) { continue }
        found.insert(burden, at: found.firstIndex { burden.isBefore($0) } ?? found.count)
        if found.count > most { found.removeLast() }
      }
    }
    return found.map { ($0.resource, $0.weight) }
  }

  /// Hands over the counts of every goal wherever there are resources, exceptions left aside.
  func eachCount(
    _ cache: PostureCache,
    _ body: (Place, StoredGoal, ResultFigures.Counts) -> Void
  ) throws {
    _ = try eachCell(ResultFilter(), cache) { place, spot, cell in
      for (column, number) in (layouts[spot.layout]?.goals ?? []).enumerated() {
        guard let goal = goals[number] else { continue }
        body(place, goal, cell.counts(column, leavesOutExcepted: false))
      }
    }
  }

  /// Hands over the cells of a tally that are in sight and that a filter selects; returns what they
  /// were counted from.
  private func eachCell(
    _ filter: ResultFilter,
    _ cache: PostureCache,
    isRenewal: Bool = false,
    _ body: (Place, ResultTally.Spot, ResultTally.Cell) -> Void
  ) throws -> PostureCache.TallyKey {
    if !filter.scope.isEmpty, !tree.has(filter.scope) {
      throw StoreError.notFound(kind: "scope", name: filter.scope)
    }
    let asked = try tallyKey(filter)
    let (tally, key) = try cache.tally(asked, isRenewal: isRenewal) {
      try count(within: asked.scope)
    }
    let rows = key.scope != nil
    for (spot, cell) in tally.cells {
      let place = places.place(
        spot.account,
        region: spot.region,
        group: spot.group,
        kind: spot.kind
      )
      guard filter.maySelect(place),
        rows || (tree.contains(place, in: filter.scope) && sight.contains(place, tree))
      else { continue }
      body(place, spot, cell)
    }
    return key
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
  private func count(within scope: String?) throws -> ResultTally {
    var tally = ResultTally(facts)
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
      try transaction.vectors(at: instant) {
        resource,
        account,
        region,
        group,
        kind,
        layout,
        verdicts in
        let spot = ResultTally.Spot(
          account: account,
          region: region,
          group: group,
          kind: kind,
          layout: layout
        )
        tally.add(resource, at: spot, verdicts)
      }
      for number in few {
        guard let state = try transaction.state(of: number, at: instant) else { continue }
        except(state, places.place(of: state), &resolver, &tally)
      }
    } else {
      try transaction.states(at: instant) { state in
        let place = places.place(of: state)
        if let scope {
          guard tree.contains(place, in: scope), sight.contains(place, tree) else { return }
        }
        tally.add(state.resource, at: ResultTally.Spot(state), state.verdicts)
        if !resolver.isEmpty { except(state, place, &resolver, &tally) }
      }
    }
    tally.settle()
    return tally
  }

  private func except(
    _ state: StoredState,
    _ place: Place,
    _ resolver: inout ExceptionResolver,
    _ tally: inout ResultTally
  ) {
    guard let layout = layouts[state.layout] else { return }
    for (column, letter) in zip(layout.goals.indices, state.verdicts.utf8) {
      guard Verdict(letter: letter) == .fail, let goal = goals[layout.goals[column]],
        resolver.exception(rule: goal.rule, resource: state.id, place: { place }) != nil
      else { continue }
      tally.except(at: ResultTally.Spot(state), column: column)
    }
  }
}
