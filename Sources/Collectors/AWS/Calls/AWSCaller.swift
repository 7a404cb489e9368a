package import HTTP
package import JSON
package import Model
import Synchronization

/// Calls operations that only read: signs, keeps to a rate, tries again where that helps.
package final class AWSCaller: APICaller {
  package let facts: AWSFacts
  private let endpoints: AWSEndpoints
  private let credentials: any AWSCredentialProvider
  private let client: any HTTPClient
  private let rates: APIRates
  private let timeout: Double
  private let clock: @Sendable () -> Instant
  private let sleep: @Sendable (Double) async throws -> Void
  private let state = Mutex(State())

  private struct State {
    var account = ""
    /// How far the provider's clock is ahead of ours, in milliseconds.
    var skew: Int64 = 0
    /// The regions of buckets that answered from elsewhere.
    var buckets: [String: String] = [:]
    var calls = 0
  }

  package init(
    facts: AWSFacts,
    endpoints: AWSEndpoints,
    credentials: any AWSCredentialProvider,
    client: any HTTPClient,
    rates: APIRates,
    timeout: Double = 30,
    clock: @escaping @Sendable () -> Instant,
    pause: @escaping @Sendable (Double) async throws -> Void = {
      try await Task.sleep(for: .seconds($0))
    }
  ) {
    self.facts = facts
    self.endpoints = endpoints
    self.credentials = credentials
    self.client = client
    self.rates = rates
    self.timeout = timeout
    self.clock = clock
    sleep = pause
  }

  /// How many requests were made.
  package var calls: Int { state.withLock { $0.calls } }

  /// Waits as the caller was told to.
  package func pause(_ seconds: Double) async throws { try await sleep(seconds) }

  /// How the facts say that an operation is paged.
  package func page(of operation: String, service: String) throws -> APIPage? {
    guard let page = try facts.service(service)?.operations[operation]?.page else { return nil }
    return APIPage(input: page.input, output: page.output, more: page.more)
  }

  /// Whose calls these are, once it is known: rates are kept by account.
  package func setAccount(_ account: String) { state.withLock { $0.account = account } }

  /// Calls an operation and returns its output under the provider's member names.
  ///
  /// - Throws: ``APIRefusal``; `CancellationError`.
  package func call(
    _ name: String,
    of serviceID: String,
    _ input: JSONObject,
    in region: String
  ) async throws -> JSONValue {
    guard let service = try facts.service(serviceID), let operation = service.operations[name]
    else {
      throw APIRefusal(
        .unsupported,
        message: "the facts about AWS do not name it",
        operation: "\(serviceID):\(name)",
        region: region
      )
    }
    var target = Target(service: service, operation: operation, input: input, region: region)
    if let bucket = target.bucket, let known = state.withLock({ $0.buckets[bucket] }) {
      target.region = known
    }
    var tried: Set<Remedy> = []
    for number in 1... {
      switch try await attempt(target) {
      case .output(let output): return output
      case .refused(let refusal, let response):
        guard number < APIRetry.most,
          let remedy = Remedy(
            refusal,
            response,
            isOfBucket: target.bucket != nil,
            attempt: number
          ),
          remedy.isRepeatable || !tried.contains(remedy)
        else { throw refusal }
        tried.insert(remedy)
        do {
          try await apply(remedy, response, &target, attempt: number)
        } catch let error as AWSCredentialError {
          throw target.refusal(.credentials, message: "\(error)")
        }
      }
    }
    throw CancellationError()
  }

  /// An operation, what it is given and where it is called.
  struct Target: APITarget, Sendable {
    let service: AWSService
    let operation: AWSOperation
    let input: JSONObject
    var region: String

    /// The bucket that the call is about.
    var bucket: String? { service.id == "s3" ? input["Bucket"]?.string : nil }

    var name: String { "\(service.id):\(operation.name)" }
  }

  private enum Outcome {
    case output(JSONValue)
    case refused(APIRefusal, HTTPResponse?)
  }

  private func attempt(_ target: Target) async throws -> Outcome {
    let account = state.withLock { $0.account }
    try await rates.wait(account: account, region: target.region, service: target.service.id)
    let response: HTTPResponse
    do {
      let request = try await request(target)
      state.withLock { $0.calls += 1 }
      response = try await client.send(request)
    } catch let error as HTTPError {
      let cause = APIRefusal.Cause(error)
      return .refused(target.refusal(cause, message: "\(error)"), nil)
    } catch let error as AWSCredentialError {
      return .refused(target.refusal(.credentials, message: "\(error)"), nil)
    } catch let error as AWSRequestError {
      return .refused(target.refusal(.failed, message: "\(error)"), nil)
    }
    guard (200..<300).contains(response.status) else {
      let fault = AWSResponseReader().fault(response, of: target.service)
      let cause = APIRefusal.Cause(fault)
      return .refused(target.refusal(cause, code: fault.code, message: fault.message), response)
    }
    do {
      return .output(
        try AWSResponseReader().output(response, target.operation, of: target.service)
      )
    } catch {
      return .refused(target.refusal(.malformed, message: "\(error)"), response)
    }
  }

  private func apply(
    _ remedy: Remedy,
    _ response: HTTPResponse?,
    _ target: inout Target,
    attempt: Int
  ) async throws {
    switch remedy {
    case .redirect(let region):
      if let bucket = target.bucket { state.withLock { $0.buckets[bucket] = region } }
      target.region = region
    case .refresh: try await credentials.refresh()
    case .clock(let theirs):
      let skew = theirs.milliseconds - clock().milliseconds
      state.withLock { $0.skew = skew }
    case .slower, .again:
      if remedy == .slower {
        let account = state.withLock { $0.account }
        rates.refused(account: account, region: target.region, service: target.service.id)
      }
      let wish = response?[header: "Retry-After"]
      try await pause(APIRetry.wait(attempt: attempt, retryAfter: wish, now: clock()))
    }
  }

  private func request(_ target: Target) async throws -> HTTPRequest {
    let endpoint = try endpoints.endpoint(target.service, region: target.region)
    var request = try AWSRequestWriter().request(
      target.operation,
      of: target.service,
      input: target.input,
      endpoint: endpoint.url,
      pathStyleBucket: endpoint.isExplicit
    )
    request.timeout = timeout
    request.headers.append(("User-Agent", "plumb"))
    let now = clock().advanced(milliseconds: state.withLock { $0.skew })
    return try AWSSigner().signed(
      request,
      try await credentials.credentials(),
      service: target.service.signingName,
      region: endpoint.signingRegion,
      at: now
    )
  }
}
