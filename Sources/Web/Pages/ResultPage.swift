import JSON
import Model
import Reports

/// One result: its proof, the configuration that was judged, its history, and what to do about it.
enum ResultPage {
  static let page = Page(
    "/results/{resource}/{goal}",
    show: show,
    change: judgeAgain,
    by: ["runAttachment"]
  )

  /// A proof is made from the stored configuration and rule each time that it is read.
  private static func judgeAgain(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    if form["action"] == "scan" {
      let run = try await visit.change("runAttachment", ["id": form["attachment"]])
      return .go(
        Address("/jobs", ["run": "\(run.count("run"))", "notice": Notice.runStarted.rawValue])
      )
    }
    _ = try await visit.look(
      "showResult",
      ["id": visit.part("resource"), "goal": visit.part("goal"), "as_of": visit.asOf]
    )
    return .go(visit.address.without("notice").with("notice", Notice.judgedAgain.rawValue))
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let (number, goal) = (visit.part("resource"), visit.part("goal"))
    let result = try await visit.ask(
      "showResult",
      ["id": number, "goal": goal, "as_of": visit.asOf]
    )
    let resource = try await visit.ask("showResource", ["id": number, "as_of": visit.asOf])
    let rule = try await visit.askIfThere("showRule", ["id": result.text("rule")])
    let elsewhere = try await visit.look(
      "countResults",
      ["rule": result.text("rule"), "verdict": "fail", "as_of": visit.asOf]
    ).count("total")
    let view = ResultView(
      visit: visit,
      result: result,
      resource: resource,
      rule: rule,
      attachments: try await attachments(visit, resource, rule)
    )
    return .page(
      PageContent(
        rule?.text("title") ?? result.text("rule"),
        lead: view.lead,
        commands: [
          [
            "results", "--rule", result.text("rule"), "--resource", resource.text("id"),
            "--account", resource.text("account"), "--verdict", "all",
          ]
        ],
        main: """
          \(view.summary(elsewhere))
          <div class="grid">
          \(view.proof)
          \(view.fix)
          \(try await GuardOutcomeView(visit: visit, result: result).card("w12"))
          \(view.configuration)
          \(try await view.history())
          </div>
          """
      )
    )
  }
}

extension ResultPage {
  /// The attachments that ask for a result's rule over its resource, where the visitor may have them
  /// validated.
  private static func attachments(_ visit: Visit, _ resource: JSONValue, _ rule: JSONValue?)
    async throws -> [JSONValue]
  {
    guard visit.may(.run), visit.asOf == nil, let rule else { return [] }
    let users = Set(rule.list("used_by").map { $0.text("profile") })
    var found: [JSONValue] = []
    var holds = ["": true]
    for attachment in try await visit.look("listAttachments", ["limit": "500"]).list("items")
    where users.contains(attachment.text("profile")) {
      let scope = attachment.text("scope")
      if holds[scope] == nil {
        let held = try await visit.look(
          "countResults",
          [
            "scope": scope, "rule": rule.text("id"), "resource": resource.text("id"),
            "account": resource.text("account"),
          ]
        )
        holds[scope] = held.count("total") > 0
      }
      if holds[scope] == true { found.append(attachment) }
    }
    return found
  }
}

/// The pieces of the page of a result.
struct ResultView {
  let visit: Visit
  let result: JSONValue
  let resource: JSONValue
  let rule: JSONValue?
  /// By which the resource may be scanned again.
  let attachments: [JSONValue]

  private var tree: ProofTree { ProofTree(result["proof"] ?? .null) }

  var lead: HTML {
    "\(HTML.verdict(result.text("verdict"))) \(HTML.severity(result.text("severity"))) <span class=\"quiet\">\(HTML.link(Address("/rules", parts: [result.text("rule")]), "\(result.text("rule"))")), version \(result.count("rule_version"))</span>"
  }

  func summary(_ elsewhere: Int) -> HTML {
    let source = result["resource"]?["source"] ?? .null
    let proof = result["proof"] ?? .null
    let number = resource.count("number")
    var facts: [(String, HTML)] = [
      ("Resource", HTML.link(visit.to("/resources/\(number)"), "\(resource.shownName)")),
      ("Id", "<code>\(resource.text("id"))</code>"),
      ("Kind", "\(resource.text("service_name"))/\(resource.text("resource_kind"))"),
      (
        "Account",
        HTML.link(
          visit.to("/results", ["account": resource.text("account")]),
          "\(resource.text("account"))"
        )
      ),
      ("Why", "\(result.text("reason").isEmpty ? "as required" : result.text("reason"))"),
      ("Judged", proof.text("judged_at").asTime),
      ("Resource as it is since", resource.text("since").asTime),
      ("Result", "<code>\(result.text("id"))</code>"),
    ]
    if let call = source["call"]?.string { facts.append(("Source", "<code>\(call)</code>")) }
    if let file = source["file"]?.string {
      let line = source["line"]?.whole.map { ":\($0)" } ?? ""
      facts.append(("Source", "<code>\(file)\(line)</code>"))
    }
    let digest = proof.text("configuration_sha256")
    if !digest.isEmpty { facts.append(("SHA-256 of what was judged", "<code>\(digest)</code>")) }
    if let parameters = result["parameters"]?.object {
      let words = parameters.members.map { "\($0.key) = \($0.value.text)" }.joined(separator: ", ")
      facts.append(("Parameters", "<code>\(words)</code>"))
    }
    let list = facts.map { name, value -> HTML in "<dt>\(name)</dt><dd>\(value)</dd>" }
    return """
      <section class="card stack" aria-labelledby="facts"><h2 id="facts">Facts</h2>
      <dl class="facts">\(HTML(list))</dl>
      \(exception)
      <div class="row">
      \(actions)
      \(HTML.link(visit.to("/results", ["rule": result.text("rule"), "verdict": "fail"]), "The same failure: \(elsewhere.grouped)", "button"))
      </div>
      </section>
      """
  }

  private var exception: HTML {
    guard let exception = result["exception"] else { return "" }
    return """
      <p class="warning">This failure is accepted until \(exception.text("expires")) by \(exception.text("approver")): \(exception.text("reason"))</p>
      """
  }

  private var actions: HTML {
    let again: HTML = "\(visit.button("recheck", "Recheck now"))\(scanAgain)"
    guard result.text("verdict") == "fail", result["exception"] == nil, visit.may(.edit),
      visit.asOf == nil
    else { return again }
    let request = Address(
      "/exceptions/new",
      ["rule": result.text("rule"), "resource": resource.text("id")]
    )
    return "\(again)\(HTML.link(request, "Request exception", "button"))"
  }

  /// What asks the provider again, where an attachment does.
  private var scanAgain: HTML {
    guard !attachments.isEmpty else { return "" }
    let choices = attachments.map { one -> (value: String, words: String) in
      let scope = one.text("scope").isEmpty ? "everything" : one.text("scope")
      return ("\(one.count("id"))", "\(one.text("profile")) over \(scope)")
    }
    return """
      <form class="row" method="post" action="\(visit.address.without("notice").text)"><input type="hidden" name="csrf" value="\(visit.antiForgery)"><input type="hidden" name="action" value="scan">
      <label for="scan-attachment">Scan again through</label><select id="scan-attachment" name="attachment">\(HTML.options(choices, ""))</select><button type="submit">Scan</button></form>
      """
  }

  // MARK: - Proof and fix

  var proof: HTML {
    let body: HTML =
      tree.html ?? "<p class=\"empty\">The proof has no condition: \(result.text("reason")).</p>"
    let description = rule?["required_config"]?["description"]?.string
    return HTML.card(
      "Proof",
      "w7",
      "<div class=\"stack\"><p class=\"quiet\">\(description ?? "What is required, and what was observed.")</p>\(body)</div>"
    )
  }

  var fix: HTML {
    guard let rule else {
      return HTML.card("Fix", "w5", "<p class=\"empty\">The rule is not shipped any more.</p>")
    }
    return RulePage.fix(rule, "w5")
  }

  var configuration: HTML {
    let unread = (resource["unread"]?.object?.members ?? []).map { path, reason -> HTML in
      "<li><code>\(path)</code>: \(reason.shortened)</li>"
    }
    return HTML.card(
      "Configuration",
      "w7",
      more:
        "<a href=\"/api/v1/resources/\(resource.count("number"))\(visit.asOf.map { "?as_of=\($0)" } ?? "")\">All of it as JSON</a>",
      """
      <div class="stack">
      <p class="quiet">As the provider's API represents it. Marked is what the verdict rests on.</p>
      \(ConfigurationView(resource["configuration"] ?? .null, marks: tree.marks).html)
      \(HTML.when(!unread.isEmpty, "<details><summary>Not read: \(unread.count)</summary><ul>\(HTML(unread))</ul></details>"))
      </div>
      """
    )
  }

  // MARK: - History

  func history() async throws -> HTML {
    let states = try await visit.states(ofResource: "\(resource.count("number"))")
    func verdict(_ state: JSONValue) -> JSONValue? {
      state.list("verdicts").first { "\($0.count("goal"))" == visit.part("goal") }
    }
    // What changed elsewhere in the resource does not end it.
    let unbroken = states.prefix { verdict($0)?.text("verdict") == result.text("verdict") }
    let rows = states.enumerated().map { place, state -> HTML in
      let isFirst = place == states.count - 1 && states.count < 50
      let verdict = verdict(state)
      let paths = state.list("changes").map { $0.text("path") }
      let what =
        paths.isEmpty
        ? (isFirst ? "first seen" : "as before")
        : paths.prefix(3).joined(separator: ", ") + (paths.count > 3 ? " …" : "")
      return """
        <tr><th scope="row">\(HTML.link(visit.address.without("notice").with("as_of", state.text("since")), state.text("since").asTime))</th><td>\(verdict.map { HTML.verdict($0.text("verdict")) } ?? "not judged")</td><td>\(what)</td></tr>
        """
    }
    let table = HTML.table(
      "Every state of the resource, the newest first",
      ["Since", "Verdict", "What changed"],
      rows
    )
    let since = unbroken.last.map { first -> HTML in
      let most: HTML = unbroken.count == 50 ? "at least " : ""
      return
        "<p>\(HTML.verdict(result.text("verdict"))) without a break since \(most)\(first.text("since").asTime)</p>"
    }
    return HTML.card("History", "w5", "<div class=\"stack\">\(since ?? "")\(table)</div>")
  }
}
