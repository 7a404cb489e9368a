package import JSON
import Model
package import Store

// Posture as JSON: the same in files, on standard output and through the API.

extension Standing {
  /// The standing with its score, and the one before.
  package var json: JSONValue {
    var object: JSONObject = [
      "scope": .string(entry.scope), "profile": .string(entry.profile),
      "profile_version": .string(entry.version), "scan": .integer(entry.scan),
      "scanned_at": .string("\(entry.at)"),
    ]
    object["score"] = entry.score.value.map { .number($0) } ?? .null
    object["score_with_exceptions"] = entry.score.valueWithExceptions.map { .number($0) } ?? .null
    object["score_before"] = before.map { $0.score.value.map { .number($0) } ?? .null }
    object["weights"] = entry.score.json
    return .object(object)
  }
}

extension Status {
  /// The status with its standings.
  package var json: JSONValue {
    [
      "as_of": .string("\(instant)"),
      "scan": scan?.json ?? .null,
      "standings": .array(standings.map(\.json)),
      "kinds_not_fully_read": gaps.map { .integer(Int64($0)) } ?? .null,
      "open_scans": .array(open.map { .integer($0.id) }),
      "exceptions_expiring": .array(expiring.map { .string($0.name) }),
      "exceptions_requested": .array(requested.map { .string($0.name) }),
      "formula": .string(Score.formula),
    ]
  }
}

extension ScoreExplanation {
  /// The parts, which sum to the change.
  package var json: JSONValue {
    [
      "from": .string("\(from)"), "to": .string("\(to)"),
      "before": .integer(Int64(Self.millionths(before))),
      "after": .integer(Int64(Self.millionths(after))),
      "change": .integer(Int64(change)), "unit": "millionths of a point of 100",
      "weights_before": before.json, "weights_after": after.json,
      "parts": .array(
        parts.map { part in
          [
            "cause": .string(part.cause.rawValue), "change": .integer(Int64(part.change)),
            "results": .integer(Int64(part.results)),
            "examples": .array(part.examples.map { .string($0) }),
          ]
        }
      ),
    ]
  }
}

extension PostureDiff.Entry {
  /// What changed of one resource.
  package var json: JSONValue {
    [
      "change": .string(kind.rawValue), "account": .string(place.accounts.first ?? ""),
      "kind": .string("\(place.kind)"), "id": .string(place.id),
      "fields": .array(
        fields.map {
          ["path": .string($0.path), "before": $0.before ?? .null, "after": $0.after ?? .null]
        }
      ),
      "verdicts": .array(
        verdicts.map {
          [
            "rule": .string($0.rule), "severity": .string($0.severity.rawValue),
            "before": $0.before.map { .string($0.rawValue) } ?? .null,
            "after": $0.after.map { .string($0.rawValue) } ?? .null,
          ]
        }
      ),
    ]
  }
}

extension ScanRecord {
  /// The scan and what it came to.
  package var json: JSONValue {
    [
      "id": .integer(id), "subject": .string(subject), "status": .string(status.rawValue),
      "instant": .string("\(instant)"), "started": .string("\(started)"),
      "finished": finished.map { .string("\($0)") } ?? .null, "actor": .string(actor),
      "goals_sha256": .string(content), "report": report,
    ]
  }
}

extension ControlOverview {
  /// Each control with its state.
  package var json: JSONValue {
    [
      "profile": .string(profile.id), "version": .string(profile.version),
      "controls": .array(entries.map(\.json)),
    ]
  }
}

extension ControlOverview.Entry {
  /// The control, the rules of its goals in the attached version, its results and its attestation.
  package var json: JSONValue {
    var object: JSONObject = [
      "id": .string(control.id), "title": .string(control.title),
      "state": .string(state.rawValue), "excepted": .integer(Int64(excepted)),
      "rules": .array(control.goals.map { .string($0.rule) }),
      "results": .object(
        JSONObject(
          zip(Verdict.allCases, counts).map { (key: $0.rawValue, value: .integer(Int64($1))) }
        )
      ),
    ]
    if let attestation {
      object["attestation"] = [
        "id": .integer(attestation.id), "met": .bool(attestation.isMet),
        "statement": .string(attestation.statement),
        "attested_by": .string(attestation.attestedBy),
        "approved_by": .string(attestation.approvedBy ?? ""),
        "observed_at": .string("\(attestation.observedAt)"),
        "received_at": .string("\(attestation.receivedAt)"),
        "from": .string("\(attestation.periodBegins)"),
        "until": .string("\(attestation.periodEnds)"),
        "evidence": .string(attestation.evidenceName),
        "evidence_sha256": .string(attestation.evidenceDigest),
      ]
    }
    return .object(object)
  }
}
