import JSON
import Model

/// A role to assume, and how.
package struct AWSRole: Sendable, Hashable {
  package var arn: String
  /// What the role's owner asks of third parties, so that nobody else can use us to get in.
  package var externalID: String?
  package var sessionName: String
  /// How long the session lasts, in seconds; AWS's default where nil.
  package var duration: Int?

  package init(
    arn: String,
    externalID: String? = nil,
    sessionName: String = "plumb",
    duration: Int? = nil
  ) {
    self.arn = arn
    self.externalID = externalID
    self.sessionName = sessionName
    self.duration = duration
  }

  /// The partition in which the role lives, `aws` where its ARN does not say.
  package var partition: String {
    let parts = arn.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count > 1 && parts[0] == "arn" && !parts[1].isEmpty ? String(parts[1]) : "aws"
  }

  /// The members that both ways of assuming a role need.
  var input: JSONObject {
    var input: JSONObject = ["RoleArn": .string(arn), "RoleSessionName": .string(sessionName)]
    if let duration { input["DurationSeconds"] = .integer(Int64(duration)) }
    return input
  }
}

/// The credentials of a role that other credentials may assume.
package struct AWSRoleCredentials: AWSCredentialProvider {
  private let role: AWSRole
  private let source: any AWSCredentialProvider
  private let tokens: any AWSSecurityTokenCaller
  private let region: String

  /// The credentials of a role.
  ///
  /// - Parameters:
  ///   - role: what is assumed.
  ///   - source: who assumes it.
  ///   - tokens: makes the call.
  ///   - region: whose Security Token Service is asked.
  package init(
    _ role: AWSRole,
    source: any AWSCredentialProvider,
    tokens: any AWSSecurityTokenCaller,
    region: String
  ) {
    self.role = role
    self.source = source
    self.tokens = tokens
    self.region = region
  }

  /// A new session of the role.
  package func credentials() async throws -> AWSCredentials {
    let source = try await source.credentials()
    var input = role.input
    if let externalID = role.externalID { input["ExternalId"] = .string(externalID) }
    let output = try await tokens.call("AssumeRole", input, signedBy: source, region: region)
    return try AWSCredentials(
      output["Credentials"] ?? .null,
      .session,
      origin: "role \(role.arn), assumed with \(source.origin)"
    )
  }
}

/// The credentials of a role that a token in a file may assume.
struct AWSWebIdentityCredentials: AWSCredentialProvider {
  let role: AWSRole
  let tokenFile: String
  let tokens: any AWSSecurityTokenCaller
  let region: String

  func credentials() async throws -> AWSCredentials {
    // Whoever writes the file renews it, so it is read each time.
    let token = try AWSTokenFile.read(tokenFile, for: "role \(role.arn)")
    var input = role.input
    input["WebIdentityToken"] = .string(token.revealed)
    let output = try await tokens.call(
      "AssumeRoleWithWebIdentity",
      input,
      signedBy: nil,
      region: region
    )
    return try AWSCredentials(
      output["Credentials"] ?? .null,
      .session,
      origin: "role \(role.arn), assumed with the token in \(tokenFile)"
    )
  }
}
