import Foundation

/// What the environment and the shared files say about access to AWS.
package struct AWSConfiguration: Sendable {
  /// The environment, of which an empty variable counts as none.
  private let variables: [String: String]
  /// The profile in use.
  package let profileName: String
  /// Who named the profile: an option, a variable, or nobody.
  let profileNamedBy: Naming
  private let config: AWSConfigurationFile
  private let credentials: AWSConfigurationFile
  private let profiles: [String: AWSSection]
  private let services: [String: AWSSection]
  /// The shared files and, where they are not there, that.
  let files: [String]

  /// Who named the profile.
  enum Naming: Sendable, Hashable {
    case option, variable(String), nobody

    var text: String {
      switch self {
      case .option: "--aws-profile"
      case .variable(let name): name
      case .nobody: "nothing"
      }
    }
  }

  /// Reads the two files.
  ///
  /// - Parameters:
  ///   - variables: the environment; `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE` and `HOME` say
  ///     where the files are.
  ///   - profile: the profile to use instead of `AWS_PROFILE`.
  /// - Throws: ``AWSCredentialError``.
  package init(variables: [String: String], profile: String? = nil) throws(AWSCredentialError) {
    let variables = variables.filter { !$0.value.isEmpty }
    self.variables = variables
    (profileName, profileNamedBy) = Self.profile(profile, variables)
    let (config, configFile) = try Self.file("AWS_CONFIG_FILE", "config", variables)
    let (credentials, credentialsFile) = try Self.file(
      "AWS_SHARED_CREDENTIALS_FILE",
      "credentials",
      variables
    )
    self.config = config
    self.credentials = credentials
    files = [configFile, credentialsFile]
    profiles = Self.named("profile", config)
    services = Self.named("services", config)
  }

  private static func profile(
    _ option: String?,
    _ variables: [String: String]
  ) -> (String, Naming) {
    if let option { return (option, .option) }
    for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
      if let profile = variables[name] { return (profile, .variable(name)) }
    }
    return ("default", .nobody)
  }

  /// Reads a file where it is there; an absent one is like an empty one.
  private static func file(
    _ variable: String,
    _ name: String,
    _ variables: [String: String]
  ) throws(AWSCredentialError) -> (AWSConfigurationFile, String) {
    let home = variables["HOME"] ?? ""
    var path = variables[variable] ?? "\(home)/.aws/\(name)"
    if path.hasPrefix("~/") { path = home + path.dropFirst() }
    guard FileManager.default.fileExists(atPath: path) else {
      return (AWSConfigurationFile(absent: path), "\(path) is not there")
    }
    do {
      return (try AWSConfigurationFile(BoundedFile.read(path, limit: 8 << 20), file: path), path)
    } catch let error as AWSCredentialError {
      throw error
    } catch FileError.empty {
      return (AWSConfigurationFile(absent: path), path)
    } catch FileError.unreadable(_, let reason) {
      throw .file(place: path, reason: reason)
    } catch {
      throw .file(place: path, reason: "is too large for a configuration")
    }
  }

  /// The sections whose heading is a word and a name; one with a broken name is passed over, as AWS's
  /// own tools do.
  private static func named(
    _ word: String,
    _ file: AWSConfigurationFile
  ) -> [String: AWSSection] {
    var found: [String: AWSSection] = [:]
    for (heading, section) in file.sections {
      guard let words = ShellWords.split(heading), words.count == 2, words[0] == word else {
        continue
      }
      found[words[1]] = section
    }
    return found
  }

  /// A variable of the environment; nil where it is empty too.
  package func variable(_ name: String) -> String? { variables[name] }

  /// The whole environment.
  var environment: [String: String] { variables }

  /// The profile with a name; nil where neither file has it.
  package func profile(_ name: String) -> AWSProfile? {
    let inConfig = profiles[name] ?? (name == "default" ? config.sections["default"] : nil)
    let inCredentials = credentials.sections[name]
    guard inConfig != nil || inCredentials != nil else { return nil }
    return AWSProfile(name: name, inCredentials: inCredentials, inConfig: inConfig)
  }

  /// The profile in use; nil where there is none and nobody named one.
  ///
  /// - Throws: ``AWSCredentialError/noProfile(_:named:hint:)``.
  package func currentProfile() throws(AWSCredentialError) -> AWSProfile? {
    if let profile = profile(profileName) { return profile }
    if profileNamedBy == .nobody { return nil }
    throw missing(profileName, namedBy: profileNamedBy.text)
  }

  /// The error for a profile that is not there.
  func missing(_ name: String, namedBy: String) -> AWSCredentialError {
    if let bare = config.sections[name] {
      return .noProfile(
        name,
        named: namedBy,
        hint: "write [\(name)] as [profile \(name)] in \(bare.place)"
      )
    }
    let names = Set(profiles.keys).union(credentials.sections.keys)
      .union(config.sections["default"] == nil ? [] : ["default"]).sorted()
    let known = names.isEmpty ? "there are none" : "there are " + names.joined(separator: ", ")
    return .noProfile(name, named: namedBy, hint: "\(known) (\(files.joined(separator: ", ")))")
  }

  /// The region to call where none is given.
  ///
  /// - Throws: ``AWSCredentialError``.
  package func region() throws(AWSCredentialError) -> String? {
    if let region = variable("AWS_REGION") ?? variable("AWS_DEFAULT_REGION") { return region }
    return try currentProfile()?["region"]?.text
  }

  /// The URL to call a service at instead of AWS's own.
  ///
  /// A service's id is like `Elastic Load Balancing v2`. In the order of AWS's tools count
  /// `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, the profile's services and its
  /// `endpoint_url`.
  ///
  /// - Throws: ``AWSCredentialError``.
  package func endpointURL(serviceID: String) throws(AWSCredentialError) -> String? {
    let profile = try currentProfile()
    let isIgnored =
      variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
      ?? profile?["ignore_configured_endpoint_urls"]?.text
    if isIgnored?.lowercased() == "true" { return nil }
    let name = serviceID.lowercased().map { $0 == " " || $0 == "-" ? "_" : String($0) }.joined()
    if let url = variable("AWS_ENDPOINT_URL_\(name.uppercased())") ?? variable("AWS_ENDPOINT_URL") {
      return url
    }
    if let services = profile?["services"] {
      guard let section = self.services[services.text] else {
        throw .setting(
          profile: profileName,
          place: services.place,
          reason: "there is no [services \(services.text)]"
        )
      }
      if let url = section.nested[name]?["endpoint_url"] { return url.text }
    }
    return profile?["endpoint_url"]?.text
  }
}
