import Engine
import JSON
import Model
import Store

/// The end of a saved scan: what is gone, what was read, findings, the scores, all in one transaction.
struct Finish: Sendable {
  private let scan: SavedScan
  private let id: Int64
  private let knowledge: ScanKnowledge

  init(_ scan: SavedScan, _ id: Int64, _ knowledge: ScanKnowledge) {
    self.scan = scan
    self.id = id
    self.knowledge = knowledge
  }

  /// What the tasks of a scan counted over all resources.
  static func population(_ outcomes: [TaskOutcome], isComplete: Bool) throws -> Population {
    var population = Population()
    for outcome in outcomes {
      let json = try JSONParser().parse(outcome.population)
      guard let part = Population(json) else {
        throw StoreError.damaged("the counts of a task cannot be read")
      }
      population.merge(part)
    }
    population.isComplete = isComplete
    return population
  }

  func run() async throws -> TaskReport {
    try await scan.store.write(as: scan.actor, at: scan.clock()) { transaction in
      // Scans end one after the other, so that each counts what those before it left.
      try transaction.beginFinish()
      let outcomes = try transaction.outcomes(of: id)
      var report = TaskReport()
      for outcome in outcomes { report.merge(TaskReport(outcome.report)) }
      let population = try Self.population(outcomes, isComplete: scan.isComplete)
      let seen = NumberSet.bits(of: outcomes.map(\.seen))
      let gone = try gone(seen, population, report, transaction)
      report.gone = try transaction.endAsGone(gone, at: scan.instant)
      try note(population, hasFault: report.faultCount > 0 || population.hasFault, transaction)
      try noteTroubles(population, report, transaction)
      var posture = try PostureFindings(
        transaction,
        scan: id,
        of: scan.isOpenToAccounts ? nil : scan.account,
        at: scan.instant
      )
      let findings = try posture.note()
      let ledger = try Ledger(scan.plan, transaction, at: scan.instant)
      try transaction.add(try ledger.entries(scan: id, at: scan.instant))
      var summary = report.json.object ?? JSONObject()
      summary["ledger"] = .string(ledger.digest)
      summary["findings"] = findings.json
      try transaction.move(id, to: .finished, report: .object(summary))
      return report
    }
  }

  /// The resources that were not met although everything of their kind and account was read.
  private func gone(
    _ seen: NumberBits,
    _ population: Population,
    _ report: TaskReport,
    _ transaction: StoreTransaction
  ) throws -> [Int64] {
    // What a line that could not be read held is not known: it may have been any of them.
    guard report.faultCount == 0, !population.hasFault else { return [] }
    let missing = knowledge.index.entries.filter { $0.isCurrent && !seen.contains($0.resource) }
    guard !missing.isEmpty else { return [] }
    let accounts = try transaction.accounts()
    let kinds = try transaction.kinds()
    let statements = Dictionary(
      population.statements.map { statement in
        let account = statement.account.isEmpty ? scan.account : statement.account
        return ("\(account)\u{1F}\(statement.kind)", statement.gap == nil)
      }
    ) { $0 && $1 }
    var met = Set(
      knowledge.index.entries.filter { seen.contains($0.resource) }.map(\.account)
    )
    for (number, account) in try transaction.resources(since: scan.instant)
    where seen.contains(number) {
      met.insert(account)
    }
    return missing.filter { entry in
      guard let account = accounts[entry.account]?.account, let kind = kinds[entry.kind] else {
        return false
      }
      if let isComplete = statements["\(account)\u{1F}\(kind)"] { return isComplete }
      guard scan.endsMissing else { return false }
      // An inventory without a resource of an account says nothing of what the account holds.
      return met.contains(entry.account) && (scan.isOpenToAccounts || account == scan.account)
    }.map(\.resource)
  }

  /// Keeps a finding for each account that was not read fully, which ends when it is.
  private func noteTroubles(
    _ population: Population,
    _ report: TaskReport,
    _ transaction: StoreTransaction
  ) throws {
    var gaps: [String: [Coverage]] = [:]
    for statement in population.statements {
      let name = statement.account.isEmpty ? scan.account : statement.account
      gaps[name, default: []] += statement.gap == nil ? [] : [statement]
    }
    if !scan.account.isEmpty, report.faultCount > 0 { gaps[scan.account, default: []] += [] }
    let troubles = gaps.compactMap { account, kinds -> Trouble? in
      let faults = account == scan.account ? report.faultCount : 0
      guard !kinds.isEmpty || faults > 0 else { return nil }
      return Trouble(
        .collectionPartial,
        "",
        account: account,
        at: scan.instant,
        count: kinds.count + faults,
        [
          "kinds_not_fully_read": .array(
            kinds.prefix(Finding.eventLimit).map { gap in
              ["kind": .string("\(gap.kind)"), "reason": .string(gap.gap ?? "")]
            }
          ),
          "lines_not_judged": .integer(Int64(faults)),
        ]
      )
    }.sorted { ($0.account ?? "") < ($1.account ?? "") }
    _ = try transaction.note(troubles, of: [.collectionPartial]) { finding in
      let account = finding.entity.account ?? ""
      return gaps[account] != nil || account == scan.account
    }
  }

  /// Notes which kinds were read fully, and why others were not.
  private func note(
    _ population: Population,
    hasFault: Bool,
    _ transaction: StoreTransaction
  ) throws {
    // Accounts of two providers may share an id; the one that was known first counts.
    let byName = Dictionary(
      try transaction.accounts().values.map { ($0.account, $0.id) },
      uniquingKeysWith: min
    )
    for statement in population.statements {
      let name = statement.account.isEmpty ? scan.account : statement.account
      // An account can be read without holding anything; what kept it from being read counts too.
      let account = try byName[name] ?? transaction.account(provider: "", account: name)
      try transaction.note(
        account: account,
        kind: try transaction.kind(statement.kind),
        gap: statement.gap
          ?? (hasFault ? "a line of the inventory could not be judged" : nil),
        at: scan.instant
      )
    }
  }
}
