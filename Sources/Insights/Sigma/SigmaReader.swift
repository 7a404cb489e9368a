import JSON
package import Model

/// Reads Sigma documents (specification 2): rules, correlations and filters.
package struct SigmaReader: Sendable {
  /// The values that `%name%` stands for under the modifier `expand`.
  package var placeholders: [String: [String]]

  package init(placeholders: [String: [String]] = [:]) { self.placeholders = placeholders }

  /// Reads one document.
  package func document(_ node: DocumentNode) throws(DocumentError) -> SigmaDocument {
    let members = try NodeMembers(node)
    if let body = members["correlation"] {
      return .correlation(try CorrelationReader(members, body).correlation())
    }
    if let body = members["filter"] { return .filter(try filter(members, body)) }
    let detection = try members.required("detection")
    let detections = SelectionReader(placeholders: placeholders)
    return .rule(
      SigmaRule(
        facts: try Self.facts(members),
        logSource: try Self.logSource(members.required("logsource")),
        condition: try detections.condition(detection, path: "detection")
      )
    )
  }

  private func filter(
    _ members: NodeMembers,
    _ body: DocumentNode
  ) throws(DocumentError) -> SigmaFilter {
    let inner = try NodeMembers(body, path: "filter")
    var rules: [String]? = try inner.required("rules").texts("filter.rules")
    if rules == ["any"] { rules = nil }
    let selections = inner.members.filter { $0.key != "rules" }
    return SigmaFilter(
      title: try members.text("title") ?? "filter",
      logSource: try Self.logSource(members.required("logsource")),
      rules: rules,
      condition: try SelectionReader(placeholders: placeholders)
        .condition(DocumentNode(.mapping(selections), at: body.location), path: "filter"),
      source: members.node.location
    )
  }

  private static func logSource(_ node: DocumentNode) throws(DocumentError) -> LogSourceSelector {
    let members = try NodeMembers(node, path: "logsource")
    return LogSourceSelector(
      product: try members.text("product")?.lowercased(),
      service: try members.text("service")?.lowercased(),
      category: try members.text("category")?.lowercased()
    )
  }

  /// What a rule or correlation says about itself.
  static func facts(_ members: NodeMembers) throws(DocumentError) -> DetectionFacts {
    let title = try members.required("title").text("title")
    let name = try members.text("name")
    var level = FindingSeverity.medium
    if let node = members["level"] {
      let text = try node.text("level")
      guard let known = FindingSeverity(rawValue: text.lowercased()) else {
        let all = FindingSeverity.allCases.map(\.rawValue).joined(separator: ", ")
        throw DocumentError(
          "expected one of \(all), not \"\(text)\"",
          key: "level",
          at: node.location
        )
      }
      level = known
    }
    return DetectionFacts(
      id: try members.text("id") ?? name ?? title,
      name: name,
      title: title,
      description: try members.text("description") ?? "",
      level: level,
      author: try members.text("author"),
      tags: try members.texts("tags"),
      references: try members.texts("references"),
      fields: try members.texts("fields"),
      source: members.node.location
    )
  }
}

/// Reads the body of a correlation.
struct CorrelationReader {
  private let members: NodeMembers
  private let body: NodeMembers

  init(_ members: NodeMembers, _ body: DocumentNode) throws(DocumentError) {
    self.members = members
    self.body = try NodeMembers(body, path: "correlation")
  }

  func correlation() throws(DocumentError) -> SigmaCorrelation {
    let kind = try kind()
    let condition = try condition(kind)
    let rules = try body.required("rules").texts("correlation.rules")
    if kind == .temporal || kind == .temporalOrdered, rules.count < 2 {
      throw fault("expected at least two rules for \(kind.rawValue)", "rules")
    }
    let generate = body["generate"] ?? members["generate"]
    return SigmaCorrelation(
      facts: try SigmaReader.facts(members),
      kind: kind,
      rules: rules,
      groupBy: try body.texts("group-by"),
      timespan: try timespan(),
      aliases: try aliases(),
      bounds: condition.bounds,
      fields: condition.fields,
      percentile: condition.percentile,
      generates: generate?.json.bool ?? false
    )
  }

  private func fault(_ message: String, _ key: String) -> DocumentError {
    DocumentError(message, key: body.keyPath(key), at: (body[key] ?? body.node).location)
  }

  private func kind() throws(DocumentError) -> SigmaCorrelation.Kind {
    let text = try body.required("type").text("correlation.type")
    guard let kind = SigmaCorrelation.Kind(rawValue: text) else {
      let all = SigmaCorrelation.Kind.allCases.map(\.rawValue).joined(separator: ", ")
      throw fault("expected one of \(all), not \"\(text)\"", "type")
    }
    return kind
  }

  private func timespan() throws(DocumentError) -> Int64 {
    let text = try body.required("timespan").text("correlation.timespan")
    let units: [Character: Int64] = [
      "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000,
    ]
    guard let last = text.last, let unit = units[last], let count = Int64(text.dropLast()),
      (1...100_000_000).contains(count)
    else {
      throw fault("expected a number and s, m, h or d, such as 30m, not \"\(text)\"", "timespan")
    }
    return count * unit
  }

  private func aliases() throws(DocumentError) -> [String: [String: String]] {
    guard let node = body["aliases"] else { return [:] }
    var aliases: [String: [String: String]] = [:]
    for (alias, rules) in try node.members("correlation.aliases") {
      let path = "correlation.aliases.\(alias)"
      for (rule, field) in try rules.members(path) {
        aliases[alias, default: [:]][rule] = try field.text("\(path).\(rule)")
      }
    }
    return aliases
  }

  private struct Condition {
    var bounds: [SigmaCorrelation.Bound] = []
    var fields: [String] = []
    var percentile = 50.0
  }

  private func condition(_ kind: SigmaCorrelation.Kind) throws(DocumentError) -> Condition {
    var condition = Condition()
    if let node = body["condition"] {
      // A condition over the names of rules, as some write for temporal: all of them.
      if case .scalar(.string(let text)) = node.value {
        throw fault("expected a comparison such as gte: 5, not \"\(text)\"", "condition")
      }
      for (key, value) in try node.members("correlation.condition") {
        let path = "correlation.condition.\(key)"
        if let relation = SigmaCorrelation.Relation(rawValue: key) {
          guard let number = value.json.double, number.isFinite else {
            throw DocumentError("expected a number", key: path, at: value.location)
          }
          condition.bounds.append(SigmaCorrelation.Bound(relation, number))
        } else if key == "field" {
          condition.fields = try value.texts(path)
        } else if key == "percentile" {
          guard let number = value.json.double, (0...100).contains(number) else {
            throw DocumentError("expected a number from 0 to 100", key: path, at: value.location)
          }
          condition.percentile = number
        } else {
          throw DocumentError(
            "expected gt, gte, lt, lte, eq, neq, field or percentile",
            key: path,
            at: value.location
          )
        }
      }
    }
    switch kind {
    case .valueCount, .valueSum, .valueAverage, .valuePercentile, .valueMedian, .firstSeen:
      if condition.fields.isEmpty {
        throw fault("needs the key field for \(kind.rawValue)", "condition")
      }
    default: break
    }
    switch kind {
    case .valueSum, .valueAverage, .valuePercentile, .valueMedian:
      if condition.fields.count > 1 {
        throw fault("expected one field for \(kind.rawValue)", "condition")
      }
    default: break
    }
    switch kind {
    case .temporal, .temporalOrdered, .firstSeen: break
    default:
      if condition.bounds.isEmpty { throw fault("needs a comparison such as gte: 5", "condition") }
    }
    return condition
  }
}
