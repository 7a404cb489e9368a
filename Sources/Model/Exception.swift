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
  package var compensatingControl: String
  /// The name of the scope that it is confined to; empty where there is none.
  package var scope: String
  /// When it begins to hold.
  package var begins: Instant
  /// When it holds no more: expiry or revocation.
  package var ends: Instant
  package var location: SourceLocation

  package init(
    id: String,
    rule: String,
    resource: String,
    reason: String,
    owner: String,
    requester: String,
    approver: String,
    compensatingControl: String,
    scope: String = "",
    begins: Instant,
    ends: Instant,
    location: SourceLocation = SourceLocation(file: "")
  ) {
    self.id = id
    self.rule = rule
    self.resource = resource
    self.reason = reason
    self.owner = owner
    self.requester = requester
    self.approver = approver
    self.compensatingControl = compensatingControl
    self.scope = scope
    self.begins = begins
    self.ends = ends
    self.location = location
  }

  /// Whether it holds at an instant.
  package func isInForce(at instant: Instant) -> Bool { begins <= instant && instant < ends }

  /// Until when it holds, for people: the last day, `YYYY-MM-DD`, or the instant where it ends
  /// within a day.
  package var expires: String {
    ends.milliseconds % 86_400_000 == 0 ? ends.advanced(days: -1).day : "\(ends)"
  }

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

  /// Whether two names stand for one person, whatever case and spaces make of them.
  package static func isSamePerson(_ one: String, _ other: String) -> Bool {
    func plain(_ name: String) -> [Substring] {
      name.lowercased().split(whereSeparator: \.isWhitespace)
    }
    return plain(one) == plain(other)
  }

  private static func one(_ node: DocumentNode, path: String) throws(DocumentError) -> Exception {
    var reader = try DocumentReader(node, path: path)
    let owner = try reader.requiredText("owner")
    let lastDay = try reader.requiredText("expires")
    guard ProfileDecoder.isDay(lastDay), let last = Instant(lastDay) else {
      throw reader.error("expires", "expected a day, YYYY-MM-DD")
    }
    let exception = Exception(
      id: try reader.requiredText("id"),
      rule: try reader.requiredText("rule"),
      resource: try reader.requiredText("resource"),
      reason: try reader.requiredText("reason"),
      owner: owner,
      requester: try reader.text("requester") ?? owner,
      approver: try reader.requiredText("approver"),
      compensatingControl: try reader.requiredText("compensating_control"),
      begins: Instant(milliseconds: .min),
      ends: last.advanced(days: 1),
      location: node.location
    )
    guard !Self.isSamePerson(exception.approver, exception.requester) else {
      throw reader.error("approver", "must be another person than the requester")
    }
    try reader.finish()
    return exception
  }
}
