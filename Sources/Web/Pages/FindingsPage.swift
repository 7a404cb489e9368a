import JSON
import Model
import Reports

/// Findings of every source, one for each cause.
enum FindingsPage {
  static let page = Page(
    "/findings",
    entry: Page.Entry(area: .insights, name: "Findings"),
    show: show
  )

  static let listing = Listing(
    "/findings",
    "listFindings",
    columns: [
      "id", "severity", "state", "source", "provider", "note", "title", "account=entity.account",
      "actor=entity.actor", "resource=entity.resource", "region=entity.region",
      "source_ip=entity.source_ip", "peer=entity.peer",
      "vulnerabilities", "first_seen",
      "last_seen", "count", "decided_by", "decided_at", "reason", "uid",
    ]
  )

  private static let states = [
    ("", "All"), ("open", "Open"), ("mitigated", "Mitigated"), ("accepted", "Accepted"),
  ]
  private static let sources = ["insights", "posture", "governance", "operations", "custom"]
  private static let severities = ["critical", "high", "medium", "low"]

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let state = visit.value("state") ?? ""
    let page = try await listing.page(visit)
    let counted = listing.pairs(visit).filter { $0.name != "state" }
    let counts = try await visit.ask("countFindings", pairs: counted)["states"] ?? .null
    let tabs = states.map { value, words in
      (
        name: value.isEmpty ? words : "\(words) \(counts.count(value).grouped)",
        address: visit.address.without("notice", "cursor", "state").with("state", value),
        isHere: value == state
      )
    }
    var command = ["findings", "list"]
    command += ["--state", state.isEmpty ? "all" : state]
    for name in ["severity", "source", "note", "account", "resource", "address"] {
      command += visit.values(name).flatMap { ["--\(name)", $0] }
    }
    var content = PageContent(
      "Findings",
      lead: "What was noticed: one line for each cause, which grows as it is seen again.",
      commands: [command],
      main: """
        \(HTML.choice("States", kind: "tabs", tabs))
        \(visit.filter("/findings", hidden: ["state"], [visit.filterChoice("severity", "Severity or above", [("", "any")] + severities.map { ($0, $0) }), visit.filterChoice("source", "Source", [("", "any")] + sources.map { ($0, $0) }), visit.filterField("note", "Kind", "its id"), visit.filterField("account", "Account", "its id"), visit.filterField("address", "IP address", "203.0.113.9"), visit.filterField("resource", "Resource", "its id")]))
        \(table("Findings, the newest first", page.list("items"), empty: page.nothing()))
        \(listing.links(page, visit))
        """
    )
    content.hasInstant = false
    return .page(content)
  }

  /// Findings as a table.
  static func table(
    _ caption: HTML,
    _ findings: [JSONValue],
    empty: HTML = "There is none."
  ) -> HTML {
    HTML.table(
      caption,
      ["Finding", "Severity", "State", "About", "#Count", "Last seen"],
      findings.map(row),
      kind: "cards",
      empty: empty
    )
  }

  private static func row(_ finding: JSONValue) -> HTML {
    """
    <tr><th scope="row">\(HTML.link(Address("/findings/\(finding.count("id"))"), "\(finding.text("title"))"))<span class="quiet">\(finding.text("source")), \(finding.text("provider"))</span></th>
    <td>\(HTML.severity(finding.text("severity")))</td><td>\(tag(finding.text("state")))</td>
    <td>\(about(finding["entity"] ?? .null))</td><td class="num">\(finding.count("count").grouped)</td>
    <td class="tight" data-label="last seen">\(finding["last_seen"]?.string?.asTime ?? "–")</td></tr>
    """
  }

  private static func about(_ entity: JSONValue) -> HTML {
    let text = FindingEntity(json: entity).text
    let account = entity.text("account")
    guard text != account else { return "\(account.shortenedText)" }
    return """
      \(text.shortenedText)\(HTML.when(!account.isEmpty, "<span class=\"quiet\">in \(account)</span>"))
      """
  }

  /// A state as a tag.
  static func tag(_ state: String) -> HTML {
    switch state {
    case "open": HTML.tag("open", "wait")
    case "mitigated": HTML.tag("mitigated", "good")
    default: HTML.tag(state)
    }
  }
}

/// One finding, where somebody says what was decided about it.
enum FindingPage {
  static let page = Page("/findings/{id}", show: show, change: change, by: ["changeFinding"])

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let id = visit.part("id")
    var body: JSONObject = ["state": .string(form["action"])]
    if !form["reason"].isEmpty { body["reason"] = .string(form["reason"]) }
    _ = try await visit.change(
      "changeFinding",
      ["id": id, "If-Match": form["tag"].isEmpty ? "*" : form["tag"]],
      .object(body)
    )
    return .go(visit.notice(.findingChanged))
  }

  static let changes = Listing(
    "/findings/{id}/changes",
    "listFindingChanges",
    columns: ["id", "change", "at", "by", "state", "severity", "seen_at", "reason"]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let finding = try await visit.ask("showFinding", ["id": visit.part("id")])
    let changes = try await visit.ask(
      "listFindingChanges",
      ["id": visit.part("id"), "limit": "500"]
    ).list("items")
    var content = PageContent(
      finding.text("title"),
      lead: "\(finding.text("description"))",
      commands: [["findings", "show", visit.part("id")]],
      main: """
        \(HTML.facts("Facts", facts(finding)))
        \(decision(visit, finding))
        <h2>Evidence</h2>
        \(evidence(finding["evidence"] ?? .null))
        \(history(changes))
        \(Self.changes.fileLinks(visit))
        """
    )
    content.hasInstant = false
    return .page(content)
  }

  private static func facts(_ finding: JSONValue) -> [(String, HTML)] {
    var facts: [(String, HTML)] = [
      ("Severity", HTML.severity(finding.text("severity"))),
      ("State", FindingsPage.tag(finding.text("state"))),
      ("Kind", "<code>\(finding.text("note"))</code>"),
      ("Noticed by", "\(finding.text("provider")), \(finding.text("source"))"),
    ]
    let entity = finding["entity"] ?? .null
    let names = [
      ("Who", "actor"), ("Account", "account"), ("Region", "region"), ("Resource", "resource"),
      ("From", "source_ip"), ("Other side", "peer"),
    ]
    for (words, member) in names where !entity.text(member).isEmpty {
      facts.append((words, "\(entity.text(member))"))
    }
    facts.append(("First seen", finding["first_seen"]?.string?.asTime ?? "–"))
    facts.append(("Last seen", finding["last_seen"]?.string?.asTime ?? "–"))
    let counted = finding.text("source") == "posture" ? "Resources" : "Events"
    facts.append((counted, "\(finding.count("count").grouped)"))
    if let address = externalAddress(finding) {
      facts.append(
        (
          "Conversations",
          HTML.link(Address("/conversations", ["address": address]), "of \(address)")
        )
      )
    }
    let techniques = finding["attack"]?.list("techniques").compactMap(\.string) ?? []
    if !techniques.isEmpty { facts.append(("ATT&CK", HTML.code(techniques))) }
    if !finding.text("decided_by").isEmpty {
      facts.append(
        (
          "Decided by",
          "\(finding.text("decided_by")), \(finding.text("decided_at").asTime): \(finding.text("reason"))"
        )
      )
    }
    return facts
  }

  /// The external address that it tells of, or else where somebody came from.
  private static func externalAddress(_ finding: JSONValue) -> String? {
    let external = finding["evidence"]?["values"]?["external"]?["address"]?.string
    let source = finding["entity"]?["source_ip"]?.string
    return (external ?? source).flatMap { IPNetwork($0) == nil ? nil : $0 }
  }

  private static func decision(_ visit: Visit, _ finding: JSONValue) -> HTML {
    guard visit.may(.edit) else { return "" }
    let state = finding.text("state")
    let tag: HTML = "<input type=\"hidden\" name=\"tag\" value=\"\(finding.entityTag)\">"
    var forms: [HTML] = []
    for (name, words, isReasoned) in [
      ("mitigated", "Its cause is removed", false), ("accepted", "Accept it", true),
      ("open", "Open it again", false),
    ] where name != state {
      let reason = Field(
        name: "reason",
        label: "Why",
        hint: isReasoned ? "It stays accepted when it is seen again." : "",
        kind: .text,
        isRequired: isReasoned
      )
      forms.append(visit.form(name, [reason], button: words, kind: "", more: tag))
    }
    return """
      <details class="card"><summary>Say what was decided</summary>\(HTML(forms))</details>
      """
  }

  private static func evidence(_ evidence: JSONValue) -> HTML {
    let values = evidence["values"]?.object?.members.filter { $0.key != "resources" }
      .map { key, value in (key, HTML.text(value.string ?? value.text)) }
    let events = evidence.list("events").map { event -> HTML in
      """
      <tr><th scope="row">\(event.text("file"))<span class="quiet">record \(event.count("position"))</span></th>
      <td>\(event["time"]?.string?.asTime ?? "–")</td><td>\(event.text("id"))</td></tr>
      """
    }
    let list =
      events.isEmpty
      ? ""
      : HTML.table("The first events", ["Where", "When", "Its id"], events, kind: "cards")
    let facts = [("From", HTML.text(evidence.text("source")))] + (values ?? [])
    let resources = evidence["values"]?.list("resources") ?? []
    return "\(HTML.facts("Evidence", facts))\(failing(resources))\(list)"
  }

  /// The first resources of which a rule fails, with their results.
  private static func failing(_ resources: [JSONValue]) -> HTML {
    guard !resources.isEmpty else { return "" }
    let rows = resources.map { resource -> HTML in
      let name: HTML = "\(resource.text("id").shortenedText)"
      let path = resource.text("path")
      // Another program's evidence may have such a member too, and anything in it.
      let isResult = path.hasPrefix("/results/")
      return """
        <tr><th scope="row">\(isResult ? HTML.link(Address(path), name) : name)</th>
        <td>\(resource.text("kind"))</td><td>\(resource.text("region"))</td><td><code>\(resource.text("result"))</code></td></tr>
        """
    }
    return HTML.table(
      "The first resources that fail",
      ["Resource", "Kind", "Region", "Result"],
      rows,
      kind: "cards"
    )
  }

  private static func history(_ changes: [JSONValue]) -> HTML {
    let rows = changes.map { change -> HTML in
      """
      <tr><th scope="row">\(change.text("change"))</th><td>\(change.text("at").asTime)</td>
      <td>\(change.text("by"))</td><td>\(HTML.severity(change.text("severity")))</td><td>\(change.text("reason"))</td></tr>
      """
    }
    return """
      <h2>What became of it</h2>
      \(HTML.table("Changes, the first first", ["Change", "When", "By", "Severity", "Why"], rows, kind: "cards"))
      """
  }
}
