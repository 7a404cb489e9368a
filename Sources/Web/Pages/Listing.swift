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

  /// The commands that list the same: these, with what the page is asked for by options of the same names.
  ///
  /// Where it is asked for more than they heed there are none, and those stand in that heed anything.
  func commands(_ plain: [[String]], _ visit: Visit, heeding names: [String] = []) -> [[String]] {
    let asked = pairs(visit).filter { pair in
      visit.address.query.contains { $0.name == pair.name && !$0.value.isEmpty }
    }
    guard asked.allSatisfy({ names.contains($0.name) }) else { return [] }
    return plain.map { $0 + asked.flatMap { ["--\($0.name)", $0.value] } }
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
    \(sheet.buttons(visit))
    </div>
    """
  }

  /// The links to all of the list as files, for a page that shows a part of it among other things.
  ///
  /// `parts` are the variable parts of the path that are not those of the page; `query` is what of the page's
  /// query counts.
  func fileLinks(_ visit: Visit, _ parts: [String: String] = [:], query: [String] = []) -> HTML {
    func link(_ type: String) -> HTML {
      var address = sheet.file(type, visit, parts)
      address.query = address.query.filter { query.contains($0.name) || $0.name == "as_of" }
      return HTML.link(address, "\(type.uppercased())")
    }
    return "<p class=\"quiet\">All of it: \(link("csv")), \(link("json"))</p>"
  }

  private static func part(_ limit: Int, _ cursor: String?) -> [Address.Pair] {
    [Address.Pair(name: "limit", value: "\(limit)")]
      + (cursor.map { [Address.Pair(name: "cursor", value: $0)] } ?? [])
  }

  // MARK: - Files

  /// All of the list as files.
  private var sheet: Sheet { Sheet(path: path, columns: columns, check: check, each: each) }

  /// The files of all of the list.
  var files: [Page] { sheet.files }

  /// Refuses what cannot be answered while it still can be refused.
  @Sendable private func check(_ visit: Visit) async throws {
    _ = try await visit.look(operation, pairs: pairs(visit) + Self.part(1, nil))
  }

  @Sendable private func each(_ visit: Visit, _ body: (JSONValue) async throws -> Void) async throws
  {
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
