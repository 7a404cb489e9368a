import JSON
import Model
import Reports

/// The form by which a rule, profile or template is laid on a scope.
enum GuardrailForm {
  static let page = Page(
    "/guardrails/new",
    show: show,
    change: change,
    by: ["previewGuardrail", "addGuardrail"]
  )

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let body = try body(form)
    if form.has("preview") {
      let found = try await visit.change("previewGuardrail", [:], ["guardrail": .object(body)])
      return .page(
        try await content(
          visit,
          typed: { form[$0] },
          preview: GuardPreviewView(preview: found, visit: visit).html
        )
      )
    }
    let made = try await visit.change("addGuardrail", [:], .object(body))
    return .go(
      Address("/guardrails/\(made.count("id"))").with("notice", Notice.guardrailLaid.rawValue)
    )
  }

  private static func lines(_ text: String) -> [String] {
    text.split(whereSeparator: \.isNewline).map(\.trimmed).filter { !$0.isEmpty }
  }

  private static func body(_ form: Form) throws -> JSONObject {
    var body: JSONObject = [form["subject"]: .string(form["name"])]
    body["scope"] = .string(form["scope"])
    body["excludes"] = .array(lines(form["excludes"]).map { .string($0) })
    let parameters = try RuleSettings.parameters(form["parameters"])
    if !parameters.members.isEmpty { body["parameters"] = .object(parameters) }
    body["enforcement"] = .string(form["enforcement"])
    body["on_failure"] = .string(form["on_failure"])
    body["reason"] = .string(form["reason"])
    return body
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    guard visit.may(.edit) else { throw Problem.forbidden(.edit) }
    return .page(try await content(visit, typed: { visit.value($0) ?? "" }, preview: ""))
  }

  private static func content(
    _ visit: Visit,
    typed: (String) -> String,
    preview: HTML
  ) async throws -> PageContent {
    let scopes = try await visit.look("listScopes", ["limit": "500"]).list("items")
      .map { $0.text("name") }.sorted()
    let more: HTML = """
      <button type="submit" name="preview" value="true">See what it would hold up</button><a class="button" href="/guardrails">Cancel</a>
      """
    var content = PageContent(
      "Lay a guardrail",
      lead: "It counts from now on, at every gate.",
      commands: [command(typed)],
      main: """
        <div class="card">\(visit.form("lay", fields(scopes, typed), button: "Lay it", more: more))</div>
        \(preview)
        """
    )
    content.hasInstant = false
    return content
  }

  /// The command that lays what the form says, as far as that is filled in.
  private static func command(_ typed: (String) -> String) -> [String] {
    func value(_ name: String, _ other: String) -> String {
      typed(name).isEmpty ? other : typed(name)
    }
    var words = [
      "guardrails", "add", "--\(value("subject", "rule"))", value("name", "ID"),
      value("scope", "all"), "--enforcement", value("enforcement", "audit_log"),
    ]
    if typed("on_failure") == "closed" { words += ["--on-failure", "closed"] }
    words += lines(typed("excludes")).flatMap { ["--exclude", $0] }
    return typed("reason").isEmpty ? words : words + ["--reason", typed("reason")]
  }

  private static func fields(_ scopes: [String], _ typed: (String) -> String) -> [Field] {
    [
      Field(
        name: "subject",
        label: "What",
        kind: .choice([("rule", "a rule"), ("profile", "a profile"), ("template", "a template")]),
        value: typed("subject")
      ),
      Field(
        name: "name",
        label: "Its id",
        hint: "Such as aws.s3.bucket-encryption or best-practices.",
        value: typed("name")
      ),
      Field(
        name: "scope",
        label: "Scope",
        hint: "What lies in it, and in scopes below it.",
        kind: .choice([("", "everything")] + scopes.map { ($0, $0) }),
        value: typed("scope"),
        isRequired: false
      ),
      Field(
        name: "enforcement",
        label: "Enforcement",
        hint: "Let it record first, then warn, then refuse.",
        kind: .choice(GuardrailsPage.enforcements),
        value: typed("enforcement")
      ),
      Field(
        name: "on_failure",
        label: "What cannot be judged",
        hint: "Where it disallows: goes through with a warning, or is refused.",
        kind: .choice([("open", "goes through"), ("closed", "is refused")]),
        value: typed("on_failure")
      ),
      Field(
        name: "excludes",
        label: "Left out",
        hint: "Selectors such as account=test-*, one a line.",
        kind: .long,
        value: typed("excludes"),
        isRequired: false
      ),
      Field(
        name: "parameters",
        label: "Parameters",
        hint: "RULE.NAME = VALUE, one a line.",
        kind: .long,
        value: typed("parameters"),
        isRequired: false
      ),
      Field(
        name: "reason",
        label: "Reason",
        hint: "Needed where it is to disallow at once.",
        kind: .long,
        value: typed("reason"),
        isRequired: false
      ),
    ]
  }
}
