package import Model

/// The verdicts of a resource as they are now.
package struct PresentVerdicts: Sendable {
  package var resource: Int64
  package var account: Int64
  package var kind: Int64
  package var layout: Int64
  /// Since when they are so.
  package var begins: Instant
  package var verdicts: String
}

// Verdicts as they are now and as they were just before, for all resources of an account at once.
extension StoreTransaction {
  /// Hands over the verdicts of every resource that is there, of one account or of all.
  package func presentVerdicts(
    ofAccount account: Int64?,
    _ body: (PresentVerdicts) throws -> Void
  ) throws {
    let filter = account == nil ? "" : " AND account = $2"
    try session.query(
      """
      SELECT id, account, kind, layout, valid_from, verdicts FROM resources
      WHERE valid_to = $1\(filter)
      """,
      [Instant.never.value] + (account.map { [.integer($0)] } ?? [])
    ) { row in
      try body(
        PresentVerdicts(
          resource: row.integer(0),
          account: row.integer(1),
          kind: row.integer(2),
          layout: row.integer(3),
          begins: row.instant(4),
          verdicts: row.text(5)
        )
      )
    }
  }

  /// Hands over the verdicts of the states that ended at an instant.
  package func verdicts(
    endedAt instant: Instant,
    _ body: (_ resource: Int64, _ layout: Int64, _ verdicts: String) throws -> Void
  ) throws {
    try session.query(
      "SELECT resource, layout, verdicts FROM versions WHERE valid_to = $1",
      [instant.value]
    ) { try body($0.integer(0), $0.integer(1), $0.text(2)) }
  }

  /// The verdicts of the former states of some resources, the last first for each.
  package func formerVerdicts(
    of resources: [Int64]
  ) throws -> [(resource: Int64, layout: Int64, verdicts: String)] {
    try resources.chunks(of: 400).flatMap { some in
      let marks = some.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
      return try session.rows(
        """
        SELECT resource, layout, verdicts FROM versions WHERE resource IN (\(marks))
        ORDER BY resource, valid_from DESC
        """,
        some.map { .integer($0) }
      ) { ($0.integer(0), $0.integer(1), $0.text(2)) }
    }
  }

  /// The states of some resources as they were stored last.
  package func states(of resources: [Int64]) throws -> [StoredState] {
    try resources.chunks(of: 400).flatMap { some in
      let marks = some.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
      return try session.rows(
        Self.presentColumns + " WHERE r.id IN (\(marks))",
        some.map { .integer($0) },
        Self.state
      )
    }
  }
}
