package import Model

/// A resource as it is counted and found: read from its row as far as it is asked.
package struct EstateRow {
  private let row: any SQLRow

  fileprivate init(_ row: any SQLRow) { self.row = row }

  fileprivate static let columns =
    "r.id, r.account, r.kind, r.valid_to, r.resource_id, %.layout, %.verdicts, %.region, "
    + "%.resource_group, %.name, %.tags"

  package var resource: Int64 { row.integer(0) }
  package var account: Int64 { row.integer(1) }
  package var kind: Int64 { row.integer(2) }
  /// Whether it is there now.
  package var isPresent: Bool { row.instant(3).isNever }
  package var id: String { row.text(4) }
  package var layout: Int64 { row.integer(5) }
  package var verdicts: String { row.text(6) }
  package var region: String { row.text(7) }
  package var group: String { row.text(8) }
  package var name: String { row.text(9) }
  package var tags: String { row.text(10) }
}

// All resources at once, for whoever keeps something of each in memory and keeps up with what changes.
extension StoreTransaction {
  /// Hands over every resource that is there now.
  package func presentEstate(_ body: (EstateRow) throws -> Void) throws {
    try session.query(
      Self.present + " WHERE r.valid_to = $1",
      [Instant.never.value]
    ) { try body(EstateRow($0)) }
  }

  /// Hands over every resource that was made, changed or ended since ``changeCount()`` was a number.
  package func estate(changedSince change: Int64, _ body: (EstateRow) throws -> Void) throws {
    try session.query(Self.present + " WHERE r.change >= $1", [.integer(change)]) {
      try body(EstateRow($0))
    }
  }

  /// Hands over some of the resources that are there or gone.
  package func estate(of resources: [Int64], _ body: (EstateRow) throws -> Void) throws {
    for some in resources.chunks(of: 400) {
      let marks = some.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
      try session.query(
        Self.present + " WHERE r.id IN (\(marks))",
        some.map { .integer($0) }
      ) { try body(EstateRow($0)) }
    }
  }

  static let removals = "removal of resources"

  /// A number that differs whenever some resources that were gone were removed in between.
  package func removalCount() throws -> Int64 { try count(of: Self.removals) }

  /// Whether what was there at an instant is what is there now.
  ///
  /// - Throws: as ``states(at:_:where:_:)``.
  package func isPresentEstate(at instant: Instant) throws -> Bool {
    try checkKept(instant)
    let later = [
      "resources WHERE valid_from > $1", "resources WHERE valid_to > $1 AND \(Self.ended)",
      "versions WHERE valid_to > $1",
    ]
    return try later.allSatisfy { place in
      try session.first("SELECT 1 FROM \(place) LIMIT 1", [instant.bounded.value]) { _ in true }
        == nil
    }
  }

  /// Hands over by what the resources that were there at an instant differ from those that are there now.
  ///
  /// `gone` is told the numbers of those that are as they were not then; after that `there` is handed those
  /// that were, as they were then.
  package func estate(
    differingAt instant: Instant,
    gone: (Int64) throws -> Void,
    there: (EstateRow) throws -> Void
  ) throws {
    let values = [instant.bounded.value]
    try session.query("SELECT id FROM resources WHERE valid_from > $1", values) {
      try gone($0.integer(0))
    }
    try session.query(
      Self.present + " WHERE r.valid_to > $1 AND r.\(Self.ended) AND r.valid_from <= $1",
      values
    ) { try there(EstateRow($0)) }
    try session.query(
      "SELECT \(EstateRow.columns.replacing("%", with: "v")) FROM versions v "
        + "JOIN resources r ON r.id = v.resource WHERE v.valid_to > $1 AND v.valid_from <= $1",
      values
    ) { try there(EstateRow($0)) }
  }

  private static let present =
    "SELECT \(EstateRow.columns.replacing("%", with: "r")) FROM resources r"
}
