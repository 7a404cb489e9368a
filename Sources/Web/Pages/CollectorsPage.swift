import JSON
import Model
import Reports

/// Collectors that work away from the server: their health, version, last contact and backlog.
enum CollectorsPage {
  static let page = Page(
    "/collectors",
    entry: Page.Entry(area: .collection, name: "Collectors", permission: .administer),
    show: show,
    change: change,
    by: ["addCollectorCode"]
  )

  static let listing = Listing(
    "/collectors",
    "listCollectors",
    sort: "name",
    columns: [
      "id", "name", "state", "version", "host", "address", "registered_at", "approved_at",
      "approved_by", "last_contact", "is_silent", "backlog", "reason",
    ]
  )

  /// Whether somebody has to look after a collector, as a tag.
  static func tag(_ collector: JSONValue) -> HTML {
    let state = collector.text("state")
    if state == "approved" {
      return collector["is_silent"]?.bool == true
        ? HTML.tag("silent", "bad") : HTML.tag("heard", "good")
    }
    return HTML.tag(
      state == "requested" ? "waits for approval" : state,
      state == "requested" ? "wait" : ""
    )
  }

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let made = try await visit.change("addCollectorCode", [:], ["name": .string(form["name"])])
    return .page(
      .told(
        "A code for \(made.text("name"))",
        made.text("code"),
        """
        With it the collector registers once, by \(made.text("expires_at").asTime): <code>plumb collector --server … --code …</code>. It then waits for approval.
        """,
        back: Address("/collectors")
      )
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let rows = page.list("items").map { collector -> HTML in
      let contact = collector.text("last_contact")
      return """
        <tr><th scope="row">\(HTML.link(Address("/collectors/\(collector.count("id"))"), "\(collector.text("name"))"))<span class="quiet">\(collector.text("version")) on \(collector.text("host"))</span></th>
        <td>\(tag(collector))</td><td class="tight">\(contact.isEmpty ? "never" : contact.asTime)</td><td class="num" data-label="Backlog">\(collector.count("backlog"))</td>
        <td>\(collector.list("credentials").map { $0.text("name") }.joined(separator: ", "))</td></tr>
        """
    }
    let name = Field(name: "name", label: "Name", hint: "What the collector will be called.")
    let content = PageContent(
      "Collectors",
      lead: "They read near the resources, poll outwards only, and keep their credentials.",
      commands: listing.commands([["collectors", "list"]], visit),
      hasInstant: false,
      main: """
        \(HTML.table("Collectors away from the server", ["Collector", "Health", "Last contact", "#Backlog", "Signs in with"], rows, kind: "cards", empty: "None registered; scans run in the server and its workers."))
        \(listing.links(page, visit))
        \(HTML.folded("Let another one register", isOpen: visit.refused != nil, visit.form("code", [name], button: "Make a code")))
        """
    )
    return .page(content)
  }
}

/// One collector: approved, stopped or revoked.
enum CollectorPage {
  static let page = Page(
    "/collectors/{id}",
    show: show,
    change: change,
    by: ["approveCollector", "stopCollector", "revokeCollector"]
  )

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let id = visit.part("id")
    switch form["action"] {
    case "approve":
      _ = try await visit.change("approveCollector", ["id": id])
      return .go(visit.notice(.collectorApproved))
    case "scan":
      let made = try await visit.change(
        "addCollectorJob",
        ["id": id],
        ["credential": .string(form["credential"])]
      )
      return .go(Address("/jobs/\(made.count("job"))"))
    case "revoke":
      _ = try await visit.change("revokeCollector", ["id": id], ["reason": .string(form["reason"])])
      return .go(visit.notice(.collectorRevoked))
    case "stop":
      _ = try await visit.change("stopCollector", ["id": id], ["reason": .string(form["reason"])])
      return .go(visit.notice(.collectorStopped))
    default: throw form.unknownAction
    }
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let collector = try await visit.ask("showCollector", ["id": visit.part("id")])
    let state = collector.text("state")
    var facts: [(String, HTML)] = [
      ("Health", CollectorsPage.tag(collector)),
      ("Version", "\(collector.text("version")) on \(collector.text("host"))"),
      ("Key", "<code>\(collector.text("key_sha256"))</code>"),
      ("Registered", collector.text("registered_at").asTime),
    ]
    if let approved = collector["approved_at"]?.string {
      facts.append(("Approved", "\(approved.asTime) by \(collector.text("approved_by"))"))
    }
    if let contact = collector["last_contact"]?.string {
      facts.append(("Last contact", "\(contact.asTime) from \(collector.text("address"))"))
    }
    facts.append(("Backlog", "\(collector.count("backlog").of("job")) begun and not handed in"))
    if !collector.text("reason").isEmpty {
      facts.append(("Why it was ended", "\(collector.text("reason"))"))
    }
    for (name, value) in collector["health"]?.object?.members ?? [] {
      facts.append((name.replacing("_", with: " "), "\(value.string ?? value.text)"))
    }
    let credentials = collector.list("credentials").map { credential -> HTML in
      let scan: HTML =
        state == "approved" && visit.may(.run)
        ? visit.button("scan", "Scan now", ["credential": credential.text("name")]) : ""
      return """
        <tr><th scope="row">\(credential.text("name"))</th><td>\(credential.text("provider"))</td><td>\(credential.text("account"))</td><td>\(scan)</td></tr>
        """
    }
    let reason = Field(name: "reason", label: "Why", hint: "It is told to the collector.")
    let approve: HTML =
      ["requested", "stopped"].contains(state)
      ? "<p class=\"quiet\">Compare the key above with the one that the collector printed when it registered.</p>\(visit.button("approve", "Approve", kind: "main"))"
      : ""
    let stop: HTML =
      state == "approved"
      ? HTML.folded("Stop it", visit.form("stop", [reason], button: "Stop", kind: "danger"))
      : ""
    let revoke: HTML =
      state == "revoked"
      ? ""
      : HTML.folded(
        "Refuse its key for good",
        visit.form("revoke", [reason], button: "Revoke", kind: "danger")
      )
    let content = PageContent(
      collector.text("name"),
      lead: "Collector",
      commands: [["collectors", "show", collector.text("name")]],
      hasInstant: false,
      main: """
        \(HTML.facts("Facts", facts))
        \(approve)
        \(HTML.table("What it signs in with", ["Credential", "Provider", "Account", "Scan"], credentials, kind: "cards", empty: "It told of no credential."))
        \(stop)\(revoke)
        """
    )
    return .page(content)
  }
}

extension PageContent {
  /// What is told this once and kept nowhere.
  static func told(_ title: String, _ secret: String, _ rest: HTML, back: Address) -> PageContent {
    let content = PageContent(
      title,
      hasInstant: false,
      main: """
        <div class="card stack">
        <p class="warning">It is shown this once, and kept nowhere.</p>
        <h2 id="told-name">Copy it now</h2>
        <div class="copy"><pre id="told" tabindex="0" role="region" aria-labelledby="told-name"><code>\(secret)</code></pre><button type="button" class="plain" data-copy="told" hidden>Copy</button></div>
        <p>\(rest)</p>
        \(HTML.mainLink("Go on", back))
        </div>
        """
    )
    return content
  }
}
