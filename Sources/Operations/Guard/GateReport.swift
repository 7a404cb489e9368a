package import JSON
package import Model

/// What a gate tells: decisions as JSON, wherever they were made, and reports of them.
package struct GateReport: Sendable {
  /// The decisions, each as ``Decision/json(hasProof:)`` writes it.
  package let decisions: [JSONValue]
  package let subject: String
  package let toolVersion: String
  package let at: Instant
  package let diagnostics: [Diagnostic]
  package let notCovered: [(type: String, count: Int)]
  /// What was met and is not judged, and why.
  package let outside: [(address: String, reason: String)]

  package init(
    _ decisions: [JSONValue],
    subject: String,
    toolVersion: String,
    at: Instant,
    diagnostics: [Diagnostic],
    notCovered: [(type: String, count: Int)],
    outside: [(address: String, reason: String)]
  ) {
    (self.decisions, self.subject, self.toolVersion) = (decisions, subject, toolVersion)
    (self.at, self.diagnostics, self.notCovered) = (at, diagnostics, notCovered)
    self.outside = outside
  }

  /// The strictest of the decisions.
  package var effect: Effect { decisions.map(Self.effect).max() ?? .allowed }

  /// Whether nothing was decided because no guardrail is in force anywhere.
  package var isWithoutGuardrails: Bool {
    !decisions.isEmpty && decisions.allSatisfy { $0["guardrails_anywhere"]?.whole == 0 }
  }

  /// How many of the resources no guardrail asks anything of.
  private var notAsked: Int { decisions.count { $0["guardrails"]?.whole == 0 } }

  private static func effect(_ value: JSONValue) -> Effect {
    (value["decision"] ?? value["effect"])?.string.flatMap { Effect(rawValue: $0) } ?? .refused
  }

  /// The report as JSON.
  package var json: JSONValue {
    [
      "decision": .string(effect.rawValue), "subject": .string(subject),
      "judged_at": .string("\(at)"),
      "decisions": .array(
        decisions.map { decision in
          var object = decision.object ?? [:]
          object["rulings"] = .array(
            (decision["rulings"]?.array ?? []).map { ruling in
              var object = ruling.object ?? [:]
              object["proof"] = nil
              return .object(object)
            }
          )
          return .object(object)
        }
      ),
      "not_read": .array(diagnostics.map { .string("\($0)") }),
      "outside": .array(
        outside.map { ["address": .string($0.address), "reason": .string($0.reason)] }
      ),
      "not_covered": .array(
        notCovered.map { ["type": .string($0.type), "count": .integer(Int64($0.count))] }
      ),
      "not_asked": .integer(Int64(notAsked)),
    ]
  }

  /// The report for people: what is refused or warned of, and why.
  package var text: String {
    var lines: [String] = []
    for decision in decisions {
      let effect = Self.effect(decision)
      let told = (decision["rulings"]?.array ?? []).filter { Self.effect($0) > .allowed }
      guard effect > .allowed || !told.isEmpty else { continue }
      let id = decision["resource"]?["id"]?.string ?? ""
      lines.append("\(effect.rawValue)  \(id)")
      if let fault = decision["fault"]?.string { lines.append("  not judged: \(fault)") }
      for ruling in told { lines += Self.lines(ruling) }
      lines.append("")
    }
    lines += diagnostics.map { "not read: \($0)" }
    lines += outside.map { "not judged: \($0.address): \($0.reason)" }
    let counts = Effect.allCases.reversed().map { effect in
      "\(decisions.filter { Self.effect($0) == effect }.count) \(effect.rawValue)"
    }
    let notAsked = notAsked
    lines.append(
      "\(subject): \(counts.joined(separator: ", "))"
        + (notAsked > 0 ? ", of which no guardrail asks anything: \(notAsked)" : "")
    )
    if !notCovered.isEmpty {
      let types = notCovered.map { "\($0.type) (\($0.count))" }.joined(separator: ", ")
      lines.append("no mapping or rule covers: \(types)")
    }
    return lines.map(\.withoutControls).joined(separator: "\n") + "\n"
  }

  private static func lines(_ ruling: JSONValue) -> [String] {
    func text(_ key: String) -> String { ruling[key]?.string ?? "" }
    var place = ""
    if let file = ruling["source"]?["file"]?.string {
      place = "  \(file)" + (ruling["source"]?["line"]?.whole.map { ":\($0)" } ?? "")
    }
    let word = text("verdict") == "unknown" ? "unknown" : text("severity")
    var lines = [
      "  \(text("effect"))  \(word)  \(text("title"))  (\(text("rule")))\(place)",
      "    \(text("reason"))",
    ]
    if let fix = ruling["fix"]?["text"]?.string { lines.append("    fix: \(fix)") }
    return lines
  }

  /// The same as the report of a scan, for the formats that code hosts and build servers read.
  package var scanReport: ScanReport {
    var records: [ResultRecord] = []
    var rules: [String: Rule] = [:]
    var summary = ResultSummary()
    for decision in decisions {
      for ruling in decision["rulings"]?.array ?? [] {
        var line = ruling.object ?? [:]
        var resource = decision["resource"]?.object ?? [:]
        resource["source"] = ruling["source"]
        line["resource"] = .object(resource)
        guard var record = ResultRecord(.object(line)) else { continue }
        record.effect = Self.effect(ruling)
        records.append(record)
        summary.add(record)
        rules[record.goal.rule] = Self.rule(ruling)
      }
    }
    return ScanReport(
      subject: subject,
      judgedAt: "\(at)",
      toolVersion: toolVersion,
      resourceCount: decisions.count,
      results: ResultList(records),
      summary: summary,
      rules: rules,
      profiles: [],
      diagnostics: diagnostics,
      notCovered: notCovered,
      outside: outside
    )
  }

  /// As much of a rule as reports show.
  private static func rule(_ ruling: JSONValue) -> Rule {
    Rule(
      id: ruling["rule"]?.string ?? "",
      title: ruling["title"]?.string ?? "",
      severity: ruling["severity"]?.string.flatMap { Severity(rawValue: $0) } ?? .medium,
      target: Rule.Target(kinds: []),
      requiredConfig: .and([]),
      remediation: Rule.Remediation(text: ruling["fix"]?["text"]?.string ?? "")
    )
  }
}
