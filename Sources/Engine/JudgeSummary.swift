package import Model

/// Which results a judge writes out, and how much of them.
package struct JudgeOptions: Sendable {
  /// Which verdicts are written.
  package enum Selection: Sendable { case all, failures, none }

  package var selection: Selection
  package var hasProof: Bool
  /// The instant of judgement, ISO 8601 with zone.
  package var now: String

  package init(selection: Selection = .all, hasProof: Bool = true, now: String) {
    self.selection = selection
    self.hasProof = hasProof
    self.now = now
  }
}

/// A line of an inventory that could not be judged.
package struct LineFault: Sendable, Hashable {
  /// The line in the input, from 1.
  package var line: Int
  package var message: String
}

/// Totals of a run; parts are merged in any order.
package struct JudgeSummary: Sendable {
  /// Verdicts per goal, in the order of the rule set's members, then of ``Verdict/allCases``.
  package var counts: [[Int]]
  package var resources = 0
  /// Resources of kinds that no goal is about.
  package var notCovered: [ResourceKind: Int] = [:]
  /// The first faults; ``faultCount`` has them all.
  package var faults: [LineFault] = []
  package var faultCount = 0

  /// How many faults are kept with their text.
  package static let faultLimit = 100

  /// An empty summary for a rule set.
  package init(_ ruleSet: RuleSet) {
    let row = [Int](repeating: 0, count: Verdict.allCases.count)
    counts = Array(repeating: row, count: ruleSet.members.count)
  }

  mutating func add(fault: LineFault) {
    faultCount += 1
    if faults.count < Self.faultLimit { faults.append(fault) }
  }

  /// Adds the totals of another part.
  package mutating func merge(_ other: JudgeSummary) {
    for goal in counts.indices {
      for verdict in counts[goal].indices { counts[goal][verdict] += other.counts[goal][verdict] }
    }
    resources += other.resources
    notCovered.merge(other.notCovered, uniquingKeysWith: +)
    faultCount += other.faultCount
    faults += other.faults.prefix(Self.faultLimit - faults.count)
  }
}

/// What judging one chunk of an inventory came to.
package struct ChunkOutcome: Sendable {
  /// Results, one JSON object per line.
  package var lines: [UInt8] = []
  /// Lines whose population rules wait until every chunk was seen.
  package var deferred: [UInt8] = []
  package var population = Population()
  package var summary: JudgeSummary
}
