import JSON
import Model
import Reports

/// A list of results, page by page, with how many there are in all.
struct ResultsList {
  static let listing = Listing(
    "/results",
    "listResults",
    sort: "-severity",
    columns: [
      "id", "verdict", "severity", "rule", "provider=resource.provider",
      "account=resource.account", "region=resource.region",
      "service_name=resource.service_name", "resource_kind=resource.resource_kind",
      "resource=resource.id", "name=resource.name", "since", "exception=exception.id",
    ]
  )

  let visit: Visit
  let filter: ResultsFilter

  var main: HTML {
    get async throws {
      let counts = try await visit.ask("countResults", pairs: filter.pairs)
      let page = try await visit.ask(
        "listResults",
        pairs: filter.pairs([
          "sort": "-severity", "limit": "50", "cursor": visit.value("cursor"),
        ])
      )
      let rows = page.list("items").map { Self.row($0, visit) }
      let seen = visit.seen
      let all = counts.count("total")
      let range =
        rows.isEmpty
        ? "none on this page" : "\((seen + 1).grouped) to \((seen + rows.count).grouped)"
      return """
        \(verdicts(counts))
        \(HTML.table("\(all.of("result")), \(range), those of the severest rules first", ["Verdict", "Severity", "Result", "Resource", "Resource as it is since"], rows, kind: "cards", empty: "\(all == 0 ? "No result is like that." : "None of those that were looked at; go on.")"))
        \(Self.listing.links(page, visit, seen: seen + rows.count))
        """
    }
  }

  /// The verdicts with how many there are of each, as links.
  private func verdicts(_ counts: JSONValue) -> HTML {
    let whole = counts["whole"] ?? .null
    let chosen = visit.values("verdict")
    var choices = [
      (
        "All \(Verdict.allCases.map { whole.count($0.rawValue) }.reduce(0, +).grouped)",
        filter.narrowed(["verdict": nil]), chosen.isEmpty
      )
    ]
    for verdict in Verdict.allCases {
      choices.append(
        (
          "\(verdict.words) \(whole.count(verdict.rawValue).grouped)",
          filter.narrowed(["verdict": verdict.rawValue]), chosen == [verdict.rawValue]
        )
      )
    }
    return HTML.choice("Verdicts", kind: "pills", choices)
  }

  /// A result as a row.
  static func row(_ result: JSONValue, _ visit: Visit) -> HTML {
    let resource = result["resource"] ?? .null
    let address = visit.to("/results/\(result.count("resource_number"))/\(result.count("goal"))")
    let exception: HTML =
      result["exception"].map { "<span class=\"tag\">accepted until \($0.text("expires"))</span>" }
      ?? ""
    return """
      <tr><td>\(HTML.verdict(result.text("verdict"))) \(exception)</td>
      <td>\(HTML.severity(result.text("severity")))</td>
      <th scope="row">\(HTML.link(address, "\(result["title"]?.string ?? result.text("rule"))"))<span class="quiet">\(result.text("rule")) · \(result.text("id"))</span></th>
      <td>\(HTML.link(visit.to("/resources/\(result.count("resource_number"))"), "\(resource.shownName)"))<span class="quiet">\(resource.text("service_name"))/\(resource.text("resource_kind")) · \(resource.text("account"))</span></td>
      <td class="tight" data-label="as it is since">\(result.text("since").asTime)</td></tr>
      """
  }
}
