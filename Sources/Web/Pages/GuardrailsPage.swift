import JSON
import Model
import Reports

/// What is laid on which scope, and whether it is enforced.
enum GuardrailsPage {
  static let page = Page(
    "/guardrails",
    entry: Page.Entry(area: .governance, name: "Guardrails", others: ["/enforcement"]),
    show: show
  )

  static let listing = Listing(
    "/guardrails",
    "listGuardrails",
    sort: "id",
    columns: [
      "id", "rule", "profile", "template", "scope", "excludes", "enforcement", "on_failure",
      "enforced", "fault", "reason", "changed_by", "since",
    ]
  )

  /// The links between what is about guardrails.
  static func tabs(_ here: String) -> HTML {
    HTML.choice(
      "About guardrails",
      kind: "tabs",
      [("Guardrails", "/guardrails"), ("What is enforced where", "/enforcement")].map {
        name,
        path in
        (name, Address(path), path == here)
      }
    )
  }

  /// What a guardrail lays on its scope: the kind, and the name.
  static func subject(_ guardrail: JSONValue) -> (kind: String, name: String) {
    for kind in ["rule", "profile", "template"] {
      if let name = guardrail[kind]?.string { return (kind, name) }
    }
    return ("", "")
  }

  /// A guardrail with a link to its page.
  static func link(_ guardrail: JSONValue) -> HTML {
    let (kind, name) = subject(guardrail)
    return """
      \(HTML.link(Address("/guardrails/\(guardrail.count("id"))"), "\(name)"))<span class="quiet">\(kind), guardrail \(guardrail.count("id"))</span>
      """
  }

  /// A guardrail by its number, with a link where the visitor sees it.
  static func link(number: Int, _ seen: Set<Int>) -> HTML {
    seen.contains(number)
      ? HTML.link(Address("/guardrails/\(number)"), "guardrail \(number)") : "guardrail \(number)"
  }

  /// An enforcement as a tag.
  static func tag(_ enforcement: String) -> HTML {
    switch enforcement {
    case "disallow": HTML.tag("disallow", "bad")
    case "warn": HTML.tag("warn", "wait")
    default: HTML.tag("audit log")
    }
  }

  /// What becomes of a request, as a tag.
  static func effect(_ effect: String) -> HTML {
    switch effect {
    case "refused": HTML.tag("refused", "bad")
    case "warned": HTML.tag("warned", "wait")
    default: HTML.tag("allowed", "good")
    }
  }

  static let enforcements = [
    ("audit_log", "audit log: record only"), ("warn", "warn whoever asks"),
    ("disallow", "disallow"),
  ]

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let lay: HTML =
      visit.may(.edit)
      ? "<p>\(HTML.link(Address("/guardrails/new"), "Lay a guardrail", "button main"))</p>" : ""
    var content = PageContent(
      "Guardrails",
      lead: "What is asked of configurations before they come to be, where, and how strictly.",
      commands: listing.commands([["guardrails", "list"]], visit),
      main: """
        \(tabs("/guardrails"))
        \(lay)
        \(visit.filter("/guardrails", [visit.filterField("rule", "Rule", "its id"), visit.filterField("scope", "Scope", "its name"), visit.filterChoice("enforcement", "Enforcement", [("", "any")] + enforcements)]))
        \(HTML.table("Guardrails", ["Guardrail", "Scope", "Enforcement", "In force", "Since"], page.list("items").map(row), kind: "cards", empty: "No guardrail of a scope of yours is like that."))
        \(listing.links(page, visit))
        """
    )
    content.hasInstant = false
    return .page(content)
  }

  private static func row(_ guardrail: JSONValue) -> HTML {
    let isEnforced = guardrail["enforced"]?.bool ?? false
    let excludes = guardrail.list("excludes").compactMap(\.string).joined(separator: "; ")
    let without: HTML = excludes.isEmpty ? "" : "<span class=\"quiet\">without \(excludes)</span>"
    let state: HTML =
      isEnforced
      ? HTML.tag("yes", "good")
      : "\(HTML.tag("set aside", "bad"))<span class=\"quiet\">\(guardrail.text("fault"))</span>"
    return """
      <tr><th scope="row">\(link(guardrail))</th><td>\(AttachmentsPage.scope(guardrail.text("scope")))\(without)</td><td>\(tag(guardrail.text("enforcement")))</td><td>\(state)</td><td class="tight">\(guardrail.text("since").asTime)<span class="quiet">\(guardrail.text("changed_by"))</span></td></tr>
      """
  }
}

/// What is enforced in which account, read off the guardrails that decide.
enum EnforcementPage {
  static let page = Page("/enforcement", show: show)

  static let listing = Listing(
    "/enforcement",
    "listEnforcement",
    columns: [
      "account", "provider", "rule", "enforcement", "guardrail", "scope", "on_failure", "partial",
    ]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit, limit: 100)
    let seen = try await visit.guardrailsSeen()
    let rows = page.list("items").map { entry -> HTML in
      let (number, scope) = (entry.count("guardrail"), entry.text("scope"))
      let by = GuardrailsPage.link(number: number, seen)
      let part: HTML =
        entry["partial"]?.bool ?? false
        ? "<span class=\"quiet\">in a part of it, as the scope says</span>" : ""
      return """
        <tr><th scope="row">\(entry.text("account"))<span class="quiet">\(entry.text("provider"))</span></th><td>\(RulesPage.link(entry.text("rule")))</td><td>\(GuardrailsPage.tag(entry.text("enforcement")))\(part)</td><td>\(by)<span class="quiet">\(scope.isEmpty ? "everything" : scope)</span></td></tr>
        """
    }
    var content = PageContent(
      "What is enforced where",
      lead: "Read off the very guardrails that decide now.",
      commands: listing.commands(
        [["guardrails", "enforced"]],
        visit,
        heeding: ["account", "rule"]
      ),
      main: """
        \(GuardrailsPage.tabs("/enforcement"))
        \(visit.filter("/enforcement", [visit.filterField("account", "Account", "its id"), visit.filterField("rule", "Rule", "its id")]))
        \(HTML.table("Rules by account", ["Account", "Rule", "Enforcement", "By"], rows, kind: "cards", empty: "Nothing is enforced there."))
        \(listing.links(page, visit))
        """
    )
    content.hasInstant = false
    return .page(content)
  }
}

extension Visit {
  /// The numbers of the guardrails that the visitor sees.
  func guardrailsSeen() async throws -> Set<Int> {
    Set(try await look("listGuardrails", ["limit": "500"]).list("items").map { $0.count("id") })
  }
}
