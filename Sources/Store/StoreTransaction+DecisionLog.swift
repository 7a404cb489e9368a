package import JSON
package import Model

/// The rules that are laid somewhere and do not stand in the way there.
package struct QuietRules: Sendable, Hashable {
  /// Rules by their ids; decisions about one kind of resource share a list.
  package var rules: [String] = []
  /// An ASCII letter for each rule: `p` where it passed, `n` where it had nothing to judge; another one where
  /// it says something else, or nothing.
  package var letters = ""

  package init(rules: [String] = [], letters: String = "") {
    (self.rules, self.letters) = (rules, letters)
  }

  /// How many rules have a letter.
  package func count(_ letter: UInt8) -> Int { letters.utf8.count { $0 == letter } }

  /// The rules that have a letter.
  package func rules(_ letter: UInt8) -> [String] {
    zip(rules, letters.utf8).compactMap { $1 == letter ? $0 : nil }
  }

  /// By the letters alone: lists of rules are long, and few.
  package func hash(into hasher: inout Hasher) { hasher.combine(letters) }

  package static let passed: UInt8 = 0x70
  package static let notApplicable: UInt8 = 0x6E
}

/// A decision as it is logged.
package struct LoggedDecision: Sendable {
  /// What one rule said, and what came of it.
  package struct Ruling: Sendable, Hashable {
    package var rule: String
    package var verdict: Verdict
    package var effect: Effect

    package init(rule: String, verdict: Verdict, effect: Effect) {
      (self.rule, self.verdict, self.effect) = (rule, verdict, effect)
    }

    /// By the rule alone: lists of hundreds are looked up by it.
    package func hash(into hasher: inout Hasher) { hasher.combine(rule) }
  }

  /// Its number; 0 before it is kept.
  package var id: Int64
  package var at: Instant
  /// Who asked.
  package var actor: String
  /// The gate at which it was asked, such as `api`.
  package var gate: String
  package var effect: Effect
  /// Where the resource is; without tags.
  package var place: Place
  package var name: String
  /// The rule that decided first, and its verdict; empty where every rule passed.
  package var rule: String
  package var verdict: String
  /// What every rule that is laid there said, the strictest first; less ``quiet`` where it is not read from
  /// a store.
  package var rulings: [Ruling]
  package var quiet: QuietRules
  /// The whole decision; with the configuration where it was refused.
  package var report: JSONValue

  package init(
    id: Int64 = 0,
    at: Instant,
    actor: String,
    gate: String,
    effect: Effect,
    place: Place,
    name: String,
    rule: String,
    verdict: String,
    rulings: [Ruling] = [],
    quiet: QuietRules = QuietRules(),
    report: JSONValue
  ) {
    (self.id, self.at, self.actor, self.gate, self.effect) = (id, at, actor, gate, effect)
    (self.place, self.name, self.rule, self.verdict) = (place, name, rule, verdict)
    (self.rulings, self.quiet, self.report) = (rulings, quiet, report)
  }
}

/// What the rules said of one decision.
private struct RulingList: Hashable {
  var rulings: [LoggedDecision.Ruling]
  var quiet: QuietRules

  init(_ decision: LoggedDecision) { (rulings, quiet) = (decision.rulings, decision.quiet) }

  /// As a text, a line each: the same text for the same rules and verdicts.
  var text: String {
    func quiet(_ letter: UInt8, _ verdict: Verdict) -> [LoggedDecision.Ruling] {
      self.quiet.rules(letter).map { .init(rule: $0, verdict: verdict, effect: .allowed) }
    }
    let all =
      rulings + quiet(QuietRules.passed, .pass) + quiet(QuietRules.notApplicable, .notApplicable)
    guard !all.isEmpty else { return "" }
    return all.map { "\n\($0.rule)\t\($0.verdict.rawValue)\t\($0.effect.rawValue)" }.joined() + "\n"
  }
}

extension [LoggedDecision.Ruling] {
  fileprivate init(text: String) {
    self = text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: "\t").map(String.init)
      guard words.count == 3, let verdict = Verdict(rawValue: words[1]),
        let effect = Effect(rawValue: words[2])
      else { return nil }
      return LoggedDecision.Ruling(rule: words[0], verdict: verdict, effect: effect)
    }
  }
}

/// Which decisions are asked for.
package struct DecisionFilter: Sendable {
  package var effect: Effect?
  /// A rule that was not passed, whichever decided first.
  package var rule: String?
  package var account: String?
  package var resource: String?
  package var actor: String?
  package var gate: String?
  package var from: Instant?
  package var to: Instant?

  package init() {}

  /// The conditions as a statement says them, with values numbered after those given.
  func conditions(_ values: inout [SQLValue]) -> String {
    var parts: [String] = []
    func add(_ part: String, _ value: SQLValue?) {
      guard let value else { return }
      values.append(value)
      parts.append(" AND \(part) $\(values.count)")
    }
    add("effect =", effect.map { .text($0.rawValue) })
    if let rule {
      values += [.text(rule), .text("%\n\(rule.asPattern)\tfail\t%")]
      values.append(.text("%\n\(rule.asPattern)\tunknown\t%"))
      let last = values.count
      parts.append(
        """
         AND (rule = $\(last - 2) OR rulings IN (SELECT r.id FROM decision_rulings r
        WHERE r.rulings LIKE $\(last - 1) ESCAPE '!' OR r.rulings LIKE $\(last) ESCAPE '!'))
        """
      )
    }
    add("account =", account.map { .text($0) })
    add("resource_id =", resource.map { .text($0) })
    add("actor =", actor.map { .text($0) })
    add("gate =", gate.map { .text($0) })
    add("at >=", from?.value)
    add("at <", to?.value)
    return parts.joined()
  }
}

extension String {
  /// The text as LIKE takes it for itself, with `!` before what would be a wildcard.
  fileprivate var asPattern: String {
    replacing("!", with: "!!").replacing("%", with: "!%").replacing("_", with: "!_")
  }
}

/// How many decisions of a day came out in one way.
package struct DecisionCount: Sendable, Hashable {
  /// The day in UTC, `YYYY-MM-DD`.
  package var day: String
  package var account: String
  package var rule: String
  package var effect: Effect
  package var count: Int
}

// The log of decisions about requests.
extension StoreTransaction {
  /// Appends decisions to the log; their numbers are given anew.
  package func log(_ decisions: [LoggedDecision]) throws {
    guard !decisions.isEmpty else { return }
    // Whoever logs takes this first, so that rulings are looked up by one at a time.
    let first = try take(decisions.count, of: "decision")
    let numbers = try numbers(ofRulingsOf: decisions)
    try session.insert(
      into: "decisions",
      columns: [
        "id", "at", "actor", "gate", "effect", "provider", "account", "region", "resource_group",
        "service_name", "resource_kind", "resource_id", "name", "rule", "verdict", "report",
        "rulings",
      ],
      rows: decisions.count
    ) { index, row in
      let decision = decisions[index]
      row.integer(first + Int64(index))
      row.integer(decision.at.milliseconds)
      for text in [
        decision.actor, decision.gate, decision.effect.rawValue, decision.place.provider,
        decision.place.accounts.first ?? "", decision.place.region, decision.place.group,
        decision.place.kind.service, decision.place.kind.kind, decision.place.id, decision.name,
        decision.rule, decision.verdict,
      ] { row.text(text) }
      row.bytes(
        decision.report.isNull ? [] : Pack.compress(decision.report.bytes)
      )
      row.integer(numbers[index])
    }
  }

  /// The numbers under which the decisions' lists of rulings are kept, 0 for none; those that are new are
  /// kept now.
  private func numbers(ofRulingsOf decisions: [LoggedDecision]) throws -> [Int64] {
    var known: [RulingList: Int64] = [:]
    return try decisions.map { decision in
      let list = RulingList(decision)
      if let number = known[list] { return number }
      let number = try self.number(of: list)
      known[list] = number
      return number
    }
  }

  private func number(of list: RulingList) throws -> Int64 {
    let text = list.text
    guard !text.isEmpty else { return 0 }
    let digest = Digest.sha256(Array(text.utf8))
    let kept = try session.first(
      "SELECT id FROM decision_rulings WHERE digest = $1",
      [.text(digest)]
    ) { $0.integer(0) }
    if let kept { return kept }
    let number = try take(of: "decision rulings")
    try session.run(
      "INSERT INTO decision_rulings (id, digest, rulings) VALUES ($1, $2, $3)",
      [.integer(number), .text(digest), .text(text)]
    )
    return number
  }

  /// Removes decisions from before an instant, and the rulings that are left to nobody.
  func pruneDecisions(before cutoff: Instant) throws -> Int {
    // Whoever logs may just have found rulings that nobody else has.
    _ = try take(0, of: "decision")
    let removed = try session.run("DELETE FROM decisions WHERE at < $1", [cutoff.value])
    if removed > 0 {
      try session.run(
        """
        DELETE FROM decision_rulings WHERE NOT EXISTS
          (SELECT 1 FROM decisions d WHERE d.rulings = decision_rulings.id)
        """,
        []
      )
    }
    return removed
  }

  /// The decisions before a number, newest first.
  package func decisions(
    _ filter: DecisionFilter,
    before: Int64 = .max,
    limit: Int
  ) throws -> [LoggedDecision] {
    var values: [SQLValue] = [.integer(before), .integer(Int64(limit))]
    let conditions = filter.conditions(&values)
    return try session.rows(
      Self.decisionColumns + " WHERE id < $1\(conditions) ORDER BY id DESC LIMIT $2",
      values,
      Self.decision
    )
  }

  /// One decision.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func decision(_ id: Int64) throws -> LoggedDecision {
    let question = Self.decisionColumns + " WHERE id = $1"
    guard let found = try session.first(question, [.integer(id)], Self.decision) else {
      throw StoreError.notFound(kind: "decision", name: "\(id)")
    }
    return found
  }

  /// How many decisions there were by day, account, rule and effect, the oldest first.
  package func decisionCounts(_ filter: DecisionFilter) throws -> [DecisionCount] {
    var values: [SQLValue] = []
    let conditions = filter.conditions(&values)
    // Where a rule is asked for, it is that one which counts, whichever decided first.
    let rule = filter.rule == nil ? "rule" : "''"
    let groups = filter.rule == nil ? "rule, " : ""
    return try session.rows(
      """
      SELECT at / 86400000, account, \(rule), effect, count(*) FROM decisions
      WHERE at >= 0\(conditions)
      GROUP BY at / 86400000, account, \(groups)effect ORDER BY 1, 2, 3, 4
      """,
      values
    ) { row in
      guard let effect = Effect(rawValue: row.text(3)) else {
        throw Self.unknownEffect(row.text(3))
      }
      return DecisionCount(
        day: Instant(milliseconds: row.integer(0) * 86_400_000).day,
        account: row.text(1),
        rule: filter.rule ?? row.text(2),
        effect: effect,
        count: Int(row.integer(4))
      )
    }
  }

  private static let decisionColumns = """
    SELECT id, at, actor, gate, effect, provider, account, region, resource_group, service_name,
      resource_kind, resource_id, name, rule, verdict, report,
      COALESCE((SELECT r.rulings FROM decision_rulings r WHERE r.id = decisions.rulings), '')
    FROM decisions
    """

  private static func unknownEffect(_ word: String) -> StoreError {
    .damaged("the log of decisions has an effect \"\(word)\", which this release does not know")
  }

  private static func decision(_ row: any SQLRow) throws -> LoggedDecision {
    let report = try Pack.decompress(row.bytes(15))
    var place = Place(
      accounts: [row.text(6)],
      provider: row.text(5),
      region: row.text(7),
      group: row.text(8),
      kind: ResourceKind(service: row.text(9), kind: row.text(10)),
      id: row.text(11)
    )
    // Tags are not kept, and sight may ask for them.
    place.unread = ["tag:"]
    guard let effect = Effect(rawValue: row.text(4)) else { throw unknownEffect(row.text(4)) }
    var rulings = [LoggedDecision.Ruling](text: row.text(16))
    if rulings.isEmpty, let verdict = Verdict(rawValue: row.text(14)) {
      // Of decisions from before all of them were kept there is the first.
      rulings = [LoggedDecision.Ruling(rule: row.text(13), verdict: verdict, effect: effect)]
    }
    return LoggedDecision(
      id: row.integer(0),
      at: row.instant(1),
      actor: row.text(2),
      gate: row.text(3),
      effect: effect,
      place: place,
      name: row.text(12),
      rule: row.text(13),
      verdict: row.text(14),
      rulings: rulings,
      report: report.isEmpty ? .null : try JSONParser().parse(report)
    )
  }
}
