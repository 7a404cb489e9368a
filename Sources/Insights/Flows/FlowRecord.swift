/// A conversation, or a part of one, as a flow log tells it, with who began it as its client.
///
/// Of fixed size and without references: millions are read a second.
package struct FlowRecord: Sendable, BitwiseCopyable {
  /// What the network did with the packets.
  package enum Verdict: UInt8, Sendable, BitwiseCopyable { case unknown, allowed, denied }

  /// What came of the client's attempt.
  package enum Outcome: UInt8, Sendable, BitwiseCopyable { case unknown, answered, failed }

  /// What one side sent.
  package struct Volume: Sendable, BitwiseCopyable {
    package var bytes: Int64 = 0
    package var packets: Int64 = 0
  }

  /// Milliseconds since 1970.
  package var start: Int64 = 0
  package var end: Int64 = 0
  package var client: UInt128 = 0
  package var server: UInt128 = 0
  package var sent = Volume()
  package var received = Volume()
  package var clientPort: UInt16 = 0
  package var serverPort: UInt16 = 0
  /// The number of the protocol, 6 for TCP.
  package var transport: UInt8 = 0
  /// TCP's flags, as far as the log tells them.
  package var flags: UInt8 = 0
  package var verdict = Verdict.unknown
  package var outcome = Outcome.unknown
  /// Whether these are the server's packets only.
  package var isReply = false
  /// The place of the account among those of the chunk or, later, of the run.
  package var account: UInt32 = 0
  /// The line or record of the file.
  package var position: UInt32 = 0
  /// The file's place among those of the run.
  package var file: UInt32 = 0

  /// Whether this is TCP.
  package var isTCP: Bool { transport == 6 }

  /// Whether the connection carried nothing: an attempt that failed, or a handshake alone.
  ///
  /// A handshake with its end takes at most five packets of a side, none longer than headers.
  package var isHollow: Bool {
    if outcome == .failed { return true }
    let side = isReply ? received : sent
    return isTCP && side.packets > 0 && side.packets <= 5 && side.bytes <= side.packets * 64
  }

  /// A number that records of one connection share.
  @inline(__always) func connectionHash(_ seed: UInt64) -> UInt64 {
    var hash = FlowHash(client, seed)
    hash.combine(server)
    hash.combine(UInt64(clientPort) << 32 | UInt64(serverPort) << 8 | UInt64(transport))
    return hash.value
  }

  /// A number that the same record delivered twice has both times.
  @inline(__always) func fingerprint(_ seed: UInt64) -> UInt64 {
    var hash = FlowHash(client, seed)
    hash.combine(server)
    hash.combine(
      UInt64(clientPort) << 32 | UInt64(serverPort) << 16 | UInt64(transport) << 8 | UInt64(flags)
    )
    hash.combine(UInt64(bitPattern: start))
    hash.combine(UInt64(bitPattern: end))
    hash.combine(UInt64(bitPattern: sent.bytes) &* 31 &+ UInt64(bitPattern: received.bytes))
    hash.combine(UInt64(bitPattern: sent.packets) &* 31 &+ UInt64(bitPattern: received.packets))
    hash.combine(UInt64(verdict.rawValue) << 1 | (isReply ? 1 : 0))
    return hash.value
  }
}

/// A quick hash of words; a seed that nobody else knows keeps senders from choosing collisions.
struct FlowHash {
  private(set) var value: UInt64

  @inline(__always) init(_ number: UInt128, _ seed: UInt64) {
    value = Self.mix(
      UInt64(truncatingIfNeeded: number) ^ 0x9E37_79B9_7F4A_7C15,
      UInt64(truncatingIfNeeded: number >> 64) ^ seed
    )
  }

  @inline(__always) mutating func combine(_ word: UInt64) {
    value = Self.mix(value ^ word, 0xD6E8_FEB8_6659_FD93)
  }

  @inline(__always) mutating func combine(_ number: UInt128) {
    combine(UInt64(truncatingIfNeeded: number) ^ UInt64(truncatingIfNeeded: number >> 64) &* 31)
  }

  @inline(__always) static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }
}
