import Glibc

extension ArraySlice<UInt8> {
  /// Whether some bytes stand in it, one after the other.
  ///
  /// Many times as quick as the standard library's search, which is generic.
  package func holds(_ part: [UInt8]) -> Bool {
    guard let first = part.first else { return true }
    return unsafe withUnsafeBytes { text in
      unsafe part.withUnsafeBytes { part in
        guard var start = text.baseAddress, let wanted = part.baseAddress else {
          return false
        }
        let end = unsafe start + text.count
        while unsafe end - start >= part.count,
          let found = unsafe memchr(start, Int32(first), end - start - part.count + 1)
        {
          if unsafe memcmp(found, wanted, part.count) == 0 { return true }
          unsafe start = UnsafeRawPointer(found) + 1
        }
        return false
      }
    }
  }
}
