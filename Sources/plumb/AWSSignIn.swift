import Collectors
import Foundation
import HTTP
import Model

/// What it takes to sign in to AWS, before the first call.
struct AWSSignIn {
  let client: CurlClient
  let endpoints: AWSEndpoints
  let credentials: AWSCredentialCache
  private let access: AWSAccessOptions
  private let configuration: AWSConfiguration
  private let tokens: AWSSecurityTokens

  init(
    _ access: AWSAccessOptions,
    _ facts: AWSFacts,
    authorities: String?,
    connections: Int = 1
  ) throws {
    let environment = ProcessInfo.processInfo.environment
    // A configuration of nothing, where the surroundings shall not count.
    let nothing = ["AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"]
    let configuration = try AWSConfiguration(
      variables: access.usesSurroundings ? environment : nothing,
      profile: access.profile
    )
    let endpoints = try AWSEndpoints(facts, access, configuration)
    client = try CurlClient(authorities: authorities, connections: connections)
    tokens = AWSSecurityTokens(facts, endpoints, client: client, clock: timeOfDay)
    let chain = AWSCredentialChain(
      access,
      configuration,
      client: client,
      tokens: tokens,
      homeRegion: { endpoints.homeRegion($0) }
    )
    credentials = AWSCredentialCache(chain, clock: timeOfDay)
    self.endpoints = endpoints
    self.access = access
    self.configuration = configuration
  }

  /// The region whose services are asked first, unless one is configured.
  func region(_ wanted: String?) throws -> String {
    let home = endpoints.homeRegion(access.role?.partition ?? "aws")
    return try access.region ?? configuration.region() ?? wanted ?? home
  }

  /// Signs in, and asks whose the credentials are.
  func identity(_ region: String) async throws -> AWSIdentity {
    try await AWSIdentity(of: credentials.credentials(), tokens, region: region)
  }
}
