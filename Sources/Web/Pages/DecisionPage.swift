import JSON
import Model
import Reports

/// One decision: who asked, what each rule said and why, and what was refused.
enum DecisionPage {
  static let page = Page("/decisions/{id}", show: show)

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let decision = try await visit.ask("showDecision", ["id": visit.part("id")])
    let report = decision["report"] ?? .null
    // Where it was answered before it was judged, what it would have been is what there is to tell.
    let told = report["monitored"] ?? report
    let name = decision.text("name").isEmpty ? decision.text("resource_id") : decision.text("name")
    let kind = "\(decision.text("service_name"))/\(decision.text("resource_kind"))"
    var facts: [(String, HTML)] = [
      ("Decision", GuardrailsPage.effect(decision.text("decision"))),
      (
        "Asked",
        "by \(decision.text("actor")) at the gate \(decision.text("gate")), \(decision.text("at").asTime)"
      ),
      ("Resource", "<code>\(decision.text("resource_id"))</code>"), ("Kind", "\(kind)"),
      ("Account", "\(decision.text("account")) \(decision.text("region"))"),
    ]
    if report["monitored"] != nil {
      facts.append(("Judged", "afterwards: requests were only monitored then"))
    }
    if let fault = told["fault"]?.string { facts.append(("Not judged", "\(fault)")) }
    if !told.list("rulings").isEmpty || told["passed"] != nil {
      facts.append(
        (
          "Other rules",
          "\(told.count("passed").grouped) passed, \(told.count("not_applicable").grouped) had nothing to judge"
        )
      )
    }
    let passed = decision.list("rules").filter { $0.text("verdict") == "pass" }
    if !passed.isEmpty {
      facts.append(("Passed", HTML.commas(passed.map { RulesPage.link($0.text("rule")) })))
    }
    if let outdated = told["outdated"]?.string { facts.append(("Guardrails", "\(outdated)")) }
    let seen = try await visit.guardrailsSeen()
    let rulings = told.list("rulings").enumerated().map { index, ruling in
      card(ruling, index + 1, decision, seen, visit)
    }
    let none: HTML =
      rulings.isEmpty ? "<p class=\"empty\">Every rule that is laid there passed.</p>" : ""
    var content = PageContent(
      "Decision \(decision.count("id"))",
      lead: "\(name), \(decision.text("at").asTime)",
      commands: [["decisions", "show", visit.part("id")]],
      main: """
        \(HTML.facts("Facts", facts))
        \(none)
        \(HTML(rulings))
        \(defaults(told))
        \(request(report))
        """
    )
    content.hasInstant = false
    return .page(content)
  }

  /// What one rule said.
  private static func card(
    _ ruling: JSONValue,
    _ number: Int,
    _ decision: JSONValue,
    _ seen: Set<Int>,
    _ visit: Visit
  ) -> HTML {
    let rule = ruling.text("rule")
    let guardrails = ruling.list("guardrails").compactMap(\.whole).map {
      GuardrailsPage.link(number: $0, seen)
    }
    var facts: [(String, HTML)] = [
      ("Effect", "\(GuardrailsPage.effect(ruling.text("effect"))) by \(HTML.commas(guardrails))"),
      (
        "Verdict",
        "\(HTML.verdict(ruling.text("verdict"))) \(HTML.severity(ruling.text("severity")))"
      ),
      ("Why", "\(ruling.text("reason"))"),
    ]
    if !ruling.text("path").isEmpty {
      facts.append(("At", "<code>\(ruling.text("path"))</code>"))
      let comparison = ruling.text("operator").replacing("_", with: " ")
      let expected = ruling["expected"].map { " <code>\($0.shortened)</code>" as HTML } ?? ""
      facts.append(("Expected", "\(comparison)\(expected)"))
      if let observed = ruling["observed"] {
        facts.append(("Observed", "<code>\(observed.shortened)</code>"))
      }
    }
    if let fix = ruling["fix"]?.text("text"), !fix.isEmpty { facts.append(("Fix", "\(fix)")) }
    if let exception = ruling["exception"] {
      facts.append(("Excepted", "\(exception.text("id")), until \(exception.text("expires"))"))
    }
    let list = facts.map { name, value -> HTML in "<dt>\(name)</dt><dd>\(value)</dd>" }
    let tree = ProofTree(ruling["proof"] ?? .null).html
    let proof: HTML =
      tree.map { "<details><summary>Proof</summary>\($0)</details>" } ?? ""
    let canAsk =
      ruling["exception"] == nil && ruling.text("effect") != "allowed" && visit.may(.edit)
    let ask = Address(
      "/exceptions/new",
      ["rule": rule, "resource": decision.text("resource_id")]
    )
    return """
      <section class="card stack" aria-labelledby="ruling-\(number)"><h2 id="ruling-\(number)">\(HTML.link(Address("/rules", parts: [rule]), "\(ruling.text("title").isEmpty ? rule : ruling.text("title"))"))</h2>
      <dl class="facts">\(HTML(list))</dl>
      \(proof)
      \(HTML.when(canAsk, "<p>\(HTML.link(ask, "Request exception", "button"))</p>"))
      </section>
      """
  }

  /// What templates added to the configuration.
  private static func defaults(_ report: JSONValue) -> HTML {
    let rows = report.list("defaults").map { one -> HTML in
      """
      <tr><th scope="row"><code>\(one.text("property"))</code></th><td><code>\(one["value"]?.shortened ?? "")</code></td><td>\(HTML.link(Address("/templates", parts: [one.text("template")]), "\(one.text("template"))"))</td></tr>
      """
    }
    guard !rows.isEmpty else { return "" }
    return HTML.tableCard(
      "Completed by templates",
      "",
      "What the request left out",
      ["Property", "Value", "Template"],
      rows
    )
  }

  /// What was refused.
  private static func request(_ report: JSONValue) -> HTML {
    guard let request = report["request"] else { return "" }
    let view = ConfigurationView(request["configuration"] ?? .null)
    return HTML.card(
      "The configuration that was refused",
      "",
      "<div class=\"stack\"><p class=\"quiet\">As it was asked for; it is kept for as long as the decision.</p>\(view.html)</div>"
    )
  }
}
