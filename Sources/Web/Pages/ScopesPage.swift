import JSON
import Model
import Reports

/// Scopes as a tree, what they share, and how profiles come to results through them.
enum ScopesPage {
  static let page = Page(
    "/scopes",
    entry: Page.Entry(area: .requirements, name: "Scopes"),
    show: show
  )

  static let listing = Listing(
    "/scopes",
    "listScopes",
    columns: ["name", "parent", "includes", "excludes"]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit, limit: 500)
    let scopes = page.list("items")
    let conflicts = try await visit.ask("listScopeConflicts", ["as_of": visit.asOf])
    let add = HTML.when(
      visit.may(.edit) && visit.asOf == nil,
      HTML.mainLink("Add a scope", Address("/scopes/new"))
    )
    let names = Set(scopes.map { $0.text("name") })
    let roots = scopes.filter { !names.contains($0.text("parent")) }
    let tree: HTML =
      roots.isEmpty
      ? "<p class=\"empty\">There is no scope that you see. Without one, everything is one section.</p>"
      : "<ul class=\"tree\">\(HTML(roots.map { item($0, scopes, visit) }))</ul>"
    return .page(
      PageContent(
        "Scopes",
        lead: "Named sections of the business: what each holds, less what it leaves out.",
        commands: listing.commands([["scopes", "list"]], visit),
        main: """
          \(add)
          \(warnings(conflicts))
          <div class="grid">
          \(HTML.card("Tree", "w12", tree))
          \(try await relations(visit))
          </div>
          \(listing.links(page, visit))
          """
      )
    )
  }

  private static func item(_ scope: JSONValue, _ all: [JSONValue], _ visit: Visit, depth: Int = 0)
    -> HTML
  {
    let name = scope.text("name")
    let parts = depth > 30 ? [] : all.filter { $0.text("parent") == name }
    let below: HTML =
      parts.isEmpty
      ? "" : "<ul>\(HTML(parts.map { item($0, all, visit, depth: depth + 1) }))</ul>"
    return """
      <li><div class="cond">\(HTML.link(visit.to("/scopes/\(Address.encoded(name))"), "\(name)")) \(selectors(scope))</div>\(below)</li>
      """
  }

  /// What a scope includes and excludes, as tags.
  static func selectors(_ scope: JSONValue) -> HTML {
    let includes = scope.list("includes").compactMap(\.string)
    let excludes = scope.list("excludes").compactMap(\.string)
    let first: [HTML] = includes.isEmpty ? [HTML.tag("everything")] : []
    return HTML(
      first + includes.prefix(6).map { HTML.tag("includes \($0.shortenedText)", "good") }
        + excludes.prefix(6).map { HTML.tag("excludes \($0.shortenedText)", "bad") }
    )
  }

  /// Scopes that share resources, and attachments that ask different things of them.
  private static func warnings(_ conflicts: JSONValue) -> HTML {
    let overlaps = conflicts.list("overlaps").map { overlap -> HTML in
      let names = overlap.list("scopes").compactMap(\.string)
      return
        "<li>\(AttachmentsPage.scope(names.first ?? "")) and \(AttachmentsPage.scope(names.last ?? "")) share \(overlap.count("resources").of("resource")).</li>"
    }
    let faults = conflicts.list("conflicts").map { conflict -> HTML in
      let differences = conflict.list("differences").compactMap(\.string).map {
        "<li>\($0)</li>" as HTML
      }
      let places = conflict.list("attachments").map { attachment in
        HTML.link(
          Address("/attachments/\(attachment.count("id"))"),
          "\(attachment.text("scope").isEmpty ? "everything" : attachment.text("scope"))"
        )
      }
      return """
        <li>\(conflict.text("profile")) asks \(conflict.count("resources").of("resource")) for different things through \(places.first ?? "") and \(places.last ?? ""):<ul>\(HTML(differences))</ul></li>
        """
    }
    return """
      \(HTML.when(!faults.isEmpty, "<div class=\"alert\"><strong>Attachments contradict each other</strong><ul>\(HTML(faults))</ul></div>"))
      \(HTML.when(!overlaps.isEmpty, "<div class=\"warning\"><strong>Scopes overlap</strong>, so their resources count in both.<ul>\(HTML(overlaps))</ul></div>"))
      """
  }

  /// The picture of how profiles come to results, with its table.
  private static func relations(_ visit: Visit) async throws -> HTML {
    let attachments = try await visit.ask(
      "listAttachments",
      ["as_of": visit.asOf, "limit": "500"]
    ).list("items")
    let standings = try await visit.ask("showStatus", ["as_of": visit.asOf]).list("standings")
    let links = attachments.map { attachment in
      let standing = standings.first {
        $0.text("scope") == attachment.text("scope")
          && $0.text("profile") == attachment.text("profile")
      }
      return RelationPicture.Link(
        profile: attachment.text("profile"),
        attachment: attachment.count("id"),
        schedule: AttachmentsPage.schedule(attachment),
        scope: attachment.text("scope"),
        score: standing?["score_with_exceptions"]?.double,
        failing: standing.map { $0["weights"]?.list("results").dropFirst().first?.whole ?? 0 },
        results: visit.to(
          "/results",
          [
            "profile": attachment.text("profile"), "scope": attachment.text("scope"),
            "verdict": "fail",
          ]
        )
      )
    }
    let rows = links.map { link -> HTML in
      """
      <tr><th scope="row">\(HTML.link(Address("/profiles", parts: [link.profile]), "\(link.profile)"))</th>
      <td>\(HTML.link(Address("/attachments/\(link.attachment)"), "\(link.schedule)"))</td><td>\(AttachmentsPage.scope(link.scope))</td>
      <td class="num">\(HTML.link(link.results, "\(link.score?.short ?? "–")"))</td></tr>
      """
    }
    return """
      \(HTML.card("From profile to results", "w12", RelationPicture(links).svg))
      \(HTML.tableCard("The same as a table", "w12", "Which profile is validated over which scope, and what it came to", ["Profile", "Attachment", "Scope", "#Score"], rows, empty: "No profile is attached to a scope of yours."))
      """
  }
}

/// One scope: what it holds and leaves out, and what it has to do with others.
enum ScopePage {
  static let page = Page(
    "/scopes/{name}",
    show: show,
    change: ScopeForm.change,
    by: ["putScope", "removeScope"]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let name = visit.part("name")
    let scope = try await visit.ask("showScopeOverview", ["name": name, "as_of": visit.asOf])
    let resources = visit.to("/resources", ["scope": name])
    let parent = scope.text("parent")
    let facts: [(String, HTML)] = [
      ("Holds", HTML.link(resources, "\(scope.count("resources").of("resource"))")),
      ("Within", parent.isEmpty ? "everything" : AttachmentsPage.scope(parent)),
      ("Includes", list(scope.list("includes"), else: "everything there")),
    ]
    let exclusions = scope.list("exclusions").map { exclusion -> HTML in
      "<tr><th scope=\"row\"><code>\(exclusion.text("selector"))</code></th><td class=\"num\">\(exclusion.count("resources").grouped)</td></tr>"
    }
    func shares(_ member: String) -> [HTML] {
      scope.list(member).map { share in
        "<tr><th scope=\"row\">\(AttachmentsPage.scope(share.text("scope")))</th><td class=\"num\">\(share.count("resources").grouped)</td></tr>"
      }
    }
    let groups = scope.list("groups").prefix(200).map { group -> HTML in
      let kind = "\(group.text("service_name"))/\(group.text("resource_kind"))"
      let rows = visit.to(
        "/resources",
        [
          "scope": name, "account": group.text("account"), "kind": kind,
          "region": group.text("region"),
        ]
      )
      return """
        <tr><th scope="row">\(kind)</th><td>\(group.text("account"))</td><td>\(group.text("region"))</td><td class="num">\(group.text("region").isEmpty ? "\(group.count("resources").grouped)" : HTML.link(rows, "\(group.count("resources").grouped)"))</td></tr>
        """
    }
    let attachments = scope.list("attachments").map { attachment -> HTML in
      """
      <tr><th scope="row">\(HTML.link(Address("/attachments/\(attachment.count("id"))"), "\(attachment.text("profile")) \(attachment.text("version"))"))</th><td>\(AttachmentsPage.schedule(attachment))</td></tr>
      """
    }
    let attach: HTML =
      visit.may(.edit)
      ? "<p>\(HTML.link(Address("/attachments/new", ["scope": name]), "Attach a profile", "button"))</p>"
      : ""
    return .page(
      PageContent(
        name,
        lead: "Scope",
        commands: [["scopes", "show", name]],
        main: """
          \(HTML.facts("Facts", facts))
          \(attach)
          <div class="grid">
          \(HTML.tableCard("Attached", "w6", "Profiles that are validated over it", ["Profile", "Schedule"], attachments, empty: "No profile is attached to it."))
          \(HTML.tableCard("Leaves out", "w6", "What each exclusion takes away", ["Selector", "#Resources"], exclusions, empty: "It excludes nothing."))
          \(HTML.tableCard("Parts", "w6", "Scopes right below it", ["Scope", "#Resources"], shares("parts"), empty: "It has none."))
          \(HTML.tableCard("Overlaps", "w6", "Scopes beside it that share resources", ["Scope", "#Shared"], shares("overlaps"), empty: "It shares no resource with another."))
          \(HTML.tableCard("Holds", "w12", "By kind, account and region", ["Kind", "Account", "Region", "#Resources"], groups, kind: "cards", empty: "It holds nothing now."))
          </div>
          \(visit.may(.edit) && visit.asOf == nil ? try await ScopeForm.edit(visit, name) : "")
          """
      )
    )
  }

  private static func list(_ selectors: [JSONValue], else words: String) -> HTML {
    let texts = selectors.compactMap(\.string)
    return texts.isEmpty ? "\(words)" : HTML.code(texts)
  }
}
