import JSON
import Model
import Reports

/// Which profiles are attached to which scopes, and when they are validated.
enum AttachmentsPage {
  static let page = Page(
    "/attachments",
    entry: Page.Entry(area: .requirements, name: "Attachments"),
    show: show
  )

  static let listing = Listing(
    "/attachments",
    "listAttachments",
    sort: "id",
    columns: [
      "id", "profile", "version", "scope", "schedule", "paused", "next_due", "since", "parameters",
    ]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let attach = HTML.when(
      visit.may(.edit),
      HTML.mainLink("Attach a profile", Address("/attachments/new"))
    )
    let recurring = visit.value("recurring") ?? ""
    let choices = [("", "All"), ("true", "With a schedule"), ("false", "On demand")].map {
      value,
      words in
      (
        words, visit.address.without("notice", "cursor", "recurring").with("recurring", value),
        value == recurring
      )
    }
    return .page(
      PageContent(
        "Attachments",
        lead: "A profile over a scope, validated on schedule or on demand.",
        commands: listing.commands([["attachments", "list"]], visit),
        main: """
          \(attach)
          \(HTML.choice("Attachments", kind: "pills", choices))
          \(HTML.table("Attachments", ["Profile", "Scope", "Schedule", "Next", "Since"], page.list("items").map { row($0, visit) }, kind: "cards", empty: "No profile is attached to a scope of yours; every rule is judged."))
          \(listing.links(page, visit))
          """
      )
    )
  }

  private static func row(_ attachment: JSONValue, _ visit: Visit) -> HTML {
    let isPaused = attachment["paused"]?.bool ?? false
    let next: HTML = isPaused ? HTML.tag("paused", "wait") : due(attachment["next_due"])
    return """
      <tr><th scope="row">\(HTML.link(Address("/attachments/\(attachment.count("id"))"), "\(attachment.text("profile"))"))<span class="quiet">version \(attachment.text("version"))</span></th>
      <td>\(scope(attachment.text("scope")))</td><td>\(schedule(attachment))</td><td class="tight">\(next)</td><td class="tight">\(attachment.text("since").asTime)</td></tr>
      """
  }

  /// A scope with a link to its page.
  static func scope(_ name: String) -> HTML {
    name.isEmpty ? "everything" : HTML.link(Address("/scopes", parts: [name]), "\(name)")
  }

  static func schedule(_ attachment: JSONValue) -> String {
    attachment.text("schedule").isEmpty ? "on demand" : attachment.text("schedule")
  }

  static func due(_ instant: JSONValue?) -> HTML {
    instant?.string.map { $0.asTime } ?? "–"
  }
}

/// The form by which a profile is attached to a scope.
enum AttachmentForm {
  static let page = Page("/attachments/new", show: show, change: change, by: ["attach"])

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    var body: JSONObject = ["profile": .string(form["profile"])]
    if !form["scope"].isEmpty { body["scope"] = .string(form["scope"]) }
    let cadence = form["schedule"].isEmpty ? form["cadence"] : form["schedule"]
    if !cadence.isEmpty { body["schedule"] = .string(cadence) }
    let parameters = try RuleSettings.parameters(form["parameters"])
    if !parameters.members.isEmpty { body["parameters"] = .object(parameters) }
    let made = try await visit.change("attach", [:], .object(body))
    return .go(
      Address("/attachments/\(made.count("id"))").with("notice", Notice.attached.rawValue)
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    guard visit.may(.edit) else { throw Problem.forbidden(.edit) }
    let profiles = try await visit.look("listProfiles", ["limit": "500"]).list("items")
    let scopes = try await visit.look("listScopes", ["limit": "500"]).list("items")
    let signIn = try await credentials(visit)
    let fields = [
      Field(
        name: "profile",
        label: "Profile",
        hint: "What is asked for.",
        kind: .choice(
          profiles.map { ($0.text("id"), "\($0.text("title")) \($0.text("version"))") }
        ),
        value: visit.value("profile") ?? "best-practices"
      ),
      Field(
        name: "scope",
        label: "Scope",
        hint: "Of which section of the business.",
        kind: .choice([("", "everything")] + scopes.map { ($0.text("name"), $0.text("name")) }),
        value: visit.value("scope") ?? "",
        isRequired: false
      ),
      Field(
        name: "cadence",
        label: "Cadence",
        hint: "How often its accounts are scanned.",
        kind: .choice(
          [
            ("", "on demand"), ("every 1h", "every hour"), ("every 6h", "every 6 hours"),
            ("every 24h", "every 24 hours"), ("every 7d", "every 7 days"),
          ]
        ),
        value: "every 24h",
        isRequired: false
      ),
      Field(
        name: "schedule",
        label: "Or a schedule of your own",
        hint: "Such as every 1d at 02:00 Europe/Zurich; it counts before the cadence.",
        isRequired: false
      ),
      Field(
        name: "parameters",
        label: "Parameters",
        hint: "Where a rule is to ask for other values: RULE.NAME = VALUE, one a line.",
        kind: .long,
        isRequired: false
      ),
    ]
    let cancel: HTML = "<a class=\"button\" href=\"/attachments\">Cancel</a>"
    let content = PageContent(
      "Attach a profile",
      lead: "What was attached of the same profile to the same scope ends.",
      commands: [
        [
          "attach", visit.value("profile") ?? "best-practices", visit.value("scope") ?? "all",
          "--every", "24h",
        ]
      ],
      hasInstant: false,
      main: """
        <div class="card">\(visit.form("attach", fields, button: "Attach", more: cancel))</div>
        \(signIn)
        """
    )
    return .page(content)
  }

  /// What scans will sign in with.
  private static func credentials(_ visit: Visit) async throws -> HTML {
    let found = try await visit.askIfThere("listCredentials", ["limit": "500"])
    guard let items = found?.list("items").filter({ $0.text("state") != "revoked" }) else {
      return ""
    }
    let names = items.map { credential -> HTML in
      let account = credential["details"]?.text("account") ?? ""
      return
        "<li>\(HTML.link(Address("/credentials", parts: [credential.text("name")]), "\(credential.text("name"))")) <span class=\"quiet\">\(credential.text("provider")) \(account)</span> \(CredentialsPage.tag(credential.text("state")))</li>"
    }
    return HTML.card(
      "What scans sign in with",
      "",
      names.isEmpty
        ? "<p class=\"warning\">No credential is kept, so nothing can be scanned by itself. \(HTML.link(Address("/credentials"), "Keep one"))</p>"
        : "<p class=\"quiet\">Each account of the scope is scanned with the credential that signs in to it.</p><ul>\(HTML(names))</ul>"
    )
  }
}

/// Parameters of rules as people write them into a form.
enum RuleSettings {
  /// Values by rule and parameter, of lines such as `RULE.NAME = VALUE`.
  static func parameters(_ text: String) throws -> JSONObject {
    var rules = JSONObject()
    for line in text.split(whereSeparator: \.isNewline) where line.contains(where: { $0 != " " }) {
      let parts = line.split(separator: "=", maxSplits: 1).map(\.trimmed)
      guard parts.count == 2, let dot = parts[0].lastIndex(of: ".") else {
        throw Problem.invalid("parameters", "\"\(line)\" is not as RULE.NAME = VALUE")
      }
      let rule = String(parts[0][..<dot])
      var values = rules[rule]?.object ?? JSONObject()
      values[String(parts[0][parts[0].index(after: dot)...])] = value(parts[1])
      rules[rule] = .object(values)
    }
    return rules
  }

  /// A value as it is typed: JSON where it is some, and else text.
  static func value(_ text: String) -> JSONValue {
    (try? JSONValue(parsing: text)) ?? .string(text)
  }
}
