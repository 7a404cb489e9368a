import Foundation
package import JSON
package import Model

extension Finding {
  /// The finding as OCSF Detection Finding (class 2004).
  package func ocsf(product version: String) -> JSONValue {
    let time = lastSeen ?? firstSeen ?? Instant(milliseconds: 0)
    var info: JSONObject = [
      "uid": .string(id), "title": .string(note.title), "types": [.string(note.id)],
      "analytic": [
        "uid": .string(note.id), "name": .string(note.title), "type_id": 1, "type": "Rule",
      ],
    ]
    if !note.description.isEmpty { info["desc"] = .string(note.description) }
    if let firstSeen { info["first_seen_time"] = .integer(firstSeen.milliseconds) }
    if let lastSeen { info["last_seen_time"] = .integer(lastSeen.milliseconds) }
    info["src_url"] = note.references.first.map(JSONValue.string)
    let techniques = note.techniques
    if !techniques.isEmpty {
      info["attacks"] = .array(
        techniques.map { ["technique": ["uid": .string($0)], "version": "16"] }
      )
    }
    info["related_events_count"] = .integer(Int64(count))
    info["related_events"] = .array(
      evidence.events.map { ["uid": .string($0.id ?? $0.digest), "type_uid": 600_399] }
    )
    var object: JSONObject = [
      "activity_id": 1, "category_uid": 2, "class_uid": 2004, "type_uid": 200_401,
      "time": .integer(time.milliseconds), "severity_id": .integer(Int64(note.severity.rank + 1)),
      "severity": .string(note.severity.rawValue.capitalized),
      "status_id": .integer(state == .open ? 1 : 4), "is_alert": true,
      "finding_info": .object(info), "count": .integer(Int64(count)),
      "metadata": [
        "version": "1.8.0", "profiles": ["cloud"],
        "product": [
          "name": "Plumbline", "vendor_name": "Plumbline", "version": .string(version),
        ],
      ],
      "evidences": [["data": .object(evidence.values), "actor": .object(actor)]],
    ]
    if let resource = entity.resource { object["resources"] = [["uid": .string(resource)]] }
    var cloud: JSONObject = [
      "provider": .string(evidence.source.split(separator: ".").first.map(String.init) ?? "unknown")
    ]
    if let account = entity.account {
      cloud["account"] = [
        "uid": .string(account), "name": .string(account), "type_id": 99, "type": "account",
      ]
    }
    if let region = entity.region { cloud["region"] = .string(region) }
    object["cloud"] = .object(cloud)
    return .object(object)
  }

  private var actor: JSONObject {
    guard let name = entity.actor else { return ["app_name": "unknown"] }
    return entity.actorKind == .app
      ? ["app_name": .string(name), "user": ["name": .string(name)]]
      : ["user": ["name": .string(name)]]
  }
}
