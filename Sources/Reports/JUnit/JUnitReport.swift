import Model

/// The results as JUnit XML: a suite per rule, a case per resource.
///
/// Unknown and not applicable results are skipped cases, excepted failures too, with the reason.
struct JUnitReport {
  private let report: ScanReport

  init(_ report: ScanReport) { self.report = report }

  func render() -> String {
    let suites = Dictionary(grouping: report.results, by: \.goal.rule).sorted { $0.key < $1.key }
    let failures = report.results.filter(isFailure).count
    let skipped = report.results.filter(isSkipped).count
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<testsuites name=\"plumb\" tests=\"\(report.results.count)\" failures=\"\(failures)\" "
        + "errors=\"0\" skipped=\"\(skipped)\">",
    ]
    for (rule, results) in suites { lines += suite(rule, results) }
    lines.append("</testsuites>")
    return lines.joined(separator: "\n") + "\n"
  }

  /// What a request may not have; without a request, a failure that no exception covers.
  private func isFailure(_ result: ResultRecord) -> Bool {
    result.effect.map { $0 == .refused } ?? result.isObstacle
  }

  private func isSkipped(_ result: ResultRecord) -> Bool {
    result.verdict != .pass && !isFailure(result)
  }

  private func suite(_ rule: String, _ results: [ResultRecord]) -> [String] {
    let failures = results.filter(isFailure).count
    let skipped = results.filter(isSkipped).count
    let title = report.rules[rule]?.title ?? rule
    var lines = [
      "  <testsuite name=\"\(escape(title))\" tests=\"\(results.count)\" "
        + "failures=\"\(failures)\" errors=\"0\" skipped=\"\(skipped)\" time=\"0\">"
    ]
    for result in results {
      let head =
        "    <testcase classname=\"\(escape(result.resource.id))\" name=\"\(escape(rule))\" time=\"0\""
      if result.verdict == .pass {
        lines.append(head + "/>")
        continue
      }
      lines.append(head + ">")
      let message = result.exception.map { "excepted until \($0.expires): \($0.reason)" }
      if isSkipped(result) {
        let word = result.effect == .warned ? "warned" : result.verdict.label
        let text = message ?? "\(word): \(result.reason)"
        lines.append("      <skipped message=\"\(escape(text))\"/>")
      } else {
        lines.append(
          "      <failure type=\"\(result.severity.rawValue)\" message=\"\(escape(result.reason))\">"
            + escape(report.rules[rule]?.remediation.text ?? "") + "</failure>"
        )
      }
      lines.append("    </testcase>")
    }
    lines.append("  </testsuite>")
    return lines
  }

  /// Text for XML content and attributes; characters that XML 1.0 forbids are replaced.
  private func escape(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n", "\t", "\r": result += "&#\(scalar.value);"
      case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF:
        result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
