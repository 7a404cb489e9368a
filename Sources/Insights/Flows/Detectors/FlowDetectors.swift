import Dispatch
import Model

/// All that detectors know of the records so far: what a run begins with, and what it keeps.
final class FlowDetectors {
  /// The names by which an option chooses detectors.
  static let names = [
    "scan", "brute-force", "flood", "beacon", "exfiltration", "new-peer", "reputation",
  ]

  /// A detector with what it has to tell; one thread at a time has it.
  private final class Lane {
    let detector: any FlowDetector
    let alarms = FlowAlarms()
    var told: [(FlowAlarm, FlowStory)] = []

    init(_ detector: any FlowDetector) { self.detector = detector }

    func take(_ records: [FlowRecord], _ contexts: [FlowContext]) {
      for (index, context) in contexts.enumerated() where !context.isTwice {
        let record = records[index]
        if record.start >= alarms.nextDue { flush(until: record.start) }
        detector.take(record, context, alarms)
      }
      // What made room for the last record is told before anything is saved.
      if alarms.nextDue == .min { flush(until: .min) }
    }

    func flush(until time: Int64) {
      let (due, displaced) = alarms.take(until: time)
      told += displaced
      for alarm in due {
        if let story = detector.story(alarm.kind, alarm.key) { told.append((alarm, story)) }
      }
    }
  }

  private let lanes: [Lane]
  /// What detectors that are not chosen this time have learnt.
  private var unchosen: [(name: String, bytes: [UInt8])] = []
  private let isParallel: Bool
  private let own: OwnNetworks
  private let reputation: Reputation
  private let findings: FlowFindings
  private var seed = UInt64.random(in: .min ... .max)
  private var connections = RecentFilter(bits: 25, span: 60 * 60_000)
  /// The numbers of the records that came last, so that one delivered twice counts once.
  private var fingerprints = [UInt64](repeating: 0, count: 1 << 18)
  /// Records that were delivered before.
  private(set) var twice = 0

  init(
    _ names: Set<String>,
    own: OwnNetworks,
    reputation: Reputation,
    _ findings: FlowFindings,
    isParallel: Bool
  ) {
    let all: [any FlowDetector] = [
      ScanDetector(), FloodDetector(), BeaconDetector(), BruteForceDetector(),
      ExfiltrationDetector(), NewPeerDetector(), ListedDetector(reputation),
    ]
    // Without a list there is nothing that its detector could find.
    lanes = all.filter {
      names.contains($0.name) && !($0.name == "reputation" && reputation.isEmpty)
    }
    .map { Lane($0) }
    self.own = own
    self.reputation = reputation
    self.findings = findings
    self.isParallel = isParallel
  }

  /// How many keys were forgotten for want of room, by detector; connections count as new again.
  var evictions: [(name: String, count: Int)] {
    let all = lanes.map { ("detector \($0.detector.name)", $0.detector.evictions) }
    return ([("the memory of connections", connections.evictions)] + all).filter { $0.1 > 0 }
  }

  /// Takes records in the order of their time, and tells what is due.
  func take(_ records: [FlowRecord], _ tell: (Finding) throws -> Void) rethrows {
    let contexts = records.map { context($0) }
    if isParallel, records.count > 256 {
      // Each lane is taken by one thread, and all have ended when the call returns.
      nonisolated(unsafe) let lanes = lanes
      unsafe DispatchQueue.concurrentPerform(iterations: lanes.count) {
        unsafe lanes[$0].take(records, contexts)
      }
    } else {
      for lane in lanes { lane.take(records, contexts) }
    }
    try tellAll(tell)
  }

  @inline(__always) private func context(_ record: FlowRecord) -> FlowContext {
    var context = FlowContext()
    let print = record.fingerprint(seed)
    let place = Int(truncatingIfNeeded: print >> 8) & (fingerprints.count - 1)
    if fingerprints[place] == print {
      twice += 1
      context.isTwice = true
      return context
    }
    fingerprints[place] = print
    context.seed = seed
    context.clientIsOwn = own.contains(record.client)
    context.serverIsOwn = own.contains(record.server)
    if !reputation.isEmpty {
      context.clientIsListed =
        !context.clientIsOwn && reputation.isListed(record.client, at: record.start)
      context.serverIsListed =
        !context.serverIsOwn && reputation.isListed(record.server, at: record.start)
    }
    // A record without packets only says that a conversation goes on.
    let says = record.sent.packets + record.received.packets > 0 || record.outcome != .unknown
    context.isNew = says && connections.insert(record.connectionHash(seed), at: record.start)
    return context
  }

  /// Tells what is due at a time; all of it at the end.
  func flush(until time: Int64, _ tell: (Finding) throws -> Void) rethrows {
    for lane in lanes { lane.flush(until: time) }
    try tellAll(tell)
  }

  /// Tells findings in the order in which they were due.
  private func tellAll(_ tell: (Finding) throws -> Void) rethrows {
    var told: [(FlowAlarm, FlowStory)] = []
    for lane in lanes where !lane.told.isEmpty {
      told += lane.told
      lane.told = []
    }
    told.sort { ($0.0.due, $0.0.kind.rawValue) < ($1.0.due, $1.0.kind.rawValue) }
    for (alarm, story) in told { try tell(findings.finding(alarm, story)) }
  }

  func save(_ writer: inout StateWriter) {
    writer.put(seed)
    connections.save(&writer)
    writer.put(list: fingerprints)
    for lane in lanes {
      writer.put(text: lane.detector.name)
      var inner = StateWriter()
      lane.alarms.save(&inner)
      lane.detector.save(&inner)
      writer.put(list: inner.bytes)
    }
    for one in unchosen {
      writer.put(text: one.name)
      writer.put(list: one.bytes)
    }
    writer.put(text: "")
  }

  func load(_ reader: inout StateReader) throws {
    seed = try reader.get(UInt64.self)
    try connections.load(&reader)
    let prints = try reader.getList(UInt64.self)
    guard prints.count == fingerprints.count else {
      throw StateReader.Fault(description: "was written by another version of plumb")
    }
    fingerprints = prints
    while case let name = try reader.getText(), !name.isEmpty {
      let bytes = try reader.getList(UInt8.self)
      guard let lane = lanes.first(where: { $0.detector.name == name }) else {
        unchosen.append((name, bytes))
        continue
      }
      var inner = StateReader(bytes)
      try lane.alarms.load(&inner)
      try lane.detector.load(&inner)
    }
  }
}

extension FlowKind {
  /// The detector that finds the kind.
  package var detector: String {
    switch self {
    case .portScan, .addressScan: "scan"
    case .bruteForce, .bruteForceManyTargets, .bruteForceManySources: "brute-force"
    case .connectionFlood, .trafficFlood: "flood"
    case .beacon: "beacon"
    case .exfiltration: "exfiltration"
    case .newPeer: "new-peer"
    default: "reputation"
    }
  }

  /// The names by which an option chooses detectors.
  package static let detectors = FlowDetectors.names
}
