/// What a column or member of a flow log means.
package enum FlowField: UInt8, Sendable {
  case ignored
  case source, target
  /// Addresses that count where the more exact ones are not there.
  case sourceOtherwise, targetOtherwise
  case sourcePort, targetPort
  case transport
  case packets, bytes, packetsBack, bytesBack
  /// An instant: seconds, milliseconds or microseconds since 1970, or a date in writing.
  case start, end
  /// Instants that count where the more exact ones are not there.
  case startOtherwise, endOtherwise
  /// Seconds.
  case duration
  case action, flags, state, status, account
}

/// How records of a format are to be read where their columns leave it open.
package enum FlowStyle: UInt8, Sendable {
  /// A record per direction, with the flags of the handshake only, or none.
  case handshake
  /// A record per direction, with all flags that were seen.
  case cumulative
  /// A record per conversation, whose source began it.
  case conversation
}

/// What a record says, field by field, before it is known who the client is.
struct FlowDraft {
  private(set) var source: UInt128 = 0
  private(set) var target: UInt128 = 0
  private var sourceOtherwise: UInt128 = 0
  private var targetOtherwise: UInt128 = 0
  private var start: Int64 = 0
  private var end: Int64 = 0
  private var startOtherwise: Int64 = 0
  private var endOtherwise: Int64 = 0
  private var duration: Int64 = 0
  private var forth = FlowRecord.Volume()
  private var back = FlowRecord.Volume()
  private var ports: (source: UInt16, target: UInt16) = (0, 0)
  private var transport: UInt8 = 0
  private var flags: UInt8 = 0
  private var verdict = FlowRecord.Verdict.unknown
  private var outcome = FlowRecord.Outcome.unknown
  /// Which fields were there, by their number.
  private var seen: UInt32 = 0
  /// Whether the log tells that it recorded nothing.
  private(set) var isEmpty = false

  /// Why a record cannot be used.
  enum Fault: Error, Equatable {
    case value(FlowField, String)
    case missing(FlowField)
    case backwards

    /// The fault in words; the name is the column's own.
    func text(_ name: (FlowField) -> String) -> String {
      switch self {
      case .value(let field, let text): "\(name(field)) is \(text), which is no \(field.kind)"
      case .missing(let field): "has no \(name(field))"
      case .backwards: "ends before it starts"
      }
    }
  }

  @inline(__always) private func has(_ field: FlowField) -> Bool {
    seen & (1 << UInt32(field.rawValue)) != 0
  }

  @inline(__always) private mutating func note(_ field: FlowField) {
    seen |= 1 << UInt32(field.rawValue)
  }

  /// Takes a value as bytes.
  @inline(__always) mutating func take(_ field: FlowField, _ text: FlowBytes) throws(Fault) {
    if field == .ignored || text.isUnset { return }
    note(field)
    switch field {
    case .ignored, .account: break
    case .source: source = try address(field, text)
    case .target: target = try address(field, text)
    case .sourceOtherwise: sourceOtherwise = try address(field, text)
    case .targetOtherwise: targetOtherwise = try address(field, text)
    case .sourcePort: ports.source = try port(field, text)
    case .targetPort: ports.target = try port(field, text)
    case .packets: forth.packets = try whole(field, text)
    case .bytes: forth.bytes = try whole(field, text)
    case .packetsBack: back.packets = try whole(field, text)
    case .bytesBack: back.bytes = try whole(field, text)
    case .start: start = try instant(field, text)
    case .end: end = try instant(field, text)
    case .startOtherwise: startOtherwise = try instant(field, text)
    case .endOtherwise: endOtherwise = try instant(field, text)
    case .duration:
      guard let seconds = text.decimal, seconds >= 0, seconds < 1e9 else {
        throw .value(field, text.quoted)
      }
      duration = Int64(seconds * 1000)
    case .transport:
      guard let number = FlowWords.transport(text) else { throw .value(field, text.quoted) }
      transport = number
    case .action: verdict = FlowWords.verdict(text)
    case .flags:
      guard let bits = FlowWords.flags(text) else { throw .value(field, text.quoted) }
      flags = bits
    case .state: take(FlowWords.state(text))
    case .status: isEmpty = text.equals("NODATA") || text.equals("SKIPDATA")
    }
  }

  /// Takes a number that was parsed already.
  mutating func take(_ field: FlowField, _ number: Double) throws(Fault) {
    guard number >= 0, number < 9e18 else { throw .value(field, "\(number)") }
    switch field {
    case .start, .end, .startOtherwise, .endOtherwise:
      let time = FlowWords.milliseconds(number)
      note(field)
      switch field {
      case .start: start = time
      case .end: end = time
      case .startOtherwise: startOtherwise = time
      default: endOtherwise = time
      }
    case .duration:
      note(field)
      guard number < 1e9 else { throw .value(field, "\(number)") }
      duration = Int64(number * 1000)
    case .sourcePort, .targetPort:
      guard number <= 65_535 else { throw .value(field, "\(number)") }
      note(field)
      if field == .sourcePort {
        ports.source = UInt16(number)
      } else {
        ports.target = UInt16(number)
      }
    case .packets, .bytes, .packetsBack, .bytesBack:
      guard number < 1e18 else { throw .value(field, "\(number)") }
      note(field)
      switch field {
      case .packets: forth.packets = Int64(number)
      case .bytes: forth.bytes = Int64(number)
      case .packetsBack: back.packets = Int64(number)
      default: back.bytes = Int64(number)
      }
    case .transport:
      guard number < 256 else { throw .value(field, "\(number)") }
      note(field)
      transport = UInt8(number)
    case .ignored, .account: break
    default:
      // Words and addresses, which are seldom numbers.
      var text = "\(Int64(number))"
      var fault: Fault?
      text.withUTF8 { bytes in
        guard let bytes = unsafe FlowBytes(bytes) else { return }
        do throws(Fault) { try take(field, bytes) } catch { fault = error }
      }
      if let fault { throw fault }
    }
  }

  mutating func take(_ state: (FlowRecord.Verdict, FlowRecord.Outcome)) {
    // Azure's security groups tell the state beside the decision: a denied flow begins, too.
    if state.0 != .unknown, verdict != .denied { verdict = state.0 }
    if state.1 != .unknown { outcome = state.1 }
  }

  private func address(_ field: FlowField, _ text: FlowBytes) throws(Fault) -> UInt128 {
    guard let address = FlowAddress.parse(text) else { throw .value(field, text.quoted) }
    return address
  }

  private func whole(_ field: FlowField, _ text: FlowBytes) throws(Fault) -> Int64 {
    if let number = text.number { return number }
    guard let number = text.decimal, number >= 0, number < 1e18 else {
      throw .value(field, text.quoted)
    }
    return Int64(number)
  }

  private func port(_ field: FlowField, _ text: FlowBytes) throws(Fault) -> UInt16 {
    // ICMP's type and code stand for a port in some logs, with a dot between.
    guard let number = text.decimal, number >= 0, number <= 65_535 else {
      throw .value(field, text.quoted)
    }
    return UInt16(number)
  }

  private func instant(_ field: FlowField, _ text: FlowBytes) throws(Fault) -> Int64 {
    guard let time = FlowWords.instant(text) else { throw .value(field, text.quoted) }
    return time
  }

  /// The record, with who is the client decided.
  @inline(__always) func record(_ style: FlowStyle) throws(Fault) -> FlowRecord {
    var record = FlowRecord()
    let from = has(.source) ? source : sourceOtherwise
    let to = has(.target) ? target : targetOtherwise
    guard has(.source) || has(.sourceOtherwise) else { throw .missing(.source) }
    guard has(.target) || has(.targetOtherwise) else { throw .missing(.target) }
    guard has(.start) || has(.startOtherwise) || has(.end) else { throw .missing(.start) }
    record.start = has(.start) ? start : has(.startOtherwise) ? startOtherwise : end
    record.end = has(.end) ? end : has(.endOtherwise) ? endOtherwise : record.start + duration
    // A second may be lost to rounding; more is no time that a flow can have.
    if record.end < record.start {
      guard record.start - record.end <= 1000 else { throw .backwards }
      record.end = record.start
    }
    record.transport = transport
    record.flags = flags
    record.verdict = verdict
    let isReply =
      style != .conversation
      && FlowRoles.isReply(
        transport: transport,
        flags: flags,
        source: ports.source,
        target: ports.target,
        packets: forth.packets,
        isDenied: verdict == .denied,
        style: style
      )
    record.isReply = isReply
    record.client = isReply ? to : from
    record.server = isReply ? from : to
    record.clientPort = isReply ? ports.target : ports.source
    record.serverPort = isReply ? ports.source : ports.target
    record.sent = isReply ? back : forth
    record.received = isReply ? forth : back
    record.outcome =
      outcome != .unknown ? outcome : FlowRoles.outcome(record, style, packets: forth.packets)
    return record
  }
}
