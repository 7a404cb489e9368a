import Model

/// A profile as comma-separated values, as IBM's Security and Compliance Center takes it: names and
/// values, the line `##METAINFO ENDS##`, then a table of controls, which may have a column of ours.
struct ControlSheet {
  /// One row of the table.
  struct Row {
    var id: String
    var description: String
    var goals: [String]
    var basis: MappingBasis
    var line: Int
  }

  private static let end = "##METAINFO ENDS##"
  private static let names = ["profilename", "profilenumonic", "profiledescription"]
  private static let columns = ["ExternalControlId", "Description", "Parent", "GoalId", "Tags"]
  /// The column that may follow: a word of ``MappingBasis``, with a colon and a note where there is
  /// one.
  private static let basis = "Basis"

  var name = ""
  var shortName = ""
  var description = ""
  var rows: [Row] = []
  /// The identifiers that other rows name as their parent.
  var parents: Set<String> = []
  /// How many rows have tags.
  var tagged = 0

  /// Reads a sheet.
  init(_ text: String, file: String) throws(DocumentError) {
    let table = try CSVRows(text, file: file).rows
    guard let head = table.firstIndex(where: { Self.cell($0, 0) == Self.end }) else {
      throw DocumentError(
        "expected profilename, profilenumonic and profiledescription, then a line \(Self.end)",
        key: "",
        at: SourceLocation(file: file, line: 1)
      )
    }
    for row in table[..<head] { try readName(row, file: file) }
    if name.isEmpty {
      throw DocumentError(
        "expected a line profilename,NAME above \(Self.end)",
        key: "profilename",
        at: SourceLocation(file: file, line: table[head].line)
      )
    }
    let body = table[(head + 1)...]
    guard let titles = body.first, titles.cells.count >= 2,
      Self.columns.indices.allSatisfy({ column in
        let title = Self.cell(titles, column)
        return title == Self.columns[column] || title.isEmpty && column > 1
      })
    else {
      let line = body.first?.line ?? table[head].line
      throw DocumentError(
        "expected the columns \(Self.columns.joined(separator: ","))",
        key: "",
        at: SourceLocation(file: file, line: line)
      )
    }
    let hasBasis = Self.cell(titles, Self.columns.count) == Self.basis
    try readRows(body.dropFirst(), width: Self.columns.count + (hasBasis ? 1 : 0), file: file)
  }

  private mutating func readName(_ row: CSVRows.Row, file: String) throws(DocumentError) {
    let value = OSCAL.line(row.cells.dropFirst().joined(separator: ","))
      // Spreadsheets fill every row up to the table's width.
      .trimming(",")
    switch Self.cell(row, 0) {
    case "profilename": name = value
    case "profilenumonic": shortName = value
    case "profiledescription": description = value
    case let other:
      throw DocumentError(
        "\"\(other)\" is none of \(Self.names.joined(separator: ", "))",
        key: "",
        at: SourceLocation(file: file, line: row.line)
      )
    }
  }

  private mutating func readRows(
    _ table: ArraySlice<CSVRows.Row>,
    width: Int,
    file: String
  ) throws(DocumentError) {
    var lines: [String: Int] = [:]
    var children: [(parent: String, line: Int)] = []
    for row in table {
      let location = SourceLocation(file: file, line: row.line)
      guard row.cells.dropFirst(width).allSatisfy(\.isEmpty) else {
        throw DocumentError(
          "expected \(width) cells, found \(row.cells.count); "
            + "a cell with commas stands in quotes",
          key: "",
          at: location
        )
      }
      let id = Self.cell(row, 0)
      let description = OSCAL.line(Self.cell(row, 1))
      for (column, text) in [(0, id), (1, description)] where text.isEmpty {
        throw DocumentError(
          "expected a text that is not empty",
          key: Self.columns[column],
          at: location
        )
      }
      if let other = lines.updateValue(row.line, forKey: id) {
        throw DocumentError(
          "\"\(id)\" is the id of the control on line \(other) too",
          key: "ExternalControlId",
          at: location
        )
      }
      let parent = Self.cell(row, 2)
      if !parent.isEmpty { children.append((parent, row.line)) }
      if !Self.cell(row, 4).isEmpty { tagged += 1 }
      rows.append(
        Row(
          id: id,
          description: description,
          goals: Self.list(Self.cell(row, 3)),
          basis: try Self.basis(Self.cell(row, Self.columns.count), at: location),
          line: row.line
        )
      )
    }
    for (parent, line) in children {
      guard lines[parent] != nil else {
        throw DocumentError(
          "there is no control \"\(parent)\"",
          key: "Parent",
          at: SourceLocation(file: file, line: line)
        )
      }
      parents.insert(parent)
    }
    if rows.isEmpty {
      throw DocumentError(
        "expected at least one control below the columns",
        key: "",
        at: SourceLocation(file: file)
      )
    }
  }

  /// The basis that a cell such as `judgement` or `crosswalk: NIST's table` tells.
  private static func basis(
    _ cell: String,
    at location: SourceLocation
  ) throws(DocumentError) -> MappingBasis {
    guard !cell.isEmpty else { return MappingBasis() }
    let parts = cell.split(separator: ":", maxSplits: 1).map { OSCAL.line(String($0)) }
    guard let kind = parts.first.flatMap(MappingBasis.Kind.init) else {
      let words = MappingBasis.Kind.allCases.map(\.rawValue).joined(separator: ", ")
      throw DocumentError("\"\(cell)\" begins with none of \(words)", key: basis, at: location)
    }
    if kind == .crosswalk, parts.count < 2 {
      throw DocumentError(
        "which crosswalk it is stands behind a colon",
        key: basis,
        at: location
      )
    }
    return MappingBasis(kind, note: parts.count == 2 ? parts[1] : "")
  }

  private static func cell(_ row: CSVRows.Row, _ column: Int) -> String {
    column < row.cells.count ? row.cells[column].trimming(" \t") : ""
  }

  /// The entries of a cell that is a list, each once.
  private static func list(_ cell: String) -> [String] {
    var seen: Set<String> = []
    return cell.split(separator: ",").map { String($0).trimming(" \t\r\n") }
      .filter { !$0.isEmpty && seen.insert($0).inserted }
  }
}

extension String {
  /// The text without certain characters at its ends.
  fileprivate func trimming(_ characters: String) -> String {
    var text = self[...]
    while let first = text.first, characters.contains(first) { text.removeFirst() }
    while let last = text.last, characters.contains(last) { text.removeLast() }
    return String(text)
  }
}
