import JSON
import Model
import Reports

/// The rules that there are.
enum RulesPage {
  static let page = Page(
    "/rules",
    entry: Page.Entry(area: .requirements, name: "Rules"),
    show: show
  )

  static let listing = Listing(
    "/rules",
    "listRules",
    columns: ["id", "version", "title", "status", "severity", "target", "successor"]
  )

  /// A rule's id with a link to its page.
  static func link(_ rule: String) -> HTML {
    HTML.link(Address("/rules", parts: [rule]), "<code>\(rule)</code>")
  }

  /// The fields by which rules are chosen.
  static func fields(_ visit: Visit) -> [HTML] {
    installedFields(visit) + [
      visit.filterChoice(
        "origin",
        "Whose",
        [("", "all"), ("own", "our own"), ("installed", "installed")]
      )
    ]
  }

  /// The fields by which installed rules are chosen.
  static func installedFields(_ visit: Visit) -> [HTML] {
    let severities = Severity.allCases.map { ($0.rawValue, "\($0.rawValue) or above") }
    return [
      visit.filterField("q", "Words", "of the title or requirement"),
      visit.filterField("provider", "Provider", "aws"),
      visit.filterField("kind", "Kind", "s3/bucket"),
      visit.filterChoice("severity", "Severity", [("", "any")] + severities),
    ]
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let write: HTML =
      visit.may(.edit)
      ? "<p>\(HTML.link(Address("/rules/new"), "Write a rule", "button main"))</p>" : ""
    let rows = page.list("items").map { rule -> HTML in
      let status = rule.text("status")
      return """
        <tr><th scope="row">\(HTML.link(Address("/rules", parts: [rule.text("id")]), "\(rule.text("title"))"))<span class="quiet">\(rule.text("id"))</span></th>
        <td>\(HTML.severity(rule.text("severity")))</td><td>\(rule.list("target").compactMap(\.string).joined(separator: ", "))</td>
        <td>\(status == "stable" ? "" : HTML.tag(status, "wait")) \(HTML.when(rule.text("origin") == "own", HTML.tag("our own")))</td></tr>
        """
    }
    let content = PageContent(
      "Rules",
      lead: "What a resource is asked to be. A rule with its parameters filled is a goal.",
      commands: listing.commands([["rules", "list"]], visit),
      hasInstant: false,
      main: """
        \(write)
        \(visit.filter("/rules", fields(visit)))
        \(HTML.table("Rules by their ids", ["Rule", "Severity", "Kinds", "Status"], rows, kind: "cards", empty: "No rule is like that."))
        \(listing.links(page, visit))
        """
    )
    return .page(content)
  }
}

/// One rule: what it asks for, of what, why, and how to get there.
enum RulePage {
  static let page = Page("/rules/{id}", show: show, change: OwnRuleView.change, by: ["removeRule"])

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let rule = try await visit.ask("showRule", ["id": visit.part("id")])
    let id = rule.text("id")
    let counts = try await visit.ask("countResults", ["rule": id, "as_of": visit.asOf])
    let cells = HTML.verdictCells(counts["whole"] ?? .null) { verdict in
      visit.to("/results", ["rule": id, "verdict": verdict.rawValue])
    }
    var facts: [(String, HTML)] = [
      ("Id", "<code>\(id)</code>"), ("Version", "\(rule.count("version"))"),
      ("Status", "\(rule.text("status"))"),
    ]
    let aliases = rule.list("aliases").compactMap(\.string)
    if !aliases.isEmpty {
      facts.append(("Also known as", HTML.code(aliases)))
    }
    if let successor = rule["successor"]?.string {
      facts.append(("Use instead", RulesPage.link(successor)))
    }
    let own = rule.text("origin") == "own" ? OwnRuleView(visit: visit, rule: rule) : nil
    if let own { facts += own.facts }
    facts.append(
      ("Guardrails", HTML.link(Address("/guardrails", ["rule": id]), "those that lay it on scopes"))
    )
    let lay: HTML =
      visit.may(.edit)
      ? "<p>\(HTML.link(Address("/guardrails/new", ["subject": "rule", "name": id]), "Lay it on a scope", "button"))</p>"
      : ""
    return .page(
      PageContent(
        rule.text("title"),
        lead:
          "\(HTML.severity(rule.text("severity"))) \(rule["required_config"]?.text("description") ?? "")",
        commands: [["rules", "show", id]],
        main: """
          \(HTML.facts("Facts", facts))
          \(own?.actions ?? "")\(lay)
          \(HTML.table("Its results", ["#Pass", "#Fail", "#Unknown", "#Not applicable"], ["<tr>\(cells)</tr>"]))
          <div class="grid">
          <div class="w7 column">\(HTML.card("Required", "", RuleText(rule).html))\(parameters(rule))</div>
          <div class="w5 column">\(fix(rule, ""))\(try await own?.cards() ?? uses(rule))</div>
          </div>
          """
      )
    )
  }

  /// The remediation of a rule, why it matters and what to read.
  static func fix(_ rule: JSONValue, _ size: String) -> HTML {
    let remediation = rule["remediation"] ?? .null
    let snippets = (remediation.object?.members ?? []).filter { $0.key != "text" }.compactMap {
      name,
      value -> HTML? in
      guard let text = value.string else { return nil }
      let id = "fix-\(name.filter { $0.isLetter })"
      return """
        <h3 id="\(id)-name">\(name)</h3><div class="copy"><pre id="\(id)" tabindex="0" role="region" aria-labelledby="\(id)-name"><code>\(text)</code></pre><button type="button" class="plain" data-copy="\(id)" hidden>Copy</button></div>
        """
    }
    let text = remediation.text("text")
    let words: HTML =
      text.isEmpty ? "<p class=\"empty\">The rule names none.</p>" : "<p>\(text)</p>"
    let references = rule.list("references").compactMap(\.string).filter {
      $0.hasPrefix("https://")
    }
    .map { text -> HTML in "<li><a href=\"\(text)\" rel=\"noreferrer\">\(text)</a></li>" }
    return HTML.card(
      "Fix",
      size,
      """
      <div class="stack">
      \(words)
      \(HTML(snippets))
      \(HTML.when(!rule.text("rationale").isEmpty, "<h3>Why it matters</h3><p>\(rule.text("rationale"))</p>"))
      \(HTML.when(!references.isEmpty, "<ul class=\"quiet\">\(HTML(references))</ul>"))
      </div>
      """
    )
  }

  private static func parameters(_ rule: JSONValue) -> HTML {
    let rows = (rule["parameters"]?.object?.members ?? []).map { name, parameter -> HTML in
      let bounds = ["minimum", "maximum", "allowed"].compactMap { bound in
        parameter[bound].map { "\(bound) \($0.text)" }
      }.joined(separator: ", ")
      return """
        <tr><th scope="row"><code>\(name)</code><span class="quiet">\(parameter.text("description"))</span></th><td>\(parameter.text("type"))</td><td><code>\(parameter["default"]?.text ?? "")</code></td><td>\(bounds)</td></tr>
        """
    }
    guard !rows.isEmpty else { return "" }
    return HTML.tableCard(
      "Parameters",
      "",
      "What a goal or an attachment may set",
      ["Name", "Type", "Default", "Bounds"],
      rows
    )
  }

  private static func uses(_ rule: JSONValue) -> HTML {
    let uses = Dictionary(grouping: rule.list("used_by")) { $0.text("profile") }
    let rows = uses.sorted { $0.key < $1.key }.map { profile, uses -> HTML in
      let controls = uses.map { $0.text("control") }.joined(separator: ", ")
      return """
        <tr><th scope="row">\(HTML.link(Address("/profiles", parts: [profile]), "\(profile)"))<span class="quiet">version \(uses[0].text("version"))</span></th><td>\(controls)</td></tr>
        """
    }
    return HTML.tableCard(
      "Used by",
      "",
      "Controls that it judges",
      ["Profile", "Controls"],
      rows,
      empty: "No profile uses it."
    )
  }
}

/// What a rule selects and asks for, as a tree of its conditions.
struct RuleText {
  let rule: JSONValue

  init(_ rule: JSONValue) { self.rule = rule }

  var html: HTML {
    let target = rule["target"] ?? .null
    let names = target["resource_kind"]?.array ?? [target["resource_kind"] ?? .null]
    let kinds = names.compactMap(\.string).map { name -> HTML in
      let kind = "\(target.text("service_name"))/\(name)"
      return "<li>\(HTML.link(Address("/resources", ["kind": kind]), "\(kind)"))</li>"
    }
    let selected = target.list("additional_target_attributes").map { tree($0) }
    let applies: HTML =
      rule["applies"].map { "<h3>Applies where</h3><ul class=\"tree\">\(tree($0))</ul>" } ?? ""
    return """
      <div class="stack">
      <h3>Of which resources</h3>
      <ul class="tree">\(HTML(kinds))\(HTML(selected))</ul>
      \(applies)
      <h3>What has to hold</h3>
      <ul class="tree">\(tree(rule["required_config"] ?? .null))</ul>
      </div>
      """
  }

  private func tree(_ condition: JSONValue) -> HTML {
    for (name, words) in [("and", "all of these"), ("or", "any of these")]
    where condition[name] != nil {
      let list = parts(of: condition, name)
      return "<li><div class=\"cond\">\(words)</div><ul>\(HTML(list.map { tree($0) }))</ul></li>"
    }
    if let inner = condition["not"] {
      return "<li><div class=\"cond\">not</div><ul>\(tree(inner))</ul></li>"
    }
    for (name, words) in [
      ("any", "at least one of"), ("all", "every one of"), ("none", "none of"),
      ("count", "how many of"),
    ] {
      guard let range = condition[name] else { continue }
      let among =
        range.string ?? "\(range.text("service_name"))/\(range.text("resource_kind"))"
      let below: HTML = condition["satisfy"].map { "<ul>\(tree($0))</ul>" } ?? ""
      return
        "<li><div class=\"cond\">\(words) <code>\(among)</code> \(comparison(condition))</div>\(below)</li>"
    }
    let name = condition["property"]?.string ?? condition["name"]?.string
    let property: HTML = name.map { "<code>\($0)</code> " } ?? ""
    return "<li><div class=\"cond\">\(property)\(comparison(condition))</div></li>"
  }

  /// The conditions that one word joins, however deep they are nested.
  private func parts(of condition: JSONValue, _ name: String) -> [JSONValue] {
    guard let list = condition[name]?.array else { return [condition] }
    return list.flatMap { parts(of: $0, name) }
  }

  /// The operator in words, and what it compares with.
  private func comparison(_ condition: JSONValue) -> HTML {
    guard let verb = condition["operator"]?.string else { return "" }
    let expected: HTML = condition["value"].map { " <code>\($0.string ?? $0.text)</code>" } ?? ""
    return "\(verb.replacing("_", with: " "))\(expected)"
  }
}
