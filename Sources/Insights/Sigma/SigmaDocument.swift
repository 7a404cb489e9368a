package import Model

/// One document of a detection file.
package enum SigmaDocument: Sendable {
  case rule(SigmaRule)
  case correlation(SigmaCorrelation)
  case filter(SigmaFilter)

  /// Where it stands.
  package var source: SourceLocation {
    switch self {
    case .rule(let rule): rule.facts.source
    case .correlation(let correlation): correlation.facts.source
    case .filter(let filter): filter.source
    }
  }
}

/// What every detection says about itself.
package struct DetectionFacts: Sendable {
  /// The id, or where a rule has none its name or title.
  package var id: String
  /// The short name by which correlations may refer to a rule.
  package var name: String?
  package var title: String
  package var description: String
  /// How bad it is that the detection matches.
  package var level: FindingSeverity
  package var author: String?
  package var tags: [String]
  package var references: [String]
  /// Fields whose values are shown with a finding.
  package var fields: [String]
  package var source: SourceLocation
}

/// What a rule says about the logs that it is for; nil matches any.
package struct LogSourceSelector: Sendable, Hashable {
  package var product: String?
  package var service: String?
  package var category: String?

  package init(product: String?, service: String?, category: String?) {
    self.product = product
    self.service = service
    self.category = category
  }

  /// The selector for people: `aws/cloudtrail`.
  package var text: String {
    let parts = [product, category, service].compactMap { $0 }
    return parts.isEmpty ? "any log source" : parts.joined(separator: "/")
  }
}

/// A Sigma rule: a condition over the fields of one event.
package struct SigmaRule: Sendable {
  package var facts: DetectionFacts
  package var logSource: LogSourceSelector
  package var condition: SigmaExpression
}

/// A condition over the fields of one event.
package indirect enum SigmaExpression: Sendable {
  case all([SigmaExpression])
  case any([SigmaExpression])
  case not(SigmaExpression)
  case test(SigmaTest)
}

/// A comparison of a field's value, or of any value of the event where the field is nil.
package struct SigmaTest: Sendable {
  package var field: String?
  package var comparison: Comparison

  /// What a value is compared with.
  package enum Comparison: Sendable {
    /// A text with wildcards; regardless of ASCII case unless it is cased.
    case text(SigmaPattern, isCased: Bool)
    case number(Double, text: String)
    case bool(Bool)
    /// The field is absent or null.
    case null
    case exists(Bool)
    case regex(Regex)
    case network(IPNetwork)
    case order(Order, Double)
    /// A part of the instant that the field holds, in UTC.
    case time(TimePart, Order, Double)
    /// The value of another field.
    case field(String, FieldRelation, isCased: Bool)
  }

  /// How two numbers compare.
  package enum Order: String, Sendable {
    case eq, lt, lte, gt, gte

    /// Whether the order holds.
    package func holds(_ left: Double, _ right: Double) -> Bool {
      switch self {
      case .eq: left == right
      case .lt: left < right
      case .lte: left <= right
      case .gt: left > right
      case .gte: left >= right
      }
    }
  }

  /// A part of an instant; weeks are ISO 8601's.
  package enum TimePart: String, Sendable { case minute, hour, day, week, month, year }

  /// How two texts relate.
  package enum FieldRelation: Sendable { case equal, contains, startsWith, endsWith }
}

/// A filter: events that named rules are not to match.
package struct SigmaFilter: Sendable {
  package var title: String
  package var logSource: LogSourceSelector
  /// Ids or names of rules; nil for all of the log source.
  package var rules: [String]?
  package var condition: SigmaExpression
  package var source: SourceLocation
}

/// A correlation: a condition over what several events have in common.
package struct SigmaCorrelation: Sendable {
  package var facts: DetectionFacts
  package var kind: Kind
  /// The rules or correlations referred to, by id or name.
  package var rules: [String]
  package var groupBy: [String]
  /// The length of the window in milliseconds.
  package var timespan: Int64
  /// A group-by field that differs between rules: alias to rule to field.
  package var aliases: [String: [String: String]]
  /// The comparisons that all must hold.
  package var bounds: [Bound]
  /// The fields whose values are counted or added up.
  package var fields: [String]
  package var percentile: Double
  /// Whether the rules referred to make findings of their own.
  package var generates: Bool

  /// What is computed over a window.
  package enum Kind: String, Sendable, CaseIterable {
    case eventCount = "event_count"
    case valueCount = "value_count"
    case temporal
    case temporalOrdered = "temporal_ordered"
    case valueSum = "value_sum"
    case valueAverage = "value_avg"
    case valuePercentile = "value_percentile"
    case valueMedian = "value_median"
    /// A value that the group has not shown before; Plumbline's own.
    case firstSeen = "first_seen"
    /// More events in a window than the group's own past lets expect; Plumbline's own.
    case rate
  }

  /// A comparison with what was computed.
  package struct Bound: Sendable, Equatable {
    package var relation: Relation
    package var value: Double

    package init(_ relation: Relation, _ value: Double) {
      self.relation = relation
      self.value = value
    }
  }

  /// How the computed number compares.
  package enum Relation: String, Sendable, CaseIterable { case gt, gte, lt, lte, eq, neq }

  /// Whether all bounds hold.
  package func holds(_ number: Double) -> Bool {
    bounds.allSatisfy { bound in
      switch bound.relation {
      case .gt: number > bound.value
      case .gte: number >= bound.value
      case .lt: number < bound.value
      case .lte: number <= bound.value
      case .eq: number == bound.value
      case .neq: number != bound.value
      }
    }
  }

  /// Whether a window that meets the bounds still meets them when more events join it.
  package var isMonotone: Bool { bounds.allSatisfy { [.gt, .gte].contains($0.relation) } }

  /// Whether the past is learnt instead of a window kept.
  var isLearnt: Bool { kind == .firstSeen || kind == .rate }

  /// Whether values are computed with, so that each must be a number.
  var isOfNumbers: Bool {
    [.valueSum, .valueAverage, .valuePercentile, .valueMedian].contains(kind)
  }
}
