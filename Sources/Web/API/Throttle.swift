import Model
import Synchronization

/// How often somebody may ask, by token buckets, and who has to wait after failed sign-ins.
final class Throttle: Sendable {
  private struct Bucket {
    var tokens: Double
    var at: Instant
  }

  private struct Failures {
    var count: Int
    var until: Instant
  }

  private struct State {
    var buckets: [String: Bucket] = [:]
    var failures: [String: Failures] = [:]
  }

  private let state = Mutex(State())
  private let rate: Double
  /// The most callers that are told apart; then those are forgotten that asked longest ago.
  private static let most = 10_000
  /// So many failed sign-ins are free.
  private static let free = 5

  /// - Parameter rate: requests a second and caller, in bursts of four times as many; 0 for no limit.
  init(rate: Double) { self.rate = rate }

  /// Takes a token of a caller.
  ///
  /// - Returns: after how many seconds there is one again; nil where one was taken.
  func take(_ caller: String, at now: Instant) -> Int? {
    guard rate > 0 else { return nil }
    return state.withLock { state in
      if state.buckets.count > Self.most {
        let kept = state.buckets.sorted { $0.value.at > $1.value.at }.prefix(Self.most / 2)
        state.buckets = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
      }
      var bucket = state.buckets[caller] ?? Bucket(tokens: rate * 4, at: now)
      let seconds = Double(max(0, now.milliseconds - bucket.at.milliseconds)) / 1000
      bucket.tokens = min(rate * 4, bucket.tokens + seconds * rate)
      bucket.at = now
      defer { state.buckets[caller] = bucket }
      guard bucket.tokens >= 1 else {
        return max(1, Int(((1 - bucket.tokens) / rate).rounded(.up)))
      }
      bucket.tokens -= 1
      return nil
    }
  }

  /// How many seconds an address has to wait before it may try to sign in; nil for not at all.
  func wait(_ address: String, at now: Instant) -> Int? {
    state.withLock { state in
      guard let failures = state.failures[address], failures.until > now else { return nil }
      return Int((failures.until.milliseconds - now.milliseconds + 999) / 1000)
    }
  }

  /// Notes how a sign-in went: each failure after the first few doubles the wait, up to 15 minutes.
  func note(_ address: String, isAccepted: Bool, at now: Instant) {
    state.withLock { state in
      if isAccepted {
        state.failures[address] = nil
        return
      }
      if state.failures.count > Self.most {
        state.failures = state.failures.filter { $0.value.until > now }
      }
      var failures = state.failures[address] ?? Failures(count: 0, until: now)
      failures.count += 1
      if failures.count > Self.free {
        let seconds = min(900, 1 << min(10, failures.count - Self.free))
        failures.until = now.advanced(milliseconds: Int64(seconds) * 1000)
      }
      state.failures[address] = failures
    }
  }
}
