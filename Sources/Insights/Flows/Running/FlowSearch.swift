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

/// What is known of files without reading them.
enum FlowFiles {
  /// The size of a file.
  static func size(_ path: String) -> Int64 {
    var facts = stat()
    return unsafe stat(path, &facts) == 0 ? Int64(facts.st_size) : 0
  }

  /// What tells a file from others; of its beginning at most so many bytes.
  static func identity(_ path: String, head limit: Int = 1024) -> FlowFileIdentity {
    var facts = stat()
    let descriptor = unsafe open(path, O_RDONLY)
    guard descriptor >= 0, unsafe fstat(descriptor, &facts) == 0 else { return FlowFileIdentity() }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = unsafe pread(descriptor, &bytes, limit, 0)
    var hash: UInt64 = 14_695_981_039_346_656_037
    for byte in bytes.prefix(max(0, count)) { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
    return FlowFileIdentity(
      inode: UInt64(facts.st_ino),
      head: hash,
      headCount: UInt32(max(0, count))
    )
  }
}
