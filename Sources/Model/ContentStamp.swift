package import JSON

/// Which set of content was used: the shipped rules, profiles and mappings with what lies over them.
package struct ContentStamp: Sendable, Hashable {
  /// The version of the shipped content.
  package var version: String
  /// SHA-256 over the documents of every layer, lower-case hexadecimal (docs/authoring.md).
  package var digest: String
  /// How many overlays lie over the shipped content.
  package var overlays: Int

  package init(version: String, digest: String, overlays: Int = 0) {
    self.version = version
    self.digest = digest
    self.overlays = overlays
  }

  /// The stamp as reports carry it.
  package var json: JSONValue {
    var object: JSONObject = ["version": .string(version), "sha256": .string(digest)]
    if overlays > 0 { object["overlays"] = .integer(Int64(overlays)) }
    return .object(object)
  }

  /// The version for people: `2026.11`, or `2026.11 with 2 overlays`.
  package var versionText: String {
    overlays == 0 ? version : "\(version) with \(overlays) overlay\(overlays == 1 ? "" : "s")"
  }
}
