package import Model

/// The formats in which a scan can be reported.
package enum ReportFormat: String, Sendable, CaseIterable {
  case text, json, ndjson, csv, html, sarif, junit, github, gitlab

  /// Writes the report piece by piece; `isColored` only matters to ``text``.
  ///
  /// ``text``, ``ndjson`` and ``csv`` take no more memory for more results.
  /// - Throws: what `write` throws.
  package func render(
    _ report: ScanReport,
    isColored: Bool = false,
    to write: ([UInt8]) throws -> Void
  ) throws {
    switch self {
    case .text: try write(Array(TextReport(report, isColored: isColored).render().utf8))
    case .json: try write(Array(JSONReport(report).render().utf8))
    case .ndjson: try report.results.lines(write)
    case .csv: try CSVReport(report).render(to: write)
    case .html: try write(Array(HTMLReport(report).render().utf8))
    case .sarif: try write(Array(SARIFReport(report).render().utf8))
    case .junit: try write(Array(JUnitReport(report).render().utf8))
    case .github: try write(Array(GitHubReport(report).render().utf8))
    case .gitlab: try write(Array(GitLabReport(report).render().utf8))
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
    let count = summary.excepted
    guard count > 0, let value = score.valueWithExceptions else { return nil }
    return "\(value.oneDigit) with \(count) excepted failure\(count == 1 ? "" : "s") left out"
  }
}
