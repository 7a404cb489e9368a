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

  static let listing = Listing(
    "/exceptions",
    "listExceptions",
    sort: "-id",
    columns: [
      "name", "state", "rule", "resource", "scope", "owner", "reason", "compensating_control",
      "requester", "requested_at", "approver", "approved_at", "expires_at", "revoked_by",
      "revoked_at",
    ]
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
    let request = HTML.when(
      visit.may(.edit),
      HTML.mainLink("Request an exception", Address("/exceptions/new"))
    )
    let content = PageContent(
      "Exceptions",
      lead: "Failures that are accepted for a time. They are still judged.",
      commands: isReport
        ? [["exceptions", "report"]]
        : [["exceptions", "list"] + (state.isEmpty ? [] : ["--state", state])],
      hasInstant: false,
      main: """
        \(request)
        \(HTML.choice("States", kind: "tabs", tabs))
        \(isReport ? try await report(visit) : try await list(visit, state))
        """
    )
    return .page(content)
  }

  private static func list(_ visit: Visit, _ state: String) async throws -> HTML {
    var listing = listing
    if !state.isEmpty { listing.sort = "expires_at" }
    let page = try await listing.page(visit)
    return """
      \(table("Exceptions", page.list("items")))
      \(listing.links(page, visit))
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

  /// Those that need somebody's hand, with why.
  static let reportSheet = Sheet(
    path: "/exceptions/report",
    columns: ["needs", "why"] + listing.columns,
    check: { _ = try await $0.look("reportExceptions") },
    each: { visit, body in
      let report = try await visit.look("reportExceptions")
      for needs in ["waiting", "ending_soon", "unused", "orphaned"] {
        for one in report.list(needs) {
          var row = (one["exception"] ?? one).object ?? [:]
          row["needs"] = .string(needs)
          row["why"] = one["exception"] == nil ? nil : one["reason"]
          try await body(.object(row))
        }
      }
    }
  )

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
      <div class="row">\(reportSheet.buttons(visit))</div>
      """
  }
}

/// One exception, where somebody approves or ends it.
enum ExceptionPage {
  static let page = Page(
    "/exceptions/{id}",
    show: show,
    change: change,
    by: ["approveException", "revokeException"]
  )

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let id = visit.part("id")
    let here = Address("/exceptions", parts: [id])
    if form["action"] == "approve" {
      _ = try await visit.change("approveException", ["id": id])
      return .go(here.with("notice", Notice.exceptionApproved.rawValue))
    }
    _ = try await visit.change("revokeException", ["id": id, "If-Match": form["tag"]])
    return .go(here.with("notice", Notice.exceptionEnded.rawValue))
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
    facts += try await stake(exception, visit)
    let content = PageContent(
      "Exception \(exception.text("name"))",
      commands: [["exceptions", "list"]],
      hasInstant: false,
      main: """
        \(HTML.facts("Facts", facts))
        \(actions(exception, visit))
        """
    )
    return .page(content)
  }

  /// What is at stake: how severe the rule is, and how many failures are accepted.
  private static func stake(_ exception: JSONValue, _ visit: Visit) async throws -> [(
    String, HTML
  )] {
    let (rule, resource) = (exception.text("rule"), exception.text("resource"))
    let scope = exception.text("scope")
    var facts: [(String, HTML)] = []
    let isOne = !rule.contains { "*?".contains($0) }
    if isOne, let known = try await visit.askIfThere("showRule", ["id": rule]) {
      facts.append(("Severity", HTML.severity(known.text("severity"))))
    }
    let counts = try await visit.askIfThere(
      "countResults",
      [
        "rule": rule, "resource": resource, "scope": scope.isEmpty ? nil : scope,
        "verdict": "fail",
      ]
    )
    if let total = counts?["total"]?.whole {
      let rows = visit.to(
        "/results",
        [
          "rule": rule, "resource": resource, "scope": scope.isEmpty ? nil : scope,
          "verdict": "fail",
        ]
      )
      facts.append(("Failures now", HTML.link(rows, "\(total.of("resource"))")))
    }
    return facts
  }

  private static func actions(_ exception: JSONValue, _ visit: Visit) -> HTML {
    let state = exception.text("state")
    var forms: [HTML] = []
    let isOwn = exception.text("requester") == visit.asker.principal.name
    if state == "requested", visit.may(.approve), !isOwn {
      forms.append(visit.button("approve", "Approve", kind: "main"))
    }
    if ["requested", "approved"].contains(state), visit.may(.edit) {
      let words = state == "requested" ? "Withdraw" : "End now"
      forms.append(visit.button("end", words, kind: "danger", ["tag": exception.entityTag]))
    }
    let note: HTML =
      state == "requested" && isOwn
      ? "<p class=\"quiet\">You requested it, so somebody else has to approve it.</p>" : ""
    return HTML.when(!forms.isEmpty, "<div class=\"row\">\(HTML(forms))</div>\(note)")
  }
}

/// The form by which an exception is requested.
enum ExceptionForm {
  static let page = Page("/exceptions/new", show: show, change: change, by: ["requestException"])

  private static func fields(_ visit: Visit) -> [Field] {
    [
      Field(name: "rule", label: "Rule", hint: "Its id.", value: visit.value("rule") ?? ""),
      Field(
        name: "resource",
        label: "Resource",
        hint: "Its id; * and ? are wildcards.",
        value: visit.value("resource") ?? ""
      ),
      Field(
        name: "scope",
        label: "Scope",
        hint: "Only resources in it; empty for all.",
        value: visit.value("scope") ?? "",
        isRequired: false
      ),
      Field(name: "owner", label: "Owner", hint: "Who answers for it."),
      Field(
        name: "expires_at",
        label: "Ends after",
        hint: "The last day on which it holds, in UTC.",
        kind: .date,
        value: visit.instant.advanced(days: 90).day
      ),
      Field(name: "reason", label: "Reason", hint: "Why the failure is accepted.", kind: .long),
      Field(
        name: "compensating_control",
        label: "Done instead",
        hint: "What keeps the risk low meanwhile.",
        kind: .long
      ),
    ]
  }

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    var body = JSONObject()
    for field in fields(visit) where field.isRequired || !form[field.name].isEmpty {
      body[field.name] = .string(form[field.name])
    }
    body["expires_at"] = form.lastDay("expires_at") ?? ""
    let made = try await visit.change("requestException", [:], .object(body))
    return .go(
      Address("/exceptions/\(made.count("id"))")
        .with("notice", Notice.exceptionRequested.rawValue)
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    guard visit.may(.edit) else { throw Problem.forbidden(.edit) }
    let cancel: HTML = "<a class=\"button\" href=\"/exceptions\">Cancel</a>"
    let content = PageContent(
      "Request an exception",
      lead:
        "Another person has to approve it. The failure is judged all the same and counted both ways.",
      commands: [
        [
          "exceptions", "request", "--rule", visit.value("rule") ?? "RULE", "--resource",
          visit.value("resource") ?? "RESOURCE", "--scope", visit.value("scope") ?? "all",
          "--owner",
          "OWNER", "--expires", visit.instant.advanced(days: 90).day, "--reason", "REASON",
          "--control", "CONTROL",
        ]
      ],
      hasInstant: false,
      main: """
        <div class="card">\(visit.form("request", fields(visit), button: "Request", more: cancel))</div>
        """
    )
    return .page(content)
  }
}
