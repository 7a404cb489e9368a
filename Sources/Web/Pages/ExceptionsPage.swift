import JSON
import Model
import Reports

/// Exceptions, whatever became of them.
enum ExceptionsPage {
  static let page = Page(
    "/exceptions",
    entry: Page.Entry(area: .posture, name: "Exceptions"),
    show: show
  )

  private static let states = [
    ("", "All"), ("requested", "Waiting"), ("approved", "In force"), ("expired", "Expired"),
    ("revoked", "Revoked"),
  ]

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let state = visit.value("state") ?? ""
    let isReport = visit.value("view") == "report"
    var tabs = states.map { value, words in
      (
        name: words, address: Address("/exceptions").with("state", value),
        isHere: value == state && !isReport
      )
    }
    tabs.append(("Need a hand", Address("/exceptions", ["view": "report"]), isReport))
    let request: HTML =
      visit.may(.edit)
      ? "<p>\(HTML.link(Address("/exceptions/new"), "Request an exception", "button main"))</p>"
      : ""
    var content = PageContent(
      "Exceptions",
      lead: "Failures that are accepted for a time. They are still judged.",
      commands: isReport
        ? [["exceptions", "report"]] : [["exceptions", "list"]],
      main: """
        \(request)
        \(HTML.choice("States", kind: "tabs", tabs))
        \(isReport ? try await report(visit) : try await list(visit, state))
        """
    )
    content.hasInstant = false
    return .page(content)
  }

  private static func list(_ visit: Visit, _ state: String) async throws -> HTML {
    let page = try await visit.ask(
      "listExceptions",
      [
        "state": state.isEmpty ? nil : state, "rule": visit.value("rule"),
        "resource": visit.value("resource"), "sort": state.isEmpty ? "-id" : "expires_at",
        "limit": "50", "cursor": visit.value("cursor"),
      ]
    )
    let next = page["next_cursor"]?.string.map { cursor in
      HTML.link(visit.address.without("notice").with("cursor", cursor), "Next page", "button")
    }
    return """
      \(table("Exceptions", page.list("items")))
      \(next ?? "")
      """
  }

  private static func table(_ caption: HTML, _ exceptions: [JSONValue]) -> HTML {
    HTML.table(
      caption,
      ["Exception", "State", "Rule and resource", "Owner", "Ends"],
      exceptions.map { row($0) },
      kind: "cards",
      empty: "There is none."
    )
  }

  private static func row(_ exception: JSONValue, _ note: String = "") -> HTML {
    let scope = exception.text("scope")
    let place = exception.text("resource") + (scope.isEmpty ? "" : " in \(scope)")
    return """
      <tr><th scope="row">\(HTML.link(Address("/exceptions/\(exception.count("id"))"), "\(exception.text("name"))"))<span class="quiet">\(note)</span></th>
      <td>\(tag(exception.text("state")))</td>
      <td>\(exception.text("rule"))<span class="quiet">\(place)</span></td>
      <td>\(exception.text("owner"))</td><td class="tight" data-label="ends">\(exception.text("expires_at").asLastDay)</td></tr>
      """
  }

  /// A state as a tag.
  static func tag(_ state: String) -> HTML {
    switch state {
    case "requested": "<span class=\"tag wait\">waits for approval</span>"
    case "approved": "<span class=\"tag good\">in force</span>"
    default: "<span class=\"tag\">\(state)</span>"
    }
  }

  /// Those that need somebody's hand.
  private static func report(_ visit: Visit) async throws -> HTML {
    let report = try await visit.ask("reportExceptions")
    let orphaned = report.list("orphaned").map { orphan in
      row(orphan["exception"] ?? .null, orphan.text("reason"))
    }
    let headings = ["Exception", "State", "Rule and resource", "Owner", "Ends"]
    return """
      \(HTML.card("Waiting for approval", "", table("Requested", report.list("waiting"))))
      \(HTML.card("Ending soon", "", table("Within 30 days", report.list("ending_soon"))))
      \(HTML.card("Covering nothing", "", table("In force without a failure that they cover", report.list("unused"))))
      \(HTML.card("Orphaned", "", HTML.table("Their resource or rule is gone", headings, orphaned, kind: "cards", empty: "There is none.")))
      """
  }
}

/// One exception, where somebody approves or ends it.
enum ExceptionPage {
  static let page = Page("/exceptions/{id}", show: show, change: change)

  private static func change(_ visit: Visit, _ form: Form) async throws -> Address {
    let id = visit.part("id")
    let here = Address("/exceptions", parts: [id])
    if form["action"] == "approve" {
      _ = try await visit.change("approveException", ["id": id])
      return here.with("notice", Notice.exceptionApproved.rawValue)
    }
    _ = try await visit.change("revokeException", ["id": id, "If-Match": form["tag"]])
    return here.with("notice", Notice.exceptionEnded.rawValue)
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let exception = try await visit.ask("showException", ["id": visit.part("id")])
    let (rule, resource) = (exception.text("rule"), exception.text("resource"))
    let covered = Address(
      "/results",
      ["rule": rule, "resource": resource, "scope": exception["scope"]?.string, "verdict": "fail"]
    )
    var facts: [(String, HTML)] = [
      ("State", ExceptionsPage.tag(exception.text("state"))), ("Rule", "<code>\(rule)</code>"),
      ("Resource", "<code>\(resource)</code>"),
    ]
    if !exception.text("scope").isEmpty { facts.append(("Scope", "\(exception.text("scope"))")) }
    facts += [
      (
        "Covers",
        HTML.link(covered.with("scope", exception.text("scope")), "the failures that it is about")
      ),
      ("Reason", "\(exception.text("reason"))"),
      ("Done instead", "\(exception.text("compensating_control"))"),
      ("Owner", "\(exception.text("owner"))"),
      ("Ends after", exception.text("expires_at").asLastDay),
      (
        "Requested",
        "by \(exception.text("requester")), \(exception.text("requested_at").asTime)"
      ),
    ]
    if let approver = exception["approver"]?.string {
      facts.append(("Approved", "by \(approver), \(exception.text("approved_at").asTime)"))
    }
    if let ender = exception["revoked_by"]?.string {
      facts.append(("Ended", "by \(ender), \(exception.text("revoked_at").asTime)"))
    }
    let list = facts.map { name, value -> HTML in "<dt>\(name)</dt><dd>\(value)</dd>" }
    var content = PageContent(
      "Exception \(exception.text("name"))",
      commands: [["exceptions", "list"]],
      main: """
        <section class="card" aria-label="Facts"><dl class="facts">\(HTML(list))</dl></section>
        \(actions(exception, visit))
        """
    )
    content.hasInstant = false
    return .page(content)
  }

  private static func actions(_ exception: JSONValue, _ visit: Visit) -> HTML {
    let state = exception.text("state")
    func form(_ action: String, _ words: String, _ kind: String) -> HTML {
      """
      <form method="post" action="/exceptions/\(exception.count("id"))"><input type="hidden" name="csrf" value="\(visit.antiForgery)"><input type="hidden" name="action" value="\(action)"><input type="hidden" name="tag" value="\(exception.entityTag)"><button type="submit" class="\(kind)">\(words)</button></form>
      """
    }
    var forms: [HTML] = []
    let isOwn = exception.text("requester") == visit.asker.principal.name
    if state == "requested", visit.may(.approve), !isOwn {
      forms.append(form("approve", "Approve", "main"))
    }
    if ["requested", "approved"].contains(state), visit.may(.edit) {
      forms.append(form("end", state == "requested" ? "Withdraw" : "End now", "danger"))
    }
    let note: HTML =
      state == "requested" && isOwn
      ? "<p class=\"quiet\">You requested it, so somebody else has to approve it.</p>" : ""
    return HTML.when(!forms.isEmpty, "<div class=\"row\">\(HTML(forms))</div>\(note)")
  }
}

/// The form by which an exception is requested.
enum ExceptionForm {
  static let page = Page("/exceptions/new", show: show, change: change)

  private static let fields: [(name: String, label: String, hint: String, isLong: Bool)] = [
    ("rule", "Rule", "Its id.", false),
    ("resource", "Resource", "Its id; * and ? are wildcards.", false),
    ("scope", "Scope", "Only resources in it; empty for all.", false),
    ("owner", "Owner", "Who answers for it.", false),
    ("expires_at", "Ends after", "The last day on which it holds, in UTC.", false),
    ("reason", "Reason", "Why the failure is accepted.", true),
    ("compensating_control", "Done instead", "What keeps the risk low meanwhile.", true),
  ]

  private static func change(_ visit: Visit, _ form: Form) async throws -> Address {
    var body = JSONObject()
    for field in fields where !(field.name == "scope" && form["scope"].isEmpty) {
      body[field.name] = .string(form[field.name])
    }
    // A day counts to its end.
    let day = form["expires_at"]
    if day.count == 10, let instant = Instant(day) {
      body["expires_at"] = .string("\(instant.advanced(days: 1))")
    }
    let made = try await visit.change("requestException", [:], .object(body))
    return Address("/exceptions/\(made.count("id"))")
      .with("notice", Notice.exceptionRequested.rawValue)
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    guard visit.may(.edit) else { throw Problem.forbidden(.edit) }
    let proposed = visit.instant.advanced(days: 90).day
    func inputs(_ isLong: Bool) -> [HTML] {
      fields.filter { $0.isLong == isLong }.map { field -> HTML in
        let first = field.name == "expires_at" ? proposed : visit.value(field.name) ?? ""
        return input(field.name, field.label, field.hint, field.isLong, first, visit)
      }
    }
    var content = PageContent(
      "Request an exception",
      lead:
        "Another person has to approve it. The failure is judged all the same and counted both ways.",
      main: """
        <form class="card stack" method="post" action="\(visit.address.without("notice").text)">
        <input type="hidden" name="csrf" value="\(visit.antiForgery)">
        <div class="twocol">\(HTML(inputs(false)))</div>
        <div class="twocol">\(HTML(inputs(true)))</div>
        <div class="row"><button class="main" type="submit">Request</button><a class="button" href="/exceptions">Cancel</a></div>
        </form>
        """
    )
    content.hasInstant = false
    return .page(content)
  }

  private static func input(
    _ name: String,
    _ label: String,
    _ hint: String,
    _ isLong: Bool,
    _ first: String,
    _ visit: Visit
  ) -> HTML {
    let fault = visit.fault(name)
    let value = visit.typed(name, else: first)
    let described = fault == nil ? "\(name)-hint" : "\(name)-fault \(name)-hint"
    let invalid: HTML = fault == nil ? "" : " aria-invalid=\"true\""
    let required: HTML = name == "scope" ? "" : " required"
    let kind = name == "expires_at" ? "date" : "text"
    let control: HTML =
      isLong
      ? "<textarea id=\"\(name)\" name=\"\(name)\" aria-describedby=\"\(described)\"\(invalid)\(required) maxlength=\"5000\">\(value)</textarea>"
      : "<input id=\"\(name)\" name=\"\(name)\" type=\"\(kind)\" value=\"\(value)\" aria-describedby=\"\(described)\"\(invalid)\(required)>"
    let wrong: HTML = fault.map { "<p class=\"fault\" id=\"\(name)-fault\">\($0)</p>" } ?? ""
    return """
      <div class="field"><label for="\(name)">\(label)</label>\(control)\(wrong)<p class="hint" id="\(name)-hint">\(hint)</p></div>
      """
  }
}
