import Model

/// The results as RFC 4180 comma-separated values, for spreadsheets.
struct CSVReport {
  private static let columns = [
    "id", "verdict", "severity", "rule", "title", "provider", "account", "region", "service_name",
    "resource_kind", "resource_id", "resource_name", "file", "line", "reason", "exception",
  ]

  private let report: ScanReport

  init(_ report: ScanReport) { self.report = report }

  func render(to write: ([UInt8]) throws -> Void) throws {
    var text = CSVRow.text(Self.columns)
    for result in report.results {
      text += CSVRow.text(cells(result))
      guard text.utf8.count > 1 << 18 else { continue }
      try write(Array(text.utf8))
      text = ""
    }
    try write(Array(text.utf8))
  }

  private func cells(_ result: ResultRecord) -> [String] {
    let resource = result.resource
    return [
      result.id, result.verdict.rawValue, result.severity.rawValue, result.goal.rule,
      report.rules[result.goal.rule]?.title ?? "", resource.provider, resource.account,
      resource.region, resource.kind.service, resource.kind.kind, resource.id, resource.name,
      result.location?.file ?? "", result.location?.line.map(String.init) ?? "", result.reason,
      result.exception?.id ?? "",
    ]
  }
}
