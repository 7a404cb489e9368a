import CSimdjson
import JSON
import Model

/// What a correlation takes of one event: a partial aggregate that can be written out, read
/// elsewhere and merged in any order.
struct CorrelationEntry: Sendable {
  var correlation: Int
  /// Which of the correlation's rules matched.
  var part: Int
  var time: Instant
  var group: [String]
  /// The value counted, or the text of the number added up.
  var value: String
  var entity: FindingEntity
  var source: String
  var event: EventReference

  /// The group as one text.
  var groupKey: String { group.joined(separator: "\u{1F}") }

  /// The entry as a line to be merged.
  func json(_ set: DetectionSet) -> JSONValue {
    let correlation = set.correlations[correlation]
    var object: JSONObject = [
      "correlation": .string(correlation.facts.id), "rule": .string(correlation.rules[part]),
      "time": .string(time.description), "group": .array(group.map(JSONValue.string)),
      "value": .string(value), "source": .string(source), "entity": entity.json,
      "event": event.json,
    ]
    object["digest"] = .string(event.digest)
    return ["partial": .object(object)]
  }

  /// Whether a file's first record is of those that a run with partial aggregates writes; nowhere
  /// else are such records anything but records.
  static func isPartial(_ first: ArraySlice<UInt8>) -> Bool {
    let text = String(decoding: first.prefix(200), as: UTF8.self)
    return ["{\"partial\":", "{\"partial_events\":"].contains { text.hasPrefix($0) }
      || text.hasPrefix("{\"id\":\"") && text.contains("\",\"detection_id\":\"")
  }

  /// Reads an entry from a record that is one; one of a correlation that is not there is none.
  static func partial(_ tape: Tape, _ set: DetectionSet) -> CorrelationEntry? {
    guard let body = try? unsafe tape.value(tape.root)["partial"] else { return nil }
    guard let id = body["correlation"]?.string, let rule = body["rule"]?.string,
      let number = set.correlations.firstIndex(where: { $0.facts.id == id }),
      let part = set.correlations[number].rules.firstIndex(of: rule),
      let time = body["time"]?.string.flatMap({ Instant($0) }),
      let group = body["group"]?.array?.compactMap(\.string),
      group.count == set.correlations[number].groupBy.count,
      let event = body["event"]
    else { return nil }
    return CorrelationEntry(
      correlation: number,
      part: part,
      time: time,
      group: group,
      value: body["value"]?.string ?? "",
      entity: FindingEntity(json: body["entity"] ?? [:]),
      source: body["source"]?.string ?? "",
      event: EventReference(
        file: event["file"]?.string ?? "",
        position: event["position"]?.whole ?? 0,
        id: event["id"]?.string,
        digest: body["digest"]?.string ?? "",
        time: time
      )
    )
  }
}
