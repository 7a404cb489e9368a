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
  private let count = Mutex(0)

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

  /// How many requests were made.
  package var calls: Int { count.withLock { $0 } }

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
      if refusal.cause == .denied, response?.status == 401, refused == nil, token != nil {
        refused = token
        continue
      }
      guard APIRetry.helps(refusal.cause, status: response?.status, attempt: attempt) else {
        throw refusal
      }
      if refusal.cause == .throttled {
        rates.refused(account: token?.account ?? "", region: region, service: serviceID)
      }
      let wish = response?[header: "Retry-After"]
      try await pause(APIRetry.wait(attempt: attempt, retryAfter: wish, now: clock()))
    }
    throw CancellationError()
  }

  /// An operation, what it is given and where it is called.
  private struct Target: APITarget {
    let service: IBMService
    let operation: IBMOperation
    let input: JSONObject
    let region: String

    var name: String { "\(service.id):\(operation.name)" }
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
    count.withLock { $0 += 1 }
    do {
      let response = try await client.send(request)
      return result(of: response, target, token)
    } catch let error as HTTPError {
      let cause = APIRefusal.Cause(error)
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
}
