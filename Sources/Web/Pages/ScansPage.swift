import JSON
import Model
import Reports

/// Scans, the jobs that make them, and what could not be read.
enum ScansPage {
  static let page = Page(
    "/scans",
    entry: Page.Entry(area: .collection, name: "Scans", others: ["/jobs", "/coverage"]),
    show: show
  )

  static let listing = Listing(
    "/scans",
    "listScans",
    columns: [
      "id", "subject", "account", "status", "instant", "started", "finished", "actor",
      "resources=report.resources", "new=report.new", "changed=report.changed", "gone=report.gone",
      "lines_not_judged=report.lines_not_judged",
    ]
  )

  /// The links between what is about scans.
  static func tabs(_ visit: Visit, _ here: String) -> HTML {
    HTML.choice(
      "About scans",
      kind: "tabs",
      [("Scans", "/scans"), ("Jobs", "/jobs"), ("Coverage", "/coverage")].map { name, path in
        (name, path == "/coverage" ? visit.to(path) : Address(path), path == here)
      }
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let states = ["collecting", "running", "finished", "cancelled", "failed"]
    let ask = HTML.when(
      visit.may(.run),
      HTML.mainLink("Scan now, or on schedule", Address("/attachments"))
    )
    let content = PageContent(
      "Scans",
      lead: "What was read and judged when.",
      commands: listing.commands([["scans", "list"]], visit),
      hasInstant: false,
      main: """
        \(tabs(visit, "/scans"))
        \(ask)
        \(visit.filter("/scans", [visit.filterChoice("status", "State", [("", "any")] + states.map { ($0, $0) }), visit.filterField("account", "Account", "its id")]))
        \(HTML.table("Scans, the newest first", ["Scan", "State", "Began", "Took", "#Resources", "#New", "#Changed", "#Gone", "#Not judged"], page.list("items").map { row($0, visit) }, kind: "wide", empty: page.nothing("No scan of what you may see is like that.")))
        \(listing.links(page, visit))
        """
    )
    return .page(content)
  }

  static func tag(_ state: String) -> HTML {
    switch state {
    case "finished", "done": HTML.tag(state, "good")
    case "failed", "set_aside": HTML.tag(state.replacing("_", with: " "), "bad")
    case "cancelled": HTML.tag(state)
    case "leased": HTML.tag("under way", "wait")
    default: HTML.tag(state, "wait")
    }
  }

  private static func row(_ scan: JSONValue, _ visit: Visit) -> HTML {
    let report = scan["report"] ?? .null
    func number(_ name: String) -> HTML {
      report[name] == nil ? "–" : "\(report.count(name).grouped)"
    }
    let account = scan.text("account")
    return """
      <tr><th scope="row">\(HTML.link(Address("/scans/\(scan.count("id"))"), "Scan \(scan.count("id"))"))<span class="quiet">\(scan.text("subject"))\(HTML.when(!account.isEmpty, " · \(account)"))</span></th>
      <td>\(tag(scan.text("status")))</td><td class="tight">\(scan.text("started").asTime)<span class="quiet">by \(scan.text("actor"))</span></td>
      <td class="tight">\(took(scan.text("started"), scan.text("finished")))</td>
      <td class="num">\(number("resources"))</td><td class="num">\(number("new"))</td><td class="num">\(number("changed"))</td><td class="num">\(number("gone"))</td><td class="num">\(number("lines_not_judged"))</td></tr>
      """
  }

  /// How long something took, in words.
  static func took(_ from: String, _ to: String) -> HTML {
    guard let from = Instant(from), let to = Instant(to) else { return "–" }
    let seconds = max(0, (to.milliseconds - from.milliseconds) / 1000)
    if seconds < 120 { return "\(Int(seconds)) s" }
    return seconds < 7200
      ? "\(Int(seconds / 60)) min" : "\(Int(seconds / 3600)) h \(Int(seconds % 3600 / 60)) min"
  }
}

/// One scan: how far it is, what it came to, and what could not be read.
enum ScanPage {
  static let page = Page("/scans/{id}", show: show, change: change, by: ["cancelScan"])

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    _ = try await visit.change("cancelScan", ["id": visit.part("id")])
    return .go(visit.notice(.scanCancelled))
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let scan = try await visit.ask("showScan", ["id": visit.part("id")])
    let isOpen = ["collecting", "running"].contains(scan.text("status"))
    let account = scan["account"]?.string
    // While it is under way the state stands where it is followed.
    var facts: [(String, HTML)] = isOpen ? [] : [("State", ScansPage.tag(scan.text("status")))]
    facts.append(("What", "\(scan.text("subject"))"))
    if let account {
      facts.append(
        ("Account", HTML.link(Address("/resources", ["account": account]), "\(account)"))
      )
    }
    facts += [
      ("As of", scan.text("instant").asTime), ("Began", scan.text("started").asTime),
      ("By", job(of: scan.text("actor"))),
    ]
    if !scan.text("finished").isEmpty {
      facts.append(("Ended", scan.text("finished").asTime))
      facts.append(("Took", ScansPage.took(scan.text("started"), scan.text("finished"))))
    }
    if !isOpen, let tasks = scan["tasks"] {
      facts.append(("Tasks", "\(tasks.count("done")) of \(tasks.count("all")) done"))
    }
    let cancel: HTML =
      isOpen && visit.may(.run) ? visit.button("cancel", "Cancel", kind: "danger") : ""
    let content = PageContent(
      "Scan \(scan.count("id"))",
      commands: [["scans", "show", "\(scan.count("id"))"]],
      hasInstant: false,
      main: """
        \(HTML.facts("Facts", facts))
        \(isOpen ? live(scan) : "")
        \(cancel)
        \(isOpen ? "" : try await outcome(scan, account, visit))
        """
    )
    return .page(content)
  }

  /// Who made a scan, with a link where a job did.
  static func job(of actor: String) -> HTML {
    guard let match = actor.wholeMatch(of: /(worker|collector)\/job-([0-9]+)/) else {
      return "\(actor)"
    }
    return HTML.link(Address("/jobs/\(match.2)"), "job \(String(match.2))")
  }

  private static func live(_ scan: JSONValue) -> HTML {
    Live.card(
      "scans/\(scan.count("id"))",
      [
        ("State", "status", scan.text("status")),
        ("Tasks done", "tasks.done", "\(scan["tasks"]?.count("done") ?? 0)"),
        ("Of", "tasks.all", "\(scan["tasks"]?.count("all") ?? 0)"),
      ]
        + Live.progress.map { name, member in
          (name, "job.progress.\(member)", Live.text(scan["job"]?["progress"] ?? .null, member))
        }
    )
  }

  private static func outcome(_ scan: JSONValue, _ account: String?, _ visit: Visit) async throws
    -> HTML
  {
    let report = scan["report"] ?? .null
    let ended = scan.text("finished")
    let instant = scan.text("instant")
    let numbers = ["resources", "new", "changed", "unchanged", "gone", "lines_not_judged"].filter {
      report[$0] != nil
    }.map { name -> HTML in
      """
      <tr><th scope="row">\(name.replacing("_", with: " "))</th><td class="num">\(report.count(name).grouped)</td></tr>
      """
    }
    let faults = report.list("faults").compactMap(\.string).map { "<li>\($0)</li>" as HTML }
    let notCovered = (report["not_covered"]?.object?.members ?? []).map { kind, count -> HTML in
      """
      <tr><th scope="row">\(HTML.link(Address("/resources", ["kind": kind, "account": account, "as_of": instant]), "\(kind)"))</th><td class="num">\((count.whole ?? 0).grouped)</td></tr>
      """
    }
    let isKept = scan.text("status") == "finished"
    let verdicts: HTML =
      isKept ? try await verdicts(account, instant, visit) : ""
    let unread: HTML =
      isKept ? try await unread(account, ended.isEmpty ? instant : ended, visit) : ""
    return """
      <div class="grid">
      \(HTML.tableCard("What it came to", "w6", "Resources of this scan", ["What", "#Number"], numbers, empty: "It stored nothing."))
      \(verdicts)
      \(HTML.when(!faults.isEmpty, HTML.card("Lines not judged", "w6", "<ul>\(HTML(faults))</ul>")))
      \(unread)
      \(HTML.when(!notCovered.isEmpty, HTML.tableCard("Kinds that no rule is about", "w6", "Resources that were kept without a verdict", ["Kind", "#Resources"], notCovered)))
      </div>
      """
  }

  /// How everything stood by the scan's instant, of its account.
  private static func verdicts(_ account: String?, _ instant: String, _ visit: Visit) async throws
    -> HTML
  {
    let counts = try await visit.ask("countResults", ["as_of": instant, "account": account])
    let rows = Verdict.allCases.map { verdict -> HTML in
      let address = Address(
        "/results",
        ["account": account, "verdict": verdict.rawValue, "as_of": instant]
      )
      let count = counts["whole"]?.count(verdict.rawValue) ?? 0
      return """
        <tr><th scope="row">\(HTML.verdict(verdict.rawValue))</th><td class="num">\(HTML.link(address, "\(count.grouped)"))</td></tr>
        """
    }
    return HTML.tableCard(
      "Verdicts",
      "w6",
      "Results as of the scan\(account.map { ", of \($0)" } ?? "")",
      ["Verdict", "#Results"],
      rows
    )
  }

  private static func unread(_ account: String?, _ instant: String, _ visit: Visit) async throws
    -> HTML
  {
    let found = try await visit.ask(
      "listCoverage",
      ["as_of": instant, "complete": "false", "account": account, "limit": "500"]
    ).list("items")
    let told = try await visit.look(
      "listCoverage",
      ["as_of": instant, "account": account, "limit": "1"]
    ).list("items")
    let all = Address("/coverage", ["as_of": instant, "complete": "false", "account": account])
    return HTML.tableCard(
      "Not fully read",
      "w12",
      more: HTML.link(all, "Coverage"),
      "Kinds of which something could not be read when the scan ended, and why",
      ["Kind", "Account", "Why"],
      found.map { CoveragePage.row($0, instant) },
      kind: "cards",
      empty: told.isEmpty
        ? "No scan told by then what was read fully and what was not."
        : "Every kind was read fully."
    )
  }
}

/// What was read fully, and what was not and why.
enum CoveragePage {
  static let page = Page("/coverage", show: show)

  static let listing = Listing(
    "/coverage",
    "listCoverage",
    columns: ["account", "kind", "complete", "reason"]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit, limit: 200)
    return .page(
      PageContent(
        "Coverage",
        lead: "What could not be read makes results unknown, never a pass.",
        commands: listing.commands([["coverage"]], visit),
        main: """
          \(ScansPage.tabs(visit, "/coverage"))
          \(visit.filter("/coverage", [visit.filterField("account", "Account"), visit.filterChoice("complete", "Read", [("", "fully or not"), ("false", "not fully"), ("true", "fully")])]))
          \(HTML.table("Kinds by account", ["Kind", "Account", "Read"], page.list("items").map { row($0, visit.asOf) }, kind: "cards", empty: "No kind is like that."))
          \(listing.links(page, visit))
          """
      )
    )
  }

  /// An entry as a row, of an instant where one is told.
  static func row(_ entry: JSONValue, _ instant: String?) -> HTML {
    let isComplete = entry["complete"]?.bool ?? false
    let address = Address(
      "/resources",
      ["kind": entry.text("kind"), "account": entry.text("account"), "as_of": instant]
    )
    return """
      <tr><th scope="row">\(HTML.link(address, "\(entry.text("kind"))"))</th><td>\(entry.text("account"))</td><td>\(isComplete ? HTML.tag("fully", "good") : "\(HTML.tag("not fully", "wait")) \(entry.text("reason"))")</td></tr>
      """
  }
}

/// Something under way that tells how far it is.
enum Live {
  /// What a scan that is under way tells, by where it stands in the progress of its job.
  static let progress: [(name: String, member: String)] =
    [
      ("Phase", "phase"), ("Calls", "calls"), ("Calls a second", "calls_per_second"),
      ("Throttled", "throttled"), ("Resources", "resources"), ("Unchanged", "unchanged"),
    ] + Verdict.allCases.map { ("Results: \($0.words)", "verdicts.\($0.rawValue)") }

  /// A member of the progress for people; a dash where it is not told yet.
  static func text(_ progress: JSONValue, _ member: String) -> String {
    var value: JSONValue? = progress
    for name in member.split(separator: ".") { value = value?[String(name)] }
    guard let value, value != .null else { return "–" }
    return value.whole?.grouped ?? value.double?.short ?? value.string ?? value.text
  }

  /// A card that follows a job or scan by its events; without a script it is loaded again by hand.
  static func card(_ subject: String, _ facts: [(name: String, member: String, now: String)])
    -> HTML
  {
    let list = facts.map { fact -> HTML in
      "<div><dt>\(fact.name)</dt><dd data-told=\"\(fact.member)\">\(fact.now)</dd></div>"
    }
    return """
      <section class="card stack" aria-labelledby="live" data-follow="/api/v1/\(subject)/events">
      <header><h2 id="live">How far it is</h2><span class="tag wait" data-live hidden>live</span></header>
      <dl class="numbers">\(HTML(list))</dl>
      <p class="quiet" data-still>As of when the page was made. <a href="/\(subject)">Load it again</a></p>
      </section>
      """
  }
}

extension Visit {
  /// The page again, with word of what was done.
  func notice(_ notice: Notice) -> Address {
    address.without("notice").with("notice", notice.rawValue)
  }
}
