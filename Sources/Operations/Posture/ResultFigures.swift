package import JSON
package import Model
import Store

/// Counts of results: all of those that a filter selects, and by what they are about.
package struct ResultFigures: Sendable {
  /// Results by verdict, and the failures that exceptions cover.
  package struct Counts: Sendable, Equatable {
    /// In the order of ``Verdict/allCases``.
    package var verdicts = SIMD4<Int>()
    package var excepted = 0

    package init() {}

    /// How many there are.
    package var all: Int { verdicts.wrappedSum() }

    mutating func add(_ verdict: Verdict, _ count: Int, excepted: Int) {
      verdicts[verdict.place] += count
      self.excepted += excepted
    }

    /// Those with some verdicts.
    func only(_ verdicts: Set<Verdict>) -> Counts {
      var counts = Counts()
      for verdict in verdicts { counts.verdicts[verdict.place] = self.verdicts[verdict.place] }
      if verdicts.contains(.fail) { counts.excepted = excepted }
      return counts
    }

    /// The counts as a filter has failures counted that exceptions cover.
    func counted(_ filter: ResultFilter) -> Counts {
      guard filter.leavesOutExcepted else { return self }
      var counts = self
      counts.verdicts[Verdict.fail.place] -= excepted
      counts.excepted = 0
      return counts
    }

    /// Those that a filter selects.
    func chosen(by filter: ResultFilter) -> Counts {
      filter.verdicts.isEmpty ? self : only(filter.verdicts)
    }

    mutating func add(_ other: Counts) {
      verdicts &+= other.verdicts
      excepted += other.excepted
    }

    /// Results by verdict.
    package var json: JSONValue {
      var object = JSONObject(
        Verdict.allCases.map { (key: $0.rawValue, value: .integer(Int64(verdicts[$0.place]))) }
      )
      object["excepted"] = .integer(Int64(excepted))
      return .object(object)
    }
  }

  /// A rule with its results.
  package struct OfRule: Sendable {
    package var rule: String
    package var severity: Severity
    package var counts = Counts()
  }

  /// Whatever verdicts the filter asks for, as long as the rest of it selects them.
  package var whole = Counts()
  /// Their weights.
  package var score = Score()
  /// Those that the filter selects.
  package var selected = Counts()
  /// And these by account, kind and region.
  package private(set) var accounts: [String: Counts] = [:]
  package private(set) var kinds: [String: Counts] = [:]
  package private(set) var regions: [String: Counts] = [:]
  /// And by goal, by its number.
  private(set) var goals: [Int64: (goal: StoredGoal, counts: Counts)] = [:]

  /// And by severity.
  package var severities: [Severity: Counts] {
    goals.values.reduce(into: [:]) { $0[$1.goal.severity, default: Counts()].add($1.counts) }
  }

  /// And by rule.
  package var rules: [String: OfRule] {
    goals.values.reduce(into: [:]) { rules, entry in
      let rule = entry.goal.rule
      rules[rule, default: OfRule(rule: rule, severity: entry.goal.severity)].counts
        .add(entry.counts)
    }
  }

  /// Adds the results of a goal, excepted ones among the failures.
  mutating func add(_ counts: Counts, of goal: StoredGoal, _ filter: ResultFilter) {
    whole.add(counts)
    for verdict in Verdict.allCases {
      score.add(verdict, goal.severity, count: counts.verdicts[verdict.place])
    }
    score.except(weight: counts.excepted * goal.severity.weight)
    let chosen = counts.chosen(by: filter)
    if chosen.all > 0 { goals[goal.id, default: (goal, Counts())].counts.add(chosen) }
  }

  /// Adds the results at a place, of which every goal's are added besides.
  mutating func add(_ counts: Counts, at place: Place, _ filter: ResultFilter) {
    let chosen = counts.chosen(by: filter)
    guard chosen.all > 0 else { return }
    selected.add(chosen)
    accounts[place.accounts.first ?? "", default: Counts()].add(chosen)
    kinds["\(place.kind)", default: Counts()].add(chosen)
    regions[place.region, default: Counts()].add(chosen)
  }

  /// What the score gains, in points, when the failures of a rule that no exception covers pass.
  package func gain(_ rule: OfRule) -> Double {
    let all = score.passed + score.failed - score.excepted
    let weight = (rule.counts.verdicts[1] - rule.counts.excepted) * rule.severity.weight
    return all == 0 ? 0 : 100 * Double(weight) / Double(all)
  }

  /// The counts; of what there are many, the so many with the most results that the filter selects.
  package func json(limit: Int = 200) -> JSONValue {
    func list(_ counts: [String: Counts]) -> JSONValue {
      let sorted = counts.sorted { ($1.value.all, $0.key) < ($0.value.all, $1.key) }
      return .array(
        sorted.prefix(limit).map { name, counts in
          ["name": .string(name), "total": .integer(Int64(counts.all)), "results": counts.json]
        }
      )
    }
    let counted = severities
    let severities = Severity.allCases.map { severity in
      (key: severity.rawValue, value: (counted[severity] ?? Counts()).json)
    }
    return [
      "total": .integer(Int64(selected.all)), "results": selected.json, "whole": whole.json,
      "score": score.valueWithExceptions.map { .number($0) } ?? .null, "weights": score.json,
      "severities": .object(JSONObject(severities)), "accounts": list(accounts),
      "kinds": list(kinds), "regions": list(regions),
    ]
  }
}
