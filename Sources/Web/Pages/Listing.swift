import JSON
import Model
import Reports

/// A list of the API as a page shows it, and as files hold all of it.
///
/// Whatever the query of the page has that the operation knows as a parameter is its filter, so that
/// page, files and API list the same.
struct Listing: Sendable {
  /// The path of the page, with the names of its variable parts in braces.
  var path: String
  var operation: String
  /// The columns in files: a member of an item, what lies deeper behind a dot; or NAME=MEMBER.
  var columns: [String]
  /// The order of the list.
  var sort: String?
  /// The variable parts of the path by the operation's parameters, where they are called otherwise.
  var names: [String: String]
  /// The parameters for which nothing is a value, such as the scope of everything.
  var mayBeEmpty: Set<String> = []

  init(
    _ path: String,
    _ operation: String,
    sort: String? = nil,
    names: [String: String] = [:],
    columns: [String]
  ) {
    (self.path, self.operation, self.sort, self.columns) = (path, operation, sort, columns)
    self.names = names
  }

  /// What the operation is asked, as the query says.
  func pairs(_ visit: Visit) -> [Address.Pair] {
    var pairs: [Address.Pair] = []
    for parameter in visit.api.operation(operation)?.parameters ?? []
    where !["cursor", "limit", "sort"].contains(parameter.name) {
      switch parameter.place {
      case .header: continue
      case .path:
        let part = names[parameter.name] ?? parameter.name
        pairs.append(Address.Pair(name: parameter.name, value: visit.part(part)))
      case .query where parameter.name == "as_of":
        if let instant = visit.asOf { pairs.append(Address.Pair(name: "as_of", value: instant)) }
      case .query where mayBeEmpty.contains(parameter.name):
        _ = visit.values(parameter.name)
        pairs += visit.address.query.filter { $0.name == parameter.name }
      case .query:
        let isInstant = parameter.schema["format"]?.string == "date-time"
        pairs += visit.values(parameter.name).map { value in
          let instant = isInstant ? Instant(value).map { "\($0)" } : nil
          return Address.Pair(name: parameter.name, value: instant ?? value)
        }
      }
    }
    if let sort { pairs.append(Address.Pair(name: "sort", value: sort)) }
    return pairs
  }

  /// The part of the list that the page is about.
  func page(_ visit: Visit, limit: Int = 50) async throws -> JSONValue {
    try await visit.ask(operation, pairs: pairs(visit) + Self.part(limit, visit.value("cursor")))
  }

  /// The links to the next part and to all of the list as files.
  ///
  /// `seen` is how many items were shown up to here, where that is told.
  func links(_ page: JSONValue, _ visit: Visit, seen: Int? = nil) -> HTML {
    """
    <div class="row">
    \(visit.next(page, seen: seen))
    \(HTML.link(file("csv", visit), "All as CSV", "button"))
    \(HTML.link(file("json", visit), "All as JSON", "button"))
    </div>
    """
  }

  /// The links to all of the list as files, for a page that shows a part of it among other things.
  ///
  /// `parts` are the variable parts of the path that are not those of the page; `query` is what of the page's
  /// query counts.
  func fileLinks(_ visit: Visit, _ parts: [String: String] = [:], query: [String] = []) -> HTML {
    func link(_ type: String) -> HTML {
      var address = file(type, visit, parts)
      address.query = address.query.filter { query.contains($0.name) || $0.name == "as_of" }
      return HTML.link(address, "\(type.uppercased())")
    }
    return "<p class=\"quiet\">All of it: \(link("csv")), \(link("json"))</p>"
  }

  private func file(
    _ type: String,
    _ visit: Visit,
    _ named: [String: String] = [:]
  ) -> Address {
    var address = visit.address.without("cursor", "seen", "notice", "view")
    var parts = path.split(separator: "/").map(String.init)
    for (index, part) in parts.enumerated() where part.hasPrefix("{") {
      let name = String(part.dropFirst().dropLast())
      parts[index] = Address.encoded(named[name] ?? visit.part(name))
    }
    address.path = "/\(parts.joined(separator: "/")).\(type)"
    return address
  }

  private static func part(_ limit: Int, _ cursor: String?) -> [Address.Pair] {
    [Address.Pair(name: "limit", value: "\(limit)")]
      + (cursor.map { [Address.Pair(name: "cursor", value: $0)] } ?? [])
  }

  // MARK: - Files

  private var name: String { path.split(separator: "/").last.map(String.init) ?? "list" }

  /// The files of all of the list.
  var files: [Page] {
    let columns = columns.map { text -> (name: String, path: [String]) in
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      return (parts[0], parts[parts.count - 1].split(separator: ".").map(String.init))
    }
    let csv = Page("\(path).csv") { visit in
      try await check(visit)
      return .file(name: "\(name).csv", type: "text/csv; charset=utf-8") { sink in
        try await sink.write(CSVRow.text(columns.map(\.name)))
        try await each(visit) { item in
          try await sink.write(CSVRow.text(columns.map { item.cell($0.path) }))
        }
      }
    }
    let json = Page("\(path).json") { visit in
      try await check(visit)
      return .file(name: "\(name).json", type: "application/json") { sink in
        var isFirst = true
        try await sink.write("[")
        try await each(visit) { item in
          try await sink.write((isFirst ? "" : ",\n") + item.text)
          isFirst = false
        }
        try await sink.write("]\n")
      }
    }
    return [csv, json]
  }

  /// Refuses what cannot be answered while it still can be refused.
  private func check(_ visit: Visit) async throws {
    _ = try await visit.look(operation, pairs: pairs(visit) + Self.part(1, nil))
  }

  private func each(_ visit: Visit, _ body: (JSONValue) async throws -> Void) async throws {
    var cursor: String?
    repeat {
      let page = try await visit.look(operation, pairs: pairs(visit) + Self.part(500, cursor))
      for item in page.list("items") { try await body(item) }
      cursor = page["next_cursor"]?.string
    } while cursor != nil
  }
}

extension JSONValue {
  /// What is said where a part of a list is empty: of what is out of sight a part may be full.
  func nothing(_ words: HTML = "There is none.") -> HTML {
    self["next_cursor"] == nil ? words : "None of those that were looked at; go on."
  }

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

extension Visit {
  /// How many items the pages before showed, as their links tell.
  var seen: Int {
    Int(value("seen") ?? "").flatMap { (0..<1_000_000_000).contains($0) ? $0 : nil } ?? 0
  }

  /// The links to the next part of a list, and back to its beginning.
  func next(_ page: JSONValue, seen: Int? = nil) -> HTML {
    let here = address.without("notice", "cursor", "seen")
    let first: HTML = value("cursor") == nil ? "" : HTML.link(here, "First page", "button")
    guard let cursor = page["next_cursor"]?.string else { return first }
    let next = here.with("cursor", cursor).with("seen", seen.map { "\($0)" })
    return "\(first)\(HTML.link(next, "Next page", "button"))"
  }
}
