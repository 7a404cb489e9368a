package import HTTP
import Model

/// What the user says about access, before anything that the surroundings say.
package struct AWSAccessOptions: Sendable {
  /// Keys to use instead of any that could be found.
  package var keys: AWSCredentials?
  /// A profile of the shared files; with one, the environment's keys do not count.
  package var profile: String?
  /// A role to assume with what was found.
  package var role: AWSRole?
  package var region: String?
  /// A URL to call all services at, instead of AWS's own.
  package var endpointURL: String?
  /// Whether the environment, the shared files and the machine's own role may be used.
  package var usesSurroundings: Bool
  /// Whether programs that the shared files name may be run.
  package var runsPrograms: Bool

  package init(
    keys: AWSCredentials? = nil,
    profile: String? = nil,
    role: AWSRole? = nil,
    region: String? = nil,
    endpointURL: String? = nil,
    usesSurroundings: Bool = true,
    runsPrograms: Bool = false
  ) {
    self.keys = keys
    self.profile = profile
    self.role = role
    self.region = region
    self.endpointURL = endpointURL
    self.usesSurroundings = usesSurroundings
    self.runsPrograms = runsPrograms
  }
}

/// Looks for credentials in the order of AWS's own tools.
///
/// Keys that were given; the environment's; the profile's (``AWSProfileCredentials``), with the
/// environment's web identity before its keys; the container's; the instance's. What is found then
/// assumes the role that the options name. Nothing is kept: see ``AWSCredentialCache``.
package struct AWSCredentialChain: AWSCredentialProvider {
  let options: AWSAccessOptions
  let configuration: AWSConfiguration
  let client: any HTTPClient
  let tokens: any AWSSecurityTokenCaller
  private let homeRegion: @Sendable (String) -> String

  /// A chain.
  ///
  /// - Parameters:
  ///   - options: what the user says.
  ///   - configuration: the surroundings, with the profile of the options.
  ///   - client: asks containers' and instances' metadata.
  ///   - tokens: assumes roles.
  ///   - homeRegion: the region to assume a role in where none is configured, by partition.
  package init(
    _ options: AWSAccessOptions,
    _ configuration: AWSConfiguration,
    client: any HTTPClient,
    tokens: any AWSSecurityTokenCaller,
    homeRegion: @escaping @Sendable (_ partition: String) -> String
  ) {
    self.options = options
    self.configuration = configuration
    self.client = client
    self.tokens = tokens
    self.homeRegion = homeRegion
  }

  /// The first credentials that are found, with the role assumed that is asked for.
  package func credentials() async throws -> AWSCredentials {
    guard let role = options.role else { return try await found() }
    let region = try region(for: role)
    let source = AWSFixedCredentials(try await found())
    return try await AWSRoleCredentials(role, source: source, tokens: tokens, region: region)
      .credentials()
  }

  /// The region whose Security Token Service assumes a role.
  func region(for role: AWSRole) throws(AWSCredentialError) -> String {
    if let region = options.region { return region }
    let configured = options.usesSurroundings ? try configuration.region() : nil
    return configured ?? homeRegion(role.partition)
  }

  private func found() async throws -> AWSCredentials {
    if let keys = options.keys { return keys }
    guard options.usesSurroundings else {
      throw AWSCredentialError.none(["no keys were given, and the surroundings may not be used"])
    }
    var looked: [String] = []
    if options.profile == nil {
      if let keys = try environmentKeys() { return keys }
      looked.append("AWS_ACCESS_KEY_ID is not set")
    }
    let profile = AWSProfileCredentials(self)
    if let found = try await profile.current() { return found }
    looked.append(
      "profile \"\(configuration.profileName)\": "
        + configuration.files.map { $0.hasSuffix("is not there") ? $0 : "nothing in \($0)" }
        .joined(separator: ", ")
    )
    // The option names a profile and nothing else.
    if options.profile != nil { throw AWSCredentialError.none(looked) }
    if let container = try container() { return try await container.credentials() }
    looked.append(AWSContainerCredentials.absence)
    do {
      if let instance = try instance() { return try await instance.fetched() }
      looked.append(AWSInstanceCredentials.absence)
    } catch let absent as AWSInstanceCredentials.Absent {
      looked.append("the EC2 instance's metadata: \(absent.reason)")
    }
    throw AWSCredentialError.none(looked)
  }
}

extension AWSCredentialChain {
  /// The keys in the environment.
  ///
  /// - Throws: ``AWSCredentialError/variable(_:reason:)`` for a part without the rest.
  func environmentKeys() throws(AWSCredentialError) -> AWSCredentials? {
    let (id, secret) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    switch (configuration.variable(id), configuration.variable(secret)) {
    case (nil, nil): return nil
    case (_?, nil): throw .variable(secret, reason: "is not set, and \(id) is")
    case (nil, _?): throw .variable(id, reason: "is not set, and \(secret) is")
    case (let key?, let text?):
      let token =
        configuration.variable("AWS_SESSION_TOKEN") ?? configuration.variable("AWS_SECURITY_TOKEN")
      return AWSCredentials(
        accessKeyID: key,
        secretAccessKey: Secret(text),
        sessionToken: token.map(Secret.init),
        expires: try environmentExpiry(),
        origin: "the environment (\(id))"
      )
    }
  }

  private func environmentExpiry() throws(AWSCredentialError) -> Instant {
    let name = "AWS_CREDENTIAL_EXPIRATION"
    guard let text = configuration.variable(name) else { return .never }
    guard let instant = Instant(text) else { throw .variable(name, reason: "is no instant") }
    return instant
  }

  /// The container's credentials; nil where the environment names no place to ask.
  func container() throws(AWSCredentialError) -> AWSContainerCredentials? {
    try AWSContainerCredentials(configuration, client)
  }

  /// The instance's credentials; nil where the environment forbids to ask.
  func instance() throws(AWSCredentialError) -> AWSInstanceCredentials? {
    try AWSInstanceCredentials(configuration, client)
  }
}
