/// Finds the rules that an event can match by the values that they require.
///
/// Most rules require one of a few values, such as names of operations; for them an event costs a
/// look into a table per field, however many rules there are.
struct RuleIndex {
  private var tables: [(slot: Int, rules: [UInt64: [Int32]])] = []
  /// The rules that require nothing that could be looked up.
  private(set) var others: [Int32] = []

  init(_ conditions: [SigmaExpression], slot: (String) -> Int) {
    // A field with many values tells rules apart best.
    var values: [String: Set<[UInt8]>] = [:]
    for condition in conditions { Self.collect(condition, &values) }
    func rank(_ required: [RequiredValue]) -> Int {
      let spread = required.map { values[$0.field]?.count ?? 0 }.min() ?? 0
      return spread * 1000 - required.count
    }
    var places: [Int: Int] = [:]
    for (number, condition) in conditions.enumerated() {
      guard let required = condition.requiredValues(rank), !required.isEmpty else {
        others.append(Int32(number))
        continue
      }
      for value in Set(required) {
        let slot = slot(value.field)
        let place = places[slot] ?? tables.count
        if place == tables.count {
          places[slot] = place
          tables.append((slot, [:]))
        }
        let hash = unsafe value.text.withUnsafeBufferPointer { unsafe Self.hash($0) }
        tables[place].rules[hash, default: []].append(Int32(number))
      }
    }
  }

  private static func collect(
    _ condition: SigmaExpression,
    _ values: inout [String: Set<[UInt8]>]
  ) {
    switch condition {
    case .all(let parts), .any(let parts): for part in parts { collect(part, &values) }
    case .not: break
    case .test:
      for value in condition.requiredValues({ _ in 0 }) ?? [] {
        values[value.field, default: []].insert(value.text)
      }
    }
  }

  /// FNV-1a over the text with ASCII capitals made small; a collision only costs a look at a rule.
  private static func hash(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in 0..<text.count {
      hash = unsafe (hash ^ UInt64(asciiFold(text[index]))) &* 0x100_0000_01B3
    }
    return hash
  }

  /// Tells the rules whose required values an event has; one may be told more than once.
  func candidates(_ event: EventFields, _ body: (Int) -> Void) {
    for table in tables where event.has(table.slot) {
      _ = event.any(table.slot) { place in
        guard event.isScalar(place) else { return false }
        let hash = unsafe event.withText(place) { unsafe Self.hash($0) }
        for rule in table.rules[hash] ?? [] { body(Int(rule)) }
        return false
      }
    }
    for rule in others { body(Int(rule)) }
  }
}
