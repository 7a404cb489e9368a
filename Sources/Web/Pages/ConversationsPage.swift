import JSON
import Model
import Reports

/// Who of one's own speaks to whom outside, by day and one by one.
enum ConversationsPage {
  static let page = Page(
    "/conversations",
    entry: Page.Entry(area: .insights, name: "Conversations"),
    show: show
  )

  static let listing = Listing(
    "/conversations",
    "listConversations",
    sort: "-bytes",
    columns: [
      "direction", "account", "own", "external=external.address", "asn=external.asn",
      "owner=external.owner", "categories=external.categories",
      "external_first_seen=external.first_seen", "port", "protocol", "connections", "failed",
      "bytes_sent", "bytes_received", "first_seen", "last_seen", "days",
    ]
  )

  static let days = Listing(
    "/conversations/days",
    "countConversations",
    columns: [
      "day", "direction", "conversations", "connections", "bytes_sent", "bytes_received",
      "bytes_listed",
    ]
  )

  private static let categories = [
    "anonymizer", "malware", "botnet", "miner", "scanner", "other",
  ]

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let counts = try await visit.ask(
      "countConversations",
      pairs: days.pairs(visit) + [Address.Pair(name: "limit", value: "500")]
    ).list("items")
    let direction = visit.value("direction") ?? ""
    let tabs = [("", "Both ways"), ("inbound", "Inbound"), ("outbound", "Outbound")].map {
      value,
      words in
      (
        name: words,
        address: visit.address.without("notice", "cursor", "seen", "direction")
          .with("direction", value),
        isHere: value == direction
      )
    }
    let shown = visit.seen
    let items = page.list("items")
    let total = page.count("total")
    let caption: HTML =
      items.isEmpty
      ? "Conversations"
      : "\(total.of("conversation")), \((shown + 1).grouped) to \((shown + items.count).grouped), those with most bytes first"
    let content = PageContent(
      "Conversations",
      lead: "Between one's own addresses and external ones, as flow logs tell.",
      commands: [["conversations", "list"], ["conversations", "count"]].map { $0 + options(visit) },
      hasInstant: false,
      main: """
        \(HTML.choice("Directions", kind: "tabs", tabs))
        \(filter(visit))
        \(chart(ConversationDay.all(counts), visit))
        \(HTML.table(caption, ["External address", "Own address", "#Connections", "#Sent", "#Received", "First seen", "Last seen", "About it"], items.map { row($0, visit) }, kind: "cards", empty: "None is kept that is like that. plumb flows --save keeps those of flow logs."))
        \(listing.links(page, visit, seen: shown + items.count))
        """
    )
    return .page(content)
  }

  private static func filter(_ visit: Visit) -> HTML {
    visit.filter(
      "/conversations",
      hidden: ["direction"],
      [
        visit.filterField("address", "Address on either side", "203.0.113.9"),
        visit.filterField("external", "External address"),
        visit.filterField("own", "Own address"),
        visit.filterField("port", "Port", "443"), visit.filterField("protocol", "Protocol", "tcp"),
        visit.filterChoice(
          "listed",
          "Reputation",
          [("", "any"), ("true", "on some list"), ("false", "on no list")]
        ),
        visit.filterChoice(
          "category",
          "Listed as",
          [("", "anything")] + categories.map { ($0, $0) }
        ),
        visit.filterField("account", "Account", "its id"),
        visit.filterField("from", "From", "2026-11-01"),
        visit.filterField("to", "Before", "2026-12-01"),
      ]
    )
  }

  /// What of the address is an option of the commands.
  private static func options(_ visit: Visit) -> [String] {
    let names = [
      "direction", "account", "own", "external", "address", "port", "protocol", "category", "from",
      "to",
    ]
    var words = names.flatMap { name in visit.value(name).map { ["--\(name)", $0] } ?? [] }
    if let listed = visit.value("listed") {
      words.append(listed == "true" ? "--listed" : "--no-listed")
    }
    return words
  }

  private static func row(_ conversation: JSONValue, _ visit: Visit) -> HTML {
    let external = conversation["external"] ?? .null
    let address = external.text("address")
    let here = visit.address.without("notice", "cursor", "seen")
    // What is no address cannot be asked for.
    func link(_ side: String, _ text: String) -> HTML {
      IPNetwork.isAddress(text) ? HTML.link(here.with(side, text), "\(text)") : "\(text)"
    }
    let findings = HTML.when(
      IPNetwork.isAddress(address),
      "<a href=\"\(Address("/findings", ["address": address]).text)\" aria-label=\"Findings about \(address)\">Findings</a>"
    )
    let tags = external.list("categories").compactMap(\.string).map { HTML.tag($0, "bad") }
    let lists = external.list("listings").map { listing -> String in
      let expired = listing["list_expired"]?.bool == true ? ", out of date" : ""
      return "\(listing.text("list")) of \(listing.text("list_date"))\(expired)"
    }
    let owner = [external.text("asn"), external.text("owner")].filter { !$0.isEmpty }
    let failed = conversation.count("failed")
    let account = conversation.text("account")
    return """
      <tr><th scope="row">\(link("external", address)) \(HTML(tags))<span class="quiet">\(owner.joined(separator: " "))\(HTML.when(!lists.isEmpty, " \(lists.joined(separator: "; "))"))</span></th>
      <td data-label="Own">\(link("own", conversation.text("own")))<span class="quiet">\(conversation.text("direction")), \(conversation.count("port"))/\(conversation.text("protocol"))\(HTML.when(!account.isEmpty, " in \(account)"))</span></td>
      <td class="num" data-label="Connections">\(conversation.count("connections").grouped)\(HTML.when(failed > 0, "<span class=\"quiet\">\(failed.grouped) failed</span>"))</td>
      <td class="num" data-label="Sent">\(conversation.count("bytes_sent").asBytes)</td><td class="num" data-label="Received">\(conversation.count("bytes_received").asBytes)</td>
      <td class="tight" data-label="First seen">\(external.text("first_seen").asDay)</td><td class="tight" data-label="Last seen">\(conversation.text("last_seen").asTime)</td>
      <td class="tight">\(findings)</td></tr>
      """
  }

  // MARK: - Day by day

  private static func chart(_ days: [ConversationDay], _ visit: Visit) -> HTML {
    guard !days.isEmpty else { return "" }
    let rows = days.reversed().map { day -> HTML in
      """
      <tr><th scope="row">\(day.day)</th><td class="num">\(day.inbound.asBytes)</td><td class="num">\(day.outbound.asBytes)</td><td class="num">\(day.listed.asBytes)</td><td class="num">\(day.connections.grouped)</td><td class="num">\(day.conversations.grouped)</td></tr>
      """
    }
    return HTML.card(
      "Bytes by day",
      "",
      """
      <div class="stack">
      \(Charts.conversations(Array(days.suffix(92)), id: "bytes"))
      <details><summary>The numbers</summary>\(HTML.table("Conversations by day in both directions of bytes, the newest first", ["Day", "#Inbound", "#Outbound", "#With listed addresses", "#Connections", "#Conversations"], rows))
      <p>\(HTML.link(dayFile(visit), "Days as CSV", "button"))</p></details>
      </div>
      """
    )
  }

  private static func dayFile(_ visit: Visit) -> Address {
    var address = visit.address.without("cursor", "seen", "notice")
    address.path = "\(days.path).csv"
    return address
  }
}

/// What conversations of a day come to, by who began them.
struct ConversationDay {
  var day: String
  var inbound = 0
  var outbound = 0
  var listed = 0
  var connections = 0
  var conversations = 0

  var bytes: Int { inbound + outbound }

  /// The days of counts, the first first.
  static func all(_ counts: [JSONValue]) -> [ConversationDay] {
    var days: [ConversationDay] = []
    for entry in counts {
      if days.last?.day != entry.text("day") {
        days.append(ConversationDay(day: entry.text("day")))
      }
      let last = days.count - 1
      let bytes = bounded(entry.count("bytes_sent")) + bounded(entry.count("bytes_received"))
      if entry.text("direction") == "inbound" {
        days[last].inbound += bytes
      } else {
        days[last].outbound += bytes
      }
      days[last].listed += bounded(entry.count("bytes_listed"))
      days[last].connections += bounded(entry.count("connections"))
      days[last].conversations += bounded(entry.count("conversations"))
    }
    return days
  }

  /// What sums of two days do not make overflow.
  private static func bounded(_ number: Int) -> Int { min(number, 1 << 58) }
}

extension Charts {
  /// Bytes of days: outbound conversations above the line, inbound ones below it.
  static func conversations(_ days: [ConversationDay], id: String) -> HTML {
    let (width, height, left) = (840.0, 190.0, 64.0)
    let most = Double(max(1, days.map { max($0.inbound, $0.outbound) }.max() ?? 1))
    let (middle, reach) = ((height - 18) / 2, (height - 18) / 2 - 10)
    let step = (width - left - 8) / Double(max(1, days.count))
    let bar = min(step * 0.7, 48)
    let columns = days.enumerated().map { index, day -> HTML in
      let x = left + Double(index) * step + (step - bar) / 2
      let (above, below) = (
        Double(day.outbound) / most * reach, Double(day.inbound) / most * reach
      )
      return """
        <rect class="out" x="\(x.short)" y="\((middle - above).short)" width="\(bar.short)" height="\(above.short)"><title>\(day.day): \(day.outbound.asBytes) outbound</title></rect><rect class="in" x="\(x.short)" y="\((middle + 1).short)" width="\(bar.short)" height="\(below.short)"><title>\(day.day): \(day.inbound.asBytes) inbound</title></rect>
        """
    }
    let levels = [-1.0, 0, 1].map { part -> HTML in
      let y = middle - part * reach
      return """
        <path class="axis" d="M\(left.short) \(y.short)H\((width - 8).short)"/><text x="\((left - 6).short)" y="\((y + 4).short)" text-anchor="end">\(Int(part.magnitude * most).asBytes)</text>
        """
    }
    let inbound = days.reduce(0.0) { $0 + Double($1.inbound) }
    let outbound = days.reduce(0.0) { $0 + Double($1.outbound) }
    return """
      <svg class="chart" viewBox="0 0 \(Int(width)) \(Int(height))" role="img" aria-labelledby="\(id)-title \(id)-text">
      <title id="\(id)-title">Bytes of conversations with the outside, by day</title>
      <desc id="\(id)-text">\(Int(clamping: outbound).asBytes) in outbound and \(Int(clamping: inbound).asBytes) in inbound conversations on \(days.count.of("day"))</desc>
      \(HTML(levels))
      \(HTML(columns))
      <text x="\(left.short)" y="\((height - 4).short)">\(days.first?.day ?? "")</text>
      <text x="\((width - 8).short)" y="\((height - 4).short)" text-anchor="end">\(days.count > 1 ? days.last?.day ?? "" : "")</text>
      </svg>
      <ul class="legend"><li><span class="key out"></span> outbound, above the line</li><li><span class="key in"></span> inbound, below it</li></ul>
      """
  }
}

extension Int {
  /// The nearest whole number to a number that may be too large.
  fileprivate init(clamping number: Double) { self = Int(exactly: number.rounded()) ?? .max }

  /// As bytes, with a unit of powers of a thousand.
  var asBytes: String {
    var (number, unit) = (Double(self), 0)
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
    while number >= 1000, unit < units.count - 1 { (number, unit) = (number / 1000, unit + 1) }
    return unit == 0 ? "\(self) B" : "\(number.short) \(units[unit])"
  }
}
