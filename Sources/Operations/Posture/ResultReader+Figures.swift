import Engine
import Model
import Store

// Counts of results. Most filters ask for accounts, kinds, goals and verdicts only, and their figures
// come from a tally that is kept for as long as nothing changes; the others walk over the results.
extension ResultReader {
  /// The counts of the results that a filter selects.
  ///
  /// `cache` keeps the tally.
  /// - Throws: as ``results(_:_:)``.
  package mutating func figures(_ filter: ResultFilter, _ cache: PostureCache) throws
    -> ResultFigures
  {
    var figures = ResultFigures()
    guard filter.resources.isEmpty, filter.marks.isEmpty else {
      var whole = filter
      whole.verdicts = []
      try results(whole) { result in
        figures.add(
          result.verdict,
          result.goal,
          result.place,
          count: 1,
          excepted: result.exception == nil ? 0 : 1,
          filter
        )
      }
      return figures
    }
    let columns = try columns(of: filter)
    try eachCell(filter, cache) { place, spot, cell in
      guard let columns = columns[spot.layout] else { return }
      for (column, goal) in columns.enumerated() {
        guard let goal else { continue }
        let base = column * ResultTally.width
        let excepted = cell.counts[base + ResultTally.width - 1]
        for verdict in Verdict.allCases {
          var count = cell.counts[base + verdict.place]
          let covered = verdict == .fail ? excepted : 0
          if filter.leavesOutExcepted { count -= covered }
          guard count > 0 else { continue }
          let shown = filter.leavesOutExcepted ? 0 : covered
          figures.add(verdict, goal, place, count: count, excepted: shown, filter)
        }
      }
    }
    return figures
  }

  /// The resources whose failures weigh most, accepted failures among them, heaviest first.
  ///
  /// Of the filter only scope, accounts and kinds count.
  package func heaviest(_ filter: ResultFilter, limit: Int, _ cache: PostureCache) throws
    -> [(resource: Int64, weight: Int)]
  {
    var found: [ResultTally.Burden] = []
    try eachCell(filter, cache) { _, _, cell in found += cell.heaviest }
    let sorted = found.sorted { ($1.weight, $0.resource) < ($0.weight, $1.resource) }
    return sorted.prefix(min(limit, ResultTally.kept)).map { ($0.resource, $0.weight) }
  }

  /// Hands over the cells of a tally that are in sight and that a filter selects.
  private func eachCell(
    _ filter: ResultFilter,
    _ cache: PostureCache,
    _ body: (Place, ResultTally.Spot, ResultTally.Cell) -> Void
  ) throws {
    if !filter.scope.isEmpty, !tree.has(filter.scope) {
      throw StoreError.notFound(kind: "scope", name: filter.scope)
    }
    let rows = tree.asksForResources(filter.scope) || sight.asksForResources(tree)
    let tally = try tally(rows ? filter.scope : nil, cache)
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
  }

  /// The tally of everything, or of what is in sight within a scope.
  private func tally(_ scope: String?, _ cache: PostureCache) throws -> ResultTally {
    let key = PostureCache.TallyKey(
      instant: isPresent ? nil : instant,
      changes: try transaction.changeCount(),
      exceptions: try transaction.exceptionsInForce(at: instant).map(\.id),
      scopes: scope == nil && resolver.isEmpty ? [] : tree.all,
      scope: scope,
      sight: scope == nil ? nil : sight
    )
    if let kept = cache.tally(key) { return kept }
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
    cache.keep(tally, under: key)
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
