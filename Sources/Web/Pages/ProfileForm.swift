import JSON
import Model
import Reports

/// The form by which a profile of one's own is built out of goals.
///
/// What is chosen so far stands in the address, so that it works without a script and can be kept as a
/// bookmark.
enum ProfileForm {
  static let page = Page("/profiles/new", show: show, change: change, by: ["keepProfile"])

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    var controls: [(id: String, title: String, goals: [JSONValue])] = []
    for rule in form.all("rule") {
      var parameters = JSONObject()
      let prefix = "set:\(rule):"
      for name in form.names where name.hasPrefix(prefix) && !form[name].isEmpty {
        parameters[String(name.dropFirst(prefix.count))] = RuleSettings.value(form[name])
      }
      let goal: JSONValue = ["rule": .string(rule), "parameters": .object(parameters)]
      let id = form["control:\(rule)"]
      if let place = controls.firstIndex(where: { $0.id == id }) {
        controls[place].goals.append(goal)
      } else {
        controls.append((id, form["title:\(rule)"], [goal]))
      }
    }
    var documents = controls.map { control -> JSONValue in
      [
        "id": .string(control.id), "title": .string(control.title),
        "goals": .array(control.goals),
      ]
    }
    for line in form["manual"].split(whereSeparator: \.isNewline)
    where line.contains(where: { $0 != " " }) {
      let parts = line.split(separator: ":", maxSplits: 1).map(\.trimmed)
      guard parts.count == 2 else {
        throw Problem.invalid("manual", "\"\(line)\" is not as CONTROL: title")
      }
      documents.append(
        ["id": .string(parts[0]), "title": .string(parts[1]), "manual": true]
      )
    }
    guard !documents.isEmpty else {
      throw Problem.invalid("manual", "no goal and no control is chosen")
    }
    var body: JSONObject = ["controls": .array(documents)]
    for name in ["id", "version", "effective_date", "title"] { body[name] = .string(form[name]) }
    if !form["description"].isEmpty { body["description"] = .string(form["description"]) }
    let made = try await visit.change("keepProfile", [:], .object(body))
    return .go(
      Address("/profiles", parts: [made.text("id")]).with("notice", Notice.profileKept.rawValue)
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    guard visit.may(.edit) else { throw Problem.forbidden(.edit) }
    let chosen = visit.values("goal").uniqued
    var rules: [JSONValue] = []
    for id in chosen.prefix(200) {
      if let rule = try await visit.askIfThere("showRule", ["id": id]) { rules.append(rule) }
    }
    let content = PageContent(
      "Build a profile",
      lead: "Choose rules, fill their parameters, and say which control they are for.",
      hasInstant: false,
      main: """
        <div class="grid">
        \(HTML.card("1. Choose rules", "w5", try await choice(visit, chosen)))
        \(HTML.card("2. Fill and keep", "w7", form(visit, rules)))
        </div>
        """
    )
    return .page(content)
  }

  // MARK: - Choosing

  private static let names = ["q", "provider", "kind", "severity"]

  private static func choice(_ visit: Visit, _ chosen: [String]) async throws -> HTML {
    let pairs = names.flatMap { name in
      visit.values(name).map { Address.Pair(name: name, value: $0) }
    }
    let isAsked = !pairs.isEmpty
    // Goals are of installed rules.
    let installed = [
      Address.Pair(name: "origin", value: "installed"), Address.Pair(name: "limit", value: "50"),
    ]
    let page =
      try await isAsked
      ? visit.ask("listRules", pairs: pairs + installed) : .null
    let found = page.list("items").filter { !chosen.contains($0.text("id")) }
    let boxes = found.map { rule -> HTML in
      """
      <li><label class="check"><input type="checkbox" name="goal" value="\(rule.text("id"))"> \(rule.text("title"))</label><span class="quiet">\(rule.text("id")) · \(rule.text("severity"))</span></li>
      """
    }
    let kept = chosen.map { "<input type=\"hidden\" name=\"goal\" value=\"\($0)\">" as HTML }
    let more: HTML =
      page["next_cursor"] == nil ? "" : "<p class=\"quiet\">There are more; narrow the search.</p>"
    let list: HTML =
      !isAsked
      ? "<p class=\"quiet\">Search by a word, a provider or a kind.</p>"
      : found.isEmpty
        ? "<p class=\"empty\">No other rule is like that.</p>"
        : "<ul class=\"picks\">\(HTML(boxes))</ul>\(more)"
    return """
      <form class="stack" method="get" action="/profiles/new">\(HTML(kept))
      <div class="twocol">\(HTML(RulesPage.installedFields(visit)))</div>
      <div class="row"><button type="submit">Search</button></div>
      \(list)
      \(HTML.when(!found.isEmpty, "<div class=\"row\"><button type=\"submit\" class=\"main\">Add those that are ticked</button></div>"))
      </form>
      """
  }

  // MARK: - Filling

  private static func form(_ visit: Visit, _ rules: [JSONValue]) -> HTML {
    let goals = rules.enumerated().map { index, rule in goal(rule, index + 1, visit) }
    let fields = [
      Field(name: "title", label: "Title", hint: "What people call it."),
      Field(name: "id", label: "Id", hint: "Such as house-rules; no shipped profile has it."),
      Field(name: "version", label: "Version", hint: "It stays as it is once kept.", value: "1"),
      Field(
        name: "effective_date",
        label: "Effective",
        hint: "The day from which it holds.",
        kind: .date,
        value: visit.asker.now.day
      ),
    ]
    let rest = [
      Field(name: "description", label: "About", kind: .long, isRequired: false),
      Field(
        name: "manual",
        label: "Controls that people attest",
        hint: "One a line: CONTROL: title.",
        kind: .long,
        isRequired: false
      ),
    ]
    return """
      <form class="stack" method="post" action="\(visit.address.without("notice").text)">
      <input type="hidden" name="csrf" value="\(visit.antiForgery)"><input type="hidden" name="action" value="keep">
      <div class="twocol">\(HTML(fields.map { visit.field($0, "keep") }))</div>
      \(goals.isEmpty ? "<p class=\"empty\">No rule is chosen yet.</p>" : HTML(goals))
      <div class="twocol">\(HTML(rest.map { visit.field($0, "keep") }))</div>
      <div class="row"><button type="submit" class="main">Keep the profile</button><a class="button" href="/profiles">Cancel</a></div>
      </form>
      """
  }

  private static func goal(_ rule: JSONValue, _ number: Int, _ visit: Visit) -> HTML {
    let id = rule.text("id")
    var fields = [
      Field(name: "control:\(id)", label: "Control", value: "\(number)"),
      Field(name: "title:\(id)", label: "What the control asks for", value: rule.text("title")),
    ]
    for (name, parameter) in rule["parameters"]?.object?.members ?? [] {
      let first = parameter["default"].map { $0.string ?? $0.text } ?? ""
      fields.append(
        Field(
          name: "set:\(id):\(name)",
          label: name,
          hint: "\(parameter.text("type")): \(parameter.text("description"))",
          value: first,
          isRequired: false
        )
      )
    }
    let others = visit.values("goal").filter { $0 != id }
    let away = visit.address.without("notice").with("goal", all: others)
    return """
      <fieldset class="goal"><legend>\(rule.text("title"))</legend>
      <input type="hidden" name="rule" value="\(id)">
      <p class="quiet">\(RulesPage.link(id)) · \(HTML.severity(rule.text("severity"))) · \(HTML.link(away, "leave out"))</p>
      <div class="twocol">\(HTML(fields.map { visit.field($0, "keep") }))</div>
      </fieldset>
      """
  }
}

extension [String] {
  /// Each once, in their order.
  fileprivate var uniqued: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}
