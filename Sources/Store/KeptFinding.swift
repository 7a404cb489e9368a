package import Model

/// A finding as it is kept: one for each cause, which grows as it is seen again.
package struct KeptFinding: Sendable, Hashable {
  /// Its number; that of its cause for ever is the finding's id.
  package var id: Int64
  /// The number of its note.
  package var note: Int64
  package var finding: Finding
  package var keptAt: Instant
  /// When it was seen again, or somebody decided about it.
  package var updatedAt: Instant
}

/// A kind of finding as it is kept.
package struct KeptNote: Sendable, Hashable {
  package var id: Int64
  package var note: FindingNote
  package var changedBy: String
  package var changedAt: Instant
}

/// What became of a finding at an instant.
package struct FindingChange: Sendable, Hashable {
  /// What happens to findings.
  package enum Kind: String, Sendable, CaseIterable {
    /// It was seen for the first time.
    case opened
    /// It was seen again after it was mitigated, or somebody took a decision back.
    case reopened
    /// It became severer, or, where what fails is told whole, more of it fails.
    case raised
    case mitigated, accepted
  }

  package var id: Int64
  package var finding: Int64
  package var kind: Kind
  package var at: Instant
  package var actor: String
  package var state: String
  package var severity: FindingSeverity
  /// When what it was noticed by happened; nil where that is not known.
  package var seenAt: Instant?
  package var reason: String
}

/// Which findings are asked for.
package struct FindingFilter: Sendable {
  /// Any of these states; all where it is empty.
  package var states: Set<String> = []
  /// This severity or above.
  package var severity = FindingSeverity.informational
  /// Any of these; all where it is empty.
  package var sources: Set<FindingSource> = []
  package var provider: String?
  /// The note's id as its maker gave it.
  package var note: String?
  package var account: String?
  package var resource: String?
  /// An address that it tells of, whoever has it.
  package var address: String?
  /// Seen last at or after.
  package var from: Instant?
  /// Seen first before.
  package var to: Instant?

  package init() {}

  /// The conditions as a statement says them, with values numbered after those given.
  func conditions(_ values: inout [SQLValue]) -> String {
    var parts: [String] = []
    func add(_ part: String, _ value: SQLValue?) {
      guard let value else { return }
      values.append(value)
      parts.append(" AND \(part) $\(values.count)")
    }
    func any(_ column: String, _ words: [String]) {
      guard !words.isEmpty else { return }
      let marks = words.sorted().map { word in
        values.append(.text(word))
        return "$\(values.count)"
      }
      parts.append(" AND \(column) IN (\(marks.joined(separator: ", ")))")
    }
    any("f.state", Array(states))
    any("n.source", sources.map(\.rawValue))
    if severity > .informational { add("f.severity >=", .integer(Int64(severity.rank))) }
    add("n.provider =", provider.map { .text($0) })
    add("n.name =", note.map { .text($0) })
    add("f.account =", account.map { .text($0) })
    add("f.resource =", resource.map { .text($0) })
    if let address {
      values.append(.text(address))
      parts.append(
        " AND f.id IN (SELECT finding FROM finding_addresses WHERE address = $\(values.count))"
      )
    }
    add("coalesce(f.last_seen, f.kept_at) >=", from?.value)
    add("coalesce(f.first_seen, f.kept_at) <", to?.value)
    return parts.joined()
  }
}

/// What came of keeping findings.
package struct FindingsKept: Sendable, Hashable {
  /// Causes that were seen for the first time.
  package var opened = 0
  /// Causes that were mitigated and are seen again.
  package var reopened = 0
  /// Causes that became severer, or wider.
  package var raised = 0
  /// Causes that are over.
  package var mitigated = 0
  /// Causes of which everything is excepted now.
  package var accepted = 0
  /// Findings that were counted into causes, those that opened them included.
  package var counted = 0
  /// Findings that were counted before.
  package var known = 0

  package init() {}

  /// Adds what came of others.
  package static func += (left: inout Self, right: Self) {
    left.opened += right.opened
    left.reopened += right.reopened
    left.raised += right.raised
    left.mitigated += right.mitigated
    left.accepted += right.accepted
    left.counted += right.counted
    left.known += right.known
  }
}

extension FindingSeverity {
  /// The severity of a rank; the nearest there is.
  init(rank: Int64) {
    self = Self.allCases[Int(min(max(rank, 0), Int64(Self.allCases.count - 1)))]
  }
}
