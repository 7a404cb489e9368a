import HTTP
import Model

/// Which calls are made again after a refusal, and when; the same for every provider.
///
/// Every call only reads, so each may be made again.
enum APIRetry {
  /// How often a call is made at most, whatever was refused.
  static let most = 6

  /// How often a call is made at most when the service or the way to it fails.
  private static let failures = 4

  /// The longest that is waited because a service says so, in seconds.
  private static let patience = 60.0

  /// Whether a call that was made so many times may bring something when it is made once more, going
  /// by why it brought nothing and by the status of the answer, where there was one.
  static func helps(_ cause: APIRefusal.Cause, status: Int? = nil, attempt: Int) -> Bool {
    switch cause {
    case .throttled: attempt < most
    case .timedOut, .unreachable, .malformed: attempt < failures
    // Who has not implemented something will not have a moment later.
    case .failed: (status ?? 0) >= 500 && status != 501 && attempt < failures
    case .denied, .credentials, .unsupported, .withheld: false
    }
  }

  /// How long to wait before a call is made again, in seconds: as the service says, else longer each
  /// time.
  ///
  /// What it says is a number of seconds, or a date.
  static func wait(attempt: Int, retryAfter: String? = nil, now: Instant) -> Double {
    if let retryAfter {
      let date = HTTPDate.instant(retryAfter).map {
        Double($0.milliseconds - now.milliseconds) / 1000
      }
      if let seconds = Double(retryAfter) ?? date, seconds.isFinite {
        return min(patience, max(0, seconds))
      }
    }
    return Double.random(in: 0.5...1) * min(20, 0.25 * Double(1 << attempt))
  }
}

extension APIRefusal.Cause {
  /// The cause behind a request without a response.
  init(_ error: HTTPError) {
    self =
      switch error {
      case .timedOut: .timedOut
      case .unreachable, .tls: .unreachable
      case .tooLarge: .malformed
      case .privateAddress: .unreachable
      case .invalid: .failed
      }
  }
}
