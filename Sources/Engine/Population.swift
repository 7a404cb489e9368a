import JSON
package import Model

/// What resources of related kinds add up to, for population rules.
///
/// Parts that were counted apart, by threads or machines, are merged in any order.
package struct Population: Sendable {
  struct Key: Hashable, Sendable {
    var clause: Int32
    var account: String
    /// The joined value; empty without a join, nil where it could not be read.
    var join: String?
  }

  private struct CoverageKey: Hashable, Sendable {
    var account: String
    var kind: ResourceKind
  }

  var tallies: [Key: Tally] = [:]
  private var coverage: [CoverageKey: Coverage] = [:]

  /// Whether kinds without a statement count as fully read.
  package var isComplete = false

  /// Whether some line could not be judged, whatever it held.
  package private(set) var hasFault = false

  package init() {}

  /// Notes that a line could not be judged.
  mutating func noteFault() { hasFault = true }

  /// Counts one related resource under the value that joins it.
  mutating func add(_ truth: Truth, clause: Int32, account: String, join: String?) {
    tallies[Key(clause: clause, account: account, join: join), default: Tally()].add(truth)
  }

  /// Notes what was read of a kind; of two statements the one with a gap counts.
  package mutating func note(_ statement: Coverage) {
    let key = CoverageKey(account: statement.account, kind: statement.kind)
    if coverage[key]?.gap == nil { coverage[key] = statement }
  }

  /// What was read of each kind, as far as something was said of it.
  package var statements: [Coverage] {
    coverage.values.sorted { ($0.account, $0.kind) < ($1.account, $1.kind) }
  }

  /// Adds what another part counted.
  package mutating func merge(_ other: Population) {
    for (key, tally) in other.tallies {
      tallies[key, default: Tally()].yes += tally.yes
      tallies[key, default: Tally()].no += tally.no
      tallies[key, default: Tally()].unknown += tally.unknown
      tallies[key, default: Tally()].vacuous += tally.vacuous
    }
    for statement in other.coverage.values { note(statement) }
    if other.hasFault { hasFault = true }
  }

  /// What was counted for a clause in an account; joined values add up.
  func tally(
    _ clause: Int32,
    of related: RuleSet.PopulationClause,
    account: String,
    joins: Set<String>
  ) -> Tally {
    var sum = Tally()
    for join in joins {
      guard let found = tallies[Key(clause: clause, account: account, join: join)] else { continue }
      sum.yes += found.yes
      sum.no += found.no
      sum.unknown += found.unknown
      sum.vacuous += found.vacuous
    }
    if related.hasJoin, let loose = tallies[Key(clause: clause, account: account, join: nil)] {
      sum.unknown += loose.satisfied + loose.unknown
    }
    sum.isOpen = gap(in: related.related, account: account) != nil
    return sum
  }

  /// Why a kind may not have been fully read in an account; nil when it was.
  func gap(in kind: ResourceKind, account: String) -> String? {
    if hasFault { return "a line of the inventory could not be judged" }
    guard let statement = coverage[CoverageKey(account: account, kind: kind)] else {
      return isComplete ? nil : "nothing says that every \(kind) of the account was read"
    }
    return statement.gap
  }
}
