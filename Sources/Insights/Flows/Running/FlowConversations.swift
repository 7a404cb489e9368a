package import JSON
import Model

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
    let isAlarmed = false
  }

  private var table = KeyTable<State>(limit: 1 << 17)
  private var connections = RecentFilter(bits: 24, span: 60 * 60_000)
  private let seed = UInt64.random(in: .min ... .max)

  package init() {}

  /// How many were forgotten for want of room.
  package var evictions: Int { table.evictions }

  /// How many connections were forgotten, so that they may be counted again.
  package var forgottenConnections: Int { connections.evictions }

  /// Adds a record, where one side is one's own and the other is not.
  mutating func add(_ record: FlowRecord, _ own: OwnNetworks) {
    let clientIsOwn = own.contains(record.client)
    guard clientIsOwn != own.contains(record.server) else { return }
    let key = FlowKey(
      first: clientIsOwn ? record.client : record.server,
      second: clientIsOwn ? record.server : record.client,
      port: record.serverPort,
      kind: UInt16(record.transport) << 1 | (clientIsOwn ? 1 : 0)
    )
    let (slot, isNew) = table.slot(key, at: record.start)
    if isNew { table[slot].first = record.start }
    if connections.insert(record.connectionHash(seed), at: record.start) { table[slot].flows += 1 }
    if record.outcome == .failed { table[slot].failed += 1 }
    table[slot].sent &+= clientIsOwn ? record.sent.bytes : record.received.bytes
    table[slot].received &+= clientIsOwn ? record.received.bytes : record.sent.bytes
    table[slot].first = min(table[slot].first, record.start)
    table[slot].last = max(table[slot].last, record.end)
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
    package var first: String
    package var last: String
    /// Owner and listings of the external address.
    package var facts: JSONObject

    /// The row for programs.
    package var json: JSONValue {
      [
        "direction": .string(isOutbound ? "outbound" : "inbound"), "own": .string(own),
        "external": .object(facts), "port": .integer(Int64(port)), "protocol": .string(transport),
        "connections": .integer(Int64(flows)), "failed": .integer(Int64(failed)),
        "bytes_sent": .integer(Int64(sent)), "bytes_received": .integer(Int64(received)),
        "first_seen": .string(first), "last_seen": .string(last),
      ]
    }
  }

  /// The conversations, those with the most bytes first.
  package func rows(_ reputation: Reputation) -> [Row] {
    let findings = FlowFindings(reputation)
    var found: [(Int64, Row)] = []
    table.forEach { key, state in
      found.append(
        (
          state.sent &+ state.received,
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
            first: "\(Instant(milliseconds: state.first))",
            last: "\(Instant(milliseconds: state.last))",
            facts: findings.external(key.second, at: state.last)
          )
        )
      )
    }
    return found.sorted { left, right in
      left.0 != right.0
        ? left.0 > right.0
        : (left.1.own, left.1.external, left.1.port) < (right.1.own, right.1.external, right.1.port)
    }.map(\.1)
  }
}
