import JSON
import Reports

/// Rows that are to be had as files, CSV and JSON.
struct Sheet: Sendable {
  /// The path without the kind of file, with the names of its variable parts in braces.
  var path: String
  /// The columns of CSV: a member of a row, what lies deeper behind a dot; or NAME=MEMBER.
  var columns: [String]
  /// Refuses what cannot be answered while it still can be refused.
  var check: @Sendable (Visit) async throws -> Void = { _ in }
  /// Hands over every row.
  var each: @Sendable (Visit, (JSONValue) async throws -> Void) async throws -> Void

  private var name: String { path.split(separator: "/").last.map(String.init) ?? "list" }

  /// The files.
  var files: [Page] {
    let columns = columns.map { text -> (name: String, path: [String]) in
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      return (parts[0], parts[parts.count - 1].split(separator: ".").map(String.init))
    }
    let csv = Page("\(path).csv") { visit in
      try await check(visit)
      return .file(name: "\(name).csv", type: "text/csv; charset=utf-8") { sink in
        try await sink.write(CSVRow.text(columns.map(\.name)))
        try await each(visit) { row in
          try await sink.write(CSVRow.text(columns.map { row.cell($0.path) }))
        }
      }
    }
    let json = Page("\(path).json") { visit in
      try await check(visit)
      return .file(name: "\(name).json", type: "application/json") { sink in
        var isFirst = true
        try await sink.write("[")
        try await each(visit) { row in
          try await sink.write((isFirst ? "" : ",\n") + row.text)
          isFirst = false
        }
        try await sink.write("]\n")
      }
    }
    return [csv, json]
  }

  /// The address of a file.
  ///
  /// `named` are the variable parts of the path that are not those of the page.
  func file(_ type: String, _ visit: Visit, _ named: [String: String] = [:]) -> Address {
    var address = visit.address.without("cursor", "seen", "notice", "view")
    var parts = path.split(separator: "/").map(String.init)
    for (index, part) in parts.enumerated() where part.hasPrefix("{") {
      let name = String(part.dropFirst().dropLast())
      parts[index] = Address.encoded(named[name] ?? visit.part(name))
    }
    address.path = "/\(parts.joined(separator: "/")).\(type)"
    return address
  }

  /// The links to the files, as buttons.
  func buttons(_ visit: Visit) -> HTML {
    """
    \(HTML.link(file("csv", visit), "All as CSV", "button"))
    \(HTML.link(file("json", visit), "All as JSON", "button"))
    """
  }
}

extension JSONValue {
  /// What lies at a path, as the cell of a file.
  fileprivate func cell(_ path: [String]) -> String {
    var value: JSONValue = self
    for name in path { value = value[name] ?? .null }
    switch value {
    case .null: return ""
    case .array(let items) where items.allSatisfy({ $0.string != nil }):
      return items.compactMap(\.string).joined(separator: "; ")
    default: return value.string ?? value.text
    }
  }
}
