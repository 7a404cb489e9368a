/// A request over HTTP, ready to be sent.
package struct HTTPRequest: Sendable {
  package var method: String
  /// The absolute URL, percent-encoded as it is to go over the wire.
  package var url: String
  /// Names and values in the order in which they are sent.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// How long the whole exchange may take, in seconds.
  package var timeout: Double
  /// Takes the body of a good response piece by piece as it comes; the response is without it then.
  package var receive: (@Sendable ([UInt8]) -> Void)?
  /// Whether a body that is compressed for its way is inflated; else it is taken as it is stored.
  package var inflates = true
  /// Whether a proxy that the environment names is gone through; metadata of the machine never is.
  package var usesProxy = true
  /// Whether only public addresses are connected to; then no proxy is gone through.
  package var isPublicOnly = false

  package init(
    _ method: String = "GET",
    _ url: String,
    headers: [(name: String, value: String)] = [],
    body: [UInt8] = [],
    timeout: Double = 60
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
  }

  /// The value of the header with this name, in any case; setting nil removes it.
  package subscript(header name: String) -> String? {
    get { headers.first { $0.name.isHeader(name) }?.value }
    set {
      headers.removeAll { $0.name.isHeader(name) }
      if let newValue { headers.append((name, newValue)) }
    }
  }
}

/// What came back for a request, whatever its status.
package struct HTTPResponse: Sendable {
  package var status: Int
  /// Names and values in the order in which they came.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  package init(_ status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// The value of the first header with this name, in any case.
  package subscript(header name: String) -> String? {
    headers.first { $0.name.isHeader(name) }?.value
  }
}

extension String {
  /// Whether two header names are the same; only ASCII letters have two cases there.
  fileprivate func isHeader(_ other: String) -> Bool {
    utf8.count == other.utf8.count && lowercased() == other.lowercased()
  }
}

/// Sends requests.
package protocol HTTPClient: Sendable {
  /// Sends a request and waits for the whole response. Redirects are not followed.
  ///
  /// - Throws: ``HTTPError`` when there is no response, `CancellationError` when the task is
  ///   cancelled.
  func send(_ request: HTTPRequest) async throws -> HTTPResponse
}

/// Why there is no response.
package enum HTTPError: Error, Sendable, Hashable, CustomStringConvertible {
  /// No connection, or it broke.
  case unreachable(host: String, reason: String)
  /// Nothing, or not all, came in time.
  case timedOut(host: String, seconds: Double)
  /// The server could not prove who it is, or does not speak TLS.
  case tls(host: String, reason: String)
  /// The response is larger than the client takes.
  case tooLarge(host: String, limit: Int)
  /// It has a private address, and only public ones may be connected to.
  case privateAddress(host: String)
  /// The request cannot be sent as it is.
  case invalid(reason: String)

  /// What happened, and the way out where there is one.
  package var description: String {
    switch self {
    case .unreachable(let host, let reason): "\(host) cannot be reached: \(reason)"
    case .timedOut(let host, let seconds): "\(host) did not answer within \(Int(seconds)) s"
    case .tls(let host, let reason):
      "\(host) is not trusted: \(reason); name its certificate authority with --ca-bundle"
    case .tooLarge(let host, let limit): "\(host) answered with more than \(limit >> 20) MB"
    case .privateAddress(let host): "\(host) has a private address"
    case .invalid(let reason): "the request cannot be sent: \(reason)"
    }
  }
}
