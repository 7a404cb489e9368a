package import Model

// Alerts: the queue of what channels are told.
extension StoreTransaction {
  /// How often an alert is tried.
  package static let alertTries = 8

  private static let cursor = "alerts begin after"

  // MARK: - Routing

  /// Holds off others who route, and returns the last change of a finding that was routed.
  package func beginRouting() throws -> Int64 {
    _ = try take(0, of: "alert")
    return try routed()
  }

  private func routed() throws -> Int64 {
    try session.first("SELECT value FROM facts WHERE name = $1", [.text(Self.cursor)]) {
      Int64($0.text(0)) ?? 0
    } ?? 0
  }

  /// Whether some change of a finding was not routed yet.
  package func hasUnrouted() throws -> Bool { try lastFindingChange() > routed() }

  /// The number of the last change of a finding, 0 where there is none.
  package func lastFindingChange() throws -> Int64 {
    try session.first("SELECT max(id) FROM finding_changes") { $0.integer(0) } ?? 0
  }

  /// Notes the last change that was routed.
  package func endRouting(at change: Int64) throws {
    try session.run(
      """
      INSERT INTO facts (name, value) VALUES ($1, $2)
      ON CONFLICT (name) DO UPDATE SET value = excluded.value
      """,
      [.text(Self.cursor), .text("\(change)")]
    )
  }

  /// Lets a channel be told of a change; once, however often it is asked for.
  package func queue(
    _ change: FindingChange,
    for channel: Channel,
    isDigest: Bool,
    notBefore: Instant
  ) throws {
    try session.run(
      """
      INSERT INTO alerts (id, channel, finding, change, change_kind, is_digest, state, message,
        owner, leased_until, attempts, not_before, seen_at, noticed_at, created_at, delivered_at,
        reason)
      VALUES ($1, $2, $3, $4, $5, $6, 'waiting', '', '', 0, 0, $7, $8, $9, $10, NULL, '')
      ON CONFLICT DO NOTHING
      """,
      [
        .integer(try take(of: "alert")), .integer(channel.id), .integer(change.finding),
        .integer(change.id), .text(change.kind.rawValue), .integer(isDigest ? 1 : 0),
        notBefore.value, .optional(change.seenAt?.milliseconds), change.at.value, now.value,
      ]
    )
  }

  /// How many alerts of a channel went out one by one since an instant.
  package func countAlerts(of channel: Int64, since instant: Instant) throws -> Int {
    try session.first(
      "SELECT count(*) FROM alerts WHERE channel = $1 AND is_digest = 0 AND created_at >= $2",
      [.integer(channel), instant.value]
    ) { Int($0.integer(0)) } ?? 0
  }

  // MARK: - Delivering

  private static let isDue = """
    ((state = 'waiting' AND not_before <= $1) OR (state = 'leased' AND leased_until < $1))
    """

  /// Whether an alert could be leased at an instant; changes nothing.
  package func hasDueAlert(at instant: Instant) throws -> Bool {
    let question = "SELECT 1 FROM alerts WHERE \(Self.isDue)\(try free(without: [])) LIMIT 1"
    return try session.first(question, [instant.value]) { _ in true } ?? false
  }

  /// The condition that leaves out some channels, and those that are switched off: what they would be told
  /// waits until they are switched on.
  private func free(without busy: Set<Int64>) throws -> String {
    let others = busy.union(try channels().filter { !$0.isEnabled }.map(\.id))
    guard !others.isEmpty else { return "" }
    return " AND channel NOT IN (\(others.sorted().map { "\($0)" }.joined(separator: ", ")))"
  }

  /// Leases what one message is to tell: an alert, or all of a channel's digest that is due.
  ///
  /// Channels that somebody is sending to already are left out. What fell silent at each of its tries is
  /// dead.
  package func leaseAlerts(
    to owner: String,
    until: Instant,
    without busy: Set<Int64> = []
  ) throws -> [Alert] {
    _ = try take(0, of: "alert")
    let free = try free(without: busy)
    while true {
      let question = "WHERE \(Self.isDue)\(free) ORDER BY not_before, id LIMIT 1"
      let found = try session.first(Self.alertColumns + question, [now.value], Self.alert)
      guard let first = found else { return [] }
      guard first.attempts < Self.alertTries else {
        try end(first.id, .dead, reason: "who sent it fell silent at every try", message: "")
        continue
      }
      var alerts = [first]
      if first.isDigest {
        alerts = try session.rows(
          Self.alertColumns
            + "WHERE \(Self.isDue) AND channel = $2 AND is_digest = 1 ORDER BY id LIMIT 500",
          [now.value, .integer(first.channel)],
          Self.alert
        )
      }
      for index in alerts.indices {
        alerts[index].attempts += 1
        (alerts[index].owner, alerts[index].state) = (owner, .leased)
        try session.run(
          """
          UPDATE alerts SET state = 'leased', owner = $2, leased_until = $3, attempts = $4
          WHERE id = $1
          """,
          [
            .integer(alerts[index].id), .text(owner), until.value,
            .integer(Int64(alerts[index].attempts)),
          ]
        )
      }
      return alerts
    }
  }

  /// Notes that a message was taken.
  package func noteDelivered(_ alerts: [Alert], message: String) throws {
    for alert in alerts where try isHeld(alert) {
      try end(alert.id, .delivered, reason: "", message: message)
    }
  }

  /// Notes that a message was not taken: another try comes at an instant, or the alerts are dead.
  package func noteFailed(
    _ alerts: [Alert],
    message: String,
    reason: String,
    retryAt: Instant?
  ) throws {
    for alert in alerts where try isHeld(alert) {
      guard let retryAt, alert.attempts < Self.alertTries else {
        try end(alert.id, .dead, reason: reason, message: message)
        continue
      }
      try session.run(
        """
        UPDATE alerts SET state = 'waiting', owner = '', not_before = $2, reason = $3, message = $4
        WHERE id = $1
        """,
        [.integer(alert.id), retryAt.value, .text(reason), .text(message)]
      )
    }
  }

  /// Removes alerts that tell of findings that are gone, as those go with them.
  package func remove(_ alerts: [Alert]) throws {
    for alert in alerts where try isHeld(alert) {
      try session.run("DELETE FROM alerts WHERE id = $1", [.integer(alert.id)])
    }
  }

  private func isHeld(_ alert: Alert) throws -> Bool {
    try session.first(
      """
      SELECT 1 FROM alerts WHERE id = $1 AND owner = $2 AND attempts = $3 AND state = 'leased'
      """,
      [.integer(alert.id), .text(alert.owner), .integer(Int64(alert.attempts))]
    ) { _ in true } ?? false
  }

  private func end(_ id: Int64, _ state: Alert.State, reason: String, message: String) throws {
    try session.run(
      """
      UPDATE alerts SET state = $2, owner = '', reason = $3, message = $4, delivered_at = $5
      WHERE id = $1
      """,
      [
        .integer(id), .text(state.rawValue), .text(reason), .text(message),
        state == .delivered ? now.value : .null,
      ]
    )
  }

  /// Lets a dead alert be tried again, with all its tries.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` where it is not dead, ``StoreError/notFound(kind:name:)``.
  package func retryAlert(_ id: Int64) throws {
    let alert = try alert(id)
    guard alert.state == .dead else {
      throw StoreError.conflict(
        "alert \(id) is \(alert.state.rawValue); only dead ones are retried"
      )
    }
    try session.run(
      "UPDATE alerts SET state = 'waiting', attempts = 0, not_before = $2 WHERE id = $1",
      [.integer(id), now.value]
    )
    try record("alert.retry", "\(id)")
  }

  // MARK: - Reading

  /// One alert.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func alert(_ id: Int64) throws -> Alert {
    let question = Self.alertColumns + "WHERE id = $1"
    guard let found = try session.first(question, [.integer(id)], Self.alert) else {
      throw StoreError.notFound(kind: "alert", name: "\(id)")
    }
    return found
  }

  /// The alerts before a number, newest first.
  package func alerts(
    state: Alert.State? = nil,
    channel: Int64? = nil,
    finding: Int64? = nil,
    before: Int64 = .max,
    limit: Int
  ) throws -> [Alert] {
    var values: [SQLValue] = [.integer(before), .integer(Int64(limit))]
    var conditions = ""
    for (column, value) in [
      ("state", state.map { SQLValue.text($0.rawValue) }),
      ("channel", channel.map { .integer($0) }), ("finding", finding.map { .integer($0) }),
    ] {
      guard let value else { continue }
      values.append(value)
      conditions += " AND \(column) = $\(values.count)"
    }
    return try session.rows(
      Self.alertColumns + "WHERE id < $1\(conditions) ORDER BY id DESC LIMIT $2",
      values,
      Self.alert
    )
  }

  /// The alerts that nobody took of channels that took none after them, one for each channel.
  package func deadEnds() throws -> [Alert] {
    try channels().filter(\.isEnabled).compactMap { channel in
      let last = try session.first(
        Self.alertColumns
          + "WHERE channel = $1 AND state IN ('dead', 'delivered') ORDER BY change DESC LIMIT 1",
        [.integer(channel.id)],
        Self.alert
      )
      return last?.state == .dead ? last : nil
    }
  }

  /// How many alerts there are, and how long they took.
  package func alertFigures() throws -> AlertFigures {
    var figures = AlertFigures()
    try session.query(
      """
      SELECT state, count(*), CAST(sum(coalesce(delivered_at, noticed_at) - noticed_at) AS BIGINT)
      FROM alerts GROUP BY state
      """,
      []
    ) { row in
      guard let state = Alert.State(rawValue: row.text(0)) else { return }
      figures.states[state] = Int(row.integer(1))
      if state == .delivered { figures.seconds = Double(row.integer(2)) / 1000 }
    }
    return figures
  }

  private static let alertColumns = """
    SELECT id, channel, finding, change, change_kind, is_digest, state, message, owner, attempts,
      not_before, seen_at, noticed_at, created_at, delivered_at, reason FROM alerts\u{20}
    """

  private static func alert(_ row: any SQLRow) throws -> Alert {
    Alert(
      id: row.integer(0),
      channel: row.integer(1),
      finding: row.integer(2),
      change: row.integer(3),
      changeKind: FindingChange.Kind(rawValue: row.text(4)) ?? .opened,
      isDigest: row.integer(5) == 1,
      state: Alert.State(rawValue: row.text(6)) ?? .waiting,
      message: row.text(7),
      owner: row.text(8),
      attempts: Int(row.integer(9)),
      notBefore: row.instant(10),
      seenAt: row.optionalInstant(11),
      noticedAt: row.instant(12),
      createdAt: row.instant(13),
      deliveredAt: row.optionalInstant(14),
      reason: row.text(15)
    )
  }
}
