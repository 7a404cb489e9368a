import JSON
import Model
import Reports

// What is watched, by whom, and what waits.
extension HomeView {
  func tiles() async throws -> [HTML] {
    let attachments = try await visit.all("listAttachments", ["as_of": visit.asOf])
    let profiles = Set(attachments.map { $0.text("profile") })
    let recurring = attachments.filter { !$0.text("schedule").isEmpty }
    let scopes = Set(attachments.map { $0.text("scope") })
    let onDemand = attachments.count - recurring.count
    let schedules = Set(recurring.map { $0.text("schedule") }).sorted().prefix(3)
    let gaps = status["kinds_not_fully_read"]?.whole
    let open = try await visit.ask("countFindings")["sources"] ?? .null
    let unread: HTML =
      switch gaps {
      case nil: ""
      case 0?: "Every kind was read fully."
      case let count?:
        "\(HTML.link(visit.to("/coverage", ["complete": "false"]), "\(count.of("kind"))")) not fully read."
      }
    func area(_ name: String, _ text: HTML) -> HTML { HTML.card(name, "w3", "<p>\(text)</p>") }
    return [
      area(
        "Posture",
        "\(attachments.count.of("attachment")) of \(profiles.count.of("profile")). \(unread) \(findings(open["posture"], "posture"))."
      ),
      area("Governance", try await governance()),
      area("Insights", "\(findings(open["insights"], "insights")). \(try await alerts())"),
      area("Plumbline itself", "\(findings(open["operations"], "operations"))."),
      HTML.tile(
        "Scopes validated",
        "w4",
        HTML.link(visit.to("/attachments"), "\(scopes.count)"),
        scopes.isEmpty
          ? "No profile is attached to a scope; every rule is judged."
          : "\(scopes.sorted().prefix(4).map { $0.isEmpty ? "everything" : $0 }.joined(separator: ", "))"
      ),
      HTML.tile(
        "Recurring scans",
        "w4",
        HTML.link(visit.to("/attachments", ["recurring": "true"]), "\(recurring.count)"),
        recurring.isEmpty
          ? "None has a schedule." : "\(schedules.joined(separator: "; "))"
      ),
      HTML.tile(
        "On demand",
        "w4",
        HTML.link(visit.to("/attachments", ["recurring": "false"]), "\(onDemand)"),
        "\(onDemand == 1 ? "attachment" : "attachments") without a schedule; \(status.list("open_scans").count.of("scan")) open now"
      ),
    ]
  }

  /// How many findings of a source are open, and where they are listed.
  private func findings(_ counts: JSONValue?, _ source: String) -> HTML {
    let all = counts?.object?.members.reduce(0) { $0 + ($1.value.whole ?? 0) } ?? 0
    let grave = (counts?.count("critical") ?? 0) + (counts?.count("high") ?? 0)
    let list = Address("/findings", ["state": "open", "source": source])
    return """
      \(HTML.link(list, "\(all.of("open finding"))")), \(grave.grouped) of them critical or high
      """
  }

  /// How many alerts nobody took.
  private func alerts() async throws -> HTML {
    guard visit.asOf == nil else { return "" }
    let dead = try await visit.ask("countAlerts")["states"]?.count("dead") ?? 0
    return dead == 0
      ? "\(HTML.link(Address("/alerts"), "Alerts")): none is dead."
      : "\(HTML.link(Address("/alerts", ["state": "dead"]), "\(dead.of("alert")) nobody took"))."
  }

  /// How many guardrails stand on which step, and what they refused of late.
  private func governance() async throws -> HTML {
    guard visit.asOf == nil else { return "Guardrails are shown as they are now only." }
    var counts: [String: Int] = [:]
    for (step, _) in GuardrailsPage.enforcements {
      counts[step] = try await visit.total("listGuardrails", ["enforcement": step]) ?? 0
    }
    func link(_ step: String, _ words: String) -> HTML {
      HTML.link(
        Address("/guardrails", ["enforcement": step]),
        "\((counts[step] ?? 0).grouped) \(words)"
      )
    }
    guard counts.values.contains(where: { $0 > 0 }) else {
      return "\(HTML.link(Address("/guardrails"), "No guardrail")) is laid on a scope."
    }
    let since = visit.asker.now.advanced(days: -6)
    let refused = try await visit.ask(
      "countDecisions",
      ["by": "day", "decision": "refused", "from": "\(since)", "limit": "500"]
    ).list("items").map { $0.count("count") }.reduce(0, +)
    let week = HTML.link(
      Address("/decisions", ["decision": "refused", "from": "\(since)"]),
      "\(refused.of("request"))"
    )
    return """
      \(link("disallow", "enforcing")), \(link("warn", "warning")), \(link("audit_log", "recording")); \(week) refused in 7 days.
      """
  }

  func exceptions() async throws -> HTML {
    let soon = try await visit.ask(
      "listExceptions",
      ["state": "approved", "sort": "expires_at", "limit": "5"]
    ).list("items")
    let notice = visit.asker.now.advanced(days: 30)
    let ending = soon.filter { (Instant($0.text("expires_at")) ?? .never) <= notice }
    let waiting = try await visit.ask(
      "listExceptions",
      ["state": "requested", "sort": "id", "limit": "5"]
    ).list("items")
    let rows = (waiting + ending).map { exception -> HTML in
      let isWaiting = exception.text("state") == "requested"
      let state: HTML =
        isWaiting
        ? "<span class=\"tag wait\">waits for approval</span>"
        : "ends after \(exception.text("expires_at").asLastDay)"
      return """
        <tr><th scope="row">\(HTML.link(Address("/exceptions/\(exception.count("id"))"), "\(exception.text("name"))"))<span class="quiet">\(exception.text("rule")) on \(exception.text("resource"))</span></th><td>\(exception.text("owner"))</td><td>\(state)</td></tr>
        """
    }
    return HTML.tableCard(
      "Exceptions that need a hand",
      "",
      more: HTML.link(Address("/exceptions"), "All exceptions"),
      "Waiting now, or ending within 30 days",
      ["Exception", "Owner", "State"],
      rows,
      empty: "None waits for approval, and none ends within 30 days."
    )
  }

  var standings: HTML {
    let rows = status.list("standings").map { one -> HTML in
      let link = visit.to(
        "/",
        [
          "scope": one.text("scope"), "profile": one.text("profile"),
          "period": visit.value("period"),
        ]
      )
      let isHere =
        one.text("scope") == standing.text("scope")
        && one.text("profile") == standing.text("profile")
      let counts = one["weights"]?.list("results").compactMap(\.whole) ?? []
      let now = one["score_with_exceptions"]?.double
      let (before, plain) = (one["score_before"]?.double, one["score"]?.double)
      let moved = before.flatMap { before in plain.map { ($0 - before).signed } } ?? "–"
      let name: HTML = "\(one.text("scope").isEmpty ? "Everything" : one.text("scope"))"
      let profile = one.text("profile")
      return """
        <tr><th scope="row"\(HTML.when(isHere, " aria-current=\"true\""))>\(HTML.link(link, name))<span class="quiet">\(profile.isEmpty ? "every goal" : "\(profile) \(one.text("profile_version"))")</span></th>
        <td class="bar-cell">\(counts.count == 4 ? Charts.bar(pass: counts[0], fail: counts[1], unknown: counts[2]) : "")</td>
        <td class="num">\(now?.short ?? "–")</td><td class="num">\(moved)</td></tr>
        """
    }
    return HTML.tableCard(
      "Scopes and profiles",
      "",
      "Score by scope and profile, and the move since the scan before",
      ["Scope and profile", "Verdicts", "#Score", "#Moved"],
      rows
    )
  }

  func scans() async throws -> HTML {
    let page = try await visit.ask("listScans", ["limit": "5"])
    let scans = page.list("items")
    let rows = scans.map { scan -> HTML in
      """
      <tr><th scope="row">\(HTML.link(Address("/scans/\(scan.count("id"))"), "Scan \(scan.count("id"))")) <span class="quiet">\(scan.text("subject"))</span></th><td>\(scan.text("instant").asTime)</td><td>\(scan.text("actor"))</td><td>\(ScansPage.tag(scan.text("status")))</td></tr>
      """
    }
    return HTML.tableCard(
      "Last scans",
      "",
      more: HTML.link(Address("/scans"), "All scans"),
      "The newest first, whatever the instant above",
      ["Scan", "As of", "By", "State"],
      rows,
      empty: page.nothing("No scan of what you may see was kept.")
    )
  }

  func collectors() async throws -> HTML {
    let found = try await visit.askIfThere("listCollectors", ["limit": "100"])
    guard let found else { return "" }
    let collectors = found.list("items").filter { $0.text("state") != "revoked" }
    let rows = collectors.map { collector -> HTML in
      let contact = collector.text("last_contact")
      return """
        <tr><th scope="row">\(HTML.link(Address("/collectors/\(collector.count("id"))"), "\(collector.text("name"))"))<span class="quiet">\(collector.text("version")) on \(collector.text("host"))</span></th><td>\(contact.isEmpty ? "never" : contact.asTime)</td><td class="num">\(collector.count("backlog"))</td><td>\(CollectorsPage.tag(collector))</td></tr>
        """
    }
    return HTML.tableCard(
      "Collectors",
      "",
      "Those that work away from the server",
      ["Collector", "Last contact", "#Backlog", "Health"],
      rows,
      empty: "None works away from the server; scans run in it."
    )
  }
}
