package import JSON
import Model

// Who has access as JSON, the same on the command line and through the API.

extension ResourceReach {
  /// The resource with those who have access to it.
  package var json: JSONValue {
    [
      "account": .string(resource.account), "region": .string(resource.region),
      "kind": .string("\(resource.kind)"), "id": .string(resource.id),
      "name": .string(resource.name), "notes": .array(notes.map { .string($0) }),
      "holders": .array(entries.map(\.json)),
    ]
  }
}

extension ReachHolder {
  /// The holder.
  package var json: JSONValue {
    [
      "type": .string(type.rawValue), "id": .string(id), "name": .string(name),
      "account": .string(account),
    ]
  }
}

extension ReachEntry {
  /// The holder with every way by which it has access.
  package var json: JSONValue {
    [
      "level": .string(level.rawValue), "certainty": .string(certainty.rawValue),
      "holder": holder.json, "ways": .array(ways.map(\.json)),
    ]
  }
}
