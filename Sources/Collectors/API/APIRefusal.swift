/// Why a call brought nothing.
package struct APIRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  /// What stands in the way.
  package enum Cause: String, Sendable, CaseIterable {
    /// The credentials do not allow the call.
    case denied
    /// The credentials themselves are not accepted.
    case credentials = "credentials refused"
    case throttled
    case timedOut = "timed out"
    /// No connection to the endpoint, or it broke.
    case unreachable
    /// The service is not offered in the region.
    case unsupported = "not supported in the region"
    /// The service failed.
    case failed = "error"
    /// The provider left out what the caller may not see.
    case withheld = "left out by the provider"
    /// The answer cannot be read.
    case malformed = "unreadable answer"

    /// Whether the same call may bring something later, or to somebody who signs in anew.
    var mayPass: Bool {
      switch self {
      case .credentials, .throttled, .timedOut, .unreachable, .failed, .malformed: true
      default: false
      }
    }
  }

  package var cause: Cause
  /// The provider's code; empty where there is none.
  package var code: String
  package var message: String
  /// The operation, as `service:Operation`.
  package var operation: String
  package var region: String

  package init(
    _ cause: Cause,
    code: String = "",
    message: String = "",
    operation: String,
    region: String
  ) {
    self.cause = cause
    self.code = code
    self.message = message
    self.operation = operation
    self.region = region
  }

  /// The cause, the operation and the region on one line, without what changes from call to call.
  package var reason: String {
    "\(cause.rawValue): \(operation) in \(region)\(code.isEmpty ? "" : " (\(code))")"
  }

  /// The reason with the provider's message.
  package var description: String { message.isEmpty ? reason : "\(reason): \(message)" }
}

/// An operation that is called somewhere, which a refusal names.
protocol APITarget {
  /// The operation, as `service:Operation`.
  var name: String { get }
  var region: String { get }
}

extension APITarget {
  /// A refusal of the call.
  func refusal(_ cause: APIRefusal.Cause, code: String = "", message: String = "") -> APIRefusal {
    APIRefusal(cause, code: code, message: message, operation: name, region: region)
  }
}
