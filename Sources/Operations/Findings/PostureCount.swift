import Engine
import Model
import Store

/// A rule in an account: what one posture finding is about.
struct PostureCause: Hashable, Sendable {
  var account: String
  var rule: String
}

/// How many resources fail each rule in each account now, counted in one walk over their verdicts.
///
/// A resource that several goals of a rule judge counts once: it fails where one of them fails, and is
/// unknown where none fails and one is unknown.
struct PostureCount {
  /// What a rule says of the resources of an account.
  struct Tally {
    var failing = 0
    var unknown = 0
    /// The failing ones with the lowest numbers.
    var first: [Int64] = []
  }

  private(set) var tallies: [PostureCause: Tally] = [:]
  /// What began to fail at the instant of the scan, by resource.
  private(set) var changed: [Int64: (account: Int64, layout: Int64, verdicts: String)] = [:]
  /// The accounts of which something changed at that instant.
  private(set) var changedAccounts: Set<String> = []
  /// The kinds of which an account has resources, and the layouts by which those are judged.
  private var laidOut: [String: Set<Spot>] = [:]

  private struct Spot: Hashable {
    var kind: Int64
    var layout: Int64
  }

  /// Resources of an account with the same verdicts.
  private struct Alike: Hashable {
    var account: Int64
    var kind: Int64
    var layout: Int64
    var verdicts: String
  }

  fileprivate struct Crowd {
    var count = 0
    var first: [Int64] = []
  }

  private var crowds: [Alike: Crowd] = [:]
  private let rules: [Int64: [String?]]
  private let accounts: [Int64: StoredAccount]
  private let instant: Instant
  private let kept: Int

  /// How many different crowds wait to be counted at a time.
  private static let together = 50_000
  /// How many changed resources are looked at one by one.
  static let changedMost = 100_000

  /// A count as of a scan; `kept` is how many failing resources are named.
  init(_ facts: PostureFacts, _ accounts: [Int64: StoredAccount], at instant: Instant, kept: Int) {
    (self.accounts, self.instant, self.kept) = (accounts, instant, kept)
    rules = facts.layouts.mapValues { $0.goals.map { facts.goals[$0]?.rule } }
  }

  /// Adds a resource; ``settle()`` counts it.
  mutating func add(_ row: PresentVerdicts) {
    let alike = Alike(
      account: row.account,
      kind: row.kind,
      layout: row.layout,
      verdicts: row.verdicts
    )
    crowds[alike, default: Crowd()].add(row.resource, kept)
    if row.begins == instant, changed.count < Self.changedMost {
      changed[row.resource] = (row.account, row.layout, row.verdicts)
    }
    if row.begins == instant, let account = accounts[row.account]?.account {
      changedAccounts.insert(account)
    }
    if crowds.count == Self.together { settle() }
  }

  /// Counts what was added.
  mutating func settle() {
    for (alike, crowd) in crowds {
      guard let account = accounts[alike.account]?.account else { continue }
      laidOut[account, default: []].insert(Spot(kind: alike.kind, layout: alike.layout))
      for (rule, verdict) in verdicts(alike.layout, alike.verdicts) {
        let cause = PostureCause(account: account, rule: rule)
        switch verdict {
        case .fail:
          tallies[cause, default: Tally()].failing += crowd.count
          tallies[cause, default: Tally()].name(crowd.first, kept)
        case .unknown: tallies[cause, default: Tally()].unknown += crowd.count
        default: break
        }
      }
    }
    crowds = [:]
  }

  /// What each rule of a layout says of a resource; nil where it is not about it.
  func verdicts(_ layout: Int64, _ letters: String) -> [String: Verdict?] {
    var found: [String: Verdict?] = [:]
    for (rule, letter) in zip(rules[layout] ?? [], letters.utf8) {
      guard let rule else { continue }
      let verdict = Verdict(letter: letter)
      switch (found[rule] ?? nil, verdict) {
      case (.fail, _), (.unknown, .pass), (.unknown, .notApplicable), (.unknown, nil): continue
      default: found[rule] = .some(verdict)
      }
    }
    return found
  }

  /// Whether all present resources of an account that a rule was ever about are judged by it, so that
  /// none of which it says nothing may still fail.
  func judgesAll(_ cause: PostureCause, _ facts: PostureFacts) -> Bool {
    let kinds = Set(
      facts.layouts.values.lazy.filter { isJudged(cause.rule, by: $0.id) }.map(\.kind)
    )
    return (laidOut[cause.account] ?? []).allSatisfy { spot in
      !kinds.contains(spot.kind) || isJudged(cause.rule, by: spot.layout)
    }
  }

  private func isJudged(_ rule: String, by layout: Int64) -> Bool {
    rules[layout]?.contains { $0 == rule } ?? false
  }
}

/// Remembers which rules say what of resources with the same verdicts.
struct VerdictMemo {
  private struct Key: Hashable {
    var verdict: Verdict
    var layout: Int64
    var letters: String
  }

  private let count: PostureCount
  private var known: [Key: Set<String>] = [:]

  init(_ count: PostureCount) { self.count = count }

  /// The rules of a layout that say this of a resource.
  mutating func rules(_ verdict: Verdict, _ layout: Int64, _ letters: String) -> Set<String> {
    guard letters.utf8.contains(verdict.letter) else { return [] }
    let key = Key(verdict: verdict, layout: layout, letters: letters)
    if let found = known[key] { return found }
    let found = Set(count.verdicts(layout, letters).filter { $0.value == verdict }.keys)
    if known.count == 10_000 { known = [:] }
    known[key] = found
    return found
  }
}

extension PostureCount.Crowd {
  fileprivate mutating func add(_ resource: Int64, _ most: Int) {
    count += 1
    first.keepLowest(resource, most)
  }
}

extension PostureCount.Tally {
  fileprivate mutating func name(_ resources: [Int64], _ most: Int) {
    for resource in resources { first.keepLowest(resource, most) }
  }
}

extension [Int64] {
  /// Adds a number to the lowest ones, which are in order.
  fileprivate mutating func keepLowest(_ number: Int64, _ most: Int) {
    if count >= most {
      guard let last, number < last else { return }
      removeLast()
    }
    insert(number, at: lastIndex { $0 < number }.map { $0 + 1 } ?? 0)
  }
}
