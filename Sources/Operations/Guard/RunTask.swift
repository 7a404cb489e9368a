package import JSON
package import Model

/// A run of Terraform that waits for a decision, as HCP Terraform's run tasks tell it.
package struct RunTask: Sendable {
  /// By which the plan is fetched and the answer given; it ends with the run.
  package let token: Secret
  package let stage: String
  /// Where the plan is; empty at a stage without one.
  package let plan: String
  package let callback: String
  /// Who made the run; empty where that is not told.
  package let actor: String
  package let subject: String
  /// Whether the other side takes a part for each resource.
  package let takesOutcomes: Bool
  /// The account of resources that name none.
  package let account: String

  /// The token by which a run task is tried out when somebody sets it up.
  private static let trial = "test-token"

  /// Reads a payload that is formed as one.
  package init(_ payload: JSONValue, account: String) {
    func text(_ key: String) -> String { payload[key]?.string ?? "" }
    token = Secret(text("access_token"))
    (stage, plan) = (text("stage"), text("plan_json_api_url"))
    (callback, actor) = (text("task_result_callback_url"), text("run_created_by"))
    let workspace = [text("organization_name"), text("workspace_name")].joined(separator: "/")
    subject = "\(workspace) \(text("run_id"))"
    takesOutcomes = payload["capabilities"]?["outcomes"]?.bool ?? false
    self.account = account
  }

  /// Whether somebody only tries whether the address and the key are right.
  package var isTrial: Bool { token.revealed == Self.trial }

  /// The addresses that are called for it.
  package var addresses: [String] { [plan, callback].filter { !$0.isEmpty } }

  // MARK: - Answers

  /// The answer of a gate's report; what could not be read or decided counts as failed.
  package func answer(_ report: GateReport) -> JSONValue {
    if report.isWithoutGuardrails { return failure(Decision.nothing) }
    let isWhole = report.diagnostics.isEmpty
    let decisions = report.decisions
    let counts = Effect.allCases.reversed().map { effect in
      "\(decisions.count { $0["decision"]?.string == effect.rawValue }) \(effect.rawValue)"
    }
    let fault = report.diagnostics.first.map { "; not read: \($0)" } ?? ""
    return answer(
      isPassed: report.effect < .refused && isWhole,
      counts.joined(separator: ", ") + fault,
      takesOutcomes ? decisions.flatMap(Self.outcomes) : []
    )
  }

  /// The answer where nothing was decided.
  package func failure(_ reason: String) -> JSONValue {
    answer(isPassed: false, "not decided: \(reason)", [])
  }

  private func answer(
    isPassed: Bool,
    _ message: String,
    _ outcomes: [JSONValue]
  ) -> JSONValue {
    var data: JSONObject = [
      "type": "task-results",
      "attributes": [
        "status": isPassed ? "passed" : "failed",
        "message": .string(String(message.withoutControls.prefix(1000))),
      ],
    ]
    if !outcomes.isEmpty {
      data["relationships"] = ["outcomes": ["data": .array(outcomes)]]
    }
    return ["data": .object(data)]
  }

  private static func outcomes(_ decision: JSONValue) -> [JSONValue] {
    let id = decision["resource"]?["id"]?.string ?? ""
    return (decision["rulings"]?.array ?? []).compactMap { ruling in
      func text(_ key: String) -> String { ruling[key]?.string ?? "" }
      guard let effect = Effect(rawValue: text("effect")), effect > .allowed else { return nil }
      let level = effect == .refused ? "error" : "warning"
      var body = ["**\(text("rule"))**: \(text("reason"))"]
      if let fix = ruling["fix"]?["text"]?.string, !fix.isEmpty { body.append("Fix: \(fix)") }
      return [
        "type": "task-result-outcomes",
        "attributes": [
          "outcome-id": .string("\(text("rule")) \(id)"),
          "description": .string("\(id): \(text("title"))"),
          "body": .string(body.joined(separator: "\n\n")),
          "tags": [
            "Status": [["label": .string(effect.rawValue), "level": .string(level)]],
            "Severity": [["label": .string(text("severity")), "level": .string(level)]],
          ],
        ],
      ]
    }
  }
}
