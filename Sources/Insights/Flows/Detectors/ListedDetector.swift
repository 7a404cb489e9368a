import JSON

/// Traffic with addresses of bad reputation, in windows of an hour: what IBM's Network Insights
/// found, with bounds that are published.
final class ListedDetector: FlowDetector {
  static let window = Int64(3_600_000)
  /// How long numbers gather before they are told.
  static let delay = Int64(5 * 60_000)
  /// Of so many external addresses at least, so many have to be listed, and this share of them.
  static let (leastPeers, leastListed, leastShare) = (10, 3, 0.2)
  /// How many addresses, and how many conversations, are several.
  static let (severalAddresses, severalFlows) = (3, UInt32(10))
  /// Bytes sent to listed servers, received from them, and from listed clients in one flow and all.
  static let (sentBytes, receivedBytes) = (Int64(10_000_000), Int64(1_000_000))
  static let (payloadBytes, payloadTotal) = (Int64(1_000_000), Int64(10_000_000))
  /// Attempts at closed ports, different closed ports, connections to open ports, and clients.
  static let (closedAttempts, closedPorts, openAttempts) = (UInt32(10), 10, UInt32(30))
  static let severalClients = 5

  struct State: FlowKeyState {
    var window = FlowWindow()
    var flows: UInt32 = 0
    var answered: UInt32 = 0
    var failed: UInt32 = 0
    /// By one's own side and by the other.
    var sent: Int64 = 0
    var received: Int64 = 0
    var largest: Int64 = 0
    /// All external addresses, the listed ones, those that answered or tried.
    var peers = DistinctCount()
    var listed = DistinctCount()
    var active = DistinctCount()
    var closedPorts = DistinctCount()
    var listedAddress: UInt128 = 0
    var port: UInt16 = 0
    var transport: UInt8 = 6
    var first: Int64 = 0
    var last: Int64 = 0
    var raised = RaisedKinds()
    /// The kinds that were told in this window.
    var told = RaisedKinds()
    var isAlarmed: Bool { !raised.isEmpty }
  }

  /// What a key of the table stands for.
  private enum Part {
    static let (pairOut, pairIn, hostOut, hostIn) = (UInt16(1), UInt16(2), UInt16(3), UInt16(4))
  }

  let name = "reputation"
  private let reputation: Reputation
  private var table = KeyTable<State>(limit: 1 << 15)
  var evictions: Int { table.evictions }

  init(_ reputation: Reputation) { self.reputation = reputation }

  func take(_ record: FlowRecord, _ context: FlowContext, _ alarms: FlowAlarms) {
    if context.clientIsOwn, !context.serverIsOwn {
      outbound(record, context, alarms)
    } else if context.clientIsListed, !context.clientIsOwn {
      inbound(record, context, alarms)
    }
  }

  private func outbound(_ record: FlowRecord, _ context: FlowContext, _ alarms: FlowAlarms) {
    // The share of listed addresses needs the others, too, but each connection only once.
    guard context.isNew || context.serverIsListed else { return }
    let host = FlowKey(first: record.client, kind: Part.hostOut)
    guard let slot = enter(host, record, alarms) else { return }
    table[slot].peers.add(record.server)
    guard context.serverIsListed else { return }
    table[slot].listed.add(record.server)
    add(slot, record, context, ownIsClient: true, record.server)
    if record.outcome == .answered { table[slot].active.add(record.server) }
    raiseHostOut(slot, host, record, alarms)
    let pair = FlowKey(first: record.client, second: record.server, kind: Part.pairOut)
    guard let slot = enter(pair, record, alarms) else { return }
    add(slot, record, context, ownIsClient: true, record.server)
    for listing in reputation.listings(record.server, at: record.start) {
      let kind: FlowKind =
        switch listing.category {
        case .anonymizer: .anonymServer
        case .botnet: .botServer
        case .miner: .minerServer
        default: .malwareServer
        }
      raise(kind, slot, pair, record, alarms)
    }
    let state = table[slot]
    if state.isTwoWay { raise(.serverResponse, slot, pair, record, alarms) }
    if state.sent >= Self.sentBytes { raise(.dataExtrusion, slot, pair, record, alarms) }
    if state.received >= Self.receivedBytes {
      raise(.serverWeaponizedTotal, slot, pair, record, alarms)
    }
  }

  private func raiseHostOut(
    _ slot: Int,
    _ host: FlowKey,
    _ record: FlowRecord,
    _ alarms: FlowAlarms
  ) {
    let state = table[slot]
    let listed = state.listed.estimate
    let peers = state.peers.estimate
    if peers >= Self.leastPeers, listed >= Self.leastListed,
      Double(listed) >= Self.leastShare * Double(peers)
    {
      raise(.serverSuspectedRatio, slot, host, record, alarms)
    }
    if state.active.estimate >= Self.severalAddresses {
      raise(.serverResponseMultipleIPs, slot, host, record, alarms)
    }
    if state.answered >= Self.severalFlows {
      raise(.serverResponseMultipleFlows, slot, host, record, alarms)
    }
    guard listed >= 2 else { return }
    if state.sent >= Self.sentBytes { raise(.dataExtrusionMulti, slot, host, record, alarms) }
    if state.received >= Self.receivedBytes {
      raise(.serverWeaponizedTotalMulti, slot, host, record, alarms)
    }
  }

  private func inbound(_ record: FlowRecord, _ context: FlowContext, _ alarms: FlowAlarms) {
    let host = FlowKey(first: record.server, kind: Part.hostIn)
    if let slot = enter(host, record, alarms) {
      add(slot, record, context, ownIsClient: false, record.client)
      if record.outcome == .failed { table[slot].listed.add(record.client) }
      if record.outcome == .answered { table[slot].active.add(record.client) }
      let state = table[slot]
      if state.listed.estimate >= Self.severalClients {
        raise(.clientsMultipleIPs, slot, host, record, alarms)
      }
      if state.closedPorts.estimate >= Self.closedPorts,
        state.listed.estimate >= Self.severalAddresses
      {
        raise(.reconnaissanceMulti, slot, host, record, alarms)
      }
      if state.answered >= Self.openAttempts, state.active.estimate >= Self.severalClients {
        raise(.distributedVulnerabilityScan, slot, host, record, alarms)
      }
    }
    let pair = FlowKey(first: record.server, second: record.client, kind: Part.pairIn)
    guard let slot = enter(pair, record, alarms) else { return }
    add(slot, record, context, ownIsClient: false, record.client)
    let state = table[slot]
    if state.failed >= Self.closedAttempts {
      raise(.clientMultipleFlows, slot, pair, record, alarms)
    }
    if state.closedPorts.estimate >= Self.closedPorts {
      raise(.reconnaissance, slot, pair, record, alarms)
    }
    if state.answered >= Self.openAttempts { raise(.vulnerabilityScan, slot, pair, record, alarms) }
    if state.isTwoWay { raise(.clientResponse, slot, pair, record, alarms) }
    if state.largest >= Self.payloadBytes { raise(.clientWeaponized, slot, pair, record, alarms) }
    if state.received >= Self.payloadTotal {
      raise(.clientWeaponizedTotal, slot, pair, record, alarms)
    }
  }

  /// The slot of a key in the record's window; nil where that is over.
  private func enter(_ key: FlowKey, _ record: FlowRecord, _ alarms: FlowAlarms) -> Int? {
    let (slot, isNew) = table.slot(key, at: record.start)
    if isNew, let gone = table.displaced {
      alarms.displace(gone.key) { story($0, gone.key, gone.state) }
    }
    let former = table[slot].window.number
    guard table[slot].window.move(to: record.start, length: Self.window) else { return nil }
    if former != table[slot].window.number {
      let whole = table[slot]
      // What waits to be told is of the hour that is over.
      if whole.isAlarmed { alarms.displace(key) { story($0, key, whole) } }
      let (window, last) = (table[slot].window, table[slot].last)
      table[slot] = State()
      table[slot].window = window
      table[slot].first = record.start
      table[slot].last = last
    }
    table[slot].last = max(table[slot].last, record.start)
    return slot
  }

  private func add(
    _ slot: Int,
    _ record: FlowRecord,
    _ context: FlowContext,
    ownIsClient: Bool,
    _ listed: UInt128
  ) {
    let sent = ownIsClient ? record.sent.bytes : record.received.bytes
    let received = ownIsClient ? record.received.bytes : record.sent.bytes
    table[slot].sent = FlowMath.sum(table[slot].sent, sent)
    table[slot].received = FlowMath.sum(table[slot].received, received)
    table[slot].largest = max(table[slot].largest, received)
    table[slot].listedAddress = listed
    table[slot].port = record.serverPort
    table[slot].transport = record.transport
    if context.isNew { table[slot].flows &+= 1 }
    if record.outcome == .failed {
      table[slot].failed &+= 1
      table[slot].closedPorts.add(UInt64(record.serverPort))
    } else if record.outcome == .answered, context.isNew {
      table[slot].answered &+= 1
    }
  }

  private func raise(
    _ kind: FlowKind,
    _ slot: Int,
    _ key: FlowKey,
    _ record: FlowRecord,
    _ alarms: FlowAlarms
  ) {
    guard table[slot].told.insert(kind) else { return }
    _ = table[slot].raised.insert(kind)
    alarms.raise(kind, key, by: record, due: record.start + Self.delay)
  }

  func story(_ kind: FlowKind, _ key: FlowKey) -> FlowStory? {
    guard let slot = table.find(key) else { return nil }
    let story = story(kind, key, table[slot])
    table[slot].raised.remove(kind)
    return story
  }

  private func story(_ kind: FlowKind, _ key: FlowKey, _ state: State) -> FlowStory? {
    let isOutbound = key.kind == Part.pairOut || key.kind == Part.hostOut
    let isPair = key.kind == Part.pairOut || key.kind == Part.pairIn
    var values: JSONObject = [
      "connections": .integer(Int64(state.flows)), "answered": .integer(Int64(state.answered)),
      "failed": .integer(Int64(state.failed)), "bytes_sent": .integer(state.sent),
      "bytes_received": .integer(state.received), "window_minutes": 60,
    ]
    if isPair {
      let listings = reputation.listings(key.second, at: state.last)
      values["listings"] = .array(listings.map(\.json))
      values["closed_ports_about"] = .integer(Int64(state.closedPorts.estimate))
      values["largest_flow"] = .integer(state.largest)
    } else if isOutbound {
      values["external_addresses_about"] = .integer(Int64(state.peers.estimate))
      values["listed_addresses_about"] = .integer(Int64(state.listed.estimate))
      values["listed_addresses_that_answered_about"] = .integer(Int64(state.active.estimate))
    } else {
      values["listed_clients_that_failed_about"] = .integer(Int64(state.listed.estimate))
      values["listed_clients_that_were_answered_about"] = .integer(Int64(state.active.estimate))
      values["closed_ports_about"] = .integer(Int64(state.closedPorts.estimate))
    }
    if let (name, bound) = kind.bound { values[name] = bound }
    let other = isPair ? key.second : state.listedAddress
    return FlowStory(
      client: isOutbound ? key.first : other,
      server: isOutbound ? other : key.first,
      port: state.port,
      transport: state.transport,
      isOfPair: isPair,
      isOutbound: isOutbound,
      first: state.first,
      last: state.last,
      count: Int(max(1, state.flows)),
      values: values,
      episode: state.window.number
    )
  }

  func save(_ writer: inout StateWriter) { table.save(&writer) }
  func load(_ reader: inout StateReader) throws { try table.load(&reader) }
}

extension ListedDetector.State {
  /// Whether data went both ways.
  var isTwoWay: Bool { answered > 0 && sent > 0 && received > 0 }
}

extension FlowKind {
  /// The bound that a kind of the lists has, and its name.
  fileprivate var bound: (String, JSONValue)? {
    typealias Listed = ListedDetector
    return switch self {
    case .serverSuspectedRatio: ("least_share", .number(Listed.leastShare))
    case .serverResponseMultipleIPs: ("least_addresses", .integer(Int64(Listed.severalAddresses)))
    case .serverResponseMultipleFlows: ("least_conversations", .integer(Int64(Listed.severalFlows)))
    case .dataExtrusion, .dataExtrusionMulti: ("least_bytes_sent", .integer(Listed.sentBytes))
    case .serverWeaponizedTotal, .serverWeaponizedTotalMulti:
      ("least_bytes_received", .integer(Listed.receivedBytes))
    case .clientMultipleFlows: ("least_failed", .integer(Int64(Listed.closedAttempts)))
    case .clientsMultipleIPs: ("least_clients", .integer(Int64(Listed.severalClients)))
    case .reconnaissance, .reconnaissanceMulti:
      ("least_closed_ports", .integer(Int64(Listed.closedPorts)))
    case .vulnerabilityScan, .distributedVulnerabilityScan:
      ("least_connections", .integer(Int64(Listed.openAttempts)))
    case .clientWeaponized: ("least_bytes_of_a_flow", .integer(Listed.payloadBytes))
    case .clientWeaponizedTotal: ("least_bytes_received", .integer(Listed.payloadTotal))
    default: nil
    }
  }
}
