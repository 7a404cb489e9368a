package import Model

/// What proves to AWS who is calling.
package struct AWSCredentials: Sendable, Hashable {
  package var accessKeyID: String
  package var secretAccessKey: Secret
  package var sessionToken: Secret?
  /// When they stop being accepted; ``Instant/never`` for keys that last.
  package var expires: Instant
  /// Where they come from, in words.
  package var origin: String

  package init(
    accessKeyID: String,
    secretAccessKey: Secret,
    sessionToken: Secret? = nil,
    expires: Instant = .never,
    origin: String
  ) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
    self.expires = expires
    self.origin = origin
  }
}

/// Gives credentials that are good at present.
package protocol AWSCredentialProvider: Sendable {
  /// The credentials to call with now.
  ///
  /// - Throws: ``AWSCredentialError``; `CancellationError`.
  func credentials() async throws -> AWSCredentials

  /// Fetches credentials anew, because AWS says that these have expired.
  ///
  /// - Throws: ``AWSCredentialError``; `CancellationError`.
  func refresh() async throws
}

extension AWSCredentialProvider {
  /// Does nothing: what is not kept is always new.
  package func refresh() async throws {}
}

/// Credentials that were given once and for all.
package struct AWSFixedCredentials: AWSCredentialProvider {
  private let fixed: AWSCredentials

  package init(_ credentials: AWSCredentials) { fixed = credentials }

  /// The credentials that were given.
  package func credentials() -> AWSCredentials { fixed }
}
