import JSON

/// Port and address scans by threshold random walk: Jung, Paxson, Berger, Balakrishnan, "Fast
/// Portscan Detection Using Sequential Hypothesis Testing", IEEE S&P 2004.
///
/// Each first contact of a client with a port of an address either fails or is answered. The ratio
/// of the likelihoods of both hypotheses walks by 4 up or down, and ends at 99 or 1/99. A client's
/// walk begins behind its first failure: most clients never fail.
final class ScanDetector: FlowDetector {
  /// The share of first contacts that are answered to an ordinary client, and to a scanner.
  static let (ordinary, scanner) = (0.8, 0.2)
  /// The walk's bounds, for 99 % of scanners found and 1 % of others taken for one.
  static let upper = Float(FlowMath.log(0.99 / 0.01))
  static let lower = Float(FlowMath.log(0.01 / 0.99))
  private static let failureStep = Float(FlowMath.log((1 - scanner) / (1 - ordinary)))
  private static let answerStep = Float(FlowMath.log(scanner / ordinary))
  /// How many first contacts have to fail besides.
  static let least: UInt32 = 10
  /// From how many addresses on it is a scan of addresses.
  static let leastAddresses = 10
  /// A client that is quiet for so long begins anew; a contact so long ago is a first one again.
  static let memory: Int64 = 30 * 60_000
  /// How long numbers gather before they are told, and before what follows is; the logs' end ends both.
  static let (window, pause) = (Int64(5 * 60_000), Int64(60 * 60_000))

  struct State: FlowKeyState {
    var ratio: Float = 0
    var failed: UInt32 = 0
    var answered: UInt32 = 0
    var first: Int64 = 0
    var last: Int64 = 0
    var quietUntil = Int64.min
    var isOutbound = false
    var isLateral = false
    var raised = RaisedKinds()
    var isAlarmed: Bool { !raised.isEmpty }
  }

  /// What is kept of clients that have failed twice more than they were answered.
  struct Detail: FlowKeyState {
    var hosts = DistinctCount()
    var ports = DistinctCount()
    var server: UInt128 = 0
    var port: UInt16 = 0
    var last: Int64 = 0
    var isAlarmed = false
  }

  let name = "scan"
  private var table = KeyTable<State>(limit: 1 << 19)
  private var details = KeyTable<Detail>(limit: 1 << 14)
  private var contacts = RecentFilter(bits: 24, span: memory * 2)
  var evictions: Int { table.evictions + details.evictions + contacts.evictions }

  func take(_ record: FlowRecord, _ context: FlowContext, _ alarms: FlowAlarms) {
    guard record.outcome != .unknown, record.transport == 6 || record.transport == 17 else {
      return
    }
    var hash = FlowHash(record.client, context.seed)
    hash.combine(record.server)
    hash.combine(UInt64(record.serverPort) << 8 | UInt64(record.transport))
    guard contacts.insert(hash.value, at: record.start) else { return }
    let key = FlowKey(first: record.client)
    let hasFailed = record.outcome == .failed
    // A walk begins with a failure: who never fails needs no memory.
    if !hasFailed, table.find(key) == nil { return }
    let (slot, isNew) = table.slot(key, at: record.start)
    if isNew {
      table[slot].first = record.start
      table[slot].isOutbound = context.clientIsOwn
      table[slot].isLateral = context.clientIsOwn
      if let gone = table.displaced {
        alarms.displace(gone.key) { story($0, gone.key, gone.state) }
      }
    }
    if !context.serverIsOwn { table[slot].isLateral = false }
    if record.start - table[slot].last > Self.memory, !table[slot].isAlarmed {
      begin(slot, key, record.start)
    }
    table[slot].last = max(table[slot].last, record.start)
    // The failure that it begins with counts for nothing, so that the share of false alarms stays.
    if !isNew { table[slot].ratio += hasFailed ? Self.failureStep : Self.answerStep }
    if hasFailed { table[slot].failed &+= 1 } else { table[slot].answered &+= 1 }
    if table[slot].ratio <= Self.lower { begin(slot, key, record.start) }
    guard hasFailed, table[slot].failed >= 2 else { return }
    note(record, key)
    let state = table[slot]
    guard state.ratio >= Self.upper, state.failed >= Self.least else { return }
    // Which of both it is shows when the numbers have gathered.
    if table[slot].raised.insert(.portScan) {
      let due = max(record.start + Self.window, state.quietUntil)
      alarms.raise(.portScan, key, by: record, due: due)
    }
  }

  private func begin(_ slot: Int, _ key: FlowKey, _ time: Int64) {
    details.remove(key)
    table[slot].ratio = 0
    table[slot].failed = 0
    table[slot].answered = 0
    table[slot].first = time
  }

  private func note(_ record: FlowRecord, _ key: FlowKey) {
    let (slot, isNew) = details.slot(key, at: record.start)
    if isNew {
      details[slot].server = record.server
      details[slot].port = record.serverPort
    }
    details[slot].last = record.start
    details[slot].hosts.add(record.server)
    details[slot].ports.add(UInt64(record.serverPort) << 8 | UInt64(record.transport))
  }

  func story(_ kind: FlowKind, _ key: FlowKey) -> FlowStory? {
    guard let slot = table.find(key) else { return nil }
    let story = story(kind, key, table[slot])
    table[slot].raised.remove(kind)
    table[slot].quietUntil = table[slot].last + Self.pause
    begin(slot, key, table[slot].last)
    return story
  }

  private func story(_ kind: FlowKind, _ key: FlowKey, _ state: State) -> FlowStory? {
    let detail = details.find(key).map { details[$0] } ?? Detail()
    let (hosts, ports) = (max(1, detail.hosts.estimate), max(1, detail.ports.estimate))
    let isOfAddresses = hosts >= Self.leastAddresses
    return FlowStory(
      client: key.first,
      server: isOfAddresses ? nil : detail.server,
      port: isOfAddresses && ports == 1 ? detail.port : nil,
      isOfPair: !isOfAddresses,
      isOutbound: state.isOutbound,
      isLateral: state.isLateral,
      first: state.first,
      last: state.last,
      count: Int(state.failed),
      values: [
        "failed_first_contacts": .integer(Int64(state.failed)),
        "answered_first_contacts": .integer(Int64(state.answered)),
        "log_likelihood_ratio": .number((Double(state.ratio) * 100).rounded() / 100),
        "log_likelihood_bound": .number((Double(Self.upper) * 100).rounded() / 100),
        "least_failed": .integer(Int64(Self.least)),
        "addresses_about": .integer(Int64(hosts)), "ports_about": .integer(Int64(ports)),
        "kind": .string(
          isOfAddresses ? ports >= 10 ? "addresses and ports" : "addresses" : "ports"
        ),
      ],
      episode: state.first
    ).of(isOfAddresses ? .addressScan : .portScan)
  }

  func save(_ writer: inout StateWriter) {
    table.save(&writer)
    details.save(&writer)
    contacts.save(&writer)
  }

  func load(_ reader: inout StateReader) throws {
    try table.load(&reader)
    try details.load(&reader)
    try contacts.load(&reader)
  }
}
