import Model

/// All that detectors know of the records so far: what a run begins with, and what it keeps.
final class FlowDetectors {
  /// The names by which an option chooses detectors.
  static let names = [
    "scan", "brute-force", "flood", "beacon", "exfiltration", "new-peer", "reputation",
  ]

  private let detectors: [any FlowDetector]
  private let alarms = FlowAlarms()
  private let own: OwnNetworks
  private let reputation: Reputation
  private let findings: FlowFindings
  private var seed = UInt64.random(in: .min ... .max)
  private var connections = RecentFilter(bits: 25, span: 60 * 60_000)
  /// The numbers of the records that came last, so that one delivered twice counts once.
  private var fingerprints = [UInt64](repeating: 0, count: 1 << 18)
  /// Records that were delivered before.
  private(set) var twice = 0
  /// The time of the newest record.
  private(set) var newest = Int64.min

  init(_ names: Set<String>, own: OwnNetworks, reputation: Reputation, _ findings: FlowFindings) {
    let all: [any FlowDetector] = [
      ScanDetector(), BruteForceDetector(), FloodDetector(), BeaconDetector(),
      HostDetector(isVolume: true), HostDetector(isVolume: false), ListedDetector(reputation),
    ]
    detectors = all.filter { names.contains($0.name) }
    self.own = own
    self.reputation = reputation
    self.findings = findings
  }

  /// How many keys were forgotten for want of room, by detector.
  var evictions: [(name: String, count: Int)] {
    detectors.map { ($0.name, $0.evictions) }.filter { $0.1 > 0 }
  }

  /// Takes a record and tells what is due before it.
  @inline(__always) func take(_ record: FlowRecord, _ tell: (Finding) throws -> Void) rethrows {
    if record.start >= alarms.nextDue { try flush(until: record.start, tell) }
    let print = record.fingerprint(seed)
    let place = Int(truncatingIfNeeded: print >> 8) & (fingerprints.count - 1)
    if fingerprints[place] == print {
      twice += 1
      return
    }
    fingerprints[place] = print
    newest = max(newest, record.start)
    var context = FlowContext()
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
    for detector in detectors { detector.take(record, context, alarms) }
  }

  /// Tells what is due at a time; all of it at the end.
  func flush(until time: Int64, _ tell: (Finding) throws -> Void) rethrows {
    let (due, displaced) = alarms.take(until: time)
    for (alarm, story) in displaced { try tell(findings.finding(alarm, story)) }
    for alarm in due {
      for detector in detectors where detector.name == alarm.kind.detector {
        guard let story = detector.story(alarm.kind, alarm.key) else { continue }
        try tell(findings.finding(alarm, story))
      }
    }
  }

  func save(_ writer: inout StateWriter) {
    writer.put(seed)
    writer.put(newest)
    alarms.save(&writer)
    connections.save(&writer)
    writer.put(list: fingerprints)
    for detector in detectors {
      writer.put(text: detector.name)
      var inner = StateWriter()
      detector.save(&inner)
      writer.put(list: inner.bytes)
    }
    writer.put(text: "")
  }

  func load(_ reader: inout StateReader) throws {
    seed = try reader.get(UInt64.self)
    newest = try reader.get(Int64.self)
    try alarms.load(&reader)
    try connections.load(&reader)
    let prints = try reader.getList(UInt64.self)
    guard prints.count == fingerprints.count else {
      throw StateReader.Fault(description: "was written by another version of plumb")
    }
    fingerprints = prints
    while case let name = try reader.getText(), !name.isEmpty {
      var inner = StateReader(try reader.getList(UInt8.self))
      // One that is not chosen this time is forgotten.
      if let detector = detectors.first(where: { $0.name == name }) { try detector.load(&inner) }
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
