package import Model

/// Where a configuration is recorded, and since when it was there.
package struct RecordedConfiguration: Sendable {
  package var resource: Int64
  package var account: Int64
  package var begins: Instant
  package var block: Int64
  package var slot: Int32
}

// Configurations as they were recorded, many at a time.
extension StoreTransaction {
  /// The configurations that began within an interval, in the order in which they lie in the store.
  ///
  /// With `present` only those that are still there.
  package func recorded(
    kinds: [Int64],
    from: Instant,
    to: Instant,
    present: Bool = false
  ) throws -> [RecordedConfiguration] {
    guard !kinds.isEmpty else { return [] }
    let list = kinds.map(String.init).joined(separator: ", ")
    var found: [RecordedConfiguration] = []
    func take(_ row: any SQLRow) {
      found.append(
        RecordedConfiguration(
          resource: row.integer(0),
          account: row.integer(1),
          begins: row.instant(2),
          block: row.integer(3),
          slot: Int32(truncatingIfNeeded: row.integer(4))
        )
      )
    }
    let isPresent = present ? " AND valid_to = \(Int64.max)" : ""
    let values = [from.value, to.bounded.value]
    try session.query(
      """
      SELECT id, account, valid_from, block, slot FROM resources
      WHERE kind IN (\(list)) AND valid_from >= $1 AND valid_from <= $2\(isPresent)
      """,
      values,
      take
    )
    if !present {
      try session.query(
        """
        SELECT v.resource, r.account, v.valid_from, v.block, v.slot
        FROM versions v JOIN resources r ON r.id = v.resource
        WHERE r.kind IN (\(list)) AND v.valid_from >= $1 AND v.valid_from <= $2
        """,
        values,
        take
      )
    }
    found.sort { ($0.block, $0.slot) < ($1.block, $1.slot) }
    return found
  }

  /// Hands over the lines of recorded configurations block by block, with line ends.
  ///
  /// - Throws: ``StoreError/damaged(_:)``, and what `body` throws.
  package func eachBlock(
    of recorded: [RecordedConfiguration],
    _ body: (_ text: [UInt8], _ recorded: ArraySlice<RecordedConfiguration>) throws -> Void
  ) throws {
    var start = 0
    while start < recorded.count {
      let block = recorded[start].block
      let end = recorded[start...].firstIndex { $0.block != block } ?? recorded.count
      let content = try session.first(
        "SELECT content FROM blocks WHERE id = $1",
        [.integer(block)]
      ) { $0.bytes(0) }
      guard let content else { throw StoreError.damaged("block \(block) is gone") }
      let lines = try Pack.decompress(content).split(
        separator: 0x0A,
        omittingEmptySubsequences: false
      )
      var text: [UInt8] = []
      for entry in recorded[start..<end] {
        guard entry.slot < lines.count else {
          throw StoreError.damaged("block \(block) has no line \(entry.slot)")
        }
        text += lines[Int(entry.slot)]
        text.append(0x0A)
      }
      try body(text, recorded[start..<end])
      start = end
    }
  }
}
