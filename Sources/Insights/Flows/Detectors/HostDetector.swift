import JSON
import Model

/// What an address of one's own sends out, against its own past: volume per hour, and external
/// addresses that it never spoke to.
///
/// The bound of the volume is median and median absolute deviation of former hours (Hampel 1974),
/// which a few great hours do not move.
final class HostDetector: FlowDetector {
  static let window = Int64(3_600_000)
  /// The least bytes of an hour, and how often more must go out than comes in.
  static let (leastBytes, leastRatio) = (Int64(100_000_000), 5.0)
  static let deviations = 6.0
  /// How many former hours the volume is judged by at least; 48 are remembered.
  static let leastHours = 12
  /// How long an address is learnt before a peer counts as new, and since when it met no other.
  static let (learning, settled) = (Int64(14 * 86_400_000), Int64(3 * 86_400_000))
  /// Who speaks to more is always meeting somebody new.
  static let mostPeers: UInt32 = 200
  /// How long a peer is remembered.
  static let memory = Int64(60 * 86_400_000)

  struct State: FlowKeyState {
    var window = FlowWindow()
    var sent: Int64 = 0
    var received: Int64 = 0
    /// The volumes of former hours, in a ring.
    var hours = InlineArray<48, Float>(repeating: 0)
    var hourCount: UInt32 = 0
    /// What this hour must not exceed; 0 where the past is too short.
    var bound: Int64 = 0
    var median: Float = 0
    /// The peer that got most, by a majority vote of bytes (Boyer, Moore 1981).
    var peer: UInt128 = 0
    var peerWeight: Int64 = 0
    var peerPort: UInt16 = 0
    var since: Int64 = 0
    var peers: UInt32 = 0
    var lastNewPeer: Int64 = 0
    var newPeer: UInt128 = 0
    var newPeerPort: UInt16 = 0
    var last: Int64 = 0
    var told = InlineArray<2, Int64>(repeating: 0)
    var quietUntil = Int64.min
    var raised = RaisedKinds()
    var isAlarmed: Bool { !raised.isEmpty }
  }

  let name: String
  private let isVolume: Bool
  private var table = KeyTable<State>(limit: 1 << 15)
  private var peers: RecentFilter
  var evictions: Int { table.evictions }

  /// - Parameter isVolume: whether volumes are looked at, or peers.
  init(isVolume: Bool) {
    self.isVolume = isVolume
    name = isVolume ? "exfiltration" : "new-peer"
    peers = RecentFilter(bits: isVolume ? 9 : 25, span: Self.memory)
  }

  func take(_ record: FlowRecord, _ context: FlowContext, _ alarms: FlowAlarms) {
    guard context.clientIsOwn != context.serverIsOwn, record.verdict != .denied else { return }
    if !isVolume, !context.clientIsOwn || !context.isNew { return }
    let (own, other) =
      context.clientIsOwn ? (record.client, record.server) : (record.server, record.client)
    let key = FlowKey(first: own)
    let (slot, isNew) = table.slot(key, at: record.start)
    if isNew {
      table[slot].since = record.start
      if let gone = table.displaced {
        alarms.displace(gone.key) { story($0, gone.key, gone.state) }
      }
    }
    table[slot].last = max(table[slot].last, record.start)
    if isVolume {
      volume(record, context, slot, key, other, alarms)
    } else {
      peer(record, context, slot, key, other, alarms)
    }
  }

  private func volume(
    _ record: FlowRecord,
    _ context: FlowContext,
    _ slot: Int,
    _ key: FlowKey,
    _ other: UInt128,
    _ alarms: FlowAlarms
  ) {
    let former = table[slot].window.number
    guard table[slot].window.move(to: record.start, length: Self.window) else { return }
    if table[slot].window.number != former, former != .min {
      close(slot, gap: table[slot].window.number - former - 1)
    }
    let out = context.clientIsOwn ? record.sent.bytes : record.received.bytes
    table[slot].sent &+= out
    table[slot].received &+= context.clientIsOwn ? record.received.bytes : record.sent.bytes
    if table[slot].peer == other {
      table[slot].peerWeight &+= out
    } else if table[slot].peerWeight > out {
      table[slot].peerWeight -= out
    } else {
      table[slot].peer = other
      table[slot].peerPort = record.serverPort
      table[slot].peerWeight = out - table[slot].peerWeight
    }
    let state = table[slot]
    if state.isAlarmed {
      table[slot].told = [state.sent, state.received]
      return
    }
    guard state.bound > 0, state.sent > state.bound, record.start >= state.quietUntil,
      Double(state.sent) > Self.leastRatio * Double(state.received)
    else { return }
    if table[slot].raised.insert(.exfiltration) {
      table[slot].told = [state.sent, state.received]
      alarms.raise(
        .exfiltration,
        key,
        by: record,
        due: (state.window.number + 1) * Self.window
      )
    }
  }

  private func close(_ slot: Int, gap: Int64) {
    func add(_ volume: Float) {
      table[slot].hours[Int(table[slot].hourCount % 48)] = volume
      table[slot].hourCount = table[slot].hourCount == .max ? 96 : table[slot].hourCount + 1
    }
    add(Float(table[slot].sent))
    for _ in 0..<max(0, min(gap, 48)) { add(0) }
    table[slot].sent = 0
    table[slot].received = 0
    table[slot].peerWeight = 0
    let count = Int(min(table[slot].hourCount, 48))
    guard count >= Self.leastHours else { return }
    let volumes = (0..<count).map { Double(table[slot].hours[$0]) }
    let (median, deviation) = FlowMath.spread(volumes)
    table[slot].median = Float(median)
    table[slot].bound = max(
      Self.leastBytes,
      Int64(min(1e17, median + Self.deviations * 1.4826 * deviation))
    )
  }

  private func peer(
    _ record: FlowRecord,
    _ context: FlowContext,
    _ slot: Int,
    _ key: FlowKey,
    _ other: UInt128,
    _ alarms: FlowAlarms
  ) {
    var hash = FlowHash(key.first, context.seed)
    hash.combine(other)
    guard peers.insert(hash.value, at: record.start) else { return }
    let state = table[slot]
    table[slot].peers = state.peers == .max ? .max : state.peers + 1
    table[slot].lastNewPeer = record.start
    guard record.start - state.since >= Self.learning, state.peers <= Self.mostPeers,
      record.start - state.lastNewPeer >= Self.settled, record.start >= state.quietUntil
    else { return }
    if table[slot].raised.insert(.newPeer) {
      table[slot].newPeer = other
      table[slot].newPeerPort = record.serverPort
      alarms.raise(.newPeer, key, by: record, due: record.start + 1)
    }
  }

  func story(_ kind: FlowKind, _ key: FlowKey) -> FlowStory? {
    guard let slot = table.find(key) else { return nil }
    let story = story(kind, key, table[slot])
    table[slot].raised.remove(kind)
    if isVolume { table[slot].quietUntil = table[slot].last + Self.window }
    return story
  }

  private func story(_ kind: FlowKind, _ key: FlowKey, _ state: State) -> FlowStory? {
    let isVolume = kind == .exfiltration
    let values: JSONObject =
      isVolume
      ? [
        "bytes_sent": .integer(state.told[0]), "bytes_received": .integer(state.told[1]),
        "bound": .integer(state.bound), "median_of_former_hours": .integer(Int64(state.median)),
        "former_hours": .integer(Int64(min(state.hourCount, 48))),
        "least_bytes": .integer(Self.leastBytes), "least_ratio": .number(Self.leastRatio),
      ]
      : [
        "known_peers": .integer(Int64(state.peers) - 1),
        "known_since": .string("\(Instant(milliseconds: state.since))"),
        "least_days_known": .integer(Self.learning / 86_400_000),
        "least_days_without_new_peer": .integer(Self.settled / 86_400_000),
        "most_peers": .integer(Int64(Self.mostPeers)),
      ]
    return FlowStory(
      client: key.first,
      server: isVolume ? state.peer : state.newPeer,
      port: isVolume ? state.peerPort : state.newPeerPort,
      isOutbound: true,
      first: isVolume ? state.window.number * Self.window : state.lastNewPeer,
      last: state.last,
      count: 1,
      values: values,
      episode: isVolume ? state.window.number : state.lastNewPeer
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
