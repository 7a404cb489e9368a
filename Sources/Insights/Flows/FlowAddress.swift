import Model

/// Addresses as numbers: IPv6 as such, IPv4 as the IPv6 addresses that stand for it (RFC 4291).
package enum FlowAddress {
  /// What lies above the 32 bits of an IPv4 address.
  static let v4Prefix: UInt128 = 0xFFFF << 32

  /// Whether an address is IPv4.
  @inline(__always) static func isV4(_ address: UInt128) -> Bool { address >> 32 == 0xFFFF }

  /// The address in writing: dotted, or as RFC 5952 has it.
  package static func text(_ address: UInt128) -> String {
    isV4(address)
      ? IPNetwork.dotted(UInt32(truncatingIfNeeded: address)) : IPNetwork.grouped(address)
  }

  /// The first and last address of a network or address in writing.
  package static func range(_ text: String) -> ClosedRange<UInt128>? {
    guard let network = IPNetwork(text) else { return nil }
    if network.isV6 { return network.first...network.last }
    return (network.first | v4Prefix)...(network.last | v4Prefix)
  }

  /// Reads an address without a prefix length.
  @inline(__always) static func parse(_ text: FlowBytes) -> UInt128? {
    parseV4(text).map { UInt128($0) | v4Prefix } ?? parseV6(text)
  }

  @inline(__always) private static func parseV4(_ text: FlowBytes) -> UInt32? {
    var number: UInt32 = 0
    var part: UInt32 = 0
    var digits = 0
    var dots = 0
    for index in 0..<text.count {
      let byte = text[index]
      if byte >= 0x30, byte <= 0x39 {
        part = part &* 10 &+ UInt32(byte &- 0x30)
        digits += 1
        if digits > 3 || part > 255 { return nil }
      } else if byte == 0x2E, digits > 0, dots < 3 {
        number = number << 8 | part
        (part, digits) = (0, 0)
        dots += 1
      } else {
        return nil
      }
    }
    return dots == 3 && digits > 0 ? number << 8 | part : nil
  }

  private static func parseV6(_ text: FlowBytes) -> UInt128? {
    // A network is longer than an address, and none.
    guard text.count >= 2, text.count <= 45, text.first(0x2F, from: 0) == text.count else {
      return nil
    }
    return unsafe IPNetwork(utf8: text.buffer).flatMap { $0.isV6 ? $0.first : nil }
  }
}
