private import CZlib

/// Inflates gzip by pieces; members that stand one after another are one text.
@safe final class Inflater {
  private var stream = unsafe z_stream()
  private var room = [UInt8](repeating: 0, count: 1 << 18)
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

  /// Inflates bytes and hands out what comes of them, piece by piece.
  func inflate(_ bytes: inout [UInt8], _ body: (ArraySlice<UInt8>) throws -> Void) throws {
    let count = bytes.count
    var used = 0
    while used < count {
      let (code, left, made) = step(&bytes, from: used)
      used = count - left
      if made > 0 { try body(room[..<made]) }
      switch code {
      case Z_OK, Z_BUF_ERROR:
        isAtEnd = false
        if left == 0 && made < room.count { return }
      case Z_STREAM_END:
        isAtEnd = true
        _ = unsafe inflateReset(&stream)
      default: throw Fault(description: "not valid gzip")
      }
    }
    // What is left inside the stream when all input is used.
    while !isAtEnd {
      let (code, _, made) = step(&bytes, from: count)
      if made > 0 { try body(room[..<made]) }
      if code == Z_STREAM_END { isAtEnd = true }
      if made == 0 || code != Z_OK { return }
    }
  }

  private func step(_ bytes: inout [UInt8], from: Int) -> (Int32, left: Int, made: Int) {
    unsafe bytes.withUnsafeMutableBufferPointer { source in
      unsafe room.withUnsafeMutableBufferPointer { target in
        unsafe stream.next_in = source.baseAddress?.advanced(by: from)
        unsafe stream.avail_in = UInt32(source.count - from)
        unsafe stream.next_out = target.baseAddress
        unsafe stream.avail_out = UInt32(target.count)
        let code = unsafe CZlib.inflate(&stream, Z_NO_FLUSH)
        return unsafe (code, Int(stream.avail_in), target.count - Int(stream.avail_out))
      }
    }
  }
}
