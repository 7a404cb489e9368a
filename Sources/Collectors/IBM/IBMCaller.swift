package import HTTP
package import JSON
package import Model
import Synchronization

/// Calls operations of IBM Cloud that only read: shows a token, keeps to a rate, tries again where
/// that helps.
package final class IBMCaller: APICaller {
  package let facts: IBMFacts
  private let address: IBMAddress
  private let tokens: IBMTokens
  private let client: any HTTPClient
  private let rates: APIRates
  private let timeout: Double
  private let clock: @Sendable () -> Instant
  private let sleep: @Sendable (Double) async throws -> Void
  private let counts = Mutex((calls: 0, throttled: 0, retried: 0))

  package init(
    facts: IBMFacts,
    address: IBMAddress,
    tokens: IBMTokens,
    client: any HTTPClient,
    rates: APIRates,
    timeout: Double = 30,
    clock: @escaping @Sendable () -> Instant,
    pause: @escaping @Sendable (Double) async throws -> Void = {
      try await Task.sleep(for: .seconds($0))
    }
  ) {
    (self.facts, self.address, self.tokens) = (facts, address, tokens)
    (self.client, self.rates, self.timeout) = (client, rates, timeout)
    (self.clock, sleep) = (clock, pause)
  }

  /// How often a call is made at most: where the service asks for patience, and where it fails.
  private static let attempts = (throttled: 6, failed: 4)

  /// The longest that is waited because a service says so, in seconds.
  private static let patience = 60.0

  /// How many requests were made, refused for going too fast, and made again.
  package var figures: (calls: Int, throttled: Int, retried: Int) { counts.withLock { $0 } }

  /// Waits for some seconds.
  package func pause(_ seconds: Double) async throws { try await sleep(seconds) }

  /// How an operation hands out its output in pages; nil where it does not.
  package func page(of operation: String, service: String) throws -> APIPage? {
    facts.operation(operation, of: service)?.1.page
  }

  /// Calls an operation and returns its output under IBM's names.
  ///
  /// - Throws: ``APIRefusal``; `CancellationError`.
  package func call(
    _ name: String,
    of serviceID: String,
    _ input: JSONObject,
    in region: String
  ) async throws -> JSONValue {
    guard let (service, operation) = facts.operation(name, of: serviceID) else {
      throw APIRefusal(
        .unsupported,
        message: "the facts about IBM Cloud do not name it",
        operation: "\(serviceID):\(name)",
        region: region
      )
    }
    let target = Target(service: service, operation: operation, input: input, region: region)
    var refused: IBMToken?
    for attempt in 1... {
      let outcome = try await self.attempt(target, after: refused)
      guard case .refused(let refusal, let response, let token) = outcome else {
        if case .output(let output) = outcome { return output }
        continue
      }
      switch refusal.cause {
      case .throttled where attempt < Self.attempts.throttled:
        rates.refused(account: token?.account ?? "", region: region, service: serviceID)
        counts.withLock { $0.throttled += 1 }
        try await pause(wait(response, attempt: attempt))
      case .denied where response?.status == 401 && refused == nil && token != nil:
        refused = token
      case .timedOut, .unreachable, .malformed, .failed:
        let isLasting = refusal.cause == .failed && (response?.status ?? 0) < 500
        guard !isLasting, attempt < Self.attempts.failed else { throw refusal }
        try await pause(wait(response, attempt: attempt))
      default: throw refusal
      }
      counts.withLock { $0.retried += 1 }
    }
    throw CancellationError()
  }

  /// An operation, what it is given and where it is called.
  private struct Target {
    let service: IBMService
    let operation: IBMOperation
    let input: JSONObject
    let region: String

    func refusal(
      _ cause: APIRefusal.Cause,
      code: String = "",
      message: String = ""
    ) -> APIRefusal {
      APIRefusal(
        cause,
        code: code,
        message: message,
        operation: "\(service.id):\(operation.name)",
        region: region
      )
    }
  }

  private enum Outcome {
    case output(JSONValue)
    case refused(APIRefusal, HTTPResponse?, IBMToken?)
  }

  private func attempt(_ target: Target, after refused: IBMToken?) async throws -> Outcome {
    guard
      var request = address.request(
        target.operation,
        of: target.service,
        target.input,
        in: target.region
      )
    else {
      let message = "what is to be asked for is not known, or not in a form that can be sent"
      throw target.refusal(.unsupported, message: message)
    }
    let token: IBMToken
    do {
      token =
        if let refused { try await tokens.token(after: refused) } else { try await tokens.token() }
    } catch let error as IBMTokenError {
      throw target.refusal(.credentials, message: "\(error)")
    }
    request.timeout = timeout
    request.headers += [
      ("Authorization", "Bearer \(token.bearer.revealed)"),
      ("Accept", target.operation.answer == .json ? "application/json" : "*/*"),
      ("User-Agent", "plumb"),
    ]
    try await rates.wait(account: token.account, region: target.region, service: target.service.id)
    counts.withLock { $0.calls += 1 }
    do {
      let response = try await client.send(request)
      return result(of: response, target, token)
    } catch let error as HTTPError {
      let cause: APIRefusal.Cause = if case .timedOut = error { .timedOut } else { .unreachable }
      return .refused(target.refusal(cause, message: "\(error)"), nil, token)
    }
  }

  private func result(
    of response: HTTPResponse,
    _ target: Target,
    _ token: IBMToken
  ) -> Outcome {
    let answer = IBMAnswer(response, target.operation)
    guard (200..<300).contains(response.status) else {
      let (code, message) = answer.fault
      let cause: APIRefusal.Cause =
        switch response.status {
        case 401, 403: .denied
        case 429: .throttled
        default: .failed
        }
      return .refused(target.refusal(cause, code: code, message: message), response, token)
    }
    do {
      let output = try answer.output()
      if let refusal = emptiness(of: output, target) { return .refused(refusal, response, token) }
      return .output(output)
    } catch {
      return .refused(target.refusal(.malformed, message: "\(error)"), response, token)
    }
  }

  /// The refusal that an empty list is, where IBM answers with one who may see nothing of it.
  private func emptiness(of output: JSONValue, _ target: Target) -> APIRefusal? {
    let isLaterPage = target.operation.page?.input.contains { target.input[$0] != nil } ?? false
    guard let list = target.operation.neverEmpty, !isLaterPage,
      output[list]?.array?.isEmpty != false
    else { return nil }
    let message = "the list is empty, as it is for those who may see nothing of it"
    return target.refusal(.withheld, message: message)
  }

  /// How long to wait before a call is made again: as the service says, else longer each time.
  private func wait(_ response: HTTPResponse?, attempt: Int) -> Double {
    if let text = response?[header: "Retry-After"] {
      let date = HTTPDate.instant(text).map {
        Double($0.milliseconds - clock().milliseconds) / 1000
      }
      if let seconds = Double(text) ?? date { return min(Self.patience, max(0, seconds)) }
    }
    return Double.random(in: 0.5...1) * min(20, 0.25 * Double(1 << attempt))
  }
}
