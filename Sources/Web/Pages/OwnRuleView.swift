import JSON
import Model
import Reports

/// What the page of a rule tells beside the rule where it is one's own: versions, cases, how to change it.
struct OwnRuleView {
  let visit: Visit
  let rule: JSONValue

  private var id: String { rule.text("id") }

  /// What can be done with it.
  var actions: HTML {
    guard visit.may(.edit) else { return "" }
    return """
      <div class="row">\(HTML.link(Address("/rules", parts: [id, "edit"]), "Change it", "button main"))\(visit.button("test", "Test its cases"))\(visit.button("remove", "Remove it", kind: "danger", ["tag": rule.entityTag]))</div>
      """
  }

  var facts: [(String, HTML)] {
    let labels = rule.list("labels").compactMap(\.string)
    var facts: [(String, HTML)] = [
      ("Kept", "\(rule.text("since").asTime), by \(rule.text("changed_by"))")
    ]
    if !labels.isEmpty { facts.append(("Labels", HTML(labels.map { HTML.tag($0) }))) }
    return facts
  }

  static let versions = Listing(
    "/rules/{id}/versions",
    "listRuleVersions",
    columns: ["id", "version", "title", "changed_by", "since", "until", "labels", "document"]
  )

  /// Its cases and its versions.
  func cards() async throws -> HTML {
    let versions = try await visit.ask("listRuleVersions", ["id": id, "limit": "50"]).list("items")
    let rows = versions.map { version -> HTML in
      let until: HTML = version["until"]?.string.map { $0.asTime } ?? "now"
      return """
        <tr><th scope="row">Version \(version.count("version"))<span class="quiet">\(version.text("title"))</span></th><td>\(version.text("changed_by"))</td><td class="tight">\(version.text("since").asTime)</td><td class="tight">\(until)</td></tr>
        """
    }
    let cases = rule.list("cases").map { one -> HTML in
      """
      <tr><th scope="row">\(one.text("name"))</th><td>\(HTML.verdict(one.text("verdict")))</td><td><details><summary>Configuration</summary><pre tabindex="0"><code>\(one["configuration"]?.indented ?? "")</code></pre></details></td></tr>
      """
    }
    return """
      \(HTML.tableCard("Cases", "", "What it has to give", ["Case", "Verdict", "Of"], cases, kind: "cards", empty: "It has none."))
      \(HTML.tableCard("Versions", "", "The newest first", ["Version", "By", "From", "Until"], rows, kind: "cards"))
      \(Self.versions.fileLinks(visit))
      """
  }

  /// What a form of the page does.
  static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let id = visit.part("id")
    if form["action"] == "remove" {
      _ = try await visit.change("removeRule", ["id": id, "If-Match": form["tag"]])
      return .go(Address("/rules", ["notice": Notice.ruleRemoved.rawValue]))
    }
    let rule = try await visit.look("showRule", ["id": id])
    var document = rule.object ?? [:]
    for name in ["origin", "labels", "cases", "changed_by", "since", "until"] {
      document[name] = nil
    }
    let body: JSONObject = ["document": .object(document), "cases": .array(rule.list("cases"))]
    let check = try await RuleCheckView(visit: visit).html(.object(body))
    var content = PageContent(
      "Test of \(id)",
      commands: [["rules", "show", id]],
      main: """
        \(check)
        <p>\(HTML.link(Address("/rules", parts: [id]), "Back to the rule", "button"))</p>
        """
    )
    content.hasInstant = false
    return .page(content)
  }
}
