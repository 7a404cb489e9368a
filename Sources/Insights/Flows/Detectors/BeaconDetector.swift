import JSON

/// Connections to an external address as regular as a machine's, scored as RITA does: intervals,
/// sizes, evenness and duration count a quarter each (Active Countermeasures, RITA).
final class BeaconDetector: FlowDetector {
  /// How many connections at least, and over which time.
  static let (leastConnections, leastSpan) = (UInt32(24), Int64(60 * 60_000))
  /// Shorter intervals are a conversation in pieces.
  static let leastInterval = 10.0
  static let leastScore = 0.9
  /// Services that are regular by their nature: name service, time.
  static let leftOut: Set<UInt16> = [53, 123, 853]
  /// What follows what was told of a pair is told a day later, or at the end of the logs.
  static let pause = Int64(24 * 3_600_000)

  struct State: FlowKeyState {
    /// The latest intervals in seconds and sizes in bytes, in a ring.
    var intervals = InlineArray<32, Float>(repeating: 0)
    var sizes = InlineArray<32, Float>(repeating: 0)
    var count: UInt32 = 0
    var port: UInt16 = 0
    var first: Int64 = 0
    var last: Int64 = 0
    var quietUntil = Int64.min
    var raised = RaisedKinds()
    var isAlarmed: Bool { !raised.isEmpty }
  }

  /// How a pair scores.
  struct Score {
    var intervals: Double
    var sizes: Double
    var evenness: Double
    var duration: Double
    var median: Double
    var deviation: Double
    var size: Double
    var whole: Double { (intervals + sizes + evenness + duration) / 4 }
  }

  let name = "beacon"
  private var table = KeyTable<State>(limit: 1 << 16)
  var evictions: Int { table.evictions }

  func take(_ record: FlowRecord, _ context: FlowContext, _ alarms: FlowAlarms) {
    guard context.isNew, context.clientIsOwn, !context.serverIsOwn,
      record.transport == 6 || record.transport == 17, record.verdict != .denied,
      !Self.leftOut.contains(record.serverPort)
    else { return }
    let key = FlowKey(
      first: record.client,
      second: record.server,
      port: record.serverPort,
      kind: UInt16(record.transport)
    )
    let (slot, isNew) = table.slot(key, at: record.start)
    if isNew {
      table[slot].first = record.start
      table[slot].last = record.start
      if let gone = table.displaced {
        alarms.displace(gone.key) { story($0, gone.key, gone.state) }
      }
    }
    if table[slot].last - record.start > Self.pause, !table[slot].isAlarmed {
      // A clock was set back.
      table[slot] = State()
      table[slot].first = record.start
      table[slot].last = record.start
    }
    guard record.start >= table[slot].last else { return }
    let index = Int(table[slot].count & 31)
    table[slot].intervals[index] = Float(record.start - table[slot].last) / 1000
    table[slot].sizes[index] = Float(record.isReply ? record.received.bytes : record.sent.bytes)
    table[slot].last = record.start
    table[slot].count = table[slot].count == .max ? 64 : table[slot].count + 1
    let state = table[slot]
    guard state.count >= Self.leastConnections, state.count % 8 == 0,
      record.start - state.first >= Self.leastSpan
    else { return }
    let score = Self.score(state)
    guard score.whole >= Self.leastScore, score.median >= Self.leastInterval else { return }
    if table[slot].raised.insert(.beacon) {
      alarms.raise(.beacon, key, by: record, due: max(record.start + 1, state.quietUntil))
    }
  }

  static func score(_ state: State) -> Score {
    let count = Int(min(state.count, 32))
    // The first interval of all is none.
    let from = state.count <= 32 ? 1 : 0
    let intervals = (from..<max(from, count)).map { Double(state.intervals[$0]) }
    let sizes = (from..<max(from, count)).map { Double(state.sizes[$0]) }
    let (median, deviation) = FlowMath.spread(intervals)
    let (size, sizeDeviation) = FlowMath.spread(sizes)
    let span = Double(state.last - state.first) / 1000
    return Score(
      intervals: (FlowMath.symmetry(intervals) + max(0, 1 - deviation / min(30, max(1, median))))
        / 2,
      sizes: (FlowMath.symmetry(sizes) + max(0, 1 - sizeDeviation / 32)) / 2,
      evenness: max(0, 1 - FlowMath.variation(intervals)),
      duration: min(1, max(span / (6 * 3600), Double(state.count) / 48)),
      median: median,
      deviation: deviation,
      size: size
    )
  }

  func story(_ kind: FlowKind, _ key: FlowKey) -> FlowStory? {
    guard let slot = table.find(key) else { return nil }
    let story = story(kind, key, table[slot])
    table[slot].raised.remove(kind)
    table[slot].quietUntil = table[slot].last + Self.pause
    return story
  }

  private func story(_ kind: FlowKind, _ key: FlowKey, _ state: State) -> FlowStory? {
    let score = Self.score(state)
    func rounded(_ number: Double) -> JSONValue { .number((number * 1000).rounded() / 1000) }
    return FlowStory(
      client: key.first,
      server: key.second,
      port: key.port,
      transport: UInt8(truncatingIfNeeded: key.kind),
      isOfPair: true,
      isOutbound: true,
      first: state.first,
      last: state.last,
      count: Int(state.count),
      values: [
        "score": rounded(score.whole), "least_score": .number(Self.leastScore),
        "score_intervals": rounded(score.intervals), "score_sizes": rounded(score.sizes),
        "score_evenness": rounded(score.evenness), "score_duration": rounded(score.duration),
        "median_interval_seconds": rounded(score.median),
        "interval_deviation_seconds": rounded(score.deviation),
        "median_bytes": .integer(Int64(score.size)),
        "connections": .integer(Int64(state.count)),
        "least_connections": .integer(Int64(Self.leastConnections)),
      ],
      episode: state.first
    )
  }

  func save(_ writer: inout StateWriter) { table.save(&writer) }
  func load(_ reader: inout StateReader) throws { try table.load(&reader) }
}
