/// Whether something was met of late, in fixed memory: two generations of a Bloom filter whose bits
/// of one element lie in one line of the cache (Putze, Sanders, Singler 2007).
struct RecentFilter {
  /// Lines of eight words, of which four are the young generation's and four the old one's.
  private var words: [UInt64]
  private var since = Int64.min
  private var count = 0
  /// How many the old generation has.
  private var formerCount = 0
  /// How many were forgotten before their time, for want of room.
  private(set) var evictions = 0
  /// Milliseconds after which what was met may be forgotten; kept at least half that long.
  private let span: Int64

  /// A filter whose generations have as many bits as a power of two.
  init(bits: Int, span: Int64) {
    words = Array(repeating: 0, count: (1 << bits) / 32)
    self.span = span
  }

  /// Notes an element; returns whether it was not met before.
  ///
  /// Two in a hundred that are new are taken for known when a generation is full.
  @inline(__always) mutating func insert(_ hash: UInt64, at time: Int64) -> Bool {
    if time - span / 2 > since || isAhead(of: time) || count > words.count * 3 { turn(time) }
    let line = (Int(truncatingIfNeeded: hash >> 32) & (words.count / 8 - 1)) * 8
    var (inYoung, inOld) = (true, true)
    var bits = hash
    for _ in 0..<4 {
      let bit = Int(truncatingIfNeeded: bits) & 255
      bits >>= 8
      let mask = UInt64(1) << UInt64(bit & 63)
      let place = line + (bit >> 6)
      if words[place] & mask == 0 {
        inYoung = false
        words[place] |= mask
      }
      if words[place + 4] & mask == 0 { inOld = false }
    }
    if !inYoung { count += 1 }
    return !inYoung && !inOld
  }

  /// Whether what was met lies so far ahead that a clock was set back.
  @inline(__always) private func isAhead(of time: Int64) -> Bool {
    since != .min && since &- time > 2 * span
  }

  private mutating func turn(_ time: Int64) {
    let isGone = since == .min || time - span > since || isAhead(of: time)
    if !isGone, time - span / 2 <= since { evictions += formerCount }
    formerCount = isGone ? 0 : count
    for line in stride(from: 0, to: words.count, by: 8) {
      for word in line..<(line + 4) {
        words[word + 4] = isGone ? 0 : words[word]
        words[word] = 0
      }
    }
    since = time
    count = 0
  }

  func save(_ writer: inout StateWriter) {
    writer.put(since)
    writer.put(UInt64(count))
    writer.put(UInt64(formerCount))
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

  mutating func load(_ reader: inout StateReader) throws {
    since = try reader.get(Int64.self)
    count = Int(truncatingIfNeeded: try reader.get(UInt64.self))
    formerCount = Int(truncatingIfNeeded: try reader.get(UInt64.self))
    if try reader.get(UInt8.self) == 1 {
      let read = try reader.getList(UInt64.self)
      guard read.count == words.count else {
        throw StateReader.Fault(description: "was written by another version of plumb")
      }
      words = read
      return
    }
    let places = try reader.getList(UInt32.self)
    let values = try reader.getList(UInt64.self)
    for (place, value) in zip(places, values) where Int(place) < words.count {
      words[Int(place)] = value
    }
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

  /// Adds an address; of all its bits, so that those of a pattern are told apart.
  @inline(__always) mutating func add(_ address: UInt128) {
    add(FlowHash(address, 0x2545_F491_4F6C_DD1D).value)
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
