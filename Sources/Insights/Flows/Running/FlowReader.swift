import Foundation
import JSON

/// Reads a flow log by pieces and cuts them where records end.
struct FlowReader {
  /// The longest line; no flow record comes near it.
  static let lineLimit = 64 << 10

  /// How lines or records of a file are to be read.
  enum Shape {
    case lines(FlowColumns)
    /// An object per line.
    case objects
    /// JSON of another form, which can only be read from its beginning.
    case json(RecordCutter)
  }

  let input: LogInput
  let file: UInt32
  private let format: FlowFormat?
  private var reader: LogReader
  private(set) var shape: Shape?
  private let columns: FlowColumns?
  /// What stands behind the last whole line.
  private(set) var rest: [UInt8] = []
  private var line: Int
  private var offset: Int64
  private let identity: FlowFileIdentity
  private var isSkipping = false
  private var isBehind = false
  private var tooLong: [Int] = []
  private(set) var isAtEnd = false
  /// Whether everything was read so far and more may follow.
  private(set) var isDrained = false
  /// What was read so far, where marks are asked for; and that up to the last whole line.
  private(set) var print: LogPrint?
  private(set) var linePrint: LogPrint?
  /// How far earlier runs counted the conversations, the shortest first.
  private let marks: [LogMark]
  /// Whether another run reads on, so that a line that breaks off waits for its rest.
  private let isResumed: Bool

  /// Begins at a position of an earlier run, or at the file's beginning.
  init(
    _ input: LogInput,
    file: UInt32,
    format: FlowFormat?,
    columns: FlowColumns?,
    from position: FlowPosition? = nil,
    isEager: Bool = false,
    print: LogPrint? = nil,
    isResumed: Bool = false,
    marks: [LogMark] = []
  ) throws {
    self.isResumed = isResumed
    (self.print, linePrint) = (print, print)
    self.marks = marks
    self.input = input
    self.file = file
    self.format = format
    self.columns = columns
    reader = try LogReader(input, offset: position?.offset ?? 0, isEager: isEager)
    line = position?.line ?? 0
    offset = position?.offset ?? 0
    identity = FlowFiles.identity(input)
    if offset > 0 {
      if let header = position?.header {
        shape = Self.columns(header).map { .lines($0) }
      } else {
        shape = .objects
      }
    }
  }

  func close() { reader.close() }

  /// Reads on and hands out the pieces that are whole; more may follow in a file that grows.
  ///
  /// - Returns: how many bytes were read.
  mutating func read(isLast: Bool, _ give: (FlowPiece) throws -> Void) async throws -> Int {
    var pieces: [FlowPiece] = []
    var fault: (any Error)?
    var read = 0
    // What came before a fault is read all the same.
    var parts: [[UInt8]] = []
    do { read = try await reader.read { parts.append(Array($0)) } } catch { fault = error }
    do { for part in parts { try note(part, &pieces) } } catch { fault = fault ?? error }
    isDrained = reader.isAtEnd
    // JSON of another form than lines is read as a whole, and anew where it has grown.
    if fault != nil || reader.isAtEnd && (isLast || reader.isCompressed || isJSON) {
      isAtEnd = true
      // What the file broke off in is no whole line.
      if fault != nil, case .lines = shape { rest = [] }
      if isResumed, !reader.isCompressed, isTorn { rest = [] }
      do { try end(&pieces) } catch { fault = fault ?? error }
    }
    mark(&pieces)
    for piece in pieces { try give(piece) }
    if let fault { throw fault }
    return read
  }

  /// Cuts where earlier runs stopped, and notes whether what came before is what they read.
  private mutating func note(_ part: [UInt8], _ pieces: inout [FlowPiece]) throws {
    guard var now = print else { return try cut(part, &pieces) }
    var rest = part[...]
    while !rest.isEmpty {
      let next = marks.first { $0.bytes > now.count }?.bytes ?? .max
      let head = rest.prefix(Int(min(Int64(rest.count), next - now.count)))
      rest = rest.dropFirst(head.count)
      let line = head.lastIndex(of: 0x0A).map { $0 + 1 } ?? head.startIndex
      now.add(head[..<line])
      if line > head.startIndex { linePrint = now }
      now.add(head[line...])
      print = now
      try cut(Array(head), &pieces)
      guard now.count == next else { continue }
      let digest = now.digest
      guard marks.contains(where: { $0.bytes == next && $0.digest == digest }) else { continue }
      add(.records(RecordBatch(file: input.name, [], []), nil), nil, &pieces)
      pieces[pieces.count - 1].isCounted = true
    }
  }

  private mutating func cut(_ part: [UInt8], _ pieces: inout [FlowPiece]) throws {
    if case .json(var cutter) = shape {
      cut(part, &cutter, isLast: false, &pieces)
      shape = .json(cutter)
      return
    }
    var part = part
    if isSkipping {
      guard let end = part.firstIndex(of: 0x0A) else {
        offset += Int64(part.count)
        return
      }
      offset += Int64(end + 1)
      part.removeSubrange(...end)
      isSkipping = false
    }
    var text = rest + part
    rest = []
    if offset == 0, text.starts(with: [0xEF, 0xBB, 0xBF]) {
      text.removeFirst(3)
      offset = 3
    }
    if shape == nil {
      guard try recognise(text) else {
        rest = text
        return
      }
      if case .json(var cutter) = shape {
        cut(text, &cutter, isLast: false, &pieces)
        shape = .json(cutter)
        return
      }
    }
    guard let end = text.lastIndex(of: 0x0A) else { return keep(text) }
    let tail = Array(text[(end + 1)...])
    text.removeSubrange((end + 1)...)
    give(text, &pieces)
    keep(tail)
  }

  /// Keeps what is no whole line, and drops what can never become one.
  private mutating func keep(_ tail: [UInt8]) {
    let limit = if case .objects = shape { RecordCutter.recordLimit } else { Self.lineLimit }
    guard tail.count > limit else {
      rest = tail
      return
    }
    line += 1
    tooLong.append(line)
    offset += Int64(tail.count)
    isSkipping = true
  }

  private mutating func end(_ pieces: inout [FlowPiece]) throws {
    if case .json(var cutter) = shape {
      try end([], &cutter, &pieces)
      shape = .json(cutter)
      return
    }
    if shape == nil, rest.contains(where: { $0 > 0x20 }), try !recognise(rest + [0x0A]) {
      throw LogError.unreadable(input.name, Self.unknown)
    }
    if case .json(var cutter) = shape {
      try end(rest, &cutter, &pieces)
      shape = .json(cutter)
    } else if shape != nil, !rest.isEmpty {
      let text = rest + [0x0A]
      rest = []
      give(text, &pieces)
      offset -= 1
      if var last = pieces.popLast() {
        last.position?.offset = offset
        pieces.append(last)
      }
    } else if !tooLong.isEmpty {
      add(.records(RecordBatch(file: input.name, [], []), nil), nil, &pieces)
    }
  }

  private mutating func end(
    _ bytes: [UInt8],
    _ cutter: inout RecordCutter,
    _ pieces: inout [FlowPiece]
  ) throws {
    cut(bytes, &cutter, isLast: true, &pieces)
    if !tooLong.isEmpty { add(.records(RecordBatch(file: input.name, [], []), nil), nil, &pieces) }
    if cutter.isBrokenOff {
      throw LogError.unreadable(
        "\(input.name):\(cutter.position)",
        "the file breaks off behind this"
      )
    }
  }

  /// Hands out whole lines, apart where a header changes the columns.
  private mutating func give(_ text: [UInt8], _ pieces: inout [FlowPiece]) {
    let count = unsafe text.withUnsafeBufferPointer { unsafe JSONParser.lineEnds(in: $0) }
    defer {
      line += count
      offset += Int64(text.count)
    }
    switch shape {
    case .lines(let columns):
      var columns = columns
      var start = 0
      var first = line + 1
      for (place, end) in Self.headers(in: text, columns) {
        let header = unsafe text[place..<end].withUnsafeBufferPointer { buffer in
          unsafe FlowBytes(buffer).flatMap { FlowColumns(header: $0) }
        }
        guard let header, header.names != columns.names else { continue }
        let part = Array(text[start..<place])
        add(.lines(part, columns, first: first, isBehind: isBehind), nil, &pieces)
        first += part.count { $0 == 0x0A }
        columns = header
        start = place
        isBehind = false
      }
      shape = .lines(columns)
      let part = start == 0 ? text : Array(text[start...])
      let position = position(text.count, count, columns)
      add(.lines(part, columns, first: first, isBehind: isBehind), position, &pieces)
      isBehind = columns.separator == 0x2C && Self.endsInSummary(part, isBehind)
    case .objects:
      var records: [RecordCutter.Record] = []
      var start = 0
      var number = line
      while start < text.count {
        let end = text[start...].firstIndex(of: 0x0A) ?? text.count
        number += 1
        if end - start > 1 {
          records.append(.init(start: start, count: end - start, position: number))
        }
        start = end + 1
      }
      let batch = RecordBatch(file: input.name, text, records)
      add(.records(batch, format), position(text.count, count, nil), &pieces)
    case .json, nil: break
    }
  }

  private func position(_ bytes: Int, _ lines: Int, _ columns: FlowColumns?) -> FlowPosition? {
    guard input.path != nil, !reader.isCompressed else { return nil }
    return FlowPosition(
      offset: offset + Int64(bytes),
      line: line + lines,
      identity: identity,
      header: columns?.headerText
    )
  }

  private mutating func add(
    _ content: FlowPiece.Content,
    _ position: FlowPosition?,
    _ pieces: inout [FlowPiece]
  ) {
    pieces.append(FlowPiece(content: content, file: file, position: position, tooLong: tooLong))
    tooLong = []
  }

  private mutating func cut(
    _ bytes: [UInt8],
    _ cutter: inout RecordCutter,
    isLast: Bool,
    _ pieces: inout [FlowPiece]
  ) {
    let told = cutter.tooLong.count
    cutter.take(bytes, isLast: isLast) { buffer, records in
      if !records.isEmpty {
        let batch = RecordBatch(file: input.name, buffer, records)
        pieces.append(FlowPiece(content: .records(batch, format), file: file))
      }
    }
    tooLong += cutter.tooLong.dropFirst(told)
  }

  // MARK: - Recognising

  /// Finds out from the first lines how the file is to be read; false where more is needed.
  private mutating func recognise(_ text: [UInt8]) throws -> Bool {
    guard let first = text.firstIndex(where: { $0 > 0x20 })
    else { return false }
    if let columns {
      shape = .lines(columns)
      return true
    }
    if text[first] == 0x7B || text[first] == 0x5B {
      let end = text[first...].firstIndex(of: 0x0A)
      if end == nil, text.count < LogReader.pieceSize, !reader.isAtEnd { return false }
      shape = Self.isObject(text[first..<(end ?? text.count)]) ? .objects : .json(RecordCutter())
      return true
    }
    var start = first
    while let end = text[start...].firstIndex(of: 0x0A) {
      let found = unsafe text[start..<end].withUnsafeBufferPointer { buffer in
        unsafe FlowBytes(buffer).map { line in
          (FlowColumns(header: line) ?? FlowColumns(headerless: line), line[0] == 0x23)
        }
      }
      if let found, let columns = found.0 {
        if let format, format.name != columns.format.name {
          throw LogError.unreadable(input.name, "is no log of the format \(format.name)")
        }
        shape = .lines(columns)
        return true
      }
      if let found, !found.1 {
        throw LogError.unreadable(input.name, Self.unknown)
      }
      start = end + 1
    }
    if text.count > Self.lineLimit { throw LogError.unreadable(input.name, Self.unknown) }
    return false
  }
}
