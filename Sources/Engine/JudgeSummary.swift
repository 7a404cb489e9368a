import JSON
package import Model

/// Which results a judge writes out, and how much of them.
package struct JudgeOptions: Sendable {
  /// Which verdicts are written as results, or that each resource's are given as one vector.
  package enum Selection: Sendable {
    case all, failures, none, vectors
    /// What may hold a request up: failures, and what is unknown.
    case obstacles
  }

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
  /// Verdicts per goal: a row for each member of the rule set in their order, one row after another, with a
  /// number for each of ``Verdict/allCases``.
  package var counts: [Int]
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
    self.init(counts: Array(repeating: 0, count: ruleSet.members.count * Verdict.count))
  }

  init(counts: [Int]) { self.counts = counts }

  /// How many results of a goal have a verdict; the goal by its place among the rule set's members.
  package func count(_ goal: Int, _ verdict: Verdict) -> Int {
    counts[goal * Verdict.count + verdict.index]
  }

  mutating func add(fault: LineFault) {
    faultCount += 1
    if faults.count < Self.faultLimit { faults.append(fault) }
  }

  /// Adds the totals of another part.
  package mutating func merge(_ other: JudgeSummary) {
    for place in counts.indices { counts[place] += other.counts[place] }
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
  /// The resources with their verdicts, where the options ask for vectors.
  package var resources: [JudgedResource] = []
}

/// One resource of an inventory and its verdicts.
package struct JudgedResource: Sendable {
  package var provider: String
  package var account: String
  package var region: String
  package var kind: ResourceKind
  package var id: String
  package var name: String
  /// The resource group that its attributes name; empty where they name none.
  package var group: String
  /// The tags as a JSON object; empty where there are none.
  package var tags: String
  /// The index of its kind among ``RuleSet/layouts``; nil where no goal is about the kind.
  package var layout: Int?
  /// A letter for each place of the layout, see ``Verdict/letter``; `.` where the resource is
  /// outside the goal's target.
  package var verdicts: String
  /// Where its line stands in the chunk that was judged.
  package var line: Range<Int>
  /// The number of its line in the input.
  package var lineNumber: Int
}

extension JudgedResource {
  /// Who a resource is, without verdicts.
  package init(_ resource: Resource) {
    self.init(
      provider: resource.provider,
      account: resource.account,
      region: resource.region,
      kind: resource.kind,
      id: resource.id,
      name: resource.name,
      group: resource.attributes.first { $0.key == "resource_group" }?.value.string ?? "",
      tags: "",
      layout: nil,
      verdicts: "",
      line: 0..<0,
      lineNumber: 1
    )
  }
}
