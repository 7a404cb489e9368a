import JSON
import Model
import Reports

/// Who changed what and when, and whether the log is whole.
enum AuditPage {
  static let page = Page(
    "/audit",
    entry: Page.Entry(area: .administration, name: "Audit log", permission: .audit),
    show: show
  )

  static let listing = Listing(
    "/audit",
    "listAuditLog",
    columns: ["number", "at", "actor", "action", "subject", "detail", "sha256"]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let fault = try await visit.ask("showAuditFault")
    let rows = page.list("items").map { entry -> HTML in
      let details = (entry["detail"]?.object?.members ?? []).compactMap { name, value -> String? in
        let text = value == .null ? "" : value.string ?? value.text
        let isEmpty = text.isEmpty || text == "{}" || text == "[]"
        return isEmpty ? nil : "\(name.replacing("_", with: " ")) \(text.shortenedText)"
      }
      return """
        <tr><th scope="row" class="tight">\(entry.text("at").asTime)<span class="quiet">entry \(entry.count("number").grouped)</span></th>
        <td>\(entry.text("actor"))</td><td><code>\(entry.text("action"))</code><span class="quiet">\(entry.text("subject").shortenedText)</span></td>
        <td>\(details.joined(separator: "; "))</td></tr>
        """
    }
    let whole: HTML =
      fault["is_whole"]?.bool == true
      ? "<p class=\"notice\">The log is whole: \(fault.count("entries").of("entry", "entries")), each chained to the one before. The last has SHA-256 <code>\(fault.text("last_sha256"))</code>.</p>"
      : "<p class=\"alert\"><strong>The log is not whole:</strong> \(fault.text("fault"))</p>"
    let content = PageContent(
      "Audit log",
      lead: "Every change, by whom and when. Nothing is ever taken out of it.",
      commands: listing.commands([["audit", "list"]], visit, heeding: ["actor", "action"]),
      hasInstant: false,
      main: """
        \(whole)
        \(visit.filter("/audit", [visit.filterField("actor", "Who", "a person's name"), visit.filterField("action", "What", "exception.*"), visit.filterField("subject", "To what"), visit.filterField("from", "From", "2026-11-01"), visit.filterField("to", "Before", "2026-12-01")]))
        \(HTML.table("Changes, the newest first", ["When", "Who", "What, and to what", "Details"], rows, kind: "cards", empty: "No change is like that."))
        \(listing.links(page, visit))
        """
    )
    return .page(content)
  }
}
