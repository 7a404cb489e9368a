import CSimdjson
import JSON
import Model

/// The values of the fields that are read of one event, as places of its tape.
///
/// Reused from event to event; a field may have several values, where a list is on its path.
@safe final class EventFields {
  private let trie: FieldTrie
  private(set) var tape = unsafe Tape()
  /// The first entry of each slot, or -1.
  private var first: [Int32]
  private var counts: [Int32]
  private var entries: [(place: Int32, next: Int32)] = []
  private var touched: [Int32] = []
  private var scratch: [UInt8] = []
  /// Whether a field has more values than are looked at.
  private(set) var isClipped = false

  /// How many values of one field of one event are looked at.
  static let valueLimit = 4096

  init(_ trie: FieldTrie) {
    self.trie = trie
    first = [Int32](repeating: -1, count: trie.count)
    counts = [Int32](repeating: 0, count: trie.count)
  }

  /// Reads the fields of an event; its tape must stay until the next.
  func load(_ tape: Tape) {
    unsafe self.tape = unsafe tape
    for slot in touched {
      first[Int(slot)] = -1
      counts[Int(slot)] = 0
    }
    touched.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
    isClipped = false
    unsafe trie.walk(tape) { slot, place in
      if first[slot] < 0 { touched.append(Int32(slot)) }
      guard Int(counts[slot]) < Self.valueLimit else {
        isClipped = true
        return
      }
      counts[slot] += 1
      entries.append((Int32(place), first[slot]))
      first[slot] = Int32(entries.count - 1)
    }
  }

  /// Whether a field has a value other than null.
  func has(_ slot: Int) -> Bool { first[slot] >= 0 }

  /// Whether a value is no list and no object.
  func isScalar(_ place: Int) -> Bool {
    let kind = unsafe tape.kind(place)
    return kind != .object && kind != .array
  }

  /// Whether a value of a field meets a condition over its place.
  ///
  /// The elements of a list are values too, beside the list as a whole.
  @inline(__always) func any(_ slot: Int, _ condition: (Int) -> Bool) -> Bool {
    var entry = first[slot]
    while entry >= 0 {
      let (place, next) = entries[Int(entry)]
      if condition(Int(place)) { return true }
      if unsafe tape.kind(Int(place)) == .array, anyElement(Int(place), condition) {
        return true
      }
      entry = next
    }
    return false
  }

  private func anyElement(_ place: Int, _ condition: (Int) -> Bool) -> Bool {
    var index = place + 1
    let end = unsafe tape.end(place)
    var count = 0
    while index < end, count < Self.valueLimit {
      let kind = unsafe tape.kind(index)
      if kind != .object, kind != .array, kind != .null, condition(index) { return true }
      index = unsafe tape.next(index)
      count += 1
    }
    if index < end { isClipped = true }
    return false
  }

  /// Lends out a value as text: a number and a boolean as JSON writes them, a list or an object as
  /// JSON without white space.
  @inline(__always) func withText<Result>(
    _ place: Int,
    _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    if unsafe tape.kind(place) == .string {
      return unsafe body(
        UnsafeBufferPointer(start: tape.textStart(place), count: tape.textLength(place))
      )
    }
    return unsafe withWrittenText(place, body)
  }

  private func withWrittenText<Result>(
    _ place: Int,
    _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    // Taken out so that a text lent out while another is written keeps its own memory.
    var writer = JSONWriter()
    swap(&writer.bytes, &scratch)
    writer.bytes.removeAll(keepingCapacity: true)
    unsafe tape.write(place, to: &writer)
    let result = unsafe writer.bytes.withUnsafeBufferPointer { unsafe body($0) }
    if writer.bytes.capacity < 1 << 16 { swap(&writer.bytes, &scratch) }
    return result
  }

  /// The first value of a field that is no list or object as a text, or nil.
  func text(_ slot: Int) -> String? {
    var text: String?
    _ = any(slot) { place in
      let kind = unsafe tape.kind(place)
      if kind == .object || kind == .array { return false }
      text = unsafe withText(place) { unsafe String(decoding: $0, as: UTF8.self) }
      return true
    }
    return text
  }

  /// The number that a value is or that its text is, or nil; what is not finite is none.
  func number(_ place: Int) -> Double? {
    switch unsafe tape.kind(place) {
    case .int64, .uint64, .double: return unsafe tape.double(place)
    case .string:
      guard unsafe tape.textLength(place) <= 40 else { return nil }
      return unsafe Double(tape.string(place)).flatMap { $0.isFinite ? $0 : nil }
    default: return nil
    }
  }

  /// The instant that a value is, in seconds.
  func seconds(_ place: Int) -> Double? {
    switch unsafe tape.kind(place) {
    case .int64, .uint64, .double: return unsafe Timestamp.seconds(tape.double(place))
    case .string:
      let text = unsafe UnsafeBufferPointer(
        start: tape.textStart(place),
        count: tape.textLength(place)
      )
      guard text.count >= 8, text.count <= 40 else { return nil }
      if let instant = unsafe Timestamp.seconds(text) { return instant }
      return unsafe Double(tape.string(place)).map { Timestamp.seconds($0) }
    default: return nil
    }
  }
}

extension Tape {
  /// Appends the value at a place as JSON without white space, as it stands: a key that stands
  /// twice is written twice.
  func write(_ place: Int, to writer: inout JSONWriter) {
    switch unsafe kind(place) {
    case .null: writer.raw("null")
    case .yes: writer.raw("true")
    case .no: writer.raw("false")
    case .int64: unsafe writer.bytes.append(contentsOf: String(int64(place)).utf8)
    case .uint64, .double: unsafe writer.number(double(place))
    case .string:
      unsafe writer.string(UnsafeBufferPointer(start: textStart(place), count: textLength(place)))
    case .array:
      writer.raw("[")
      var index = place + 1
      while unsafe index < end(place) {
        if index > place + 1 { writer.raw(",") }
        unsafe write(index, to: &writer)
        index = unsafe next(index)
      }
      writer.raw("]")
    default:
      writer.raw("{")
      var index = place + 1
      while unsafe index < end(place) {
        if index > place + 1 { writer.raw(",") }
        unsafe write(index, to: &writer)
        writer.raw(":")
        unsafe write(index + 1, to: &writer)
        index = unsafe next(index + 1)
      }
      writer.raw("}")
    }
  }
}
