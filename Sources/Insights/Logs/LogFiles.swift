import Foundation

/// A log to be read: a file or standard input.
package struct LogInput: Sendable {
  /// How the log is called in findings and messages.
  package var name: String
  /// The path; nil for standard input.
  package var path: String?

  package init(name: String, path: String?) {
    self.name = name
    self.path = path
  }

  /// The logs at a path: a file, the files of a folder and all below it, or standard input for `-`.
  ///
  /// Of a folder, those that end in `.json`, `.jsonl`, `.ndjson`, `.log`, with or without `.gz`, and
  /// `.gz` alone, or in others that are named; CloudTrail's digests, which stand in folders of their
  /// own, are no logs.
  ///
  /// - Throws: ``LogError`` where nothing is there.
  package static func at(
    _ path: String,
    endings: [String] = ["json", "jsonl", "ndjson", "log", "gz"]
  ) throws -> [LogInput] {
    if path == "-" { return [LogInput(name: "standard input", path: nil)] }
    let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    guard let values = try? url.resourceValues(forKeys: [.isDirectoryKey]) else {
      throw LogError.unreadable(path, "No such file or directory")
    }
    guard values.isDirectory == true else { return [LogInput(name: path, path: path)] }
    var names: [String] = []
    let found = FileManager.default.enumerator(atPath: url.path)
    while let name = found?.nextObject() as? String {
      let isLog = endings.contains { name.hasSuffix(".\($0)") }
      if isLog, !name.contains("CloudTrail-Digest/") { names.append(name) }
    }
    if names.isEmpty {
      let list = endings.map { ".\($0)" }.joined(separator: ", ")
      throw LogError.unreadable(path, "holds no logs (\(list))")
    }
    let folder = path.hasSuffix("/") ? path : path + "/"
    return names.sorted().map { LogInput(name: folder + $0, path: folder + $0) }
  }
}

/// Why a log cannot be read.
package enum LogError: Error, CustomStringConvertible {
  case unreadable(String, String)

  /// The file and the reason.
  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): \(reason)"
    }
  }
}

/// Reads a log by pieces, inflating what is gzip.
struct LogReader {
  private let descriptor: Int32
  private let name: String
  private let isOwned: Bool
  private var inflater: Inflater?
  private var isFirst = true
  /// Whether the file was read to its end; of what it holds more may come.
  private var hasEnded = false
  private(set) var isAtEnd = false
  /// Whether what a pipe gives is handed out at once instead of gathered.
  private let isEager: Bool

  /// How many bytes are read at once.
  static let pieceSize = 1 << 20
  /// About how many bytes are inflated at once, of however few they come.
  static let inflatedSize = 4 << 20

  /// Whether the log is compressed; known once something was read.
  var isCompressed: Bool { inflater != nil }

  init(_ input: LogInput, offset: Int64 = 0, isEager: Bool = false) throws {
    name = input.name
    self.isEager = isEager
    isFirst = offset == 0
    guard let path = input.path else {
      descriptor = STDIN_FILENO
      isOwned = false
      return
    }
    let opened = unsafe open(path, O_RDONLY)
    guard opened >= 0 else {
      throw LogError.unreadable(path, unsafe String(cString: strerror(errno)))
    }
    descriptor = opened
    isOwned = true
    if offset > 0, lseek(opened, off_t(offset), SEEK_SET) != off_t(offset) {
      _ = Foundation.close(opened)
      throw LogError.unreadable(path, "it cannot be read on from byte \(offset)")
    }
  }

  func close() { if isOwned { _ = Foundation.close(descriptor) } }

  /// Reads the next piece and lends it out, perhaps in parts.
  ///
  /// - Returns: how many bytes were read.
  mutating func read(_ body: (ArraySlice<UInt8>) throws -> Void) throws -> Int {
    if let inflater, inflater.hasMore {
      try inflate(inflater, body)
      return 0
    }
    var piece = [UInt8](repeating: 0, count: Self.pieceSize)
    var count = 0
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
    if count < piece.count {
      piece.removeLast(piece.count - count)
    }
    if isFirst {
      isFirst = false
      if piece.starts(with: [0x1F, 0x8B]) { inflater = try Inflater() }
    }
    guard let inflater else {
      isAtEnd = hasEnded
      try body(piece[...])
      return count
    }
    inflater.give(piece)
    try inflate(inflater, body)
    return count
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
