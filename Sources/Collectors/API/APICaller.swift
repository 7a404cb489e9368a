package import JSON

/// Calls a provider's operations; all of them only read.
package protocol APICaller: Sendable {
  /// Calls an operation and returns its output under the provider's member names.
  ///
  /// - Throws: ``APIRefusal``; `CancellationError`.
  func call(
    _ operation: String,
    of service: String,
    _ input: JSONObject,
    in region: String
  ) async throws -> JSONValue

  /// How an operation hands out its output in pages; nil where it does not.
  ///
  /// - Throws: errors for facts that cannot be read.
  func page(of operation: String, service: String) throws -> APIPage?

  /// How many requests were made.
  var calls: Int { get }

  /// Waits for some seconds.
  ///
  /// - Throws: `CancellationError`.
  func pause(_ seconds: Double) async throws
}
