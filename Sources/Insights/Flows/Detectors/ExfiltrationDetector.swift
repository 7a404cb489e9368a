import JSON

/// What an address of one's own sends out in an hour, against its own past.
///
/// The bound is median and median absolute deviation of former hours (Hampel 1974), which a few great
/// hours do not move.
final class ExfiltrationDetector: FlowDetector {
  static let window = Int64(3_600_000)
  /// The least bytes of an hour, and how often more must go out than comes in.
  static let (leastBytes, leastRatio) = (Int64(100_000_000), 5.0)
  static let deviations = 6.0
  /// How many former hours the volume is judged by at least; 48 are remembered.
  static let leastHours = 12

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
    var last: Int64 = 0
    var told = InlineArray<2, Int64>(repeating: 0)
    var raised = RaisedKinds()
    var isAlarmed: Bool { !raised.isEmpty }
  }

  let name = "exfiltration"
  private var table = KeyTable<State>(limit: 1 << 15)
  var evictions: Int { table.evictions }

  func take(_ record: FlowRecord, _ context: FlowContext, _ alarms: FlowAlarms) {
    guard context.clientIsOwn != context.serverIsOwn, record.verdict != .denied else { return }
    let (own, other) =
      context.clientIsOwn ? (record.client, record.server) : (record.server, record.client)
    let key = FlowKey(first: own)
    let (slot, isNew) = table.slot(key, at: record.start)
    if isNew, let gone = table.displaced {
      alarms.displace(gone.key) { story($0, gone.key, gone.state) }
    }
    table[slot].last = max(table[slot].last, record.start)
    let former = table[slot].window.number
    guard table[slot].window.move(to: record.start, length: Self.window) else { return }
    if table[slot].window.number != former, former != .min {
      close(slot, gap: table[slot].window.number - former - 1)
    }
    let out = context.clientIsOwn ? record.sent.bytes : record.received.bytes
    let back = context.clientIsOwn ? record.received.bytes : record.sent.bytes
    table[slot].sent = FlowMath.sum(table[slot].sent, out)
    table[slot].received = FlowMath.sum(table[slot].received, back)
    if table[slot].peer == other {
      table[slot].peerWeight = FlowMath.sum(table[slot].peerWeight, out)
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
    guard state.bound > 0, state.sent > state.bound,
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

  func story(_ kind: FlowKind, _ key: FlowKey) -> FlowStory? {
    guard let slot = table.find(key) else { return nil }
    let story = story(kind, key, table[slot])
    table[slot].raised.remove(kind)
    return story
  }

  private func story(_ kind: FlowKind, _ key: FlowKey, _ state: State) -> FlowStory? {
    FlowStory(
      client: key.first,
      server: state.peer,
      port: state.peerPort,
      isOutbound: true,
      first: state.window.number * Self.window,
      last: state.last,
      count: 1,
      values: [
        "bytes_sent": .integer(state.told[0]), "bytes_received": .integer(state.told[1]),
        "bound": .integer(state.bound),
        "median_of_former_hours": .integer(Int64(min(1e18, state.median))),
        "former_hours": .integer(Int64(min(state.hourCount, 48))),
        "least_bytes": .integer(Self.leastBytes), "least_ratio": .number(Self.leastRatio),
      ],
      episode: state.window.number
    )
  }

  func save(_ writer: inout StateWriter) { table.save(&writer) }
  func load(_ reader: inout StateReader) throws { try table.load(&reader) }
}
