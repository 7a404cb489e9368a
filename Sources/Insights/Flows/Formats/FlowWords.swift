import Model

/// What words and numbers of flow logs mean.
enum FlowWords {
  /// Milliseconds of a number of seconds, milliseconds, microseconds or nanoseconds, by its size.
  @inline(__always) static func milliseconds(_ number: Double) -> Int64 {
    if number < 1e11 { return Int64(number * 1000) }
    if number < 1e14 { return Int64(number) }
    return Int64(number < 1e17 ? number / 1000 : number / 1e6)
  }

  /// An instant in figures or as a date.
  @inline(__always) static func instant(_ text: FlowBytes) -> Int64? {
    if let number = text.number {
      return number < 100_000_000_000 ? number * 1000 : milliseconds(Double(number))
    }
    if text.count >= 10, text[4] == 0x2D {
      return unsafe Timestamp.seconds(text.buffer).map { Int64(($0 * 1000).rounded()) }
    }
    guard let number = text.decimal, (0..<9e18).contains(number) else { return nil }
    return milliseconds(number)
  }

  /// Protocols by number, the name by which they are told first, then others.
  private static let transports: [(number: UInt8, names: [String])] = [
    (0, ["unknown_transport"]), (1, ["icmp"]), (2, ["igmp"]), (6, ["tcp", "t"]),
    (17, ["udp", "u"]),
    (47, ["gre"]), (50, ["esp"]), (51, ["ah"]), (58, ["ipv6-icmp", "icmp6"]), (89, ["ospf"]),
    (132, ["sctp"]),
  ]

  /// The number of a protocol by number or name.
  @inline(__always) static func transport(_ text: FlowBytes) -> UInt8? {
    if let number = text.number { return number < 256 ? UInt8(number) : nil }
    if text.equals("tcp") || text.equals("TCP") { return 6 }
    if text.equals("udp") || text.equals("UDP") { return 17 }
    let name = text.text.lowercased()
    return transports.first { $0.names.contains(name) }?.number
  }

  /// The name of a protocol, or its number where it has none.
  static func transportName(_ number: UInt8) -> String {
    let known = number == 0 ? nil : transports.first { $0.number == number }
    return known?.names.first ?? "\(number)"
  }

  /// Whether packets were let through, by the first letter of the word.
  @inline(__always) static func verdict(_ text: FlowBytes) -> FlowRecord.Verdict {
    switch text[0] | 0x20 {
    case 0x61: .allowed
    case 0x72, 0x64: .denied
    default: .unknown
    }
  }

  /// TCP's flags as a number, or as letters of which each stands for one.
  @inline(__always) static func flags(_ text: FlowBytes) -> UInt8? {
    if let number = text.number { return UInt8(truncatingIfNeeded: number) }
    var bits: UInt8 = 0
    for index in 0..<text.count {
      switch text[index] {
      case 0x46: bits |= 1
      case 0x53: bits |= 2
      case 0x52: bits |= 4
      case 0x50: bits |= 8
      case 0x41: bits |= 16
      case 0x55: bits |= 32
      case 0x45: bits |= 64
      case 0x43: bits |= 128
      case 0x2E, 0x20: break
      default: return nil
      }
    }
    return bits
  }

  /// What a state of a connection tells: Zeek's names, or Azure's letters.
  static func state(_ text: FlowBytes) -> (FlowRecord.Verdict, FlowRecord.Outcome) {
    switch text.text {
    case "S0", "REJ", "RSTOS0", "RSTRH", "SH": (.unknown, .failed)
    case "SF", "S1", "S2", "S3", "RSTO", "RSTR": (.unknown, .answered)
    case "D": (.denied, .failed)
    case "B", "C", "E": (.allowed, .unknown)
    default: (.unknown, .unknown)
    }
  }
}

extension FlowField {
  /// What a value of the field is, in words.
  var kind: String {
    switch self {
    case .source, .target, .sourceOtherwise, .targetOtherwise: "address"
    case .sourcePort, .targetPort: "port"
    case .transport: "protocol"
    case .start, .end, .startOtherwise, .endOtherwise: "instant"
    case .duration: "duration"
    case .flags: "set of TCP flags"
    default: "whole number"
    }
  }
}

/// Who of two began a conversation, and what came of it, where a log tells packets of one way.
enum FlowRoles {
  /// Ports below this one are seldom the client's.
  static let ephemeral: UInt16 = 32_768

  /// Whether the packets are the server's.
  @inline(__always) static func isReply(
    transport: UInt8,
    flags: UInt8,
    source: UInt16,
    target: UInt16,
    packets: Int64,
    isDenied: Bool,
    style: FlowStyle
  ) -> Bool {
    if isDenied { return false }
    if transport == 6, flags & 0x16 != 0 {
      let hasSyn = flags & 2 != 0
      if hasSyn, flags & 16 == 0 { return false }
      if hasSyn, style == .handshake { return true }
      // The refusal of an attempt: a reset without a handshake.
      if !hasSyn, flags & 4 != 0, packets <= 2 { return true }
    }
    guard transport == 6 || transport == 17 || transport == 132 else { return false }
    let (from, to) = (rank(source), rank(target))
    return from != to ? from < to : source < target
  }

  /// Well-known ports first, then registered ones, then those that clients are given.
  @inline(__always) private static func rank(_ port: UInt16) -> Int {
    port < 1024 ? 0 : port < ephemeral ? 1 : 2
  }

  /// What came of the attempt.
  @inline(__always) static func outcome(
    _ record: FlowRecord,
    _ style: FlowStyle,
    packets: Int64
  ) -> FlowRecord.Outcome {
    if record.verdict == .denied { return .failed }
    if style == .conversation {
      if record.sent.packets + record.sent.bytes == 0 { return .unknown }
      let isAnswered = record.received.packets + record.received.bytes > 0
      // One packet back for one or two is a reset, not an answer.
      let isReset = record.isTCP && record.received.packets == 1 && record.sent.packets <= 2
      return isAnswered && !isReset ? .answered : .failed
    }
    guard record.isTCP else { return record.isReply ? .answered : .unknown }
    let flags = record.flags
    if record.isReply {
      if flags & 4 != 0, flags & 2 == 0, packets <= 2 { return .failed }
      if flags == 0, packets == 1 { return .failed }
      return .answered
    }
    if flags & 0x12 == 0x12 { return .answered }
    if style == .cumulative, flags & 2 != 0 { return .failed }
    if packets > 0, packets <= 2 { return .failed }
    return packets >= 4 ? .answered : .unknown
  }
}
