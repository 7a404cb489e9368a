import JSON

/// A growing buffer of result lines.
///
/// Results are written for most resources, so appending must cost no more than the copy.
@safe final class LineBuffer {
  private var start: UnsafeMutablePointer<UInt8>
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int = 4096) {
    self.capacity = capacity
    unsafe start = .allocate(capacity: capacity)
  }

  deinit { unsafe start.deallocate() }

  /// The bytes written since the buffer was last emptied.
  var text: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: start, count: count) }

  /// Empties the buffer and keeps its memory.
  func removeAll() { count = 0 }

  /// Takes back what was appended since the buffer held a number of bytes.
  func truncate(to count: Int) { self.count = min(self.count, count) }

  @inline(__always)
  private func reserve(_ more: Int) {
    if count + more > capacity { grow(more) }
  }

  private func grow(_ more: Int) {
    let larger = max(capacity * 2, count + more)
    let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    unsafe moved.update(from: start, count: count)
    unsafe start.deallocate()
    unsafe start = unsafe moved
    capacity = larger
  }

  /// Appends bytes.
  @inline(__always)
  func append(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let base = bytes.baseAddress else { return }
    reserve(bytes.count)
    unsafe (start + count).update(from: base, count: bytes.count)
    count += bytes.count
  }

  /// Appends bytes.
  func append(_ bytes: [UInt8]) { unsafe bytes.withUnsafeBufferPointer { unsafe append($0) } }

  /// Appends text that is JSON already.
  @inline(__always)
  func append(_ text: StaticString) {
    unsafe append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends a JSON string: quotes, and escapes where they are needed.
  func appendString(_ text: UnsafeBufferPointer<UInt8>) {
    guard unsafe isPlain(text) else {
      var writer = JSONWriter()
      unsafe writer.string(text)
      return append(writer.bytes)
    }
    append("\"")
    unsafe append(text)
    append("\"")
  }

  /// Whether a text needs no escapes; a loop without an exit, which becomes vector instructions.
  private func isPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var special: UInt8 = 0
    for index in 0..<text.count {
      let byte = unsafe text[index]
      special |= (byte < 0x20 ? 1 : 0) | (byte == 0x22 ? 1 : 0) | (byte == 0x5C ? 1 : 0)
    }
    return special == 0
  }
}
