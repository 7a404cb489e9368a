import Synchronization

/// The rates at which accounts are asked, shared by every scan of a process.
package final class APIRates: Sendable {
  private struct Key: Hashable {
    var account: String
    var region: String
    var service: String
  }

  /// Calls per second at most, of one account, region and service.
  let ceiling: Double
  private let rates = Mutex<[Key: CallRate]>([:])
  private let refusals = Atomic(0)
  private let start = ContinuousClock.now

  private let pause: @Sendable (Double) async throws -> Void

  /// Rates of at most so many calls per second for one account, region and service.
  ///
  /// - Parameters:
  ///   - ceiling: calls per second.
  ///   - pause: waits for some seconds.
  package init(
    ceiling: Double = 40,
    pause: @escaping @Sendable (Double) async throws -> Void = {
      try await Task.sleep(for: .seconds($0))
    }
  ) {
    self.ceiling = ceiling
    self.pause = pause
  }

  private var now: Double { (ContinuousClock.now - start) / .seconds(1) }

  /// Waits until one more call may be made.
  ///
  /// - Throws: `CancellationError`.
  func wait(account: String, region: String, service: String) async throws {
    let now = now
    let seconds = rates.withLock {
      $0[Key(account: account, region: region, service: service), default: new(now)].take(at: now)
    }
    if seconds > 0 { try await pause(seconds) }
  }

  /// Notes that a call was refused for going too fast.
  func refused(account: String, region: String, service: String) {
    let now = now
    refusals.add(1, ordering: .relaxed)
    rates.withLock {
      $0[Key(account: account, region: region, service: service), default: new(now)]
        .refused(at: now)
    }
  }

  private func new(_ now: Double) -> CallRate { CallRate(ceiling: ceiling, at: now) }

  /// How many calls were refused for going too fast.
  package var throttled: Int { refusals.load(ordering: .relaxed) }

  /// The lowest rate in force, and what it is for; nil while nothing was slowed down.
  package var slowest: (rate: Double, of: String)? {
    rates.withLock { rates in
      rates.filter { $0.value.rate < ceiling }.min { $0.value.rate < $1.value.rate }
        .map { ($0.value.rate, "\($0.key.service) in \($0.key.region)") }
    }
  }
}
