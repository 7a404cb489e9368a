import Foundation
package import JSON

extension Finding {
  /// The finding as OCSF Detection Finding (class 2004), or as Vulnerability Finding (class 2002)
  /// where its evidence names a vulnerability by `cve`.
  ///
  /// `isUpdate` is whether it was told before; nil where that is to be taken from how often it was seen.
  package func ocsf(product version: String, isUpdate: Bool? = nil) -> JSONValue {
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
      evidence.events.map { event in
        // Network activity, or a call of an API.
        let type: Int64 = note.provider == "network" ? 400_106 : 600_399
        return ["uid": .string(event.id ?? event.digest), "type_uid": .integer(type)]
      }
    )
    let kind: Int64 = vulnerabilities.isEmpty ? 2004 : 2002
    // A finding is created, updated by what is seen again, and closed.
    let activity: Int64 = state != .open ? 3 : isUpdate ?? (count > 1) ? 2 : 1
    let status: (id: Int64, name: String) =
      switch state {
      case .open: (1, "New")
      case .mitigated: (4, "Resolved")
      case .accepted: (3, "Suppressed")
      }
    var object: JSONObject = [
      "activity_id": .integer(activity), "category_uid": 2, "class_uid": .integer(kind),
      "type_uid": .integer(kind * 100 + activity),
      "time": .integer(time.milliseconds), "severity_id": .integer(Int64(note.severity.rank + 1)),
      "severity": .string(note.severity.rawValue.capitalized),
      "status_id": .integer(status.id), "status": .string(status.name),
      "finding_info": .object(info), "count": .integer(Int64(count)),
      "metadata": [
        "version": "1.8.0", "profiles": ["cloud"],
        "product": [
          "name": "Plumbline", "vendor_name": "Plumbline", "version": .string(version),
        ],
      ],
    ]
    if let reason = state.decision?.reason, !reason.isEmpty { object["comment"] = .string(reason) }
    if vulnerabilities.isEmpty {
      object["is_alert"] = true
      object["evidences"] = [.object(evidences)]
    } else {
      object["vulnerabilities"] = .array(vulnerabilityObjects)
    }
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

  private var vulnerabilityObjects: [JSONValue] {
    vulnerabilities.map { name in
      var one: JSONObject = [
        "cve": ["uid": .string(name)], "title": .string(note.title),
        "severity": .string(note.severity.rawValue.capitalized),
      ]
      if let package = evidence.values["package"]?.string {
        let version = evidence.values["version"]?.string ?? "unknown"
        one["affected_packages"] = [["name": .string(package), "version": .string(version)]]
      }
      one["first_seen_time"] = firstSeen.map { .integer($0.milliseconds) }
      one["last_seen_time"] = lastSeen.map { .integer($0.milliseconds) }
      return .object(one)
    }
  }

  /// The facts, who acted and which addresses spoke, as far as they are known.
  private var evidences: JSONObject {
    var object: JSONObject = ["data": .object(evidence.values)]
    if let name = entity.actor {
      object["actor"] =
        entity.actorKind == .app
        ? ["app_name": .string(name), "user": ["name": .string(name)]]
        : ["user": ["name": .string(name)]]
    }
    let connection = evidence.values["network_connection"]
    for (side, name) in [("client", "src_endpoint"), ("server", "dst_endpoint")] {
      guard let known = connection?[side]?.object else { continue }
      var endpoint = JSONObject()
      endpoint["ip"] = known["address"]
      endpoint["port"] = known["port"]
      object[name] = .object(endpoint)
    }
    return object
  }
}
