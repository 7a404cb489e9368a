internal import JSON
package import Model

/// The score of one profile over one scope after a scan.
package struct LedgerEntry: Sendable {
  package var scan: Int64
  /// The scope's name; empty for everything.
  package var scope: String
  /// The profile's id; empty for every goal that was judged.
  package var profile: String
  package var version: String
  /// The scan's instant.
  package var at: Instant
  /// The figures, without exceptions: those are applied when they are read.
  package var score: Score
  /// The goals that count, by number; empty where every goal does.
  package var goals: [Int64]

  package init(
    scan: Int64,
    scope: String,
    profile: String,
    version: String,
    at: Instant,
    score: Score,
    goals: [Int64] = []
  ) {
    self.scan = scan
    self.scope = scope
    self.profile = profile
    self.version = version
    self.at = at
    self.score = score
    self.goals = goals
  }

  /// The figures as they are stored.
  fileprivate var figures: String {
    var object = score.json.object ?? JSONObject()
    if !goals.isEmpty { object["goals"] = .array(goals.map { .integer($0) }) }
    return JSONValue.object(object).text
  }
}

// The score ledger, and what was read of each kind.
extension StoreTransaction {
  /// Writes the scores after a scan.
  package func add(_ entries: [LedgerEntry]) throws {
    try session.insert(
      into: "score_ledger",
      columns: ["scan", "scope", "profile", "profile_version", "at", "figures"],
      rows: entries.count
    ) { index, row in
      row.integer(entries[index].scan)
      row.text(entries[index].scope)
      row.text(entries[index].profile)
      row.text(entries[index].version)
      row.integer(entries[index].at.milliseconds)
      row.text(entries[index].figures)
    }
  }

  /// The ledger's entries between two instants, both included, oldest first.
  package func ledger(from: Instant, to: Instant) throws -> [LedgerEntry] {
    try session.rows(
      """
      SELECT scan, scope, profile, profile_version, at, figures FROM score_ledger
      WHERE at >= $1 AND at <= $2 ORDER BY at, scan, scope, profile
      """,
      [from.value, to.value]
    ) { row in
      let figures = try JSONValue(parsing: row.text(5))
      guard let score = Score(figures) else {
        throw StoreError.damaged("an entry of the score ledger")
      }
      return LedgerEntry(
        scan: row.integer(0),
        scope: row.text(1),
        profile: row.text(2),
        version: row.text(3),
        at: row.instant(4),
        score: score,
        goals: (figures["goals"]?.array ?? []).compactMap { $0.whole.map(Int64.init) }
      )
    }
  }

  /// The instant of the last entry of the ledger up to an instant.
  package func lastLedgerInstant(upTo instant: Instant) throws -> Instant? {
    try session.first("SELECT max(at) FROM score_ledger WHERE at <= $1", [instant.value]) {
      $0.optionalInstant(0)
    } ?? nil
  }

  /// Notes what was read of a kind in an account, from an instant on.
  package func note(account: Int64, kind: Int64, gap: String?, at instant: Instant) throws {
    let last = try session.first(
      "SELECT valid_from, gap FROM coverage WHERE account = $1 AND kind = $2 AND valid_to = $3",
      [.integer(account), .integer(kind), Instant.never.value]
    ) { ($0.instant(0), $0.optionalText(1)) }
    if let last {
      if last.1 == gap || last.0 >= instant { return }
      try session.run(
        """
        UPDATE coverage SET valid_to = $4 WHERE account = $1 AND kind = $2 AND valid_to = $3
        """,
        [.integer(account), .integer(kind), Instant.never.value, instant.value]
      )
    }
    try session.run(
      "INSERT INTO coverage (account, kind, valid_from, valid_to, gap) VALUES ($1, $2, $3, $4, $5)",
      [
        .integer(account), .integer(kind), instant.value, Instant.never.value, .optional(gap),
      ]
    )
  }

  /// What was read of each kind as of an instant: its account, kind, and why it is not complete.
  package func coverage(
    at instant: Instant
  ) throws -> [(account: Int64, kind: Int64, gap: String?)] {
    try session.rows(
      """
      SELECT account, kind, gap FROM coverage WHERE valid_from <= $1 AND valid_to > $1
      ORDER BY account, kind
      """,
      [instant.bounded.value]
    ) { ($0.integer(0), $0.integer(1), $0.optionalText(2)) }
  }
}
