package import JSON
package import Model

/// One entry of the audit log.
package struct AuditEntry: Sendable, Equatable {
  package var number: Int64
  package var at: Instant
  package var actor: String
  /// What was done, as `object.verb`.
  package var action: String
  /// To what.
  package var subject: String
  /// What changed, as JSON.
  package var detail: String
  /// The digest of the entry before; empty for the first.
  package var previous: String
  package var digest: String

  /// SHA-256 over everything else, the parts kept apart by their lengths.
  package var computedDigest: String {
    let parts = ["\(number)", "\(at.milliseconds)", actor, action, subject, detail, previous]
    let text = parts.map { "\($0.utf8.count):\($0)" }.joined(separator: ",")
    return Digest.sha256(Array(text.utf8))
  }
}

/// Which entries of the audit log are asked for; what is empty selects everything.
package struct AuditQuery: Sendable {
  package var actor = ""
  /// An action or, with `*` at the end, how it begins.
  package var action = ""
  package var subject = ""
  package var from = Instant(milliseconds: .min)
  /// The first instant that is too late.
  package var to = Instant.never
  /// The number behind which the entries begin, in their order; nil for the first.
  package var beyond: Int64?
  package var isNewestFirst = false
  package var limit = 100

  package init() {}
}

// The audit log: every change by actor, each entry chained to the one before.
extension StoreTransaction {
  /// Appends an entry to the audit log.
  package func record(_ action: String, _ subject: String, _ detail: JSONObject = [:]) throws {
    var detail = detail
    if let recordedAt, abs(recordedAt.milliseconds - now.milliseconds) > 60_000 {
      // Somebody says that it happened at another time than it did.
      detail["recorded_at"] = .string("\(recordedAt)")
    }
    // Taking the number holds off other writers until the end of the transaction, so no two
    // entries follow the same one.
    let number = try take(of: "audit log")
    let previous =
      try session.first("SELECT digest FROM audit_log WHERE id = $1", [.integer(number - 1)]) {
        $0.text(0)
      } ?? ""
    var entry = AuditEntry(
      number: number,
      at: now,
      actor: actor,
      action: action,
      subject: subject,
      detail: JSONValue.object(detail).text,
      previous: previous,
      digest: ""
    )
    entry.digest = entry.computedDigest
    try session.run(
      """
      INSERT INTO audit_log (id, at, actor, action, subject, detail, previous, digest)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
      """,
      [
        .integer(entry.number), entry.at.value, .text(entry.actor), .text(entry.action),
        .text(entry.subject), .text(entry.detail), .text(entry.previous), .text(entry.digest),
      ]
    )
  }

  /// Hands over the entries of the audit log, oldest first.
  package func auditLog(_ body: (AuditEntry) throws -> Void) throws {
    try session.query(Self.auditColumns + " ORDER BY id", []) { try body(Self.entry($0)) }
  }

  /// Entries of the audit log, by number.
  package func auditEntries(_ query: AuditQuery) throws -> [AuditEntry] {
    var (clauses, values): ([String], [SQLValue]) = ([], [])
    func add(_ clause: (String) -> String, _ value: SQLValue) {
      values.append(value)
      clauses.append(clause("$\(values.count)"))
    }
    if let beyond = query.beyond {
      add({ "id \(query.isNewestFirst ? "<" : ">") \($0)" }, .integer(beyond))
    }
    if !query.actor.isEmpty { add({ "actor = \($0)" }, .text(query.actor)) }
    if !query.subject.isEmpty { add({ "subject = \($0)" }, .text(query.subject)) }
    if query.action.hasSuffix("*") {
      let start = String(query.action.dropLast())
      // A number of ours; LIKE would take what is in the text for a pattern.
      add({ "substr(action, 1, \(start.unicodeScalars.count)) = \($0)" }, .text(start))
    } else if !query.action.isEmpty {
      add({ "action = \($0)" }, .text(query.action))
    }
    if query.from.milliseconds > .min { add({ "at >= \($0)" }, query.from.value) }
    if !query.to.isNever { add({ "at < \($0)" }, query.to.value) }
    let condition = clauses.isEmpty ? "" : " WHERE " + clauses.joined(separator: " AND ")
    values.append(.integer(Int64(query.limit)))
    let order = query.isNewestFirst ? "DESC" : "ASC"
    return try session.rows(
      Self.auditColumns + condition + " ORDER BY id \(order) LIMIT $\(values.count)",
      values,
      Self.entry
    )
  }

  private static let auditColumns =
    "SELECT id, at, actor, action, subject, detail, previous, digest FROM audit_log"

  private static func entry(_ row: any SQLRow) -> AuditEntry {
    AuditEntry(
      number: row.integer(0),
      at: row.instant(1),
      actor: row.text(2),
      action: row.text(3),
      subject: row.text(4),
      detail: row.text(5),
      previous: row.text(6),
      digest: row.text(7)
    )
  }

  /// The first break of the chain, in words; nil where the log is whole.
  package func auditFault() throws -> String? {
    // What is written while the log is read is looked at another time.
    let next = try session.first("SELECT next FROM counters WHERE name = 'audit log'") {
      $0.integer(0)
    }
    var expected: (number: Int64, digest: String) = (1, "")
    var fault: String?
    try auditLog { entry in
      guard fault == nil, entry.number < next ?? .max else { return }
      if entry.number != expected.number {
        fault = "entry \(expected.number) is missing"
      } else if entry.previous != expected.digest {
        fault = "entry \(entry.number) does not follow entry \(entry.number - 1)"
      } else if entry.digest != entry.computedDigest {
        fault = "entry \(entry.number) was changed"
      }
      expected = (entry.number + 1, entry.digest)
    }
    if fault == nil, let next, next != expected.number {
      fault = "the log ends at entry \(expected.number - 1), and \(next - 1) were written"
    }
    return fault
  }
}
