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

  /// The remedy for a refusal of a call, which may have been about a bucket; nil where nothing helps.
  init?(
    _ refusal: APIRefusal,
    _ response: HTTPResponse?,
    isOfBucket: Bool,
    attempt: Int
  ) {
    if isOfBucket, let region = response?[header: "x-amz-bucket-region"],
      region != refusal.region
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
    guard APIRetry.helps(refusal.cause, status: response?.status, attempt: attempt) else {
      return nil
    }
    self = refusal.cause == .throttled ? .slower : .again
  }
}

extension APIRefusal {
  /// Whether the provider refuses the time of the signature.
  fileprivate var isOfClock: Bool {
    code == "RequestTimeTooSkewed" || message.contains("Signature expired")
      || message.contains("Signature not yet current")
  }
}
