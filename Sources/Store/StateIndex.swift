/// What the store knows of every resource before a scan, in memory: about 70 bytes each.
///
/// A line of an inventory whose fingerprint is here is a resource that did not change; it need not
/// even be parsed.
package struct StateIndex: Sendable {
  /// One resource as it was last stored.
  package struct Entry: Sendable {
    package var resource: Int64
    package var key: Fingerprint
    package var fingerprint: Fingerprint
    package var account: Int64
    package var kind: Int64
    package var layout: Int64
    /// Whether it was still there.
    package var isCurrent: Bool
  }

  /// A place of a hash table: an entry, and enough of its hash that others are seldom looked at.
  private struct Slot: Sendable {
    var mark: UInt32
    var index: Int32

    static let free = Slot(mark: 0, index: -1)
  }

  package private(set) var entries: [Entry] = []
  private var byFingerprint: [Slot] = []
  private var byKey: [Slot] = []
  private var mask = 0

  package init() {}

  /// An index of entries.
  package init(_ entries: [Entry]) {
    self.entries = entries
    var size = 64
    while size < entries.count * 2 { size *= 2 }
    mask = size - 1
    byFingerprint = Array(repeating: .free, count: size)
    byKey = Array(repeating: .free, count: size)
    for index in entries.indices {
      if entries[index].isCurrent { place(index, entries[index].fingerprint, in: &byFingerprint) }
      place(index, entries[index].key, in: &byKey)
    }
  }

  private func place(_ index: Int, _ hash: Fingerprint, in table: inout [Slot]) {
    var place = Int(truncatingIfNeeded: hash.low) & mask
    while table[place].index >= 0 { place = (place + 1) & mask }
    table[place] = Slot(
      mark: UInt32(truncatingIfNeeded: hash.high),
      index: Int32(truncatingIfNeeded: index)
    )
  }

  /// The place of the current resource with a fingerprint.
  package func place(fingerprint: Fingerprint) -> Int? {
    guard !byFingerprint.isEmpty else { return nil }
    var place = Int(truncatingIfNeeded: fingerprint.low) & mask
    let mark = UInt32(truncatingIfNeeded: fingerprint.high)
    while byFingerprint[place].index >= 0 {
      let index = Int(byFingerprint[place].index)
      if byFingerprint[place].mark == mark, entries[index].fingerprint == fingerprint {
        return index
      }
      place = (place + 1) & mask
    }
    return nil
  }

  /// The place of the resource with a key, current or gone.
  package func place(key: Fingerprint) -> Int? {
    guard !byKey.isEmpty else { return nil }
    var place = Int(truncatingIfNeeded: key.low) & mask
    let mark = UInt32(truncatingIfNeeded: key.high)
    while byKey[place].index >= 0 {
      let index = Int(byKey[place].index)
      if byKey[place].mark == mark, entries[index].key == key { return index }
      place = (place + 1) & mask
    }
    return nil
  }
}

/// A set of fingerprints, which are spread evenly already and need no hashing.
package struct FingerprintSet: Sendable {
  private var table: [Fingerprint] = Array(repeating: .none, count: 1024)
  private var count = 0
  private var hasNone = false

  package init() {}

  /// Adds a fingerprint; false where it was there.
  package mutating func insert(_ fingerprint: Fingerprint) -> Bool {
    if fingerprint == .none {
      defer { hasNone = true }
      return !hasNone
    }
    if count * 2 >= table.count { grow() }
    return place(fingerprint)
  }

  private mutating func place(_ fingerprint: Fingerprint) -> Bool {
    let mask = table.count - 1
    var place = Int(truncatingIfNeeded: fingerprint.low) & mask
    while table[place] != .none {
      if table[place] == fingerprint { return false }
      place = (place + 1) & mask
    }
    table[place] = fingerprint
    count += 1
    return true
  }

  private mutating func grow() {
    let former = table
    table = Array(repeating: .none, count: former.count * 2)
    count = 0
    for fingerprint in former where fingerprint != .none { _ = place(fingerprint) }
  }
}

extension Fingerprint {
  fileprivate static let none = Fingerprint(high: 0, low: 0)
}

/// A set of resource numbers, as differences of seven bits a byte.
package struct NumberSet: Sendable, Equatable {
  /// The numbers, ascending.
  package var numbers: [Int64]

  package init(_ numbers: [Int64]) { self.numbers = numbers.sorted() }

  /// The set as compressed bytes.
  package var packed: [UInt8] {
    var bytes: [UInt8] = []
    var last: Int64 = 0
    for number in numbers {
      var rest = UInt64(bitPattern: number &- last)
      last = number
      while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
      }
      bytes.append(UInt8(truncatingIfNeeded: rest))
    }
    return Pack.compress(bytes)
  }

  /// The set as a bit for each number up to the greatest.
  package static func bits(of sets: [NumberSet]) -> NumberBits {
    var bits = NumberBits(upTo: sets.compactMap(\.numbers.last).max() ?? 0)
    for set in sets { for number in set.numbers { bits.insert(number) } }
    return bits
  }

  /// Reads a set back.
  ///
  /// - Throws: ``StoreError/damaged(_:)``.
  package init(packed: [UInt8]) throws {
    numbers = []
    var last: Int64 = 0
    var value: UInt64 = 0
    var shift: UInt64 = 0
    for byte in try Pack.decompress(packed) {
      value |= UInt64(byte & 0x7F) << shift
      shift += 7
      guard byte & 0x80 == 0 else { continue }
      last &+= Int64(bitPattern: value)
      numbers.append(last)
      value = 0
      shift = 0
    }
    guard shift == 0 else { throw StoreError.damaged("a set of numbers is cut off") }
  }
}

/// A set of numbers as bits.
package struct NumberBits: Sendable {
  private var words: [UInt64]

  init(upTo greatest: Int64) {
    words = Array(repeating: 0, count: Int(max(0, greatest) >> 6) + 1)
  }

  mutating func insert(_ number: Int64) {
    guard number >= 0 else { return }
    words[Int(number >> 6)] |= 1 << UInt64(number & 63)
  }

  /// Whether a number is in the set.
  package func contains(_ number: Int64) -> Bool {
    let word = Int(number >> 6)
    return number >= 0 && word < words.count && words[word] >> UInt64(number & 63) & 1 == 1
  }
}
