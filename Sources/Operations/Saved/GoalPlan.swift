package import Engine
import JSON
package import Model
import Store

/// Which goals a saved scan judges, and which of them count for which attachment.
package struct GoalPlan: Sendable {
  /// One line of the score ledger to be.
  package struct Part: Sendable {
    /// The scope's name; empty for everything.
    package var scope: String
    /// The profile's id; empty for every goal.
    package var profile: String
    package var version: String
    /// The goals, with every parameter filled; nil for every goal.
    package var goals: Set<Goal>?
  }

  package let ruleSet: RuleSet
  package let parts: [Part]
  package let profiles: [Profile]

  /// A plan for the goals of a rule set and the profiles that count.
  package init(_ ruleSet: RuleSet, attachments: [(scope: String, profile: Profile)]) {
    self.ruleSet = ruleSet
    // A profile that is chosen and attached to the same scope counts once, as chosen.
    var seen: Set<[String]> = []
    let attachments = attachments.filter { seen.insert([$0.scope, $0.profile.id]).inserted }
    profiles = attachments.map(\.profile)
    parts =
      [Part(scope: "", profile: "", version: "", goals: nil)]
      + attachments.map { scope, profile in
        Part(
          scope: scope,
          profile: profile.id,
          version: profile.version,
          goals: Set(profile.goals.map(ruleSet.resolved))
        )
      }
  }

  /// SHA-256 over every goal in order, and for which scopes and profiles it counts: two scans of one
  /// digest judge and count alike.
  package var digest: String {
    let goals = ruleSet.members.map { member in
      Digest.sha256(of: member.rule.document) + member.parameters.canonicalText
    }
    let parts = parts.map { part in
      "\(part.scope)|\(part.profile)|\(part.version)|"
        + (part.goals?.map { "\($0.rule)\($0.parameters.canonicalText)" }.sorted()
          .joined(separator: ";") ?? "all")
    }
    return Digest.sha256(Array((goals + parts).joined(separator: "\n").utf8))
  }

  /// SHA-256 over what the ledger counts: goals, and the definitions of scopes.
  func ledgerDigest(_ scopes: [Scope]) -> String {
    let definitions = scopes.map { "\($0.name)=\($0.definition.text)" }
    return Digest.sha256(Array(([digest] + definitions).joined(separator: "\n").utf8))
  }
}

/// The numbers under which a store knows the parts of a plan.
struct StoredPlan: Sendable {
  /// The layout's number, by its place in the rule set.
  var layouts: [StoredLayout] = []
  /// Goals by number.
  var goals: [Int64: Goal] = [:]
  private var numbers: [Goal: Int64] = [:]
  private var byKind: [Int64: StoredLayout] = [:]

  /// Finds or makes the numbers.
  init(_ plan: GoalPlan, _ transaction: StoreTransaction) throws {
    let members = try plan.ruleSet.members.map { try transaction.goal($0.rule, $0.parameters) }
    for (member, number) in zip(plan.ruleSet.members, members) {
      let goal = Goal(rule: member.rule.id, parameters: member.parameters)
      goals[number] = goal
      numbers[goal] = number
    }
    for layout in plan.ruleSet.layouts {
      let kind = try transaction.kind(layout.kind)
      let stored = try transaction.layout(
        kind: kind,
        goals: layout.members.map { members[$0] },
        isVolatile: layout.isVolatile
      )
      layouts.append(stored)
      byKind[kind] = stored
    }
  }

  /// The number of a goal with every parameter filled.
  func number(of goal: Goal) -> Int64? { numbers[goal] }

  /// Whether a stored resource that did not change need not be judged again.
  func isSettled(_ entry: StateIndex.Entry) -> Bool {
    guard let layout = byKind[entry.kind] else { return entry.layout == 0 }
    return layout.id == entry.layout && !layout.isVolatile
  }
}
