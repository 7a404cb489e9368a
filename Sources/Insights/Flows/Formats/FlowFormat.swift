/// A kind of flow log: how its columns or members are called and what they mean.
///
/// One that is written as columns, or as flat JSON objects, is an entry in ``all``; one that nests
/// its flows has a reader in ``FlowJSON`` besides.
package struct FlowFormat: Sendable {
  /// How the records stand in the file.
  enum Form: Sendable {
    /// Lines of columns; a header is known by a word that stands in it.
    case columns(separator: UInt8, mark: String, headerless: [String]?)
    /// JSON objects that have a member.
    case json(mark: String)
  }

  /// The name that the option takes.
  package let name: String
  package let title: String
  /// Who writes such logs, as OCSF names providers.
  package let provider: String
  let form: Form
  let style: FlowStyle
  let fields: [String: FlowField]

  /// The formats, in the order in which they are tried.
  package static let all: [FlowFormat] = [
    aws, zeek, nfdump, ibm, google, azureNSG, azureVNet, zeekJSON,
  ]

  /// The format of a name.
  package static func named(_ name: String) -> FlowFormat? { all.first { $0.name == name } }

  /// Amazon VPC flow logs of versions 2 to 5 and later: the columns of any header or format text.
  static let aws = FlowFormat(
    name: "aws",
    title: "Amazon VPC flow logs, versions 2 and later",
    provider: "AWS",
    form: .columns(
      separator: 0x20,
      mark: "srcaddr",
      headerless: [
        "version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport",
        "protocol", "packets", "bytes", "start", "end", "action", "log-status",
      ]
    ),
    style: .handshake,
    fields: [
      "account-id": .account, "srcaddr": .sourceOtherwise, "dstaddr": .targetOtherwise,
      "pkt-srcaddr": .source, "pkt-dstaddr": .target, "srcport": .sourcePort,
      "dstport": .targetPort, "protocol": .transport, "packets": .packets, "bytes": .bytes,
      "start": .start, "end": .end, "action": .action, "log-status": .status,
      "tcp-flags": .flags,
    ]
  )

  /// Zeek's conn.log as it is written by default.
  static let zeek = FlowFormat(
    name: "zeek",
    title: "Zeek conn.log, tab-separated",
    provider: "Zeek",
    form: .columns(separator: 0x09, mark: "#fields", headerless: nil),
    style: .conversation,
    fields: zeekFields
  )

  /// Zeek's conn.log as JSON.
  static let zeekJSON = FlowFormat(
    name: "zeek-json",
    title: "Zeek conn.log, JSON",
    provider: "Zeek",
    form: .json(mark: "id.orig_h"),
    style: .conversation,
    fields: zeekFields
  )

  private static let zeekFields: [String: FlowField] = [
    "ts": .start, "id.orig_h": .source, "id.resp_h": .target, "id.orig_p": .sourcePort,
    "id.resp_p": .targetPort, "proto": .transport, "duration": .duration,
    "orig_pkts": .packets, "orig_ip_bytes": .bytes, "resp_pkts": .packetsBack,
    "resp_ip_bytes": .bytesBack, "conn_state": .state,
  ]

  /// What nfdump writes with `-o csv`, of softflowd or any other exporter.
  static let nfdump = FlowFormat(
    name: "nfdump",
    title: "nfdump -o csv (NetFlow, IPFIX, softflowd)",
    provider: "NetFlow",
    form: .columns(separator: 0x2C, mark: "ts,te,td,sa,da", headerless: nil),
    style: .cumulative,
    fields: [
      "ts": .start, "te": .end, "sa": .source, "da": .target, "sp": .sourcePort,
      "dp": .targetPort, "pr": .transport, "flg": .flags, "ipkt": .packets, "ibyt": .bytes,
    ]
  )

  /// IBM Cloud VPC flow-log objects.
  static let ibm = FlowFormat(
    name: "ibm",
    title: "IBM Cloud VPC flow logs",
    provider: "IBM",
    form: .json(mark: "flow_logs"),
    style: .conversation,
    fields: [
      "start_time": .start, "end_time": .end, "connection_start_time": .startOtherwise,
      "initiator_ip": .source, "target_ip": .target, "initiator_port": .sourcePort,
      "target_port": .targetPort, "transport_protocol": .transport, "action": .action,
      "bytes_from_initiator": .bytes, "packets_from_initiator": .packets,
      "bytes_from_target": .bytesBack, "packets_from_target": .packetsBack,
    ]
  )

  /// Google VPC flow logs and firewall logs as log entries.
  static let google = FlowFormat(
    name: "google",
    title: "Google Cloud VPC flow logs",
    provider: "GCP",
    form: .json(mark: "jsonPayload"),
    style: .handshake,
    fields: [
      "src_ip": .source, "dest_ip": .target, "src_port": .sourcePort, "dest_port": .targetPort,
      "protocol": .transport, "bytes_sent": .bytes, "packets_sent": .packets,
      "start_time": .start, "end_time": .end, "disposition": .action, "timestamp": .startOtherwise,
    ]
  )

  /// Azure network security group flow logs, version 2 (and what version 1 has of it).
  static let azureNSG = FlowFormat(
    name: "azure-nsg",
    title: "Azure NSG flow logs, version 2",
    provider: "Azure",
    form: .json(mark: "properties"),
    style: .conversation,
    fields: [:]
  )

  /// The parts of a flow tuple of Azure's NSG flow logs.
  static let azureNSGTuple: [FlowField] = [
    .start, .source, .target, .sourcePort, .targetPort, .transport, .ignored, .action, .state,
    .packets, .bytes, .packetsBack, .bytesBack,
  ]

  /// Azure virtual network flow logs, version 4.
  static let azureVNet = FlowFormat(
    name: "azure-vnet",
    title: "Azure virtual network flow logs, version 4",
    provider: "Azure",
    form: .json(mark: "flowRecords"),
    style: .conversation,
    fields: [:]
  )

  /// The parts of a flow tuple of Azure's virtual network flow logs.
  static let azureVNetTuple: [FlowField] = [
    .start, .source, .target, .sourcePort, .targetPort, .transport, .ignored, .state, .ignored,
    .packets, .bytes, .packetsBack, .bytesBack,
  ]

  /// What a field is called in the log, for messages.
  func name(of field: FlowField) -> String {
    // The plain column tells an address as well as the packet's does.
    let plain: [FlowField: FlowField] = [.source: .sourceOtherwise, .target: .targetOtherwise]
    let asked = plain[field].flatMap { fields.values.contains($0) ? $0 : nil } ?? field
    return fields.filter { $0.value == asked }.map(\.key).min() ?? "\(field)"
  }
}

/// The columns of a file, as its header or an option names them.
package struct FlowColumns: Sendable {
  let format: FlowFormat
  let separator: UInt8
  let names: [String]
  let fields: [FlowField]
  /// The place of the account, or -1.
  let account: Int

  init(_ format: FlowFormat, separator: UInt8, _ names: [String]) {
    self.format = format
    self.separator = separator
    self.names = names
    fields = names.map { format.fields[$0] ?? .ignored }
    account = fields.firstIndex(of: .account) ?? -1
  }

  /// The columns that a text names, as the option takes them: apart by spaces or commas, also in
  /// Amazon's form `${version} ${account-id}`.
  package init(fields text: String) throws(FlowFormatError) {
    let names = text.split { " ,\t".contains($0) }.map { name in
      name.hasPrefix("${") && name.hasSuffix("}")
        ? String(name.dropFirst(2).dropLast()) : String(name)
    }.map { $0.replacing("_", with: "-") }
    self.init(.aws, separator: 0x20, names)
    for needed in [(FlowField.sourceOtherwise, FlowField.source), (.targetOtherwise, .target)]
    where !fields.contains(needed.0) && !fields.contains(needed.1) {
      throw FlowFormatError(
        description: "--fields names no \(format.name(of: needed.0)); expected the columns of the "
          + "log in their order, such as \"version account-id interface-id srcaddr dstaddr …\""
      )
    }
    if !fields.contains(.start), !fields.contains(.end) {
      throw FlowFormatError(description: "--fields names neither start nor end")
    }
  }

  /// The columns that a header names; nil where the line is none.
  init?(header: FlowBytes) {
    for format in FlowFormat.all {
      guard case .columns(let separator, let mark, _) = format.form else { continue }
      let text = header.text
      guard text.contains(mark) else { continue }
      var names = text.split { $0 == Character(Unicode.Scalar(separator)) || $0 == "\r" }
        .map { String($0).trimmingSpaces }
      if names.first == "#fields" { names.removeFirst() }
      guard !names.isEmpty else { continue }
      if format.name == "aws" { names = names.map { $0.replacing("_", with: "-") } }
      self.init(format, separator: separator, names)
      return
    }
    return nil
  }

  /// The columns as a header, by which they can be made again.
  var headerText: String {
    let mark = format.name == "zeek" ? ["#fields"] : []
    return (mark + names).joined(separator: String(Unicode.Scalar(separator)))
  }

  /// The columns of a first line that is no header, where a format has any such.
  init?(headerless line: FlowBytes) {
    for format in FlowFormat.all {
      guard case .columns(let separator, _, let names?) = format.form else { continue }
      let columns = FlowColumns(format, separator: separator, names)
      let count = line.text.split(separator: Character(Unicode.Scalar(separator))).count
      guard count == names.count else { continue }
      self = columns
      return
    }
    return nil
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}

/// Why a log's format does not become clear.
package struct FlowFormatError: Error, CustomStringConvertible {
  package let description: String
}
