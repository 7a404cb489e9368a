import JSON
package import Model

/// Records and whether a detection is to match them: its test and its documentation.
package struct DetectionCase: Sendable {
  /// Records of a case: one, or one that comes again and again.
  struct Step {
    var event: JSONValue
    var count: Int
    /// Seconds from one to the next.
    var every: Int
  }

  package var name: String
  package var matches: Bool
  var steps: [Step]
  package var location: SourceLocation

  /// The cases of a detection.
  package static func read(
    _ node: DocumentNode
  ) throws(DocumentError) -> (detection: String, cases: [DetectionCase]) {
    let members = try NodeMembers(node)
    var cases: [DetectionCase] = []
    for element in try members.required("cases").elements {
      let inner = try NodeMembers(element, path: "cases")
      guard let matches = try inner.required("matches").json.bool else {
        throw DocumentError("expected true or false", key: "cases.matches", at: element.location)
      }
      var steps: [Step] = []
      if let event = inner["event"] { steps.append(Step(event: event.json, count: 1, every: 0)) }
      for step in inner["events"]?.elements ?? [] {
        let event = try NodeMembers(step, path: "cases.events").required("event").json
        let json = step.json
        steps.append(
          Step(event: event, count: json["repeat"]?.whole ?? 1, every: json["every"]?.whole ?? 0)
        )
      }
      if steps.isEmpty { throw DocumentError("has no event", key: "cases", at: element.location) }
      cases.append(
        DetectionCase(
          name: try inner.required("name").text("cases.name"),
          matches: matches,
          steps: steps,
          location: element.location
        )
      )
    }
    return (try members.required("detection").text("detection"), cases)
  }

  /// The records as lines; one that comes again differs in its time, which stands at one of the
  /// paths given.
  func lines(timePaths: Set<String>) -> [UInt8] {
    var writer = JSONWriter()
    for step in steps {
      for number in 0..<step.count {
        writer.value(step.event.later(by: number * step.every, timePaths))
        writer.bytes.append(0x0A)
      }
    }
    return writer.bytes
  }
}

extension JSONValue {
  /// The record with its times some seconds later.
  fileprivate func later(by seconds: Int, _ paths: Set<String>) -> JSONValue {
    guard seconds > 0, var object else { return self }
    for path in paths {
      let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
      if parts.count == 2, let inner = object[parts[0]], inner.object != nil {
        object[parts[0]] = inner.later(by: seconds, [parts[1]])
      } else if let text = object[path]?.string, let time = Instant(text) {
        object[path] = .string(time.advanced(milliseconds: Int64(seconds) * 1000).description)
      }
    }
    return .object(object)
  }
}

extension DetectionRun {
  /// The detections, by id and by name, that find something in the records of a case.
  package static func found(
    in example: DetectionCase,
    _ set: DetectionSet,
    _ sources: [LogSource]
  ) -> Set<String> {
    let notes = set.notes
    let detector = Detector(set, notes, Detector.Wish())
    let paths: [String] = sources.flatMap { (source: LogSource) -> [String] in
      source.facts[.time] ?? []
    }
    let lines = example.lines(timePaths: Set(paths))
    var cutter = RecordCutter()
    var found: Set<String> = []
    var correlator = Correlator(set, notes)
    let outcome = cutter.take(lines, isLast: true) { buffer, records in
      detector.run(RecordBatch(file: "case", buffer, records))
    }
    let findings = outcome.findings + correlator.add(outcome.entries) + correlator.finish()
    let names = Dictionary(
      (set.rules.map(\.facts) + set.correlations.map(\.facts)).map { ($0.id, $0.name) },
      uniquingKeysWith: { first, _ in first }
    )
    for finding in findings {
      found.insert(finding.note.id)
      if let name = names[finding.note.id] ?? nil { found.insert(name) }
    }
    if outcome.counts.faults + outcome.counts.unrecognised > 0 { found.insert("unread") }
    return found
  }
}
