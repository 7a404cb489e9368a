import JSON

/// Flow records as OCSF Network Activity (class 4001).
enum FlowOCSF {
  /// The record; others are the columns that mean nothing to detectors.
  static func json(
    _ record: FlowRecord,
    account: String,
    provider: String,
    own: OwnNetworks,
    others: JSONObject
  ) -> JSONValue {
    let clientIsOwn = own.contains(record.client)
    let serverIsOwn = own.contains(record.server)
    // Refused, failed, or traffic as such.
    let activity: Int64 = record.verdict == .denied ? 5 : record.outcome == .failed ? 4 : 6
    func endpoint(_ address: UInt128, _ port: UInt16) -> JSONObject {
      var object: JSONObject = ["ip": .string(FlowAddress.text(address))]
      if port > 0 || record.transport == 6 || record.transport == 17 {
        object["port"] = .integer(Int64(port))
      }
      return object
    }
    let (direction, name): (Int64, String) =
      switch (clientIsOwn, serverIsOwn) {
      case (true, true): (3, "Lateral")
      case (true, false): (2, "Outbound")
      case (false, true): (1, "Inbound")
      case (false, false): (0, "Unknown")
      }
    var connection: JSONObject = [
      "protocol_num": .integer(Int64(record.transport)),
      "protocol_name": .string(FlowWords.transportName(record.transport)),
      "direction_id": .integer(direction), "direction": .string(name),
    ]
    if record.flags > 0 { connection["tcp_flags"] = .integer(Int64(record.flags)) }
    let (sent, received) = (record.sent, record.received)
    var object: JSONObject = [
      "class_uid": 4001, "category_uid": 4, "activity_id": .integer(activity),
      "type_uid": .integer(400_100 + activity), "severity_id": 1,
      "time": .integer(record.start), "start_time": .integer(record.start),
      "end_time": .integer(record.end),
      "src_endpoint": .object(endpoint(record.client, record.clientPort)),
      "dst_endpoint": .object(endpoint(record.server, record.serverPort)),
      "connection_info": .object(connection),
      "traffic": [
        "bytes_out": .integer(sent.bytes), "bytes_in": .integer(received.bytes),
        "packets_out": .integer(sent.packets), "packets_in": .integer(received.packets),
        "bytes": .integer(sent.bytes &+ received.bytes),
        "packets": .integer(sent.packets &+ received.packets),
      ],
      "metadata": [
        "version": "1.8.0", "product": ["name": "flow logs", "vendor_name": .string(provider)],
        "profiles": ["cloud"],
      ],
    ]
    if record.verdict != .unknown {
      object["action_id"] = .integer(record.verdict == .allowed ? 1 : 2)
      object["action"] = .string(record.verdict == .allowed ? "Allowed" : "Denied")
    }
    object["status_id"] = .integer(
      record.outcome == .answered ? 1 : record.outcome == .failed ? 2 : 0
    )
    var cloud: JSONObject = ["provider": .string(provider)]
    if !account.isEmpty { cloud["account"] = ["uid": .string(account)] }
    var unmapped = others
    if let region = unmapped["region"] {
      cloud["region"] = region
      unmapped["region"] = nil
    }
    object["cloud"] = .object(cloud)
    if !unmapped.isEmpty { object["unmapped"] = .object(unmapped) }
    return .object(object)
  }
}
