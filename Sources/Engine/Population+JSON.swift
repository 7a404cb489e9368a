package import JSON
import Model

// Parts that were counted apart travel as JSON: between tasks, and between machines.
extension Population {
  /// The counts and the coverage, for ``init(_:)`` of the same rule set.
  package var json: JSONValue {
    let counts = tallies.map { key, tally -> JSONValue in
      .array([
        .integer(Int64(key.clause)), .string(key.account), key.join.map { .string($0) } ?? .null,
        .integer(Int64(tally.yes)), .integer(Int64(tally.no)), .integer(Int64(tally.unknown)),
        .integer(Int64(tally.vacuous)),
      ])
    }
    return [
      "counts": .array(counts), "coverage": .array(statements.map(\.inventoryLine)),
      "has_fault": .bool(hasFault),
    ]
  }

  /// Reads counts back; nil where the value holds none.
  package init?(_ json: JSONValue) {
    self.init()
    guard let counts = json["counts"]?.array, let coverage = json["coverage"]?.array else {
      return nil
    }
    for entry in counts {
      guard let parts = entry.array, parts.count == 7, let clause = parts[0].whole,
        let account = parts[1].string
      else { return nil }
      let numbers = parts[3...].compactMap { $0.whole.map { Int32(clamping: $0) } }
      guard numbers.count == 4 else { return nil }
      let key = Key(clause: Int32(clamping: clause), account: account, join: parts[2].string)
      tallies[key] = Tally(
        yes: numbers[0],
        no: numbers[1],
        unknown: numbers[2],
        vacuous: numbers[3]
      )
    }
    for entry in coverage {
      guard let statement = entry["coverage"] else { return nil }
      note(
        Coverage(
          account: statement["account"]?.string ?? "",
          kind: ResourceKind(
            service: statement["service_name"]?.string ?? "",
            kind: statement["resource_kind"]?.string ?? ""
          ),
          gap: statement["complete"]?.bool == true
            ? nil : statement["reason"]?.string ?? "not complete"
        )
      )
    }
    if json["has_fault"]?.bool == true { noteFault() }
  }
}
