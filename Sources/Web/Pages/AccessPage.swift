import JSON
import Model
import Reports

/// Who may do what where: people and their roles.
enum AccessPage {
  static let page = Page(
    "/access",
    entry: Page.Entry(area: .administration, name: "Access"),
    show: show,
    change: change,
    by: ["addPerson"]
  )

  static let listing = Listing(
    "/access",
    "listPeople",
    columns: ["id", "name", "email", "issuer", "subject", "created_at", "is_disabled"]
  )

  static func tabs(_ visit: Visit, _ here: String) -> HTML {
    HTML.choice(
      "About access",
      kind: "tabs",
      [("People", "/access"), ("Keys", "/access/keys")].map { name, path in
        (name, Address(path), path == here)
      }
    )
  }

  /// A role on an extent in words.
  static func words(_ grant: JSONValue) -> String {
    let extent = grant["extent"] ?? .null
    let place =
      extent.text("kind") == "everything"
      ? "everything" : "\(extent.text("kind")) \(extent.text("name"))"
    return "\(grant.text("role")) on \(place)"
  }

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    var body: JSONObject = ["name": .string(form["name"])]
    for name in ["email", "issuer", "subject"] where !form[name].isEmpty {
      body[name] = .string(form[name])
    }
    let made = try await visit.change("addPerson", [:], .object(body))
    return .go(
      Address("/access/people/\(made.count("id"))").with("notice", Notice.personAdded.rawValue)
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let session = try await visit.ask("showSession")
    let own = session.list("grants").map { grant -> HTML in
      let ends = grant.text("expires_at")
      return
        "<li>\(words(grant))\(HTML.when(!ends.isEmpty, " <span class=\"quiet\">until \(ends.asTime)</span>"))</li>"
    }
    let content = PageContent(
      "Access",
      lead: "Who may do what where.",
      commands: visit.may(.administer) ? [["people", "list"]] : [],
      hasInstant: false,
      main: """
        \(tabs(visit, "/access"))
        \(HTML.card("Your roles", "", own.isEmpty ? "<p class=\"empty\">You have none.</p>" : "<ul>\(HTML(own))</ul>"))
        \(visit.may(.administer) ? try await people(visit) : "<p class=\"quiet\">Administrators see who else may do what.</p>")
        """
    )
    return .page(content)
  }

  private static func people(_ visit: Visit) async throws -> HTML {
    let page = try await listing.page(visit)
    var rows: [HTML] = []
    for person in page.list("items") {
      let id = person.count("id")
      let grants = try await visit.look("listGrants", ["id": "\(id)", "limit": "100"])
        .list("items")
      let isDisabled = person["is_disabled"]?.bool ?? false
      rows.append(
        """
        <tr><th scope="row">\(HTML.link(Address("/access/people/\(id)"), "\(person.text("name"))"))<span class="quiet">\(person.text("email"))</span></th>
        <td>\(grants.isEmpty ? "no role" : grants.map(words).joined(separator: "; "))</td>
        <td>\(person.text("issuer").isEmpty ? "a code" : "\(person.text("issuer"))")</td><td>\(isDisabled ? HTML.tag("disabled", "bad") : "")</td></tr>
        """
      )
    }
    let fields = [
      Field(name: "name", label: "Name", hint: "As the audit log will have it."),
      Field(name: "email", label: "E-mail", isRequired: false),
      Field(
        name: "issuer",
        label: "OpenID provider",
        hint: "Its address, where the person signs in through one.",
        isRequired: false
      ),
      Field(
        name: "subject",
        label: "Subject",
        hint: "The provider's name for the person.",
        isRequired: false
      ),
    ]
    return """
      \(HTML.table("People", ["Person", "Roles", "Signs in through", "State"], rows, kind: "cards", empty: "There is nobody whom you administer."))
      \(listing.links(page, visit))
      \(HTML.folded("Add a person", isOpen: visit.refused != nil, visit.form("add", fields, button: "Add")))
      """
  }
}

/// One person: roles, a code to sign in by, and whether signing in is possible at all.
enum PersonPage {
  static let page = Page(
    "/access/people/{id}",
    show: show,
    change: change,
    by: ["addGrant", "addCode", "changePerson"]
  )

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let id = visit.part("id")
    switch form["action"] {
    case "grant":
      var body: JSONObject = ["role": .string(form["role"]), "extent": extent(form)]
      if let ends = form.lastDay("expires_at") { body["expires_at"] = ends }
      _ = try await visit.change("addGrant", ["id": id], .object(body))
      return .go(visit.notice(.granted))
    case "revoke":
      _ = try await visit.change("revokeGrant", ["id": form["grant"], "If-Match": "*"])
      return .go(visit.notice(.grantRevoked))
    case "code":
      let made = try await visit.change("addCode", ["id": id])
      return .page(
        .told(
          "A code to sign in",
          made.text("code"),
          "With it the person signs in once, by \(made.text("expires_at").asTime).",
          back: Address("/access/people/\(Address.encoded(id))")
        )
      )
    case "disable", "enable":
      _ = try await visit.change(
        "changePerson",
        ["id": id, "If-Match": form["tag"]],
        ["is_disabled": .bool(form["action"] == "disable")]
      )
      return .go(visit.notice(.personChanged))
    default: throw form.unknownAction
    }
  }

  /// The extent that a form names.
  static func extent(_ form: Form) -> JSONValue {
    var extent: JSONObject = ["kind": .string(form["kind"])]
    if form["kind"] != "everything" { extent["name"] = .string(form["place"]) }
    return .object(extent)
  }

  /// The fields by which a role on an extent is chosen.
  static let grantFields = [
    Field(
      name: "role",
      label: "Role",
      kind: .choice(
        ["viewer", "operator", "editor", "administrator", "auditor"].map { ($0, $0) }
      ),
      value: "viewer"
    ),
    Field(
      name: "kind",
      label: "On",
      kind: .choice(
        [("everything", "everything"), ("account", "an account"), ("scope", "a scope")]
      ),
      value: "everything"
    ),
    Field(
      name: "place",
      label: "Which",
      hint: "The account's id or the scope's name.",
      isRequired: false
    ),
    Field(
      name: "expires_at",
      label: "Ends after",
      hint: "An auditor's role has to end.",
      kind: .date,
      isRequired: false
    ),
  ]

  static let grants = Listing(
    "/access/people/{id}/grants",
    "listGrants",
    columns: [
      "id", "role", "on=extent.kind", "place=extent.name", "expires_at", "granted_by", "granted_at",
    ]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let id = visit.part("id")
    let person = try await visit.ask("showPerson", ["id": id])
    let grants = try await visit.ask("listGrants", ["id": id, "limit": "100"]).list("items")
    let isDisabled = person["is_disabled"]?.bool ?? false
    var facts: [(String, HTML)] = [
      ("State", isDisabled ? HTML.tag("disabled", "bad") : HTML.tag("may sign in", "good")),
      ("Since", person.text("created_at").asTime),
    ]
    for (name, member) in [
      ("E-mail", "email"), ("OpenID provider", "issuer"), ("Subject", "subject"),
    ] where !person.text(member).isEmpty {
      facts.append((name, "\(person.text(member))"))
    }
    let rows = grants.map { grant -> HTML in
      let ends = grant.text("expires_at")
      let by: HTML =
        grant.text("granted_by").isEmpty
        ? "" : "\(grant.text("granted_by")), \(grant.text("granted_at").asTime)"
      return """
        <tr><th scope="row">\(AccessPage.words(grant))</th><td>\(ends.isEmpty ? "–" : ends.asTime)</td><td>\(by)</td><td>\(visit.button("revoke", "Take back", kind: "danger", ["grant": "\(grant.count("id"))"]))</td></tr>
        """
    }
    let (action, words) = isDisabled ? ("enable", "Enable") : ("disable", "Disable")
    let content = PageContent(
      person.text("name"),
      lead: "Person",
      commands: [["people", "list"]],
      hasInstant: false,
      main: """
        \(HTML.facts("Facts", facts))
        <div class="row">\(visit.button("code", "Make a code to sign in"))\(visit.button(action, words, kind: isDisabled ? "" : "danger", ["tag": person.entityTag]))</div>
        \(HTML.table("Roles", ["Role", "Ends", "Granted by", "Change"], rows, kind: "cards", empty: "No role, so nothing is allowed."))
        \(Self.grants.fileLinks(visit))
        \(HTML.card("Grant a role", "", visit.form("grant", grantFields, button: "Grant")))
        """
    )
    return .page(content)
  }
}

/// API keys, by which programs act for a person.
enum KeysPage {
  static let page = Page("/access/keys", show: show, change: change, by: ["addKey"])

  static let listing = Listing(
    "/access/keys",
    "listKeys",
    columns: [
      "id", "name", "person", "role", "on=extent.kind", "place=extent.name", "created_at",
      "expires_at", "used_on", "state",
    ]
  )

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    if form["action"] == "revoke" {
      _ = try await visit.change("revokeKey", ["id": form["key"], "If-Match": "*"])
      return .go(visit.notice(.keyRevoked))
    }
    var body: JSONObject = [
      "name": .string(form["name"]), "role": .string(form["role"]),
      "extent": PersonPage.extent(form),
    ]
    if let ends = form.lastDay("expires_at") { body["expires_at"] = ends }
    let made = try await visit.change("addKey", [:], .object(body))
    return .page(
      .told(
        "A key called \(made["key"]?.text("name") ?? "")",
        made.text("secret"),
        "A program sends it as <code>Authorization: Bearer …</code>. It may do what you may, and no more than its role.",
        back: Address("/access/keys")
      )
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let rows = page.list("items").map { key -> HTML in
      let isOpen = key.text("state") == "in force"
      let end: HTML =
        isOpen
        ? visit.button("revoke", "Revoke", kind: "danger", ["key": "\(key.count("id"))"]) : ""
      return """
        <tr><th scope="row">\(key.text("name"))<span class="quiet">of \(key.text("person")), \(AccessPage.words(key))</span></th><td>\(HTML.tag(key.text("state"), isOpen ? "good" : ""))</td><td class="tight">\(key.text("expires_at").asTime)</td><td>\(key.text("used_on").isEmpty ? "never" : key.text("used_on"))</td><td>\(end)</td></tr>
        """
    }
    let name = Field(name: "name", label: "Name", hint: "What it is for.")
    let content = PageContent(
      "Keys",
      lead: "By which programs act for a person. The keys themselves are not kept.",
      commands: listing.commands([["keys", "list"]], visit),
      hasInstant: false,
      main: """
        \(AccessPage.tabs(visit, "/access/keys"))
        \(HTML.table("Keys", ["Key", "State", "Ends", "Last used", "Change"], rows, kind: "cards", empty: "You have none."))
        \(listing.links(page, visit))
        \(HTML.folded("Make a key for yourself", isOpen: visit.refused != nil, visit.form("add", [name] + PersonPage.grantFields, button: "Make")))
        """
    )
    return .page(content)
  }
}
