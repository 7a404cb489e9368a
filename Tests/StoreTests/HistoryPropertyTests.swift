import Model
import Store
import TestSupport
import Testing

/// What the store should remember, kept in the plainest way: every state of every resource.
private struct NaiveHistory {
  private(set) var spans: [String: [Span]] = [:]

  /// Notes what a complete scan found.
  mutating func scan(_ lines: [String: String], at instant: Instant) {
    for id in Set(spans.keys).union(lines.keys) {
      var history = spans[id] ?? []
      let last = history.last.flatMap { $0.ends.isNever ? $0 : nil }
      guard last?.line != lines[id] else { continue }
      if last != nil { history[history.count - 1].ends = instant }
      if let line = lines[id] { history.append(Span(line, instant)) }
      spans[id] = history
    }
  }

  /// The states at an instant, by id.
  func states(at instant: Instant) -> [String: Span] {
    spans.compactMapValues { history in
      history.first { $0.begins <= instant && instant < $0.ends }
    }
  }

  /// The ids of those that began or ended a state after an instant and up to another.
  func changed(after: Instant, upTo: Instant) -> Set<String> {
    let interval = after.advanced(milliseconds: 1)...upTo
    return Set(
      spans.filter { _, history in
        history.contains { interval.contains($0.begins) || interval.contains($0.ends) }
      }.keys
    )
  }
}

/// The store against a naive model, on random scans; a failure names its seed.
struct HistoryPropertyTests {
  private static let seeds: [UInt64] = [1, 2, 3]
  private static let rounds = 50
  private static let ids = (0..<30).map { "resource-\($0)" }

  /// What one more scan finds: most as before, some changed, some gone, some back.
  private static func next(
    _ lines: [String: String],
    _ random: inout SplitMix64
  ) -> [String: String] {
    var next = lines
    for id in ids {
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<15: next[id] = nil
      case 15..<45: next[id] = "{\"id\":\"\(id)\",\"v\":\(Int.random(in: 0..<4, using: &random))}"
      default: break
      }
    }
    return next
  }

  @Test(arguments: TestDatabase.all, seeds)
  func `the store remembers what a naive model does`(kind: TestDatabase, seed: UInt64) async throws
  {
    try await kind.withStore { store in
      var random = SplitMix64(seed: seed)
      var model = NaiveHistory()
      var numbers: [String: Int64] = [:]
      var lines: [String: String] = [:]
      var instants = [Instant.start]
      let sample = try await StoreSample(store)
      for _ in 0..<Self.rounds {
        lines = Self.next(lines, &random)
        let gap = Int64.random(in: 1...5000, using: &random)
        let instant = (instants.last ?? .start).advanced(milliseconds: gap)
        instants.append(instant)
        model.scan(lines, at: instant)
        let found = try await sample.scan(lines, at: instant)
        for (id, number) in found {
          #expect(numbers[id, default: number] == number, "\(id) has one number")
          numbers[id] = number
        }
      }
      #expect(numbers.count == Self.ids.count)
      #expect(Set(numbers.values).count == numbers.count)

      // Around every scan, and at instants anywhere between them.
      let last = try #require(instants.last)
      var asked = instants.flatMap { [$0.advanced(milliseconds: -1), $0] }
      for _ in 0..<50 {
        let moment = Int64.random(
          in: 0...(last.milliseconds - Instant.start.milliseconds),
          using: &random
        )
        asked.append(Instant.start.advanced(milliseconds: moment))
      }
      asked += [last.advanced(days: 1000), .never]
      for instant in asked {
        let states = try await sample.states(at: instant)
        let found = Dictionary(states.map { ($0.id, $0.span) }) { first, _ in first }
        // "Never" asks for what is there now.
        let expected = model.states(at: instant.isNever ? last : instant)
        #expect(states.count == found.count, "one state each at \(instant)")
        #expect(found == expected, "at \(instant)")
      }
      for (id, number) in numbers {
        let history = try await sample.history(of: number)
        #expect(history == model.spans[id], "\(id)")
      }
      for _ in 0..<30 {
        let bounds = [asked.randomElement(using: &random), asked.randomElement(using: &random)]
          .compactMap { $0 }.filter { !$0.isNever }.sorted()
        guard bounds.count == 2, bounds[0] < bounds[1] else { continue }
        let (after, upTo) = (bounds[0], bounds[1])
        let changed = try await store.read { try $0.changed(after: after, upTo: upTo) }
        let expected = model.changed(after: after, upTo: upTo).compactMap { numbers[$0] }.sorted()
        #expect(changed == expected, "after \(after) up to \(upTo)")
      }
      let faults = try await store.read { try $0.contentFaults() }
      #expect(faults == [])
    }
  }
}
