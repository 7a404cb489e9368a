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

  /// The place of the member of the object at a place under a key, or nil.
  func member(_ key: UnsafeBufferPointer<UInt8>, of place: Int) -> Int? {
    guard unsafe kind(place) == .object else { return nil }
    var index = place + 1
    let end = unsafe end(place)
    while index < end {
      if unsafe Comparer.equal(bytes(index), key) { return index + 1 }
      index = unsafe next(index + 1)
    }
    return nil
  }
}
