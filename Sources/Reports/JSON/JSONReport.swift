import JSON
import Model

/// The report as one JSON object.
struct JSONReport {
  private let report: ScanReport

  init(_ report: ScanReport) { self.report = report }

  func render() -> String {
    var tool: JSONObject = ["name": "plumb", "version": .string(report.toolVersion)]
    tool["content"] = report.content?.json
    let object: JSONValue = [
      "tool": .object(tool),
      "subject": .string(report.subject),
      "judged_at": .string(report.judgedAt),
      "resources": .integer(Int64(report.resourceCount)),
      "score": score(report.score),
      "profiles": .array(report.profiles.map(profile)),
      "results": .array(report.results.map(json)),
      "not_covered": .array(
        report.notCovered.map {
          ["type": .string($0.type), "resources": .integer(Int64($0.count))]
        }
      ),
      "unread": .array(
        report.unread.map {
          ["reason": .string($0.reason), "resources": .integer(Int64($0.count))]
        }
      ),
      "not_fully_read": .array(
        report.gaps.map { ["kind": .string("\($0.kind)"), "reason": .string($0.reason)] }
      ),
      "outside": .array(
        report.outside.map { ["address": .string($0.address), "reason": .string($0.reason)] }
      ),
      "diagnostics": .array(
        report.diagnostics.map { diagnostic in
          var object: JSONObject = [
            "file": .string(diagnostic.location.file), "message": .string(diagnostic.message),
          ]
          object["line"] = diagnostic.location.line.map { .integer(Int64($0)) }
          return .object(object)
        }
      ),
      "exception_remarks": .array(report.exceptionRemarks.map(JSONValue.string)),
    ]
    return object.text + "\n"
  }

  /// The result with the address of its rule's page, where there is one.
  private func json(_ result: ResultRecord) -> JSONValue {
    guard let page = report.page(of: result.goal.rule), var object = result.json.object else {
      return result.json
    }
    object["rule_page"] = .string(page)
    return .object(object)
  }

  private func score(_ score: Score) -> JSONValue {
    func number(_ value: Double?) -> JSONValue {
      value.map { .number(($0 * 100).rounded() / 100) } ?? .null
    }
    let bands = score.bands
    return [
      "value": number(score.value), "value_with_exceptions": number(score.valueWithExceptions),
      "bands": [
        "pass": number(bands.pass), "fail": number(bands.fail), "unknown": number(bands.unknown),
      ],
      "counts": .object(
        JSONObject(
          zip(Verdict.allCases, score.counts).map { ($0.rawValue, .integer(Int64($1))) }
        )
      ),
      "formula": .string(Score.formula),
    ]
  }

  private func profile(_ entry: ProfileReport) -> JSONValue {
    var object: JSONObject = [
      "id": .string(entry.profile.id), "version": .string(entry.profile.version),
      "effective_date": .string(entry.profile.effectiveDate), "score": score(entry.score),
    ]
    entry.profile.basis.add(to: &object)
    object["controls"] = .array(
      entry.controls.map { control, state in
        var object: JSONObject = [
          "id": .string(control.id), "title": .string(control.title),
          "state": .string(state.rawValue),
          "goals": .array(control.goals.map { .string($0.rule) }),
        ]
        if !control.isManual { control.basis.add(to: &object) }
        return .object(object)
      }
    )
    return .object(object)
  }
}
