package import JSON
package import Model
import Store

/// Counts of results: all of those that a filter selects, and by what they are about.
package struct ResultFigures: Sendable {
  /// Results by verdict, and the failures that exceptions cover.
  package struct Counts: Sendable, Equatable {
    /// In the order of ``Verdict/allCases``.
    package var verdicts = [0, 0, 0, 0]
    package var excepted = 0

    package init() {}

    /// How many there are.
    package var all: Int { verdicts.reduce(0, +) }

    mutating func add(_ verdict: Verdict, _ count: Int, excepted: Int) {
      verdicts[verdict.place] += count
      self.excepted += excepted
    }

    /// Results by verdict.
    package var json: JSONValue {
      var object = JSONObject(
        zip(Verdict.allCases, verdicts).map { (key: $0.rawValue, value: .integer(Int64($1))) }
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
  /// And these by severity, account, kind, region and rule.
  package var severities: [Severity: Counts] = [:]
  package var accounts: [String: Counts] = [:]
  package var kinds: [String: Counts] = [:]
  package var regions: [String: Counts] = [:]
  package var rules: [String: OfRule] = [:]
  /// And by goal, by its number.
  private(set) var goals: [Int64: (goal: StoredGoal, counts: Counts)] = [:]

  /// Adds some results that are alike.
  mutating func add(
    _ verdict: Verdict,
    _ goal: StoredGoal,
    _ place: Place,
    count: Int,
    excepted: Int,
    _ filter: ResultFilter
  ) {
    whole.add(verdict, count, excepted: excepted)
    score.add(verdict, goal.severity, count: count)
    score.except(weight: excepted * goal.severity.weight)
    guard filter.verdicts.isEmpty || filter.verdicts.contains(verdict) else { return }
    selected.add(verdict, count, excepted: excepted)
    severities[goal.severity, default: Counts()].add(verdict, count, excepted: excepted)
    accounts[place.accounts.first ?? "", default: Counts()].add(verdict, count, excepted: excepted)
    kinds["\(place.kind)", default: Counts()].add(verdict, count, excepted: excepted)
    regions[place.region, default: Counts()].add(verdict, count, excepted: excepted)
    rules[goal.rule, default: OfRule(rule: goal.rule, severity: goal.severity)]
      .counts.add(verdict, count, excepted: excepted)
    goals[goal.id, default: (goal, Counts())].counts.add(verdict, count, excepted: excepted)
  }

  /// What the score gains, in points, when the failures of a rule that no exception covers pass.
  package func gain(_ rule: OfRule) -> Double {
    let all = score.passed + score.failed - score.excepted
    let weight = (rule.counts.verdicts[1] - rule.counts.excepted) * rule.severity.weight
    return all == 0 ? 0 : 100 * Double(weight) / Double(all)
  }

  /// The counts; of what there are many, those with the most results that the filter selects.
  package var json: JSONValue {
    func list(_ counts: [String: Counts]) -> JSONValue {
      let sorted = counts.sorted { ($1.value.all, $0.key) < ($0.value.all, $1.key) }
      return .array(
        sorted.prefix(Self.listed).map { name, counts in
          ["name": .string(name), "total": .integer(Int64(counts.all)), "results": counts.json]
        }
      )
    }
    let severities = Severity.allCases.map { severity in
      (
        key: severity.rawValue,
        value: (self.severities[severity] ?? Counts()).json
      )
    }
    return [
      "total": .integer(Int64(selected.all)), "results": selected.json, "whole": whole.json,
      "score": score.valueWithExceptions.map { .number($0) } ?? .null, "weights": score.json,
      "severities": .object(JSONObject(severities)), "accounts": list(accounts),
      "kinds": list(kinds), "regions": list(regions),
    ]
  }

  /// How many accounts, kinds and regions are told at most.
  package static let listed = 200
}
