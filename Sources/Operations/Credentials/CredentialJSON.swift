package import JSON
package import Store

// Credentials as JSON: the same on standard output and through the API.

extension CredentialRecord {
  /// Where it is in its life, in one word.
  package var state: String {
    if revokedAt != nil { return "revoked" }
    guard let test else { return "untested" }
    return test.isAccepted ? "accepted" : "refused"
  }

  /// All of it but its secrets.
  package var json: JSONValue {
    var object: JSONObject = [
      "name": .string(name), "provider": .string(provider), "state": .string(state),
      "version": .integer(version), "details": .object(details),
      "created_at": .string("\(createdAt)"), "keys": .array(keyIDs.map { .string($0) }),
    ]
    object["rotated_at"] = rotatedAt.map { .string("\($0)") }
    object["revoked_at"] = revokedAt.map { .string("\($0)") }
    object["test"] = test?.json
    return .object(object)
  }
}

extension CredentialRecord.Test {
  /// What came of signing in.
  package var json: JSONValue {
    ["at": .string("\(at)"), "accepted": .bool(isAccepted), "outcome": .string(outcome)]
  }
}
