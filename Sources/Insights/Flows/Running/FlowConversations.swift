import Foundation
package import JSON
package import Model

/// Who of one's own speaks to whom outside, summed up in bounded memory.
package struct FlowConversations: Sendable {
  /// What went to and fro between two addresses on a port.
  struct State: FlowKeyState {
    var flows: Int64 = 0
    var failed: Int64 = 0
    var sent: Int64 = 0
    var received: Int64 = 0
    var first: Int64 = 0
    var last: Int64 = 0
    /// Where there is no room it is counted among the others.
    var isAlarmed: Bool { true }

    mutating func add(_ other: State) {
      first = min(first, other.first)
      last = max(last, other.last)
      flows &+= other.flows
      failed &+= other.failed
      sent &+= other.sent
      received &+= other.received
    }
  }

  /// An account on a day.
  private struct Group: Hashable {
    var account: UInt32 = 0
    var day: UInt32 = 0
  }

  /// Those of a day, an account and a direction that are told of together.
  private struct Others {
    var state: State
    var count = 1
  }

  /// How many conversations of a day and a direction are told of one by one.
  package static let dayLimit = 1000

  /// Whether days and accounts are told apart.
  private let isDaily: Bool
  private var table = KeyTable<State>(limit: 1 << 17)
  private var connections = RecentFilter(bits: 24, span: 60 * 60_000)
  private var seed = UInt64.random(in: .min ... .max)
  /// What begins outside of this is no time that a record can have.
  private static let times =
    Int64(946_684_800_000)...Int64(Date.now.timeIntervalSince1970 * 1000) + 2 * 86_400_000
  /// The numbers of the records that came last, so that one delivered twice counts once.
  private var fingerprints = [UInt64](repeating: 0, count: 1 << 18)
  private var groups: [Group] = []
  private var groupNumbers: [Group: UInt32] = [:]
  private var others: [FlowKey: Others] = [:]

  package init() { self.init(isDaily: false) }

  init(isDaily: Bool) { self.isDaily = isDaily }

  /// How many were forgotten for want of room.
  package var evictions: Int { table.evictions }

  /// How many connections were forgotten, so that they may be counted again.
  package var forgottenConnections: Int { connections.evictions }

  /// Whether nothing was met.
  var isEmpty: Bool { table.count == 0 }

  /// Keeps which connections were met, so that one over the end of a run counts once.
  func save(_ writer: inout StateWriter) {
    writer.put(seed)
    connections.save(&writer)
  }

  mutating func load(_ reader: inout StateReader) throws {
    seed = try reader.get(UInt64.self)
    try connections.load(&reader)
  }

  /// Forgets all conversations, but not which connections are known.
  mutating func removeAll() {
    table = KeyTable(limit: 1 << 17)
    (groups, groupNumbers, others) = ([], [:], [:])
  }

  /// Adds a record, where one side is one's own and the other is not.
  mutating func add(_ record: FlowRecord, _ own: OwnNetworks) {
    let clientIsOwn = own.contains(record.client)
    guard clientIsOwn != own.contains(record.server), Self.times.contains(record.start) else {
      return
    }
    let print = record.fingerprint(seed)
    let place = Int(truncatingIfNeeded: print >> 8) & (fingerprints.count - 1)
    guard fingerprints[place] != print else { return }
    fingerprints[place] = print
    let key = FlowKey(
      first: clientIsOwn ? record.client : record.server,
      second: clientIsOwn ? record.server : record.client,
      port: record.serverPort,
      kind: UInt16(record.transport) << 1 | (clientIsOwn ? 1 : 0),
      group: isDaily ? group(record) : 0
    )
    let (slot, isNew) = table.slot(key, at: record.start)
    if isNew {
      table[slot].first = record.start
      if let displaced = table.displaced { count(displaced.key, displaced.state) }
    }
    if connections.insert(record.connectionHash(seed), at: record.start) { table[slot].flows += 1 }
    if record.outcome == .failed { table[slot].failed += 1 }
    table[slot].sent &+= clientIsOwn ? record.sent.bytes : record.received.bytes
    table[slot].received &+= clientIsOwn ? record.received.bytes : record.sent.bytes
    table[slot].first = min(table[slot].first, record.start)
    table[slot].last = max(table[slot].last, record.end)
  }

  private mutating func group(_ record: FlowRecord) -> UInt32 {
    let group = Group(
      account: record.account,
      day: UInt32(clamping: record.start / 86_400_000)
    )
    if groups.last == group { return UInt32(groups.count - 1) }
    if let number = groupNumbers[group] { return number }
    // As many accounts and days as this only a hostile log has.
    guard groups.count < 1 << 16 else { return 0 }
    groupNumbers[group] = UInt32(groups.count)
    groups.append(group)
    return UInt32(groups.count - 1)
  }

  /// Counts a conversation among the others of its day, account and direction.
  private mutating func count(_ key: FlowKey, _ state: State) {
    let place = FlowKey(kind: key.kind & 1, group: key.group)
    if others[place] == nil {
      others[place] = Others(state: state)
    } else {
      others[place]?.state.add(state)
      others[place]?.count += 1
    }
  }

  /// One conversation as it is listed.
  package struct Row: Sendable {
    package var own: String
    package var external: String
    package var isOutbound: Bool
    package var port: UInt16
    package var transport: String
    package var flows: Int
    package var failed: Int
    package var sent: Int
    package var received: Int
    package var first: Instant
    package var last: Instant
    /// Owner and listings of the external address.
    package var facts: JSONObject
    /// The beginning of the day that it is of, where days are told apart.
    package var day = Instant(milliseconds: 0)
    package var account = ""
    /// How many conversations these are that are told of together, without addresses; 0 for one.
    package var others = 0

    /// The row for programs.
    package var json: JSONValue {
      [
        "direction": .string(isOutbound ? "outbound" : "inbound"), "own": .string(own),
        "external": .object(facts), "port": .integer(Int64(port)), "protocol": .string(transport),
        "connections": .integer(Int64(flows)), "failed": .integer(Int64(failed)),
        "bytes_sent": .integer(Int64(sent)), "bytes_received": .integer(Int64(received)),
        "first_seen": .string("\(first)"), "last_seen": .string("\(last)"),
      ]
    }
  }

  /// The conversations, those with the most bytes first.
  package func rows(_ reputation: Reputation) -> [Row] {
    let findings = FlowFindings(reputation)
    var found: [(Int64, Row)] = []
    table.forEach { key, state in
      found.append((state.sent &+ state.received, row(key, state, findings)))
    }
    return found.sorted { left, right in
      left.0 != right.0
        ? left.0 > right.0
        : (left.1.own, left.1.external, left.1.port) < (right.1.own, right.1.external, right.1.port)
    }.map(\.1)
  }

  private func row(_ key: FlowKey, _ state: State, _ findings: FlowFindings) -> Row {
    Row(
      own: FlowAddress.text(key.first),
      external: FlowAddress.text(key.second),
      isOutbound: key.kind & 1 == 1,
      port: key.port,
      transport: FlowWords.transportName(UInt8(truncatingIfNeeded: key.kind >> 1)),
      flows: Int(state.flows),
      failed: Int(state.failed),
      sent: Int(state.sent),
      received: Int(state.received),
      first: Instant(milliseconds: state.first),
      last: Instant(milliseconds: state.last),
      facts: findings.external(key.second, at: state.last)
    )
  }

  /// The conversations of each day and direction with the most bytes, and what the others come to; then
  /// none is known any more.
  mutating func take(_ findings: FlowFindings) -> [Row] {
    var days: [FlowKey: [(key: FlowKey, state: State)]] = [:]
    table.forEach { key, state in
      let day = groups[Int(key.group)].day
      days[FlowKey(kind: key.kind & 1, group: day), default: []].append((key, state))
    }
    var rows: [Row] = []
    for (_, conversations) in days {
      var conversations = conversations
      if conversations.count > Self.dayLimit {
        conversations.sort {
          $0.state.sent &+ $0.state.received > $1.state.sent &+ $1.state.received
        }
        for (key, state) in conversations[Self.dayLimit...] { count(key, state) }
      }
      for (key, state) in conversations.prefix(Self.dayLimit) {
        rows.append(placed(row(key, state, findings), key, findings))
      }
    }
    for (key, others) in others {
      var row = placed(row(key, others.state, findings), key, findings)
      (row.own, row.external, row.transport, row.facts) = ("", "", "", [:])
      row.others = others.count
      rows.append(row)
    }
    removeAll()
    return rows
  }

  private func placed(_ row: Row, _ key: FlowKey, _ findings: FlowFindings) -> Row {
    let group = groups[Int(key.group)]
    var row = row
    row.day = Instant(milliseconds: Int64(group.day) * 86_400_000)
    if Int(group.account) < findings.accounts.count {
      row.account = findings.accounts[Int(group.account)]
    }
    return row
  }
}
