import JSON
import Model
import Reports

/// One attachment: its schedule, its runs, and what it asks for.
enum AttachmentPage {
  static let page = Page(
    "/attachments/{id}",
    show: show,
    change: change,
    by: ["runAttachment", "pauseAttachment", "resumeAttachment", "detach"]
  )

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let id = visit.part("id")
    switch form["action"] {
    case "run":
      let run = try await visit.change("runAttachment", ["id": id])
      return .go(
        Address("/jobs", ["run": "\(run.count("run"))", "notice": Notice.runStarted.rawValue])
      )
    case "pause":
      var body = JSONObject()
      if let until = form.instant("until") { body["until"] = until }
      _ = try await visit.change("pauseAttachment", ["id": id], .object(body))
      return .go(visit.notice(.paused))
    case "resume":
      _ = try await visit.change("resumeAttachment", ["id": id])
      return .go(visit.notice(.resumed))
    case "detach":
      _ = try await visit.change("detach", ["id": id, "If-Match": form["tag"]])
      return .go(Address("/attachments", ["notice": Notice.detached.rawValue]))
    default: throw form.unknownAction
    }
  }

  static let runs = Listing(
    "/attachments/{id}/runs",
    "listRuns",
    columns: ["id", "due_at", "cause", "requested_by", "created_at"]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let id = visit.part("id")
    let attachment = try await visit.ask("showAttachment", ["id": id])
    let schedule = try await visit.ask("showSchedule", ["id": id])
    let runs = try await visit.ask("listRuns", ["id": id, "limit": "20"]).list("items")
    let (profile, scope) = (attachment.text("profile"), attachment.text("scope"))
    let isPaused = schedule["paused"]?.bool ?? false
    var facts: [(String, HTML)] = [
      (
        "Profile",
        HTML.link(
          Address("/profiles", parts: ["\(profile)@\(attachment.text("version"))"]),
          "\(profile) \(attachment.text("version"))"
        )
      ),
      ("Scope", AttachmentsPage.scope(scope)),
      ("Schedule", "\(AttachmentsPage.schedule(attachment))"),
      ("Next", isPaused ? HTML.tag("paused", "wait") : AttachmentsPage.due(schedule["next_due"])),
      ("Since", attachment.text("since").asTime),
      (
        "Results",
        HTML.link(
          Address("/results", ["view": "controls", "profile": profile, "scope": scope]),
          "by control"
        )
      ),
    ]
    if isPaused {
      let until: HTML =
        schedule["paused_until"]?.string.map { "until \($0.asTime)" } ?? "until it is resumed"
      facts.append(
        (
          "Paused",
          "by \(schedule.text("paused_by")), \(schedule.text("paused_at").asTime), \(until)"
        )
      )
    }
    for (rule, values) in attachment["parameters"]?.object?.members ?? [] {
      let words = (values.object?.members ?? []).map { "\($0.key) = \($0.value.text)" }
      facts.append(
        ("Parameters", "\(RulesPage.link(rule)): <code>\(words.joined(separator: ", "))</code>")
      )
    }
    let content = PageContent(
      "\(profile) over \(scope.isEmpty ? "everything" : scope)",
      lead: "Attachment \(attachment.count("id"))",
      commands: [["attachments", "schedule", id], ["attachments", "runs", id]],
      hasInstant: false,
      main: """
        \(HTML.facts("Facts", facts))
        \(actions(attachment, isPaused: isPaused, visit))
        \(HTML.table("Runs, the newest first", ["Run", "Due", "Asked for by", "Jobs"], runs.map(run), kind: "cards", empty: "It did not run yet."))
        \(Self.runs.fileLinks(visit))
        """
    )
    return .page(content)
  }

  private static func run(_ run: JSONValue) -> HTML {
    let by = run.text("cause") == "schedule" ? "its schedule" : run.text("requested_by")
    let jobs = Address("/jobs", ["run": "\(run.count("id"))"])
    return """
      <tr><th scope="row">Run \(run.count("id"))</th><td class="tight">\(run.text("due_at").asTime)</td><td>\(by)</td><td>\(HTML.link(jobs, "its jobs"))</td></tr>
      """
  }

  private static func actions(_ attachment: JSONValue, isPaused: Bool, _ visit: Visit) -> HTML {
    var buttons: [HTML] = []
    if visit.may(.run) {
      buttons.append(visit.button("run", "Run now", kind: "main"))
      if isPaused { buttons.append(visit.button("resume", "Resume")) }
    }
    if visit.may(.edit) {
      buttons.append(visit.button("detach", "End", kind: "danger", ["tag": attachment.entityTag]))
    }
    let until = Field(
      name: "until",
      label: "Pause until",
      hint: "A day, in UTC; empty until somebody resumes it.",
      kind: .date,
      isRequired: false
    )
    let canPause = visit.may(.run) && !isPaused && !attachment.text("schedule").isEmpty
    return """
      \(HTML.when(!buttons.isEmpty, "<div class=\"row\">\(HTML(buttons))</div>"))
      \(HTML.when(canPause, HTML.folded("Pause its schedule", visit.form("pause", [until], button: "Pause", kind: ""))))
      """
  }
}
