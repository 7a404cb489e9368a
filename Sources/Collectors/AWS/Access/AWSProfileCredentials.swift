import Model

/// Follows what a profile says about credentials, through the profiles it names.
///
/// In the order of AWS's own tools: a role to assume, a web identity, keys in `credentials`, a
/// program, keys in `config`. Single sign-on comes before the keys there; here it needs a person, and
/// keys that somebody put into `credentials` stand in for it.
struct AWSProfileCredentials {
  private let chain: AWSCredentialChain
  private var configuration: AWSConfiguration { chain.configuration }

  init(_ chain: AWSCredentialChain) { self.chain = chain }

  /// The credentials of the profile in use; nil where it names none, or there is no profile.
  ///
  /// - Throws: ``AWSCredentialError``; `CancellationError`.
  func current() async throws -> AWSCredentials? {
    let profile = try configuration.currentProfile()
    if let profile, let role = try role(of: profile) {
      return try await assume(role, of: profile, after: [profile.name])
    }
    if chain.options.profile == nil, let identity = try environmentIdentity() {
      return try await identity.credentials()
    }
    guard let profile else { return nil }
    return try await own(profile)
  }

  /// The credentials of a profile that another one names as its source.
  private func source(
    _ setting: AWSSetting,
    of profile: AWSProfile,
    after visited: [String]
  ) async throws -> AWSCredentials {
    guard let source = configuration.profile(setting.text) else {
      throw configuration.missing(setting.text, namedBy: "source_profile (\(setting.place))")
    }
    // A profile may name itself for the keys that stand beside its role.
    let isKnown = visited.contains(source.name)
    if isKnown, source.name != profile.name || !hasKeys(source) {
      throw AWSCredentialError.cycle(visited + [source.name])
    }
    if !hasKeys(source), let role = try role(of: source) {
      return try await assume(role, of: source, after: visited + [source.name])
    }
    if let found = try await own(source) { return found }
    throw AWSCredentialError.setting(
      profile: profile.name,
      place: setting.place,
      reason: "source_profile \"\(source.name)\" has no credentials"
    )
  }

  private func assume(
    _ role: AWSRole,
    of profile: AWSProfile,
    after visited: [String]
  ) async throws -> AWSCredentials {
    let source: AWSCredentials
    switch (profile["source_profile"], profile["credential_source"]) {
    case (let name?, nil): source = try await self.source(name, of: profile, after: visited)
    case (nil, let kind?): source = try await self.machine(kind, of: profile)
    case (let name, _):
      throw AWSCredentialError.setting(
        profile: profile.name,
        place: (name ?? profile["role_arn"])?.place ?? profile.place,
        reason: name == nil
          ? "role_arn needs source_profile or credential_source beside it"
          : "source_profile and credential_source exclude each other"
      )
    }
    return try await AWSRoleCredentials(
      role,
      source: AWSFixedCredentials(source),
      tokens: chain.tokens,
      region: try chain.region(for: role)
    ).credentials()
  }

  /// The credentials that `credential_source` names.
  private func machine(_ kind: AWSSetting, of profile: AWSProfile) async throws -> AWSCredentials {
    let absence: String
    switch kind.text.lowercased() {
    case "environment":
      if let keys = try chain.environmentKeys() { return keys }
      absence = "AWS_ACCESS_KEY_ID is not set"
    case "ecscontainer":
      if let container = try chain.container() { return try await container.credentials() }
      absence = AWSContainerCredentials.absence
    case "ec2instancemetadata":
      if let instance = try chain.instance() { return try await instance.credentials() }
      absence = AWSInstanceCredentials.absence
    default:
      absence = "it is Environment, EcsContainer or Ec2InstanceMetadata"
    }
    throw AWSCredentialError.setting(
      profile: profile.name,
      place: kind.place,
      reason: "credential_source \(kind.text): \(absence)"
    )
  }

  /// Whatever a profile names beside a role that other credentials assume.
  private func own(_ profile: AWSProfile) async throws -> AWSCredentials? {
    if let identity = try webIdentity(of: profile) { return try await identity.credentials() }
    if let keys = try keys(of: profile.inCredentials, profile) { return keys }
    for key in ["sso_session", "sso_start_url", "sso_account_id", "login_session"] {
      guard let setting = profile[key] else { continue }
      throw AWSCredentialError.needsPerson(
        profile: profile.name,
        place: setting.place,
        reason: key == "login_session" ? "it signs in with aws login" : "it uses single sign-on"
      )
    }
    if let command = profile["credential_process"] {
      return try await program(command, of: profile).credentials()
    }
    return try keys(of: profile.inConfig, profile)
  }
}

// MARK: - Reading a profile

extension AWSProfileCredentials {
  /// The role that a profile assumes with other credentials.
  private func role(of profile: AWSProfile) throws(AWSCredentialError) -> AWSRole? {
    guard let arn = profile["role_arn"], profile["web_identity_token_file"] == nil else {
      return nil
    }
    if let serial = profile["mfa_serial"] {
      throw .needsPerson(
        profile: profile.name,
        place: serial.place,
        reason: "mfa_serial asks for a one-time code"
      )
    }
    return try described(arn, profile)
  }

  private func described(
    _ arn: AWSSetting,
    _ profile: AWSProfile
  ) throws(AWSCredentialError) -> AWSRole {
    var role = AWSRole(arn: arn.text, externalID: profile["external_id"]?.text)
    if let name = profile["role_session_name"] { role.sessionName = name.text }
    if let duration = profile["duration_seconds"] {
      guard let seconds = Int(duration.text), (900...43_200).contains(seconds) else {
        throw .setting(
          profile: profile.name,
          place: duration.place,
          reason: "duration_seconds is a number from 900 to 43200"
        )
      }
      role.duration = seconds
    }
    return role
  }

  private func webIdentity(
    of profile: AWSProfile
  ) throws(AWSCredentialError) -> AWSWebIdentityCredentials? {
    guard let file = profile["web_identity_token_file"] else { return nil }
    guard let arn = profile["role_arn"] else {
      throw .setting(
        profile: profile.name,
        place: file.place,
        reason: "web_identity_token_file needs role_arn beside it"
      )
    }
    return try identity(described(arn, profile), file.text)
  }

  private func environmentIdentity() throws(AWSCredentialError) -> AWSWebIdentityCredentials? {
    guard let file = configuration.variable("AWS_WEB_IDENTITY_TOKEN_FILE") else { return nil }
    guard let arn = configuration.variable("AWS_ROLE_ARN") else {
      throw .variable("AWS_ROLE_ARN", reason: "is not set, and AWS_WEB_IDENTITY_TOKEN_FILE is")
    }
    var role = AWSRole(arn: arn)
    if let name = configuration.variable("AWS_ROLE_SESSION_NAME") { role.sessionName = name }
    return try identity(role, file)
  }

  private func identity(
    _ role: AWSRole,
    _ file: String
  ) throws(AWSCredentialError) -> AWSWebIdentityCredentials {
    AWSWebIdentityCredentials(
      role: role,
      tokenFile: file,
      tokens: chain.tokens,
      region: try chain.region(for: role)
    )
  }

  private func program(
    _ command: AWSSetting,
    of profile: AWSProfile
  ) throws(AWSCredentialError) -> AWSProcessCredentials {
    guard chain.options.runsPrograms else {
      throw .setting(
        profile: profile.name,
        place: command.place,
        reason: "credential_process runs a program, which is not allowed; allow it with "
          + "--allow-credential-process, or use another profile"
      )
    }
    return try AWSProcessCredentials(
      command,
      profile: profile.name,
      environment: configuration.environment
    )
  }

  private func hasKeys(_ profile: AWSProfile) -> Bool {
    profile["aws_access_key_id"] != nil || profile["aws_secret_access_key"] != nil
  }

  /// The keys in a profile's part of one file.
  private func keys(
    of section: AWSSection?,
    _ profile: AWSProfile
  ) throws(AWSCredentialError) -> AWSCredentials? {
    guard let section else { return nil }
    let (id, secret) = ("aws_access_key_id", "aws_secret_access_key")
    switch (section.settings[id], section.settings[secret]) {
    case (nil, nil): return nil
    case (let found?, nil), (nil, let found?):
      let lacking = section.settings[id] == nil ? id : secret
      throw .setting(profile: profile.name, place: found.place, reason: "\(lacking) is missing")
    case (let key?, let text?):
      let token =
        section.settings["aws_session_token"] ?? section.settings["aws_security_token"]
      return AWSCredentials(
        accessKeyID: key.text,
        secretAccessKey: text.value,
        sessionToken: token?.value,
        origin: "profile \"\(profile.name)\" (\(key.place))"
      )
    }
  }
}
