import JSON
import Model
import Reports

/// The score, why it moved, and what to do next.
enum HomePage {
  static let page = Page("/", entry: Page.Entry(area: .posture, name: "Home"), show: show)

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let status = try await visit.ask("showStatus", ["as_of": visit.asOf])
    let standings = status.list("standings")
    let asked = (visit.value("scope") ?? "", visit.value("profile") ?? "")
    let found = standings.first { ($0.text("scope"), $0.text("profile")) == asked }
    guard let standing = found ?? standings.first else { return .page(empty(visit)) }
    let period = Period(visit)
    let view = HomeView(visit: visit, period: period, status: status, standing: standing)
    var content = PageContent(
      "Home",
      lead: "\(view.subject) · score of the scan at \(standing.text("scanned_at").asTime)",
      commands: view.commands,
      main: try await view.main
    )
    if found == nil, asked != ("", "") {
      content.main = """
        <p class="warning">There was no score of \(asked.1) over \(asked.0.isEmpty ? "everything" : asked.0) then. This is the one of \(view.subject).</p>
        \(content.main)
        """
    }
    return .page(content)
  }

  /// What stands here before anything was scanned, or where the visitor sees no score.
  private static func empty(_ visit: Visit) -> PageContent {
    let way: HTML =
      visit.asOf == nil
      ? """
      <p>Nothing that you may see was scanned and kept so far. The quickest start:</p>
      <ol>
      <li>Keep what scans sign in with: <code>plumb credentials add</code></li>
      <li>Attach a profile, with a schedule if wanted: <code>plumb attach best-practices all --every 24h</code></li>
      <li>Scan: <code>plumb scan aws --save</code>, or hand in an inventory: <code>plumb scan inventory FILE</code></li>
      </ol>
      <p>Scores are told to those who see all of their scope.</p>
      """ : "<p>Nothing was scanned and kept by then.</p>"
    return PageContent(
      "Home",
      commands: [["status"]],
      main: "<section class=\"card stack\"><h2>No score yet</h2>\(way)</section>"
    )
  }
}

/// The stretch of time that a page looks back on.
struct Period {
  /// The stretches to choose from.
  enum Choice: String, CaseIterable {
    case today, yesterday
    case week = "7d"
    case fortnight = "15d"
    case month = "30d"

    var words: String {
      switch self {
      case .today: "Today"
      case .yesterday: "Since yesterday"
      case .week: "7 days"
      case .fortnight: "15 days"
      case .month: "30 days"
      }
    }

    fileprivate var days: Int {
      switch self {
      case .today: 0
      case .yesterday: 1
      case .week: 7
      case .fortnight: 15
      case .month: 30
      }
    }
  }

  let choice: Choice
  let from: Instant
  let to: Instant

  init(_ visit: Visit) {
    choice = visit.value("period").flatMap { Choice(rawValue: $0) } ?? .yesterday
    to = visit.instant
    let start = to.milliseconds - to.milliseconds % 86_400_000
    from = Instant(milliseconds: start).advanced(days: -choice.days)
  }

  /// The links to the other periods.
  func pills(_ visit: Visit) -> HTML {
    HTML.choice(
      "Period",
      kind: "pills",
      Choice.allCases.map { choice in
        (
          choice.words, visit.address.without("notice").with("period", choice.rawValue),
          choice == self.choice
        )
      }
    )
  }
}
