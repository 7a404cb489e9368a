import JSON
import Model

/// Makes findings of what detectors tell.
final class FlowFindings {
  private let reputation: Reputation
  private let own: OwnNetworks?
  /// The files and accounts by the places that records name.
  var files: [String] = []
  private(set) var accounts = [""]
  private var places = ["": UInt32(0)]

  /// Accounts beyond those that there is room for.
  private(set) var lostAccounts = 0

  /// As many as this only a hostile log has.
  private static let accountRoom = 100_000

  init(_ reputation: Reputation, own: OwnNetworks? = nil) {
    (self.reputation, self.own) = (reputation, own)
  }

  /// The place of an account in the run.
  func place(_ account: String) -> UInt32 {
    if let place = places[account] { return place }
    guard accounts.count < Self.accountRoom else {
      lostAccounts += 1
      return 0
    }
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
    if story.isOfPair { entity.peer = story.isOutbound ? server : client }
    var values = story.values
    values["network_connection"] = connection(story, client, server)
    if let external = story.isOutbound ? story.server : story.client, !isOwn(external) {
      values["external"] = .object(self.external(external, at: story.last))
    }
    values["method"] = .string(note.description)
    let id = NameUUID.of([
      .string(note.id), .string(account), client.map { .string($0) } ?? .null,
      server.map { .string($0) } ?? .null, story.port.map { .integer(Int64($0)) } ?? .null,
      .integer(story.episode),
    ])
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
    let isLateral =
      story.isLateral
      || story.client.map { isOwn($0) } == true && story.server.map { isOwn($0) } == true
    let direction = isLateral ? "lateral" : story.isOutbound ? "outbound" : "inbound"
    var object: JSONObject = [
      "direction": .string(direction),
      "protocol": .string(FlowWords.transportName(story.transport)),
    ]
    if let client { object["client"] = ["address": .string(client)] }
    var side: JSONObject = [:]
    side["address"] = server.map { .string($0) }
    side["port"] = story.port.map { .integer(Int64($0)) }
    if !side.isEmpty { object["server"] = .object(side) }
    return .object(object)
  }

  private func isOwn(_ address: UInt128) -> Bool { own?.contains(address) ?? false }

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
