import JSON
import Model

/// The failures as GitLab's code quality report, which shows them in merge requests.
///
/// Format: <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>. Excepted
/// failures are left out; what could not be read is an entry too.
struct GitLabReport {
  private let report: ScanReport

  init(_ report: ScanReport) { self.report = report }

  func render() -> String {
    var entries = report.diagnostics.map { diagnostic in
      entry(
        "not read: \(diagnostic.message)",
        check: "plumb.unread",
        fingerprint: Digest.sha256(Array(diagnostic.description.utf8)),
        severity: "critical",
        file: diagnostic.location.file,
        line: diagnostic.location.line
      )
    }
    for result in report.results where result.isObstacle {
      entries.append(failure(result))
    }
    return JSONValue.array(entries).text + "\n"
  }

  private func failure(_ result: ResultRecord) -> JSONValue {
    let severity =
      switch result.severity {
      case .critical: "blocker"
      case .high: "critical"
      case .medium: "major"
      case .low: "minor"
      }
    let title = report.rules[result.goal.rule]?.title ?? result.goal.rule
    return entry(
      "\(title): \(result.resource.id): \(result.reason)",
      check: result.goal.rule,
      fingerprint: result.id,
      severity: severity,
      // The format wants a path; what was read from no file is named by its id.
      file: result.location?.file ?? result.resource.id,
      line: result.location?.line
    )
  }

  private func entry(
    _ description: String,
    check: String,
    fingerprint: String,
    severity: String,
    file: String,
    line: Int?
  ) -> JSONValue {
    [
      "description": .string(description), "check_name": .string(check),
      "fingerprint": .string(fingerprint), "severity": .string(severity),
      "location": [
        "path": .string(file.hasPrefix("./") ? String(file.dropFirst(2)) : file),
        "lines": ["begin": .integer(Int64(line ?? 1))],
      ],
    ]
  }
}
