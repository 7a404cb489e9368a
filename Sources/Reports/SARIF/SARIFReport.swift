import JSON
import Model

/// The failed and unknown results as SARIF 2.1.0.
///
/// Standard: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>. Failures are
/// results of kind `fail`; unknown ones are of kind `open`; exceptions are accepted suppressions.
struct SARIFReport {
  private let report: ScanReport
  private let ruleIDs: [String]

  init(_ report: ScanReport) {
    self.report = report
    ruleIDs = Set(report.results.filter(Self.isReported).map(\.goal.rule)).sorted()
  }

  func render() -> String {
    var tool: JSONObject = [
      "driver": [
        "name": "plumb", "semanticVersion": .string(report.toolVersion),
        "rules": .array(ruleIDs.map(rule)),
      ]
    ]
    if let content = report.content {
      tool["extensions"] = [
        [
          "name": "plumb content", "version": .string(content.version),
          "properties": content.json,
        ]
      ]
    }
    let run: JSONValue = [
      "tool": .object(tool),
      "columnKind": "utf16CodeUnits",
      "originalUriBaseIds": ["%SRCROOT%": ["description": ["text": "the folder of the scan"]]],
      "invocations": [
        [
          "executionSuccessful": .bool(report.diagnostics.isEmpty),
          "toolExecutionNotifications": .array(report.diagnostics.map(notification)),
        ]
      ],
      "results": .array(report.results.filter(Self.isReported).map(result)),
    ]
    let log: JSONValue = [
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
      "runs": .array([run]),
    ]
    return log.text + "\n"
  }

  private static func isReported(_ result: ResultRecord) -> Bool {
    result.verdict == .fail || result.verdict == .unknown
  }

  private func rule(_ id: String) -> JSONValue {
    guard let rule = report.rules[id] else { return ["id": .string(id)] }
    var object: JSONObject = [
      "id": .string(id),
      "shortDescription": ["text": .string(rule.title)],
      "defaultConfiguration": ["level": .string(level(rule.severity))],
      "properties": [
        "security-severity": .string(Self.securitySeverity(rule.severity)), "tags": ["security"],
      ],
    ]
    if !rule.rationale.isEmpty { object["fullDescription"] = ["text": .string(rule.rationale)] }
    let page = report.page(of: id)
    if !rule.remediation.text.isEmpty {
      var help: JSONObject = ["text": .string(rule.remediation.text)]
      help["markdown"] = page.map {
        .string("\(Markdown.text(rule.remediation.text))\n\n[Page of the rule](\($0))")
      }
      object["help"] = .object(help)
    }
    // The standard wants an absolute address here; a folder's is none.
    let reference = rule.references.first { $0.hasPrefix("https://") }
    let address = page.flatMap { $0.contains("://") ? $0 : nil } ?? reference
    object["helpUri"] = address.map { .string($0) }
    return .object(object)
  }

  /// The figure that GitHub sorts by: middle of the band of its severity.
  private static func securitySeverity(_ severity: Severity) -> String {
    switch severity {
    case .critical: "9.5"
    case .high: "8.0"
    case .medium: "5.5"
    case .low: "2.5"
    }
  }

  private func level(_ severity: Severity) -> String {
    severity >= .high ? "error" : severity == .medium ? "warning" : "note"
  }

  private func level(_ result: ResultRecord) -> String {
    // The standard wants none for what did not fail.
    guard result.verdict == .fail else { return "none" }
    return switch result.effect {
    case .refused: "error"
    case .warned: "warning"
    case .allowed: "note"
    case nil: level(result.severity)
    }
  }

  private func result(_ result: ResultRecord) -> JSONValue {
    let isFailure = result.verdict == .fail
    let title = report.rules[result.goal.rule]?.title ?? result.goal.rule
    var object: JSONObject = [
      "ruleId": .string(result.goal.rule),
      "ruleIndex": .integer(Int64(ruleIDs.firstIndex(of: result.goal.rule) ?? -1)),
      "kind": isFailure ? "fail" : "open",
      "level": .string(level(result)),
      "message": [
        "text": .string("\(title): \(result.resource.id): \(result.reason)")
      ],
      "locations": .array([location(result)]),
      "partialFingerprints": ["plumbResult/v1": .string(result.id)],
      "properties": properties(result),
    ]
    if let exception = result.exception {
      object["suppressions"] = [
        [
          "kind": "external", "status": "accepted",
          "justification": .string("\(exception.reason) (until \(exception.expires))"),
        ]
      ]
    }
    return .object(object)
  }

  private func properties(_ result: ResultRecord) -> JSONValue {
    var object: JSONObject = ["verdict": .string(result.verdict.rawValue)]
    object["effect"] = result.effect.map { .string($0.rawValue) }
    return .object(object)
  }

  private func location(_ result: ResultRecord) -> JSONValue {
    var location: JSONObject = [
      "logicalLocations": [
        ["fullyQualifiedName": .string(result.resource.id), "kind": "resource"]
      ]
    ]
    if let place = result.location, place.file != "standard input" {
      var physical: JSONObject = ["artifactLocation": artifact(place.file)]
      if let line = place.line { physical["region"] = ["startLine": .integer(Int64(line))] }
      location["physicalLocation"] = .object(physical)
    }
    return .object(location)
  }

  /// A relative path hangs below the scan's folder; characters that URIs reserve are encoded.
  private func artifact(_ file: String) -> JSONValue {
    let allowed = "/-_.~abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    var uri = ""
    for byte in file.utf8 {
      let character = Character(UnicodeScalar(byte))
      if byte < 0x80, allowed.contains(character) {
        uri.append(character)
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        uri += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    if file.hasPrefix("/") { return ["uri": .string("file://" + uri)] }
    return ["uri": .string(uri), "uriBaseId": "%SRCROOT%"]
  }

  private func notification(_ diagnostic: Diagnostic) -> JSONValue {
    var physical: JSONObject = ["artifactLocation": artifact(diagnostic.location.file)]
    if let line = diagnostic.location.line {
      physical["region"] = ["startLine": .integer(Int64(line))]
    }
    return [
      "level": "error", "message": ["text": .string(diagnostic.message)],
      "locations": [["physicalLocation": .object(physical)]],
    ]
  }
}
