/// Whether something was met of late, in fixed memory: two generations of a Bloom filter whose bits
/// of one element lie in one line of the cache (Putze, Sanders, Singler 2007).
struct RecentFilter {
  private var young: [UInt64]
  private var old: [UInt64]
  private var since = Int64.min
  private var count = 0
  /// Milliseconds after which what was met may be forgotten; kept at least half that long.
  private let span: Int64

  /// A filter whose generations have as many bits as a power of two.
  init(bits: Int, span: Int64) {
    young = Array(repeating: 0, count: (1 << bits) / 64)
    old = young
    self.span = span
  }

  /// Notes an element; returns whether it was not met before.
  ///
  /// One in a hundred that are new is taken for known when a generation is full.
  @inline(__always) mutating func insert(_ hash: UInt64, at time: Int64) -> Bool {
    if time - span / 2 > since || count > young.count * 6 { turn(time) }
    let line = Int(truncatingIfNeeded: hash >> 20) & (young.count / 8 - 1)
    var (inYoung, inOld) = (true, true)
    var bits = hash
    for _ in 0..<4 {
      let bit = Int(truncatingIfNeeded: bits) & 511
      bits = bits >> 9 ^ bits << 55
      let mask = UInt64(1) << UInt64(bit & 63)
      let place = line * 8 + (bit >> 6)
      if young[place] & mask == 0 {
        inYoung = false
        young[place] |= mask
      }
      if old[place] & mask == 0 { inOld = false }
    }
    if !inYoung { count += 1 }
    return !inYoung && !inOld
  }

  private mutating func turn(_ time: Int64) {
    defer {
      since = time
      count = 0
    }
    if since == .min { return }
    swap(&young, &old)
    if time - span > since { old = Array(repeating: 0, count: old.count) }
    young = Array(repeating: 0, count: young.count)
  }

  func save(_ writer: inout StateWriter) {
    writer.put(since)
    writer.put(UInt64(count))
    for words in [young, old] {
      // Most words are empty most of the time.
      let used = words.indices.filter { words[$0] != 0 }
      let isDense = used.count * 3 > words.count * 2
      writer.put(UInt8(isDense ? 1 : 0))
      if isDense {
        writer.put(list: words)
      } else {
        writer.put(list: used.map { UInt32($0) })
        writer.put(list: used.map { words[$0] })
      }
    }
  }

  mutating func load(_ reader: inout StateReader) throws {
    since = try reader.get(Int64.self)
    count = Int(truncatingIfNeeded: try reader.get(UInt64.self))
    young = try loadWords(&reader)
    old = try loadWords(&reader)
  }

  private func loadWords(_ reader: inout StateReader) throws -> [UInt64] {
    if try reader.get(UInt8.self) == 1 {
      let words = try reader.getList(UInt64.self)
      if words.count == young.count { return words }
      throw StateReader.Fault(description: "was written by another version of plumb")
    }
    var words = [UInt64](repeating: 0, count: young.count)
    let places = try reader.getList(UInt32.self)
    let values = try reader.getList(UInt64.self)
    for (place, value) in zip(places, values) where Int(place) < words.count {
      words[Int(place)] = value
    }
    return words
  }
}

/// About how many different things were met, in 64 bytes.
///
/// HyperLogLog with 64 registers (Flajolet, Fusy, Gandouet, Meunier 2007), whose standard error is
/// 13 %; linear counting while there are few.
struct DistinctCount: BitwiseCopyable {
  private var registers = InlineArray<64, UInt8>(repeating: 0)

  @inline(__always) mutating func add(_ hash: UInt64) {
    let mixed = FlowHash.mix(hash ^ 0xA076_1D64_78BD_642F, 0xE703_7ED1_A0B4_28DB)
    let register = Int(truncatingIfNeeded: mixed) & 63
    let rank = UInt8(truncatingIfNeeded: (mixed >> 6 | 1 << 58).trailingZeroBitCount + 1)
    if registers[register] < rank { registers[register] = rank }
  }

  /// The estimate.
  var estimate: Int {
    var sum = 0.0
    var zeros = 0.0
    for index in 0..<64 {
      let rank = min(Int(registers[index]), 60)
      sum += 1 / Double(UInt64(1) << UInt64(rank))
      if rank == 0 { zeros += 1 }
    }
    let raw = 0.709 * 64 * 64 / sum
    if raw <= 160, zeros > 0 { return Int((64 * FlowMath.log(64 / zeros)).rounded()) }
    return Int(raw.rounded())
  }
}
