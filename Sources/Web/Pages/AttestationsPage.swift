import Foundation
import JSON
import Model
import Reports

/// What people attested of controls.
enum AttestationsPage {
  static let page = Page("/attestations", show: show)

  static let listing = Listing(
    "/attestations",
    "listAttestations",
    sort: "-id",
    columns: [
      "id", "profile", "version", "control", "scope", "met", "state", "statement", "evidence_name",
      "evidence_sha256", "observed_at", "received_at", "period_from", "period_to", "attested_by",
      "approved_by", "approved_at",
    ]
  )

  static func tag(_ state: String) -> HTML {
    HTML.tag(state, state == "in force" ? "good" : state == "waiting" ? "wait" : "")
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let states = ["waiting", "in force", "not yet begun", "ended"]
    let rows = page.list("items").map { one -> HTML in
      """
      <tr><th scope="row">\(HTML.link(Address("/attestations/\(one.count("id"))"), "\(one.text("profile")) \(one.text("control"))"))<span class="quiet">\(one.text("scope").isEmpty ? "everything" : one.text("scope")) · \(one.text("statement").shortenedText)</span></th>
      <td>\(tag(one.text("state")))</td><td>\(HTML.verdict(one["met"]?.bool == true ? "pass" : "fail", words: one["met"]?.bool == true ? "met" : "not met"))</td>
      <td class="tight">\(one.text("period_from").asDay) to \(one.text("period_to").asLastDay)</td><td>\(one.text("attested_by"))</td></tr>
      """
    }
    let attest = HTML.when(
      visit.may(.edit),
      HTML.mainLink("Attest a control", Address("/attestations/new"))
    )
    let content = PageContent(
      "Attestations",
      lead: "What people say of controls that no rule can judge, with their evidence.",
      commands: [["attestations", "list"]],
      hasInstant: false,
      main: """
        \(ProfilesPage.tabs(visit, "/attestations"))
        \(attest)
        \(visit.filter("/attestations", [visit.filterChoice("state", "State", [("", "any")] + states.map { ($0, $0) }), visit.filterField("profile", "Profile", "cis-aws"), visit.filterField("control", "Control", "2.1.1")]))
        \(HTML.table("Attestations", ["Control", "State", "Met", "Speaks for", "Attested by"], rows, kind: "cards", empty: "There is none like that."))
        \(listing.links(page, visit))
        """
    )
    return .page(content)
  }
}

/// The form by which a control is attested with evidence.
enum AttestationForm {
  static let page = Page("/attestations/new", show: show, change: change, by: ["attest"])

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    guard let file = form.file("evidence"), !file.bytes.isEmpty else {
      throw Problem.invalid("evidence", "must be a file that is not empty")
    }
    guard file.bytes.count <= 780_000 else {
      throw Problem.invalid(
        "evidence",
        "is larger than 780 kB; attest with an extract, or by the command on the server"
      )
    }
    var body: JSONObject = [
      "met": .bool(form["met"] == "true"), "evidence_name": .string(file.name),
      "evidence": .string(Data(file.bytes).base64EncodedString()),
    ]
    for name in ["profile", "control", "scope", "statement"] { body[name] = .string(form[name]) }
    for name in ["observed_at", "period_from"] {
      body[name] = form.instant(name) ?? ""
    }
    body["period_to"] = form.lastDay("period_to") ?? ""
    let made = try await visit.change("attest", [:], .object(body))
    return .go(
      Address("/attestations/\(made.count("id"))").with("notice", Notice.attested.rawValue)
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    guard visit.may(.edit) else { throw Problem.forbidden(.edit) }
    let profile = visit.typed("profile", else: visit.value("profile") ?? "")
    if profile.isEmpty { return .page(choice("Whose control?", try await profiles(visit))) }
    let controls = try await visit.all("listControls", ["id": profile, "manual": "true"])
    let control = visit.typed("control", else: visit.value("control") ?? "")
    if control.isEmpty {
      let links = controls.map { control in
        (
          Address("/attestations/new", ["profile": profile, "control": control.text("id")]),
          control.text("id"), control.text("title")
        )
      }
      return .page(choice("Which control of \(profile)?", links))
    }
    let isManual = controls.contains { $0.text("id") == control }
    let choices = controls.map {
      ($0.text("id"), "\($0.text("id")) \($0.text("title").shortenedText)")
    }
    let scopes = try await visit.look("listScopes", ["limit": "500"]).list("items")
    let today = visit.asker.now.day
    let fields = [
      Field(
        name: "profile",
        label: "Profile",
        kind: .choice([(profile, profile)]),
        value: profile
      ),
      Field(
        name: "control",
        label: "Control",
        hint: "Those of the profile that no rule judges.",
        kind: .choice(isManual ? choices : choices + [(control, control)]),
        value: control
      ),
      Field(
        name: "scope",
        label: "Scope",
        kind: .choice([("", "everything")] + scopes.map { ($0.text("name"), $0.text("name")) }),
        value: visit.value("scope") ?? "",
        isRequired: false
      ),
      Field(
        name: "met",
        label: "The control is",
        kind: .choice([("true", "met"), ("false", "not met")]),
        value: "true"
      ),
      Field(
        name: "observed_at",
        label: "Observed on",
        hint: "When the evidence was observed.",
        kind: .date,
        value: today
      ),
      Field(
        name: "period_from",
        label: "Speaks for the days from",
        kind: .date,
        value: today
      ),
      Field(
        name: "period_to",
        label: "to",
        hint: "Both included.",
        kind: .date,
        value: visit.asker.now.advanced(days: 365).day
      ),
      Field(
        name: "evidence",
        label: "Evidence",
        hint: "A file of up to 780 kB, kept as it is with its SHA-256.",
        kind: .file
      ),
      Field(name: "statement", label: "What is attested", kind: .long),
    ]
    let cancel: HTML = "<a class=\"button\" href=\"/attestations\">Cancel</a>"
    let content = PageContent(
      "Attest a control",
      lead: "Another person has to approve it.",
      hasInstant: false,
      main: """
        \(try await about(profile, control, visit))
        <div class="card">\(visit.form("attest", fields, button: "Attest", more: cancel))</div>
        """
    )
    return .page(content)
  }

  /// Profiles with controls that people attest, those that are attached first.
  private static func profiles(_ visit: Visit) async throws -> [(Address, String, String)] {
    let attached = Set(
      try await visit.look("listAttachments", ["limit": "500"]).list("items").map {
        $0.text("profile")
      }
    )
    let profiles = try await visit.all("listProfiles").filter { $0.count("manual") > 0 }
    let sorted = profiles.sorted { one, other in
      let isFirst = (attached.contains(one.text("id")), attached.contains(other.text("id")))
      return isFirst.0 == isFirst.1 ? one.text("id") < other.text("id") : isFirst.0
    }
    return sorted.map { profile in
      let id = profile.text("id")
      let words =
        "\(profile.text("title")), \(profile.count("manual").of("control"))"
        + (attached.contains(id) ? ", attached" : "")
      return (Address("/attestations/new", ["profile": id]), id, words)
    }
  }

  private static func choice(_ question: String, _ links: [(Address, String, String)])
    -> PageContent
  {
    let items = links.map { address, name, words -> HTML in
      "<li>\(HTML.link(address, "\(name)")) <span class=\"quiet\">\(words)</span></li>"
    }
    return PageContent(
      "Attest a control",
      lead: "\(question)",
      hasInstant: false,
      main: items.isEmpty
        ? "<p class=\"empty\">There is none that people attest.</p>"
        : "<div class=\"card\"><ul>\(HTML(items))</ul></div>"
    )
  }

  /// What the control asks for.
  private static func about(_ profile: String, _ control: String, _ visit: Visit) async throws
    -> HTML
  {
    guard let document = try await visit.askIfThere("showProfile", ["id": profile]),
      let found = document.list("controls").first(where: { $0.text("id") == control })
    else { return "" }
    return HTML.card(
      "\(document.text("title")) \(control)",
      "",
      "<p>\(found.text("title"))</p><p class=\"quiet\">\(found.text("reason"))</p>"
    )
  }
}

/// One attestation, which another person approves.
enum AttestationPage {
  static let page = Page(
    "/attestations/{id}",
    show: show,
    change: change,
    by: ["approveAttestation"]
  )

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    _ = try await visit.change("approveAttestation", ["id": visit.part("id")])
    return .go(visit.notice(.attestationApproved))
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let one = try await visit.ask("showAttestation", ["id": visit.part("id")])
    let isMet = one["met"]?.bool ?? false
    let profile = "\(one.text("profile"))@\(one.text("version"))"
    var facts: [(String, HTML)] = [
      ("State", AttestationsPage.tag(one.text("state"))),
      ("The control is", HTML.verdict(isMet ? "pass" : "fail", words: isMet ? "met" : "not met")),
      ("Profile", HTML.link(Address("/profiles", parts: [profile]), "\(profile)")),
      ("Control", "\(one.text("control"))"), ("Scope", AttachmentsPage.scope(one.text("scope"))),
      ("What is attested", "\(one.text("statement"))"),
      (
        "Evidence",
        "<a href=\"/api/v1/attestations/\(one.count("id"))/evidence\">\(one.text("evidence_name"))</a>"
      ),
      ("Its SHA-256", "<code>\(one.text("evidence_sha256"))</code>"),
      ("Observed", one.text("observed_at").asTime), ("Received", one.text("received_at").asTime),
      ("Speaks for", "\(one.text("period_from").asDay) to \(one.text("period_to").asLastDay)"),
      ("Attested by", "\(one.text("attested_by"))"),
    ]
    if let approver = one["approved_by"]?.string {
      facts.append(("Approved by", "\(approver), \(one.text("approved_at").asTime)"))
    }
    let isOwn = one.text("attested_by") == visit.asker.principal.name
    let isWaiting = one.text("state") == "waiting"
    let approve: HTML =
      !isWaiting
      ? ""
      : isOwn
        ? "<p class=\"quiet\">You attested it, so somebody else has to approve it.</p>"
        : visit.may(.approve) ? visit.button("approve", "Approve", kind: "main") : ""
    let content = PageContent(
      "Attestation \(one.count("id"))",
      commands: [["attestations", "list"]],
      hasInstant: false,
      main: "\(HTML.facts("Facts", facts))\(approve)"
    )
    return .page(content)
  }
}
