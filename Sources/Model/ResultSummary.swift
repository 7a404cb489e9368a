/// What a report tells of all results, gathered in one pass: its size follows the number of rules
/// and of resources that fail, not that of results.
package struct ResultSummary: Sendable {
  /// The failures of one rule.
  package struct FailingGoal: Sendable {
    package var rule: String
    package var severity: Severity
    /// How many results fail without an exception.
    package var open = 0
    /// How many fail with one.
    package var excepted = 0
    /// The first failures: those without an exception first, then by resource.
    package var first: [ResultRecord] = []
  }

  /// A resource with its failures that no exception covers.
  package struct ResourceAtRisk: Sendable {
    package var resource: ResultRecord.Identity
    package var weight: Int
    package var failures: Int
  }

  package private(set) var score = Score()
  /// How many failures exceptions cover.
  package private(set) var excepted = 0
  /// What the results of each goal come to.
  package private(set) var goals: [Goal: Score] = [:]
  /// The resources with the heaviest failures, at most five.
  package private(set) var worst: [ResourceAtRisk] = []
  /// The weight of the heaviest result that is unknown.
  private var heaviestUnknown = 0
  private var failing: [String: FailingGoal] = [:]
  private var reasons: [String: Int] = [:]
  /// Weight and number of failures by the hash of the resource.
  private var risks: [Int: (weight: Int32, failures: Int32)] = [:]

  /// How many failures of a rule are kept, and how many resources at risk.
  private static let (failuresKept, resourcesKept) = (3, 5)
  /// How many reasons are told apart; what comes later is counted together.
  private static let reasonsKept = 10_000

  package init() {}

  /// The summary of some results.
  package init(_ results: some Sequence<ResultRecord>) {
    for result in results { add(result) }
  }

  /// Adds one result.
  package mutating func add(_ result: ResultRecord) {
    let isExcepted = result.exception != nil
    score.add(result.verdict, result.severity, isExcepted: isExcepted)
    goals[result.goal, default: Score()]
      .add(result.verdict, result.severity, isExcepted: isExcepted)
    if result.verdict == .unknown {
      heaviestUnknown = max(heaviestUnknown, result.severity.weight)
      let isKnown = reasons[result.reason] != nil || reasons.count < Self.reasonsKept
      reasons[isKnown ? result.reason : "other reasons", default: 0] += 1
    }
    guard result.verdict == .fail else { return }
    if isExcepted { excepted += 1 } else { addRisk(result) }
    addFailure(result)
  }

  private mutating func addFailure(_ result: ResultRecord) {
    let rule = result.goal.rule
    var goal = failing[rule] ?? FailingGoal(rule: rule, severity: result.severity)
    if result.exception == nil { goal.open += 1 } else { goal.excepted += 1 }
    let place = goal.first.firstIndex { Self.isBefore(result, $0) } ?? goal.first.count
    if place < Self.failuresKept {
      goal.first.insert(result, at: place)
      if goal.first.count > Self.failuresKept { goal.first.removeLast() }
    }
    failing[rule] = goal
  }

  private static func isBefore(_ left: ResultRecord, _ right: ResultRecord) -> Bool {
    (left.exception == nil ? 0 : 1, left.resource.id)
      < (right.exception == nil ? 0 : 1, right.resource.id)
  }

  /// Weights only grow, so who is among the heaviest in the end is among them when last added to.
  private mutating func addRisk(_ result: ResultRecord) {
    var risk = risks[result.resource.hashValue] ?? (0, 0)
    risk.weight += Int32(result.severity.weight)
    risk.failures += 1
    risks[result.resource.hashValue] = risk
    worst.removeAll { $0.resource == result.resource }
    let weight = Int(risk.weight)
    let place =
      worst.firstIndex {
        ($0.weight, result.resource.id) < (weight, $0.resource.id)
      } ?? worst.count
    guard place < Self.resourcesKept else { return }
    let entry = ResourceAtRisk(
      resource: result.resource,
      weight: weight,
      failures: Int(risk.failures)
    )
    worst.insert(entry, at: place)
    if worst.count > Self.resourcesKept { worst.removeLast() }
  }

  /// Whether something of a severity or above fails and no exception covers it.
  package func hasFailure(from threshold: Severity) -> Bool {
    failing.values.contains { $0.open > 0 && $0.severity >= threshold }
  }

  /// Whether the verdict of something of a severity or above is unknown.
  package func hasUnknown(from threshold: Severity) -> Bool { heaviestUnknown >= threshold.weight }

  /// The failures by rule, heaviest first.
  package var failingGoals: [FailingGoal] {
    failing.values.sorted {
      (-$0.severity.weight, -$0.open, $0.rule) < (-$1.severity.weight, -$1.open, $1.rule)
    }
  }

  /// The failure to look at first: the heaviest that no exception covers.
  package var firstFailure: ResultRecord? {
    failing.values.compactMap(\.first.first).min {
      ($0.exception == nil ? 0 : 1, -$0.severity.weight, $0.goal.rule, $0.resource.id)
        < ($1.exception == nil ? 0 : 1, -$1.severity.weight, $1.goal.rule, $1.resource.id)
    }
  }

  /// Why results are unknown, most frequent first.
  package var unknownReasons: [(reason: String, count: Int)] {
    reasons.map { (reason: $0.key, count: $0.value) }
      .sorted { (-$0.count, $0.reason) < (-$1.count, $1.reason) }
  }
}
