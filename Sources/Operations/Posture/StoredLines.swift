package import JSON
package import Model
package import Store

/// The lines of resources of some kinds, as a store holds them.
package enum StoredLines {
  /// How many lines are looked at together.
  private static let batch = 2000

  /// Hands over the lines of kinds as of an instant, parsed.
  package static func each(
    _ transaction: StoreTransaction,
    where isAsked: @escaping (ResourceKind) -> Bool,
    at instant: Instant,
    _ body: (JSONValue) throws -> Void
  ) throws {
    let places = try Places(transaction)
    var states: [StoredState] = []
    try transaction.states(
      at: instant,
      where: { place in
        isAsked(places.place(place.account, region: "", group: "", kind: place.kind).kind)
      },
      { states.append($0) }
    )
    // Blocks are unpacked once when their lines are asked for together.
    states.sort { ($0.block, $0.slot) < ($1.block, $1.slot) }
    let parser = JSONParser()
    for start in stride(from: 0, to: states.count, by: batch) {
      let part = Array(states[start..<min(start + batch, states.count)])
      for line in try transaction.lines(of: part) { try body(try parser.parse(line)) }
    }
  }
}
