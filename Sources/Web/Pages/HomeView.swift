import JSON
import Model
import Reports

/// The cards of the home page.
struct HomeView {
  let visit: Visit
  let period: Period
  let status: JSONValue
  /// The scope and profile whose score is shown.
  let standing: JSONValue
  /// How the score changed over the period, by cause; nil where there is nothing to compare with.
  let change: JSONValue?

  private var scope: String? { standing.text("scope").isEmpty ? nil : standing.text("scope") }
  private var profile: String? { standing.text("profile").isEmpty ? nil : standing.text("profile") }

  /// What the score is about.
  var subject: HTML {
    "\(scope ?? "Everything") · \(profile.map { "\($0) \(standing.text("profile_version"))" } ?? "every goal")"
  }

  /// The commands that tell the same.
  var commands: [[String]] {
    let instant = visit.asOf.map { ["--as-of", $0] } ?? []
    let about = (scope.map { ["--scope", $0] } ?? []) + (profile.map { ["--profile", $0] } ?? [])
    let explain = change.map {
      [["score", "explain", "--from", $0.text("from"), "--to", $0.text("to")] + about]
    }
    return [["status"] + instant] + (explain ?? [])
      + [["results"] + about + instant, ["exceptions", "list"]]
  }

  /// A list of results about the same scope and profile.
  private func results(_ query: KeyValuePairs<String, String?> = [:]) -> Address {
    var address = visit.to("/results", ["scope": scope, "profile": profile])
    for (name, value) in query { address = address.with(name, value) }
    return address
  }

  private var todo: HomeTodo { HomeTodo(visit: visit, scope: scope, profile: profile) }

  /// Everything below the heading.
  var main: HTML {
    get async throws {
      let counts = try await visit.ask(
        "countResults",
        ["as_of": visit.asOf, "scope": scope, "profile": profile]
      )
      let left: [HTML] = [try await todo.risk(""), standings]
      let right: [HTML] = [try await exceptions(), try await scans(), try await collectors()]
      let pieces: [HTML] = [
        try await HomeFirst(visit: visit).card, score(counts, change), try await changes(change),
        try await todo.card("w12"), HTML(try await tiles()),
        "<div class=\"w6 column\">\(HTML(left))</div><div class=\"w6 column\">\(HTML(right))</div>",
      ]
      return "\(period.pills(visit))<div class=\"grid\">\(HTML(pieces))</div>"
    }
  }

  // MARK: - The score

  private func score(_ counts: JSONValue, _ change: JSONValue?) -> HTML {
    let figure = standing["score_with_exceptions"]?.double
    let score = Score(standing["weights"] ?? .null) ?? Score()
    let plain = standing["score"]?.double
    let bands = score.bands
    let moved = change.map { Double($0.count("change")) / 1_000_000 }
    let delta: HTML =
      moved.map { moved in
        let kind = moved > 0.049 ? "up" : moved < -0.049 ? "down" : ""
        let word = moved > 0.049 ? "risk fell" : moved < -0.049 ? "risk rose" : "unchanged"
        return
          "<p><span class=\"delta \(kind)\">\(moved.signed)</span> <span class=\"quiet\">\(word), \(period.choice.words.lowercased())</span></p>"
      } ?? ""
    let rows = [(Verdict.pass, bands.pass), (.fail, bands.fail), (.unknown, bands.unknown)].map {
      verdict,
      share -> HTML in
      let number = counts["whole"]?.count(verdict.rawValue) ?? 0
      return """
        <tr><th scope="row">\(HTML.verdict(verdict.rawValue))</th><td class="num">\(share.short) %</td><td class="num">\(HTML.link(results(["verdict": verdict.rawValue]), "\(number.grouped)"))</td></tr>
        """
    }
    let outside = counts["whole"]?.count(Verdict.notApplicable.rawValue) ?? 0
    let last: HTML = """
      <tr><th scope="row">\(HTML.verdict("not_applicable"))</th><td class="num">outside</td><td class="num">\(HTML.link(results(["verdict": "not_applicable"]), "\(outside.grouped)"))</td></tr>
      """
    let excepted = counts["whole"]?.count("excepted") ?? 0
    let both: HTML =
      excepted > 0
      ? "<p class=\"quiet\">\(excepted.of("failure")) accepted by exceptions and left out of the score; with them it is <strong>\((plain ?? 0).short)</strong>.</p>"
      : "<p class=\"quiet\">No exception is in force here, so none changes the score.</p>"
    return HTML.card(
      "Score",
      "w7",
      more: HTML.link(results(["verdict": "fail"]), "All failures"),
      """
      <div class="stack">
      <div class="score"><p class="figure">\(figure?.short ?? "–") <span class="quiet">of 100</span></p>\(delta)</div>
      \(Charts.bands(score, id: "bands"))
      <div class="scroll"><table><caption>Results by verdict; shares are by weight</caption>
      <thead><tr><th scope="col">Verdict</th><th scope="col" class="num">Share</th><th scope="col" class="num">Results</th></tr></thead>
      <tbody>\(HTML(rows))\(last)</tbody></table></div>
      \(both)
      <p class="quiet">\(Score.formula)</p>
      </div>
      """
    )
  }

  // MARK: - What changed

  /// The change of the score over the period by cause; nil where there is nothing to compare with.
  static func change(_ visit: Visit, _ period: Period, _ standing: JSONValue) async throws
    -> JSONValue?
  {
    let (scope, profile) = (standing.text("scope"), standing.text("profile"))
    func first(_ from: Instant?, _ to: Instant, newest: Bool) async throws -> JSONValue? {
      try await visit.look(
        "listScores",
        [
          "from": from.map { "\($0)" }, "to": "\(to)", "scope": scope, "profile": profile,
          "sort": newest ? "-scanned_at" : "scanned_at", "limit": "1",
        ]
      ).list("items").first
    }
    var from = period.from
    if try await first(nil, from, newest: true) == nil {
      // Nothing was scanned before the period; its first scan is what there is to compare with.
      let oldest = try await first(nil, period.to, newest: false)
      guard let oldest, let instant = Instant(oldest.text("scanned_at")) else { return nil }
      from = instant
    }
    guard from < period.to else { return nil }
    return try await visit.askIfThere(
      "explainScore",
      ["from": "\(from)", "to": "\(period.to)", "scope": scope, "profile": profile]
    )
  }

  static let scores: Listing = {
    var scores = Listing(
      "/score",
      "listScores",
      columns: [
        "scanned_at", "scan", "scope", "profile", "profile_version", "score",
        "score_with_exceptions", "weights",
      ]
    )
    scores.mayBeEmpty = ["scope", "profile"]
    return scores
  }()

  /// The links to every score of what is shown, up to the instant that is.
  private var scoreFiles: HTML {
    func link(_ type: String) -> HTML {
      var address = Address("/score.\(type)")
      address.query = [
        Address.Pair(name: "scope", value: standing.text("scope")),
        Address.Pair(name: "profile", value: standing.text("profile")),
        Address.Pair(name: "to", value: "\(period.to)"),
      ]
      return HTML.link(address, "\(type.uppercased())")
    }
    return "<p class=\"quiet\">All of them: \(link("csv")), \(link("json"))</p>"
  }

  private func changes(_ change: JSONValue?) async throws -> HTML {
    let history = try await visit.ask(
      "listScores",
      [
        "from": "\(period.from)", "to": "\(period.to)", "scope": standing.text("scope"),
        "profile": standing.text("profile"), "sort": "-scanned_at", "limit": "200",
      ]
    ).list("items").reversed()
    var points = history.compactMap { entry -> Charts.Point? in
      guard let score = entry["score"]?.double, let at = Instant(entry.text("scanned_at")) else {
        return nil
      }
      return Charts.Point(instant: at, score: score)
    }
    // What held when the period began.
    if let before = change.flatMap({ Score($0["weights_before"] ?? .null)?.value }) {
      let began = change.flatMap { Instant($0.text("from")) } ?? period.from
      points.insert(Charts.Point(instant: max(began, period.from), score: before), at: 0)
    }
    let trend: HTML =
      points.isEmpty
      ? "<p class=\"empty\">No scan in this period.</p>"
      : """
      \(Charts.trend(points, from: period.from, to: period.to, id: "trend"))
      <details><summary class="quiet">The scores as a table, exceptions not applied</summary>
      \(HTML.table("Scores by scan, exceptions not applied", ["Scan at", "#Score"], points.map { "<tr><th scope=\"row\">\("\($0.instant)".asTime)</th><td class=\"num\">\($0.score.short)</td></tr>" }))
      \(scoreFiles)
      </details>
      """
    return HTML.card(
      "What changed",
      "w5",
      more: HTML.link(
        visit.to("/results/changes", ["period": period.choice.rawValue]),
        "Every difference"
      ),
      "<div class=\"stack\">\(trend)\(causes(change))</div>"
    )
  }

  private func causes(_ change: JSONValue?) -> HTML {
    guard let change else {
      return "<p class=\"empty\">There is one scan so far, so nothing to compare with.</p>"
    }
    let parts = change.list("parts")
    guard !parts.isEmpty else { return "<p class=\"empty\">Nothing changed in this period.</p>" }
    func points(_ value: JSONValue, _ name: String) -> Double {
      Double(value.count(name)) / 1_000_000
    }
    let rows = parts.map { part -> HTML in
      let examples = part.list("examples").compactMap(\.string)
      let list: HTML =
        examples.isEmpty
        ? ""
        : "<details><summary class=\"quiet\">\(part.count("results").of("result"))</summary><ul class=\"quiet\">\(HTML(examples.prefix(5).map { "<li>\($0)</li>" }))</ul></details>"
      return """
        <tr><th scope="row">\(part.text("cause"))\(list)</th><td class="num">\(points(part, "change").hundredths)</td></tr>
        """
    }
    let sum: HTML = """
      <tr><th scope="row"><strong>Together</strong></th><td class="num"><strong>\(points(change, "change").hundredths)</strong></td></tr>
      """
    return HTML.table(
      "Change of the score by cause, in points; the parts sum to it",
      ["Cause", "#Points"],
      rows + [sum]
    )
  }
}

extension Double {
  /// With its sign and two digits after the point.
  var hundredths: String {
    let number = Int((abs(self) * 100).rounded())
    let text = "\(number / 100).\(number % 100 < 10 ? "0" : "")\(number % 100)"
    return number == 0 ? "0.00" : self < 0 ? "−\(text)" : "+\(text)"
  }
}

extension JSONValue {
  /// A resource's name, or else its id.
  var shownName: String { text("name").isEmpty ? text("id") : text("name") }
}
