import JSON
import Model
import Reports

/// The inventory: what there is, found by words and by what it has in common.
enum ResourcesPage {
  static let page = Page(
    "/resources",
    entry: Page.Entry(area: .posture, name: "Resources"),
    show: show
  )

  static let listing = Listing(
    "/resources",
    "listResources",
    columns: [
      "provider", "account", "region", "resource_group", "service_name", "resource_kind", "id",
      "name", "tags", "since", "pass=verdicts.pass", "fail=verdicts.fail",
      "unknown=verdicts.unknown", "not_applicable=verdicts.not_applicable",
    ]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let counts = try await visit.ask("countResources", pairs: listing.pairs(visit))
    let page = try await listing.page(visit)
    let scopes = try await visit.look("listScopes", ["as_of": visit.asOf, "limit": "500"])
      .list("items").map { $0.text("name") }.sorted()
    let rows = page.list("items").map { row($0, visit) }
    let seen = visit.seen + rows.count
    let range: String =
      rows.isEmpty
      ? "none on this page" : "\((seen - rows.count + 1).grouped) to \(seen.grouped)"
    return .page(
      PageContent(
        "Resources",
        lead: "What scans found, whatever it was judged.",
        main: """
          \(visit.filter("/resources", hidden: ["tag", "mark"], [visit.filterField("q", "Words", "of the name or id"), visit.filterField("account", "Account", "prod-*"), visit.filterField("region", "Region", "eu-*"), visit.filterField("kind", "Kind", "s3/bucket"), visit.filterChoice("scope", "Scope", [("", "everything")] + scopes.map { ($0, $0) })]))
          \(chosen(visit))
          <div class="grid">
          <div class="w4 column">\(facets(counts, visit))</div>
          <div class="w8 stack">
          \(HTML.table("\(counts.count("total").of("resource")), \(range)", ["Resource", "Verdicts", "#Failing", "#Unknown"], rows, empty: page["next_cursor"] == nil ? "No resource is like that." : "None of those that were looked at; go on."))
          \(listing.links(page, visit, seen: seen))
          </div>
          </div>
          """
      )
    )
  }

  private static func row(_ resource: JSONValue, _ visit: Visit) -> HTML {
    let counts = resource["verdicts"] ?? .null
    let number = resource.count("number")
    func cell(_ verdict: Verdict) -> HTML {
      let count = counts.count(verdict.rawValue)
      let rows = visit.to("/resources/\(number)", ["verdict": verdict.rawValue])
      return "<td class=\"num\">\(count == 0 ? "0" : HTML.link(rows, "\(count)"))</td>"
    }
    let bar = Charts.bar(
      pass: counts.count("pass"),
      fail: counts.count("fail"),
      unknown: counts.count("unknown")
    )
    return """
      <tr><th scope="row">\(HTML.link(visit.to("/resources/\(number)"), "\(resource.shownName)"))<span class="quiet">\(resource.text("service_name"))/\(resource.text("resource_kind")) · \(resource.text("account")) \(resource.text("region"))</span></th>
      <td class="bar-cell">\(bar)</td>\(cell(.fail))\(cell(.unknown))</tr>
      """
  }

  /// What the query chooses beside the fields of the form, each with a way to drop it.
  private static func chosen(_ visit: Visit) -> HTML {
    let items = ["tag", "mark"].flatMap { name in
      visit.values(name).map { value -> HTML in
        let others = visit.values(name).filter { $0 != value }
        let away = visit.address.without("cursor", "seen", "notice").with(name, all: others)
        return "<li>\(HTML.link(away, "\(name) \(value) ✕"))</li>"
      }
    }
    return HTML.when(
      !items.isEmpty,
      "<nav aria-label=\"Chosen\"><ul class=\"pills\">\(HTML(items))</ul></nav>"
    )
  }

  private static let kinds: [(title: String, member: String, parameter: String)] = [
    ("Account", "accounts", "account"), ("Kind", "kinds", "kind"),
    ("Region", "regions", "region"), ("Classification", "classifications", "mark"),
    ("Tag", "tags", "tag"),
  ]

  private static func facets(_ counts: JSONValue, _ visit: Visit) -> HTML {
    let cards = kinds.compactMap { title, member, parameter -> HTML? in
      let entries = counts.list(member).filter { !$0.text("name").isEmpty }
      guard !entries.isEmpty else { return nil }
      func list(_ entries: some Sequence<JSONValue>) -> HTML {
        let rows = entries.map { entry -> HTML in
          let name = entry.text("name")
          let value = parameter == "mark" ? "data-classification=\(name)" : name
          let here = visit.address.without("cursor", "seen", "notice")
          // Tags and marks of other names hold beside it.
          let key = value.prefix { $0 != "=" } + "="
          let others = visit.values(parameter).filter {
            ["tag", "mark"].contains(parameter) && !$0.hasPrefix(key)
          }
          let address = here.with(parameter, all: others + [value])
          return
            "<li>\(HTML.link(address, "\(name)"))<span>\(entry.count("total").grouped)</span></li>"
        }
        return "<ul class=\"facet\">\(HTML(rows))</ul>"
      }
      let more = entries.dropFirst(8)
      let rest: HTML =
        more.isEmpty ? "" : "<details><summary>\(more.count) more</summary>\(list(more))</details>"
      return HTML.card(title, "", "\(list(entries.prefix(8)))\(rest)")
    }
    return HTML(cards)
  }
}
