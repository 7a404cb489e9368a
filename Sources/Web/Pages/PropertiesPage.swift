import JSON
import Model
import Reports

/// The property catalogue: what of a kind rules may ask about, and by which operators.
enum PropertiesPage {
  static let page = Page(
    "/properties",
    entry: Page.Entry(area: .requirements, name: "Properties"),
    show: show
  )

  static let listing = Listing(
    "/properties",
    "listProperties",
    columns: [
      "kind", "path", "types", "operators", "meaning", "sources", "rules", "observed",
    ]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let kind = visit.value("kind")
    let body = try await kind == nil ? kinds(visit) : list(visit)
    let form = visit.filter(
      "/properties",
      [
        visit.filterField("kind", "Kind", "s3/bucket"),
        visit.filterField("q", "Words", kind == nil ? "of the kind" : "of the path or meaning"),
      ]
    )
    var content = PageContent(
      kind.map { "Properties of \($0)" } ?? "Properties",
      lead:
        "What rules may ask about a resource of a kind, with the operators and values that are legal.",
      main: """
        \(form)
        \(body)
        """
    )
    content.hasInstant = false
    return .page(content)
  }

  private static func kinds(_ visit: Visit) async throws -> HTML {
    let page = try await visit.ask(
      "listPropertyKinds",
      ["q": visit.value("q"), "limit": "200", "cursor": visit.value("cursor")]
    )
    let rows = page.list("items").map { entry -> HTML in
      let kind = entry.text("kind")
      return """
        <tr><th scope="row">\(HTML.link(Address("/properties", ["kind": kind]), "\(kind)"))</th><td class="num" data-label="Properties">\(entry.count("properties").grouped)</td></tr>
        """
    }
    return """
      \(HTML.table("Kinds whose properties are known from the catalogue or from rules", ["Kind", "#Properties"], rows, empty: "No kind is like that; one that is only among the resources is found by its whole name."))
      <div class="row">\(visit.next(page))</div>
      """
  }

  private static func list(_ visit: Visit) async throws -> HTML {
    let page = try await listing.page(visit, limit: 100)
    let rows = page.list("items").map { row($0, visit) }
    return """
      \(HTML.table("Properties by path", ["Property", "Types", "Operators", "Known from"], rows, kind: "cards", empty: "No property of it is known, from the catalogue, from rules or from the resources that you see."))
      \(listing.links(page, visit))
      """
  }

  private static func row(_ property: JSONValue, _ visit: Visit) -> HTML {
    let operators = property.list("operators").map { one -> HTML in
      "<li><code>\(one.text("operator"))</code> <span class=\"quiet\">\(one.text("value"))</span></li>"
    }
    let types = property.list("types").compactMap(\.string).map { HTML.tag($0) }
    let rules = property.list("rules").compactMap(\.string)
    let seen = property.count("observed")
    let known: [HTML] = property.list("sources").compactMap(\.string).map { source in
      switch source {
      case "rules":
        "\(HTML.link(Address("/rules", ["kind": property.text("kind")]), "\(rules.count.of("rule"))"))"
      case "observed": "\(seen.of("resource"))"
      default: "the catalogue"
      }
    }
    let write: HTML =
      visit.may(.edit) && ResourceKind(property.text("kind")) != nil
      ? "<span class=\"quiet\">\(HTML.link(Address("/rules/new", ["kind": property.text("kind"), "property": property.text("path")]), "Write a rule about it"))</span>"
      : ""
    return """
      <tr><th scope="row"><code>\(property.text("path"))</code><span class="quiet">\(property.text("meaning"))</span>\(write)</th><td>\(HTML(types))</td><td><details><summary>\(operators.count.of("operator"))</summary><ul class="tree">\(HTML(operators))</ul></details></td><td>\(HTML.commas(known))</td></tr>
      """
  }
}
