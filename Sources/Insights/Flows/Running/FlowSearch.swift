import Foundation

/// Looks for a text in bytes.
enum FlowSearch {
  /// The first place from one on.
  static func first(_ text: String, in bytes: [UInt8], from: Int) -> Int? {
    let wanted = Array(text.utf8)
    return unsafe bytes.withUnsafeBufferPointer { room -> Int? in
      guard let start = room.baseAddress, let letter = wanted.first else { return nil }
      var place = from
      while place + wanted.count <= room.count {
        let end = room.count - wanted.count + 1
        guard let hit = unsafe memchr(start + place, Int32(letter), end - place) else { return nil }
        place = unsafe UnsafeRawPointer(hit) - UnsafeRawPointer(start)
        if unsafe memcmp(start + place, wanted, wanted.count) == 0 { return place }
        place += 1
      }
      return nil
    }
  }

  /// The last place.
  static func last(_ text: String, in bytes: [UInt8]) -> Int? {
    var last: Int?
    var from = 0
    while let place = first(text, in: bytes, from: from) {
      last = place
      from = place + 1
    }
    return last
  }
}
