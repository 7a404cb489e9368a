package import JSON

/// Calls operations of AWS's Security Token Service.
package protocol AWSSecurityTokenCaller: Sendable {
  /// Calls an operation and returns its output under AWS's member names.
  ///
  /// - Parameter credentials: who calls; nil for an operation that is not signed.
  /// - Throws: ``AWSCredentialError``; `CancellationError`.
  func call(
    _ operation: String,
    _ input: JSONObject,
    signedBy credentials: AWSCredentials?,
    region: String
  ) async throws -> JSONValue
}
