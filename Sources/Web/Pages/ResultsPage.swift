import JSON
import Model
import Reports

/// Results: as a list, by resource, by control, by rule, and as a tree.
enum ResultsPage {
  static let page = Page("/results", entry: Page.Entry(area: .posture, name: "Results"), show: show)

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let filter = ResultsFilter(visit)
    let view = View(rawValue: visit.value("view") ?? "") ?? .list
    let heeded = filter.of(view)
    let body = try await Self.body(visit, heeded, view)
    return .page(
      PageContent(
        "Results",
        commands: filter.commands(view),
        main: """
          <div id="results" class="stack">
          \(tabs(visit, filter, view))
          \(try await heeded.form(view))
          \(filter.passedOver(by: heeded))
          <p class="printed">Filter\(heeded.described)</p>
          \(body)
          </div>
          """
      )
    )
  }

  private static func body(_ visit: Visit, _ filter: ResultsFilter, _ view: View) async throws
    -> HTML
  {
    do {
      switch view {
      case .list: return try await ResultsList(visit: visit, filter: filter).main
      case .resources: return try await ResultsByResource(visit: visit, filter: filter).main
      case .controls: return try await ResultsByControl(visit: visit, filter: filter).main
      case .rules: return try await ResultsByRule(visit: visit, filter: filter).main
      case .tree: return try await ResultsTree(visit: visit, filter: filter).main
      }
    } catch {
      // A profile that no scan has judged by yet has no results to filter.
      guard visit.value("profile") != nil, let problem = visit.api.problem(error),
        problem.status == 404
      else { throw error }
      return "<p class=\"warning\">Nothing was judged so: \(problem.detail).</p>"
    }
  }

  /// The ways to look at results.
  enum View: String, CaseIterable {
    case list, resources, controls, rules, tree

    fileprivate var words: String {
      switch self {
      case .list: "List"
      case .resources: "By resource"
      case .controls: "By control"
      case .rules: "By rule"
      case .tree: "Tree"
      }
    }
  }

  /// The links to the ways of looking; `view` is nil on the page of what changed.
  static func tabs(_ visit: Visit, _ filter: ResultsFilter, _ view: View?) -> HTML {
    var tabs = View.allCases.map { one in
      (
        name: one.words, address: filter.address.with("view", one == .list ? nil : one.rawValue),
        isHere: one == view
      )
    }
    tabs.append(("Changes", visit.to("/results/changes"), view == nil))
    return HTML.choice("Ways to look at results", kind: "tabs", tabs)
  }
}

/// Which results the page is about, as the query says.
struct ResultsFilter {
  let visit: Visit

  init(_ visit: Visit) { self.visit = visit }

  /// The names of the query that the operations of results know as well.
  private static let names = [
    "verdict", "severity", "scope", "profile", "rule", "resource", "kind", "account",
    "without_excepted",
  ]
  /// Those of them that the page's list goes by.
  private var names = Self.names

  /// The filter as a way of looking goes by it.
  func of(_ view: ResultsPage.View) -> ResultsFilter {
    var filter = self
    switch view {
    case .list, .rules, .tree: break
    // Resources with all their results are listed whatever these are.
    case .resources: filter.names = ["scope", "resource", "kind", "account"]
    case .controls: filter.names = ["scope", "profile"]
    }
    return filter
  }

  /// What is chosen and another filter does not go by, in words.
  func passedOver(by other: ResultsFilter) -> HTML {
    let odd = names.filter { !other.names.contains($0) && !visit.values($0).isEmpty }
    guard !odd.isEmpty else { return "" }
    let words = odd.map { $0.replacing("_", with: " ") }.joined(separator: ", ")
    return
      "<p class=\"warning\">This view does not go by \(words): it shows what is like the rest.</p>"
  }

  /// The commands that tell what a view shows.
  func commands(_ view: ResultsPage.View) -> [[String]] {
    switch view {
    case .controls: controlCommands
    case .list: [command]
    // No command lists what these do.
    case .resources, .rules, .tree: []
    }
  }

  /// The parameters of an operation about these results.
  var pairs: [Address.Pair] {
    var pairs = names.flatMap { name in
      visit.values(name).map { Address.Pair(name: name, value: $0) }
    }
    if let instant = visit.asOf { pairs.append(Address.Pair(name: "as_of", value: instant)) }
    return pairs
  }

  /// The same with some parameters more, or others.
  func pairs(_ more: KeyValuePairs<String, String?>) -> [Address.Pair] {
    var pairs = pairs
    for (name, value) in more {
      pairs.removeAll { $0.name == name }
      if let value { pairs.append(Address.Pair(name: name, value: value)) }
    }
    return pairs
  }

  /// The page about these results from its beginning.
  var address: Address {
    var address = Address("/results")
    address.query = pairs
    return address
  }

  /// The page about some of these results.
  func narrowed(_ query: KeyValuePairs<String, String?>) -> Address {
    var address = address
    for (name, value) in query { address = address.with(name, value) }
    return address
  }

  private var about: [String] {
    ["scope", "profile"].flatMap { name in visit.value(name).map { ["--\(name)", $0] } ?? [] }
      + (visit.asOf.map { ["--as-of", $0] } ?? [])
  }

  /// The command that lists them.
  var command: [String] {
    let verdicts = visit.values("verdict")
    var words = ["results"]
    words += (verdicts.isEmpty ? ["all"] : verdicts).flatMap { ["--verdict", $0] }
    for name in ["severity", "rule", "resource", "kind", "account"] {
      words += visit.values(name).flatMap { ["--\(name)", $0] }
    }
    if visit.value("without_excepted") == "true" { words.append("--without-excepted") }
    return words + about
  }

  /// The command that shows the controls of the profile.
  var controlCommands: [[String]] {
    guard let profile = visit.value("profile") else { return [] }
    let scope = visit.value("scope").map { ["--scope", $0] } ?? []
    return [["controls", profile] + scope + (visit.asOf.map { ["--as-of", $0] } ?? [])]
  }

  // MARK: - The form

  /// The fields by which the results are chosen.
  func form(_ view: ResultsPage.View) async throws -> HTML {
    let attachments = try await visit.look(
      "listAttachments",
      ["as_of": visit.asOf, "limit": "500"]
    )
    .list("items")
    let profiles = Set(attachments.map { $0.text("profile") }).union(visit.values("profile"))
    let scopes = try await visit.look("listScopes", ["as_of": visit.asOf, "limit": "500"])
      .list("items").map { $0.text("name") }
    let chosen = visit.values("verdict")
    let verdicts = Verdict.allCases.map { verdict -> HTML in
      """
      <label><input type="checkbox" name="verdict" value="\(verdict.rawValue)"\(HTML.when(chosen.contains(verdict.rawValue), " checked"))> \(verdict.words)</label>
      """
    }
    let severities =
      [("", "any")] + Severity.allCases.map { ($0.rawValue, "\($0.rawValue) or above") }
    let isOpen = !pairs.allSatisfy { ["verdict", "as_of", "severity"].contains($0.name) }
    let isExcepted = visit.value("without_excepted") == "true"
    return """
      <details class="card"\(HTML.when(isOpen || view == .controls, " open"))><summary>Filter\(described)</summary>
      <form class="filters" method="get" action="/results" data-hx-boost="true" data-hx-target="#results" data-hx-select="#results" data-hx-swap="outerHTML show:none" data-hx-push-url="true">
      <input type="hidden" name="view" value="\(view.rawValue)">\(hidden("as_of"))
      \(HTML.when(names.contains("verdict"), "<fieldset><legend>Verdict</legend>\(HTML(verdicts))<label><input type=\"checkbox\" name=\"without_excepted\" value=\"true\"\(HTML.when(isExcepted, " checked"))> leave out accepted failures</label></fieldset>"))
      \(HTML.when(names.contains("severity"), visit.filterChoice("severity", "Severity", severities)))
      \(visit.filterChoice("scope", "Scope", [("", "everything")] + scopes.sorted().map { ($0, $0) }))
      \(HTML.when(names.contains("profile"), visit.filterChoice("profile", "Profile", [("", "every goal")] + profiles.sorted().map { ($0, $0) })))
      \(HTML.when(names.contains("account"), visit.filterField("account", "Account", "prod-*")))
      \(HTML.when(names.contains("kind"), visit.filterField("kind", "Kind", "s3/bucket")))
      \(HTML.when(names.contains("rule"), visit.filterField("rule", "Rule", "aws.s3.*")))
      \(HTML.when(names.contains("resource"), visit.filterField("resource", "Resource", "id, * and ?")))
      <div class="row"><button type="submit" class="main">Show</button><a class="button" href="\(visit.to("/results", ["view": view.rawValue]).text)">Clear</a></div>
      </form>
      </details>
      """
  }

  /// What is chosen, in words.
  fileprivate var described: HTML {
    let words = pairs.filter { $0.name != "as_of" }.map { pair in
      pair.name == "without_excepted"
        ? "without accepted failures" : "\(pair.name) \(pair.value.replacing("_", with: " "))"
    }
    return words.isEmpty ? ": everything" : ": <strong>\(words.joined(separator: ", "))</strong>"
  }

  private func hidden(_ name: String) -> HTML {
    guard let value = visit.value(name) else { return "" }
    return "<input type=\"hidden\" name=\"\(name)\" value=\"\(value)\">"
  }
}
