package import HTTP
package import JSON

/// Why an operation cannot be asked for.
package struct AWSRequestError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The operation, as `service:Operation`.
  package let operation: String
  package let reason: String

  /// The operation and the fault.
  package var description: String { "\(operation) cannot be asked for: \(reason)" }
}

/// Writes the requests of AWS's operations, without a signature.
package struct AWSRequestWriter: Sendable {
  package init() {}

  /// The request for an operation.
  ///
  /// - Parameters:
  ///   - operation: what is asked for.
  ///   - service: the service it belongs to.
  ///   - input: members of the operation's input; instants in ISO 8601 or as seconds since 1970,
  ///     bytes in base64, null for what is not given.
  ///   - endpoint: scheme, host and port, without a slash behind.
  ///   - pathStyleBucket: whether everything goes to the endpoint's own host, as it must where
  ///     somebody named the endpoint: buckets stay in the path, and no prefix stands before the host.
  /// - Returns: the request, to be signed and sent.
  /// - Throws: ``AWSRequestError``.
  package func request(
    _ operation: AWSOperation,
    of service: AWSService,
    input: JSONObject,
    endpoint: String,
    pathStyleBucket: Bool
  ) throws -> HTTPRequest {
    do {
      let input = try AWSInput(input, operation, service)
      var request = HTTPRequest(operation.method, endpoint)
      switch service.wireProtocol {
      case .query, .ec2, .json:
        let host = pathStyleBucket ? nil : operation.endpointPrefix
        request.url = try AWSAddress(endpoint).with(prefix: host, input).text
        try Self.call(&request, operation, service, input)
      case .restJSON, .restXML:
        request.url = try AWSAddress(endpoint)
          .resource(operation, service, input, isPathStyle: pathStyleBucket).text
        try AWSRESTWriter(service: service).write(&request, operation, input)
      }
      request.headers += AWSQuirks.headers(service)
      return request
    } catch let misfit as AWSMisfit {
      throw AWSRequestError(operation: "\(service.id):\(operation.name)", reason: misfit.text)
    }
  }

  /// The protocols that name the operation in the body or a header.
  private static func call(
    _ request: inout HTTPRequest,
    _ operation: AWSOperation,
    _ service: AWSService,
    _ input: AWSInput
  ) throws {
    guard service.wireProtocol == .json else {
      request.headers = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")]
      request.body = try AWSFormWriter.body(operation, service, input)
      return
    }
    request.headers = [
      ("X-Amz-Target", "\(service.targetPrefix ?? "").\(operation.name)"),
      ("Content-Type", "application/x-amz-json-\(service.jsonVersion ?? "1.0")"),
    ]
    request.body = try AWSJSONBody(shapes: service.shapes).body(input.given)
  }
}

/// What an operation is given: its members that are not null, in the order given.
struct AWSInput {
  let given: [(member: AWSMember, value: JSONValue)]

  /// - Throws: ``AWSMisfit`` for a member that the operation does not have.
  init(
    _ input: JSONObject,
    _ operation: AWSOperation,
    _ service: AWSService
  ) throws {
    var given: [(member: AWSMember, value: JSONValue)] = []
    for (name, value) in input.members where !value.isNull {
      guard let member = operation.input.first(where: { $0.name == name }) else {
        throw AWSMisfit("is not among its inputs in the facts").inside(name)
      }
      given.append((member, AWSQuirks.isPathID(member, service) ? Self.withoutPath(value) : value))
    }
    self.given = given
  }

  /// The value in the URI under a label.
  func label(_ name: String) -> (member: AWSMember, value: JSONValue)? {
    given.first { $0.member.location == .uri && $0.member.wireName == name }
  }

  /// `Z1` for `/hostedzone/Z1`.
  private static func withoutPath(_ value: JSONValue) -> JSONValue {
    .string(value.string.flatMap { $0.split(separator: "/").last }.map(String.init) ?? "")
  }
}
