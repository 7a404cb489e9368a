/// The rows of comma-separated values (RFC 4180) with the lines that they begin on.
package struct CSVRows: Sendable {
  /// One row.
  package struct Row: Sendable {
    package var cells: [String]
    /// The line that the row begins on, from 1.
    package var line: Int
  }

  /// The rows that are not empty.
  package private(set) var rows: [Row] = []

  private var cells: [String] = []
  private var cell: [UInt8] = []
  private var line = 1
  private var rowLine = 1

  /// Cuts a text into rows; line ends are LF or CRLF.
  ///
  /// - Throws: an error at the line where a quotation begins that does not end.
  package init(_ text: String, file: String) throws(DocumentError) {
    var bytes = Array(text.utf8)[...]
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    var quoteLine: Int?
    var index = bytes.startIndex
    var isBehindQuote = false
    while index < bytes.endIndex {
      let byte = bytes[index]
      index += 1
      if byte == 0x0A { line += 1 }
      if quoteLine != nil {
        if byte != 0x22 {
          cell.append(byte)
        } else if index < bytes.endIndex, bytes[index] == 0x22 {
          cell.append(byte)
          index += 1
        } else {
          quoteLine = nil
          isBehindQuote = true
        }
        continue
      }
      switch byte {
      case 0x22 where cell.isEmpty && !isBehindQuote: quoteLine = line
      case 0x2C:
        endCell()
        isBehindQuote = false
      case 0x0A:
        endRow()
        isBehindQuote = false
      case 0x0D where index < bytes.endIndex && bytes[index] == 0x0A: break
      default:
        if isBehindQuote {
          throw DocumentError(
            "expected a comma or the line's end behind the closing quote",
            key: "",
            at: SourceLocation(file: file, line: line)
          )
        }
        cell.append(byte)
      }
    }
    if let quoteLine {
      throw DocumentError(
        "the quote that opens on this line is never closed",
        key: "",
        at: SourceLocation(file: file, line: quoteLine)
      )
    }
    endRow()
  }

  private mutating func endCell() {
    cells.append(String(decoding: cell, as: UTF8.self))
    cell = []
  }

  private mutating func endRow() {
    endCell()
    if cells.contains(where: { !$0.isEmpty }) { rows.append(Row(cells: cells, line: rowLine)) }
    cells = []
    rowLine = line
  }
}
