import JSON
import Model

/// External addresses that an address of one's own, which had settled, never spoke to.
final class NewPeerDetector: FlowDetector {
  /// How long an address is learnt before a peer counts as new, and since when it met no other.
  static let (learning, settled) = (Int64(14 * 86_400_000), Int64(3 * 86_400_000))
  /// Who speaks to more is always meeting somebody new.
  static let mostPeers: UInt32 = 200
  /// How long a peer is remembered.
  static let memory = Int64(60 * 86_400_000)

  struct State: FlowKeyState {
    var since: Int64 = 0
    var peers: UInt32 = 0
    var lastNewPeer: Int64 = 0
    var newPeer: UInt128 = 0
    var newPeerPort: UInt16 = 0
    var last: Int64 = 0
    var raised = RaisedKinds()
    var isAlarmed: Bool { !raised.isEmpty }
  }

  let name = "new-peer"
  private var table = KeyTable<State>(limit: 1 << 15)
  private var peers = RecentFilter(bits: 25, span: memory)
  var evictions: Int { table.evictions + peers.evictions }

  func take(_ record: FlowRecord, _ context: FlowContext, _ alarms: FlowAlarms) {
    guard context.clientIsOwn, !context.serverIsOwn, context.isNew, record.verdict != .denied
    else { return }
    let key = FlowKey(first: record.client)
    let (slot, isNew) = table.slot(key, at: record.start)
    if isNew {
      table[slot].since = record.start
      if let gone = table.displaced {
        alarms.displace(gone.key) { story($0, gone.key, gone.state) }
      }
    }
    table[slot].last = max(table[slot].last, record.start)
    var hash = FlowHash(key.first, context.seed)
    hash.combine(record.server)
    guard peers.insert(hash.value, at: record.start) else { return }
    let state = table[slot]
    table[slot].peers = state.peers == .max ? .max : state.peers + 1
    table[slot].lastNewPeer = record.start
    guard record.start - state.since >= Self.learning, state.peers <= Self.mostPeers,
      record.start - state.lastNewPeer >= Self.settled
    else { return }
    if table[slot].raised.insert(.newPeer) {
      table[slot].newPeer = record.server
      table[slot].newPeerPort = record.serverPort
      alarms.raise(.newPeer, key, by: record, due: record.start + 1)
    }
  }

  func story(_ kind: FlowKind, _ key: FlowKey) -> FlowStory? {
    guard let slot = table.find(key) else { return nil }
    let story = story(kind, key, table[slot])
    table[slot].raised.remove(kind)
    return story
  }

  private func story(_ kind: FlowKind, _ key: FlowKey, _ state: State) -> FlowStory? {
    FlowStory(
      client: key.first,
      server: state.newPeer,
      port: state.newPeerPort,
      isOfPair: true,
      isOutbound: true,
      first: state.lastNewPeer,
      last: state.last,
      count: 1,
      values: [
        "known_peers": .integer(Int64(state.peers) - 1),
        "known_since": .string("\(Instant(milliseconds: state.since))"),
        "least_days_known": .integer(Self.learning / 86_400_000),
        "least_days_without_new_peer": .integer(Self.settled / 86_400_000),
        "most_peers": .integer(Int64(Self.mostPeers)),
      ],
      episode: state.lastNewPeer
    )
  }

  func save(_ writer: inout StateWriter) {
    table.save(&writer)
    peers.save(&writer)
  }

  func load(_ reader: inout StateReader) throws {
    try table.load(&reader)
    try peers.load(&reader)
  }
}
