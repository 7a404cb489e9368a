import Foundation
import Insights
import JSON
import Model
import Testing

private let now = Instant("2026-01-02T00:00:00Z") ?? Instant(milliseconds: 0)

/// A list of one address per category.
private func list(_ text: String, name: String = "list") throws -> ReputationList {
  try ReputationList(Array(text.utf8), name: name, date: now)
}

struct FlowListTests {
  @Test func `lists are read as plain text, CSV and STIX`() throws {
    let plain = try list(
      "# name: Tor\n# category: anonymizer\n# date: 2025-12-31\n# expires: 2026-06-01\n192.0.2.0/24 ; note\n2001:db8::1\nnonsense\n"
    )
    #expect(plain.name == "Tor")
    #expect(plain.count == 2)
    #expect(plain.faults.map(\.position) == [7])
    #expect(plain.date.day == "2025-12-31")
    let csv = try list(
      "# made somewhere\nfirst_seen,ip,threat,valid_until\n2025-01-01,192.0.2.9,c2,2025-06-01\n,192.0.2.10,coinminer,\n,x,y,\n"
    )
    #expect(csv.count == 2)
    #expect(csv.faults.map(\.position) == [5])
    let stix = try list(
      #"""
      {"type":"bundle","id":"bundle--1","objects":[
        {"type":"indicator","spec_version":"2.1","indicator_types":["anonymization"],"modified":"2025-12-30T00:00:00Z","pattern_type":"stix","valid_from":"2025-01-01T00:00:00Z","pattern":"[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value ISSUBSET '198.51.100.0/24']"},
        {"type":"indicator","revoked":true,"pattern":"[ipv4-addr:value = '192.0.2.2']"},
        {"type":"indicator","pattern":"[domain-name:value = 'example.com']"},
        {"type":"indicator","pattern":"[ipv4-addr:value = '192.0.2.3' AND file:size = 3]"},
        {"type":"malware","name":"x"}]}
      """#
    )
    #expect(stix.count == 2)
    #expect(stix.faults.map(\.position) == [3, 4])
    #expect(stix.date.day == "2025-12-30")
    let reputation = Reputation([plain, csv, stix], at: now)
    func categories(_ address: String, at time: Instant = now) -> [String] {
      guard let range = FlowAddress.range(address) else { return [] }
      return reputation.listings(range.lowerBound, at: time.milliseconds).map(\.category.rawValue)
    }
    #expect(categories("192.0.2.200") == ["anonymizer"])
    #expect(categories("192.0.2.10").sorted() == ["anonymizer", "miner"])
    #expect(categories("192.0.2.9").sorted() == ["anonymizer"])
    let before = Instant("2025-03-01T00:00:00Z") ?? now
    #expect(categories("192.0.2.9", at: before).sorted() == ["anonymizer", "botnet"])
    #expect(categories("198.51.100.77") == ["anonymizer"])
    #expect(categories("2001:db8::1") == ["anonymizer"])
    #expect(categories("203.0.113.1") == [])
  }

  @Test func `a list out of date says so, one without an address is refused`() throws {
    let old = try list("# date: 2025-11-01\n192.0.2.1\n")
    #expect(old.isExpired(at: now))
    #expect(try !list("# date: 2025-12-20\n192.0.2.1\n").isExpired(at: now))
    #expect(try list("# expires: 2026-01-01\n192.0.2.1\n").isExpired(at: now))
    #expect(throws: FlowFormatError.self) { try list("example.com\n") }
    #expect(throws: (any Error).self) { try list("{\"objects\":[") }
  }

  @Test func `owners are read from both forms`() throws {
    let csv = try AddressOwners(
      "network,asn,owner\n192.0.2.0/24,64500,Example\n192.0.2.128/25,64501,Inner\n",
      name: "o"
    )
    let table = try AddressOwners(
      "192.0.2.0\t192.0.2.255\t64500\tUS\tEXAMPLE\n198.51.100.0\t198.51.100.255\t0\tNone\tNot routed\n",
      name: "o"
    )
    let address = try #require(FlowAddress.range("192.0.2.200")).lowerBound
    #expect(csv.find(address)?.name == "Inner")
    #expect(table.find(address)?.number == "AS64500")
    #expect(throws: (any Error).self) { try AddressOwners("a,b\n1,2\n", name: "o") }
  }

  /// What has to happen for each kind that rests on lists, and the kinds then found.
  static let scenes: [(String, Set<String>)] = [
    ("one anonymizer", ["anonym-server"]), ("one malware", ["malware-server"]),
    ("one botnet", ["bot-server"]), ("one miner", ["miner-server"]),
    ("one other", ["malware-server"]), ("answered", ["malware-server", "server-response"]),
    (
      "ratio", ["malware-server", "server-suspected-ratio"]
    ),
    (
      "several answer",
      ["malware-server", "server-response", "server-response-multiple-ips"]
    ),
    (
      "again and again", ["malware-server", "server-response", "server-response-multiple-flows"]
    ),
    ("extrusion", ["malware-server", "server-response", "data-extrusion"]),
    ("extrusion to several", ["malware-server", "server-response", "data-extrusion-multi"]),
    ("payload", ["malware-server", "server-response", "server-weaponized-total"]),
    (
      "payload of several", ["malware-server", "server-response", "server-weaponized-total-multi"]
    ),
    ("client fails", ["client-multiple-flows"]), ("clients fail", ["clients-multiple-ips"]),
    ("reconnaissance", ["client-multiple-flows", "reconnaissance"]),
    ("reconnaissance of several", ["reconnaissance-multi"]),
    ("vulnerability scan", ["client-response", "vulnerability-scan"]),
    ("vulnerability scan of several", ["client-response", "distributed-vulnerability-scan"]),
    ("client answered", ["client-response"]),
    ("client payload", ["client-response", "client-weaponized"]),
    ("client payload in all", ["client-response", "client-weaponized-total"]),
  ]

  @Test(arguments: scenes.map(\.0))
  func `each of the 21 kinds that rest on lists is found, and no other`(_ name: String) async throws
  {
    let expected = Self.scenes.first { $0.0 == name }?.1 ?? []
    var scene = FlowScene()
    let own = "10.0.0.5"
    var category = "malware"
    func bad(_ number: Int) -> String { "192.0.2.\(number)" }
    func out(_ number: Int, _ second: Int, sent: Int = 900, received: Int? = 400) {
      scene.connect(
        own,
        bad(number),
        443,
        at: second,
        from: 40_000 + second,
        sent: (8, sent),
        received: received.map { (7, $0) }
      )
    }
    func into(_ number: Int, _ second: Int, sent: Int = 900) {
      scene.connect(
        bad(number),
        own,
        443,
        at: second,
        from: 40_000 + second,
        sent: (60, sent),
        received: (7, 400)
      )
    }
    switch name {
    case "answered": out(1, 0)
    case "ratio":
      for number in 0..<8 { scene.connect(own, "198.51.100.\(number)", 443, at: number) }
      for number in 1...6 { scene.refuse(own, bad(number), 443, at: 10 + number) }
    case "several answer": for number in 1...3 { out(number, number) }
    case "again and again": for second in 0..<12 { out(1 + second % 2, second * 97 % 400) }
    case "extrusion": out(1, 0, sent: 12_000_000)
    case "extrusion to several": for number in 1...2 { out(number, number, sent: 6_000_000) }
    case "payload": out(1, 0, received: 1_200_000)
    case "payload of several": for number in 1...2 { out(number, number, received: 600_000) }
    case "client fails": for second in 0..<12 { scene.refuse(bad(1), own, 443, at: second) }
    case "clients fail": for number in 1...6 { scene.refuse(bad(number), own, 443, at: number) }
    case "reconnaissance": for port in 1...14 { scene.refuse(bad(1), own, port, at: port) }
    case "reconnaissance of several":
      for port in 1...16 { scene.refuse(bad(1 + port % 4), own, port, at: port) }
    case "vulnerability scan": for second in 0..<32 { into(1, second) }
    case "vulnerability scan of several": for second in 0..<40 { into(1 + second % 8, second) }
    case "client answered": into(1, 0)
    case "client payload": into(1, 0, sent: 1_200_000)
    case "client payload in all": for second in 0..<12 { into(1, second, sent: 900_000) }
    default:
      category = String(name.split(separator: " ")[1])
      scene.refuse(own, bad(1), 443, at: 0)
    }
    let text = "# category: \(category)\n192.0.2.0/24\n"
    let flowed = try await flows(scene.text) {
      $0.reputation = Reputation([try list(text)], at: now)
      $0.detectors = ["reputation"]
    }
    #expect(flowed.kinds == expected)
    let finding = try #require(flowed.findings.first)
    #expect(finding.note.provider == "network")
    #expect(finding.entity.resource == own)
    #expect(finding.evidence.values["external"]?["listings"]?.array?.first?["list"] == "list")
  }

  @Test func `conversations with the outside are summed up, with who the others are`() async throws
  {
    var scene = FlowScene()
    for second in 0..<3 {
      scene.connect("10.0.0.5", "192.0.2.1", 443, at: second, from: 40_000 + second)
    }
    scene.connect("203.0.113.9", "10.0.0.6", 22, at: 5)
    scene.refuse("203.0.113.9", "10.0.0.6", 23, at: 6)
    scene.connect("10.0.0.5", "10.0.0.6", 80, at: 7)
    let owners = try AddressOwners("network,asn,owner\n192.0.2.0/24,64500,Example\n", name: "o")
    let reputation = Reputation([try list("192.0.2.1\n")], at: now, owners: owners)
    let flowed = try await flows(scene.text) { $0.purpose = .converse }
    let rows = flowed.totals.conversations.rows(reputation)
    #expect(rows.map(\.port) == [443, 22, 23])
    #expect(rows.map(\.flows) == [3, 1, 1])
    #expect(rows.map(\.isOutbound) == [true, false, false])
    #expect(rows[0].sent == 2700)
    #expect(rows[0].received == 15_000)
    #expect(rows[2].failed == 1)
    #expect(rows[0].facts["owner"] == "Example")
    #expect(rows[0].facts["asn"] == "AS64500")
    #expect(rows[0].facts["listings"]?.array?.count == 1)
  }
}
