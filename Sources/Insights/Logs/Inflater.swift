private import CZlib

/// Inflates gzip by pieces; members that stand one after another are one text.
@safe final class Inflater {
  private var stream = unsafe z_stream()
  private var room = [UInt8](repeating: 0, count: 1 << 18)
  private var input: [UInt8] = []
  private var used = 0
  /// Whether the stream may hold more than there was room for.
  private var isFull = false
  /// Whether a member ended and no other began.
  private(set) var isAtEnd = false

  /// What is wrong with compressed bytes.
  struct Fault: Error, CustomStringConvertible {
    var description: String
  }

  init() throws(Fault) {
    // 15 bits of window, and 32 for "gzip or zlib, as the header says".
    let code = unsafe inflateInit2_(
      &stream,
      15 + 32,
      ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size)
    )
    guard code == Z_OK else { throw Fault(description: "out of memory") }
  }

  deinit { unsafe inflateEnd(&stream) }

  /// Whether there is more to come of the bytes given.
  var hasMore: Bool { used < input.count || isFull }

  /// Takes compressed bytes, once there is no more to come of those before.
  func give(_ bytes: [UInt8]) {
    input = bytes
    used = 0
  }

  /// Inflates on and hands out what comes of it, piece by piece, until it is about so many bytes.
  func inflate(upTo limit: Int, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
    var total = 0
    while hasMore, total < limit {
      let (code, made) = step()
      total += made
      isFull = made == room.count
      if made > 0 { try body(room[..<made]) }
      switch code {
      case Z_OK: isAtEnd = false
      // Nothing was left to do.
      case Z_BUF_ERROR: isFull = false
      case Z_STREAM_END:
        isAtEnd = true
        isFull = false
        _ = unsafe inflateReset(&stream)
      default: throw Fault(description: "not valid gzip")
      }
    }
  }

  private func step() -> (Int32, made: Int) {
    unsafe input.withUnsafeMutableBufferPointer { source in
      unsafe room.withUnsafeMutableBufferPointer { target in
        unsafe stream.next_in = source.baseAddress?.advanced(by: used)
        unsafe stream.avail_in = UInt32(source.count - used)
        unsafe stream.next_out = target.baseAddress
        unsafe stream.avail_out = UInt32(target.count)
        let code = unsafe CZlib.inflate(&stream, Z_NO_FLUSH)
        used = unsafe source.count - Int(stream.avail_in)
        return unsafe (code, target.count - Int(stream.avail_out))
      }
    }
  }
}
