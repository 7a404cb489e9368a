import JSON

/// Denial of service, per service and per address, against their own past (Roberts 1959: moving
/// averages), with a floor below which nothing is a flood.
///
/// A flash crowd asks for something and is answered; a flood of connections carries nothing, and a
/// flood of packets is not answered (Jung, Krishnamurthy, Rabinovich, WWW 2002).
final class FloodDetector: FlowDetector {
  static let window = Int64(60_000)
  /// What follows what was told is told so much later, or at the end of the logs.
  static let pause = Int64(60 * 60_000)
  /// The least connections that carry nothing in a window, and their share of all.
  static let (leastHollow, hollowShare) = (UInt32(500), 0.8)
  /// The least packets in a window, and the greatest share of them that is answered.
  static let (leastPackets, answeredShare) = (Int64(1_000_000), 0.1)
  /// How many standard deviations above the mean of former windows.
  static let deviations: Float = 6
  /// How many former windows a flood of packets is judged by at least.
  static let leastWindows: UInt32 = 5

  struct State: FlowKeyState {
    var window = FlowWindow()
    var hollow: UInt32 = 0
    var packets: Int64 = 0
    var answers: Int64 = 0
    var hollowRate = MovingRate()
    var packetRate = MovingRate()
    var clients = DistinctCount()
    var client: UInt128 = 0
    /// The numbers of the window that was told, since the state moves on.
    var told = Told()
    var last: Int64 = 0
    var quietUntil = Int64.min
    var isOutbound = false
    var raised = RaisedKinds()
    var isAlarmed: Bool { !raised.isEmpty }
  }

  /// What a flood came to in its windows until it was told.
  struct Told: BitwiseCopyable {
    var connections: Int64 = 0
    var hollow: Int64 = 0
    var packets: Int64 = 0
    var answers: Int64 = 0
    var hollowLimit = Limit()
    var packetLimit = Limit()
    var first: Int64 = 0

    mutating func add(connections: Int64, hollow: Int64, packets: Int64, answers: Int64) {
      self.connections += connections
      self.hollow += hollow
      self.packets = FlowMath.sum(self.packets, packets)
      self.answers = FlowMath.sum(self.answers, answers)
    }
  }

  /// What a window was measured by.
  struct Limit: BitwiseCopyable {
    var bound: Float = 0
    var mean: Float = 0

    init() {}

    init(_ rate: MovingRate) {
      (bound, mean) = (rate.bound(deviations: FloodDetector.deviations), rate.mean)
    }
  }

  let name = "flood"
  private var table = KeyTable<State>(limit: 1 << 16)
  var evictions: Int { table.evictions }

  func take(_ record: FlowRecord, _ context: FlowContext, _ alarms: FlowAlarms) {
    // Only TCP has ports worth telling apart: floods of packets go to any.
    let isTCP = record.isTCP
    if isTCP, !context.isNew, record.sent.packets + record.received.packets < 1000 { return }
    let key = FlowKey(
      first: record.server,
      port: isTCP ? record.serverPort : 0,
      kind: UInt16(record.transport)
    )
    let (slot, isNew) = table.slot(key, at: record.start)
    if isNew {
      table[slot].isOutbound = context.clientIsOwn && !context.serverIsOwn
      if let gone = table.displaced {
        alarms.displace(gone.key) { story($0, gone.key, gone.state) }
      }
    }
    table[slot].last = max(table[slot].last, record.start)
    let former = table[slot].window
    guard table[slot].window.move(to: record.start, length: Self.window) else { return }
    if table[slot].window.number != former.number, former.number != .min {
      close(slot, gap: table[slot].window.number - former.number - 1)
    }
    let isHollow = isTCP && context.isNew && record.isHollow
    if context.isNew {
      table[slot].window.count &+= 1
      table[slot].clients.add(record.client)
      table[slot].client = record.client
    }
    if isHollow { table[slot].hollow &+= 1 }
    table[slot].packets = FlowMath.sum(table[slot].packets, record.sent.packets)
    table[slot].answers = FlowMath.sum(table[slot].answers, record.received.packets)
    if table[slot].isAlarmed {
      table[slot].told.add(
        connections: context.isNew ? 1 : 0,
        hollow: isHollow ? 1 : 0,
        packets: record.sent.packets,
        answers: record.received.packets
      )
    }
    let state = table[slot]
    if state.hollow >= Self.leastHollow,
      Double(state.hollow) >= Self.hollowShare * Double(state.window.count),
      Float(state.hollow) > state.hollowRate.bound(deviations: Self.deviations)
    {
      raise(.connectionFlood, slot, key, record, alarms)
    }
    if state.packets >= Self.leastPackets, state.packetRate.windows >= Self.leastWindows,
      Double(state.answers) < Self.answeredShare * Double(state.packets),
      Float(state.packets) > state.packetRate.bound(deviations: Self.deviations)
    {
      raise(.trafficFlood, slot, key, record, alarms)
    }
  }

  private func raise(
    _ kind: FlowKind,
    _ slot: Int,
    _ key: FlowKey,
    _ record: FlowRecord,
    _ alarms: FlowAlarms
  ) {
    let isFirst = !table[slot].isAlarmed
    guard table[slot].raised.insert(kind) else { return }
    let state = table[slot]
    if isFirst {
      // Until it was quiet for the pause it is the same flood, which goes on.
      var told = record.start < state.quietUntil ? state.told : Told()
      if told.first == 0 { told.first = state.window.number * Self.window }
      told.add(
        connections: Int64(state.window.count),
        hollow: Int64(state.hollow),
        packets: state.packets,
        answers: state.answers
      )
      table[slot].told = told
    }
    if kind == .connectionFlood {
      table[slot].told.hollowLimit = Limit(state.hollowRate)
    } else {
      table[slot].told.packetLimit = Limit(state.packetRate)
    }
    let due = max((state.window.number + 1) * Self.window, state.quietUntil)
    alarms.raise(kind, key, by: record, due: due)
  }

  private func close(_ slot: Int, gap: Int64) {
    // What is a flood is not what is usual.
    if !table[slot].isAlarmed, table[slot].last >= table[slot].quietUntil {
      table[slot].hollowRate.add(Float(table[slot].hollow), emptyWindows: max(0, gap))
      table[slot].packetRate.add(Float(table[slot].packets), emptyWindows: max(0, gap))
      table[slot].clients = DistinctCount()
    }
    forget(slot)
  }

  /// Begins the counts of a window anew: they are told, or it is over.
  private func forget(_ slot: Int) {
    table[slot].hollow = 0
    table[slot].packets = 0
    table[slot].answers = 0
  }

  func story(_ kind: FlowKind, _ key: FlowKey) -> FlowStory? {
    guard let slot = table.find(key) else { return nil }
    let story = story(kind, key, table[slot])
    table[slot].raised.remove(kind)
    table[slot].quietUntil = table[slot].last + Self.pause
    // Where the logs end within a window, what is told of it does not count again.
    table[slot].window.count = 0
    forget(slot)
    return story
  }

  private func story(_ kind: FlowKind, _ key: FlowKey, _ state: State) -> FlowStory? {
    let told = state.told
    let clients = state.clients.estimate
    let limit = kind == .connectionFlood ? told.hollowLimit : told.packetLimit
    var values: JSONObject = [
      "connections": .integer(told.connections), "window_minutes": 1,
      "mean_of_former_windows": .number(Double((limit.mean * 100).rounded()) / 100),
      "bound": .number(Double((limit.bound * 100).rounded()) / 100),
      "clients_about": .integer(Int64(clients)),
      "kind": .string(clients >= 10 ? "distributed" : "few clients"),
    ]
    if kind == .connectionFlood {
      values["connections_without_content"] = .integer(told.hollow)
      values["least_connections_without_content"] = .integer(Int64(Self.leastHollow))
      values["least_share"] = .number(Self.hollowShare)
    } else {
      values["packets"] = .integer(told.packets)
      values["packets_answered"] = .integer(told.answers)
      values["least_packets"] = .integer(Self.leastPackets)
    }
    return FlowStory(
      client: clients == 1 ? state.client : nil,
      server: key.first,
      port: key.port == 0 ? nil : key.port,
      transport: UInt8(truncatingIfNeeded: key.kind),
      isOutbound: state.isOutbound,
      first: told.first,
      last: state.last,
      count: Int(kind == .connectionFlood ? told.hollow : told.packets),
      values: values,
      episode: told.first
    )
  }

  func save(_ writer: inout StateWriter) { table.save(&writer) }
  func load(_ reader: inout StateReader) throws { try table.load(&reader) }
}
