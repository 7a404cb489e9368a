package import Model

/// A kind of finding in flow records.
///
/// The number is kept in states and never given to another.
package enum FlowKind: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case portScan, addressScan
  case bruteForce, bruteForceManyTargets, bruteForceManySources
  case connectionFlood, trafficFlood
  case beacon, exfiltration, newPeer
  case anonymServer, malwareServer, botServer, minerServer
  case serverSuspectedRatio, serverResponse, serverResponseMultipleIPs
  case serverResponseMultipleFlows
  case dataExtrusion, dataExtrusionMulti, serverWeaponizedTotal, serverWeaponizedTotalMulti
  case clientMultipleFlows, clientsMultipleIPs, reconnaissance, reconnaissanceMulti
  case vulnerabilityScan, distributedVulnerabilityScan, clientResponse
  case clientWeaponized, clientWeaponizedTotal

  /// The kind as a note.
  ///
  /// Methods and numbers stand in docs/network.md.
  package var note: FindingNote {
    let (id, title, severity, techniques, description) = facts
    return FindingNote(
      id: "network." + id,
      name: id,
      title: title,
      description: description,
      severity: severity,
      provider: "network",
      tags: techniques.map { "attack." + $0 }
    )
  }

  private typealias Facts = (
    id: String, title: String, severity: FindingSeverity, techniques: [String], description: String
  )

  private var facts: Facts {
    switch self {
    case .portScan:
      (
        "port-scan", "A port scan", .medium, ["discovery", "t1046"],
        "A client's first contacts fail as only a scanner's do, on many ports of few addresses."
      )
    case .addressScan:
      (
        "address-scan", "A scan of many addresses", .medium, ["discovery", "t1046", "t1018"],
        "A client's first contacts fail as only a scanner's do, over many addresses."
      )
    case .bruteForce:
      (
        "brute-force", "Sign-ins tried again and again", .high, ["credential-access", "t1110"],
        "A client opens short connections of like size to a port for signing in, one after another."
      )
    case .bruteForceManyTargets:
      (
        "brute-force-many-targets", "Sign-ins tried at many addresses", .high,
        ["credential-access", "t1110.003"],
        "A client opens short connections to a port for signing in at many addresses."
      )
    case .bruteForceManySources:
      (
        "brute-force-many-sources", "Sign-ins tried from many addresses", .high,
        ["credential-access", "t1110"],
        "Many clients open short connections to one port for signing in."
      )
    case .connectionFlood:
      (
        "connection-flood", "A flood of connections that carry nothing", .high,
        ["impact", "t1499", "t1498"],
        "Far more connections than usual reach a service, and nearly all carry nothing."
      )
    case .trafficFlood:
      (
        "traffic-flood", "A flood of packets without answers", .high, ["impact", "t1498"],
        "Far more packets than usual reach an address, which hardly answers."
      )
    case .beacon:
      (
        "beacon", "Connections as regular as a machine's", .medium,
        ["command-and-control", "t1071", "t1029"],
        "Connections to an external address at even intervals and of even size, for a long time."
      )
    case .exfiltration:
      (
        "exfiltration", "Far more data sent out than usual", .high, ["exfiltration", "t1048"],
        "In an hour an address has sent out far more than in its former hours, and got little back."
      )
    case .newPeer:
      (
        "new-peer", "An external address never spoken to before", .low,
        ["command-and-control", "t1071"],
        "An address that always speaks to the same few external addresses speaks to another."
      )
    default: listed
    }
  }

  /// The kinds that rest on lists; named after those of IBM's Network Insights.
  private var listed: Facts {
    switch self {
    case .anonymServer:
      (
        "anonym-server", "Connections to a listed anonymizer", .medium,
        ["command-and-control", "t1090.003"],
        "An address of one's own contacts an external one that lists call an anonymizer."
      )
    case .malwareServer:
      (
        "malware-server", "Connections to a listed malware server", .medium,
        ["command-and-control", "t1071"],
        "An address of one's own contacts an external one that lists connect with malware, or "
          + "list without a reason that is known."
      )
    case .botServer:
      (
        "bot-server", "Connections to a listed server of a botnet", .medium,
        ["command-and-control", "t1071"],
        "An address of one's own contacts an external one that lists connect with a botnet."
      )
    case .minerServer:
      (
        "miner-server", "Connections to a listed mining server", .medium, ["impact", "t1496"],
        "An address of one's own contacts an external one that lists connect with mining."
      )
    case .serverSuspectedRatio:
      (
        "server-suspected-ratio", "A large share of contacts is listed", .high,
        ["command-and-control", "t1071"],
        "Many of the external addresses that one's own contacts are listed."
      )
    case .serverResponse:
      (
        "server-response", "A listed server answers", .high, ["command-and-control", "t1071"],
        "Data flows both ways between an address of one's own and a listed server."
      )
    case .serverResponseMultipleIPs:
      (
        "server-response-multiple-ips", "Several listed servers answer", .high,
        ["command-and-control", "t1071", "t1008"],
        "Data flows both ways between an address of one's own and several listed servers."
      )
    case .serverResponseMultipleFlows:
      (
        "server-response-multiple-flows", "Listed servers answer again and again", .high,
        ["command-and-control", "t1071"],
        "Many conversations of an address of one's own with listed servers."
      )
    case .dataExtrusion:
      (
        "data-extrusion", "Much data sent to a listed server", .high, ["exfiltration", "t1041"],
        "An address of one's own sends a listed server more than the bound."
      )
    case .dataExtrusionMulti:
      (
        "data-extrusion-multi", "Much data sent to listed servers", .high,
        ["exfiltration", "t1041"],
        "An address of one's own sends several listed servers more than the bound together."
      )
    case .serverWeaponizedTotal:
      (
        "server-weaponized-total", "Much data received from a listed server", .high,
        ["command-and-control", "t1105"],
        "An address of one's own receives from a listed server more than the bound."
      )
    case .serverWeaponizedTotalMulti:
      (
        "server-weaponized-total-multi", "Much data received from listed servers", .high,
        ["command-and-control", "t1105"],
        "An address of one's own receives from several listed servers more than the bound together."
      )
    default: listedClient
    }
  }

  private var listedClient: Facts {
    switch self {
    case .clientMultipleFlows:
      (
        "client-multiple-flows", "A listed client keeps trying closed ports", .low,
        ["reconnaissance", "t1595"],
        "A listed address fails again and again to reach an address of one's own."
      )
    case .clientsMultipleIPs:
      (
        "clients-multiple-ips", "Listed clients try closed ports", .low,
        ["reconnaissance", "t1595"],
        "Several listed addresses fail to reach an address of one's own."
      )
    case .reconnaissance:
      (
        "reconnaissance", "A listed client tries many closed ports", .low,
        ["reconnaissance", "t1595.001"],
        "A listed address fails on many different ports of an address of one's own."
      )
    case .reconnaissanceMulti:
      (
        "reconnaissance-multi", "Listed clients try many closed ports", .low,
        ["reconnaissance", "t1595.001"],
        "Several listed addresses together fail on many different ports of an address of one's own."
      )
    case .vulnerabilityScan:
      (
        "vulnerability-scan", "A listed client tries open ports too often", .medium,
        ["reconnaissance", "t1595.002"],
        "A listed address connects to open ports of an address of one's own too often."
      )
    case .distributedVulnerabilityScan:
      (
        "distributed-vulnerability-scan", "Listed clients try open ports too often", .medium,
        ["reconnaissance", "t1595.002"],
        "Many listed addresses together connect to open ports of an address of one's own too often."
      )
    case .clientResponse:
      (
        "client-response", "Conversation with a listed client", .low,
        ["initial-access", "t1190"],
        "Data flows both ways between a listed client and an address of one's own."
      )
    case .clientWeaponized:
      (
        "client-weaponized", "A large payload from a listed client", .medium,
        ["initial-access", "t1190"],
        "A listed client sends more than the bound in one flow."
      )
    default:
      (
        "client-weaponized-total", "Much data received from a listed client", .medium,
        ["initial-access", "t1190"],
        "A listed client sends more than the bound in all."
      )
    }
  }
}
