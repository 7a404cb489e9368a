package import JSON
package import Model

// Collectors: who they are, and whether they may work.
extension StoreTransaction {
  /// Makes a code by which a collector registers once under a name.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` when a collector has the name.
  package func addCollectorCode(_ name: String, digest: String, expiresAt: Instant) throws {
    try session.run("DELETE FROM collector_codes WHERE expires_at <= $1", [now.value])
    try refuseCollector(named: name)
    try session.run(
      """
      INSERT INTO collector_codes (digest, name, created_by, expires_at, collector)
      VALUES ($1, $2, $3, $4, NULL)
      """,
      [.text(digest), .text(name), .text(actor), expiresAt.value]
    )
    try record("collector.code", name, ["expires_at": .string("\(expiresAt)")])
  }

  private func refuseCollector(named name: String) throws {
    let other = try session.first("SELECT id FROM collectors WHERE name = $1", [.text(name)]) {
      $0.integer(0)
    }
    guard other == nil else {
      throw StoreError.conflict("there is a collector \"\(name)\" already; take another name")
    }
  }

  /// Registers a collector by its code, which is used up; it may not work before it is approved.
  ///
  /// - Returns: the collector; nil for a code that is not there, has ended or was used with another
  ///   key. The same code and key come to the same collector again.
  package func registerCollector(
    codeDigest: String,
    publicKey: String,
    host: String,
    version: String,
    address: String
  ) throws -> CollectorRecord? {
    let code = try session.first(
      "SELECT name, collector FROM collector_codes WHERE digest = $1 AND expires_at > $2",
      [.text(codeDigest), now.value]
    ) { (name: $0.text(0), collector: $0.optionalInteger(1)) }
    guard let code else { return nil }
    if let number = code.collector {
      let found = try collector(number)
      return found.publicKey == publicKey ? found : nil
    }
    try refuseCollector(named: code.name)
    let id = try take(of: "collector")
    let used = try session.run(
      "UPDATE collector_codes SET collector = $2 WHERE digest = $1 AND collector IS NULL",
      [.text(codeDigest), .integer(id)]
    )
    guard used == 1 else { return nil }
    try session.run(
      """
      INSERT INTO collectors (id, name, public_key, state, reason, version, host, address,
        registered_at, approved_by, approved_at, last_contact, ticket, last_ticket, last_poll,
        last_reply, polls, backlog, health)
      VALUES ($1, $2, $3, 'requested', '', $4, $5, $6, $7, '', NULL, NULL, '', '', '', '', '[]', 0,
        '{}')
      """,
      [
        .integer(id), .text(code.name), .text(publicKey), .text(version), .text(host),
        .text(address), now.value,
      ]
    )
    let print = Digest.sha256(Array(publicKey.utf8))
    try record(
      "collector.register",
      code.name,
      ["host": .string(host), "address": .string(address), "key_sha256": .string(print)]
    )
    return try collector(id)
  }

  /// Lets a collector work; one that was stopped begins a new chain of tickets.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` for one that works or was revoked,
  ///   ``StoreError/notFound(kind:name:)``.
  package func approveCollector(_ id: Int64) throws {
    let former = try collector(id)
    guard former.state == .requested || former.state == .stopped else {
      throw StoreError.conflict("the collector \"\(former.name)\" is \(former.state.rawValue)")
    }
    try session.run(
      """
      UPDATE collectors SET state = 'approved', reason = '', approved_by = $2, approved_at = $3,
        ticket = '', last_ticket = '', last_poll = '', last_reply = '', polls = '[]'
      WHERE id = $1
      """,
      [.integer(id), .text(actor), now.value]
    )
    let print = Digest.sha256(Array(former.publicKey.utf8))
    try record("collector.approve", former.name, ["key_sha256": .string(print)])
  }

  /// Keeps a collector from working (`stopped`), or ends it for good (`revoked`); its jobs are for it
  /// alone, and wait.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` for one that was revoked,
  ///   ``StoreError/notFound(kind:name:)``.
  package func endCollector(_ id: Int64, as state: CollectorState, reason: String) throws {
    let former = try collector(id)
    guard former.state != .revoked else {
      throw StoreError.conflict("the collector \"\(former.name)\" was revoked")
    }
    guard former.state != state else { return }
    try session.run(
      "UPDATE collectors SET state = $2, reason = $3 WHERE id = $1",
      [.integer(id), .text(state.rawValue), .text(reason)]
    )
    let action = state == .revoked ? "collector.revoke" : "collector.stop"
    try record(action, former.name, ["reason": .string(reason)])
    try releaseJobs(of: former.owner)
  }

  /// One collector, with what it signs in with.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func collector(_ id: Int64) throws -> CollectorRecord {
    guard let found = try collectors("WHERE id = $1", [.integer(id)]).first else {
      throw StoreError.notFound(kind: "collector", name: "\(id)")
    }
    return found
  }

  /// Every collector, in the order in which they registered.
  package func collectors() throws -> [CollectorRecord] { try collectors("") }

  private func collectors(_ condition: String, _ values: [SQLValue] = []) throws
    -> [CollectorRecord]
  {
    let question = """
      SELECT id, name, public_key, state, reason, version, host, address, registered_at,
        approved_by, approved_at, last_contact, ticket, backlog, health
      FROM collectors \(condition) ORDER BY id
      """
    return try session.rows(question, values, Self.collector).map { found in
      var found = found
      found.credentials = try session.rows(
        """
        SELECT name, provider, account FROM collector_credentials
        WHERE collector = $1 ORDER BY name
        """,
        [.integer(found.id)]
      ) {
        CollectorRecord.Credential(name: $0.text(0), provider: $0.text(1), account: $0.text(2))
      }
      return found
    }
  }

  private static func collector(_ row: any SQLRow) throws -> CollectorRecord {
    guard let state = CollectorState(rawValue: row.text(3)) else {
      throw StoreError.damaged("collector \(row.integer(0)) has no state")
    }
    return CollectorRecord(
      id: row.integer(0),
      name: row.text(1),
      publicKey: row.text(2),
      state: state,
      reason: row.text(4),
      version: row.text(5),
      host: row.text(6),
      address: row.text(7),
      registeredAt: row.instant(8),
      approvedBy: row.text(9),
      approvedAt: row.optionalInstant(10),
      lastContact: row.optionalInstant(11),
      ticket: row.text(12),
      backlog: row.integer(13),
      health: try JSONValue(parsing: row.text(14))
    )
  }
}

/// What a poll came to.
package enum CollectorAnswer: Sendable, Equatable {
  /// The reply, which is the same when the poll is sent again.
  case reply(JSONValue)
  /// An old poll, such as one that was held up on its way.
  case stale
}

// Polls, by which a copy of a collector is noticed.
extension StoreTransaction {
  /// How many polls are remembered, to tell one that was held up from one of a copy.
  private static let rememberedPolls = 64
  /// Why a collector is stopped that comes with a ticket which was used before.
  package static let copied = """
    two collectors poll with this key: it was copied, or the collector's folder was put back from a \
    backup; make sure that there is one, then approve it again, or revoke it
    """

  /// Answers a poll of a collector whose signature was checked.
  ///
  /// Each reply holds a ticket for the next poll. Two that poll with one key cannot both have the
  /// latest ticket: whoever comes second with a former one shows that there are two, and the
  /// collector is stopped. The given ticket was drawn for the next poll; `work` says what is to be done
  /// and what no more, as members of the reply, and is asked only of one that may work.
  package func answer(
    _ poll: CollectorPoll,
    of id: Int64,
    ticket: String,
    work: (CollectorRecord) throws -> JSONObject
  ) throws -> CollectorAnswer {
    try lockCollector(id)
    let former = try collector(id)
    guard former.state != .stopped, former.state != .revoked else {
      try note(poll, of: id)
      return .reply(Self.reply(former, ticket: poll.ticket, work: [:]))
    }
    let memory = try pollMemory(id)
    if poll.id == memory.poll, poll.ticket == memory.ticket {
      return .reply(try JSONValue(parsing: memory.reply))
    }
    if memory.polls.contains(poll.id) { return .stale }
    guard former.ticket.isEmpty || poll.ticket == former.ticket else {
      try endCollector(id, as: .stopped, reason: Self.copied)
      return .reply(Self.reply(try collector(id), ticket: poll.ticket, work: [:]))
    }
    try note(poll, of: id)
    let current = try collector(id)
    let reply = Self.reply(
      current,
      ticket: ticket,
      work: current.state == .approved ? try work(current) : [:]
    )
    let polls = (memory.polls + [poll.id]).suffix(Self.rememberedPolls)
    try session.run(
      """
      UPDATE collectors SET ticket = $2, last_ticket = $3, last_poll = $4, last_reply = $5,
        polls = $6
      WHERE id = $1
      """,
      [
        .integer(id), .text(ticket), .text(poll.ticket), .text(poll.id), .text(reply.text),
        .text(JSONValue.array(polls.map { .string($0) }).text),
      ]
    )
    return .reply(reply)
  }

  /// Polls of one collector come one after the other.
  private func lockCollector(_ id: Int64) throws {
    try session.run("UPDATE collectors SET id = id WHERE id = $1", [.integer(id)])
  }

  private static func reply(
    _ collector: CollectorRecord,
    ticket: String,
    work: JSONObject
  ) -> JSONValue {
    var object: JSONObject = [
      "ticket": .string(ticket), "state": .string(collector.state.rawValue),
    ]
    if !collector.reason.isEmpty { object["reason"] = .string(collector.reason) }
    object["commands"] = work["commands"] ?? []
    object["cancel"] = work["cancel"] ?? []
    return .object(object)
  }

  private func pollMemory(_ id: Int64) throws -> (
    ticket: String, poll: String, reply: String, polls: [String]
  ) {
    let found = try session.first(
      "SELECT last_ticket, last_poll, last_reply, polls FROM collectors WHERE id = $1",
      [.integer(id)]
    ) { ($0.text(0), $0.text(1), $0.text(2), $0.text(3)) }
    guard let found else { throw StoreError.notFound(kind: "collector", name: "\(id)") }
    let polls = try JSONValue(parsing: found.3).array?.compactMap(\.string) ?? []
    return (found.0, found.1, found.2, polls)
  }

  /// Notes what a collector tells of itself.
  private func note(_ poll: CollectorPoll, of id: Int64) throws {
    try session.run(
      """
      UPDATE collectors SET version = $2, address = $3, backlog = $4, health = $5,
        last_contact = $6
      WHERE id = $1
      """,
      [
        .integer(id), .text(poll.version), .text(poll.address), .integer(poll.backlog),
        .text(poll.health.text), now.value,
      ]
    )
    try session.run("DELETE FROM collector_credentials WHERE collector = $1", [.integer(id)])
    let names = Dictionary(poll.credentials.map { ($0.name, $0) }) { first, _ in first }
    for credential in names.values.sorted(by: { $0.name < $1.name }) {
      try session.run(
        """
        INSERT INTO collector_credentials (collector, name, provider, account)
        VALUES ($1, $2, $3, $4)
        """,
        [
          .integer(id), .text(credential.name), .text(credential.provider),
          .text(credential.account),
        ]
      )
    }
  }
}
