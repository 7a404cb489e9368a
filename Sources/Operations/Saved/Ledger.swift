import Engine
import JSON
package import Model
package import Store

/// Makes the entries of the score ledger from the present state of every resource.
struct Ledger {
  private let plan: GoalPlan
  private let transaction: StoreTransaction
  private let scopes: [Scope]
  /// SHA-256 over what is counted for whom, and how often states changed: where it is the same, so
  /// are the figures.
  let digest: String

  /// A ledger as of a scan's instant.
  init(
    _ plan: GoalPlan,
    _ transaction: StoreTransaction,
    at instant: Instant
  ) throws {
    self.plan = plan
    self.transaction = transaction
    scopes = try transaction.scopes(at: instant)
    digest = plan.ledgerDigest(scopes) + " \(try transaction.changeCount())"
  }

  /// The entries after a scan.
  ///
  /// When nothing changed since the last entries and the same is counted, their figures stand.
  func entries(scan: Int64, at instant: Instant) throws -> [LedgerEntry] {
    let before = try transaction.lastLedgerInstant(upTo: .never)
    // Scans of several accounts end in any order; an entry that tells of a later state never stands
    // before one that tells of an earlier.
    let at = max(instant, before?.advanced(milliseconds: 1) ?? instant)
    if let before {
      let last = try transaction.ledger(from: before, to: before)
      if let former = last.last?.scan,
        try transaction.scan(former).report["ledger"]?.string == digest
      {
        return last.filter { $0.scan == former }.map {
          LedgerEntry(
            scan: scan,
            scope: $0.scope,
            profile: $0.profile,
            version: $0.version,
            at: at,
            score: $0.score,
            goals: $0.goals
          )
        }
      }
    }
    var counter = try ScoreCounter(plan, scopes, transaction)
    if counter.needsResources {
      try transaction.states(at: at) { counter.add($0) }
    } else {
      try transaction.vectors(at: at) { counter.add($1, $2, $3, $4, $5, $6) }
    }
    let goals = try transaction.goals()
    return zip(plan.parts, counter.scores).map { part, score in
      LedgerEntry(
        scan: scan,
        scope: part.scope,
        profile: part.profile,
        version: part.version,
        at: at,
        score: score,
        goals: numbers(of: part.goals ?? [], goals)
      )
    }
  }

  /// The numbers of goals in every version of their rules.
  private func numbers(of asked: Set<Goal>, _ goals: [Int64: StoredGoal]) -> [Int64] {
    goals.values.filter { asked.contains(Goal(rule: $0.rule, parameters: $0.parameters)) }
      .map(\.id).sorted()
  }
}

/// Adds verdict vectors up to a score per part of a plan.
struct ScoreCounter {
  /// One place of a vector: what it weighs, and for which parts it counts.
  private struct Column {
    var severity: Severity
    var parts: [Bool]
  }

  /// Where a resource is, as far as scopes without tags and ids ask.
  private struct Spot: Hashable {
    var account: Int64
    var region: String
    var group: String
    var kind: Int64
  }

  private let plan: GoalPlan
  private let tree: ScopeTree
  private let places: Places
  /// Which parts count at spots that were met.
  private var known: [Spot: [Bool]] = [:]
  /// Whether some part counts only within a scope.
  private let isScoped: Bool
  private let columns: [Int64: [Column?]]
  /// Whether some scope asks for more than vectors are grouped by.
  let needsResources: Bool
  /// A score for each part of the plan.
  private(set) var scores: [Score]

  init(
    _ plan: GoalPlan,
    _ scopes: [Scope],
    _ transaction: StoreTransaction
  ) throws {
    self.plan = plan
    tree = ScopeTree(scopes)
    places = try Places(transaction)
    scores = plan.parts.map { _ in Score() }
    let goals = try transaction.goals()
    var columns: [Int64: [Column?]] = [:]
    for layout in try transaction.layouts().values {
      columns[layout.id] = layout.goals.map { number in
        // A resource that the last scan did not reach is held under the version it was judged by.
        guard let stored = goals[number] else { return nil }
        let goal = Goal(rule: stored.rule, parameters: stored.parameters)
        return Column(
          severity: stored.severity,
          parts: plan.parts.map { $0.goals?.contains(goal) ?? true }
        )
      }
    }
    self.columns = columns
    isScoped = plan.parts.contains { !$0.scope.isEmpty }
    needsResources =
      isScoped
      && scopes.contains { scope in
        (scope.includes + scope.excludes).contains { selector in
          selector.terms.keys.contains { $0 == "id" || $0.hasPrefix("tag:") }
        }
      }
  }

  /// Adds one present resource by what scopes may ask of it.
  mutating func add(
    _ account: Int64,
    _ region: String,
    _ group: String,
    _ kind: Int64,
    _ layout: Int64,
    _ verdicts: String
  ) {
    guard isScoped else { return count(nil, layout, verdicts) }
    let spot = Spot(account: account, region: region, group: group, kind: kind)
    if known[spot] == nil {
      let place = places.place(account, region: region, group: group, kind: kind)
      known[spot] = plan.parts.map { tree.contains(place, in: $0.scope) }
    }
    count(known[spot], layout, verdicts)
  }

  /// Adds one resource.
  mutating func add(_ state: StoredState) {
    let place = places.place(of: state)
    count(plan.parts.map { tree.contains(place, in: $0.scope) }, state.layout, state.verdicts)
  }

  private mutating func count(_ isInside: [Bool]?, _ layout: Int64, _ verdicts: String) {
    guard let columns = columns[layout] else { return }
    for (column, letter) in zip(columns, verdicts.utf8) {
      guard let column, let verdict = Verdict(letter: letter) else { continue }
      for part in scores.indices where column.parts[part] && isInside?[part] ?? true {
        scores[part].add(verdict, column.severity, count: 1)
      }
    }
  }
}

/// Where resources are, by the numbers of their accounts and kinds.
package struct Places: Sendable {
  private var accounts: [Int64: (provider: String, names: [String])] = [:]
  private let kinds: [Int64: ResourceKind]

  /// The places of a store.
  package init(_ transaction: StoreTransaction) throws {
    let all = try transaction.accounts()
    kinds = try transaction.kinds()
    for account in all.values {
      var names: [String] = []
      var next: StoredAccount? = account
      // A tree has no circle; the bound keeps a damaged one from running on.
      while let step = next, names.count < 64 {
        names += [step.account, step.name].filter { !$0.isEmpty }
        next = step.parent.flatMap { all[$0] }
      }
      accounts[account.id] = (account.provider, names)
    }
  }

  /// The names of each account and of what stands above it, by the account's id.
  package var names: [String: [String]] {
    Dictionary(accounts.values.compactMap { entry in entry.names.first.map { ($0, entry.names) } })
    {
      first,
      _ in first
    }
  }

  /// The provider of each account, by the account's id.
  var providers: [String: String] {
    Dictionary(
      accounts.values.compactMap { entry in entry.names.first.map { ($0, entry.provider) } }
    ) { first, _ in first }
  }

  /// Tells by where states are whether something there may be selected, found out once for each place.
  func telling(_ selects: @escaping (Place) -> Bool) -> (StatePlace) -> Bool {
    var known: [StatePlace: Bool] = [:]
    return { spot in
      if let found = known[spot] { return found }
      let found = selects(
        place(spot.account, region: spot.region, group: spot.group, kind: spot.kind)
      )
      known[spot] = found
      return found
    }
  }

  /// The only account that patterns select, by itself or what stands above it; nil where they select
  /// several, or all.
  func onlyAccount(_ patterns: [String]) -> Int64? {
    guard !patterns.isEmpty else { return nil }
    var found: Int64?
    for (number, account) in accounts
    where account.names.contains(where: { name in
      patterns.contains { Wildcard.matches(name, pattern: $0) }
    }) {
      guard found == nil else { return nil }
      found = number
    }
    return found
  }

  /// A place without a resource's own facts.
  package func place(_ account: Int64, region: String, group: String, kind: Int64) -> Place {
    let found = accounts[account]
    return Place(
      accounts: found?.names ?? [],
      provider: found?.provider ?? "",
      region: region,
      group: group,
      kind: kinds[kind] ?? ResourceKind(service: "", kind: ""),
      id: ""
    )
  }

  /// The place of a resource in one of its states; its tags cost most, and few ask for them.
  package func place(of state: StoredState, withTags: Bool = true) -> Place {
    var place = place(state.account, region: state.region, group: state.group, kind: state.kind)
    place.id = state.id
    if withTags { place.tags = Self.tags(state.tags) }
    return place
  }

  /// Tags as they are stored.
  static func tags(_ text: String) -> [String: String] {
    guard !text.isEmpty, let tags = try? JSONValue(parsing: text).object else { return [:] }
    return Dictionary(
      tags.members.compactMap { key, value in value.string.map { (key, $0) } },
      uniquingKeysWith: { $1 }
    )
  }
}
