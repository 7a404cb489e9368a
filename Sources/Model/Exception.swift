package import JSON

/// A failure that is accepted for a time: who asked, who agreed, why and until when.
package struct Exception: Sendable, Hashable {
  package var id: String
  /// The rule's id.
  package var rule: String
  /// The resource's id, with `*` and `?` as wildcards.
  package var resource: String
  package var reason: String
  package var owner: String
  package var requester: String
  package var approver: String
  /// The last day on which it holds, `YYYY-MM-DD`.
  package var expires: String
  package var compensatingControl: String
  package var location: SourceLocation

  /// The exception as reports show it.
  package var json: JSONValue {
    [
      "id": .string(id), "reason": .string(reason), "owner": .string(owner),
      "approver": .string(approver), "expires": .string(expires),
      "compensating_control": .string(compensatingControl),
    ]
  }

  /// Decodes a document with the key `exceptions`.
  package static func list(_ node: DocumentNode) throws(DocumentError) -> [Exception] {
    var reader = try DocumentReader(node)
    var exceptions: [Exception] = []
    var ids: Set<String> = []
    _ = try reader.requiredNode("exceptions")
    for (index, node) in try reader.list("exceptions").enumerated() {
      let exception = try one(node, path: "exceptions[\(index)]")
      guard ids.insert(exception.id).inserted else {
        throw DocumentError(
          "exception \"\(exception.id)\" stands twice",
          key: "exceptions[\(index)].id",
          at: node.location
        )
      }
      exceptions.append(exception)
    }
    try reader.finish()
    return exceptions
  }

  /// A person's name without what case and spaces make of it.
  private static func person(_ name: String) -> [Substring] {
    name.lowercased().split(whereSeparator: \.isWhitespace)
  }

  private static func one(_ node: DocumentNode, path: String) throws(DocumentError) -> Exception {
    var reader = try DocumentReader(node, path: path)
    let owner = try reader.requiredText("owner")
    let exception = Exception(
      id: try reader.requiredText("id"),
      rule: try reader.requiredText("rule"),
      resource: try reader.requiredText("resource"),
      reason: try reader.requiredText("reason"),
      owner: owner,
      requester: try reader.text("requester") ?? owner,
      approver: try reader.requiredText("approver"),
      expires: try reader.requiredText("expires"),
      compensatingControl: try reader.requiredText("compensating_control"),
      location: node.location
    )
    guard ProfileDecoder.isDay(exception.expires) else {
      throw reader.error("expires", "expected a day, YYYY-MM-DD")
    }
    guard Self.person(exception.approver) != Self.person(exception.requester) else {
      throw reader.error("approver", "must be another person than the requester")
    }
    try reader.finish()
    return exception
  }
}
