import CSimdjson

extension Tape {
  /// The bytes of the string at a place, UTF-8 without escapes.
  @inline(__always)
  func bytes(_ place: Int) -> UnsafeBufferPointer<UInt8> {
    unsafe UnsafeBufferPointer(start: textStart(place), count: textLength(place))
  }

  /// The number at a place, or nil where none stands.
  func number(_ place: Int) -> Double? {
    switch unsafe kind(place) {
    case .int64, .uint64, .double: unsafe double(place)
    default: nil
    }
  }
}
