package import HTTP
package import JSON
package import Model

/// Calls AWS's Security Token Service in the region that is asked for.
package struct AWSSecurityTokens: AWSSecurityTokenCaller {
  private let facts: AWSFacts
  private let endpoints: AWSEndpoints
  private let client: any HTTPClient
  private let clock: @Sendable () -> Instant

  package init(
    _ facts: AWSFacts,
    _ endpoints: AWSEndpoints,
    client: any HTTPClient,
    clock: @escaping @Sendable () -> Instant
  ) {
    self.facts = facts
    self.endpoints = endpoints
    self.client = client
    self.clock = clock
  }

  /// How often a call is made before it is given up.
  private static let attempts = 3

  /// Calls an operation, again where the service fails for the moment or our clock is wrong.
  ///
  /// - Returns: the output under AWS's member names.
  /// - Throws: ``AWSCredentialError``; `CancellationError`.
  package func call(
    _ operation: String,
    _ input: JSONObject,
    signedBy credentials: AWSCredentials?,
    region: String
  ) async throws -> JSONValue {
    guard let service = try facts.service("sts"),
      let known = service.operations[operation]
    else { throw AWSFactsError(path: "services.sts", reason: "\(operation) is missing") }
    let endpoint = try endpoints.endpoint(service, region: region)
    let call = Call(
      service: service,
      operation: known,
      input: input,
      credentials: credentials,
      endpoint: endpoint
    )
    var skew: Int64 = 0
    var attempt = 1
    while true {
      let now = clock()
      switch try await answer(call, at: now.advanced(milliseconds: skew)) {
      case .output(let output): return output
      case .fault(let fault, let date):
        if let date, skew == 0, abs(date.milliseconds - now.milliseconds) > 240_000 {
          // Only a signature of about the right time is accepted.
          skew = date.milliseconds - now.milliseconds
        } else if !fault.isPassing || attempt >= Self.attempts {
          throw call.error(fault)
        } else {
          try await Task.sleep(for: .milliseconds(200 << attempt))
        }
      }
      attempt += 1
    }
  }

  /// What is asked, of whom, by whom.
  private struct Call {
    let service: AWSService
    let operation: AWSOperation
    let input: JSONObject
    let credentials: AWSCredentials?
    let endpoint: AWSEndpoint

    /// The request, signed where the operation is.
    func request(at instant: Instant) throws -> HTTPRequest {
      var request = try AWSRequestWriter().request(
        operation,
        of: service,
        input: input,
        endpoint: endpoint.url,
        pathStyleBucket: endpoint.isExplicit
      )
      request.timeout = 15
      request.headers.append(("User-Agent", "plumb"))
      guard let credentials else { return request }
      return try AWSSigner().signed(
        request,
        credentials,
        service: service.signingName,
        region: endpoint.signingRegion,
        at: instant
      )
    }

    /// The error for a refusal, which names the role or the keys.
    func error(_ fault: Fault) -> AWSCredentialError {
      let role = input["RoleArn"]?.string.map { " of \($0)" } ?? ""
      let caller = credentials.map { " with \($0.origin)" } ?? ""
      return .source(
        "\(operation.name)\(role)\(caller)",
        reason: fault.text,
        advice: fault.advice(operation.name)
      )
    }
  }

  private enum Answer {
    case output(JSONValue)
    /// A refusal, and what time it is for whoever refused.
    case fault(Fault, Instant?)
  }

  private func answer(_ call: Call, at instant: Instant) async throws -> Answer {
    let response: HTTPResponse
    do {
      response = try await client.send(call.request(at: instant))
    } catch let error as HTTPError {
      return .fault(.unreachable(error), nil)
    }
    guard (200..<300).contains(response.status) else {
      let fault = AWSResponseReader().fault(response, of: call.service)
      let date = response[header: "Date"].flatMap(HTTPDate.instant)
      return .fault(.refused(fault), call.credentials == nil ? nil : date)
    }
    do {
      return .output(try AWSResponseReader().output(response, call.operation, of: call.service))
    } catch {
      throw AWSCredentialError.source("\(call.operation.name)", reason: "\(error)", advice: "")
    }
  }
}

/// Why the Security Token Service gave nothing.
private enum Fault {
  case unreachable(HTTPError)
  case refused(AWSFault)

  var text: String {
    switch self {
    case .unreachable(let error): "\(error)"
    case .refused(let fault) where fault.code.isEmpty: "status \(fault.status)"
    case .refused(let fault): "\(fault.code): \(fault.message)"
    }
  }

  /// Whether the same call may succeed a moment later.
  var isPassing: Bool {
    switch self {
    case .unreachable(.tls), .unreachable(.invalid): false
    case .unreachable: true
    case .refused(let fault):
      fault.status >= 500 || ["Throttling", "IDPCommunicationError"].contains(fault.code)
    }
  }

  func advice(_ operation: String) -> String {
    guard case .refused(let fault) = self else { return "" }
    switch fault.code {
    case "AccessDenied" where operation == "AssumeRole":
      return "the role's trust policy has to name who assumes it, the external id has to be the "
        + "one that it asks for, and the caller needs sts:AssumeRole"
    case "AccessDenied" where operation == "AssumeRoleWithWebIdentity", "InvalidIdentityToken":
      return "the role's trust policy has to name the issuer and the subject of the token"
    case "ExpiredToken", "ExpiredTokenException": return "the credentials are too old; renew them"
    case "InvalidClientTokenId", "SignatureDoesNotMatch":
      return "the access key is not known or its secret is wrong"
    case "RegionDisabledException": return "enable the region, or name another one"
    default: return ""
    }
  }
}

/// Who credentials stand for.
package struct AWSIdentity: Sendable, Hashable {
  package let account: String
  package let arn: String

  /// Asks whose the credentials are.
  ///
  /// - Throws: ``AWSCredentialError``; `CancellationError`.
  package init(
    of credentials: AWSCredentials,
    _ tokens: some AWSSecurityTokenCaller,
    region: String
  ) async throws {
    let output = try await tokens.call(
      "GetCallerIdentity",
      JSONObject(),
      signedBy: credentials,
      region: region
    )
    guard let account = output["Account"]?.string, let arn = output["Arn"]?.string else {
      throw AWSCredentialError.source(
        "GetCallerIdentity",
        reason: "the answer has no Account or no Arn",
        advice: ""
      )
    }
    (self.account, self.arn) = (account, arn)
  }

  /// The partition of the account, such as `aws-cn`.
  package var partition: String { AWSRole(arn: arn).partition }
}
