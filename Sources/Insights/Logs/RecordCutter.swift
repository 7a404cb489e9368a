import Foundation

/// Cuts a stream of bytes into records: JSON values that stand one after another, on lines or over
/// several, or the elements of a list, alone or under a key such as `Records`.
///
/// Memory is bounded by the longest record allowed. A line that breaks off does not take those
/// behind it with it.
struct RecordCutter {
  /// The longest record.
  static let recordLimit = 16 << 20

  /// The keys under which logs keep their records.
  static let envelopes: Set<String> = [
    "Records", "records", "Events", "events", "items", "value", "logEvents", "Findings", "findings",
    "entries", "logs",
  ]

  /// A record: where it lies in the buffer, and its number in the file.
  struct Record: Sendable {
    var start: Int
    var count: Int
    var position: Int
  }

  private(set) var position = 0
  private var buffer: [UInt8] = []
  /// How far the buffer was looked at, and where the record in it begins.
  private var scanned = 0
  private var start: Int?
  private var depth = 0
  /// Above which depth records begin: 0 at the top, 1 in a list, 2 in a list under a key.
  private var base = 0
  private var isInText = false
  private var isEscaped = false
  private var isInLine = false
  /// Whether records have stood on lines so far, which makes cutting quick.
  private var isLines = false
  private var hasNewline = false
  private var isSkipping = false
  /// Whether the record begins with a bracket, and so ends with one.
  private var isBracketed = false
  /// Whether the text ended before what it began with.
  private(set) var isBrokenOff = false
  /// The numbers of records that were too long.
  private(set) var tooLong: [Int] = []

  /// Takes bytes and lends out the buffer with the records that ended in it.
  mutating func take<Result>(
    _ bytes: some Collection<UInt8>,
    isLast: Bool,
    _ body: ([UInt8], [Record]) throws -> Result
  ) rethrows -> Result {
    buffer.append(contentsOf: bytes)
    var records: [Record] = []
    scan(&records)
    if isLast, let start {
      let count = trimmed(start, buffer.count)
      if count > 0 { records.append(next(start, count)) }
      self.start = nil
      scanned = buffer.count
    }
    if isLast { isBrokenOff = base != 0 || scanned < buffer.count }
    let result = try body(buffer, records)
    drop()
    return result
  }

  /// Forgets what was cut, and what is longer than a record may be.
  private mutating func drop() {
    let keep = start ?? scanned
    if let start, buffer.count - start > Self.recordLimit {
      if !isSkipping {
        position += 1
        tooLong.append(position)
      }
      isSkipping = true
      self.start = scanned
      buffer.removeFirst(scanned)
      self.start = 0
      scanned = 0
    } else {
      buffer.removeFirst(keep)
      scanned -= keep
      if start != nil { start = 0 }
    }
  }

  private mutating func next(_ start: Int, _ count: Int) -> Record {
    position += 1
    return Record(start: start, count: count, position: position)
  }

  private func trimmed(_ start: Int, _ end: Int) -> Int {
    var end = end
    while end > start, [0x20, 0x09, 0x0D, 0x0A].contains(buffer[end - 1]) { end -= 1 }
    return end - start
  }

  private mutating func scan(_ records: inout [Record]) {
    // Lent out for the scan, so that its bytes are read without checks for other owners.
    let bytes = buffer
    unsafe bytes.withUnsafeBufferPointer { text in
      while scanned < text.count {
        if isLines, start == nil || isInLine {
          unsafe scanLine(text, &records)
        } else if start != nil {
          unsafe scanValue(text, &records)
        } else if unsafe !scanBetween(text, &records) {
          return
        }
      }
    }
  }

  /// Passes over what stands between records; false where more bytes are needed.
  private mutating func scanBetween(
    _ text: UnsafeBufferPointer<UInt8>,
    _ records: inout [Record]
  ) -> Bool {
    let byte = unsafe text[scanned]
    if base == 3 {
      unsafe scanRest(text)
      return true
    }
    switch byte {
    case 0x0A:
      // A line without a record counts, so that positions are lines.
      if base == 0, hasNewline || position == 0 { position += 1 }
      hasNewline = true
      scanned += 1
    case 0x20, 0x09, 0x0D, 0x2C, 0xEF, 0xBB, 0xBF: scanned += 1
    case 0x7B where base == 0:
      switch unsafe envelope(text, at: scanned) {
      case .more: return false
      case .list(let behind):
        base = 2
        scanned = behind
      case .none: begin()
      }
    case 0x5B where base == 0:
      base = 1
      scanned += 1
    case 0x5D where base == 1: leave()
    case 0x5D where base == 2:
      // What follows the list belongs to the envelope.
      base = 3
      depth = 0
      isInText = false
      isEscaped = false
      scanned += 1
    case 0x7D, 0x5D:
      // A bracket that closes nothing is a record by itself, which is at fault.
      records.append(next(scanned, 1))
      scanned += 1
    default: begin()
    }
    return true
  }

  private mutating func leave() {
    base = 0
    hasNewline = false
    scanned += 1
  }

  private mutating func begin() {
    start = scanned
    depth = 0
    isInText = false
    isEscaped = false
    hasNewline = false
    isInLine = false
    isSkipping = false
  }

  /// Passes over the members behind an envelope's list.
  private mutating func scanRest(_ text: UnsafeBufferPointer<UInt8>) {
    let byte = unsafe text[scanned]
    scanned += 1
    if isEscaped {
      isEscaped = false
    } else if isInText {
      if byte == 0x5C { isEscaped = true } else if byte == 0x22 { isInText = false }
    } else if byte == 0x22 {
      isInText = true
    } else if byte == 0x7B || byte == 0x5B {
      depth += 1
    } else if byte == 0x7D || byte == 0x5D {
      depth -= 1
      if depth < 0 {
        base = 0
        hasNewline = false
      }
    }
  }

  private mutating func scanLine(
    _ text: UnsafeBufferPointer<UInt8>,
    _ records: inout [Record]
  ) {
    if start == nil {
      begin()
      isInLine = true
    }
    let from = unsafe text.baseAddress?.advanced(by: scanned)
    guard let from = unsafe from, let end = unsafe memchr(from, 0x0A, text.count - scanned) else {
      scanned = text.count
      return
    }
    let line = unsafe scanned + (end - UnsafeMutableRawPointer(mutating: from))
    close(line, &records)
    scanned = line + 1
  }

  /// Ends the record at a place; a line without one counts all the same.
  private mutating func close(_ end: Int, _ records: inout [Record]) {
    guard let start else { return }
    let count = trimmed(start, end)
    if isSkipping {
      isSkipping = false
    } else if count > 0 {
      records.append(next(start, count))
    } else {
      position += 1
    }
    self.start = nil
    isInLine = false
  }

  private mutating func scanValue(
    _ text: UnsafeBufferPointer<UInt8>,
    _ records: inout [Record]
  ) {
    var place = scanned
    var depth = depth
    var isInText = isInText
    var isEscaped = isEscaped
    if scanned == start, !isSkipping {
      let first = unsafe text[scanned]
      isBracketed = first == 0x7B || first == 0x5B
    }
    while place < text.count {
      let byte = unsafe text[place]
      // A line that breaks off: the next begins anew.
      let isAfterBreak =
        unsafe byte == 0x7B && base == 0 && isBracketed && place > (start ?? place)
        && text[place - 1] == 0x0A
      if isAfterBreak {
        scanned = place
        (self.depth, self.isInText, self.isEscaped) = (0, false, false)
        close(place - 1, &records)
        return
      }
      place += 1
      if isInText {
        if isEscaped {
          isEscaped = false
        } else if byte == 0x5C {
          isEscaped = true
        } else if byte == 0x22 {
          isInText = false
        }
      } else if byte == 0x22 {
        isInText = true
      } else if byte == 0x7B || byte == 0x5B {
        depth += 1
      } else if byte == 0x7D || byte == 0x5D {
        depth -= 1
        if depth == 0 || depth < 0 {
          // A closing bracket of the list itself ends an element that is no object.
          let end = depth < 0 ? place - 1 : place
          scanned = end
          (self.depth, self.isInText, self.isEscaped) = (0, false, false)
          unsafe noteLine(text: unsafe text, end: end)
          close(end, &records)
          return
        }
      }
      if byte == 0x0A {
        hasNewline = true
        if base == 0, !isBracketed {
          scanned = place
          (self.depth, self.isInText, self.isEscaped) = (0, false, false)
          close(place - 1, &records)
          return
        }
      } else if byte == 0x2C, depth == 0, !isInText, base > 0 {
        scanned = place
        close(place - 1, &records)
        return
      }
    }
    scanned = place
    self.depth = depth
    self.isInText = isInText
    self.isEscaped = isEscaped
  }

  /// Notes that records stand on lines, once the first has ended with its line.
  private mutating func noteLine(text: UnsafeBufferPointer<UInt8>, end: Int) {
    guard base == 0, position == 0, !hasNewline, end < text.count else { return }
    let byte = unsafe text[end]
    if byte == 0x0A {
      isLines = true
      scanned = end + 1
    }
  }

  private enum Envelope { case none, more, list(behind: Int) }

  /// Whether an object begins with a list of records under a key.
  private func envelope(_ text: UnsafeBufferPointer<UInt8>, at start: Int) -> Envelope {
    var place = start + 1
    func skip() {
      while place < text.count, unsafe [0x20, 0x09, 0x0A, 0x0D].contains(text[place]) { place += 1 }
    }
    skip()
    guard place < text.count else { return .more }
    guard unsafe text[place] == 0x22 else { return .none }
    place += 1
    let key = place
    while place < text.count, unsafe text[place] != 0x22 {
      if place - key > 20 { return .none }
      place += 1
    }
    guard place < text.count else { return .more }
    let name = unsafe String(decoding: text[key..<place], as: UTF8.self)
    guard Self.envelopes.contains(name) else { return .none }
    place += 1
    skip()
    guard place < text.count else { return .more }
    guard unsafe text[place] == 0x3A else { return .none }
    place += 1
    skip()
    guard place < text.count else { return .more }
    return unsafe text[place] == 0x5B ? .list(behind: place + 1) : .none
  }
}
