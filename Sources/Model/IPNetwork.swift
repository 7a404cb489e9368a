/// An IPv4 or IPv6 network; an address is a network of its full length.
package struct IPNetwork: Sendable, Hashable {
  /// Whether this is IPv6.
  package let isV6: Bool
  /// The first address.
  package let first: UInt128
  /// The last address.
  package let last: UInt128

  /// Reads `10.0.0.0/8`, `10.1.2.3`, `2001:db8::/32` or `::1`; nil where the text is neither.
  ///
  /// Host bits behind the prefix are dropped, as routers do. Text forms: RFC 4632 and RFC 4291.
  package init?(_ text: String) {
    var text = text
    let parsed = text.withUTF8 { unsafe Self.parse($0) }
    guard let parsed else { return nil }
    self = parsed
  }

  /// Reads a network from UTF-8.
  package init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
    guard let parsed = unsafe Self.parse(bytes) else { return nil }
    self = parsed
  }

  /// Whether a text is an IPv4 or IPv6 address, without a prefix length.
  package static func isAddress(_ text: String) -> Bool { address(text) != nil }

  /// The address that a text is, as it is written everywhere: dotted, IPv6 by RFC 5952; nil where it is none.
  package static func address(_ text: String) -> String? {
    guard !text.contains("/"), let network = IPNetwork(text) else { return nil }
    // An IPv4 address may stand in IPv6's form (RFC 4291).
    let isV4 = !network.isV6 || network.first >> 32 == 0xFFFF
    return isV4
      ? dotted(UInt32(truncatingIfNeeded: network.first)) : grouped(network.first)
  }

  /// An IPv4 address in writing.
  package static func dotted(_ number: UInt32) -> String {
    "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
  }

  /// An IPv6 address in writing (RFC 5952).
  package static func grouped(_ address: UInt128) -> String {
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

  private init(isV6: Bool, address: UInt128, prefix: Int) {
    let width = isV6 ? 128 : 32
    let hostBits = width - prefix
    let hostMask: UInt128 = hostBits == 128 ? .max : (1 << hostBits) - 1
    self.isV6 = isV6
    first = address & ~hostMask
    last = first | hostMask
  }

  /// Whether every address of the other network is one of this network's.
  package func contains(_ other: IPNetwork) -> Bool {
    isV6 == other.isV6 && first <= other.first && other.last <= last
  }

  /// Whether the two networks share an address.
  package func overlaps(_ other: IPNetwork) -> Bool {
    isV6 == other.isV6 && first <= other.last && other.first <= last
  }

  private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> IPNetwork? {
    let slash = unsafe bytes.firstIndex(of: 0x2F)
    let address = unsafe UnsafeBufferPointer(rebasing: bytes[..<(slash ?? bytes.count)])
    let isV6 = unsafe address.contains(0x3A)
    guard let value = unsafe isV6 ? v6(address) : v4(address).map({ UInt128($0) }) else {
      return nil
    }
    let width = isV6 ? 128 : 32
    var prefix = width
    if let slash {
      let digits = unsafe UnsafeBufferPointer(rebasing: bytes[(slash + 1)...])
      guard let number = unsafe decimal(digits), number <= width else { return nil }
      prefix = number
    }
    return IPNetwork(isV6: isV6, address: value, prefix: prefix)
  }

  private static func decimal(_ digits: UnsafeBufferPointer<UInt8>) -> Int? {
    guard (1...3).contains(digits.count) else { return nil }
    var number = 0
    for index in 0..<digits.count {
      let digit = unsafe digits[index]
      guard (0x30...0x39).contains(digit) else { return nil }
      number = number * 10 + Int(digit - 0x30)
    }
    return number
  }

  private static func v4(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32? {
    var address: UInt32 = 0
    var count = 0
    var start = 0
    while start <= bytes.count {
      var end = start
      while end < bytes.count, unsafe bytes[end] != 0x2E { end += 1 }
      let part = unsafe UnsafeBufferPointer(rebasing: bytes[start..<end])
      guard let octet = unsafe decimal(part), octet <= 255 else { return nil }
      address = address << 8 | UInt32(octet)
      count += 1
      start = end + 1
    }
    return count == 4 ? address : nil
  }

  /// Eight groups of 16 bits, of which one run of zeros may be `::` and the last two an IPv4 address.
  private static func v6(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt128? {
    var groups: [UInt16] = []
    var gap: Int?
    var index = 0
    if bytes.count >= 2, unsafe bytes[0] == 0x3A {
      guard unsafe bytes[1] == 0x3A else { return nil }
      gap = 0
      index = 2
    }
    while index < bytes.count {
      guard groups.count < 8 else { return nil }
      var end = index
      while end < bytes.count, unsafe bytes[end] != 0x3A { end += 1 }
      let part = unsafe UnsafeBufferPointer(rebasing: bytes[index..<end])
      if end == bytes.count, unsafe part.contains(0x2E) {
        guard let tail = unsafe v4(part) else { return nil }
        groups += [UInt16(tail >> 16), UInt16(truncatingIfNeeded: tail)]
        break
      }
      guard let group = unsafe hexadecimal(part) else { return nil }
      groups.append(group)
      if end == bytes.count { break }
      index = end + 1
      if index == bytes.count { return nil }
      if unsafe bytes[index] == 0x3A {
        guard gap == nil else { return nil }
        gap = groups.count
        index += 1
      }
    }
    guard groups.count <= 8, gap == nil ? groups.count == 8 : groups.count < 8 else { return nil }
    if let gap {
      groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
    }
    return groups.reduce(0) { $0 << 16 | UInt128($1) }
  }

  private static func hexadecimal(_ digits: UnsafeBufferPointer<UInt8>) -> UInt16? {
    guard (1...4).contains(digits.count) else { return nil }
    var number: UInt16 = 0
    for index in 0..<digits.count {
      let digit = unsafe digits[index]
      switch digit {
      case 0x30...0x39: number = number << 4 | UInt16(digit - 0x30)
      case 0x41...0x46: number = number << 4 | UInt16(digit - 0x37)
      case 0x61...0x66: number = number << 4 | UInt16(digit - 0x57)
      default: return nil
      }
    }
    return number
  }
}
