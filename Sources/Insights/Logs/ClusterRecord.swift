import CSimdjson
import JSON

/// Google's audit records of a cluster as Kubernetes itself would have written them, so that the
/// same detections hold for both.
enum ClusterRecord {
  /// The record in Kubernetes' form, or nil where it is not about a cluster's API.
  ///
  /// - Throws: where it is, and names a member twice.
  static func converted(_ tape: Tape) throws -> [UInt8]? {
    guard let body = unsafe member("protoPayload", of: tape.root, tape),
      let name = unsafe member("methodName", of: body, tape),
      unsafe tape.kind(name) == .string, unsafe tape.string(name).hasPrefix("io.k8s.")
    else { return nil }
    let record = unsafe try tape.value(tape.root)
    guard let payload = record["protoPayload"], let method = payload["methodName"]?.string else {
      return nil
    }
    // io.k8s.<group…>.<version>.<resource>[.<subresource>].<verb>
    let parts = method.split(separator: ".").map(String.init)
    guard parts.count >= 6, parts[0] == "io", parts[1] == "k8s", let verb = parts.last,
      let version = parts.firstIndex(where: isVersion), version > 2,
      version + 1 < parts.count - 1
    else { return nil }
    var object: JSONObject = ["resource": .string(parts[version + 1])]
    if version + 2 < parts.count - 1 { object["subresource"] = .string(parts[version + 2]) }
    let group = parts[2..<version].joined(separator: ".")
    if group != "core" { object["apiGroup"] = .string(group) }
    place(payload["resourceName"]?.string ?? "", in: &object)
    let isGranted = payload["authorizationInfo"]?.array?.first?["granted"]?.bool ?? true
    var event: JSONObject = [
      "apiVersion": "audit.k8s.io/v1", "kind": "Event", "stage": "ResponseComplete",
      "verb": .string(verb), "objectRef": .object(object),
      "responseStatus": status(payload["status"], verb: verb),
      "annotations": [
        "authorization.k8s.io/decision": .string(isGranted ? "allow" : "forbid")
      ],
    ]
    let authentication = payload["authenticationInfo"]
    if let name = authentication?["principalEmail"] ?? authentication?["authoritySelector"] {
      event["user"] = ["username": name]
    }
    let metadata = payload["requestMetadata"]
    if let address = metadata?["callerIp"] ?? metadata?["callerIP"] {
      event["sourceIPs"] = [address]
    }
    event["userAgent"] = metadata?["callerSuppliedUserAgent"]
    event["requestObject"] = payload["request"]
    event["responseObject"] = payload["response"]
    event["auditID"] = record["insertId"]
    event["requestReceivedTimestamp"] = record["timestamp"]
    event["cluster"] = record["resource"]?["labels"]?["cluster_name"]
    var writer = JSONWriter()
    writer.value(.object(event))
    return writer.bytes
  }

  /// Where the member of an object stands.
  private static func member(_ key: String, of place: Int, _ tape: Tape) -> Int? {
    guard unsafe tape.kind(place) == .object else { return nil }
    var index = place + 1
    while unsafe index < tape.end(place) {
      if unsafe tape.string(index) == key { return index + 1 }
      index = unsafe tape.next(index + 1)
    }
    return nil
  }

  private static func isVersion(_ part: String) -> Bool {
    part.first == "v" && part.dropFirst().first?.isNumber == true
  }

  /// Namespace and name out of `core/v1/namespaces/NAMESPACE/RESOURCE/NAME`.
  private static func place(_ path: String, in object: inout JSONObject) {
    let parts = path.split(separator: "/").map(String.init)
    if let index = parts.firstIndex(of: "namespaces"), index + 1 < parts.count {
      object["namespace"] = .string(parts[index + 1])
    }
    if let resource = object["resource"]?.string,
      let index = parts.lastIndex(of: resource), index + 1 < parts.count
    {
      object["name"] = .string(parts[index + 1])
    }
  }

  /// The code of an HTTP answer for a code of gRPC.
  private static func status(_ status: JSONValue?, verb: String) -> JSONValue {
    let codes = [0: 200, 5: 404, 6: 409, 7: 403, 16: 401, 3: 400, 9: 400, 8: 429]
    guard let code = status?["code"]?.whole, code != 0 else {
      return ["code": verb == "create" ? 201 : 200]
    }
    var object: JSONObject = ["code": .integer(Int64(code >= 100 ? code : codes[code] ?? 500))]
    object["message"] = status?["message"]
    return .object(object)
  }
}
