import JSON

/// Reads lines of columns.
struct FlowLines {
  let columns: FlowColumns
  /// Whether a summary has begun, as nfdump writes one behind its records.
  private var isBehind: Bool
  /// What a header begins with.
  private let head: [UInt8]

  init(_ columns: FlowColumns, isBehind: Bool = false) {
    self.columns = columns
    self.isBehind = isBehind
    head = Array((columns.names.first ?? "").utf8) + [columns.separator]
  }

  /// Reads whole lines, the first of which has a number.
  mutating func read(_ text: FlowBytes, line first: Int, into chunk: inout FlowChunk) {
    var place = 0
    var line = first
    while place < text.count {
      let end = text.first(0x0A, from: place)
      var stop = end
      if stop > place, text[stop - 1] == 0x0D { stop -= 1 }
      if stop > place { read(line: text.slice(place, stop), line, &chunk) }
      place = end + 1
      line += 1
    }
  }

  @inline(__always)
  private mutating func read(line text: FlowBytes, _ line: Int, _ chunk: inout FlowChunk) {
    let byte = text[0]
    if byte == 0x23 { return }
    if byte >= 0x61, byte <= 0x7A, isHeader(text) {
      isBehind = false
      return
    }
    if isBehind { return }
    if byte >= 0x41, text.equals("Summary") {
      isBehind = columns.separator == 0x2C
      if isBehind { return }
    }
    if byte == 0x4E, text.equals("No matching flows") { return }
    var draft = FlowDraft()
    var account: UInt32 = 0
    var column = 0
    var place = 0
    do throws(FlowDraft.Fault) {
      while place <= text.count, column < columns.fields.count {
        let end = text.first(columns.separator, from: place)
        if columns.separator == 0x20, end == place, place < text.count {
          place += 1
          continue
        }
        let value =
          columns.separator == 0x2C ? text.slice(place, end).trimmed : text.slice(place, end)
        if column == columns.account {
          account = chunk.account(value)
        } else {
          try draft.take(columns.fields[column], value)
        }
        column += 1
        place = end + 1
      }
      if column < columns.fields.count || place < text.count {
        let count = column + (place < text.count ? 1 : 0)
        chunk.fault(
          line,
          "has \(place < text.count ? "more than \(column)" : "\(count)") columns; expected "
            + "\(columns.fields.count)"
        )
        return
      }
      if draft.isEmpty {
        chunk.empty += 1
        return
      }
      var record = try draft.record(columns.format.style)
      record.account = account
      record.position = UInt32(clamping: line)
      chunk.records.append(record)
      if chunk.wantsOthers { chunk.others.append(others(text)) }
    } catch {
      chunk.fault(line, error.text(name))
    }
  }

  /// What the column of a field is called.
  private func name(_ field: FlowField) -> String {
    columns.fields.firstIndex(of: field).map { columns.names[$0] } ?? columns.format.name(of: field)
  }

  /// Whether a line is a header, as they come again where files are put one behind another.
  private func isHeader(_ text: FlowBytes) -> Bool {
    text.count >= head.count && head.indices.allSatisfy { text[$0] == head[$0] }
  }

  /// The columns that mean nothing to detectors.
  private func others(_ text: FlowBytes) -> JSONObject {
    let cells = text.text.split(
      separator: Character(Unicode.Scalar(columns.separator)),
      omittingEmptySubsequences: columns.separator == 0x20
    )
    var members: [(key: String, value: JSONValue)] = []
    for (index, cell) in cells.enumerated() where index < columns.fields.count {
      if columns.fields[index] == .ignored, cell != "-" {
        members.append((columns.names[index], .string(String(cell))))
      }
    }
    return JSONObject(members)
  }
}
