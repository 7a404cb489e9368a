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
  /// Its line of the inventory.
  package var line: [UInt8]
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
    line: [UInt8],
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
    self.line = line
    self.proofs = proofs
  }
}

// What: resources, their states over time, and their configurations.
extension StoreTransaction {
  /// How many bytes of configurations share a block; one longer line has a block of its own.
  package static let blockSize = 1 << 18
  /// How many configurations share a block at most.
  package static let blockLines = 512

  /// Every resource that was ever stored, for ``StateIndex``; of one account, or of all.
  package func stateEntries(account: Int64? = nil) throws -> [StateIndex.Entry] {
    let columns = "SELECT id, key, fingerprint, account, kind, layout, valid_to FROM resources"
    let filter = account == nil ? "" : " WHERE account = $1"
    return try session.rows(columns + filter, account.map { [.integer($0)] } ?? []) { row in
      StateIndex.Entry(
        resource: row.integer(0),
        key: Fingerprint(row.bytes(1)),
        fingerprint: Fingerprint(row.bytes(2)),
        account: row.integer(3),
        kind: row.integer(4),
        layout: row.integer(5),
        isCurrent: row.instant(6).isNever
      )
    }
  }

  /// The verdicts of present resources that can get others while they stay as they are, by number.
  package func volatileVerdicts() throws -> [Int64: String] {
    let found = try session.rows(
      """
      SELECT r.id, r.verdicts FROM layouts l JOIN resources r ON r.layout = l.id
      WHERE l.is_volatile = 1 AND r.valid_to = $1
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
    let places = try storeLines(resources, of: account)
    let new = resources.indices.filter { resources[$0].known == nil }
    let first = new.isEmpty ? 0 : try take(new.count, of: "resource")
    var numbers = resources.map { $0.known ?? 0 }
    var values: [SQLValue] = []
    values.reserveCapacity(new.count * Self.columns.count)
    for (offset, index) in new.enumerated() {
      let id = first + Int64(offset)
      numbers[index] = id
      values.append(.integer(id))
      append(resources[index], places[index], instant, to: &values)
    }
    try session.insert(into: "resources", columns: Self.columns, values: values)
    for index in resources.indices where resources[index].known != nil {
      try change(resources[index], numbers[index], places[index], at: instant)
    }
    let proofs = resources.indices.flatMap { index in
      resources[index].proofs.flatMap { goal, proof -> [SQLValue] in
        [
          .integer(numbers[index]), .integer(goal), instant.value,
          .bytes(Pack.compress(Array(proof.utf8))),
        ]
      }
    }
    try session.insert(
      into: "proofs",
      columns: ["resource", "goal", "valid_from", "proof"],
      values: proofs
    )
    return numbers
  }

  private static let columns = [
    "id", "account", "kind", "key", "region", "resource_group", "resource_id", "name", "tags",
    "first_seen", "valid_from", "valid_to", "fingerprint", "block", "slot", "layout", "verdicts",
  ]

  private func append(
    _ resource: FoundResource,
    _ place: (block: Int64, slot: Int64),
    _ instant: Instant,
    to values: inout [SQLValue]
  ) {
    values.append(.integer(resource.account))
    values.append(.integer(resource.kind))
    values.append(.bytes(resource.key.bytes))
    values.append(.text(resource.region))
    values.append(.text(resource.group))
    values.append(.text(resource.id))
    values.append(.text(resource.name))
    values.append(.text(resource.tags))
    values.append(instant.value)
    values.append(instant.value)
    values.append(Instant.never.value)
    values.append(.bytes(resource.fingerprint.bytes))
    values.append(.integer(place.block))
    values.append(.integer(place.slot))
    values.append(.integer(resource.layout))
    values.append(.text(resource.verdicts))
  }

  /// Ends a resource's present state and begins another.
  private func change(
    _ resource: FoundResource,
    _ number: Int64,
    _ place: (block: Int64, slot: Int64),
    at instant: Instant
  ) throws {
    try end(number, at: instant)
    let changed = try session.run(
      """
      UPDATE resources SET region = $2, resource_group = $3, name = $4, tags = $5, valid_from = $6,
        valid_to = $7, fingerprint = $8, block = $9, slot = $10, layout = $11, verdicts = $12
      WHERE id = $1 AND account = $13 AND valid_from < $6
      """,
      [
        .integer(number), .text(resource.region), .text(resource.group), .text(resource.name),
        .text(resource.tags), instant.value, Instant.never.value,
        .bytes(resource.fingerprint.bytes), .integer(place.block), .integer(place.slot),
        .integer(resource.layout), .text(resource.verdicts), .integer(resource.account),
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
        fingerprint, block, slot, layout, verdicts)
      SELECT id, valid_from, CASE WHEN valid_to < $2 THEN valid_to ELSE $2 END, region,
        resource_group, name, tags, fingerprint, block, slot, layout, verdicts
      FROM resources WHERE id = $1 AND valid_from < $2
      """,
      [.integer(number), instant.value]
    )
  }

  /// Ends resources that a complete scan did not see.
  package func endAsGone(_ numbers: [Int64], at instant: Instant) throws {
    for number in numbers {
      try session.run(
        "UPDATE resources SET valid_to = $2 WHERE id = $1 AND valid_to > $2 AND valid_from < $2",
        [.integer(number), instant.value]
      )
    }
  }

  /// Compresses lines into blocks, and returns the block and slot of each.
  private func storeLines(
    _ resources: [FoundResource],
    of account: Int64
  ) throws -> [(block: Int64, slot: Int64)] {
    var ranges: [Range<Int>] = []
    var start = 0
    var size = 0
    for (index, resource) in resources.enumerated() {
      let isFull = size + resource.line.count > Self.blockSize || index - start >= Self.blockLines
      if isFull, index > start {
        ranges.append(start..<index)
        start = index
        size = 0
      }
      size += resource.line.count + 1
    }
    if start < resources.count { ranges.append(start..<resources.count) }
    guard !ranges.isEmpty else { return [] }
    let first = try take(ranges.count, of: "block")
    var places: [(block: Int64, slot: Int64)] = []
    var values: [SQLValue] = []
    for (number, range) in ranges.enumerated() {
      var text: [UInt8] = []
      text.reserveCapacity(Self.blockSize)
      for (slot, index) in range.enumerated() {
        text += resources[index].line
        text.append(0x0A)
        places.append((first + Int64(number), Int64(slot)))
      }
      values += [
        .integer(first + Int64(number)), .integer(account), .integer(Int64(range.count)),
        .bytes(Pack.compress(text)),
      ]
    }
    try session.insert(
      into: "blocks",
      columns: ["id", "account", "lines", "content"],
      values: values
    )
    return places
  }
}
