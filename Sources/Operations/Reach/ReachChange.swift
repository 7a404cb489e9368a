package import Model

/// How one holder's access to one resource differs between two instants.
package struct ReachChange: Sendable {
  /// What happened.
  package enum Kind: String, Sendable { case gained, lost, changed }

  package var resource: Resource
  package var before: ReachEntry?
  package var after: ReachEntry?

  /// Whether it was gained, lost, or stands otherwise.
  package var kind: Kind { before == nil ? .gained : after == nil ? .lost : .changed }

  /// The changes from one estate to another, by resource.
  ///
  /// A way that goes where another stays is no change: the holder has the access as before. One that
  /// becomes more or less certain is.
  package static func all(
    from first: ReachEstate,
    to second: ReachEstate,
    _ filter: ReachFilter
  ) -> [ReachChange] {
    let (before, hidden) = entries(of: first, filter)
    let (after, hiddenLater) = entries(of: second, filter)
    var changes: [ReachChange] = []
    for key in Set(before.keys).union(after.keys) {
      guard let resource = (after[key] ?? before[key])?.resource else { continue }
      // Who is not seen where something could not be read may be there all the same.
      let one = before[key]?.entry ?? hidden[key.place].map { key.entry($0) }
      let other = after[key]?.entry ?? hiddenLater[key.place].map { key.entry($0) }
      if one?.certainty == other?.certainty { continue }
      changes.append(ReachChange(resource: resource, before: one, after: other))
    }
    return changes.sorted { left, right in
      guard let one = left.after ?? left.before, let other = right.after ?? right.before else {
        return false
      }
      return (left.resource.account, left.resource.kind, left.resource.id, one.level, one.holder)
        < (
          right.resource.account, right.resource.kind, right.resource.id, other.level, other.holder
        )
    }
  }

  private typealias Found = (resource: Resource, entry: ReachEntry)

  /// The entries of an estate, and the ways of those that could not be read.
  private static func entries(
    of estate: ReachEstate,
    _ filter: ReachFilter
  ) -> (found: [Key: Found], hidden: [Spot: [ReachWay]]) {
    var found: [Key: Found] = [:]
    var hidden: [Spot: [ReachWay]] = [:]
    estate.answers(filter) { answer in
      for entry in answer.entries {
        let spot = Spot(
          account: answer.resource.account,
          kind: answer.resource.kind,
          resource: answer.resource.id,
          level: entry.level
        )
        if entry.holder.type == .unread {
          hidden[spot, default: []] += entry.ways
        } else {
          found[Key(place: spot, holder: entry.holder)] = (answer.resource, entry)
        }
      }
    }
    return (found, hidden)
  }

  private struct Spot: Hashable {
    var account: String
    var kind: ResourceKind
    var resource: String
    var level: ReachLevel
  }

  private struct Key: Hashable {
    var place: Spot
    var holder: ReachHolder

    /// An entry of this holder with other ways.
    func entry(_ ways: [ReachWay]) -> ReachEntry {
      ReachEntry(level: place.level, holder: holder, ways: ways)
    }
  }
}
