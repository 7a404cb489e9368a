import JSON
import Model
import Operations
import Reports

/// One guardrail: where it is, the next step of its ladder, what it would hold up, what it was.
enum GuardrailPage {
  static let page = Page(
    "/guardrails/{id}",
    show: show,
    change: change,
    by: ["changeGuardrail", "removeGuardrail"]
  )

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let id = visit.part("id")
    if form["action"] == "remove" {
      _ = try await visit.change("removeGuardrail", ["id": id, "If-Match": form["tag"]])
      return .go(Address("/guardrails", ["notice": Notice.guardrailRemoved.rawValue]))
    }
    var body: JSONObject = ["enforcement": .string(form["enforcement"])]
    if !form["on_failure"].isEmpty { body["on_failure"] = .string(form["on_failure"]) }
    body["reason"] = .string(form["reason"])
    _ = try await visit.change(
      "changeGuardrail",
      ["id": id, "If-Match": form["tag"]],
      .object(body)
    )
    return .go(Address("/guardrails/\(id)", ["notice": Notice.guardrailChanged.rawValue]))
  }

  /// What of the guardrail is shown.
  private enum View: String, CaseIterable {
    case state, violators, replay, history

    var words: String {
      switch self {
      case .state: "Ladder"
      case .violators: "Violators today"
      case .replay: "Replay of 30 days"
      case .history: "History"
      }
    }
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let id = visit.part("id")
    let guardrail = try await visit.ask("showGuardrail", ["id": id])
    let view = View(rawValue: visit.value("view") ?? "") ?? .state
    let isTemplate = guardrail["template"] != nil
    let views = View.allCases.filter { !isTemplate || [.state, .history].contains($0) }
    let here = Address("/guardrails/\(id)")
    let tabs = HTML.choice(
      "About the guardrail",
      kind: "tabs",
      views.map { one in
        (one.words, here.with("view", one == .state ? nil : one.rawValue), one == view)
      }
    )
    let body: HTML =
      switch view {
      case .state: isTemplate ? removal(guardrail, visit) : ladder(guardrail, nil, visit)
      case .violators: try await violators(guardrail, visit)
      case .replay: try await replay(guardrail, visit)
      case .history: try await history(visit)
      }
    let (kind, name) = GuardrailsPage.subject(guardrail)
    let scope = guardrail.text("scope")
    var content = PageContent(
      "\(name) over \(scope.isEmpty ? "everything" : scope)",
      lead: "Guardrail \(guardrail.count("id")), a \(kind) laid on a scope",
      commands: [["guardrails", "show", id]],
      main: """
        \(facts(guardrail))
        \(tabs)
        \(body)
        """
    )
    content.hasInstant = false
    return .page(content)
  }

  private static func facts(_ guardrail: JSONValue) -> HTML {
    let (kind, name) = GuardrailsPage.subject(guardrail)
    let link: HTML =
      switch kind {
      case "rule": RulesPage.link(name)
      case "profile": HTML.link(Address("/profiles", parts: [name]), "\(name)")
      default: HTML.link(Address("/templates", parts: [name]), "\(name)")
      }
    let isEnforced = guardrail["enforced"]?.bool ?? false
    let excludes = guardrail.list("excludes").compactMap(\.string)
    let rules = guardrail.list("rules").compactMap(\.string)
    var facts: [(String, HTML)] = [
      ("What", link), ("Scope", AttachmentsPage.scope(guardrail.text("scope"))),
      (
        "In force",
        isEnforced
          ? HTML.tag("yes", "good")
          : "\(HTML.tag("set aside", "bad")) \(guardrail.text("fault"))"
      ),
      ("Since", "\(guardrail.text("since").asTime), by \(guardrail.text("changed_by"))"),
    ]
    if kind != "template" {
      facts.insert(("Enforcement", GuardrailsPage.tag(guardrail.text("enforcement"))), at: 2)
      facts.append(
        (
          "What cannot be judged",
          guardrail.text("on_failure") == "closed"
            ? "is refused where it disallows" : "goes through with a warning"
        )
      )
    }
    if !excludes.isEmpty { facts.append(("Left out", HTML.code(excludes))) }
    if !guardrail.text("reason").isEmpty {
      facts.append(("Reason", "\(guardrail.text("reason"))"))
    }
    for (rule, values) in guardrail["parameters"]?.object?.members ?? [] {
      let words = (values.object?.members ?? []).map { "\($0.key) = \($0.value.text)" }
      facts.append(
        ("Parameters", "\(RulesPage.link(rule)): <code>\(words.joined(separator: ", "))</code>")
      )
    }
    if kind == "profile" {
      facts.append(
        ("Rules", HTML.link(Address("/profiles", parts: [name]), "\(rules.count.of("rule"))"))
      )
    }
    if rules.count == 1, let rule = rules.first {
      facts.append(
        ("Requests", HTML.link(Address("/decisions", ["rule": rule]), "decisions that it made"))
      )
    }
    return HTML.facts("Facts", facts)
  }

  // MARK: - The ladder

  /// The steps, where it stands, and the forms by which it goes to another one.
  ///
  /// `preview` is what it would hold up today, where that was looked at.
  private static func ladder(_ guardrail: JSONValue, _ preview: JSONValue?, _ visit: Visit) -> HTML
  {
    let now = Enforcement(rawValue: guardrail.text("enforcement")) ?? .auditLog
    let steps = Enforcement.allCases.map { step -> HTML in
      let isHere = step == now
      return """
        <li\(HTML.when(isHere, " aria-current=\"step\""))>\(GuardrailsPage.tag(step.rawValue)) \(words(step)) \(HTML.when(isHere, "<strong>It stands here.</strong>"))</li>
        """
    }
    let next = Enforcement.allCases.first { $0 > now }
    let conditions: HTML = next == .disallow ? preconditions(guardrail, preview, visit) : ""
    return """
      <div class="grid">
      \(HTML.card("Ladder", "w6", "<div class=\"stack\"><ol>\(HTML(steps))</ol>\(conditions)</div>"))
      \(HTML.when(visit.may(.edit), HTML.card("Take a step", "w6", forms(guardrail, now, visit))))
      </div>
      """
  }

  private static func words(_ step: Enforcement) -> String {
    switch step {
    case .auditLog: "Violations are recorded; nothing is told or held up."
    case .warn: "The request goes through, and whoever asks is told."
    case .disallow: "The request is refused, with the reason and the way to an exception."
    }
  }

  /// What has to hold before it may disallow.
  private static func preconditions(
    _ guardrail: JSONValue,
    _ preview: JSONValue?,
    _ visit: Visit
  ) -> HTML {
    let isClosed = guardrail.text("on_failure") == "closed"
    let hasWarned = guardrail.text("enforcement") == "warn"
    func line(_ words: String, _ holds: Bool?) -> HTML {
      let tag =
        holds.map { $0 ? HTML.tag("holds", "good") : HTML.tag("does not hold", "bad") }
        ?? HTML.tag("not looked at yet", "wait")
      return "<li>\(tag) \(words)</li>"
    }
    let failed = preview?.count("failed")
    let unknown = preview?.count("unknown")
    var lines = [
      line("It has warned before.", hasWarned),
      line(
        failed.map { "No present resource fails without an exception: \($0.grouped) do." }
          ?? "No present resource fails without an exception.",
        failed.map { $0 == 0 }
      ),
    ]
    if isClosed {
      lines.append(
        line(
          unknown.map { "Every present resource can be judged: \($0.grouped) cannot." }
            ?? "Every present resource can be judged.",
          unknown.map { $0 == 0 }
        )
      )
    }
    let look: HTML =
      preview == nil
      ? "<p>\(HTML.link(Address("/guardrails/\(visit.part("id"))", ["view": "violators"]), "Look at present resources", "button"))</p>"
      : ""
    return """
      <h3>Before it may disallow</h3><ul class="tree">\(HTML(lines))</ul><p class="quiet">Or somebody gives a reason to do it nevertheless, which is kept.</p>\(look)
      """
  }

  private static func forms(_ guardrail: JSONValue, _ now: Enforcement, _ visit: Visit) -> HTML {
    let tag: HTML = "<input type=\"hidden\" name=\"tag\" value=\"\(guardrail.entityTag)\">"
    let choices = GuardrailsPage.enforcements.filter { $0.0 != now.rawValue }
    let next = Enforcement.allCases.first { $0 > now } ?? .warn
    let fields = [
      Field(
        name: "enforcement",
        label: "Enforcement",
        kind: .choice(choices),
        value: next.rawValue
      ),
      Field(
        name: "on_failure",
        label: "What cannot be judged",
        kind: .choice([("open", "goes through"), ("closed", "is refused")]),
        value: guardrail.text("on_failure")
      ),
      Field(
        name: "reason",
        label: "Reason",
        hint: "Needed where a precondition does not hold.",
        kind: .long,
        isRequired: false
      ),
    ]
    return """
      <div class="stack">\(visit.form("step", fields, button: "Take the step", more: tag))
      \(removal(guardrail, visit))</div>
      """
  }

  private static func removal(_ guardrail: JSONValue, _ visit: Visit) -> HTML {
    guard visit.may(.edit) else { return "" }
    return visit.button("remove", "Remove it", kind: "danger", ["tag": guardrail.entityTag])
  }

  // MARK: - What it would hold up

  private static func violators(_ guardrail: JSONValue, _ visit: Visit) async throws -> HTML {
    let preview = try await GuardrailPreview.ask(guardrail, visit)
    return """
      \(ladder(guardrail, preview, visit))
      \(GuardPreviewView(preview: preview, visit: visit).html)
      <div class="row">\(GuardrailPreview.violators.buttons(visit))</div>
      """
  }

  private static func replay(_ guardrail: JSONValue, _ visit: Visit) async throws -> HTML {
    let since = GuardrailPreview.replayed(visit)
    let preview = try await GuardrailPreview.ask(guardrail, since: since, visit)
    return """
      <p class="quiet">What was recorded since \("\(since)".asTime), judged as if it were asked for now.</p>
      \(GuardPreviewView(preview: preview, visit: visit, since: since).html)
      <div class="row">\(GuardrailPreview.replay.buttons(visit))</div>
      """
  }

  static let states = Listing(
    "/guardrails/{id}/states",
    "listGuardrailStates",
    columns: [
      "since", "changed_by", "rule", "profile", "template", "scope", "excludes", "parameters",
      "enforcement", "on_failure", "reason",
    ]
  )

  private static func history(_ visit: Visit) async throws -> HTML {
    let states = try await visit.ask(
      "listGuardrailStates",
      ["id": visit.part("id"), "limit": "100"]
    ).list("items")
    let rows = states.map { state -> HTML in
      """
      <tr><th scope="row">\(state.text("since").asTime)</th><td>\(state.text("changed_by"))</td><td>\(GuardrailsPage.tag(state.text("enforcement")))</td><td>\(state.text("reason"))</td></tr>
      """
    }
    let table = HTML.table(
      "What it was from when on, the newest first",
      ["Since", "By", "Enforcement", "Reason"],
      rows,
      kind: "cards"
    )
    return "\(table)\(Self.states.fileLinks(visit))"
  }
}
