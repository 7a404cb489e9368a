package import JSON
internal import Model
package import Store

// Conversations as JSON, the same on the command line and through the API.

extension Conversation {
  /// The conversation, with what is known of the external address.
  package func json(_ address: ExternalAddress) -> JSONValue {
    var external: JSONObject = ["address": .string(key.external)]
    if !address.owner.isEmpty {
      (external["asn"], external["owner"]) = (.string(address.asn), .string(address.owner))
    }
    external["categories"] = .array(address.categories.map { .string($0) })
    external["listings"] = address.listings
    external["first_seen"] = .string("\(since)")
    return [
      "direction": .string(isOutbound ? "outbound" : "inbound"), "account": .string(key.account),
      "own": .string(key.own), "external": .object(external), "port": .integer(Int64(key.port)),
      "protocol": .string(key.transport), "connections": .integer(connections),
      "failed": .integer(failed), "bytes_sent": .integer(sent),
      "bytes_received": .integer(received),
      "first_seen": .string("\(firstSeen)"), "last_seen": .string("\(lastSeen)"),
      "days": .integer(Int64(days)),
    ]
  }
}

extension ConversationDay {
  /// The figures.
  package var json: JSONValue {
    [
      "day": .string(day.day), "direction": .string(isOutbound ? "outbound" : "inbound"),
      "conversations": .integer(Int64(conversations)), "connections": .integer(Int64(connections)),
      "bytes_sent": .integer(Int64(sent)), "bytes_received": .integer(Int64(received)),
      "bytes_listed": .integer(Int64(listed)),
    ]
  }
}
