import Model
import Reports

/// The picture profile → attachment → scope → results, drawn from what there is.
struct RelationPicture {
  /// One attachment with what it joins.
  struct Link {
    var profile: String
    var attachment: Int
    var schedule: String
    /// Empty for everything.
    var scope: String
    var score: Double?
    var failing: Int?
    /// The failing results.
    var results: Address
  }

  /// How many attachments are drawn.
  static let most = 12

  private let links: [Link]
  private let all: Int

  /// The picture of the first of some attachments.
  init(_ links: [Link]) { (self.links, all) = (Array(links.prefix(Self.most)), links.count) }

  private static let width = 188.0
  private static let height = 38.0
  private static let gap = 14.0
  private static let columns = [0.0, 244, 488, 732]

  private struct Box {
    var column: Int
    var row: Int
    var title: String
    var note: String
    var address: Address

    var y: Double { 28 + Double(row) * (RelationPicture.height + RelationPicture.gap) }
    var middle: Double { y + RelationPicture.height / 2 }
  }

  /// The picture; nothing where there is nothing to draw.
  var svg: HTML {
    guard !links.isEmpty else {
      return
        "<p class=\"empty\">There is nothing to draw until a profile is attached to a scope.</p>"
    }
    let profiles = unique(links.map(\.profile))
    let scopes = unique(links.map(\.scope))
    var boxes: [Box] = []
    var lines: [HTML] = []
    for (row, profile) in profiles.enumerated() {
      boxes.append(
        Box(
          column: 0,
          row: row,
          title: profile,
          note: "profile",
          address: Address("/profiles", parts: [profile])
        )
      )
    }
    for (row, scope) in scopes.enumerated() {
      boxes.append(
        Box(
          column: 2,
          row: row,
          title: scope.isEmpty ? "everything" : scope,
          note: "scope",
          address: scope.isEmpty ? Address("/scopes") : Address("/scopes", parts: [scope])
        )
      )
    }
    for (row, link) in links.enumerated() {
      let attachment = Box(
        column: 1,
        row: row,
        title: link.schedule,
        note: "attachment \(link.attachment)",
        address: Address("/attachments/\(link.attachment)")
      )
      let score = link.score.map { "score \($0.short)" } ?? "no score yet"
      let results = Box(
        column: 3,
        row: row,
        title: score,
        note: link.failing.map { "\($0.grouped) failing" } ?? "not scanned",
        address: link.results
      )
      let from = boxes.first { $0.column == 0 && $0.title == link.profile }
      let to = boxes.first { $0.column == 2 && $0.row == scopes.firstIndex(of: link.scope) }
      if let from { lines.append(line(from, attachment)) }
      if let to {
        lines.append(line(attachment, to))
        lines.append(line(to, results))
      }
      boxes += [attachment, results]
    }
    let tall =
      28 + Double(max(links.count, profiles.count, scopes.count)) * (Self.height + Self.gap)
    let heads = zip(Self.columns, ["Profile", "Attachment", "Scope", "Results"]).map {
      x,
      name -> HTML in
      "<text class=\"head\" x=\"\((x + 2).short)\" y=\"16\">\(name)</text>"
    }
    return """
      <div class="scroll"><svg class="chart relations" viewBox="0 0 924 \(tall.short)" role="group" aria-labelledby="relations-title relations-text">
      <title id="relations-title">From profile to results</title>
      <desc id="relations-text">\(profiles.count.of("profile")), \(links.count.of("attachment")), \(scopes.count.of("scope")); the table has \(all == links.count ? "the same" : "all \(all.grouped)")</desc>
      \(HTML(heads))
      \(HTML(lines))
      \(HTML(boxes.map(box)))
      </svg></div>
      """
  }

  private func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  private func line(_ from: Box, _ to: Box) -> HTML {
    let (start, end) = (Self.columns[from.column] + Self.width, Self.columns[to.column])
    let half = (start + end) / 2
    return """
      <path class="join" d="M\(start.short) \(from.middle.short)C\(half.short) \(from.middle.short) \(half.short) \(to.middle.short) \(end.short) \(to.middle.short)"/>
      """
  }

  private func box(_ box: Box) -> HTML {
    let x = Self.columns[box.column]
    let title = box.title.count > 22 ? "\(box.title.prefix(21))…" : box.title
    return """
      <a href="\(box.address.text)"><rect class="box" x="\(x.short)" y="\(box.y.short)" width="\(Self.width.short)" height="\(Self.height.short)" rx="6"/><text class="name" x="\((x + 10).short)" y="\((box.y + 16).short)">\(title)</text><text x="\((x + 10).short)" y="\((box.y + 30).short)">\(box.note)</text></a>
      """
  }
}
