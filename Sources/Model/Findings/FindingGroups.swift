/// Findings put together by their cause, in bounded memory.
///
/// The same finding added twice counts once, and one that has grown counts what is new of it, as far as
/// memory reaches: ids are kept in two generations.
package struct FindingGroups: Sendable {
  /// The findings of one cause, as one, with the times and counts of all.
  package private(set) var groups: [String: Finding] = [:]
  /// How many findings were added, each once.
  package private(set) var count = 0
  /// How many findings found no room for a group of their own.
  package private(set) var overflow = 0

  /// What was counted of findings, by their ids.
  private var young: [String: Int] = [:]
  private var old: [String: Int] = [:]
  private let groupLimit: Int
  private let idLimit: Int

  package init(groupLimit: Int = 10_000, idLimit: Int = 200_000) {
    self.groupLimit = groupLimit
    self.idLimit = idLimit
  }

  /// Adds a finding; returns whether there was anything new in it.
  @discardableResult package mutating func add(_ finding: Finding) -> Bool {
    let known = young[finding.id] ?? old[finding.id]
    var more = finding
    more.count -= known ?? 0
    guard known == nil || more.count > 0 else { return false }
    count += known == nil ? 1 : 0
    young[finding.id] = finding.count
    if young.count >= idLimit / 2 {
      old = young
      young = [:]
    }
    let cause = finding.cause
    if groups[cause] == nil, groups.count >= groupLimit {
      overflow += 1
      return true
    }
    groups[cause] = groups[cause].map { $0.joined(by: more) } ?? more
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
