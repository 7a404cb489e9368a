/// Networks with what is known of each, found by an address.
package struct AddressRanges: Sendable {
  private var starts: [UInt128] = []
  private var ends: [UInt128] = []
  /// What is known of each range: places in the list that was given.
  private var values: [[UInt32]] = []
  /// The blocks of 65,536 IPv4 addresses in which anything is known.
  private var blocks = [UInt64](repeating: 0, count: 1024)
  private var hasV6 = false

  /// Whether nothing is known of any address.
  package var isEmpty: Bool { starts.isEmpty }

  /// Makes ranges that do not overlap of networks that may; `value` says which network it was.
  package init(_ networks: [(range: ClosedRange<UInt128>, value: UInt32)]) {
    var events: [(place: UInt128, isEnd: Bool, value: UInt32)] = []
    for (range, value) in networks {
      events.append((range.lowerBound, false, value))
      // The last address of all has nothing behind it.
      if range.upperBound < .max { events.append((range.upperBound + 1, true, value)) }
    }
    events.sort { $0.place != $1.place ? $0.place < $1.place : $0.isEnd && !$1.isEnd }
    var active: [UInt32] = []
    for (index, event) in events.enumerated() {
      if event.isEnd {
        if let place = active.firstIndex(of: event.value) { active.remove(at: place) }
      } else {
        active.append(event.value)
      }
      let next = index + 1 < events.count ? events[index + 1].place : nil
      guard !active.isEmpty, next != event.place else { continue }
      append(event.place, next.map { $0 - 1 } ?? .max, active)
    }
  }

  private mutating func append(_ start: UInt128, _ end: UInt128, _ active: [UInt32]) {
    starts.append(start)
    ends.append(end)
    values.append(active)
    let v4 = FlowAddress.v4Prefix...(FlowAddress.v4Prefix | 0xFFFF_FFFF)
    if start < v4.lowerBound || end > v4.upperBound { hasV6 = true }
    guard start <= v4.upperBound, end >= v4.lowerBound else { return }
    let first = UInt32(truncatingIfNeeded: max(start, v4.lowerBound)) >> 16
    let last = UInt32(truncatingIfNeeded: min(end, v4.upperBound)) >> 16
    for block in first...last { blocks[Int(block >> 6)] |= 1 << UInt64(block & 63) }
  }

  /// What is known of an address.
  @inline(__always) package func find(_ address: UInt128) -> [UInt32]? {
    place(address).map { values[$0] }
  }

  /// Whether anything is known of an address.
  @inline(__always) package func contains(_ address: UInt128) -> Bool { place(address) != nil }

  @inline(__always) private func place(_ address: UInt128) -> Int? {
    if FlowAddress.isV4(address) {
      let block = UInt32(truncatingIfNeeded: address) >> 16
      if blocks[Int(block >> 6)] & (1 << UInt64(block & 63)) == 0 { return nil }
    } else if !hasV6 {
      return nil
    }
    var (low, high) = (0, starts.count)
    while low < high {
      let middle = (low + high) >> 1
      if starts[middle] <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, ends[low - 1] >= address else { return nil }
    return low - 1
  }
}

/// Which addresses are one's own; all others are external.
package struct OwnNetworks: Sendable {
  private let ranges: AddressRanges

  /// What is taken for one's own where nothing is said: private, shared, link-local and unique
  /// local addresses, loopback.
  package static let privateNetworks = [
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
    "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128",
  ]

  /// Networks in writing.
  package init(_ networks: [String]) throws(FlowFormatError) {
    var found: [(range: ClosedRange<UInt128>, value: UInt32)] = []
    for (index, text) in networks.enumerated() {
      guard let range = FlowAddress.range(text) else {
        throw FlowFormatError(
          description: "\"\(text)\" is no network; expected such as 10.0.0.0/8 or 2001:db8::/32"
        )
      }
      found.append((range, UInt32(index)))
    }
    ranges = AddressRanges(found)
  }

  /// Whether an address is one's own.
  @inline(__always) package func contains(_ address: UInt128) -> Bool { ranges.contains(address) }
}
