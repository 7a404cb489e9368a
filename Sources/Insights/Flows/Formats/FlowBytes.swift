/// A stretch of bytes that somebody else owns for as long as it is looked at.
@safe struct FlowBytes {
  private let start: UnsafePointer<UInt8>
  let count: Int

  /// The stretch of a buffer; nothing of it may be looked at after the buffer is gone.
  @inline(__always) init?(_ buffer: UnsafeBufferPointer<UInt8>) {
    guard let start = buffer.baseAddress else { return nil }
    unsafe self.start = start
    count = buffer.count
  }

  @inline(__always) init(start: UnsafePointer<UInt8>, count: Int) {
    unsafe self.start = start
    self.count = count
  }

  @inline(__always) subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < count)
    return unsafe start[index]
  }

  /// The bytes from one place to another.
  @inline(__always) func slice(_ from: Int, _ to: Int) -> FlowBytes {
    precondition(from >= 0 && from <= to && to <= count)
    return unsafe FlowBytes(start: start + from, count: to - from)
  }

  var buffer: UnsafeBufferPointer<UInt8> {
    unsafe UnsafeBufferPointer(start: start, count: count)
  }

  /// The text, as UTF-8 with what is none replaced.
  var text: String { unsafe String(decoding: buffer, as: UTF8.self) }

  /// The text for a message: its beginning, where it is long.
  var quoted: String {
    let shown = slice(0, min(count, 48)).text
    return "\"\(shown)\(count > 48 ? "…" : "")\""
  }

  /// The place of a byte at or behind a place, or the end.
  @inline(__always) func first(_ byte: UInt8, from place: Int) -> Int {
    var index = place
    while index < count, unsafe start[index] != byte { index += 1 }
    return index
  }

  /// Whether the bytes are those of a text.
  func equals(_ text: StaticString) -> Bool {
    guard text.utf8CodeUnitCount == count else { return false }
    for index in 0..<count where unsafe text.utf8Start[index] != start[index] { return false }
    return true
  }

  /// Whether the bytes are some others.
  @inline(__always) func equals(_ bytes: [UInt8]) -> Bool {
    guard bytes.count == count else { return false }
    for index in 0..<count where unsafe bytes[index] != start[index] { return false }
    return true
  }

  /// Without white space and quotes around.
  var trimmed: FlowBytes {
    var (from, to) = (0, count)
    while from < to, self[from] <= 0x20 { from += 1 }
    while to > from, self[to - 1] <= 0x20 { to -= 1 }
    if to - from >= 2, self[from] == 0x22, self[to - 1] == 0x22 { (from, to) = (from + 1, to - 1) }
    return slice(from, to)
  }

  /// Whether the bytes say that there is nothing.
  @inline(__always) var isUnset: Bool {
    count == 0 || count == 1 && self[0] == 0x2D || count == 7 && equals("(empty)")
  }

  /// The whole number that the bytes are.
  @inline(__always) var number: Int64? {
    guard count > 0, count <= 18 else { return nil }
    var value: Int64 = 0
    for index in 0..<count {
      let digit = self[index] &- 0x30
      if digit > 9 { return nil }
      value = value &* 10 &+ Int64(digit)
    }
    return value
  }

  /// The number that the bytes are, with a fraction.
  var decimal: Double? {
    let dot = first(0x2E, from: 0)
    if dot < count, let whole = slice(0, dot).number {
      let fraction = slice(dot + 1, min(count, dot + 10))
      guard let digits = fraction.number else { return nil }
      var scale = 1.0
      for _ in 0..<fraction.count { scale *= 10 }
      return Double(whole) + Double(digits) / scale
    }
    return number.map { Double($0) } ?? Double(text).flatMap { $0.isFinite ? $0 : nil }
  }
}
