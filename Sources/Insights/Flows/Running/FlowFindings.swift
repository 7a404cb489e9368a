import JSON
import Model

/// Makes findings of what detectors tell.
final class FlowFindings {
  private let reputation: Reputation
  /// The files and accounts by the places that records name.
  var files: [String] = []
  private(set) var accounts = [""]
  private var places = ["": UInt32(0)]

  init(_ reputation: Reputation) { self.reputation = reputation }

  /// The place of an account in the run.
  func place(_ account: String) -> UInt32 {
    if let place = places[account] { return place }
    // As many as this only a hostile log has.
    guard accounts.count < 100_000 else { return 0 }
    places[account] = UInt32(accounts.count)
    accounts.append(account)
    return UInt32(accounts.count - 1)
  }

  /// Takes up the accounts of a state.
  func take(accounts: [String]) { for account in accounts { _ = place(account) } }

  func finding(_ alarm: FlowAlarm, _ story: FlowStory) -> Finding {
    let kind = story.kind ?? alarm.kind
    let note = kind.note
    var entity = FindingEntity()
    let account = Int(alarm.account) < accounts.count ? accounts[Int(alarm.account)] : ""
    entity.account = account.isEmpty ? nil : account
    let client = story.client.map(FlowAddress.text)
    let server = story.server.map(FlowAddress.text)
    // Of a scan or an attack the one who does it is what is told first.
    entity.resource = story.isOutbound ? client : server
    entity.sourceIP = client
    var values = story.values
    values["network_connection"] = connection(story, client, server)
    if let external = story.isOutbound ? story.server : story.client {
      values["external"] = .object(self.external(external, at: story.last))
    }
    values["method"] = .string(note.description)
    let parts = [
      note.id, account, client ?? "", server ?? "", story.port.map { "\($0)" } ?? "",
      "\(story.episode)",
    ]
    let id = String(Digest.sha256(Array(parts.joined(separator: "\u{1F}").utf8)).prefix(32))
    let file = Int(alarm.file) < files.count ? files[Int(alarm.file)] : "unknown"
    let event = EventReference(
      file: file,
      position: Int(alarm.position),
      id: nil,
      digest: id,
      time: Instant(milliseconds: story.last)
    )
    return Finding(
      id: id,
      note: note,
      entity: entity,
      firstSeen: Instant(milliseconds: story.first),
      lastSeen: Instant(milliseconds: story.last),
      count: story.count,
      evidence: FindingEvidence(source: "network.flow", values: values, events: [event])
    )
  }

  private func connection(_ story: FlowStory, _ client: String?, _ server: String?) -> JSONValue {
    var object: JSONObject = [
      "direction": .string(story.isOutbound ? "outbound" : "inbound"),
      "protocol": .string(FlowOCSF.protocolName(story.transport)),
    ]
    if let client { object["client"] = ["address": .string(client)] }
    var side: JSONObject = [:]
    side["address"] = server.map { .string($0) }
    side["port"] = story.port.map { .integer(Int64($0)) }
    if !side.isEmpty { object["server"] = .object(side) }
    return .object(object)
  }

  /// What is known of an address: who owns it, what lists say.
  func external(_ address: UInt128, at time: Int64) -> JSONObject {
    var object: JSONObject = ["address": .string(FlowAddress.text(address))]
    if let owner = reputation.owner(address) {
      object["asn"] = .string(owner.number)
      object["owner"] = .string(owner.name)
    }
    let listings = reputation.listings(address, at: time)
    if !listings.isEmpty { object["listings"] = .array(listings.map(\.json)) }
    return object
  }
}
