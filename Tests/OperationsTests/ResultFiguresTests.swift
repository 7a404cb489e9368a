import Engine
import Foundation
import JSON
import Model
import Operations
import Store
import Synchronization
import TestSupport
import Testing

/// Counts of results are those of the results, whatever is asked for, by whom and as of when.
struct ResultFiguresTests {
  private static let scans = 25
  private static let questions = 400

  @Test(arguments: TestDatabase.all)
  func `figures are the sums of the results that a filter selects`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      var estate = RandomEstate(seed: 7)
      let steps = try await estate.scan(Self.scans, bench)
      let faults = try await bench.store.read { transaction -> [String] in
        var random = SplitMix64(seed: 11)
        let cache = PostureCache()
        var faults: [String] = []
        for _ in 0..<Self.questions {
          let step = steps[Int.random(in: steps.indices, using: &random)]
          let minutes = Int64.random(in: 0...1, using: &random) * 40
          let instant = step.instant.advanced(milliseconds: minutes * 60_000)
          let (filter, sight) = Self.question(&random)
          faults += try Self.compare(transaction, filter, sight, at: instant, cache)
        }
        return faults
      }
      #expect(faults.count == 0, "\(faults.prefix(5).joined(separator: "\n"))")
    }
  }

  @Test func `counts that took long stand a while though results change, and no longer`()
    async throws
  {
    try await Bench.with(.sqlite) { bench in
      var estate = RandomEstate(seed: 7)
      let clock = StepClock()
      // Each look at the clock is a second later, so that a count takes one.
      let cache = PostureCache(slow: .milliseconds(500), patience: 100) { clock.next() }
      _ = try await estate.scan(2, bench)
      let first = try await Self.count(bench.store, cache)
      _ = try await estate.scan(8, from: 2, bench)
      let second = try await Self.count(bench.store, cache)
      clock.pass(.seconds(1000))
      let third = try await Self.count(bench.store, cache)
      let fresh = try await Self.count(bench.store, PostureCache())
      #expect(first.isCounted && first.counts.all > 0)
      #expect(second.counts == first.counts && !second.isCounted)
      #expect(third.counts == fresh.counts && third.counts != first.counts && third.isCounted)
    }
  }

  @Test
  func `readers are told former counts while others renew them, however long ago they were made`()
    async throws
  {
    try await Bench.with(.sqlite) { bench in
      var estate = RandomEstate(seed: 7)
      let clock = StepClock()
      let cache = PostureCache(slow: .milliseconds(500), patience: 100) { clock.next() }
      _ = try await estate.scan(2, bench)
      let first = try await Self.count(bench.store, cache)
      // They were so until a moment ago.
      clock.pass(.seconds(1000))
      let later = try await Self.count(bench.store, cache)
      #expect(later.isCounted)
      _ = try await estate.scan(8, from: 2, bench)
      let second = try await Self.count(bench.store, cache)
      #expect(second.counts == first.counts && !second.isCounted)
      let renewed = try await Self.count(bench.store, cache, isRenewal: true)
      #expect(renewed.counts != first.counts && renewed.isCounted)
      let last = try await Self.count(bench.store, cache)
      #expect(last.counts == renewed.counts)
    }
  }

  @Test func `counts that took no time are always of now`() async throws {
    try await Bench.with(.sqlite) { bench in
      var estate = RandomEstate(seed: 7)
      let cache = PostureCache(slow: .seconds(600), patience: 1e6)
      _ = try await estate.scan(2, bench)
      let first = try await Self.count(bench.store, cache)
      _ = try await estate.scan(8, from: 2, bench)
      let second = try await Self.count(bench.store, cache)
      #expect(second.counts != first.counts && second.isCounted)
    }
  }

  private static func count(
    _ store: DataStore,
    _ cache: PostureCache,
    isRenewal: Bool = false
  ) async throws -> (counts: ResultFigures.Counts, isCounted: Bool) {
    try await store.read { transaction in
      var reader = try ResultReader(transaction, at: hour(10_000), isPresent: true)
      let counts = try reader.figures(ResultFilter(), cache, isRenewal: isRenewal).selected
      return (counts, cache.isCounted(try transaction.changeCount()))
    }
  }

  /// A filter and what its asker may see, drawn at random.
  private static func question(_ random: inout SplitMix64) -> (ResultFilter, Sight) {
    func maybe<Value>(_ choices: [Value], _ none: Value) -> Value {
      Bool.random(using: &random)
        ? choices[Int.random(in: choices.indices, using: &random)] : none
    }
    var filter = ResultFilter()
    filter.scope = maybe(["east", "prod"], "")
    filter.verdicts = maybe([[.fail], [.pass, .unknown], [.notApplicable]], [])
    filter.threshold = maybe([.high, .medium], .low)
    filter.rules = maybe([["bucket.*"], ["bucket.kept", "user.key-age"]], [])
    filter.kinds = maybe([["*/bucket"], ["user"]], [])
    filter.accounts = maybe([["a"], ["b"], ["nowhere"]], [])
    filter.leavesOutExcepted = maybe([true], false)
    filter.resources = maybe([[], ["b1*"], ["u?"]], [])
    let sight = maybe(
      [Sight([.account("a")]), Sight([.scope("prod")]), Sight([.scope("east"), .account("b")])],
      .everything
    )
    return (filter, sight)
  }

  private static func compare(
    _ transaction: StoreTransaction,
    _ filter: ResultFilter,
    _ sight: Sight,
    at instant: Instant,
    _ cache: PostureCache
  ) throws -> [String] {
    var reader = try ResultReader(transaction, at: instant, sight: sight)
    var counts = ResultFigures.Counts()
    var (severities, rules, accounts): ([Severity: Int], [String: Int], [String: Int]) = (
      [:], [:], [:]
    )
    var weights: [Int64: Int] = [:]
    try reader.results(filter) { result in
      counts.verdicts[Verdict.allCases.firstIndex(of: result.verdict) ?? 0] += 1
      if result.exception != nil { counts.excepted += 1 }
      severities[result.goal.severity, default: 0] += 1
      rules[result.goal.rule, default: 0] += 1
      accounts[result.place.accounts.first ?? "", default: 0] += 1
    }
    var everything = ResultFilter()
    (everything.scope, everything.accounts, everything.kinds) = (
      filter.scope, filter.accounts, filter.kinds
    )
    try reader.results(everything) { result in
      guard result.verdict == .fail else { return }
      weights[result.state.resource, default: 0] += result.goal.severity.weight
    }
    var (paged, end): (Int, ResultReader.Position?) = (0, nil)
    repeat {
      let page = try reader.page(filter, after: end, limit: 40)
      (paged, end) = (paged + page.results.count, page.end)
    } while end != nil
    let figures = try reader.figures(filter, cache)
    let heaviest = try reader.heaviest(everything, limit: 3, cache)
    let expected = weights.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3)
    let name = "\(filter) of \(sight) at \(instant)"
    var faults: [String] = []
    func check<Value: Equatable>(_ one: Value, _ other: Value, _ what: String) {
      if one != other { faults.append("\(what): \(one), not \(other): \(name)") }
    }
    check(figures.selected, counts, "selected")
    check(paged, counts.all, "page by page")
    check(figures.severities.mapValues(\.all), severities, "severities")
    check(figures.rules.mapValues(\.counts.all), rules, "rules")
    check(figures.accounts.mapValues(\.all), accounts, "accounts")
    check(heaviest.map(\.resource), expected.map(\.key), "heaviest")
    check(heaviest.map(\.weight), expected.map(\.value), "weights")
    return faults
  }
}

/// A clock that is a second later at each look.
private final class StepClock: Sendable {
  private let instant = Mutex(ContinuousClock.now)

  func next() -> ContinuousClock.Instant {
    instant.withLock { instant in
      instant += .seconds(1)
      return instant
    }
  }

  func pass(_ time: Duration) { instant.withLock { $0 += time } }
}
