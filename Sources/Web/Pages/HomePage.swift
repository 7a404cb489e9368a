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
    guard let standing = found ?? standings.first else {
      return .page(try await HomeWithoutScore(visit: visit).content)
    }
    let period = Period(visit)
    let view = HomeView(
      visit: visit,
      period: period,
      status: status,
      standing: standing,
      change: try await HomeView.change(visit, period, standing)
    )
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
