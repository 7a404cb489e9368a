import JSON
import Model
import Reports

/// What channels were told or wait to be told, and how long that took.
enum AlertsPage {
  static let page = Page(
    "/alerts",
    entry: Page.Entry(area: .insights, name: "Alerts"),
    show: show,
    change: change,
    by: ["retryAlert"]
  )

  static let listing = Listing(
    "/alerts",
    "listAlerts",
    columns: [
      "id", "state", "channel", "channel_number", "finding", "change", "severity", "title",
      "entity", "digest", "attempts",
      "seen_at", "noticed_at", "created_at", "not_before", "delivered_at", "seconds_from_event",
      "seconds_from_notice", "message", "reason",
    ]
  )

  private static let states = [
    ("", "All"), ("waiting", "Waiting"), ("leased", "Under way"), ("delivered", "Delivered"),
    ("dead", "Dead"),
  ]

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    guard form["action"] == "retry" else { throw form.unknownAction }
    _ = try await visit.change("retryAlert", ["id": form["alert"]])
    return .go(visit.notice(.alertRetried))
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let state = visit.value("state") ?? ""
    let page = try await listing.page(visit)
    let counted = listing.pairs(visit).filter { $0.name != "state" }
    let counts = try await visit.ask("countAlerts", pairs: counted)
    let tabs = states.map { value, words in
      (
        name: value.isEmpty
          ? words : "\(words) \((counts["states"] ?? .null).count(value).grouped)",
        address: visit.address.without("notice", "cursor", "state").with("state", value),
        isHere: value == state
      )
    }
    let commands = listing.commands(
      [["alerts", "list"]],
      visit,
      heeding: ["state", "channel", "finding"]
    )
    let content = PageContent(
      "Alerts",
      lead: "What channels were told of findings, or wait to be told, the newest first.",
      commands: commands,
      hasInstant: false,
      main: """
        \(HTML.choice("States", kind: "tabs", tabs))
        <div class="grid">
        \(tile("From event to alert", counts["seconds_from_event"]))
        \(tile("From notice to alert", counts["seconds_from_notice"]))
        </div>
        \(visit.filter("/alerts", hidden: ["state"], [visit.filterField("channel", "Channel", "its number"), visit.filterField("finding", "Finding", "its number")]))
        \(table("Alerts, the newest first", page.list("items"), visit, empty: page.nothing()))
        \(listing.links(page, visit))
        """
    )
    return .page(content)
  }

  /// How long alerts took.
  private static func tile(_ title: String, _ times: JSONValue?) -> HTML {
    guard let times, let median = times["median"]?.double, let most = times["p95"]?.double else {
      return HTML.tile(title, "w6", "–", "None of those delivered tells.")
    }
    return HTML.tile(
      title,
      "w6",
      "\(span(median))",
      "at the median; 95 of 100 took at most \(span(most)), the longest \(span(times["longest"]?.double ?? 0)), of \(times.count("count").of("alert"))"
    )
  }

  /// A time in words, from seconds.
  private static func span(_ seconds: Double) -> String {
    switch seconds {
    case ..<100: "\(seconds.short) s"
    case ..<6000: "\((seconds / 60).short) min"
    case ..<360_000: "\((seconds / 3600).short) h"
    default: "\((seconds / 86_400).short) days"
    }
  }

  /// Alerts as a table.
  static func table(
    _ caption: HTML,
    _ alerts: [JSONValue],
    _ visit: Visit,
    empty: HTML = "There is none."
  ) -> HTML {
    HTML.table(
      caption,
      ["Alert", "State", "Finding", "#From event", "#Tries", "What went wrong"],
      alerts.map { row($0, visit) },
      kind: "cards",
      empty: empty
    )
  }

  private static func row(_ alert: JSONValue, _ visit: Visit) -> HTML {
    let number = alert.count("channel_number")
    let name: HTML =
      "\(alert.text("channel").isEmpty ? "a channel that is gone" : alert.text("channel"))"
    let channel =
      visit.may(.administer) && !alert.text("channel").isEmpty
      ? HTML.link(Address("/channels/\(number)"), name) : name
    let isDead = alert.text("state") == "dead"
    let retry =
      isDead && visit.may(.run) && visit.address.path == page.path
      ? visit.button("retry", "Try again", ["alert": "\(alert.count("id"))"]) : ""
    let took = (alert["seconds_from_event"] ?? alert["seconds_from_notice"])?.double
    let when = alert["delivered_at"]?.string ?? alert.text("created_at")
    let next: HTML =
      alert.text("state") == "waiting"
      ? "<span class=\"quiet\">next try \(alert.text("not_before").asTime)\(HTML.when(alert["digest"]?.bool == true, ", with the digest"))</span>"
      : ""
    return """
      <tr><th scope="row">\(channel)<span class="quiet">alert \(alert.count("id")), \(when.asTime)</span></th>
      <td>\(tag(alert.text("state")))\(next)\(retry)</td><td>\(HTML.link(Address("/findings/\(alert.count("finding"))"), "\(alert.text("title"))"))<span class="quiet">\(alert.text("change")), \(alert.text("severity")), \(alert.text("entity").shortenedText)</span></td>
      <td class="num" data-label="From event">\(took.map(span) ?? "–")</td><td class="num" data-label="Tries">\(alert.count("attempts"))</td><td>\(alert.text("reason").shortenedText)</td></tr>
      """
  }

  private static func tag(_ state: String) -> HTML {
    switch state {
    case "delivered": HTML.tag(state, "good")
    case "dead": HTML.tag(state, "bad")
    case "leased": HTML.tag("under way", "wait")
    default: HTML.tag(state, "wait")
    }
  }
}
