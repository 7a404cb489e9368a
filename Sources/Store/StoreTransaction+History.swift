package import Model

/// The state of a resource over an interval.
package struct StoredState: Sendable {
  package var resource: Int64
  package var account: Int64
  package var kind: Int64
  package var region: String
  package var group: String
  package var id: String
  package var name: String
  package var tags: String
  package var begins: Instant
  package var ends: Instant
  package var fingerprint: Fingerprint
  package var block: Int64
  package var slot: Int64
  package var layout: Int64
  /// A letter for each place of the layout.
  package var verdicts: String
}

/// Where a state is, as far as most scopes ask.
package struct StatePlace: Sendable, Hashable {
  package var account: Int64
  package var kind: Int64
  package var region: String
  package var group: String

  package init(account: Int64, kind: Int64, region: String, group: String) {
    (self.account, self.kind, self.region, self.group) = (account, kind, region, group)
  }
}

/// Which states are asked for.
package struct StateFilter: Sendable {
  package var account: Int64?
  package var kind: Int64?

  package init(account: Int64? = nil, kind: Int64? = nil) {
    self.account = account
    self.kind = kind
  }

  fileprivate func clause(_ values: inout [SQLValue]) -> String {
    var text = ""
    for (column, number) in [("account", account), ("kind", kind)] {
      guard let number else { continue }
      values.append(.integer(number))
      text += " AND r.\(column) = $\(values.count)"
    }
    return text
  }
}

// Now and then: the states of resources as of an instant.
extension StoreTransaction {
  /// Hands over the state of every resource that was there at an instant, in no order.
  ///
  /// `isAsked` looks at the place of a state first: of one that it refuses nothing more is read.
  package func states(
    at instant: Instant,
    _ filter: StateFilter = StateFilter(),
    where isAsked: ((StatePlace) -> Bool)? = nil,
    _ body: (StoredState) throws -> Void
  ) throws {
    try checkKept(instant)
    var values = [instant.bounded.value]
    let clause = filter.clause(&values)
    func take(_ row: any SQLRow) throws {
      if let isAsked {
        let place = StatePlace(
          account: row.integer(1),
          kind: row.integer(2),
          region: row.text(3),
          group: row.text(4)
        )
        guard isAsked(place) else { return }
      }
      try body(Self.state(row))
    }
    try session.query(
      Self.presentColumns + " WHERE r.valid_from <= $1 AND r.valid_to > $1" + clause,
      values,
      take
    )
    try session.query(
      Self.pastColumns + " WHERE v.valid_to > $1 AND v.valid_from <= $1" + clause,
      values,
      take
    )
  }

  /// The states at an instant of some resources, in the order of their numbers.
  ///
  /// `after` is the number after which they begin.
  /// `account` is whose resources they are; nil for all.
  /// `limit` is how many resources are looked at; those that were not there are among them.
  /// - Returns: the states, and the number of the last resource looked at; nil where none is left.
  package func states(
    at instant: Instant,
    after: Int64,
    account: Int64? = nil,
    limit: Int
  ) throws -> (found: [StoredState], last: Int64?) {
    try checkKept(instant)
    let whose = account.map { _ in " AND r.account = $3" } ?? ""
    let rows = try session.rows(
      Self.presentColumns + " WHERE r.id > $1\(whose) ORDER BY r.id LIMIT $2",
      [.integer(after), .integer(Int64(limit))] + (account.map { [.integer($0)] } ?? []),
      Self.state
    )
    let instant = instant.bounded
    let found = try rows.compactMap { state -> StoredState? in
      if state.begins <= instant { return state.ends > instant ? state : nil }
      return try session.first(
        Self.pastColumns + " WHERE v.resource = $1 AND v.valid_from <= $2 AND v.valid_to > $2",
        [.integer(state.resource), instant.value],
        Self.state
      )
    }
    return (found, rows.count < limit ? nil : rows.last?.resource)
  }

  /// Every state that a resource had, oldest first.
  package func history(of resource: Int64) throws -> [StoredState] {
    let past = try session.rows(
      Self.pastColumns + " WHERE v.resource = $1 ORDER BY v.valid_from",
      [.integer(resource)],
      Self.state
    )
    let present = try session.rows(
      Self.presentColumns + " WHERE r.id = $1",
      [.integer(resource)],
      Self.state
    )
    return past + present
  }

  /// The numbers of the resources that began or ended a state after an instant and up to another.
  package func changed(after: Instant, upTo: Instant) throws -> [Int64] {
    try checkKept(after)
    let bounds = [after.value, upTo.bounded.value]
    // Each finds its own by an index.
    let present = try [
      "valid_from > $1 AND valid_from <= $2", "valid_to > $1 AND valid_to <= $2 AND \(Self.ended)",
    ].flatMap { asked in
      try session.rows("SELECT id FROM resources WHERE \(asked)", bounds) { $0.integer(0) }
    }
    let past = try [
      "valid_to > $1 AND valid_to <= $2", "valid_to > $2 AND valid_from > $1 AND valid_from <= $2",
    ].flatMap { asked in
      try session.rows("SELECT resource FROM versions WHERE \(asked)", bounds) {
        $0.integer(0)
      }
    }
    return Set(present + past).sorted()
  }

  /// That a resource is gone, as the index of those that are asks for it.
  static let ended = "valid_to < 9223372036854775807"

  /// The number of a resource of an account and kind by its id; nil where it was never stored.
  package func number(account: Int64, kind: Int64, id: String) throws -> Int64? {
    guard let seed = try DataStore.seed(session) else { return nil }
    let key = Fingerprint(account: account, kind: kind, resource: id, seed: seed)
    return try session.first(
      "SELECT id FROM resources WHERE key_high = $1 AND key_low = $2",
      key.values
    ) { $0.integer(0) }
  }

  /// How many resources were ever stored, give or take.
  package func resourceCount() throws -> Int64 {
    try session.first("SELECT next FROM counters WHERE name = 'resource'") { $0.integer(0) } ?? 0
  }

  /// The state that a resource had at an instant; nil where it was not there.
  package func state(of resource: Int64, at instant: Instant) throws -> StoredState? {
    let values = [instant.bounded.value, .integer(resource)]
    let present =
      Self.presentColumns + " WHERE r.id = $2 AND r.valid_from <= $1 AND r.valid_to > $1"
    if let found = try session.first(present, values, Self.state) { return found }
    return try session.first(
      Self.pastColumns + " WHERE v.resource = $2 AND v.valid_from <= $1 AND v.valid_to > $1",
      values,
      Self.state
    )
  }

  /// Some of the present states of a kind, in no order.
  package func presentStates(ofKind kind: Int64, limit: Int) throws -> [StoredState] {
    try session.rows(
      Self.presentColumns + " WHERE r.kind = $1 AND r.valid_to = $2 LIMIT $3",
      [.integer(kind), Instant.never.value, .integer(Int64(limit))],
      Self.state
    )
  }

  /// The resources with an id, or else a name.
  package func resources(named text: String) throws -> [StoredState] {
    let exact = try session.rows(
      Self.presentColumns + " WHERE r.resource_id = $1",
      [.text(text)],
      Self.state
    )
    guard exact.isEmpty else { return exact }
    return try session.rows(
      Self.presentColumns + " WHERE r.name = $1",
      [.text(text)],
      Self.state
    )
  }

  /// The lines of an inventory from which states were made, by block and slot.
  ///
  /// - Throws: ``StoreError/damaged(_:)``.
  package func lines(of states: [StoredState]) throws -> [[UInt8]] {
    var lines: [[UInt8]] = Array(repeating: [], count: states.count)
    let byBlock = Dictionary(grouping: states.indices) { states[$0].block }
    for (block, indices) in byBlock {
      let content = try session.first(
        "SELECT content FROM blocks WHERE id = $1",
        [.integer(block)]
      ) { $0.bytes(0) }
      guard let content else { throw StoreError.damaged("block \(block) is gone") }
      let all = try Pack.decompress(content).split(
        separator: 0x0A,
        omittingEmptySubsequences: false
      )
      for index in indices {
        let slot = Int(states[index].slot)
        guard slot < all.count else {
          throw StoreError.damaged("block \(block) has no line \(slot)")
        }
        lines[index] = Array(all[slot])
      }
    }
    return lines
  }

  /// The proof of a goal that counts related resources, as of a state's beginning.
  package func proof(of goal: Int64, resource: Int64, from instant: Instant) throws -> String? {
    let packed = try session.first(
      "SELECT proof FROM proofs WHERE resource = $1 AND goal = $2 AND valid_from = $3",
      [.integer(resource), .integer(goal), instant.value]
    ) { $0.bytes(0) }
    return try packed.map { String(decoding: try Pack.decompress($0), as: UTF8.self) }
  }

  /// Hands over number, account, region, group, kind, layout and verdicts of every resource that was
  /// there at an instant.
  package func vectors(
    at instant: Instant,
    _ body: (
      _ resource: Int64, _ account: Int64, _ region: String, _ group: String, _ kind: Int64,
      _ layout: Int64, _ verdicts: String
    ) throws -> Void
  ) throws {
    func take(_ row: any SQLRow) throws {
      try body(
        row.integer(0),
        row.integer(1),
        row.text(2),
        row.text(3),
        row.integer(4),
        row.integer(5),
        row.text(6)
      )
    }
    try session.query(
      """
      SELECT id, account, region, resource_group, kind, layout, verdicts FROM resources
      WHERE valid_from <= $1 AND valid_to > $1
      """,
      [instant.bounded.value],
      take
    )
    try session.query(
      """
      SELECT r.id, r.account, v.region, v.resource_group, r.kind, v.layout, v.verdicts
      FROM versions v JOIN resources r ON r.id = v.resource
      WHERE v.valid_to > $1 AND v.valid_from <= $1
      """,
      [instant.bounded.value],
      take
    )
  }

  static let presentColumns = """
    SELECT r.id, r.account, r.kind, r.region, r.resource_group, r.resource_id, r.name, r.tags,
      r.valid_from, r.valid_to, r.fingerprint_high, r.fingerprint_low, r.block, r.slot, r.layout,
      r.verdicts
    FROM resources r
    """

  private static let pastColumns = """
    SELECT r.id, r.account, r.kind, v.region, v.resource_group, r.resource_id, v.name, v.tags,
      v.valid_from, v.valid_to, v.fingerprint_high, v.fingerprint_low, v.block, v.slot, v.layout,
      v.verdicts
    FROM versions v JOIN resources r ON r.id = v.resource
    """

  static func state(_ row: any SQLRow) -> StoredState {
    StoredState(
      resource: row.integer(0),
      account: row.integer(1),
      kind: row.integer(2),
      region: row.text(3),
      group: row.text(4),
      id: row.text(5),
      name: row.text(6),
      tags: row.text(7),
      begins: row.instant(8),
      ends: row.instant(9),
      fingerprint: row.fingerprint(10),
      block: row.integer(12),
      slot: row.integer(13),
      layout: row.integer(14),
      verdicts: row.text(15)
    )
  }
}
