import Engine
import JSON
import Model
import Store

/// Makes findings of what fails after a scan: one for each rule and account, open for as long as some
/// resource fails that no exception covers.
///
/// What is unknown neither opens nor ends one: it ends when each resource that failed was read as it has
/// to be, or is gone.
struct PostureFindings {
  private let transaction: StoreTransaction
  private let scan: Int64
  private let instant: Instant
  private let facts: PostureFacts
  private let accounts: [Int64: StoredAccount]
  /// The accounts that the scan may have met; nil for all.
  private let met: [Int64]?
  private var known: [PostureCause: KeptFinding] = [:]
  private var titles: [String: FindingNote] = [:]

  /// A cause of which something fails.
  private struct Failing {
    var cause: PostureCause
    var tally: PostureCount.Tally
    var isWider: Bool
    var note: FindingNote
  }

  /// How many causes are written at a time.
  private static let batch = 500

  /// The findings after a scan of an account, or of all of them.
  init(_ transaction: StoreTransaction, scan: Int64, of account: String?, at instant: Instant)
    throws
  {
    (self.transaction, self.scan, self.instant) = (transaction, scan, instant)
    facts = try PostureFacts(transaction)
    let all = try transaction.accounts()
    met = account.map { name in all.filter { $0.value.account == name }.keys.sorted() }
    accounts = all
    var filter = FindingFilter()
    (filter.sources, filter.account) = ([.posture], account)
    for kept in try transaction.findings(filter) {
      known[PostureCause(kept.finding)] = kept
    }
  }

  /// Opens, counts and ends them; what did not change is only noted as seen.
  mutating func note() throws -> FindingsKept {
    let covered = try PostureExceptions(transaction, facts, accounts, met, at: instant)
    var count = PostureCount(
      facts,
      accounts,
      at: instant,
      kept: Finding.eventLimit + (covered.isEmpty ? 0 : 1000)
    )
    try eachAccount { try transaction.presentVerdicts(ofAccount: $0) { count.add($0) } }
    count.settle()
    let wider = try wider(count, covered)
    var unchanged: [Int64] = []
    var present: [Failing] = []
    for (cause, tally) in count.tallies where tally.failing > 0 {
      if let kept = known[cause], !count.changedAccounts.contains(cause.account),
        kept.isAlike(tally, covered[cause]?.resources.count ?? 0)
      {
        if kept.finding.state.name != "mitigated" { unchanged.append(kept.id) }
        continue
      }
      let failing = tally.failing - (covered[cause]?.resources.count ?? 0)
      let isWider = wider.contains(cause) || failing > known[cause]?.finding.count ?? 0
      present.append(
        Failing(cause: cause, tally: tally, isWider: isWider, note: try note(of: cause.rule))
      )
    }
    var outcome = FindingsKept()
    // The severest first: of many at once those are told one by one.
    present.sort { left, right in
      left.note.severity != right.note.severity
        ? left.note.severity > right.note.severity
        : (left.cause.rule, left.cause.account) < (right.cause.rule, right.cause.account)
    }
    for start in stride(from: 0, to: present.count, by: Self.batch) {
      let some = present[start..<min(start + Self.batch, present.count)]
      outcome += try transaction.note(standings(some, covered), by: "scan \(scan)")
    }
    outcome += try transaction.note(try over(count), by: "scan \(scan)")
    try transaction.noteSeen(unchanged.sorted(), at: instant)
    return outcome
  }

  private func eachAccount(_ body: (Int64?) throws -> Void) throws {
    guard let met else { return try body(nil) }
    for account in met { try body(account) }
  }

  // MARK: - What began to fail

  /// The causes of which further resources fail than before the scan; none where too much changed, and
  /// only a greater count tells.
  private func wider(_ count: PostureCount, _ covered: PostureExceptions) throws -> Set<
    PostureCause
  > {
    guard !known.isEmpty, count.changed.count < PostureCount.changedMost else { return [] }
    var former: [Int64: (layout: Int64, verdicts: String)] = [:]
    try transaction.verdicts(endedAt: instant) { resource, layout, verdicts in
      if count.changed[resource] != nil { former[resource] = (layout, verdicts) }
    }
    var memo = VerdictMemo(count)
    var wider: Set<PostureCause> = []
    for (resource, now) in count.changed {
      guard let account = accounts[now.account]?.account else { continue }
      let before = former[resource].map { memo.rules(.fail, $0.layout, $0.verdicts) } ?? []
      for rule in memo.rules(.fail, now.layout, now.verdicts) where !before.contains(rule) {
        let cause = PostureCause(account: account, rule: rule)
        if covered[cause]?.resources.contains(resource) != true { wider.insert(cause) }
      }
    }
    return wider
  }

  // MARK: - What is over

  /// The findings of causes of which nothing fails any more.
  private func over(_ count: PostureCount) throws -> [StandingFinding] {
    var open: [KeptFinding] = []
    for (cause, kept) in known where kept.finding.state.isOpenOrExcepted {
      // A rule by which something there is judged no more says nothing of it.
      guard count.tallies[cause]?.failing ?? 0 == 0, count.judgesAll(cause, facts) else { continue }
      open.append(kept)
    }
    let doubtful = try doubtful(
      open.filter { count.tallies[PostureCause($0.finding)]?.unknown ?? 0 > 0 },
      count
    )
    return open.filter { !doubtful.contains(PostureCause($0.finding)) }
      .sorted { $0.id < $1.id }
      .map { StandingFinding($0.finding, .over(reason: "nothing fails it any more")) }
  }

  /// The causes of which some resource is unknown now and failed when it was read last.
  private func doubtful(
    _ findings: [KeptFinding],
    _ count: PostureCount
  ) throws -> Set<PostureCause> {
    guard !findings.isEmpty else { return [] }
    let asked = Set(findings.map { PostureCause($0.finding) })
    var memo = VerdictMemo(count)
    var unknown: [Int64: [PostureCause]] = [:]
    var failedLast: Set<PostureCause> = []
    try eachAccount { account in
      try transaction.presentVerdicts(ofAccount: account) { row in
        guard let name = accounts[row.account]?.account else { return }
        let causes = memo.rules(.unknown, row.layout, row.verdicts)
          .map { PostureCause(account: name, rule: $0) }.filter(asked.contains)
        if !causes.isEmpty { unknown[row.resource] = causes }
      }
    }
    for former in try transaction.formerVerdicts(of: unknown.keys.sorted()) {
      let verdicts = count.verdicts(former.layout, former.verdicts)
      guard let causes = unknown[former.resource] else { continue }
      // What it was when it was read last counts; earlier states tell nothing more.
      unknown[former.resource] = causes.filter { cause in
        guard let verdict = verdicts[cause.rule], verdict != .unknown else { return true }
        if verdict == .fail { failedLast.insert(cause) }
        return false
      }
    }
    // Where former states are removed after a time, one that failed may be among them.
    let mayBeRemoved = try transaction.retention()[.history] != nil
    return mayBeRemoved ? failedLast.union(unknown.values.joined()) : failedLast
  }

  // MARK: - What is told

  private func standings(
    _ some: ArraySlice<Failing>,
    _ covered: PostureExceptions
  ) throws -> [StandingFinding] {
    let named = some.map { part in
      let excepted = covered[part.cause]?.resources ?? []
      return Array(
        part.tally.first.filter { !excepted.contains($0) }.prefix(Finding.eventLimit)
      )
    }
    let states = Dictionary(
      try transaction.states(of: Set(named.joined()).sorted()).map { ($0.resource, $0) }
    ) { first, _ in first }
    return zip(some, named).map { part, resources in
      let (cause, tally) = (part.cause, part.tally)
      let excepted = covered[cause]
      let failing = tally.failing - (excepted?.resources.count ?? 0)
      var entity = FindingEntity()
      entity.account = cause.account
      var values: JSONObject = [
        "failing": .integer(Int64(failing)),
        "excepted": .integer(Int64(tally.failing - failing)),
        "unknown": .integer(Int64(tally.unknown)),
      ]
      values["resources"] = .array(
        resources.compactMap { states[$0].map { told($0, cause.rule) } }
      )
      let finding = Finding(
        id: "",
        note: part.note,
        entity: entity,
        firstSeen: instant,
        lastSeen: instant,
        count: max(failing, 1),
        evidence: FindingEvidence(source: source(cause.account), values: values, events: [])
      )
      guard failing == 0, let excepted else {
        return StandingFinding(finding, .present(isWider: part.isWider))
      }
      return StandingFinding(finding, .excepted(reason: excepted.reason))
    }
  }

  /// A resource that fails, with where its result is found.
  private func told(_ state: StoredState, _ rule: String) -> JSONValue {
    var object: JSONObject = ["id": .string(state.id)]
    let kind = facts.places.place(state.account, region: "", group: "", kind: state.kind).kind
    object["kind"] = .string("\(kind)")
    if !state.region.isEmpty { object["region"] = .string(state.region) }
    if !state.name.isEmpty, state.name != state.id { object["name"] = .string(state.name) }
    let letters = zip(facts.layouts[state.layout]?.goals ?? [], state.verdicts.utf8)
    for (number, letter) in letters where Verdict(letter: letter) == .fail {
      guard let goal = facts.goals[number], goal.rule == rule else { continue }
      object["result"] = .string(
        ResultRecord.identifier(
          Goal(rule: rule, parameters: goal.parameters),
          account: accounts[state.account]?.account ?? "",
          kind: kind,
          resource: state.id
        )
      )
      object["path"] = .string("/results/\(state.resource)/\(number)")
      break
    }
    return .object(object)
  }

  private func source(_ account: String) -> String {
    let provider = accounts.values.first { $0.account == account }?.provider ?? ""
    return provider.isEmpty ? "results" : "\(provider).results"
  }

  /// What a rule is among kinds of findings, by the last version that judged.
  private mutating func note(of rule: String) throws -> FindingNote {
    if let known = titles[rule] { return known }
    let goal = facts.goals.values.filter { $0.rule == rule }.max { $0.id < $1.id }
    let document = try goal.flatMap { try transaction.ruleDocument($0.digest) }
    let title = document?["title"]?.string ?? rule
    let note = FindingNote(
      id: rule,
      title: "Not met: \(title)",
      description: document?["rationale"]?.string ?? "",
      severity: goal.flatMap { FindingSeverity(rawValue: $0.severity.rawValue) } ?? .medium,
      source: .posture,
      provider: "rules",
      references: document?["references"]?.array?.compactMap(\.string) ?? []
    )
    titles[rule] = note
    return note
  }
}

extension PostureCause {
  init(_ finding: Finding) {
    self.init(account: finding.entity.account ?? "", rule: finding.note.id)
  }
}

extension KeptFinding {
  /// Whether it tells so many failing, excepted and unknown resources already.
  fileprivate func isAlike(_ tally: PostureCount.Tally, _ excepted: Int) -> Bool {
    let values = finding.evidence.values
    let isDecided = finding.state.name != "mitigated"
    return isDecided && values["failing"]?.whole == tally.failing - excepted
      && values["excepted"]?.whole == excepted && values["unknown"]?.whole == tally.unknown
  }
}

extension FindingState {
  /// Whether it ends when its cause does: what a person accepted stays.
  fileprivate var isOpenOrExcepted: Bool { self == .open || (name == "accepted" && isOwnDecision) }
}
