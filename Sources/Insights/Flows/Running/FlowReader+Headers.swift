import JSON

// What stands in lines of a flow log besides records.
extension FlowReader {
  /// Whether the log's form is known, even where it has no record.
  var isRecognised: Bool { shape != nil }
  /// Whether it is JSON of another form than lines.
  var isJSON: Bool { if case .json = shape { true } else { false } }
  /// Whether what stands behind the last whole line breaks off.
  var isTorn: Bool {
    switch shape {
    case .lines(let columns): !rest.isEmpty && Self.isTorn(rest, columns)
    case .objects: !rest.isEmpty && Self.isTorn(rest, nil)
    case .json, nil: false
    }
  }

  /// What is said of a log that nobody knows.
  static let unknown =
    "holds flow records of no known format; --log-format names it, --fields the columns of a log "
    + "without a header; docs/network.md lists the formats"

  /// Whether a line is an object as a whole and no list of records under a key.
  static func isObject(_ line: ArraySlice<UInt8>) -> Bool {
    guard let last = line.last(where: { $0 > 0x20 }), last == 0x7D else { return false }
    let parsed = try? JSONParser().parse(line)
    guard let members = parsed?.object?.members else { return false }
    return !members.contains { RecordCutter.envelopes.contains($0.key) && $0.value.array != nil }
  }

  /// Whether a last line without its end lacks columns, or the end of its object.
  static func isTorn(_ line: [UInt8], _ columns: FlowColumns?) -> Bool {
    guard let columns else { return !isObject(line[...]) }
    let cells = line.split(
      separator: columns.separator,
      omittingEmptySubsequences: columns.separator == 0x20
    )
    return cells.count < columns.names.count && line.first != 0x23
  }

  /// The columns that a header of a position names.
  static func columns(_ header: String) -> FlowColumns? {
    var header = header
    return header.withUTF8 { text in
      unsafe FlowBytes(text).flatMap { FlowColumns(header: $0) }
    }
  }

  /// Where lines stand that may be headers.
  static func headers(in text: [UInt8], _ columns: FlowColumns) -> [(Int, Int)] {
    guard case .columns(_, let mark, _) = columns.format.form else { return [] }
    var found: [(Int, Int)] = []
    var from = 0
    while let place = FlowSearch.first(mark, in: text, from: from) {
      let start = text[..<place].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
      let end = text[place...].firstIndex(of: 0x0A) ?? text.count
      found.append((start, end))
      from = end
    }
    return found
  }

  /// Whether text ends behind the summary that nfdump adds.
  static func endsInSummary(_ text: [UInt8], _ wasBehind: Bool) -> Bool {
    let summary = FlowSearch.last("Summary\n", in: text)
    let header = FlowSearch.last("ts,te,td,", in: text)
    if let summary { return (header ?? -1) < summary }
    return header == nil && wasBehind
  }
}
