import JSON
import Model
import Reports

/// What to do next: rules by what the score gains, and the resources most at risk.
struct HomeTodo {
  let visit: Visit
  let scope: String?
  let profile: String?

  /// The rules whose failures cost the score most.
  func card(_ size: String) async throws -> HTML {
    let rules = try await visit.ask(
      "listRuleStates",
      [
        "as_of": visit.asOf, "scope": scope, "profile": profile, "verdict": "fail",
        "without_excepted": "true", "sort": "-gain", "limit": "5",
      ]
    ).list("items")
    let rows = rules.map { rule -> HTML in
      let rows = visit.to(
        "/results",
        [
          "scope": scope, "profile": profile, "verdict": "fail", "rule": rule.text("rule"),
          "without_excepted": "true",
        ]
      )
      let link = HTML.link(rows, "\(rule.text("title"))")
      return """
        <tr><th scope="row">\(link)<span class="quiet">\(rule.text("remediation"))</span></th>
        <td data-label="Severity">\(HTML.severity(rule.text("severity")))</td>
        <td class="num" data-label="Failing">\(HTML.link(rows, "\(rule.count("failed").grouped)"))</td>
        <td class="num" data-label="Gain">\((rule["gain"]?.double ?? 0).signed)</td></tr>
        """
    }
    return HTML.tableCard(
      "Five things to do",
      size,
      "By what the score gains in points",
      ["What is to hold", "Severity", "#Failing", "#Gain"],
      rows,
      kind: "cards",
      empty: "Nothing fails that is not accepted."
    )
  }

  /// The resources whose failures weigh most.
  func risk(_ size: String) async throws -> HTML {
    let resources = try await visit.ask(
      "listResourcesAtRisk",
      ["as_of": visit.asOf, "scope": scope, "limit": "5"]
    ).list("items")
    let rows = resources.map { resource -> HTML in
      let page = visit.to("/resources/\(resource.count("number"))")
      let failing = resource["verdicts"]?.count("fail") ?? 0
      return """
        <tr><th scope="row">\(HTML.link(page, "\(resource.shownName)"))<span class="quiet">\(resource.text("service_name"))/\(resource.text("resource_kind")) · \(resource.text("account"))</span></th>
        <td class="num">\(HTML.link(page.with("verdict", "fail"), "\(failing.grouped)"))</td><td class="num">\(resource.count("weight_failed"))</td></tr>
        """
    }
    let table = HTML.table(
      "By the weight of their failures, accepted ones among them",
      ["Resource", "#Failing", "#Weight"],
      rows,
      empty: "No resource fails anything."
    )
    var worst: HTML = ""
    if let first = resources.first { worst = try await self.worst(of: first) }
    return HTML.card("Resources most at risk", size, "<div class=\"stack\">\(worst)\(table)</div>")
  }

  /// Why the severest failure of a resource fails.
  private func worst(of resource: JSONValue) async throws -> HTML {
    let number = "\(resource.count("number"))"
    let failing = try await visit.look(
      "listResultsOfResource",
      ["id": number, "as_of": visit.asOf, "limit": "500"]
    ).list("items").filter { $0.text("verdict") == "fail" && $0["exception"] == nil }
    // The severest stands first among the severities.
    let first = Severity.allCases.lazy.compactMap { severity in
      failing.first { $0.text("severity") == severity.rawValue }
    }.first
    guard let first else { return "" }
    let goal = "\(first.count("goal"))"
    let result = try await visit.look(
      "showResult",
      ["id": number, "goal": goal, "as_of": visit.asOf]
    )
    let page = visit.to("/results/\(number)/\(goal)")
    return """
      <p><strong>\(HTML.link(page, "\(first["title"]?.string ?? first.text("rule"))"))</strong> fails for \(resource.shownName) \(HTML.severity(first.text("severity")))<br>\(result.text("reason"))</p>
      """
  }
}
