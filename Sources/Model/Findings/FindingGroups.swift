/// Findings put together by their cause, in bounded memory.
///
/// The same finding added twice counts once, as far as memory reaches: ids are kept in two
/// generations.
package struct FindingGroups: Sendable {
  /// The findings of one cause, as one: the earliest with the times and counts of all.
  package private(set) var groups: [String: Finding] = [:]
  /// How many findings found no room for a group of their own.
  package private(set) var overflow = 0

  private var young: Set<String> = []
  private var old: Set<String> = []
  private let groupLimit: Int
  private let idLimit: Int

  package init(groupLimit: Int = 10_000, idLimit: Int = 200_000) {
    self.groupLimit = groupLimit
    self.idLimit = idLimit
  }

  /// Adds a finding; returns whether it was new.
  @discardableResult package mutating func add(_ finding: Finding) -> Bool {
    if young.contains(finding.id) || old.contains(finding.id) { return false }
    young.insert(finding.id)
    if young.count >= idLimit / 2 {
      old = young
      young = []
    }
    if groups[finding.cause] == nil, groups.count >= groupLimit {
      overflow += 1
      return true
    }
    groups[finding.cause] =
      groups[finding.cause].map { $0.joined(by: finding) } ?? finding
    return true
  }

  /// The groups, the severest first, then those seen last.
  package var sorted: [Finding] {
    groups.values.sorted { left, right in
      if left.note.severity != right.note.severity {
        return left.note.severity > right.note.severity
      }
      let times = (
        left.lastSeen ?? .init(milliseconds: 0), right.lastSeen ?? .init(milliseconds: 0)
      )
      return times.0 != times.1 ? times.0 > times.1 : left.cause < right.cause
    }
  }
}
