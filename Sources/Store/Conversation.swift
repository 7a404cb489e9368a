package import JSON
package import Model

/// What one of one's own addresses and an external one exchanged on a port, on a day or over several.
package struct Conversation: Sendable, Hashable {
  /// What tells conversations of a day and direction apart.
  package struct Key: Sendable, Hashable {
    package var account: String
    package var own: String
    /// Empty for what the others come to.
    package var external: String
    package var port: Int
    /// The protocol, such as tcp.
    package var transport: String

    package init(account: String, own: String, external: String, port: Int, transport: String) {
      (self.account, self.own, self.external) = (account, own, external)
      (self.port, self.transport) = (port, transport)
    }
  }

  package var key: Key
  /// The beginning of the day; of several the first.
  package var day: Instant
  package var isOutbound: Bool
  package var connections: Int64
  package var failed: Int64
  /// Bytes that one's own address sent, and those that it received.
  package var sent: Int64
  package var received: Int64
  package var firstSeen: Instant
  package var lastSeen: Instant
  /// How many conversations these are; 0 for one.
  package var others: Int64
  /// When the external address was seen first by the account.
  package var since = Instant.never
  /// On how many days.
  package var days = 1

  package init(
    _ key: Key,
    day: Instant,
    isOutbound: Bool,
    connections: Int,
    failed: Int,
    sent: Int,
    received: Int,
    firstSeen: Instant,
    lastSeen: Instant,
    others: Int = 0
  ) {
    (self.key, self.day, self.isOutbound) = (key, day, isOutbound)
    self.connections = Self.bounded(connections)
    self.failed = Self.bounded(failed)
    (self.sent, self.received) = (Self.bounded(sent), Self.bounded(received))
    (self.firstSeen, self.lastSeen) = (firstSeen, lastSeen)
    self.others = Int64(others)
  }

  /// How a database sums up many of what a hostile log says.
  private static func bounded(_ number: Int) -> Int64 { Int64(min(max(0, number), 1 << 50)) }

  var bytes: Int64 { sent + received }

  mutating func add(_ other: Conversation) {
    connections = Self.bounded(Int(connections + other.connections))
    failed = Self.bounded(Int(failed + other.failed))
    sent = Self.bounded(Int(sent + other.sent))
    received = Self.bounded(Int(received + other.received))
    firstSeen = min(firstSeen, other.firstSeen)
    lastSeen = max(lastSeen, other.lastSeen)
    since = min(since, other.since)
    others += other.others
  }

  /// The same as one of the others of its account.
  var amongOthers: Conversation {
    var conversation = self
    conversation.key = Key(account: key.account, own: "", external: "", port: 0, transport: "")
    conversation.others = max(1, others)
    return conversation
  }
}

/// What lists and registers say of an external address.
package struct ExternalAddress: Sendable, Hashable {
  package var address: String
  package var owner: String
  package var asn: String
  package var categories: [String]
  /// The listings, as findings have them.
  package var listings: JSONValue

  package init(
    address: String,
    owner: String = "",
    asn: String = "",
    categories: [String] = [],
    listings: JSONValue = .array([])
  ) {
    (self.address, self.owner, self.asn) = (address, owner, asn)
    (self.categories, self.listings) = (categories, listings)
  }
}

/// What a log, or a part of it from its beginning on, tells of conversations.
package struct ConversationLog: Sendable {
  /// Where the log lies, how much of it was read, and the digest of that.
  package var log: String
  package var bytes: Int64
  package var digest: String
  /// The digest of the part that was kept before, after which this begins.
  package var former: String?
  package var conversations: [Conversation]
  /// What is known of external addresses; nil where nothing was there to say anything.
  package var addresses: [ExternalAddress]?

  package init(
    log: String,
    bytes: Int64,
    digest: String,
    former: String? = nil,
    conversations: [Conversation],
    addresses: [ExternalAddress]? = nil
  ) {
    (self.log, self.bytes, self.digest, self.former) = (log, bytes, digest, former)
    (self.conversations, self.addresses) = (conversations, addresses)
  }
}

/// What came of keeping conversations.
package struct ConversationsKept: Sendable, Hashable {
  /// Logs, or parts of them, that were counted.
  package var counted = 0
  /// Those that were counted before.
  package var known = 0

  package init() {}

  /// Adds what came of others.
  package static func += (left: inout Self, right: Self) {
    left.counted += right.counted
    left.known += right.known
  }
}

/// Which conversations are asked for.
package struct ConversationFilter: Sendable {
  package var isOutbound: Bool?
  package var account: String?
  package var own: String?
  package var external: String?
  /// On either side.
  package var address: String?
  package var port: Int?
  package var transport: String?
  /// Whether some list has the external address.
  package var isListed: Bool?
  /// Of a list that has it.
  package var category: String?
  /// On days that end after.
  package var from: Instant?
  /// On days that begin before.
  package var to: Instant?
  /// Any of these accounts, those in sight; all where it is nil.
  package var accounts: [String]?

  package init() {}
}

/// How conversations are ordered.
package enum ConversationOrder: String, Sendable, CaseIterable {
  case bytes, sent, received, connections
  case last = "last_seen"
}

/// What the conversations of a day and direction come to.
package struct ConversationDay: Sendable, Hashable {
  package var day: Instant
  package var isOutbound: Bool
  /// How many conversations, those that are not told of one by one among them.
  package var conversations: Int
  package var connections: Int
  package var sent: Int
  package var received: Int
  /// Bytes to and from external addresses that some list has.
  package var listed: Int
}
