import JSON
import Model
import Reports

/// What came, went and changed between two scans.
enum ChangesPage {
  static let page = Page("/results/changes", show: show)

  /// Files of what differs between two scans.
  static let listing = Listing(
    "/scans/{id}/differences",
    "listDifferences",
    columns: ["id", "kind", "account", "change", "fields", "verdicts"]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let period = Period(visit)
    let found = try await scans(visit, period)
    let filter = ResultsFilter(visit)
    var commands: [[String]] = []
    var body: HTML =
      "<p class=\"empty\">There is one scan or none by then, so nothing to compare.</p>"
    if let (first, last) = found {
      commands = [["diff", "\(first)", "\(last)"]]
      body = try await differences(visit, first, last)
    }
    return .page(
      PageContent(
        "Changes",
        commands: commands,
        main: """
          \(ResultsPage.tabs(visit, filter, nil))
          \(period.pills(visit))
          \(body)
          """
      )
    )
  }

  /// The scans whose states the period begins and ends with; nil where there are no two.
  private static func scans(_ visit: Visit, _ period: Period) async throws -> (Int, Int)? {
    func scan(_ to: Instant, from: Instant? = nil, newest: Bool) async throws -> Int? {
      let answer = try await visit.look(
        "listScores",
        [
          "from": from.map { "\($0)" }, "to": "\(to)", "limit": "1",
          "sort": newest ? "-scanned_at" : "scanned_at",
        ]
      )
      return answer.list("items").first?.count("scan")
    }
    guard let last = try await scan(period.to, newest: true) else { return nil }
    var first = try await scan(period.from, newest: true)
    if first == nil { first = try await scan(period.to, newest: false) }
    guard let first, first != last else { return nil }
    return (first, last)
  }

  private static func differences(_ visit: Visit, _ first: Int, _ last: Int) async throws -> HTML {
    let page = try await visit.ask(
      "listDifferences",
      ["id": "\(last)", "since": "\(first)", "limit": "50", "cursor": visit.value("cursor")]
    )
    let began = try await visit.look("showScan", ["id": "\(first)"]).text("instant")
    let rows = page.list("items").map { row($0, since: began, visit) }
    return """
      \(HTML.table("What differs between scan \(first) and scan \(last)", ["Resource", "What", "Configuration", "Verdicts"], rows, kind: "cards", empty: "Nothing differs."))
      <div class="row">\(visit.next(page))
      \(HTML.link(Address("/scans/\(last)/differences.csv", ["since": "\(first)"]), "All as CSV", "button"))
      \(HTML.link(Address("/scans/\(last)/differences.json", ["since": "\(first)"]), "All as JSON", "button"))</div>
      """
  }

  /// How many fields and verdicts of one resource are shown.
  private static let shownParts = 3

  private static func row(_ entry: JSONValue, since began: String, _ visit: Visit) -> HTML {
    let fields = entry.list("fields")
    let shown = fields.prefix(shownParts).map { field -> HTML in
      """
      <li><code>\(field.text("path"))</code>: \(value(field["before"])) → \(value(field["after"]))</li>
      """
    }
    let more: HTML =
      fields.count > shownParts
      ? "<li class=\"quiet\">and \(fields.count - shownParts) more</li>" : ""
    let verdicts = Self.verdicts(entry)
    let kind = entry.text("change")
    var results = visit.to("/results", ["resource": entry.text("id"), "kind": entry.text("kind")])
    // What is gone has results as of when the period began.
    if kind == "went" { results = results.with("as_of", began) }
    return """
      <tr><th scope="row">\(HTML.link(results, "\(entry.text("id"))"))<span class="quiet">\(entry.text("kind")) · \(entry.text("account"))</span></th>
      <td><span class="tag">\(kind)</span></td>
      <td>\(HTML.when(!shown.isEmpty, "<ul class=\"tree\">\(HTML(shown))\(more)</ul>"))</td>
      <td>\(HTML.when(!verdicts.isEmpty, "<ul class=\"tree\">\(HTML(verdicts))</ul>"))</td></tr>
      """
  }

  /// The verdicts that differ; of a resource that came or went, how many there are of each.
  private static func verdicts(_ entry: JSONValue) -> [HTML] {
    let changes = entry.list("verdicts")
    guard changes.contains(where: { $0["before"] != .null && $0["after"] != .null }) else {
      return Verdict.allCases.compactMap { verdict in
        let count = changes.filter {
          ($0["after"]?.string ?? $0["before"]?.string) == verdict.rawValue
        }.count
        return count == 0 ? nil : "<li>\(HTML.verdict(verdict.rawValue)) \(count)</li>"
      }
    }
    let shown = changes.prefix(shownParts).map { change -> HTML in
      let (before, after) = (change["before"]?.string, change["after"]?.string)
      return """
        <li>\(before.map(HTML.verdict) ?? "none") → \(after.map(HTML.verdict) ?? "none") <span class="quiet">\(change.text("rule"))</span></li>
        """
    }
    return shown
      + (changes.count > shownParts
        ? ["<li class=\"quiet\">and \(changes.count - shownParts) more</li>"] : [])
  }

  private static func value(_ value: JSONValue?) -> HTML {
    guard let value, value != .null else { return "<span class=\"quiet\">nothing</span>" }
    return "<code>\(value.shortened)</code>"
  }
}

extension JSONValue {
  /// The value as text for reading, cut where it is long.
  var shortened: String {
    let text = string ?? text
    return text.count > 160 ? "\(text.prefix(157))…" : text
  }
}
