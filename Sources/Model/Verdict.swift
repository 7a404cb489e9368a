/// What the judgement of one resource by one goal came to.
package enum Verdict: String, Sendable, CaseIterable, Codable {
  /// The configuration was read and is as required.
  case pass
  /// The configuration was read and is not as required.
  case fail
  /// Something that the verdict depends on could not be read.
  case unknown
  /// There was nothing to judge.
  case notApplicable = "not_applicable"
}

/// How much a failure matters.
package enum Severity: String, Sendable, CaseIterable, Comparable {
  case critical, high, medium, low

  /// The weight of one result in the score.
  package var weight: Int {
    switch self {
    case .critical: 10
    case .high: 5
    case .medium: 3
    case .low: 1
    }
  }

  /// Orders by weight: `low` is smallest.
  package static func < (left: Self, right: Self) -> Bool { left.weight < right.weight }
}
