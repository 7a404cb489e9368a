package import Model

/// The formats in which a scan can be reported.
package enum ReportFormat: String, Sendable, CaseIterable {
  case text, json, ndjson, csv, html, sarif, junit

  /// The report as text; `isColored` only matters to ``text``.
  package func render(_ report: ScanReport, isColored: Bool = false) -> String {
    switch self {
    case .text: TextReport(report, isColored: isColored).render()
    case .json: JSONReport(report).render()
    case .ndjson: JSONReport(report).renderLines()
    case .csv: CSVReport(report).render()
    case .html: HTMLReport(report).render()
    case .sarif: SARIFReport(report).render()
    case .junit: JUnitReport(report).render()
    }
  }
}

extension Double {
  /// The number with one digit behind the point.
  var oneDigit: String {
    let tenths = Int((self * 10).rounded())
    return "\(tenths / 10).\(abs(tenths % 10))"
  }
}

extension Score {
  /// The score for people: a number, or a dash when nothing could be judged.
  var text: String { value?.oneDigit ?? "–" }
}

extension Verdict {
  /// The verdict for people.
  package var label: String {
    self == .notApplicable ? "not applicable" : rawValue
  }
}

extension ScanReport {
  /// What the exceptions change, in words; nil without any.
  var exceptionNote: String? {
    let count = results.filter { $0.exception != nil }.count
    guard count > 0, let value = score.valueWithExceptions else { return nil }
    return "\(value.oneDigit) with \(count) excepted failure\(count == 1 ? "" : "s") left out"
  }
}
