import Engine
package import JSON
package import Model
package import Store

// Decisions, guardrails and rules of one's own as JSON, the same on the command line and through the API.

extension Decision {
  /// The decision; with `hasProof` each ruling has its proof.
  package func json(hasProof: Bool = false) -> JSONValue {
    var object: JSONObject = [
      "decision": .string(effect.rawValue), "message": .string(message),
      "resource": .object(resource.identity), "judged_at": .string("\(at)"),
      "guardrails": .integer(Int64(guardrails)),
      "guardrails_anywhere": .integer(Int64(guardrailsAnywhere)),
      "passed": .integer(Int64(passed)), "not_applicable": .integer(Int64(notApplicable)),
      "rulings": .array(rulings.map { $0.json(resource.id, hasProof: hasProof) }),
    ]
    if !additions.isEmpty { object["defaults"] = .array(additions.map(\.json)) }
    object["fault"] = fault.map { .string($0) }
    object["outdated"] = outdated.map { .string($0) }
    return .object(object)
  }
}

extension Decision.Ruling {
  /// The ruling about a resource of an id.
  package func json(_ resource: String, hasProof: Bool = false) -> JSONValue {
    let sorted = parameters.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
    var object: JSONObject = [
      "rule": .string(rule.id), "rule_version": .integer(Int64(rule.version)),
      "title": .string(rule.title), "severity": .string(rule.severity.rawValue),
      "parameters": .object(JSONObject(sorted)), "verdict": .string(verdict.rawValue),
      "effect": .string(effect.rawValue), "enforcement": .string(enforcement.rawValue),
      "guardrails": .array(guardrails.map { .integer($0) }), "reason": .string(reason),
    ]
    if failedBefore { object["failed_before"] = true }
    if let comparison {
      object["path"] = .string(comparison.path)
      object["operator"] = .string(comparison.comparison)
      object["expected"] = comparison.expected
      object["observed"] = comparison.observed
      object["unread"] = comparison.unread.map { .string($0) }
    }
    if let location {
      var place: JSONObject = ["file": .string(location.file)]
      place["line"] = location.line.map { .integer(Int64($0)) }
      object["source"] = .object(place)
    }
    if !rule.remediation.text.isEmpty || !rule.remediation.snippets.isEmpty {
      var fix: JSONObject = ["text": .string(rule.remediation.text)]
      for (form, text) in rule.remediation.snippets { fix[form] = .string(text) }
      object["fix"] = .object(fix)
    }
    if let exception {
      object["exception"] = exception.json
    } else if effect > .allowed {
      object["exception_request"] = [
        "method": "POST", "path": "/api/v1/exceptions",
        "body": ["rule": .string(rule.id), "resource": .string(resource)],
        "page": "/exceptions",
      ]
    }
    if !result.isEmpty { object["result"] = .string(result) }
    if hasProof { object["proof"] = proof }
    return .object(object)
  }
}

extension Template.Addition {
  /// The addition, which is an operation of a JSON patch too (RFC 6902).
  package var json: JSONValue {
    [
      "op": "add", "path": .string(pointer), "value": value, "property": .string(property),
      "template": .string(template),
    ]
  }
}

extension JudgedResource {
  /// Who it is.
  package var identity: JSONObject {
    var object = JSONObject()
    for (key, text) in [
      ("provider", provider), ("account", account), ("region", region),
      ("service_name", kind.service), ("resource_kind", kind.kind), ("id", id), ("name", name),
    ] where !text.isEmpty {
      object[key] = .string(text)
    }
    return object
  }
}

extension KeptDocument {
  /// The document with what is kept of it.
  package var json: JSONValue {
    var object = document.object ?? [:]
    object["origin"] = "own"
    object["labels"] = .array(labels.map { .string($0) })
    if kind == .rule { object["cases"] = .array(cases) }
    object["changed_by"] = .string(changedBy)
    object["since"] = .string("\(begins)")
    if !ends.isNever { object["until"] = .string("\(ends)") }
    return .object(object)
  }
}

extension LoggedDecision {
  /// The decision in a list.
  package var summary: JSONValue {
    [
      "id": .integer(id), "at": .string("\(at)"), "actor": .string(actor), "gate": .string(gate),
      "decision": .string(effect.rawValue), "provider": .string(place.provider),
      "account": .string(place.accounts.first ?? ""), "region": .string(place.region),
      "service_name": .string(place.kind.service), "resource_kind": .string(place.kind.kind),
      "resource_id": .string(place.id), "name": .string(name), "rule": .string(rule),
      "verdict": .string(verdict), "rules": .array(rulings.map(\.json)),
    ]
  }

  /// The decision with all that is kept of it.
  package var json: JSONValue {
    var object = summary.object ?? [:]
    object["report"] = report
    return .object(object)
  }
}

extension LoggedDecision.Ruling {
  /// What the rule said.
  var json: JSONValue {
    [
      "rule": .string(rule), "verdict": .string(verdict.rawValue),
      "effect": .string(effect.rawValue),
    ]
  }
}

extension DecisionCount {
  /// Counts of days, whatever the account and rule, the oldest first.
  package static func byDay(_ counts: [DecisionCount]) -> [DecisionCount] {
    var days: [DecisionCount] = []
    for count in counts {
      if let place = days.firstIndex(where: { $0.day == count.day && $0.effect == count.effect }) {
        days[place].count += count.count
      } else {
        var day = count
        (day.account, day.rule) = ("", "")
        days.append(day)
      }
    }
    return days
  }

  /// The count.
  package var json: JSONValue {
    [
      "day": .string(day), "account": .string(account), "rule": .string(rule),
      "decision": .string(effect.rawValue), "count": .integer(Int64(count)),
    ]
  }
}
