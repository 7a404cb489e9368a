import JSON
import Model
import Reports

/// One resource: how it was judged, its configuration and its history.
enum ResourcePage {
  static let page = Page("/resources/{resource}", show: show)

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let number = visit.part("resource")
    let asked: KeyValuePairs<String, String?> = ["id": number, "as_of": visit.asOf]
    guard let resource = try await visit.askIfThere("showResource", asked) else {
      return .page(try await gone(number, visit))
    }
    let view = View(rawValue: visit.value("view") ?? "") ?? .state
    let kind = "\(resource.text("service_name"))/\(resource.text("resource_kind"))"
    let id = resource.text("id")
    let body: HTML =
      switch view {
      case .state: try await state(resource, visit)
      case .relations: try await ResourceRelationsView(visit: visit).html
      case .access: try await ResourceReachView(visit: visit).html
      }
    return .page(
      PageContent(
        resource.shownName,
        lead: "\(kind) · \(resource.text("account")) \(resource.text("region"))",
        commands: view != .state
          ? []
          : [
            ["results", "--resource", id, "--kind", kind, "--verdict", "all"]
              + (visit.asOf.map { ["--as-of", $0] } ?? [])
          ],
        main: """
          \(facts(resource, visit))
          \(tabs(visit, view))
          \(body)
          """
      )
    )
  }

  /// What is told of a resource that was not there at the instant.
  ///
  /// - Throws: a problem for one that never was, or is out of sight.
  private static func gone(_ number: String, _ visit: Visit) async throws -> PageContent {
    let states = try await visit.ask("showHistory", ["id": number, "limit": "1"]).list("items")
    let ends = states.first.flatMap { Instant($0.text("until")) }
    let last = ends.map { "\($0.advanced(milliseconds: -1))" }
    let page = Address("/resources/\(number)", ["as_of": last])
    let link = last == nil ? "" : "<p>\(HTML.link(page, "As it was last", "button"))</p>" as HTML
    return PageContent(
      "Not there",
      lead: ends == nil
        ? "The resource was not there at that instant." : "The resource is gone.",
      main:
        "\(HTML.when(ends != nil, "<p>It was last there until \("\(ends ?? .never)".asTime).</p>"))\(link)"
    )
  }

  /// What of the resource is shown.
  private enum View: String, CaseIterable {
    case state, relations, access

    var words: String {
      switch self {
      case .state: "Results and configuration"
      case .relations: "Relations"
      case .access: "Who can reach it"
      }
    }
  }

  private static func tabs(_ visit: Visit, _ here: View) -> HTML {
    let page = visit.to("/resources/\(visit.part("resource"))")
    return HTML.choice(
      "About the resource",
      kind: "tabs",
      View.allCases.map { view in
        (view.words, page.with("view", view == .state ? nil : view.rawValue), view == here)
      }
    )
  }

  static let results = Listing(
    "/resources/{resource}/results",
    "listResultsOfResource",
    names: ["id": "resource"],
    columns: ResultsList.listing.columns
  )

  static let states = Listing(
    "/resources/{resource}/history",
    "showHistory",
    names: ["id": "resource"],
    columns: ["since", "until", "changes", "verdicts"]
  )

  private static func state(_ resource: JSONValue, _ visit: Visit) async throws -> HTML {
    let number = visit.part("resource")
    let results = try await visit.ask(
      "listResultsOfResource",
      ["id": number, "as_of": visit.asOf, "limit": "500"]
    ).list("items")
    let chosen = visit.values("verdict")
    let shown = results.filter { chosen.isEmpty || chosen.contains($0.text("verdict")) }
    let threats = try await ResourceThreats(resource, visit)
    return """
      \(standing(results, threats, visit))
      \(threats.html)
      <h2>Results</h2>
      \(pills(results, chosen, visit))
      \(HTML.table("\(shown.count.of("result"))", ["Verdict", "Severity", "Result", "Resource", "Resource as it is since"], shown.map { ResultsList.row($0, visit) }, kind: "cards", empty: "No rule judges it so."))
      \(Self.results.fileLinks(visit))
      <div class="grid">
      \(HTML.card("Configuration", "w7", ConfigurationView(resource["configuration"] ?? .null).html))
      \(try await history(visit, number))
      </div>
      """
  }

  /// Its compliance and its threats, side by side.
  private static func standing(
    _ results: [JSONValue],
    _ threats: ResourceThreats,
    _ visit: Visit
  ) -> HTML {
    let page = visit.address.without("verdict", "notice")
    func count(_ verdict: Verdict) -> HTML {
      let count = results.filter { $0.text("verdict") == verdict.rawValue }.count
      return HTML.link(
        page.with("verdict", verdict.rawValue),
        HTML.verdict(verdict.rawValue, words: "\(count.grouped) \(verdict.words)")
      )
    }
    let failing = results.filter { $0.text("verdict") == "fail" }.count
    return """
      <div class="grid">
      \(HTML.tile("Compliance", "w6", failing == 0 ? "nothing fails" : "\(failing.grouped) failing", isWord: true, "\(count(.pass)) \(count(.fail)) \(count(.unknown))"))
      \(HTML.tile("Threats", "w6", "\(threats.open.of("open finding"))", isWord: true, threats.words))
      </div>
      """
  }

  private static func facts(_ resource: JSONValue, _ visit: Visit) -> HTML {
    let tags = (resource["tags"]?.object?.members ?? []).map { name, value -> HTML in
      "<span class=\"tag\">\(name) = \(value.shortened)</span>"
    }
    var facts: [(String, HTML)] = [
      ("Id", "<code>\(resource.text("id"))</code>"), ("Provider", "\(resource.text("provider"))"),
      ("As it is since", resource.text("since").asTime),
    ]
    if !resource.text("resource_group").isEmpty {
      facts.append(("Group", "\(resource.text("resource_group"))"))
    }
    if !tags.isEmpty { facts.append(("Tags", HTML(tags))) }
    let marks = (resource["marks"]?.object?.members ?? []).map { name, value -> HTML in
      let value = value.string ?? ""
      let alike = visit.to("/resources", ["mark": "\(name)=\(value)"])
      return "\(name.replacing("-", with: " ")): \(HTML.link(alike, "\(value)"))"
    }
    if !marks.isEmpty { facts.append(("Marks", HTML.commas(marks))) }
    return HTML.facts("Facts", facts)
  }

  private static func pills(_ results: [JSONValue], _ chosen: [String], _ visit: Visit) -> HTML {
    let page = visit.address.without("verdict", "notice")
    var choices = [("All \(results.count)", page, chosen.isEmpty)]
    for verdict in Verdict.allCases {
      let count = results.filter { $0.text("verdict") == verdict.rawValue }.count
      choices.append(
        (
          "\(verdict.words) \(count)", page.with("verdict", verdict.rawValue),
          chosen == [verdict.rawValue]
        )
      )
    }
    return HTML.choice("Verdicts", kind: "pills", choices)
  }

  private static func history(_ visit: Visit, _ number: String) async throws -> HTML {
    let states = try await visit.states(ofResource: number)
    let rows = states.map { state -> HTML in
      let changes = state.list("changes").prefix(6).map { change -> HTML in
        """
        <li><code>\(change.text("path"))</code>: \(change["before"]?.shortened ?? "nothing") → \(change["after"]?.shortened ?? "nothing")</li>
        """
      }
      let failing = state.list("verdicts").filter { $0.text("verdict") == "fail" }.count
      let link = HTML.link(
        visit.address.without("notice").with("as_of", state.text("since")),
        state.text("since").asTime
      )
      return """
        <tr><th scope="row">\(link)</th><td class="num">\(failing)</td><td>\(HTML.when(!changes.isEmpty, "<ul class=\"tree\">\(HTML(changes))</ul>"))</td></tr>
        """
    }
    let table = HTML.table(
      "Every state, the newest first",
      ["Since", "#Failing", "What changed"],
      rows
    )
    return HTML.card(
      "History",
      "w5",
      "<div class=\"stack\">\(table)\(Self.states.fileLinks(visit))</div>"
    )
  }
}
