import JSON
import Model
import Reports

/// Decisions about requests: how many were held up, day by day, and which.
enum DecisionsPage {
  static let page = Page(
    "/decisions",
    entry: Page.Entry(area: .governance, name: "Decisions"),
    show: show
  )

  static let listing = Listing(
    "/decisions",
    "listDecisions",
    columns: [
      "id", "at", "actor", "gate", "decision", "provider", "account", "region", "service_name",
      "resource_kind", "resource_id", "name", "rule", "verdict", "rules",
    ]
  )

  private static let effects = [
    ("", "any"), ("refused", "refused"), ("warned", "warned"), ("allowed", "allowed"),
  ]

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let fields = [
      visit.filterChoice("decision", "Decision", effects),
      visit.filterField("rule", "Rule", "its id"),
      visit.filterField("account", "Account", "its id"),
      visit.filterField("resource", "Resource", "its id"),
      visit.filterField("actor", "Asked by", "a name"), visit.filterField("gate", "Gate", "api"),
      visit.filterField("from", "From", "2026-11-01"), visit.filterField("to", "To", "2026-12-01"),
    ]
    var content = PageContent(
      "Decisions",
      lead: "What was asked for at a gate, and what became of it.",
      commands: listing.commands(
        [["decisions", "list"], ["decisions", "count"]],
        visit,
        heeding: ["decision", "rule", "account", "from", "to"]
      ),
      main: """
        \(visit.filter("/decisions", fields))
        \(try await days(visit))
        \(HTML.table("Decisions, the newest first", ["Decision", "When", "Resource", "Rule", "Asked by"], page.list("items").map { row($0, visit) }, kind: "cards", empty: page.nothing("Nothing was asked for that is like that.")))
        \(listing.links(page, visit))
        """
    )
    content.hasInstant = false
    return .page(content)
  }

  private static func row(_ decision: JSONValue, _ visit: Visit) -> HTML {
    let name = decision.text("name").isEmpty ? decision.text("resource_id") : decision.text("name")
    let shown = rules(decision.list("rules"))
    return """
      <tr><th scope="row">\(HTML.link(Address("/decisions/\(decision.count("id"))"), "Decision \(decision.count("id"))")) \(GuardrailsPage.effect(decision.text("decision")))</th><td class="tight">\(decision.text("at").asTime)</td><td>\(name)<span class="quiet">\(decision.text("service_name"))/\(decision.text("resource_kind")) · \(decision.text("account"))</span></td><td>\(shown)</td><td>\(decision.text("actor"))<span class="quiet">\(decision.text("gate"))</span></td></tr>
      """
  }

  /// The rules that were not passed, and how many were.
  private static func rules(_ rules: [JSONValue]) -> HTML {
    let quiet = ["pass", "not_applicable"]
    let told = rules.filter { !quiet.contains($0.text("verdict")) }
    let names = told.map { rule -> HTML in
      "\(RulesPage.link(rule.text("rule"))) \(HTML.verdict(rule.text("verdict")))"
    }
    let rest = rules.count - told.count
    if names.isEmpty { return "all passed" }
    return
      "\(HTML.commas(names))\(HTML.when(rest > 0, "<span class=\"quiet\">\(rest.of("other")) passed</span>"))"
  }

  // MARK: - Day by day

  /// How many days the chart shows where the filter says nothing.
  private static let span = 30

  static let counts = Listing(
    "/decisions/counts",
    "countDecisions",
    columns: ["day", "account", "rule", "decision", "count"]
  )

  private static func days(_ visit: Visit) async throws -> HTML {
    let to = visit.value("to").flatMap { Instant($0) } ?? visit.asker.now
    let from = visit.value("from").flatMap { Instant($0) } ?? to.advanced(days: 1 - span)
    var pairs = [
      Address.Pair(name: "by", value: "day"), Address.Pair(name: "from", value: "\(from)"),
      Address.Pair(name: "limit", value: "500"),
    ]
    if visit.value("to") != nil { pairs.append(Address.Pair(name: "to", value: "\(to)")) }
    for name in ["rule", "account", "resource", "actor", "gate"] {
      visit.value(name).map { pairs.append(Address.Pair(name: name, value: $0)) }
    }
    let counts = try await visit.ask("countDecisions", pairs: pairs).list("items")
    let days = DecisionDay.all(counts, from: from, to: to)
    let refused = days.map(\.refused).reduce(0, +)
    let warned = days.map(\.warned).reduce(0, +)
    guard days.contains(where: { $0.refused + $0.warned + $0.allowed > 0 }) else { return "" }
    let rows = days.reversed().filter { $0.refused + $0.warned + $0.allowed > 0 }.map {
      day -> HTML in
      """
      <tr><th scope="row">\(day.day)</th><td class="num">\(day.refused.grouped)</td><td class="num">\(day.warned.grouped)</td><td class="num">\(day.allowed.grouped)</td></tr>
      """
    }
    return HTML.card(
      "Prevented over time",
      "",
      """
      <div class="stack">
      <p><strong>\(refused.of("request"))</strong> refused and \(warned.grouped) warned of, from \(from.day) to \(to.day)</p>
      \(Charts.decisions(days, id: "prevented"))
      <details><summary>The numbers</summary>\(HTML.table("Decisions by day, the newest first", ["Day", "#Refused", "#Warned", "#Allowed"], rows))</details>
      \(Self.counts.fileLinks(visit, query: ["from", "to", "rule", "account", "resource", "actor", "gate"]))
      </div>
      """
    )
  }
}

/// How many requests of a day came out how.
struct DecisionDay {
  var day: String
  var refused = 0
  var warned = 0
  var allowed = 0

  /// Every day of a stretch, whether something was asked on it or not, at most a year.
  static func all(_ counts: [JSONValue], from: Instant, to: Instant) -> [DecisionDay] {
    var days: [DecisionDay] = []
    var next = from
    while days.count < 366 {
      days.append(DecisionDay(day: next.day))
      if next.day >= to.day { break }
      next = next.advanced(days: 1)
    }
    let places = Dictionary(days.indices.map { (days[$0].day, $0) }) { first, _ in first }
    for entry in counts {
      guard let place = places[entry.text("day")] else { continue }
      switch entry.text("decision") {
      case "refused": days[place].refused += entry.count("count")
      case "warned": days[place].warned += entry.count("count")
      default: days[place].allowed += entry.count("count")
      }
    }
    return days
  }
}

extension Charts {
  /// Requests that were refused and warned of, a column per day; the numbers stand beside it.
  static func decisions(_ days: [DecisionDay], id: String) -> HTML {
    let (width, height, left, bottom) = (840.0, 160.0, 36.0, 22.0)
    let most = max(1, days.map { $0.refused + $0.warned }.max() ?? 1)
    let step = (width - left - 8) / Double(max(1, days.count))
    func length(_ count: Int) -> Double { Double(count) / Double(most) * (height - bottom - 16) }
    let base = height - bottom
    let columns = days.enumerated().map { index, day -> HTML in
      let x = left + Double(index) * step + step * 0.15
      let (refused, warned) = (length(day.refused), length(day.warned))
      guard day.refused + day.warned > 0 else { return "" }
      return """
        <rect class="fail" x="\(x.short)" y="\((base - refused).short)" width="\((step * 0.7).short)" height="\(refused.short)"><title>\(day.day): \(day.refused) refused</title></rect><rect class="unknown" x="\(x.short)" y="\((base - refused - warned).short)" width="\((step * 0.7).short)" height="\(warned.short)"><title>\(day.day): \(day.warned) warned of</title></rect>
        """
    }
    let levels = (most == 1 ? [0, 1] : [0, most / 2, most]).map { level -> HTML in
      let y = base - length(level)
      return """
        <path class="axis" d="M\(left.short) \(y.short)H\((width - 8).short)"/><text x="\((left - 6).short)" y="\((y + 4).short)" text-anchor="end">\(level)</text>
        """
    }
    let refused = days.map(\.refused).reduce(0, +)
    let warned = days.map(\.warned).reduce(0, +)
    return """
      <svg class="chart" viewBox="0 0 \(Int(width)) \(Int(height))" role="img" aria-labelledby="\(id)-title \(id)-text">
      <title id="\(id)-title">Requests held up, by day</title>
      <desc id="\(id)-text">\(refused) refused and \(warned) warned of in \(days.count.of("day")), at most \(most) a day</desc>
      \(HTML(levels))
      \(HTML(columns))
      <text x="\(left.short)" y="\((height - 6).short)">\(days.first?.day ?? "")</text>
      <text x="\((width - 8).short)" y="\((height - 6).short)" text-anchor="end">\(days.last?.day ?? "")</text>
      </svg>
      <ul class="legend"><li>\(HTML.tag("refused", "bad")) below</li><li>\(HTML.tag("warned of", "wait")) above it</li></ul>
      """
  }
}
