import Engine
package import JSON
package import Model
package import Store

/// One stored result as of an instant.
package struct StoredResult: Sendable {
  package var state: StoredState
  package var place: Place
  package var goal: StoredGoal
  package var verdict: Verdict
  /// The exception in force at the instant, if any.
  package var exception: Exception?

  /// The result's id, the same as in every report.
  package var id: String {
    ResultRecord.identifier(
      Goal(rule: goal.rule, parameters: goal.parameters),
      account: place.accounts.first ?? "",
      kind: place.kind,
      resource: place.id
    )
  }

  /// The result as a line, with the interval of the state in which it holds.
  package var json: JSONValue {
    var resource: JSONValue?
    return json(&resource)
  }

  /// The result as a line; `resource` is the one of another result of the same state, or is made.
  package func json(_ resource: inout JSONValue?) -> JSONValue {
    let shown = resource ?? resourceJSON
    resource = shown
    var members: [(key: String, value: JSONValue)] = [
      ("id", .string(id)), ("resource", shown), ("rule", .string(goal.rule)),
      ("rule_version", .integer(Int64(goal.version))), ("rule_digest", .string(goal.digest)),
      ("severity", .string(goal.severity.rawValue)),
    ]
    if !goal.parameters.isEmpty {
      let sorted = goal.parameters.sorted { $0.key < $1.key }
      let values = JSONObject(sorted.map { (key: $0.key, value: $0.value) })
      members.append(("parameters", .object(values)))
    }
    members.append(("verdict", .string(verdict.rawValue)))
    members.append(("since", .string("\(state.begins)")))
    if !state.ends.isNever { members.append(("until", .string("\(state.ends)"))) }
    if let exception { members.append(("exception", exception.json)) }
    return .object(JSONObject(unique: members))
  }

  private var resourceJSON: JSONValue {
    let members = [
      ("provider", place.provider), ("account", place.accounts.first ?? ""),
      ("region", place.region), ("service_name", place.kind.service),
      ("resource_kind", place.kind.kind), ("id", place.id), ("name", state.name),
    ]
    return .object(
      JSONObject(
        unique: members.compactMap { key, text in
          text.isEmpty ? nil : (key: key, value: .string(text))
        }
      )
    )
  }
}

/// Reads results as of an instant; every list, count and report of stored results comes from here.
package struct ResultReader {
  let transaction: StoreTransaction
  let instant: Instant
  /// Whether the instant is now.
  let isPresent: Bool
  let facts: PostureFacts
  let tree: ScopeTree
  private let marks: MarkIndex
  private(set) var resolver: ExceptionResolver
  let sight: Sight

  var places: Places { facts.places }
  var layouts: [Int64: StoredLayout] { facts.layouts }
  var goals: [Int64: StoredGoal] { facts.goals }

  /// A reader as of an instant.
  ///
  /// `sight` is where its user may read; nothing else is handed over.
  /// `facts` is the store's, where they are known already.
  /// `isPresent` is whether the instant is now.
  package init(
    _ transaction: StoreTransaction,
    at instant: Instant,
    sight: Sight = .everything,
    facts: PostureFacts? = nil,
    isPresent: Bool = false
  ) throws {
    self.transaction = transaction
    self.instant = instant
    self.isPresent = isPresent
    self.sight = sight
    self.facts = try facts ?? PostureFacts(transaction)
    tree = ScopeTree(try transaction.scopes(at: instant))
    marks = MarkIndex(try transaction.marks(at: instant), tree)
    resolver = ExceptionResolver(
      try transaction.exceptionsInForce(at: instant),
      now: instant,
      scopes: tree
    )
  }

  /// Hands over the results that a filter selects, in no order.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)`` for a scope or profile that is not there.
  package mutating func results(
    _ filter: ResultFilter,
    _ body: (StoredResult) throws -> Void
  ) throws {
    let columns = try columns(of: filter)
    let isAsked = facts.places.telling { [tree, sight] place in
      filter.maySelect(place) && tree.mayContain(place, in: filter.scope)
        && sight.mayContain(place, tree)
    }
    let asksForTags = asksForTags(filter)
    try transaction.states(at: instant, where: isAsked) { state in
      try results(of: state, columns, filter, withTags: asksForTags) { _, result in
        try body(result)
      }
    }
  }

  /// Where a page of results begins or ends.
  package struct Position: Sendable, Hashable {
    /// The resource's number.
    package var resource: Int64
    /// The place in its verdict vector, from 0; what stands there is on the page before.
    package var column: Int

    package init(resource: Int64, column: Int) { (self.resource, self.column) = (resource, column) }
  }

  /// A page of the results that a filter selects, in the order of their resources' numbers.
  ///
  /// `after` is where the page before ended; nil for the first page.
  /// `limit` is how many results at most.
  /// `effort` is how many resources are looked at, at most: a page may be shorter, or empty, where few
  /// are selected, and another follows.
  /// - Returns: the results, and where the page ended; nil for the last page.
  /// - Throws: as ``results(_:_:)``.
  package mutating func page(
    _ filter: ResultFilter,
    after: Position?,
    limit: Int,
    effort: Int = 20_000
  ) throws -> (results: [StoredResult], end: Position?) {
    let columns = try columns(of: filter)
    let asksForTags = asksForTags(filter)
    var found: [StoredResult] = []
    var end: Position?
    var last = after?.resource ?? 0
    // The resource in which the page before ended may have more.
    if let after, after.column >= 0 { last -= 1 }
    var looked = 0
    let account = places.onlyAccount(filter.accounts)
    while looked < effort {
      let count = min(512, max(64, limit))
      let states = try transaction.states(at: instant, after: last, account: account, limit: count)
      looked += count
      for state in states.found {
        try results(of: state, columns, filter, withTags: asksForTags) { column, result in
          guard found.count < limit,
            state.resource != after?.resource || column > (after?.column ?? -1)
          else { return }
          found.append(result)
          end = Position(resource: state.resource, column: column)
        }
        if found.count == limit { return (found, end) }
      }
      guard let next = states.last else { return (found, nil) }
      last = next
    }
    return (found, Position(resource: last, column: -1))
  }

  /// The results of one resource.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)`` for one that was not there, or is out of sight.
  package mutating func results(ofResource number: Int64) throws -> [StoredResult] {
    let filter = ResultFilter()
    guard let state = try transaction.state(of: number, at: instant),
      sight.contains(places.place(of: state), tree)
    else { throw StoreError.notFound(kind: "resource", name: "\(number)") }
    var found: [StoredResult] = []
    try results(of: state, columns(of: filter), filter, withTags: true) { found.append($1) }
    return found
  }

  /// For each layout the goals of its places that a filter asks for.
  func columns(of filter: ResultFilter) throws -> [Int64: [StoredGoal?]] {
    let counted = try goals(of: filter)
    return layouts.mapValues { layout in
      layout.goals.map { number in
        guard counted?.contains(number) ?? true, let goal = goals[number],
          goal.severity >= filter.threshold, filter.band ?? goal.severity == goal.severity,
          filter.selects(rule: goal.rule)
        else { return nil }
        return goal
      }
    }
  }

  private func asksForTags(_ filter: ResultFilter) -> Bool {
    tree.asksForTags(filter.scope) || !marks.isEmpty || !resolver.isEmpty || sight.asksForScopes
  }

  /// The results of one state that a filter selects, with their places in its vector.
  private mutating func results(
    of state: StoredState,
    _ columns: [Int64: [StoredGoal?]],
    _ filter: ResultFilter,
    withTags: Bool,
    _ body: (Int, StoredResult) throws -> Void
  ) throws {
    guard let columns = columns[state.layout] else { return }
    // Most filters ask for few verdicts, which most vectors do not hold.
    if !filter.verdicts.isEmpty,
      !state.verdicts.utf8.contains(where: { letter in
        Verdict(letter: letter).map(filter.verdicts.contains) ?? false
      })
    {
      return
    }
    let place = places.place(of: state, withTags: withTags)
    guard filter.selects(place), tree.contains(place, in: filter.scope), selects(place, filter),
      sight.contains(place, tree)
    else { return }
    for (column, (goal, letter)) in zip(columns, state.verdicts.utf8).enumerated() {
      guard let goal, let verdict = Verdict(letter: letter),
        filter.verdicts.isEmpty || filter.verdicts.contains(verdict)
      else { continue }
      var result = StoredResult(state: state, place: place, goal: goal, verdict: verdict)
      if verdict == .fail, !resolver.isEmpty {
        result.exception = resolver.exception(rule: goal.rule, resource: place.id) { place }
        if filter.leavesOutExcepted, result.exception != nil { continue }
      }
      try body(column, result)
    }
  }

  private func selects(_ place: Place, _ filter: ResultFilter) -> Bool {
    filter.marks.allSatisfy { kind, value in marks.value(kind, of: place) == value }
  }

  /// The exceptions that were in force and covered none of the results read so far.
  package var unusedExceptions: [Exception] { resolver.unused }

  /// The goals of the filter's profile; nil where it names none.
  private func goals(of filter: ResultFilter) throws -> Set<Int64>? {
    if !filter.scope.isEmpty, !tree.has(filter.scope) {
      throw StoreError.notFound(kind: "scope", name: filter.scope)
    }
    guard !filter.profile.isEmpty else { return nil }
    guard let last = try transaction.lastLedgerInstant(upTo: instant) else {
      throw StoreError.notFound(kind: "score as of \(instant) of profile", name: filter.profile)
    }
    let entries = try transaction.ledger(from: last, to: last).filter {
      $0.profile == filter.profile
    }
    guard !entries.isEmpty else {
      throw StoreError.notFound(kind: "profile that counts in the score", name: filter.profile)
    }
    // Nested scopes may hold one profile with different parameters; each has goals of its own.
    let own = entries.filter { $0.scope == filter.scope }
    return Set((own.isEmpty ? entries : own).flatMap(\.goals))
  }
}
