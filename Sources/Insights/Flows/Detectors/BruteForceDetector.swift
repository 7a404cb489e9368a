import JSON

/// Sign-ins tried again and again: short connections to a port for signing in, in a sliding window.
///
/// A flow log does not tell whether a sign-in failed, so what counts is how many short connections
/// of like size there are. The three shapes are one client and one server, one client and many
/// servers, many clients and one server.
final class BruteForceDetector: FlowDetector {
  /// Ports behind which people sign in.
  static let ports: Set<UInt16> = [
    21, 22, 23, 110, 139, 143, 389, 445, 465, 512, 513, 587, 636, 993, 995, 1433, 1521, 2222, 3306,
    3389, 5432, 5900, 5985, 5986, 6379, 27017,
  ]
  static let window = Int64(5 * 60_000)
  /// What follows what was told is told so much later, or at the end of the logs.
  static let pause = Int64(60 * 60_000)
  /// How many connections of one client and server, and of the other shapes.
  static let (leastOfPair, leastOfMany) = (20.0, 100.0)
  /// How many servers, and how many clients, are many.
  static let (leastServers, leastClients) = (10, 20)
  /// A side of a connection that was no more than an attempt has at most so many packets.
  static let mostPackets: Int64 = 50
  /// Sizes of the connections of one pair differ by no more than this share of their mean.
  static let mostVariation = 0.5

  struct State: FlowKeyState {
    var window = FlowWindow()
    var sum = 0.0
    var squares = 0.0
    var total: UInt32 = 0
    var others = DistinctCount()
    var first: Int64 = 0
    var last: Int64 = 0
    var quietUntil = Int64.min
    var isOutbound = false
    var raised = RaisedKinds()
    var isAlarmed: Bool { !raised.isEmpty }

    var variation: Double {
      let count = Double(max(1, total))
      let mean = sum / count
      return mean > 0 ? max(0, squares / count - mean * mean).squareRoot() / mean : 0
    }
  }

  let name = "brute-force"
  private var table = KeyTable<State>(limit: 1 << 16)
  private let isPort: [Bool]
  var evictions: Int { table.evictions }

  init() {
    var isPort = Array(repeating: false, count: 65_536)
    for port in Self.ports { isPort[Int(port)] = true }
    self.isPort = isPort
  }

  func take(_ record: FlowRecord, _ context: FlowContext, _ alarms: FlowAlarms) {
    guard context.isNew, isPort[Int(record.serverPort)], record.isTCP, record.outcome == .answered,
      !record.isHollow, max(record.sent.packets, record.received.packets) <= Self.mostPackets
    else { return }
    let port = record.serverPort
    let (client, server) = (record.client, record.server)
    count(
      .bruteForce,
      FlowKey(first: client, second: server, port: port),
      nil,
      record,
      context,
      alarms
    )
    count(
      .bruteForceManyTargets,
      FlowKey(first: client, port: port, kind: 1),
      server,
      record,
      context,
      alarms
    )
    count(
      .bruteForceManySources,
      FlowKey(second: server, port: port, kind: 2),
      client,
      record,
      context,
      alarms
    )
  }

  private func count(
    _ kind: FlowKind,
    _ key: FlowKey,
    _ other: UInt128?,
    _ record: FlowRecord,
    _ context: FlowContext,
    _ alarms: FlowAlarms
  ) {
    let (slot, isNew) = table.slot(key, at: record.start)
    if isNew {
      table[slot].first = record.start
      table[slot].isOutbound = context.clientIsOwn && !context.serverIsOwn
      if let gone = table.displaced {
        alarms.displace(gone.key) { story($0, gone.key, gone.state) }
      }
    }
    table[slot].last = max(table[slot].last, record.start)
    guard table[slot].window.move(to: record.start, length: Self.window) else { return }
    // Quiet since the window before the last: what follows is another episode.
    if table[slot].window.count == 0, table[slot].window.former == 0, !table[slot].isAlarmed {
      table[slot].sum = 0
      table[slot].squares = 0
      table[slot].total = 0
      table[slot].others = DistinctCount()
      table[slot].first = record.start
    }
    let bytes = Double(record.isReply ? record.received.bytes : record.sent.bytes)
    table[slot].window.count &+= 1
    table[slot].total &+= 1
    table[slot].sum += bytes
    table[slot].squares += bytes * bytes
    if let other {
      table[slot].others.add(other)
    }
    let state = table[slot]
    guard !state.isAlarmed, holds(kind, state, record.start) else { return }
    _ = table[slot].raised.insert(kind)
    let due = max((state.window.number + 1) * Self.window, state.quietUntil)
    alarms.raise(kind, key, by: record, due: due)
  }

  private func holds(_ kind: FlowKind, _ state: State, _ time: Int64) -> Bool {
    let count = state.window.sliding(time, length: Self.window)
    switch kind {
    case .bruteForce: return count >= Self.leastOfPair && state.variation <= Self.mostVariation
    case .bruteForceManyTargets:
      return count >= Self.leastOfMany && state.others.estimate >= Self.leastServers
    default: return count >= Self.leastOfMany && state.others.estimate >= Self.leastClients
    }
  }

  func story(_ kind: FlowKind, _ key: FlowKey) -> FlowStory? {
    guard let slot = table.find(key) else { return nil }
    let story = story(kind, key, table[slot])
    table[slot].raised.remove(kind)
    table[slot].quietUntil = table[slot].last + Self.pause
    return story
  }

  private func story(_ kind: FlowKind, _ key: FlowKey, _ state: State) -> FlowStory? {
    let isPair = kind == .bruteForce
    var values: JSONObject = [
      "connections": .integer(Int64(state.total)), "window_minutes": 5,
      "least_connections": .integer(Int64(isPair ? Self.leastOfPair : Self.leastOfMany)),
      "most_packets_each": .integer(Self.mostPackets),
      "mean_bytes": .integer(Int64(state.sum / Double(max(1, state.total)))),
      "variation": .number((state.variation * 100).rounded() / 100),
    ]
    if kind == .bruteForceManyTargets {
      values["servers_about"] = .integer(Int64(state.others.estimate))
      values["least_servers"] = .integer(Int64(Self.leastServers))
    } else if kind == .bruteForceManySources {
      values["clients_about"] = .integer(Int64(state.others.estimate))
      values["least_clients"] = .integer(Int64(Self.leastClients))
    } else {
      values["most_variation"] = .number(Self.mostVariation)
    }
    return FlowStory(
      client: kind == .bruteForceManySources ? nil : key.first,
      server: kind == .bruteForceManyTargets ? nil : key.second,
      port: key.port,
      isOfPair: isPair,
      isOutbound: state.isOutbound,
      first: state.first,
      last: state.last,
      count: Int(state.total),
      values: values,
      episode: state.first
    )
  }

  func save(_ writer: inout StateWriter) { table.save(&writer) }
  func load(_ reader: inout StateReader) throws { try table.load(&reader) }
}
