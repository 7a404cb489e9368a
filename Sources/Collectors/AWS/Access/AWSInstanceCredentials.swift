import HTTP
import JSON

/// The credentials of the role of the EC2 instance that this runs on.
///
/// Only the second version of the metadata service is spoken, which a forged request from inside
/// cannot use.
struct AWSInstanceCredentials: AWSCredentialProvider {
  private let endpoint: String
  private let client: any HTTPClient

  /// - Returns: nil where the environment forbids to ask.
  /// - Throws: ``AWSCredentialError``.
  init?(
    _ configuration: AWSConfiguration,
    _ client: any HTTPClient
  ) throws(AWSCredentialError) {
    if configuration.variable(Self.disabling)?.lowercased() == "true" { return nil }
    let profile = try configuration.currentProfile()
    let mode =
      configuration.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")
      ?? profile?["ec2_metadata_service_endpoint_mode"]?.text
    let usual =
      mode?.lowercased() == "ipv6" ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
    var endpoint =
      configuration.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
      ?? profile?["ec2_metadata_service_endpoint"]?.text ?? usual
    guard AWSURL(endpoint) != nil else {
      throw .variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", reason: "is no URL")
    }
    while endpoint.hasSuffix("/") { endpoint.removeLast() }
    self.endpoint = endpoint
    self.client = client
  }

  private static let disabling = "AWS_EC2_METADATA_DISABLED"

  /// What stands in the way where the environment forbids to ask.
  static let absence = "\(disabling) is true"

  /// The instance has nothing to give, or this is no instance.
  struct Absent: Error { var reason: String }

  /// - Throws: ``Absent``; ``AWSCredentialError``; `CancellationError`.
  func fetched() async throws -> AWSCredentials {
    let lifetime = [("x-aws-ec2-metadata-token-ttl-seconds", "21600")]
    let token = try await answer("PUT", "/latest/api/token", lifetime)
    guard !token.contains(where: \.isNewline) else { throw Absent(reason: "it gave no token") }
    let path = "/latest/meta-data/iam/security-credentials/"
    let headers = [("x-aws-ec2-metadata-token", token)]
    let roles = try await answer("GET", path, headers)
    guard let role = roles.split(whereSeparator: \.isNewline).first else {
      throw Absent(reason: "the instance has no role")
    }
    let origin = "the role \(role) of this EC2 instance"
    let name = PercentEncoding.encoded(Array(role.utf8))
    let body = try await answer("GET", path + name, headers)
    let object = try AWSCredentials.object(Array(body.utf8), origin: origin)
    if let code = object["Code"]?.string, code != "Success" {
      throw AWSCredentialError.source(
        origin,
        reason: "\(code): \(object["Message"]?.string ?? "")",
        advice: "the role's trust policy has to name ec2.amazonaws.com"
      )
    }
    return try AWSCredentials(object, .metadata, origin: origin)
  }

  func credentials() async throws -> AWSCredentials {
    do {
      return try await fetched()
    } catch let absent as Absent {
      throw AWSCredentialError.source(
        "the EC2 instance's metadata",
        reason: absent.reason,
        advice: "give the instance a role, and see that its metadata service is enabled"
      )
    }
  }

  private func answer(
    _ method: String,
    _ path: String,
    _ headers: [(name: String, value: String)]
  ) async throws -> String {
    var request = HTTPRequest(method, endpoint + path, headers: headers, timeout: 1)
    request.usesProxy = false
    let response: HTTPResponse
    do {
      response = try await client.send(request)
    } catch let error as HTTPError {
      // Whoever gave no token is no metadata service; whoever did has to go on.
      if method == "PUT" { throw Absent(reason: "\(error)") }
      throw AWSCredentialError.source("the EC2 instance's metadata", reason: "\(error)", advice: "")
    }
    switch response.status {
    case 200: return String(decoding: response.body, as: UTF8.self)
    case 404 where method == "GET": throw Absent(reason: "the instance has no role")
    default: throw Absent(reason: "\(endpoint) answered with status \(response.status)")
    }
  }
}
