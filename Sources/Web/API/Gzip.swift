import CZlib

/// Compression with gzip (RFC 1952), by zlib.
enum Gzip {
  /// The bytes compressed; nil where zlib has no memory.
  static func compress(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = unsafe z_stream()
    // 16 more than the window's bits asks for gzip's header and trailer.
    let status = unsafe deflateInit2_(
      &stream,
      1,
      Z_DEFLATED,
      15 + 16,
      8,
      Z_DEFAULT_STRATEGY,
      ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size)
    )
    guard status == Z_OK else { return nil }
    defer { unsafe deflateEnd(&stream) }
    let capacity = Int(unsafe deflateBound(&stream, UInt(bytes.count)))
    var input = bytes
    return unsafe [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
      unsafe input.withUnsafeMutableBufferPointer { input in
        unsafe stream.next_in = input.baseAddress
        unsafe stream.avail_in = UInt32(input.count)
        unsafe stream.next_out = output.baseAddress
        unsafe stream.avail_out = UInt32(capacity)
        _ = unsafe deflate(&stream, Z_FINISH)
      }
      count = capacity - Int(unsafe stream.avail_out)
    }
  }
}
