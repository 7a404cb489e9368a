import JSON
import Model

extension ActivityFacts {
  /// The event as OCSF API Activity (class 6003), or Authentication (3002) for a sign-in, with the
  /// record as it came.
  func ocsf(source: LogSource, raw: String, digest: String) -> JSONValue {
    let activity = isAuthentication ? 1 : activity
    let classID = isAuthentication ? 3002 : 6003
    var object: JSONObject = [
      "activity_id": .integer(Int64(activity)),
      "category_uid": isAuthentication ? 3 : 6,
      "class_uid": .integer(Int64(classID)),
      "type_uid": .integer(Int64(classID * 100 + activity)),
      "time": .integer(time?.milliseconds ?? 0),
      "severity_id": 1,
      "status_id": .integer(status.id),
      "status": .string(status.name),
      "metadata": metadata(source, digest),
      "cloud": cloud(source),
    ]
    if activity == 99 { object["activity_name"] = .string(values[.operation] ?? "Other") }
    var actor: JSONObject = [:]
    var user = part([("uid", .actorID), ("name", .actorName), ("type", .actorType)])
    if let account = values[.actorAccount] {
      user["account"] = ["uid": .string(account)]
    }
    if !user.isEmpty { actor["user"] = .object(user) }
    if isApp, let name = values[.actorName] ?? values[.actorID] {
      actor["app_name"] = .string(name)
    }
    object["actor"] = .object(actor)
    if isAuthentication { object["user"] = .object(user) }
    var api = part([("operation", .operation)])
    if let service = values[.service] { api["service"] = ["name": .string(service)] }
    if let request = values[.request] { api["request"] = ["uid": .string(request)] }
    let response = part([("error", .errorCode), ("error_message", .errorMessage)])
    if !response.isEmpty { api["response"] = .object(response) }
    object["api"] = .object(api)
    if let address = values[.sourceIP] {
      // Some logs name a service where others give an address.
      object["src_endpoint"] = [Self.isAddress(address) ? "ip" : "domain": .string(address)]
    } else {
      object["src_endpoint"] = ["name": "unknown"]
    }
    if let agent = values[.userAgent] {
      object["http_request"] = ["user_agent": .string(agent)]
    }
    if let resource = values[.resource] {
      object["resources"] = [["uid": .string(resource)]]
    }
    object["raw_data"] = .string(raw)
    return .object(object)
  }

  /// OCSF's status.
  private var status: (id: Int64, name: String) {
    switch outcome {
    case .allowed: (1, "Success")
    case .denied: (2, "Denied")
    case .failed: (2, "Failure")
    case .unknown: (0, "Unknown")
    }
  }

  /// Whether a text is an address as everybody reads it: without leading zeros, which some take for
  /// octal.
  private static func isAddress(_ text: String) -> Bool {
    let hasPadding = text.split(separator: ".").contains { $0.count > 1 && $0.hasPrefix("0") }
    return !text.contains("/") && !hasPadding && IPNetwork(text) != nil
  }

  private func metadata(_ source: LogSource, _ digest: String) -> JSONValue {
    var object: JSONObject = [
      "version": "1.8.0", "uid": .string(digest), "log_name": .string(source.id),
      "product": ["name": .string(source.product), "vendor_name": .string(source.vendor)],
      "profiles": ["cloud"],
    ]
    if let id = values[.id] { object["original_event_uid"] = .string(id) }
    return .object(object)
  }

  private func cloud(_ source: LogSource) -> JSONValue {
    var object: JSONObject = ["provider": .string(source.provider)]
    if let account = values[.account] { object["account"] = ["uid": .string(account)] }
    if let region = values[.region] { object["region"] = .string(region) }
    return .object(object)
  }

  private func part(_ names: [(String, LogSource.Fact)]) -> JSONObject {
    JSONObject(
      names.compactMap { name, fact in values[fact].map { (key: name, value: .string($0)) } }
    )
  }
}
