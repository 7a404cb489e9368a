import JSON
import Model
import Reports

/// The form by which a rule of one's own is written, which shows at once what it would come to.
enum RuleForm {
  static let page = Page(
    "/rules/new",
    show: show,
    change: change,
    by: ["addRule", "testRule", "previewRule"]
  )
  static let edit = Page(
    "/rules/{id}/edit",
    show: show,
    change: change,
    by: ["changeRule", "testRule", "previewRule"]
  )

  private static func id(_ visit: Visit) -> String? {
    visit.part("id").isEmpty ? nil : visit.part("id")
  }

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    var body: JSONObject = ["document": .string(form["document"])]
    if !form["cases"].allSatisfy(\.isWhitespace) { body["cases"] = .string(form["cases"]) }
    if form.has("check") {
      let check = try await RuleCheckView(visit: visit).html(.object(body))
      return .page(try await content(visit, typed: { form[$0] }, check))
    }
    let labels = form["labels"].split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
    body["labels"] = .array(labels.map { .string($0) })
    let made: JSONValue
    if let id = id(visit) {
      made = try await visit.change(
        "changeRule",
        ["id": id, "If-Match": form["tag"]],
        .object(body)
      )
    } else {
      made = try await visit.change("addRule", [:], .object(body))
    }
    return .go(
      Address("/rules", parts: [made.text("id")]).with("notice", Notice.ruleKept.rawValue)
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    guard visit.may(.edit) else { throw Problem.forbidden(.edit) }
    return .page(try await content(visit, typed: nil, RuleCheckView.empty))
  }

  private static func content(
    _ visit: Visit,
    typed: ((String) -> String)?,
    _ check: HTML
  ) async throws -> PageContent {
    let kept = try await id(visit).asyncMap { try await visit.ask("showRule", ["id": $0]) }
    if let kept, kept.text("origin") != "own" {
      throw Problem(
        409,
        "conflict",
        "The state of things does not allow this",
        "\(kept.text("id")) is installed, and no rule of one's own; overlays change those"
      )
    }
    let tag: HTML =
      kept.map { "<input type=\"hidden\" name=\"tag\" value=\"\($0.entityTag)\">" } ?? ""
    let here = visit.address.without("notice").text
    // With a script the check follows what is typed; without one there is the button.
    let live: HTML = """
      <span class="busy" data-hx-post="\(here)" data-hx-trigger="input delay:700ms from:closest form" data-hx-include="closest form" data-hx-vals='{"check":"true"}' data-hx-target="#check" data-hx-select="#check" data-hx-swap="outerHTML" data-hx-sync="this:replace"></span>
      """
    let cancel = kept.map { Address("/rules", parts: [$0.text("id")]) } ?? Address("/rules")
    let more: HTML = """
      <button type="submit" name="check" value="true">Check</button>\(HTML.link(cancel, "Cancel", "button"))\(tag)\(live)
      """
    let fields = fields(visit, kept, typed)
    var content = PageContent(
      kept.map { "Change \($0.text("id"))" } ?? "Write a rule",
      lead:
        "A rule as \(HTML.link(Address("/properties"), "properties and operators")) allow it, in YAML or JSON; config rules of IBM's Security and Compliance Center are understood as they are.",
      commands: kept.map { [["rules", "show", $0.text("id")]] } ?? [["rules", "list"]],
      main: """
        <div class="grid">
        <div class="card w7">\(visit.form("keep", fields, button: "Keep it", more: more))</div>
        <div class="w5 column">\(check)</div>
        </div>
        """
    )
    content.hasInstant = false
    return content
  }

  private static func fields(
    _ visit: Visit,
    _ kept: JSONValue?,
    _ typed: ((String) -> String)?
  ) -> [Field] {
    let kind = visit.value("kind").flatMap { ResourceKind($0) }
    func value(_ name: String, _ first: String) -> String { typed?(name) ?? first }
    return [
      Field(
        name: "labels",
        label: "Labels",
        hint: "Set apart by commas.",
        value: value(
          "labels",
          (kept?.list("labels") ?? []).compactMap(\.string).joined(separator: ", ")
        ),
        isRequired: false
      ),
      Field(
        name: "document",
        label: "Rule",
        hint: "Its version is counted up when it is kept.",
        kind: .code,
        value: value("document", kept.map(document) ?? sketch(kind, visit.value("property")))
      ),
      Field(
        name: "cases",
        label: "Cases",
        hint:
          "Named configurations with the verdict that is expected; a rule that gives another one is refused.",
        kind: .code,
        value: value(
          "cases",
          kept.map { $0.list("cases").isEmpty ? "" : JSONValue.array($0.list("cases")).indented }
            ?? ""
        ),
        isRequired: false
      ),
    ]
  }

  /// A kept rule as it is written, without what is kept of it.
  private static func document(_ rule: JSONValue) -> String {
    var object = rule.object ?? [:]
    for name in ["origin", "labels", "cases", "changed_by", "since", "until", "used_by", "version"]
    {
      object[name] = nil
    }
    return JSONValue.object(object).indented
  }

  /// What a new rule begins with.
  private static func sketch(_ kind: ResourceKind?, _ property: String?) -> String {
    """
    id: own.name-of-the-rule
    title: What is to hold, as a sentence
    severity: medium
    target: { service_name: \(kind?.service ?? "s3"), resource_kind: \(kind?.kind ?? "bucket") }
    required_config:
      property: \(property ?? "name.of.a.property")
      operator: is_true
    remediation:
      text: What to do about it
    """
  }
}

extension Optional where Wrapped: Sendable {
  fileprivate func asyncMap<R>(_ body: (Wrapped) async throws -> R) async rethrows -> R? {
    guard let self else { return nil }
    return try await body(self)
  }
}

/// What a rule that is being written would come to: its faults, its cases, present resources.
struct RuleCheckView {
  let visit: Visit

  /// Before anything was checked.
  static let empty: HTML = """
    <section class="card" id="check" aria-labelledby="check-title"><h2 id="check-title">What it would come to</h2><p class="empty">Nothing is checked yet.</p></section>
    """

  /// The outcome for what was typed.
  func html(_ body: JSONValue) async throws -> HTML {
    do {
      let test = try await visit.change("testRule", [:], body)
      let preview = try await visit.change("previewRule", [:], body)
      return frame("\(cases(test))\(resources(preview))")
    } catch {
      guard let problem = visit.api.problem(error), [400, 409, 422].contains(problem.status) else {
        throw error
      }
      let faults =
        problem.faults.isEmpty ? [problem.detail] : problem.faults.map(\.detail)
      let list = faults.map { "<li>\($0)</li>" as HTML }
      return frame(
        "<p class=\"fault\">It cannot be judged yet:</p><ul class=\"fault\">\(HTML(list))</ul>"
      )
    }
  }

  private func frame(_ body: HTML) -> HTML {
    """
    <section class="card stack" id="check" aria-labelledby="check-title" aria-live="polite"><h2 id="check-title">What it would come to</h2>\(body)</section>
    """
  }

  private func cases(_ test: JSONValue) -> HTML {
    let rows = test.list("cases").map { one -> HTML in
      let isRight = one["as_expected"]?.bool ?? false
      let reason: HTML =
        one.text("reason").isEmpty ? "" : "<span class=\"quiet\">\(one.text("reason"))</span>"
      return """
        <tr><th scope="row">\(one.text("name"))\(reason)</th><td>\(one.text("expected"))</td><td>\(one.text("verdict")) \(isRight ? HTML.tag("as expected", "good") : HTML.tag("not as expected", "bad"))</td></tr>
        """
    }
    return HTML.table(
      "Its cases",
      ["Case", "Expected", "Given"],
      rows,
      kind: "cards",
      empty: "It has no cases."
    )
  }

  private func resources(_ preview: JSONValue) -> HTML {
    let counts = preview["verdicts"] ?? .null
    let figures = Verdict.allCases.map { verdict -> HTML in
      "<div><dt>\(HTML.verdict(verdict.rawValue))</dt><dd>\(counts.count(verdict.rawValue).grouped)</dd></div>"
    }
    let rows = preview.list("items").map { item -> HTML in
      let reason: HTML =
        item.text("reason").isEmpty ? "" : "<span class=\"quiet\">\(item.text("reason"))</span>"
      return """
        <tr><th scope="row">\(HTML.link(visit.to("/resources/\(item.count("number"))"), "\(item.shownName)"))<span class="quiet">\(item.text("account"))</span></th><td>\(HTML.verdict(item.text("verdict")))\(reason)</td></tr>
        """
    }
    let isWhole = preview["complete"]?.bool ?? false
    let bound = isWhole ? "" : "; there are more than are judged here"
    return """
      <h3>Present resources: \(preview.count("judged").grouped) judged\(bound)</h3>
      <dl class="numbers">\(HTML(figures))</dl>
      \(HTML.table("The first of each verdict", ["Resource", "Verdict"], rows, kind: "cards", empty: "No present resource that you see is of its kind."))
      """
  }
}
