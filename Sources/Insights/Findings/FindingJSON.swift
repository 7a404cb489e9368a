package import JSON
package import Model

extension Finding {
  /// The finding for programs.
  package var json: JSONValue {
    var object: JSONObject = [
      "id": .string(id), "detection_id": .string(note.id), "title": .string(note.title),
      "severity": .string(note.severity.rawValue), "level": .string(note.severity.rawValue),
      "provider": .string(note.provider), "tags": .array(note.tags.map(JSONValue.string)),
      "attack": [
        "tactics": .array(note.tactics.map(JSONValue.string)),
        "techniques": .array(note.techniques.map(JSONValue.string)),
      ],
      "state": .string(state.name),
    ]
    if let name = note.name { object["detection_name"] = .string(name) }
    if let author = note.author { object["author"] = .string(author) }
    if let event = evidence.events.first { object["event"] = event.json }
    object["entity"] = entity.json
    object["first_seen"] = firstSeen.map { .string($0.description) } ?? .null
    object["last_seen"] = lastSeen.map { .string($0.description) } ?? .null
    object["count"] = .integer(Int64(count))
    object["evidence"] = [
      "source": .string(evidence.source), "values": .object(evidence.values),
      "events": .array(evidence.events.map(\.json)),
    ]
    return .object(object)
  }
}

extension FindingEntity {
  /// The entity for programs; what is not known is left out.
  package var json: JSONValue {
    var object: JSONObject = [:]
    if let actor {
      object["actor"] = .string(actor)
      object["actor_kind"] = .string(actorKind.rawValue)
    }
    object["account"] = account.map(JSONValue.string)
    object["region"] = region.map(JSONValue.string)
    object["resource"] = resource.map(JSONValue.string)
    object["source_ip"] = sourceIP.map(JSONValue.string)
    return .object(object)
  }

  /// Reads an entity back.
  init(json: JSONValue) {
    self.init()
    actor = json["actor"]?.string
    actorKind = json["actor_kind"]?.string.flatMap(ActorKind.init) ?? .unknown
    account = json["account"]?.string
    region = json["region"]?.string
    resource = json["resource"]?.string
    sourceIP = json["source_ip"]?.string
  }
}

extension EventReference {
  /// The place of the event for programs.
  package var json: JSONValue {
    var object: JSONObject = ["file": .string(file), "position": .integer(Int64(position))]
    if let id { object["id"] = .string(id) }
    if let time { object["time"] = .string(time.description) }
    return .object(object)
  }
}
