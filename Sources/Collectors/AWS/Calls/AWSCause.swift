import HTTP

extension APIRefusal.Cause {
  /// The cause behind an error answer.
  init(_ fault: AWSFault) {
    let code = fault.code
    self =
      if Self.throttling.contains(code) || fault.status == 429 {
        .throttled
      } else if Self.unaccepted.contains(code) {
        .credentials
      } else if Self.denial.contains(where: code.contains) || fault.status == 403 {
        .denied
      } else {
        .failed
      }
  }

  /// The codes by which services say that they are asked too fast (botocore's list).
  private static let throttling: Set<String> = [
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
    "RequestThrottled", "TooManyRequestsException", "ProvisionedThroughputExceededException",
    "TransactionInProgressException", "RequestLimitExceeded", "BandwidthLimitExceeded",
    "LimitExceededException", "SlowDown", "PriorRequestNotComplete", "EC2ThrottledException",
  ]

  private static let unaccepted: Set<String> = [
    "InvalidClientTokenId", "SignatureDoesNotMatch", "AuthFailure", "UnrecognizedClientException",
    "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidAccessKeyId",
    "InvalidSignatureException", "InvalidToken", "IncompleteSignature",
    "MissingAuthenticationToken", "RequestTimeTooSkewed",
  ]

  /// The codes of credentials that were good and are so no longer.
  static let expired: Set<String> = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"]

  private static let denial = [
    "AccessDenied", "Unauthorized", "AuthorizationError", "NotAuthorized", "Forbidden",
  ]
}
