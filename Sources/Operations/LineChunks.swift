import Foundation
import JSON
import Synchronization

/// A piece of a text that ends at a line end, with readable padding behind it.
///
/// Filled by the reader, then read by one task until it is given back.
@safe final class Chunk: @unchecked Sendable {
  // Sendable: handed over, never shared; the reader gets it back before it is filled again.
  private(set) var start: UnsafeMutablePointer<UInt8>
  private(set) var capacity: Int
  var count = 0
  var firstLine = 1
  var lineCount = 0

  init(capacity: Int) {
    self.capacity = capacity
    unsafe start = Self.memory(capacity)
  }

  deinit { unsafe start.deallocate() }

  private static func memory(_ capacity: Int) -> UnsafeMutablePointer<UInt8> {
    let size = capacity + JSONParser.padding
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
    unsafe memory.initialize(repeating: 0, count: size)
    return unsafe memory
  }

  /// The text of the chunk.
  var text: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: start, count: count) }

  /// Gives the memory back and takes as much as asked for.
  func reset(capacity: Int) {
    unsafe start.deallocate()
    unsafe start = Self.memory(capacity)
    self.capacity = capacity
    count = 0
  }

  /// Makes room for more bytes and keeps those that are there.
  func grow(to capacity: Int) {
    let larger = unsafe Self.memory(capacity)
    unsafe larger.update(from: start, count: count)
    unsafe start.deallocate()
    unsafe start = unsafe larger
    self.capacity = capacity
  }
}

/// Why an input cannot be read to its end.
package enum InputError: Error, Equatable, CustomStringConvertible {
  case unreadable(String, reason: String)
  case lineTooLong(String, line: Int, limit: Int)

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .unreadable(let name, let reason): "\(name): \(reason)"
    case .lineTooLong(let name, let line, let limit):
      "\(name):\(line): longer than \(limit >> 20) MiB; an inventory has one resource per line"
    }
  }
}

/// Cuts an open file into chunks at line ends.
struct LineChunks {
  /// How long one line may be.
  static let lineLimit = 64 << 20
  /// How large chunks are, unless one line is longer.
  static let chunkSize = 1 << 18

  private let descriptor: Int32
  private let name: String
  private var rest: [UInt8] = []
  private var line = 1
  private var isAtEnd = false
  private(set) var bytesRead = 0

  init(descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  /// Fills a chunk with the next lines; false at the end.
  mutating func fill(_ chunk: Chunk) throws -> Bool {
    // A chunk that grew for one long line does not stay large.
    if chunk.capacity > Self.chunkSize, rest.count <= Self.chunkSize {
      chunk.reset(capacity: Self.chunkSize)
      if rest.capacity > 4 * Self.chunkSize { rest = Array(rest) }
    }
    chunk.count = 0
    chunk.firstLine = line
    append(rest[...], to: chunk)
    rest.removeAll(keepingCapacity: true)
    var searched = 0
    while true {
      if chunk.isFull || isAtEnd,
        let end = unsafe chunk.text[searched...].lastIndex(of: 0x0A)
      {
        unsafe rest.append(contentsOf: chunk.text[(end + 1)...])
        chunk.count = end + 1
        break
      }
      if isAtEnd { break }
      if chunk.isFull {
        searched = chunk.count
        guard chunk.capacity < Self.lineLimit else {
          throw InputError.lineTooLong(name, line: line, limit: Self.lineLimit)
        }
        chunk.grow(to: min(chunk.capacity * 4, Self.lineLimit))
      }
      try read(into: chunk)
    }
    // At the end what is left over is a last line without a line end.
    if isAtEnd, chunk.count == 0, !rest.isEmpty {
      append(rest[...], to: chunk)
      rest.removeAll()
    }
    chunk.lineCount = unsafe JSONParser.lineEnds(in: unsafe chunk.text)
    if unsafe chunk.text.last.map({ $0 != 0x0A }) ?? false { chunk.lineCount += 1 }
    line += chunk.lineCount
    return chunk.count > 0
  }

  private func append(_ bytes: ArraySlice<UInt8>, to chunk: Chunk) {
    if chunk.count + bytes.count > chunk.capacity { chunk.grow(to: chunk.count + bytes.count) }
    unsafe bytes.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      unsafe (chunk.start + chunk.count).update(from: base, count: source.count)
    }
    chunk.count += bytes.count
  }

  private mutating func read(into chunk: Chunk) throws {
    let start = unsafe chunk.start + chunk.count
    let room = chunk.capacity - chunk.count
    let got = unsafe Foundation.read(descriptor, start, room)
    if got < 0 {
      if errno == EINTR { return }
      throw InputError.unreadable(name, reason: unsafe String(cString: strerror(errno)))
    }
    if got == 0 { isAtEnd = true }
    chunk.count += got
    bytesRead += got
  }
}

extension Chunk {
  fileprivate var isFull: Bool { count == capacity }
}
