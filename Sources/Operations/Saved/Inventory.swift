import Foundation
package import JSON
import Model

/// The inventory of a saved scan: a file that stays as it is until the scan has ended.
package struct Inventory: Sendable, Equatable {
  package let path: String
  private let size: Int64
  private let modified: Int64

  /// How many bytes a task has, give or take a line: at most so many that its outcome is kept in
  /// memory, at least so many that a commit is worth it.
  static let taskSizes: ClosedRange<Int64> = 4 << 20...64 << 20

  /// The file as it is now.
  ///
  /// - Throws: ``InputError`` when it is no file that can be read.
  package init(path: String) throws {
    self.path = path
    var facts = stat()
    guard unsafe stat(path, &facts) == 0 else {
      throw InputError.unreadable(path, reason: unsafe String(cString: strerror(errno)))
    }
    guard facts.st_mode & S_IFMT == S_IFREG else {
      throw InputError.unreadable(path, reason: "is no file")
    }
    size = Int64(facts.st_size)
    modified = Int64(facts.st_mtim.tv_sec) * 1_000_000_000 + Int64(facts.st_mtim.tv_nsec)
  }

  /// Whether the file holds not a single byte.
  package var isEmpty: Bool { size == 0 }

  /// The file as a scan's instruction holds it.
  package var json: JSONValue {
    ["path": .string(path), "size": .integer(size), "modified": .integer(modified)]
  }

  /// Reads an inventory back, and checks that the file is what it was.
  ///
  /// - Throws: ``InputError``.
  package init(_ json: JSONValue) throws {
    guard let path = json["path"]?.string else {
      throw InputError.unreadable("the scan", reason: "names no inventory")
    }
    try self.init(path: path)
    guard size == json["size"]?.whole.map(Int64.init), json["modified"] == .integer(modified)
    else {
      throw InputError.unreadable(
        path,
        reason: "was changed since the scan began; cancel the scan and begin another"
      )
    }
  }

  /// Cuts the file into tasks at line ends, a few for each worker where it is large enough.
  func cut(workers: Int) throws -> [(part: String, start: Int64, length: Int64)] {
    let file = try open()
    defer { close(file) }
    var tasks: [(part: String, start: Int64, length: Int64)] = []
    var start: Int64 = 0
    let share = size / Int64(workers * 4)
    let taskSize = min(max(share, Self.taskSizes.lowerBound), Self.taskSizes.upperBound)
    while start < size {
      let end = try lineEnd(file, from: min(start + taskSize, size))
      tasks.append(("part", start, end - start))
      start = end
    }
    tasks.append(("related", 0, 0))
    return tasks
  }

  /// The place behind the first line end from an offset on.
  private func lineEnd(_ file: Int32, from offset: Int64) throws -> Int64 {
    var offset = offset
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while offset < size {
      let got = try read(file, &buffer, at: offset)
      if let end = buffer[..<got].firstIndex(of: 0x0A) { return offset + Int64(end) + 1 }
      offset += Int64(got)
    }
    return size
  }

  /// The bytes of a part of the file.
  func bytes(of range: Range<Int64>) throws -> [UInt8] {
    let file = try open()
    defer { close(file) }
    let count = Int(range.upperBound - range.lowerBound)
    var done = 0
    return try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while done < count {
        let got = unsafe pread(
          file,
          buffer.baseAddress.map { unsafe $0 + done },
          count - done,
          off_t(range.lowerBound + Int64(done))
        )
        guard got > 0 else {
          if got < 0, errno == EINTR { continue }
          throw InputError.unreadable(
            path,
            reason: got == 0 ? "was cut short" : unsafe String(cString: strerror(errno))
          )
        }
        done += got
      }
      filled = count
    }
  }

  /// The number of the line that begins at an offset, from 1.
  func line(at offset: Int64) throws -> Int {
    let file = try open()
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    var place: Int64 = 0
    var lines = 1
    while place < offset {
      let got = min(try read(file, &buffer, at: place), Int(offset - place))
      lines += unsafe buffer[..<got].withUnsafeBufferPointer { unsafe JSONParser.lineEnds(in: $0) }
      place += Int64(got)
    }
    return lines
  }

  private func open() throws -> Int32 {
    let file = unsafe Foundation.open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw InputError.unreadable(path, reason: unsafe String(cString: strerror(errno)))
    }
    return file
  }

  private func read(_ file: Int32, _ buffer: inout [UInt8], at offset: Int64) throws -> Int {
    let count = buffer.count
    let got = unsafe buffer.withUnsafeMutableBytes {
      unsafe pread(file, $0.baseAddress, count, off_t(offset))
    }
    guard got > 0 else {
      throw InputError.unreadable(
        path,
        reason: got == 0 ? "was cut short" : unsafe String(cString: strerror(errno))
      )
    }
    return got
  }
}
