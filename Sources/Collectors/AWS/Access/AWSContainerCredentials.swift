import HTTP
import Model

/// The credentials that a container's surroundings hand out (ECS, EKS Pod Identity).
struct AWSContainerCredentials: AWSCredentialProvider {
  private let url: String
  private let configuration: AWSConfiguration
  private let client: any HTTPClient

  private static let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
  private static let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
  private static let token = "AWS_CONTAINER_AUTHORIZATION_TOKEN"

  /// What the environment lacks where it names no place to ask.
  static let absence = "\(relative) and \(full) are not set"

  /// - Returns: nil where the environment names no place to ask.
  /// - Throws: ``AWSCredentialError/variable(_:reason:)`` for a place that may not be asked.
  init?(
    _ configuration: AWSConfiguration,
    _ client: any HTTPClient
  ) throws(AWSCredentialError) {
    self.configuration = configuration
    self.client = client
    if let path = configuration.variable(Self.relative) {
      // Else the path could go on with another host's name.
      guard path.hasPrefix("/") else {
        throw .variable(Self.relative, reason: "has to begin with /")
      }
      url = "http://169.254.170.2\(path)"
    } else if let full = configuration.variable(Self.full) {
      guard let parts = AWSURL(full), Self.isAllowed(parts) else {
        throw .variable(
          Self.full,
          reason: "names a place that may not be asked: only https, this machine itself, "
            + "169.254.170.2, 169.254.170.23 and fd00:ec2::23 may"
        )
      }
      url = full
    } else {
      return nil
    }
  }

  private static func isAllowed(_ url: AWSURL) -> Bool {
    if url.scheme == "https" { return true }
    guard url.scheme == "http" else { return false }
    if url.hostName == "localhost" { return true }
    guard let host = IPNetwork(String(url.hostName)), host.first == host.last else { return false }
    return ["127.0.0.0/8", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"]
      .compactMap(IPNetwork.init).contains { $0.contains(host) }
  }

  func credentials() async throws -> AWSCredentials {
    let origin = "the container's credentials at \(url)"
    var request = HTTPRequest("GET", url, headers: [("Accept", "application/json")], timeout: 5)
    request.usesProxy = false
    request[header: "Authorization"] = try authorization()?.revealed
    let response: HTTPResponse
    do {
      response = try await client.send(request)
    } catch let error as HTTPError {
      throw AWSCredentialError.source(origin, reason: "\(error)", advice: "")
    }
    guard response.status == 200 else {
      throw AWSCredentialError.source(
        origin,
        reason: "answered with status \(response.status)",
        advice: "see the role of the task or of the service account"
      )
    }
    return try AWSCredentials(
      AWSCredentials.object(response.body, origin: origin),
      .metadata,
      origin: origin
    )
  }

  private func authorization() throws(AWSCredentialError) -> Secret? {
    if let file = configuration.variable(Self.token + "_FILE") {
      return try AWSTokenFile.read(file, for: "the container's credentials")
    }
    guard let token = configuration.variable(Self.token) else { return nil }
    guard !token.contains(where: \.isNewline) else {
      throw .variable(Self.token, reason: "has more than one line")
    }
    return Secret(token)
  }
}
