import JSON
import Model

/// The report for a terminal: score, bands, failing goals by weight, and what to do next.
struct TextReport {
  private static let goalLimit = 20
  private static let callLimit = 10
  private static let barWidth = 50

  private let report: ScanReport
  private let isColored: Bool

  init(_ report: ScanReport, isColored: Bool) {
    self.report = report
    self.isColored = isColored
  }

  func render() -> String {
    var lines: [String] = []
    lines += header + [""]
    lines += score + [""]
    if !report.summary.failingGoals.isEmpty { lines += failingGoals + [""] }
    if report.summary.worst.count > 1 { lines += worst + [""] }
    if !report.profiles.isEmpty { lines += profiles + [""] }
    let rest = unknown + unread + gaps + notCovered + remarks
    if !rest.isEmpty { lines += rest + [""] }
    lines.append(pages)
    lines.append(next)
    return lines.joined(separator: "\n") + "\n"
  }

  private var header: [String] {
    [
      style(report.subject, .bold),
      "\(plural(report.resourceCount, "resource")), \(plural(report.results.count, "result")), "
        + "judged \(report.judgedAt)",
    ]
  }

  private var score: [String] {
    let bands = report.score.bands
    let counts = report.score.counts
    var lines = [
      "Score \(style(report.score.text, .bold))   pass \(bands.pass.oneDigit) % | "
        + "fail \(bands.fail.oneDigit) % | unknown \(bands.unknown.oneDigit) %  (by weight)",
      bar(bands),
      "pass \(counts[0])   fail \(counts[1])   unknown \(counts[2])   "
        + "not applicable \(counts[3])",
    ]
    if let note = report.exceptionNote { lines.append(note) }
    lines.append(style(Score.formula, .dim))
    return lines
  }

  private func bar(_ bands: (pass: Double, fail: Double, unknown: Double)) -> String {
    let pass = Int((bands.pass / 100 * Double(Self.barWidth)).rounded())
    let fail = min(
      Int((bands.fail / 100 * Double(Self.barWidth)).rounded()),
      Self.barWidth - pass
    )
    let unknown = bands.pass + bands.fail + bands.unknown == 0 ? 0 : Self.barWidth - pass - fail
    return "["
      + style(String(repeating: "=", count: pass), .green)
      + style(String(repeating: "#", count: fail), .red)
      + style(String(repeating: "?", count: unknown), .yellow)
      + String(repeating: " ", count: Self.barWidth - pass - fail - unknown) + "]"
      + "  = pass  # fail  ? unknown"
  }

  private var failingGoals: [String] {
    var lines = [style("Failing goals, heaviest first", .bold)]
    let goals = report.summary.failingGoals
    for goal in goals.prefix(Self.goalLimit) {
      let count = goal.excepted == 0 ? "\(goal.open)" : "\(goal.open) (+\(goal.excepted) excepted)"
      let title = report.rules[goal.rule]?.title ?? goal.rule
      lines.append(
        "  \(style(pad(goal.severity.rawValue, 8), color(goal.severity)))  "
          + style(title, .bold) + "  " + style("\(goal.rule), \(count) failing", .dim)
      )
      for result in goal.first {
        lines.append(
          "            \(result.id)  \(result.resource.id.withoutControls)\(place(result))"
        )
        lines.append(
          "                      "
            + (result.exception.map(excepted) ?? result.reason.withoutControls)
        )
      }
      let rest = goal.open + goal.excepted - goal.first.count
      if rest > 0 { lines.append("            … \(rest) more") }
    }
    if goals.count > Self.goalLimit {
      lines.append("  … \(goals.count - Self.goalLimit) more goals (--format html shows all)")
    }
    return lines
  }

  private func excepted(_ exception: Exception) -> String {
    "excepted until \(exception.expires) by \(exception.approver): \(exception.reason)"
  }

  private func place(_ result: ResultRecord) -> String {
    guard let location = result.location, location.line != nil else { return "" }
    return "  \(location)"
  }

  private var worst: [String] {
    var lines = [style("Resources most at risk", .bold)]
    for entry in report.summary.worst {
      lines.append(
        "  \(pad("\(entry.weight)", 4)) \(entry.resource.id.withoutControls)  "
          + style("\(entry.resource.kind), \(plural(entry.failures, "failure"))", .dim)
      )
    }
    return lines
  }

  private var profiles: [String] {
    var lines = [style("Profiles", .bold)]
    for entry in report.profiles {
      lines.append("  \(entry.profile.title) \(entry.profile.version)   score \(entry.score.text)")
      lines.append(
        "    controls: "
          + ControlState.allCases.map { state in
            let word = state.rawValue.replacing("_", with: " ")
            return "\(word) \(entry.count(state))"
          }.joined(separator: ", ")
      )
    }
    return lines
  }

  private var unknown: [String] {
    let reasons = report.summary.unknownReasons
    guard !reasons.isEmpty else { return [] }
    var lines = [style("Could not be judged", .bold)]
    for entry in reasons.prefix(5) {
      lines.append("  \(pad("\(entry.count)", 4)) \(entry.reason.withoutControls)")
    }
    if reasons.count > 5 { lines.append("       … \(reasons.count - 5) more reasons") }
    return lines
  }

  private var unread: [String] {
    guard !report.unread.isEmpty else { return [] }
    var lines = [style("Calls that brought nothing", .bold)]
    for entry in report.unread.prefix(Self.callLimit) {
      lines.append("  \(pad("\(entry.count)", 4)) \(entry.reason.withoutControls)")
    }
    let more = report.unread.count - Self.callLimit
    if more > 0 { lines.append("       … \(more) more calls (--format json names all)") }
    return lines
  }

  /// The kinds that were not fully read, those of one reason together.
  private var gaps: [String] {
    let groups = Dictionary(grouping: report.gaps, by: \.reason).sorted { left, right in
      (-left.value.count, left.key) < (-right.value.count, right.key)
    }
    guard !groups.isEmpty else { return [] }
    var lines = [style("Not fully read", .bold)]
    for (reason, entries) in groups.prefix(5) {
      let kinds = entries.prefix(3).map { "\($0.kind)" }.joined(separator: ", ")
      let more = entries.count > 3 ? " and \(entries.count - 3) more kinds" : ""
      lines.append("  \(kinds)\(more): \(reason.withoutControls)")
    }
    if groups.count > 5 { lines.append("  … \(groups.count - 5) more reasons (--format json)") }
    return lines
  }

  private var notCovered: [String] {
    var lines: [String] = []
    if !report.notCovered.isEmpty {
      let total = report.notCovered.reduce(0) { $0 + $1.count }
      let shown = report.notCovered.prefix(8).map { "\($0.type.withoutControls) (\($0.count))" }
      let rest = report.notCovered.count > 8 ? ", … \(report.notCovered.count - 8) more" : ""
      lines.append(
        style("Not covered", .bold) + "  \(plural(total, "resource")): "
          + shown.joined(separator: ", ") + rest
      )
    }
    let outside = Dictionary(grouping: report.outside, by: \.reason).sorted { $0.key < $1.key }
    for (reason, entries) in outside {
      let shown = entries.prefix(3).map(\.address.withoutControls).joined(separator: ", ")
      let rest = entries.count > 3 ? ", … \(entries.count - 3) more" : ""
      lines.append(style("Not judged", .bold) + "  \(reason): \(shown)\(rest)")
    }
    return lines
  }

  private var remarks: [String] {
    report.exceptionRemarks.map { "Note: \($0)" }
      + report.diagnostics.map { style("Unread: ", .yellow) + $0.description.withoutControls }
  }

  /// Where a rule is explained.
  private var pages: String {
    guard let base = report.rulePages else { return "Rules: plumb rules show RULE explains one" }
    return "Rules: \(base)/README.md leads to the page of each"
  }

  private var next: String {
    guard let first = report.summary.firstFailure else {
      return "Next: plumb rules list shows what can be judged; --format html writes a full report"
    }
    return "Next: plumb why \(first.id)"
  }

  private func plural(_ count: Int, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private enum Style: String {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
  }

  private func color(_ severity: Severity) -> Style {
    severity >= .high ? .red : severity == .medium ? .yellow : .dim
  }

  private func style(_ text: String, _ style: Style) -> String {
    isColored && !text.isEmpty ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }
}
