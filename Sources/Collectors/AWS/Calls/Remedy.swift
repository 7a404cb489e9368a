import HTTP
import Model

/// What may help after a refusal.
///
/// Every call only reads, so each may be made again.
enum Remedy: Hashable {
  /// The bucket is in another region.
  case redirect(String)
  /// The credentials have expired.
  case refresh
  /// Our clock differs from the provider's, which says what time it is.
  case clock(Instant)
  /// The service wants to be asked less often.
  case slower
  /// The service or the way to it failed for the moment.
  case again

  /// Whether the remedy may be tried several times for one call.
  var isRepeatable: Bool { self == .slower || self == .again }

  /// How often a call is made at most when the service or the way to it fails.
  private static let failures = 4

  /// The remedy for a refusal; nil where nothing helps.
  init?(
    _ refusal: APIRefusal,
    _ response: HTTPResponse?,
    _ target: AWSCaller.Target,
    attempt: Int
  ) {
    if target.bucket != nil, let region = response?[header: "x-amz-bucket-region"],
      region != target.region
    {
      self = .redirect(region)
      return
    }
    if APIRefusal.Cause.expired.contains(refusal.code), !refusal.isOfClock {
      self = .refresh
      return
    }
    if refusal.isOfClock, let date = response?[header: "Date"].flatMap(HTTPDate.instant) {
      self = .clock(date)
      return
    }
    let status = response?.status ?? 0
    switch refusal.cause {
    case .throttled: self = .slower
    case .timedOut, .unreachable, .malformed: self = .again
    case .failed where status >= 500 && status != 501: self = .again
    default: return nil
    }
    if self == .again, attempt >= Self.failures { return nil }
  }
}

extension APIRefusal {
  /// Whether the provider refuses the time of the signature.
  fileprivate var isOfClock: Bool {
    code == "RequestTimeTooSkewed" || message.contains("Signature expired")
      || message.contains("Signature not yet current")
  }
}

/// Dates in the form of HTTP (RFC 9110, 5.6.7).
enum HTTPDate {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// The instant of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`; nil for anything else.
  static func instant(_ text: String) -> Instant? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: String(parts[2]))
    else { return nil }
    let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
    return Instant("\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
  }
}
