import JSON

/// The results of a scan, in the order in which they were judged.
///
/// They may lie in a file and are then read again by each pass over them, so that memory does not
/// grow with their number.
package struct ResultList: Sequence, Sendable {
  private enum Storage: Sendable {
    case records([ResultRecord])
    case lines(any ResultFile, [String: Exception])
  }

  /// How many results there are.
  package let count: Int
  private let storage: Storage

  /// A list of results in memory.
  package init(_ records: [ResultRecord]) {
    storage = .records(records)
    count = records.count
  }

  /// A list of lines as ``ResultRecord/json`` writes them, and the exceptions that they may name.
  package init(_ lines: any ResultFile, count: Int, exceptions: [Exception]) {
    storage = .lines(lines, Dictionary(exceptions.map { ($0.id, $0) }) { first, _ in first })
    self.count = count
  }

  /// Whether there is no result.
  package var isEmpty: Bool { count == 0 }

  /// Begins a pass over the results.
  package func makeIterator() -> AnyIterator<ResultRecord> {
    switch storage {
    case .records(let records): return AnyIterator(records.makeIterator())
    case .lines(let lines, let exceptions):
      var reader = LineReader(lines)
      let parser = JSONParser()
      return AnyIterator {
        while let line = reader.next() {
          guard let json = try? parser.parse(line), var record = ResultRecord(json) else {
            continue
          }
          record.exception = json["exception"]?["id"]?.string.flatMap { exceptions[$0] }
          return record
        }
        return nil
      }
    }
  }

  /// Hands on every result as a line of JSON, some at a time.
  ///
  /// - Throws: what `write` throws.
  package func lines(_ write: ([UInt8]) throws -> Void) throws {
    switch storage {
    case .records(let records):
      var writer = JSONWriter()
      for record in records {
        writer.value(record.json)
        writer.raw("\n")
        guard writer.bytes.count > LineReader.size else { continue }
        try write(writer.bytes)
        writer.bytes.removeAll(keepingCapacity: true)
      }
      try write(writer.bytes)
    case .lines(let lines, _):
      var offset = 0
      while true {
        let bytes = lines.bytes(at: offset, count: LineReader.size)
        if bytes.isEmpty { return }
        try write(bytes)
        offset += bytes.count
      }
    }
  }
}

/// Where the lines of results lie.
package protocol ResultFile: Sendable {
  /// Up to `count` bytes from an offset; none at the end.
  func bytes(at offset: Int, count: Int) -> [UInt8]
}

/// Cuts the bytes of a file, which come in pieces, into lines.
package struct LineReader {
  static let size = 1 << 18

  private let lines: any ResultFile
  private var buffer: [UInt8] = []
  private var start = 0
  private var offset = 0

  /// A reader that begins at the start.
  package init(_ lines: any ResultFile) { self.lines = lines }

  /// The next line without its end; nil after the last.
  package mutating func next() -> ArraySlice<UInt8>? {
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: 0x0A) {
        defer { start = end + 1 }
        return buffer[start..<end]
      }
      searched = buffer.count - start
      buffer.removeFirst(start)
      start = 0
      let more = lines.bytes(at: offset, count: Self.size)
      if more.isEmpty { return nil }
      offset += more.count
      buffer += more
    }
  }
}
