@testable import Collectors
import Testing

/// The token bucket on a clock that the test turns.
struct CallRateTests {
  /// How many calls are made in some seconds of a clock, and the rate at the end.
  private func run(
    _ rate: inout CallRate,
    from start: Double,
    for seconds: Double,
    limit: Double = .infinity
  ) -> Int {
    var (now, calls) = (start, 0)
    var recent: [Double] = []
    while true {
      now += rate.take(at: now)
      if now >= start + seconds { return calls }
      recent = recent.filter { now - $0 < 1 } + [now]
      // The server refuses what goes beyond its limit.
      if Double(recent.count) > limit { rate.refused(at: now) } else { calls += 1 }
    }
  }

  @Test func `calls keep to the ceiling`() {
    var rate = CallRate(ceiling: 20, at: 0)
    let calls = run(&rate, from: 0, for: 10)
    #expect((200...211).contains(calls))
  }

  @Test func `refusals slow down until few are left`() {
    var rate = CallRate(ceiling: 100, at: 0)
    let first = run(&rate, from: 0, for: 60, limit: 10)
    #expect(rate.rate < 30)
    #expect(first > 300)
  }

  @Test func `refusals that come together count once`() {
    var rate = CallRate(ceiling: 10, at: 0)
    for _ in 0..<5 { rate.refused(at: 1) }
    #expect(abs(rate.rate - 7) < 0.01)
  }

  @Test func `the rate recovers when refusals end, and never falls to nothing`() {
    var rate = CallRate(ceiling: 10, at: 0)
    for second in 1...100 { rate.refused(at: Double(second) * 10) }
    #expect(rate.rate >= 0.5)
    _ = rate.take(at: 1100)
    #expect(abs(rate.rate - 10) < 0.01)
  }
}
