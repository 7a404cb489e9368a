package import JSON

/// Calls operations of AWS's Security Token Service.
package protocol AWSSecurityTokenCaller: Sendable {
  /// Calls an operation, without a signature where nobody's credentials are given.
  ///
  /// - Returns: the output under AWS's member names.
  /// - Throws: ``AWSCredentialError``; `CancellationError`.
  func call(
    _ operation: String,
    _ input: JSONObject,
    signedBy credentials: AWSCredentials?,
    region: String
  ) async throws -> JSONValue
}
