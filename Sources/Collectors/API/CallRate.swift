/// How fast one account, region and API family is asked: a token bucket whose rate follows refusals.
///
/// A refusal for going too fast takes the rate down by three tenths at once; without refusals it
/// grows by a tenth of the ceiling each second. Times are seconds of any clock that only goes on.
struct CallRate: Sendable {
  /// Calls per second at present.
  private(set) var rate: Double
  private let ceiling: Double
  private var tokens: Double
  private var last: Double
  private var lastRefusal = -Double.infinity

  /// The lowest rate, so that a refusing service is still asked now and then.
  private static let floor = 0.5

  init(ceiling: Double, at now: Double) {
    self.ceiling = ceiling
    rate = ceiling
    tokens = max(1, ceiling / 2)
    last = now
  }

  /// Takes the right to make one call, and says how many seconds to wait before making it.
  mutating func take(at now: Double) -> Double {
    advance(to: now)
    tokens -= 1
    return tokens >= 0 ? 0 : -tokens / rate
  }

  /// Notes that the service refused a call for going too fast.
  ///
  /// Calls that were under way together count as one refusal.
  mutating func refused(at now: Double) {
    advance(to: now)
    guard now - lastRefusal > 1 / rate else { return }
    lastRefusal = now
    rate = min(ceiling, max(Self.floor, rate * 0.7))
    tokens = min(tokens, 0)
  }

  private mutating func advance(to now: Double) {
    let passed = max(0, now - last)
    last = max(last, now)
    if now - lastRefusal > 1 { rate = min(ceiling, rate + passed * ceiling / 10) }
    tokens = min(max(1, rate / 2), tokens + passed * rate)
  }
}
