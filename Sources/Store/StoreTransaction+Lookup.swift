import JSON
import Model

// Resources by what they are called and by what stands in their lines, many at a time.
extension StoreTransaction {
  /// How many keys one statement asks for.
  private static let keysAtOnce = 400

  /// The numbers of the resources of some accounts, kinds and ids, by their places in the list; those
  /// that were never stored are left out.
  package func numbers(
    of asked: [(account: Int64, kind: Int64, id: String)]
  ) throws -> [(place: Int, number: Int64)] {
    guard !asked.isEmpty, let seed = try DataStore.seed(session) else { return [] }
    let keys = asked.map {
      Fingerprint(account: $0.account, kind: $0.kind, resource: $0.id, seed: seed)
    }
    let places = Dictionary(grouping: keys.indices) { keys[$0] }
    let marks = (1...Self.keysAtOnce).map { "$\($0)" }.joined(separator: ", ")
    let statement = "SELECT id, key_high, key_low FROM resources WHERE key_high IN (\(marks))"
    var found: [(place: Int, number: Int64)] = []
    for start in stride(from: 0, to: keys.count, by: Self.keysAtOnce) {
      var values = keys[start..<min(start + Self.keysAtOnce, keys.count)].map { $0.values[0] }
      // One statement for every part, so that it is prepared once.
      values += Array(repeating: values[0], count: Self.keysAtOnce - values.count)
      try session.query(statement, values) { row in
        found += (places[row.fingerprint(1)] ?? []).map { ($0, row.integer(0)) }
      }
    }
    return found
  }

  /// The kinds of which an account ever had a resource.
  package func kinds(ofAccount account: Int64) throws -> [Int64] {
    try kinds().keys.sorted().filter { kind in
      try session.first(
        "SELECT id FROM resources WHERE kind = $1 AND account = $2 LIMIT 1",
        [.integer(kind), .integer(account)]
      ) { $0.integer(0) } != nil
    }
  }

  /// The lines of some states in which a text stands, by the places of the states.
  ///
  /// - Throws: ``StoreError/damaged(_:)``.
  package func lines(
    of states: [StoredState],
    holding text: [UInt8]
  ) throws -> [(place: Int, line: [UInt8])] {
    var found: [(place: Int, line: [UInt8])] = []
    for (block, places) in Dictionary(grouping: states.indices, by: { states[$0].block }) {
      let content = try session.first(
        "SELECT content FROM blocks WHERE id = $1",
        [.integer(block)]
      ) { $0.bytes(0) }
      guard let content else { throw StoreError.damaged("block \(block) is gone") }
      let lines = try Pack.decompress(content)
      // Most blocks do not hold it, and are not cut into lines.
      guard lines[...].holds(text) else { continue }
      let all = lines.split(separator: 0x0A, omittingEmptySubsequences: false)
      for place in places {
        let slot = Int(states[place].slot)
        guard slot < all.count else {
          throw StoreError.damaged("block \(block) has no line \(slot)")
        }
        if all[slot].holds(text) { found.append((place, Array(all[slot]))) }
      }
    }
    return found.sorted { $0.place < $1.place }
  }
}
