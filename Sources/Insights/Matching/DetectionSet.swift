package import Model

/// Detections made ready for the log sources that are known.
package final class DetectionSet: Sendable {
  /// What the documents come to before they are compiled per log source.
  struct Parts {
    var rules: [SigmaRule] = []
    var filters: [SigmaFilter] = []
    var correlations: [SigmaCorrelation] = []
    /// What correlations take of a rule's matches.
    var feeds: [Int: [Feed]] = [:]
    /// What correlations take of another's findings.
    var chains: [Int: [Feed]] = [:]
  }

  /// One correlation's interest in a rule or another correlation.
  struct Feed {
    var correlation: Int
    var part: Int
    var groupBy: [String]
    var fields: [String]
  }

  /// The rules, in the order of their documents.
  package let rules: [SigmaRule]
  /// The correlations, each behind those that it refers to.
  package let correlations: [SigmaCorrelation]
  /// Whether a rule makes findings of its own; one that only feeds correlations does not.
  package let isReported: [Bool]
  /// Whether a correlation makes findings of its own.
  package let isCorrelationReported: [Bool]
  /// The rules for log sources that are not known, by what they call them.
  package let unread: [String: Int]
  let chains: [Int: [Feed]]
  let programs: [SourceProgram]

  /// Compiles documents for log sources.
  ///
  /// - Throws: ``DocumentError`` for an id that stands twice and for a reference to nothing.
  package init(
    _ documents: [SigmaDocument],
    for sources: [LogSource]
  ) throws(DocumentError) {
    var parts = Parts()
    for document in documents {
      switch document {
      case .rule(let rule): parts.rules.append(rule)
      case .filter(let filter): parts.filters.append(filter)
      case .correlation(let correlation): parts.correlations.append(correlation)
      }
    }
    try Self.requireUniqueIDs(parts)
    parts.correlations = try Self.ordered(parts.correlations)
    var isReported = [Bool](repeating: true, count: parts.rules.count)
    var isCorrelationReported = [Bool](repeating: true, count: parts.correlations.count)
    for (number, correlation) in parts.correlations.enumerated() {
      for (part, name) in correlation.rules.enumerated() {
        let feed = Feed(
          correlation: number,
          part: part,
          groupBy: correlation.groupBy.map { correlation.aliases[$0]?[name] ?? $0 },
          fields: correlation.fields.map { correlation.aliases[$0]?[name] ?? $0 }
        )
        if let rule = parts.rules.firstIndex(where: { $0.facts.isNamed(name) }) {
          parts.feeds[rule, default: []].append(feed)
          if !correlation.generates { isReported[rule] = false }
        } else if let other = parts.correlations.firstIndex(where: { $0.facts.isNamed(name) }) {
          parts.chains[other, default: []].append(feed)
          if !correlation.generates { isCorrelationReported[other] = false }
        } else {
          throw DocumentError(
            "there is no rule \"\(name)\"",
            key: "correlation.rules",
            at: correlation.facts.source
          )
        }
      }
    }
    rules = parts.rules
    correlations = parts.correlations
    chains = parts.chains
    self.isReported = isReported
    self.isCorrelationReported = isCorrelationReported
    let known = parts
    programs = sources.map { SourceProgram($0, known) }
    var unread: [String: Int] = [:]
    for rule in parts.rules where !sources.contains(where: { $0.meets(rule.logSource) }) {
      unread[rule.logSource.text, default: 0] += 1
    }
    self.unread = unread
  }

  private static func requireUniqueIDs(_ parts: Parts) throws(DocumentError) {
    var seen: [String: SourceLocation] = [:]
    for facts in parts.rules.map(\.facts) + parts.correlations.map(\.facts) {
      if let other = seen.updateValue(facts.source, forKey: facts.id) {
        throw DocumentError(
          "\"\(facts.id)\" is the id of the document at \(other) too",
          key: "id",
          at: facts.source
        )
      }
    }
  }

  /// The correlations, each behind those that it refers to.
  private static func ordered(
    _ correlations: [SigmaCorrelation]
  ) throws(DocumentError) -> [SigmaCorrelation] {
    var ordered: [SigmaCorrelation] = []
    var left = correlations
    while !left.isEmpty {
      let ready = left.firstIndex { correlation in
        !correlation.rules.contains { name in left.contains { $0.facts.isNamed(name) } }
      }
      guard let ready else {
        throw DocumentError(
          "refers to itself over \(left.map(\.facts.id).joined(separator: ", "))",
          key: "correlation.rules",
          at: left[0].facts.source
        )
      }
      ordered.append(left.remove(at: ready))
    }
    return ordered
  }
}

extension DetectionFacts {
  /// Whether a correlation that gives a name means this detection.
  func isNamed(_ name: String) -> Bool { id == name || self.name == name }
}
