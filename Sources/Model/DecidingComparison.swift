package import JSON

/// The comparison that decides a result that is not passed: what of the configuration was compared
/// with what.
package struct DecidingComparison: Sendable, Hashable {
  /// The path of the property in the configuration.
  package var path: String
  package var comparison: String
  /// What the operator was given; nil where it takes nothing.
  package var expected: JSONValue?
  /// What stands there; for a list how many of its elements satisfy the condition.
  package var observed: JSONValue
  /// Why it could not be read; nil where it was.
  package var unread: String?

  /// Finds it in a proof; nil where the proof shows none.
  package init?(_ proof: JSONValue, _ verdict: Verdict) {
    guard let (path, node) = ProofPaths(proof, verdict).comparison else { return nil }
    self.path = path
    comparison =
      node["operator"]?.string ?? ["any", "all", "none"].first { node[$0] != nil } ?? "count"
    expected = node["expected"]
    observed = node["observed"] ?? node["satisfied"] ?? .null
    unread = node["unread"]?.string
  }
}
