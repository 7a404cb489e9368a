import Model

/// Addresses as numbers: IPv6 as such, IPv4 as the IPv6 addresses that stand for it (RFC 4291).
package enum FlowAddress {
  /// What lies above the 32 bits of an IPv4 address.
  static let v4Prefix: UInt128 = 0xFFFF << 32

  /// Whether an address is IPv4.
  @inline(__always) static func isV4(_ address: UInt128) -> Bool { address >> 32 == 0xFFFF }

  /// The address in writing: dotted, or as RFC 5952 has it.
  package static func text(_ address: UInt128) -> String {
    if isV4(address) {
      let number = UInt32(truncatingIfNeeded: address)
      return "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    }
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: address >> (112 - 16 * UInt128($0))) }
    var gap = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > max(1, gap.count) { gap = start..<end }
      start = end + 1
    }
    func joined(_ part: ArraySlice<UInt16>) -> String {
      part.map { String($0, radix: 16) }.joined(separator: ":")
    }
    if gap.isEmpty { return joined(groups[...]) }
    return joined(groups[..<gap.lowerBound]) + "::" + joined(groups[gap.upperBound...])
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
    guard text.count >= 2, text.count <= 45 else { return nil }
    var head: UInt128 = 0
    var tail: UInt128 = 0
    var counts = (head: 0, tail: 0)
    var hasGap = false
    var index = 0
    if text[0] == 0x3A {
      guard text[1] == 0x3A else { return nil }
      hasGap = true
      index = 2
    }
    while index < text.count {
      let start = index
      var group: UInt128 = 0
      while index < text.count, let digit = hexadecimal(text[index]) {
        group = group << 4 | UInt128(digit)
        index += 1
      }
      if index < text.count, text[index] == 0x2E {
        guard let v4 = parseV4(text.slice(start, text.count)) else { return nil }
        let low = UInt128(v4)
        if hasGap { tail = tail << 32 | low } else { head = head << 32 | low }
        if hasGap { counts.tail += 2 } else { counts.head += 2 }
        index = text.count
        break
      }
      guard (1...4).contains(index - start) else { return nil }
      if hasGap { tail = tail << 16 | group } else { head = head << 16 | group }
      if hasGap { counts.tail += 1 } else { counts.head += 1 }
      if counts.head + counts.tail > 8 { return nil }
      if index == text.count { break }
      guard text[index] == 0x3A else { return nil }
      index += 1
      if index == text.count { return nil }
      if text[index] == 0x3A {
        guard !hasGap else { return nil }
        hasGap = true
        index += 1
      }
    }
    let sum = counts.head + counts.tail
    guard hasGap ? sum < 8 : sum == 8 else { return nil }
    let shift = UInt128(16 * (8 - counts.head))
    return (counts.head == 0 ? 0 : head << shift) | tail
  }

  @inline(__always) private static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}
