package import Model

/// One state of a resource as a scan found it.
package struct FoundResource: Sendable {
  /// The resource's number where it was stored before.
  package var known: Int64?
  package var account: Int64
  package var kind: Int64
  package var key: Fingerprint
  package var region: String
  package var group: String
  package var id: String
  package var name: String
  package var tags: String
  package var fingerprint: Fingerprint
  package var layout: Int64
  package var verdicts: String
  /// Where its line of the inventory stands: a block of those stored with it, and a line of that.
  package var block: Int
  package var slot: Int
  /// Proofs of goals that count related resources, by goal.
  package var proofs: [(goal: Int64, proof: String)]

  package init(
    known: Int64?,
    account: Int64,
    kind: Int64,
    key: Fingerprint,
    region: String,
    group: String,
    id: String,
    name: String,
    tags: String,
    fingerprint: Fingerprint,
    layout: Int64,
    verdicts: String,
    block: Int,
    slot: Int,
    proofs: [(goal: Int64, proof: String)] = []
  ) {
    self.known = known
    self.account = account
    self.kind = kind
    self.key = key
    self.region = region
    self.group = group
    self.id = id
    self.name = name
    self.tags = tags
    self.fingerprint = fingerprint
    self.layout = layout
    self.verdicts = verdicts
    self.block = block
    self.slot = slot
    self.proofs = proofs
  }
}

/// Lines of one account's inventory, compressed together.
package struct PackedBlock: Sendable {
  package var lines: Int
  package var content: [UInt8]
}

/// Gathers lines of one account into blocks.
package struct BlockBuilder: Sendable {
  /// How many bytes share a block; one longer line has a block of its own.
  private static let size = 1 << 18
  /// How many lines share a block at most: reading one line unpacks them all.
  private static let lineLimit = 512

  /// The blocks that are full.
  package private(set) var blocks: [PackedBlock] = []
  private var text: [UInt8] = []
  private var lines = 0

  package init() {}

  /// Appends a line, and returns its block and slot.
  package mutating func append(_ line: ArraySlice<UInt8>) -> (block: Int, slot: Int) {
    if lines > 0, text.count + line.count >= Self.size || lines == Self.lineLimit { flush() }
    text += line
    text.append(0x0A)
    lines += 1
    return (blocks.count, lines - 1)
  }

  /// Every block, the last one included.
  package mutating func finish() -> [PackedBlock] {
    flush()
    return blocks
  }

  private mutating func flush() {
    guard lines > 0 else { return }
    blocks.append(PackedBlock(lines: lines, content: Pack.compress(text)))
    text.removeAll(keepingCapacity: true)
    lines = 0
  }
}

// What: resources, their states over time, and their configurations.
extension StoreTransaction {
  /// Every resource that was ever stored, for ``StateIndex``; of one account, or of all.
  package func stateEntries(account: Int64? = nil) throws -> [StateIndex.Entry] {
    let columns = """
      SELECT id, key_high, key_low, fingerprint_high, fingerprint_low, account, kind, layout,
        valid_to FROM resources
      """
    let filter = account == nil ? "" : " WHERE account = $1"
    return try session.rows(columns + filter, account.map { [.integer($0)] } ?? []) { row in
      StateIndex.Entry(
        resource: row.integer(0),
        key: row.fingerprint(1),
        fingerprint: row.fingerprint(3),
        account: row.integer(5),
        kind: row.integer(6),
        layout: row.integer(7),
        isCurrent: row.instant(8).isNever
      )
    }
  }

  static let changes = "change of state"

  /// A number that differs whenever some state was stored or ended in between.
  package func changeCount() throws -> Int64 {
    try count(of: Self.changes)
  }

  func count(of counter: String) throws -> Int64 {
    try session.first("SELECT next FROM counters WHERE name = $1", [.text(counter)]) {
      $0.integer(0)
    } ?? 0
  }

  /// The verdicts of present resources that can get others while they stay as they are, by number.
  package func volatileVerdicts() throws -> [Int64: String] {
    let layouts = try layouts().values.filter(\.isVolatile).map { String($0.id) }.sorted()
    // Without an index on layouts, asking for none would still read every row.
    guard !layouts.isEmpty else { return [:] }
    let found = try session.rows(
      """
      SELECT id, verdicts FROM resources
      WHERE valid_to = $1 AND layout IN (\(layouts.joined(separator: ",")))
      """,
      [Instant.never.value]
    ) { ($0.integer(0), $0.text(1)) }
    return Dictionary(found) { first, _ in first }
  }

  /// Stores resources that are new or changed, as of an instant.
  ///
  /// The former state of a changed one ends at the instant. All belong to one account: a record of
  /// another account is refused and nothing is kept.
  ///
  /// - Returns: the number of each resource, in their order.
  /// - Throws: ``StoreError/otherAccount(expected:found:record:)``, and
  ///   ``StoreError/conflict(_:)`` when an interval would be empty or reversed.
  package func store(
    _ resources: [FoundResource],
    _ blocks: [PackedBlock],
    of account: Int64,
    at instant: Instant
  ) throws -> [Int64] {
    for resource in resources where resource.account != account {
      let names = try accounts()
      throw StoreError.otherAccount(
        expected: names[account]?.account ?? "\(account)",
        found: names[resource.account]?.account ?? "\(resource.account)",
        record: resource.id
      )
    }
    let change = resources.isEmpty ? 0 : try take(of: Self.changes)
    let block = try store(blocks, of: account)
    // In the order of their keys, so that neighbours in the index are written together.
    let new = resources.indices.filter { resources[$0].known == nil }
      .sorted {
        Int64(bitPattern: resources[$0].key.high) < Int64(bitPattern: resources[$1].key.high)
      }
    let first = new.isEmpty ? 0 : try take(new.count, of: "resource")
    var numbers = resources.map { $0.known ?? 0 }
    for (offset, index) in new.enumerated() { numbers[index] = first + Int64(offset) }
    try session.insert(into: "resources", columns: Self.columns, rows: new.count) { offset, row in
      row.integer(first + Int64(offset))
      row.integer(change)
      Self.write(resources[new[offset]], block, instant, to: row)
    }
    for index in resources.indices where resources[index].known != nil {
      try self.change(resources[index], numbers[index], block, by: change, at: instant)
    }
    let proofs = resources.indices.flatMap { index in
      resources[index].proofs.map { (number: numbers[index], goal: $0.goal, proof: $0.proof) }
    }
    try session.insert(
      into: "proofs",
      columns: ["resource", "goal", "valid_from", "proof"],
      rows: proofs.count
    ) { index, row in
      row.integer(proofs[index].number)
      row.integer(proofs[index].goal)
      row.integer(instant.milliseconds)
      row.bytes(Pack.compress(Array(proofs[index].proof.utf8)))
    }
    return numbers
  }

  private static let columns = [
    "id", "change", "account", "kind", "key_high", "key_low", "region", "resource_group",
    "resource_id",
    "name", "tags",
    "first_seen", "valid_from", "valid_to", "fingerprint_high",
    "fingerprint_low", "block", "slot", "layout", "verdicts",
  ]

  private static func write(
    _ resource: FoundResource,
    _ firstBlock: Int64,
    _ instant: Instant,
    to row: any SQLRowWriter
  ) {
    row.integer(resource.account)
    row.integer(resource.kind)
    row.integer(Int64(bitPattern: resource.key.high))
    row.integer(Int64(bitPattern: resource.key.low))
    row.text(resource.region)
    row.text(resource.group)
    row.text(resource.id)
    row.text(resource.name)
    row.text(resource.tags)
    row.integer(instant.milliseconds)
    row.integer(instant.milliseconds)
    row.integer(Instant.never.milliseconds)
    row.integer(Int64(bitPattern: resource.fingerprint.high))
    row.integer(Int64(bitPattern: resource.fingerprint.low))
    row.integer(firstBlock + Int64(resource.block))
    row.integer(Int64(resource.slot))
    row.integer(resource.layout)
    row.text(resource.verdicts)
  }

  /// Ends a resource's present state and begins another.
  private func change(
    _ resource: FoundResource,
    _ number: Int64,
    _ firstBlock: Int64,
    by change: Int64,
    at instant: Instant
  ) throws {
    try end(number, at: instant)
    let changed = try session.run(
      """
      UPDATE resources SET region = $2, resource_group = $3, name = $4, tags = $5, valid_from = $6,
        valid_to = $7, fingerprint_high = $8, fingerprint_low = $9, block = $10, slot = $11,
        layout = $12, verdicts = $13, change = $15
      WHERE id = $1 AND account = $14 AND valid_from < $6
      """,
      [
        .integer(number), .text(resource.region), .text(resource.group), .text(resource.name),
        .text(resource.tags), instant.value, Instant.never.value,
        resource.fingerprint.values[0], resource.fingerprint.values[1],
        .integer(firstBlock + Int64(resource.block)), .integer(Int64(resource.slot)),
        .integer(resource.layout), .text(resource.verdicts), .integer(resource.account),
        .integer(change),
      ]
    )
    guard changed == 1 else {
      throw StoreError.conflict(
        "\(resource.id) has a state from \(instant) or later already; an inventory names a "
          + "resource once, and scans go forward in time"
      )
    }
  }

  /// Moves the present state of a resource to its history, ending at an instant unless it ended
  /// before.
  private func end(_ number: Int64, at instant: Instant) throws {
    try session.run(
      """
      INSERT INTO versions (resource, valid_from, valid_to, region, resource_group, name, tags,
        fingerprint_high, fingerprint_low, block, slot, layout, verdicts)
      SELECT id, valid_from, CASE WHEN valid_to < $2 THEN valid_to ELSE $2 END, region,
        resource_group, name, tags, fingerprint_high, fingerprint_low, block, slot, layout,
        verdicts
      FROM resources WHERE id = $1 AND valid_from < $2
      """,
      [.integer(number), instant.value]
    )
  }

  /// The numbers and accounts of the resources that were first seen at an instant.
  package func resources(since instant: Instant) throws -> [(number: Int64, account: Int64)] {
    try session.rows(
      "SELECT id, account FROM resources WHERE first_seen = $1",
      [instant.value]
    ) { ($0.integer(0), $0.integer(1)) }
  }

  /// Ends resources that a complete scan did not see.
  ///
  /// - Returns: how many had not ended before.
  @discardableResult
  package func endAsGone(_ numbers: [Int64], at instant: Instant) throws -> Int {
    guard !numbers.isEmpty else { return 0 }
    let change = try take(of: Self.changes)
    var ended = 0
    for number in numbers {
      ended += try session.run(
        """
        UPDATE resources SET valid_to = $2, change = $3
        WHERE id = $1 AND valid_to > $2 AND valid_from < $2
        """,
        [.integer(number), instant.value, .integer(change)]
      )
    }
    return ended
  }

  /// Stores blocks, and returns the number of the first.
  private func store(_ blocks: [PackedBlock], of account: Int64) throws -> Int64 {
    guard !blocks.isEmpty else { return 0 }
    let first = try take(blocks.count, of: "block")
    try session.insert(
      into: "blocks",
      columns: ["id", "account", "lines", "content"],
      rows: blocks.count
    ) { index, row in
      row.integer(first + Int64(index))
      row.integer(account)
      row.integer(Int64(blocks[index].lines))
      row.bytes(blocks[index].content)
    }
    return first
  }
}

extension Fingerprint {
  /// The two columns in which it is stored.
  var values: [SQLValue] {
    [.integer(Int64(bitPattern: high)), .integer(Int64(bitPattern: low))]
  }
}

extension SQLRow {
  /// The fingerprint in a column and the one behind it.
  func fingerprint(_ column: Int) -> Fingerprint {
    Fingerprint(
      high: UInt64(bitPattern: integer(column)),
      low: UInt64(bitPattern: integer(column + 1))
    )
  }
}
