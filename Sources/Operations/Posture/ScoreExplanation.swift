import Engine
package import Model
package import Store

/// Why a score changed between two instants.
package enum ScoreCause: String, Sendable, CaseIterable {
  // In the order in which they are applied: each part is what its step adds to the steps before it.
  case resourcesCame = "resources came"
  case resourcesWent = "resources went"
  case contentVersion = "content version changed"
  case parameter = "parameter changed"
  case coverage = "coverage changed"
  case configuration = "configuration changed"
  case surroundings = "time passed or related resources changed"
  case exceptionBegan = "exception began"
  case exceptionEnded = "exception ended"
}

/// The change of a score between two instants, split by cause; the parts sum to it exactly.
package struct ScoreExplanation: Sendable {
  /// One cause's part.
  package struct Part: Sendable {
    package var cause: ScoreCause
    /// What it adds to the score, in millionths of a point of 100.
    package var change: Int
    /// How many results it touches.
    package var results: Int
    /// The rules and resources that weigh most, at most ten.
    package var examples: [String]
  }

  package var from: Instant
  package var to: Instant
  package var before: Score
  package var after: Score
  /// The parts in the order of ``ScoreCause/allCases``, those that touch nothing left out.
  package var parts: [Part]

  /// The score, exceptions left out of the failures, in millionths of a point of 100.
  ///
  /// A score without anything that passed or failed counts as 0 here.
  package static func millionths(_ score: Score) -> Int {
    let all = score.passed + score.failed - score.excepted
    return all == 0 ? 0 : (score.passed * 100_000_000 + all / 2) / all
  }

  /// The change from the first score to the last.
  package var change: Int { Self.millionths(after) - Self.millionths(before) }
}

/// Finds which results changed between two instants, and why.
package struct ScoreExplainer {
  private struct Key: Hashable {
    var resource: Int64
    var rule: String
    var parameters: String
  }

  private struct Value {
    var verdict: Verdict
    var goal: StoredGoal
    var isExcepted = false
  }

  /// What one result adds to a score, before or after.
  private struct Delta {
    var before: (verdict: Verdict, weight: Int, isExcepted: Bool)?
    var after: (verdict: Verdict, weight: Int, isExcepted: Bool)?
    var label: String
  }

  private let transaction: StoreTransaction
  private let facts: PostureFacts

  package init(_ transaction: StoreTransaction) throws {
    self.transaction = transaction
    facts = try PostureFacts(transaction)
  }

  /// The change of the score of a profile over a scope between two instants.
  ///
  /// `cache` keeps what was counted.
  /// - Throws: ``StoreError/notFound(kind:name:)`` when the ledger has no entry by the first instant.
  package func explain(
    scope: String,
    profile: String,
    from start: Instant,
    to end: Instant,
    _ cache: PostureCache = PostureCache()
  ) throws -> ScoreExplanation {
    let first = try entry(scope, profile, upTo: start)
    let last = try entry(scope, profile, upTo: end)
    var deltas: [ScoreCause: [Delta]] = [:]
    let side = (
      before: try ScoreSide(transaction, first, scope, at: start),
      after: try ScoreSide(transaction, last, scope, at: end)
    )
    // States are those of the ledger's entries: what an open scan stored since is not counted yet.
    let (from, to) = (first.at, last.at)
    // Resources that moved into or out of the scope, or changed; and everything when goals or
    // scopes changed, because then each resource may count otherwise.
    let mayDifferEverywhere =
      first.goals != last.goals || side.before.definition != side.after.definition
    var states: [(StoredState?, StoredState?)] = []
    if mayDifferEverywhere {
      states = try everyState(from, to)
    } else {
      states = try StateChange.all(transaction, from: from, to: to).map { ($0.before, $0.after) }
    }
    var touched: Set<Int64> = []
    for (before, after) in states {
      if let number = before?.resource ?? after?.resource { touched.insert(number) }
      try compare(before, after, side, into: &deltas)
    }
    try compareExceptions(side, from, to, leavingOut: touched, into: &deltas)
    var explanation = sum(deltas, from: from, to: to, try score(side.before, at: from, cache))
    explanation.from = start
    explanation.to = end
    return explanation
  }

  /// What an explanation depends on, as a text, and how often results have changed.
  func key(scope: String, profile: String, from start: Instant, to end: Instant) throws
    -> (text: String, changes: Int64)
  {
    let (first, last) = (
      try entry(scope, profile, upTo: start), try entry(scope, profile, upTo: end)
    )
    let excepted = try [start, end].map {
      try transaction.exceptionsInForce(at: $0).map(\.id).sorted().joined(separator: " ")
    }
    let parts = [
      scope, profile, "\(first.scan) \(first.at) \(last.scan) \(last.at)", excepted[0], excepted[1],
      try transaction.contentStamp(),
    ]
    return (parts.joined(separator: "\u{1F}"), try transaction.changeCount())
  }

  private func entry(_ scope: String, _ profile: String, upTo instant: Instant) throws
    -> LedgerEntry
  {
    guard let at = try transaction.lastLedgerInstant(upTo: instant) else {
      throw StoreError.noScore("the score as of \(instant)")
    }
    let entries = try transaction.ledger(from: at, to: at).filter {
      $0.scope == scope && $0.profile == profile
    }
    guard let newest = entries.max(by: { $0.scan < $1.scan }) else {
      let what = [profile, scope.isEmpty ? "" : "in \(scope)"].filter { !$0.isEmpty }
      throw StoreError.noScore("a score of \(what.joined(separator: " ")) as of \(instant)")
    }
    return newest
  }

  private func everyState(_ from: Instant, _ to: Instant) throws
    -> [(StoredState?, StoredState?)]
  {
    var found: [Int64: (StoredState?, StoredState?)] = [:]
    try transaction.states(at: from) { found[$0.resource, default: (nil, nil)].0 = $0 }
    try transaction.states(at: to) { found[$0.resource, default: (nil, nil)].1 = $0 }
    return Array(found.values)
  }

  /// The score of the states at an instant: a scan that ended late may have completed them since the
  /// ledger's entry was made.
  private func score(_ side: ScoreSide, at instant: Instant, _ cache: PostureCache) throws -> Score
  {
    var score = Score()
    guard side.asksForResources else {
      let reader = try ResultReader(transaction, at: instant, facts: facts)
      try reader.eachCount(cache, where: side.contains) { goal, counts in
        guard side.counts(goal.id) else { return }
        for verdict in Verdict.allCases {
          score.add(verdict, goal.severity, count: counts.verdicts[verdict.place])
        }
      }
      return score
    }
    try transaction.states(at: instant) { state in
      guard let layout = facts.layouts[state.layout] else { return }
      let place = facts.places.place(of: state)
      guard side.contains(place) else { return }
      for (number, letter) in zip(layout.goals, state.verdicts.utf8) {
        guard side.counts(number), let goal = facts.goals[number],
          let verdict = Verdict(letter: letter)
        else { continue }
        let isExcepted = verdict == .fail && side.isExcepted(goal.rule, place)
        score.insert(verdict, weight: goal.severity.weight, isExcepted)
      }
    }
    return score
  }

  /// Notes how the results of one resource differ.
  private func compare(
    _ before: StoredState?,
    _ after: StoredState?,
    _ side: (before: ScoreSide, after: ScoreSide),
    into deltas: inout [ScoreCause: [Delta]]
  ) throws {
    let left = values(before, side.before)
    let right = values(after, side.after)
    let wasInside = isInside(before, side.before)
    let isInside = isInside(after, side.after)
    let isSame = before?.fingerprint == after?.fingerprint
    for key in Set(left.keys).union(right.keys) {
      let cause: ScoreCause?
      switch (left[key], right[key]) {
      case (let one?, let two?): cause = self.cause(one, two, isSame)
      case (nil, let two?):
        cause = wasInside ? self.cause(of: two, besides: before) : .resourcesCame
      case (let one?, nil): cause = isInside ? self.cause(of: one, besides: after) : .resourcesWent
      case (nil, nil): continue
      }
      guard let value = right[key] ?? left[key] else { continue }
      let label = label(value, after ?? before)
      guard let cause else {
        if let one = left[key], let two = right[key] { exceptions(one, two, label, into: &deltas) }
        continue
      }
      deltas[cause, default: []].append(
        Delta(
          before: left[key].map { ($0.verdict, $0.goal.severity.weight, $0.isExcepted) },
          after: right[key].map { ($0.verdict, $0.goal.severity.weight, $0.isExcepted) },
          label: label
        )
      )
    }
  }

  /// Why a result differs that is there before and after; nil where only exceptions may differ.
  private func cause(_ one: Value, _ two: Value, _ isSame: Bool) -> ScoreCause? {
    if one.goal.digest != two.goal.digest { return .contentVersion }
    if one.verdict == two.verdict { return nil }
    if (one.verdict == .unknown) != (two.verdict == .unknown) { return .coverage }
    return isSame ? .surroundings : .configuration
  }

  /// Why a goal gives a result in one state of a resource, and none in another state.
  private func cause(of value: Value, besides other: StoredState?) -> ScoreCause {
    let judged = (other.flatMap { facts.layouts[$0.layout] }?.goals ?? []).compactMap {
      facts.goals[$0]
    }
    // The other state was judged by the very goal, so it was outside the goal's target.
    if judged.contains(value.goal) { return .configuration }
    let isSameRule = judged.contains { $0.digest == value.goal.digest }
    return isSameRule ? .parameter : .contentVersion
  }

  /// Whether a resource is there and counts.
  private func isInside(_ state: StoredState?, _ side: ScoreSide) -> Bool {
    state.map { side.contains(facts.places.place(of: $0)) } ?? false
  }

  private func label(_ value: Value, _ state: StoredState?) -> String {
    "\(value.goal.rule) on \(state?.id ?? "")"
  }

  private func exceptions(
    _ one: Value,
    _ two: Value,
    _ label: String,
    into deltas: inout [ScoreCause: [Delta]]
  ) {
    guard one.isExcepted != two.isExcepted else { return }
    deltas[two.isExcepted ? .exceptionBegan : .exceptionEnded, default: []].append(
      Delta(
        before: (one.verdict, one.goal.severity.weight, one.isExcepted),
        after: (two.verdict, two.goal.severity.weight, two.isExcepted),
        label: label
      )
    )
  }

  /// The results of a resource in a state that count.
  private func values(_ state: StoredState?, _ side: ScoreSide) -> [Key: Value] {
    guard let state, let layout = facts.layouts[state.layout] else { return [:] }
    let place = facts.places.place(of: state)
    guard side.contains(place) else { return [:] }
    var found: [Key: Value] = [:]
    for (number, letter) in zip(layout.goals, state.verdicts.utf8) {
      guard side.counts(number), let goal = facts.goals[number],
        let verdict = Verdict(letter: letter)
      else { continue }
      let key = Key(
        resource: state.resource,
        rule: goal.rule,
        parameters: goal.parameters.canonicalText
      )
      found[key] = Value(
        verdict: verdict,
        goal: goal,
        isExcepted: verdict == .fail && side.isExcepted(goal.rule, place)
      )
    }
    return found
  }

  /// Notes exceptions that began or ended over resources that are as they were.
  private func compareExceptions(
    _ side: (before: ScoreSide, after: ScoreSide),
    _ from: Instant,
    _ to: Instant,
    leavingOut touched: Set<Int64>,
    into deltas: inout [ScoreCause: [Delta]]
  ) throws {
    guard side.before.hasExceptions || side.after.hasExceptions else { return }
    var states: [StoredState] = []
    try transaction.states(at: to) { state in
      if !touched.contains(state.resource), state.verdicts.utf8.contains(0x66) {
        states.append(state)
      }
    }
    for state in states {
      let left = values(state, side.before)
      for (key, two) in values(state, side.after) {
        guard let one = left[key] else { continue }
        exceptions(one, two, label(two, state), into: &deltas)
      }
    }
  }

  /// Applies the deltas cause by cause.
  private func sum(
    _ deltas: [ScoreCause: [Delta]],
    from: Instant,
    to: Instant,
    _ before: Score
  ) -> ScoreExplanation {
    var score = before
    var parts: [ScoreExplanation.Part] = []
    for cause in ScoreCause.allCases {
      guard let found = deltas[cause] else { continue }
      let start = ScoreExplanation.millionths(score)
      for delta in found {
        if let one = delta.before { score.remove(one.verdict, weight: one.weight, one.isExcepted) }
        if let two = delta.after { score.insert(two.verdict, weight: two.weight, two.isExcepted) }
      }
      let heaviest = found.sorted {
        ($1.after ?? $1.before)?.weight ?? 0 < ($0.after ?? $0.before)?.weight ?? 0
      }
      parts.append(
        ScoreExplanation.Part(
          cause: cause,
          change: ScoreExplanation.millionths(score) - start,
          results: found.count,
          examples: heaviest.prefix(10).map(\.label)
        )
      )
    }
    return ScoreExplanation(from: from, to: to, before: before, after: score, parts: parts)
  }
}
