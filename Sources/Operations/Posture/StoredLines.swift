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
    where isAsked: (ResourceKind) -> Bool,
    at instant: Instant,
    _ body: (JSONValue) throws -> Void
  ) throws {
    var states: [StoredState] = []
    for (number, kind) in try transaction.kinds() where isAsked(kind) {
      try transaction.states(at: instant, StateFilter(kind: number)) { states.append($0) }
    }
    // Blocks are unpacked once when their lines are asked for together.
    states.sort { ($0.block, $0.slot) < ($1.block, $1.slot) }
    let parser = JSONParser()
    for start in stride(from: 0, to: states.count, by: batch) {
      let part = Array(states[start..<min(start + batch, states.count)])
      for line in try transaction.lines(of: part) { try body(try parser.parse(line)) }
    }
  }
}
