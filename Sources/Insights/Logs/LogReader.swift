import Foundation

/// Reads a log by pieces, inflating what is gzip.
struct LogReader {
  /// Where pieces come from.
  private enum Source {
    case descriptor(FileBytes)
    case object(ObjectBytes)
  }

  private var source: Source
  private let name: String
  private var inflater: Inflater?
  private var isFirst: Bool
  /// Whether the log was read to its end; of what it holds more may come.
  private var hasEnded = false
  private(set) var isAtEnd = false

  /// How many bytes are read at once.
  static let pieceSize = 1 << 20
  /// How many logs of a bucket are opened at most before they are needed.
  static let ahead = 8
  /// About how many bytes are inflated at once, of however few they come.
  static let inflatedSize = 4 << 20

  /// Whether the log is compressed; known once something was read.
  var isCompressed: Bool { inflater != nil }

  /// Opens a log; of an object, the first bytes are asked for at once.
  init(_ input: LogInput, offset: Int64 = 0, isEager: Bool = false) throws {
    name = input.name
    isFirst = offset == 0
    source =
      switch input.place {
      case .standardInput: .descriptor(FileBytes(standardInputIsEager: isEager))
      case .file(let path): .descriptor(try FileBytes(path, offset: offset, isEager: isEager))
      case .object(let object): .object(ObjectBytes(object, offset: offset))
      }
  }

  func close() {
    switch source {
    case .descriptor(let bytes): bytes.close()
    case .object(let bytes): bytes.close()
    }
  }

  /// Reads the next piece and lends it out, perhaps in parts.
  ///
  /// - Returns: how many bytes were read.
  mutating func read(_ body: (ArraySlice<UInt8>) throws -> Void) async throws -> Int {
    if let inflater, inflater.hasMore {
      try inflate(inflater, body)
      return 0
    }
    let piece: [UInt8]
    switch source {
    case .descriptor(let bytes): (piece, hasEnded) = try bytes.next(name)
    case .object(var bytes):
      (piece, hasEnded) = try await bytes.next()
      source = .object(bytes)
    }
    if isFirst {
      isFirst = false
      if piece.starts(with: [0x1F, 0x8B]) { inflater = try Inflater() }
    }
    guard let inflater else {
      isAtEnd = hasEnded
      try body(piece[...])
      return piece.count
    }
    inflater.give(piece)
    try inflate(inflater, body)
    return piece.count
  }

  private mutating func inflate(
    _ inflater: Inflater,
    _ body: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    do { try inflater.inflate(upTo: Self.inflatedSize, body) } catch let fault as Inflater.Fault {
      throw LogError.unreadable(name, fault.description)
    }
    isAtEnd = hasEnded && !inflater.hasMore
    if isAtEnd, !inflater.isAtEnd { throw LogError.unreadable(name, "gzip breaks off") }
  }
}

/// The bytes of a file or of standard input.
private struct FileBytes {
  private let descriptor: Int32
  private let isOwned: Bool
  /// Whether what a pipe gives is handed out at once instead of gathered.
  private let isEager: Bool

  init(standardInputIsEager isEager: Bool) {
    (descriptor, isOwned, self.isEager) = (STDIN_FILENO, false, isEager)
  }

  init(_ path: String, offset: Int64, isEager: Bool) throws {
    self.isEager = isEager
    let opened = unsafe open(path, O_RDONLY)
    guard opened >= 0 else {
      throw LogError.unreadable(path, unsafe String(cString: strerror(errno)))
    }
    (descriptor, isOwned) = (opened, true)
    if offset > 0, lseek(opened, off_t(offset), SEEK_SET) != off_t(offset) {
      _ = Foundation.close(opened)
      throw LogError.unreadable(path, "it cannot be read on from byte \(offset)")
    }
  }

  func close() { if isOwned { _ = Foundation.close(descriptor) } }

  func next(_ name: String) throws -> (piece: [UInt8], isLast: Bool) {
    var piece = [UInt8](repeating: 0, count: LogReader.pieceSize)
    var count = 0
    var hasEnded = false
    // A pipe gives little at a time.
    while count < piece.count {
      let more = unsafe piece[count...].withUnsafeMutableBytes { room in
        unsafe Foundation.read(descriptor, room.baseAddress, room.count)
      }
      if more < 0 {
        if errno == EINTR { continue }
        throw LogError.unreadable(name, unsafe String(cString: strerror(errno)))
      }
      if more == 0 {
        hasEnded = true
        break
      }
      count += more
      if isEager { break }
    }
    piece.removeLast(piece.count - count)
    return (piece, hasEnded)
  }
}

/// The bytes of an object: a part is under way while the one before is looked at.
private struct ObjectBytes {
  private let object: any LogObject
  private var place: Int64
  private var underWay: Task<[UInt8], any Error>

  /// How many bytes are asked for at once; each request takes its time.
  private static let size = 4 << 20

  init(_ object: any LogObject, offset: Int64) {
    (self.object, place) = (object, offset)
    underWay = Self.task(object, offset)
  }

  private static func task(
    _ object: any LogObject,
    _ start: Int64
  ) -> Task<[UInt8], any Error> {
    let count = Int(max(0, min(Int64(size), object.size - start)))
    return Task { count == 0 ? [] : try await object.bytes(from: start, count: count) }
  }

  func close() { underWay.cancel() }

  mutating func next() async throws -> (piece: [UInt8], isLast: Bool) {
    let piece = try await underWay.value
    place += Int64(piece.count)
    underWay = Self.task(object, place)
    return (piece, place >= object.size)
  }
}
