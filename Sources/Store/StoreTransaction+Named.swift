import Model

// Which resources have an id.
extension StoreTransaction {
  /// Where a resource was last seen, with its id.
  package struct NamedPlace: Sendable {
    package var id: String
    package var place: StatePlace
    /// The tags as JSON.
    package var tags: String
  }

  /// The last places of every resource that has one of some ids, whether it is still there or gone.
  package func lastPlaces(ofResources ids: [String]) throws -> [NamedPlace] {
    var found: [NamedPlace] = []
    // So that a statement has no more parameters than a database takes.
    for start in stride(from: 0, to: ids.count, by: 400) {
      let part = ids[start..<min(start + 400, ids.count)]
      let list = (1...part.count).map { "$\($0)" }.joined(separator: ", ")
      found += try session.rows(
        """
        SELECT resource_id, account, kind, region, resource_group, tags FROM resources
        WHERE resource_id IN (\(list))
        """,
        part.map { .text($0) }
      ) { row in
        NamedPlace(
          id: row.text(0),
          place: StatePlace(
            account: row.integer(1),
            kind: row.integer(2),
            region: row.text(3),
            group: row.text(4)
          ),
          tags: row.text(5)
        )
      }
    }
    return found
  }
}
