import JSON
import Model
import Reports

/// Whether a guardrail would have stopped what a result is about.
struct GuardOutcomeView {
  let visit: Visit
  let result: JSONValue

  private var rule: String { result.text("rule") }

  func card(_ size: String) async throws -> HTML {
    let outcome = try await visit.ask(
      "showGuardOutcome",
      ["id": visit.part("resource"), "goal": visit.part("goal"), "as_of": visit.asOf]
    )
    let guardrails = outcome.list("guardrails")
    let unseen = outcome.count("unseen")
    let hidden: HTML =
      unseen == 0
      ? "" : "<p class=\"quiet\">\(unseen.of("guardrail")) on scopes that you do not see.</p>"
    let table =
      guardrails.isEmpty
      ? "" as HTML
      : HTML.table(
        "Guardrails that lay this rule where the resource is",
        ["Guardrail", "Scope", "Enforcement", "It would be"],
        guardrails.map(row),
        kind: "cards"
      )
    return HTML.card(
      "Would a guardrail have stopped this?",
      size,
      more: HTML.link(Address("/guardrails", ["rule": rule]), "Guardrails with this rule"),
      """
      <div class="stack">
      <p>\(answer(outcome, guardrails.count + unseen))</p>
      \(table)
      \(hidden)
      \(HTML.when(guardrails.isEmpty && visit.may(.edit), "<p>\(HTML.link(Address("/guardrails/new", ["subject": "rule", "name": rule]), "Lay one", "button"))</p>"))
      </div>
      """
    )
  }

  private func answer(_ outcome: JSONValue, _ count: Int) -> HTML {
    guard count > 0 else {
      return """
        No: no guardrail lays this rule on a scope that holds the resource, so nothing looks at a request for it.
        """
    }
    let isFailing = ["fail", "unknown"].contains(result.text("verdict"))
    switch outcome.text("decision") {
    case "refused":
      return "Yes: asked for now, this configuration would be <strong>refused</strong>."
    case "warned":
      return
        "No: asked for now it would go through, and whoever asks would be <strong>warned</strong>."
    default:
      if isFailing, result["exception"] != nil {
        return "No: asked for now it would go through, for an exception covers the failure."
      }
      return isFailing
        ? "No: asked for now it would go through, and only the log would tell of it."
        : "There is nothing to stop: asked for now it would be <strong>allowed</strong>."
    }
  }

  private func row(_ guardrail: JSONValue) -> HTML {
    let because = guardrail.text("because")
    return """
      <tr><th scope="row">\(GuardrailsPage.link(guardrail))</th><td>\(AttachmentsPage.scope(guardrail.text("scope")))</td><td>\(GuardrailsPage.tag(guardrail.text("enforcement")))</td><td>\(GuardrailsPage.effect(guardrail.text("effect")))<span class="quiet">\(because)</span></td></tr>
      """
  }
}
