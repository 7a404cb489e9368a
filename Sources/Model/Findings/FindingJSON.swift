package import JSON

extension Finding {
  /// The finding for programs.
  package var json: JSONValue {
    var object: JSONObject = [
      "id": .string(id), "detection_id": .string(note.id), "title": .string(note.title),
      "severity": .string(note.severity.rawValue), "level": .string(note.severity.rawValue),
      "source": .string(note.source.rawValue), "provider": .string(note.provider),
      "tags": .array(note.tags.map(JSONValue.string)),
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
    object["evidence"] = evidence.json
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
    object["peer"] = peer.map(JSONValue.string)
    return .object(object)
  }

  /// Reads an entity back.
  package init(json: JSONValue) {
    self.init()
    actor = json["actor"]?.string
    actorKind = json["actor_kind"]?.string.flatMap(ActorKind.init) ?? .unknown
    account = json["account"]?.string
    region = json["region"]?.string
    resource = json["resource"]?.string
    sourceIP = json["source_ip"]?.string
    peer = json["peer"]?.string
  }
}

extension EventReference {
  /// The place of the event for programs.
  package var json: JSONValue {
    var object: JSONObject = ["file": .string(file), "position": .integer(Int64(position))]
    if let id { object["id"] = .string(id) } else { object["digest"] = .string(digest) }
    if let time { object["time"] = .string(time.description) }
    return .object(object)
  }

  /// Reads a reference back.
  package init(json: JSONValue) {
    self.init(
      file: json["file"]?.string ?? "",
      position: json["position"]?.whole ?? 0,
      id: json["id"]?.string,
      digest: json["digest"]?.string ?? "",
      time: json["time"]?.string.flatMap { Instant($0) }
    )
  }
}

extension FindingEvidence {
  /// The evidence for programs.
  package var json: JSONValue {
    [
      "source": .string(source), "values": .object(values),
      "events": .array(events.map(\.json)),
    ]
  }

  /// Reads evidence back.
  package init(json: JSONValue) {
    self.init(
      source: json["source"]?.string ?? "",
      values: json["values"]?.object ?? [:],
      events: (json["events"]?.array ?? []).map { EventReference(json: $0) }
    )
  }
}

extension FindingNote {
  /// What is kept of a kind besides what it is listed by.
  package var details: JSONObject {
    var object: JSONObject = [:]
    object["name"] = name.map(JSONValue.string)
    if !description.isEmpty { object["description"] = .string(description) }
    if !tags.isEmpty { object["tags"] = .array(tags.map(JSONValue.string)) }
    if !references.isEmpty { object["references"] = .array(references.map(JSONValue.string)) }
    object["author"] = author.map(JSONValue.string)
    return object
  }

  /// Reads such details back.
  package mutating func take(_ details: JSONObject) {
    func texts(_ key: String) -> [String] { details[key]?.array?.compactMap(\.string) ?? [] }
    name = details["name"]?.string
    description = details["description"]?.string ?? ""
    (tags, references) = (texts("tags"), texts("references"))
    author = details["author"]?.string
  }
}
