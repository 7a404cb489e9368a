internal import JSON
internal import Model

// Reading conversations: summed up over the days that are asked for.
extension StoreTransaction {
  /// The accounts that conversations are of.
  package func conversationAccounts() throws -> [String] {
    try session.rows("SELECT account FROM conversations GROUP BY account ORDER BY account") {
      $0.text(0)
    }
  }

  /// Conversations over the days that are asked for, each with what is known of the external address.
  package func conversations(
    _ filter: ConversationFilter = ConversationFilter(),
    by order: ConversationOrder = .bytes,
    isAscending: Bool = false,
    from offset: Int = 0,
    limit: Int = 1_000_000_000
  ) throws -> [(conversation: Conversation, address: ExternalAddress)] {
    var values: [SQLValue] = [.integer(Int64(offset)), .integer(Int64(limit))]
    let conditions = filter.conditions(&values)
    let column =
      switch order {
      case .bytes: Self.sum("c.sent + c.received")
      case .sent: Self.sum("c.sent")
      case .received: Self.sum("c.received")
      case .connections: Self.sum("c.connections")
      case .last: "max(c.last_seen)"
      }
    return try session.rows(
      """
      SELECT c.account, c.own, c.external, c.port, c.protocol, \(Self.sum("c.connections")),
        \(Self.sum("c.failed")), \(Self.sum("c.sent")), \(Self.sum("c.received")),
        min(c.first_seen), max(c.last_seen), min(c.since), count(*), min(c.day), c.direction,
        max(x.owner), max(x.asn), max(x.categories), max(x.listings)
      FROM conversations c LEFT JOIN external_addresses x ON x.address = c.external
      WHERE c.external <> ''\(conditions)
      GROUP BY c.direction, c.account, c.own, c.external, c.port, c.protocol
      ORDER BY \(column) \(isAscending ? "ASC" : "DESC"), c.own, c.external, c.port, c.protocol,
        c.direction, c.account LIMIT $2 OFFSET $1
      """,
      values
    ) { try Self.summed($0) }
  }

  /// How many conversations there are.
  package func conversationCount(_ filter: ConversationFilter) throws -> Int {
    var values: [SQLValue] = []
    let conditions = filter.conditions(&values)
    return try session.first(
      """
      SELECT count(*) FROM (
        SELECT 1 FROM conversations c LEFT JOIN external_addresses x ON x.address = c.external
        WHERE c.external <> ''\(conditions)
        GROUP BY c.direction, c.account, c.own, c.external, c.port, c.protocol) AS found
      """,
      values
    ) { Int($0.integer(0)) } ?? 0
  }

  /// What conversations come to by day and direction, the first day first.
  package func conversationDays(_ filter: ConversationFilter) throws -> [ConversationDay] {
    var values: [SQLValue] = []
    let conditions = filter.conditions(&values)
    return try session.rows(
      """
      SELECT c.day, c.direction, CAST(sum(CASE WHEN c.others > 0 THEN c.others ELSE 1 END) AS BIGINT),
        \(Self.sum("c.connections")), \(Self.sum("c.sent")), \(Self.sum("c.received")),
        \(Self.sum("CASE WHEN coalesce(x.categories, '') <> '' AND x.categories <> '  ' THEN c.sent + c.received ELSE 0 END"))
      FROM conversations c LEFT JOIN external_addresses x ON x.address = c.external
      WHERE c.day >= 0\(conditions) GROUP BY c.day, c.direction ORDER BY c.day, c.direction
      """,
      values
    ) { row in
      ConversationDay(
        day: row.instant(0),
        isOutbound: row.text(1) == "outbound",
        conversations: Int(row.integer(2)),
        connections: Self.whole(row.double(3)),
        sent: Self.whole(row.double(4)),
        received: Self.whole(row.double(5)),
        listed: Self.whole(row.double(6))
      )
    }
  }

  /// A sum that no hostile log makes overflow.
  private static func sum(_ expression: String) -> String {
    "sum(CAST(\(expression) AS DOUBLE PRECISION))"
  }

  private static func whole(_ number: Double) -> Int { Int(exactly: number.rounded()) ?? .max }

  private static func summed(_ row: any SQLRow) throws -> (Conversation, ExternalAddress) {
    let key = Conversation.Key(
      account: row.text(0),
      own: row.text(1),
      external: row.text(2),
      port: Int(row.integer(3)),
      transport: row.text(4)
    )
    var conversation = Conversation(
      key,
      day: row.instant(13),
      isOutbound: row.text(14) == "outbound",
      connections: whole(row.double(5)),
      failed: whole(row.double(6)),
      sent: 0,
      received: 0,
      firstSeen: row.instant(9),
      lastSeen: row.instant(10)
    )
    (conversation.sent, conversation.received) =
      (Int64(whole(row.double(7))), Int64(whole(row.double(8))))
    conversation.since = row.instant(11)
    conversation.days = Int(row.integer(12))
    var address = ExternalAddress(address: key.external)
    if !row.isNull(15) {
      (address.owner, address.asn) = (row.text(15), row.text(16))
      address.categories = row.text(17).split(separator: " ").map(String.init)
      address.listings = try JSONValue(parsing: row.text(18))
    }
    return (conversation, address)
  }
}

extension ConversationFilter {
  /// The conditions as a statement says them, with values numbered after those given.
  fileprivate func conditions(_ values: inout [SQLValue]) -> String {
    var parts: [String] = []
    func mark(_ value: SQLValue) -> String {
      values.append(value)
      return "$\(values.count)"
    }
    func add(_ part: String, _ value: SQLValue?) {
      if let value { parts.append(" AND \(part) \(mark(value))") }
    }
    add("c.direction =", isOutbound.map { .text($0 ? "outbound" : "inbound") })
    add("c.account =", account.map { .text($0) })
    add("c.own =", own.map { .text($0) })
    add("c.external =", external.map { .text($0) })
    if let address {
      let place = mark(.text(address))
      parts.append(" AND (c.own = \(place) OR c.external = \(place))")
    }
    add("c.port =", port.map { .integer(Int64($0)) })
    add("c.protocol =", transport.map { .text($0) })
    if let isListed {
      let listed = "coalesce(x.categories, '  ') <> '  '"
      parts.append(isListed ? " AND \(listed)" : " AND NOT (\(listed)) AND c.external <> ''")
    }
    if let category {
      parts.append(" AND x.categories LIKE \(mark(.text("% \(category) %")))")
    }
    add("c.day >", from.map { $0.advanced(days: -1).value })
    add("c.day <", to?.value)
    if let accounts {
      parts.append(
        accounts.isEmpty
          ? " AND 1 = 0"
          : " AND c.account IN (\(accounts.map { mark(.text($0)) }.joined(separator: ", ")))"
      )
    }
    return parts.joined()
  }
}
