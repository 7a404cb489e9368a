import Collectors
import Foundation
import HTTP
import JSON
import Model
import Store

/// The public members of a credential.
enum CredentialDetail: String, CaseIterable {
  case accessKeyID = "access_key_id"
  case roleARN = "role_arn"
  case externalID = "external_id"
  case account, region, endpoint

  /// How the option is called that sets it.
  var option: String {
    switch self {
    case .accessKeyID: "--access-key-id"
    case .roleARN: "--role-arn"
    case .externalID: "--external-id"
    case .account: "--account"
    case .region: "--region"
    case .endpoint: "--endpoint-url"
    }
  }
}

/// The secret members of a credential.
enum CredentialSecret: String {
  case secretAccessKey = "secret_access_key"
  case sessionToken = "session_token"
  case apiKey = "api_key"
}

/// A credential whose secrets are open, for as long as somebody signs in with it.
struct OpenedCredential {
  let name: String
  let provider: LiveCollector
  private let details: JSONObject
  private let secrets: [String: Secret]

  init(
    _ name: String,
    _ provider: LiveCollector,
    _ details: JSONObject,
    _ secrets: [String: Secret]
  ) {
    (self.name, self.provider) = (name, provider)
    (self.details, self.secrets) = (details, secrets)
  }

  /// A public member.
  subscript(detail: CredentialDetail) -> String? { details[detail.rawValue]?.string }

  /// A secret member; every one that is needed has to be there.
  func secret(_ field: CredentialSecret) throws -> Secret {
    guard let secret = secrets[field.rawValue] else {
      throw StoreError.damaged("the credential \"\(name)\" has no \(field.rawValue)")
    }
    return secret
  }

  /// How AWS is accessed with it, and with nothing else.
  func awsAccess() throws -> AWSAccessOptions {
    let keys = AWSCredentials(
      accessKeyID: self[.accessKeyID] ?? "",
      secretAccessKey: try secret(.secretAccessKey),
      sessionToken: secrets[CredentialSecret.sessionToken.rawValue],
      origin: "the credential \"\(name)\""
    )
    return AWSAccessOptions(
      keys: keys,
      role: self[.roleARN].map { AWSRole(arn: $0, externalID: self[.externalID]) },
      region: self[.region],
      endpointURL: self[.endpoint],
      usesSurroundings: false
    )
  }

  /// What to do with another secret where this one is not accepted.
  var remedy: String { "give it to plumb credentials rotate \(name)" }

  /// Refuses another account than the one that the credential is for, if it says so.
  func check(account: String) throws {
    guard let expected = self[.account], expected != account else { return }
    throw StoreError.conflict(
      "the credential \"\(name)\" is for account \(expected), and signs in to \(account); give it a "
        + "key of \(expected) with plumb credentials rotate \(name), or make it one for the other with "
        + "plumb credentials rotate \(name) --account \(account)"
    )
  }

  /// Signs in, and says to which account and as whom; the file of authorities can be read, and nil
  /// stands for the system's.
  func signIn(authorities: String?) async throws -> String {
    try await withoutSecrets(of: self) {
      let (account, identity) = try await identity(authorities)
      try check(account: account)
      return "account \(account), as \(identity)"
    }
  }

  private func identity(_ authorities: String?) async throws -> (String, String) {
    switch provider {
    case .aws:
      let facts = try AWSCatalog().facts
      let signIn = try AWSSignIn(awsAccess(), facts, authorities: authorities)
      let identity = try await signIn.identity(signIn.region(nil))
      return (identity.account, identity.arn)
    case .ibm:
      let token = try await IBMTokens(
        key: secret(.apiKey),
        remedy: remedy,
        address: IBMAddress(override: self[.endpoint]),
        client: CurlClient(authorities: authorities, connections: 1),
        clock: timeOfDay
      ).token()
      return (token.account, token.identity)
    }
  }

  /// A text without the secrets, which whoever was asked may have sent back.
  func hidden(_ text: String) -> String {
    secrets.values.sorted { $0.revealed.count > $1.revealed.count }
      .reduce(text) { $1.hidden(in: $0) }
  }
}

/// An error whose message had a secret in it.
struct HiddenError: Error, CustomStringConvertible {
  let description: String
}

/// Does something with a credential; no error of it tells a secret.
func withoutSecrets<R>(
  of credential: OpenedCredential?,
  _ body: () async throws -> R
) async throws -> R {
  do {
    return try await body()
  } catch {
    let text = "\(error)"
    guard let hidden = credential?.hidden(text), hidden != text else { throw error }
    throw HiddenError(description: hidden)
  }
}
