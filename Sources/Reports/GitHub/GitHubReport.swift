import Model

/// The failures as workflow commands of GitHub Actions, which show them beside the lines at fault.
///
/// Commands: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>. Excepted
/// failures are left out; what could not be read is an error too.
struct GitHubReport {
  private let report: ScanReport

  init(_ report: ScanReport) { self.report = report }

  func render() -> String {
    var lines = report.diagnostics.map { diagnostic in
      command("error", diagnostic.location, title: "Not read", diagnostic.message)
    }
    var failures = 0
    for result in report.results where result.isObstacle {
      failures += 1
      lines.append(failure(result))
    }
    let unknown = report.score.counts[2]
    lines.append(
      Self.escaped(
        "plumb: \(report.subject): score \(report.score.text), \(failures) failed, \(unknown) unknown, "
          + "\(report.resourceCount) resources"
      )
    )
    return lines.joined(separator: "\n") + "\n"
  }

  private func failure(_ result: ResultRecord) -> String {
    let level =
      switch (result.effect, result.severity) {
      case (.refused, _), (nil, .critical), (nil, .high): "error"
      case (.warned, _), (nil, .medium): "warning"
      default: "notice"
      }
    var message = "\(result.resource.id): \(result.reason)"
    let remedy = report.rules[result.goal.rule]?.remediation.text ?? ""
    if !remedy.isEmpty { message += "\n\(remedy)" }
    if let page = report.page(of: result.goal.rule) { message += "\n\(page)" }
    let title = report.rules[result.goal.rule]?.title ?? result.goal.rule
    return command(level, result.location, title: "\(title) (\(result.goal.rule))", message)
  }

  private func command(
    _ level: String,
    _ location: SourceLocation?,
    title: String,
    _ message: String
  ) -> String {
    var properties: [String] = []
    if let location, location.file != "standard input" {
      properties.append("file=\(Self.property(location.file))")
      if let line = location.line { properties.append("line=\(line)") }
    }
    properties.append("title=\(Self.property(title))")
    return "::\(level) \(properties.joined(separator: ","))::\(Self.escaped(message))"
  }

  /// Text behind the second pair of colons; a line end would end the command and begin another.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "%": result += "%25"
      case "\r": result += "%0D"
      case "\n": result += "%0A"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result.withoutControls
  }

  /// Text of a property, where colons and commas mean something too.
  private static func property(_ text: String) -> String {
    escaped(text).replacing(":", with: "%3A").replacing(",", with: "%2C")
  }
}
