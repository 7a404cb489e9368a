internal import JSON
internal import Model

// Conversations with the outside: the largest of each day and direction, and what the others come to.
extension StoreTransaction {
  /// How many conversations of a day and direction are kept one by one.
  package static let conversationLimit = 1000

  /// How far logs were counted, by where they lie.
  package func countedLogs() throws -> [ConversationLog] {
    try session.rows("SELECT log, bytes, digest FROM conversation_logs") { row in
      ConversationLog(
        log: row.text(0),
        bytes: row.integer(1),
        digest: row.text(2),
        conversations: []
      )
    }
  }

  /// Counts what logs tell into the days that it is about; a log that was counted before counts no more.
  package func keep(_ logs: [ConversationLog]) throws -> ConversationsKept {
    var outcome = ConversationsKept()
    // Whoever keeps conversations waits here for others to end, so that nothing is counted twice.
    _ = try take(0, of: "conversation")
    var days: [DayPlace: [Conversation.Key: Conversation]] = [:]
    var addresses: [String: ExternalAddress] = [:]
    for log in logs {
      guard try note(log) else {
        outcome.known += 1
        continue
      }
      outcome.counted += 1
      for conversation in log.conversations {
        let place = DayPlace(day: conversation.day, isOutbound: conversation.isOutbound)
        days[place, default: [:]].add(conversation)
      }
      for address in log.addresses ?? [] { addresses[address.address] = address }
    }
    for (place, conversations) in days.sorted(by: { $0.key.day < $1.key.day }) {
      try keep(conversations, on: place)
    }
    try keep(Array(addresses.values))
    return outcome
  }

  /// A day and a direction.
  private struct DayPlace: Hashable {
    var day: Instant
    var isOutbound: Bool
    var direction: String { isOutbound ? "outbound" : "inbound" }
  }

  /// Notes that a log is counted; false where it was before.
  private func note(_ log: ConversationLog) throws -> Bool {
    let added = try session.run(
      """
      INSERT INTO conversation_logs (digest, log, bytes, counted_at) VALUES ($1, $2, $3, $4)
      ON CONFLICT DO NOTHING
      """,
      [.text(log.digest), .text(log.log), .integer(log.bytes), now.value]
    )
    if added == 1, let former = log.former {
      try session.run("DELETE FROM conversation_logs WHERE digest = $1", [.text(former)])
    }
    return added == 1
  }

  private func keep(_ more: [Conversation.Key: Conversation], on place: DayPlace) throws {
    let values = [place.day.value, .text(place.direction)]
    var all: [Conversation.Key: Conversation] = [:]
    let present = try session.rows(
      """
      SELECT account, own, external, port, protocol, connections, failed, sent, received,
        first_seen, last_seen, since, others FROM conversations WHERE day = $1 AND direction = $2
      """,
      values
    ) { Self.conversation($0, on: place.day, isOutbound: place.isOutbound) }
    for conversation in present { all[conversation.key] = conversation }
    for conversation in more.values { all.add(conversation) }
    let single = all.values.filter { !$0.key.external.isEmpty }
    if single.count > Self.conversationLimit {
      let least = single.sorted { $0.bytes > $1.bytes }[Self.conversationLimit...]
      for conversation in least {
        all[conversation.key] = nil
        all.add(conversation.amongOthers)
      }
    }
    let since = try firstSeen(of: Set(more.keys.map(\.external)).subtracting([""]))
    let rows = all.values.map { conversation in
      var row = conversation
      let before = since[AccountAddress(row.key.account, row.key.external)] ?? .never
      row.since = min(row.since, before, row.firstSeen)
      return row
    }
    try session.run("DELETE FROM conversations WHERE day = $1 AND direction = $2", values)
    try session.insert(
      into: "conversations",
      columns: [
        "day", "direction", "account", "own", "external", "port", "protocol", "connections",
        "failed", "sent", "received", "first_seen", "last_seen", "since", "others",
      ],
      rows: rows.count
    ) { index, row in
      let conversation = rows[index]
      row.integer(place.day.milliseconds)
      for text in [
        place.direction, conversation.key.account, conversation.key.own, conversation.key.external,
      ] { row.text(text) }
      row.integer(Int64(conversation.key.port))
      row.text(conversation.key.transport)
      for number in [
        conversation.connections, conversation.failed, conversation.sent, conversation.received,
        conversation.firstSeen.milliseconds, conversation.lastSeen.milliseconds,
        conversation.since.milliseconds, conversation.others,
      ] { row.integer(number) }
    }
  }

  /// An external address as an account meets it.
  private struct AccountAddress: Hashable {
    var account: String
    var address: String

    init(_ account: String, _ address: String) {
      (self.account, self.address) = (account, address)
    }
  }

  /// When accounts saw external addresses first, as far as is kept.
  private func firstSeen(of addresses: Set<String>) throws -> [AccountAddress: Instant] {
    var found: [AccountAddress: Instant] = [:]
    for some in Array(addresses).chunks(of: 400) {
      let marks = some.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
      try session.query(
        """
        SELECT account, external, min(since) FROM conversations WHERE external IN (\(marks))
        GROUP BY account, external
        """,
        some.map { .text($0) }
      ) { found[AccountAddress($0.text(0), $0.text(1))] = $0.instant(2) }
    }
    return found
  }

  /// Keeps what lists and registers say of addresses; those of which they say nothing are forgotten.
  private func keep(_ addresses: [ExternalAddress]) throws {
    for some in addresses.chunks(of: 400) {
      let marks = some.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
      try session.run(
        "DELETE FROM external_addresses WHERE address IN (\(marks))",
        some.map { .text($0.address) }
      )
    }
    let known = addresses.filter { !$0.owner.isEmpty || !$0.categories.isEmpty }
    try session.insert(
      into: "external_addresses",
      columns: ["address", "owner", "asn", "categories", "listings", "changed_at"],
      rows: known.count
    ) { index, row in
      let address = known[index]
      row.text(address.address)
      row.text(address.owner)
      row.text(address.asn)
      row.text(" \(address.categories.joined(separator: " ")) ")
      row.text(address.listings.text)
      row.integer(now.milliseconds)
    }
  }

  /// Removes conversations of days before an instant, and what is known of their logs.
  func pruneConversations(before cutoff: Instant) throws -> Int {
    try session.run("DELETE FROM conversation_logs WHERE counted_at < $1", [cutoff.value])
    let removed = try session.run("DELETE FROM conversations WHERE day < $1", [cutoff.value])
    try session.run(
      """
      DELETE FROM external_addresses WHERE NOT EXISTS
        (SELECT 1 FROM conversations c WHERE c.external = external_addresses.address)
      """
    )
    return removed
  }

  private static func conversation(
    _ row: any SQLRow,
    on day: Instant,
    isOutbound: Bool
  ) -> Conversation {
    var conversation = Conversation(
      Conversation.Key(
        account: row.text(0),
        own: row.text(1),
        external: row.text(2),
        port: Int(row.integer(3)),
        transport: row.text(4)
      ),
      day: day,
      isOutbound: isOutbound,
      connections: Int(row.integer(5)),
      failed: Int(row.integer(6)),
      sent: Int(row.integer(7)),
      received: Int(row.integer(8)),
      firstSeen: row.instant(9),
      lastSeen: row.instant(10),
      others: Int(row.integer(12))
    )
    conversation.since = row.instant(11)
    return conversation
  }
}

extension [Conversation.Key: Conversation] {
  /// Counts a conversation into that of its key.
  fileprivate mutating func add(_ conversation: Conversation) {
    if self[conversation.key] == nil {
      self[conversation.key] = conversation
    } else {
      self[conversation.key]?.add(conversation)
    }
  }
}
