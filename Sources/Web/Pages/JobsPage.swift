import JSON
import Model
import Reports

/// Jobs: scans that servers, workers and collectors do by themselves.
enum JobsPage {
  static let page = Page("/jobs", show: show)

  static let listing = Listing(
    "/jobs",
    "listJobs",
    columns: [
      "id", "kind", "provider", "account", "credential", "state", "attempts", "scan", "reason",
      "created_at", "created_by", "started_at", "finished_at",
    ]
  )

  private static let states = ["waiting", "leased", "done", "failed", "set_aside", "cancelled"]

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let choices = states.map { ($0, $0 == "leased" ? "under way" : $0.replacing("_", with: " ")) }
    let content = PageContent(
      "Jobs",
      lead: "Scans that servers, workers and collectors do by themselves.",
      commands: listing.commands([["jobs", "list"]], visit, heeding: ["state", "account", "run"]),
      hasInstant: false,
      main: """
        \(ScansPage.tabs(visit, "/jobs"))
        \(visit.filter("/jobs", hidden: ["run"], [visit.filterChoice("state", "State", [("", "any")] + choices), visit.filterField("account", "Account", "its id")]))
        \(HTML.when(visit.value("run") != nil, "<p>Those of run \(visit.value("run") ?? ""). \(HTML.link(Address("/jobs"), "All jobs"))</p>"))
        \(table("Jobs, the newest first", page.list("items"), empty: visit.value("run") == nil ? page.nothing() : "It began no job: an account is scanned where a credential signs in to it, and not while it is being scanned or waits for that."))
        \(listing.links(page, visit))
        """
    )
    return .page(content)
  }

  /// Jobs as a table.
  static func table(_ caption: HTML, _ jobs: [JSONValue], empty: HTML) -> HTML {
    HTML.table(
      caption,
      ["Job", "State", "Account", "Asked for", "Scan", "Why it went wrong"],
      jobs.map(row),
      kind: "cards",
      empty: empty
    )
  }

  private static func row(_ job: JSONValue) -> HTML {
    let scan = job["scan"]?.whole.map { HTML.link(Address("/scans/\($0)"), "scan \($0)") }
    return """
      <tr><th scope="row">\(HTML.link(Address("/jobs/\(job.count("id"))"), "Job \(job.count("id"))"))<span class="quiet">\(job.text("provider")) with \(job.text("credential"))</span></th>
      <td>\(ScansPage.tag(job.text("state")))</td><td>\(account(job))</td>
      <td class="tight">\(job.text("created_at").asTime)<span class="quiet">by \(job.text("created_by"))</span></td>
      <td>\(scan ?? "–")</td><td>\(job["reason"]?.string?.shortenedText ?? "")</td></tr>
      """
  }

  static func account(_ job: JSONValue) -> String {
    job["account"]?.string ?? "that of the credential"
  }
}

/// One job: how far it is, and why it went wrong.
enum JobPage {
  static let page = Page("/jobs/{id}", show: show, change: change, by: ["retryJob", "cancelJob"])

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    switch form["action"] {
    case "retry":
      _ = try await visit.change("retryJob", ["id": visit.part("id")])
      return .go(visit.notice(.jobRetried))
    case "cancel":
      _ = try await visit.change("cancelJob", ["id": visit.part("id")])
      return .go(visit.notice(.jobCancelled))
    default: throw form.unknownAction
    }
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let job = try await visit.ask("showJob", ["id": visit.part("id")])
    let state = job.text("state")
    let isOpen = ["waiting", "leased"].contains(state)
    // While it is under way the state stands where it is followed.
    var facts: [(String, HTML)] = isOpen ? [] : [("State", ScansPage.tag(state))]
    facts += [
      ("Account", "\(JobsPage.account(job))"),
      ("Signs in with", "\(job.text("provider")) credential \(job.text("credential"))"),
      ("Asked for", "\(job.text("created_at").asTime) by \(job.text("created_by"))"),
      ("Tries", "\(job.count("attempts"))"),
    ]
    if !job.text("owner").isEmpty { facts.append(("Done by", "\(job.text("owner"))")) }
    if let scan = job["scan"]?.whole {
      facts.append(("Scan", HTML.link(Address("/scans/\(scan)"), "scan \(scan)")))
    }
    if !job.text("started_at").isEmpty {
      facts.append(("Began", job.text("started_at").asTime))
    }
    if !job.text("finished_at").isEmpty {
      facts.append(("Ended", job.text("finished_at").asTime))
    }
    if !job.text("reason").isEmpty {
      facts.append(("Why it went wrong", "\(job.text("reason"))"))
    }
    if state == "waiting" { facts.append(("Not before", job.text("not_before").asTime)) }
    var buttons: [HTML] = []
    if visit.may(.run) {
      if isOpen { buttons.append(visit.button("cancel", "Cancel", kind: "danger")) }
      if ["failed", "set_aside", "cancelled"].contains(state) {
        buttons.append(visit.button("retry", "Try again", kind: "main"))
      }
    }
    let content = PageContent(
      "Job \(job.count("id"))",
      commands: [["jobs", "show", "\(job.count("id"))"]],
      hasInstant: false,
      main: """
        \(HTML.facts("Facts", facts))
        \(isOpen ? live(job) : progress(job))
        \(HTML.when(!buttons.isEmpty, "<div class=\"row\">\(HTML(buttons))</div>"))
        """
    )
    return .page(content)
  }

  private static func live(_ job: JSONValue) -> HTML {
    let progress = job["progress"] ?? .null
    let facts = Live.progress.map { name, member in
      (name: name, member: "progress.\(member)", now: Live.text(progress, member))
    }
    let state = job.text("state") == "leased" ? "under way" : job.text("state")
    return Live.card(
      "jobs/\(job.count("id"))",
      [(name: "State", member: "state", now: state)] + facts
    )
  }

  /// How far the last try came.
  private static func progress(_ job: JSONValue) -> HTML {
    let progress = job["progress"] ?? .null
    let facts = Live.progress.map { ($0.name, Live.text(progress, $0.member)) }
      .filter { $0.1 != "–" }.map { ($0.0, HTML.text($0.1)) }
    return facts.isEmpty
      ? "" : "<h2>How far the last try came</h2>\(HTML.facts("Progress", facts))"
  }
}

extension String {
  /// The text, cut where it is long.
  var shortenedText: String { count > 160 ? "\(prefix(157))…" : self }
}
