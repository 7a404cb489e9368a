import Foundation
import Insights
import JSON
import Model
import Testing

struct FlowDetectorTests {
  @Test
  func `a scan of ports is found with its numbers, the same in any order and delivered twice`()
    async throws
  {
    var scene = FlowScene()
    for port in 1...100 { scene.refuse("203.0.113.66", "10.0.0.5", port, at: port) }
    let flowed = try await flows(scene.text)
    #expect(flowed.kinds == ["port-scan"])
    let values = try #require(flowed.values("port-scan"))
    #expect(values["failed_first_contacts"] == 100)
    #expect((values["ports_about"]?.whole ?? 0) > 60)
    #expect(values["addresses_about"] == 1)
    #expect(values["network_connection"]?["client"]?["address"] == "203.0.113.66")
    let finding = try #require(flowed.findings.first)
    #expect(finding.entity.account == "123456789012")
    #expect(finding.entity.sourceIP == "203.0.113.66")
    scene.reorder {
      $0.reverse()
      $0 += $0
    }
    let again = try await flows(scene.text)
    #expect(again.findings.map(\.id) == flowed.findings.map(\.id))
    #expect(again.totals.twice == 100)
  }

  @Test func `a sweep over addresses is one, and one by an own address is outbound`() async throws {
    var scene = FlowScene()
    for host in 1...60 { scene.refuse("10.0.0.9", "198.51.100.\(host)", 445, at: host) }
    let flowed = try await flows(scene.text)
    #expect(flowed.kinds == ["address-scan"])
    #expect(flowed.values("address-scan")?["network_connection"]?["direction"] == "outbound")
    #expect(flowed.values("address-scan")?["network_connection"]?["server"]?["port"] == 445)
  }

  @Test func `a scan among one's own addresses is lateral, and nobody in it external`() async throws
  {
    for isSweep in [true, false] {
      var scene = FlowScene()
      for number in 1...60 {
        scene.refuse(
          "10.0.0.9",
          "10.0.1.\(isSweep ? number : 1)",
          isSweep ? 445 : number,
          at: number
        )
      }
      let flowed = try await flows(scene.text)
      let values = try #require(flowed.values(isSweep ? "address-scan" : "port-scan"))
      #expect(values["network_connection"]?["direction"] == "lateral")
      #expect(values["external"] == nil)
      scene.refuse("10.0.0.9", "198.51.100.1", 445, at: 30)
      let mixed = try await flows(scene.text)
      let direction = mixed.findings.first?.evidence.values["network_connection"]?["direction"]
      #expect(direction == (isSweep ? "outbound" : "lateral"))
    }
  }

  @Test func `two floods of one window are told with a bound of each's own`() async throws {
    var scene = FlowScene()
    for minute in 0..<8 {
      for number in 0..<20 {
        scene.connect(
          "203.0.113.\(number)",
          "10.0.0.5",
          80,
          at: minute * 60 + number,
          from: 20_000 + minute * 50 + number
        )
      }
    }
    for number in 0..<600 {
      scene.connect(
        "203.0.113.\(number % 200)",
        "10.0.0.5",
        80,
        at: 480 + number / 20,
        from: 30_000 + number,
        sent: (4, 224),
        received: nil
      )
    }
    scene.connect(
      "203.0.113.7",
      "10.0.0.5",
      80,
      at: 520,
      from: 50_000,
      sent: (2_000_000, 80_000_000),
      received: nil
    )
    let flowed = try await flows(scene.text) { $0.detectors = ["flood"] }
    #expect(flowed.kinds == ["connection-flood", "traffic-flood"])
    #expect(flowed.values("connection-flood")?["bound"]?.double == 6)
    #expect(flowed.values("connection-flood")?["mean_of_former_windows"]?.double == 0)
    let packets = try #require(flowed.values("traffic-flood"))
    #expect((packets["mean_of_former_windows"]?.double ?? 0) > 100)
    #expect((packets["bound"]?.double ?? 0) > 200)
  }

  @Test func `few failures, and failures among as many answers, are no scan`() async throws {
    var scene = FlowScene()
    for port in 1...9 { scene.refuse("203.0.113.66", "10.0.0.5", port, at: port) }
    for host in 1...200 {
      scene.refuse("203.0.113.67", "10.0.1.\(host)", 80, at: host)
      scene.connect("203.0.113.67", "10.0.2.\(host)", 80, at: host)
    }
    #expect(try await flows(scene.text).kinds == [])
  }

  @Test func `sign-ins tried again and again are found in each of three shapes`() async throws {
    var pair = FlowScene()
    for number in 0..<30 {
      pair.connect("203.0.113.5", "10.0.0.5", 22, at: number * 5, from: 40_000 + number)
    }
    let one = try await flows(pair.text)
    #expect(one.kinds == ["brute-force"])
    #expect(one.values("brute-force")?["connections"] == 30)
    var targets = FlowScene()
    for number in 0..<150 {
      targets.connect("203.0.113.5", "10.0.0.\(number)", 3389, at: number, from: 40_000 + number)
    }
    #expect(try await flows(targets.text).kinds == ["brute-force-many-targets"])
    var sources = FlowScene()
    for number in 0..<150 {
      sources.connect("203.0.113.\(number)", "10.0.0.5", 22, at: number, from: 40_000 + number)
    }
    #expect(try await flows(sources.text).kinds == ["brute-force-many-sources"])
  }

  @Test func `long sessions, other ports and slow sign-ins are no brute force`() async throws {
    var scene = FlowScene()
    for number in 0..<60 {
      scene.connect(
        "203.0.113.5",
        "10.0.0.5",
        22,
        at: number,
        from: 40_000 + number,
        sent: (500, 90_000)
      )
      scene.connect("203.0.113.6", "10.0.0.5", 443, at: number, from: 41_000 + number)
      scene.connect("203.0.113.7", "10.0.0.5", 22, at: number * 60, from: 42_000 + number)
    }
    #expect(try await flows(scene.text).kinds == [])
  }

  @Test func `a burst of empty connections is a flood, a flash crowd is not`() async throws {
    var flood = FlowScene()
    flood.flood(0..<900, aSecond: 20)
    let found = try await flows(flood.text)
    #expect(found.kinds == ["connection-flood"])
    #expect(found.values("connection-flood")?["connections_without_content"] == 900)
    var crowd = FlowScene()
    for number in 0..<900 {
      crowd.connect(
        "203.0.113.\(number % 200)",
        "10.0.0.5",
        80,
        at: 60 + number / 20,
        from: 20_000 + number
      )
    }
    #expect(try await flows(crowd.text).kinds == [])
  }

  @Test func `a flood of packets that nobody answers is found against the past`() async throws {
    var scene = FlowScene()
    for minute in 0..<20 {
      scene.connect(
        "203.0.113.1",
        "10.0.0.5",
        9999,
        at: minute * 60,
        from: 40_000,
        sent: (2000 + minute, 90_000),
        received: nil,
        transport: 17
      )
    }
    let quiet = try await flows(scene.text)
    #expect(quiet.kinds == [])
    for second in 0..<40 {
      scene.connect(
        "203.0.113.\(second)",
        "10.0.0.5",
        9999,
        at: 1200 + second,
        from: 41_000 + second,
        sent: (50_000, 2_500_000),
        received: nil,
        transport: 17
      )
    }
    #expect(try await flows(scene.text).kinds == ["traffic-flood"])
  }

  @Test func `a beacon is found, a person and a busy service are not`() async throws {
    var scene = FlowScene()
    for number in 0..<60 {
      scene.connect("10.0.0.5", "198.51.100.9", 443, at: number * 300 + number % 3, sent: (6, 700))
    }
    let found = try await flows(scene.text)
    #expect(found.kinds == ["beacon"])
    #expect(found.values("beacon")?["median_interval_seconds"]?.double ?? 0 > 298)
    var person = FlowScene()
    var second = 0
    for number in 0..<120 {
      second += 1 + (number * number * 37) % 600
      person.connect(
        "10.0.0.5",
        "198.51.100.9",
        443,
        at: second,
        sent: (6 + number % 30, 700 + (number * 977) % 9000)
      )
    }
    #expect(try await flows(person.text).kinds == [])
  }

  @Test
  func `what goes on behind its first report is told under the same id, all of it at the end`()
    async throws
  {
    var attempts = FlowScene()
    for number in 0..<600 {
      attempts.connect("203.0.113.5", "10.0.0.5", 22, at: number * 5, from: 40_000 + number)
    }
    var flood = FlowScene()
    flood.flood(0..<2400, aSecond: 20)
    var beacon = FlowScene()
    for number in 0..<120 {
      beacon.connect(
        "10.0.0.5",
        "198.51.100.9",
        443,
        at: number * 300 + number % 3,
        sent: (6, 700)
      )
    }
    for (scene, kind, count) in [
      (attempts, "brute-force", 600), (flood, "connection-flood", 2400), (beacon, "beacon", 120),
    ] {
      let told = try await flows(scene.text).findings.filter { $0.note.name == kind }
      #expect(Set(told.map(\.id)).count == 1, "\(kind)")
      #expect(told.count == 2, "\(kind)")
      #expect(told.last?.count == count, "\(kind)")
      var groups = FindingGroups()
      for finding in told { groups.add(finding) }
      #expect(groups.sorted.map(\.count) == [count])
      #expect(groups.count == 1)
      #expect(groups.sorted.first?.evidence.values == told.last?.evidence.values)
    }
  }

  @Test func `a scan that goes on is told whole, in parts`() async throws {
    var scene = FlowScene()
    for number in 0..<1000 {
      scene.refuse("203.0.113.5", "10.0.0.5", 1000 + number, at: number)
    }
    // Another host, after a while of quiet.
    for number in 0..<500 {
      scene.refuse("203.0.113.5", "10.0.0.6", 1000 + number, at: 8000 + number)
    }
    let told = try await flows(scene.text).findings
    #expect(Set(told.map(\.note.name)) == ["port-scan"])
    var groups = FindingGroups()
    for finding in told { groups.add(finding) }
    let found = Dictionary(uniqueKeysWithValues: groups.sorted.map { ($0.entity.text, $0.count) })
    #expect(
      found == ["10.0.0.5 from 203.0.113.5": 1000, "10.0.0.6 from 203.0.113.5": 500]
    )
  }

  @Test func `numbers beyond any sense stop nothing`() async throws {
    let odd = "2 123456789012 eni-1 10.0.0.5 8.8.8.8 40000 53 17 1 60 1e300 1e300 ACCEPT OK 0"
    let found = try await flows(FlowScene.header + "\n" + odd + "\n")
    #expect(found.totals.faults == 1 && found.faults.count == 1, "\(found.faults)")
    #expect(try await flows("#fields\nabc\n").totals.records == 0)
    let most = 999_999_999_999_999_999
    var scene = FlowScene()
    for minute in [0, 10] {
      scene.connect(
        "198.51.100.1",
        "10.0.0.5",
        9999,
        at: minute * 60,
        from: 40_000,
        sent: (2000, 90_000),
        received: nil,
        transport: 17
      )
    }
    for number in 0..<30 {
      scene.connect(
        "10.0.0.5",
        number < 15 ? "198.51.100.1" : "198.51.100.2",
        443,
        at: 700 + number,
        from: 41_000 + number,
        sent: (most, most),
        received: (most, most)
      )
      scene.connect(
        "198.51.100.1",
        "10.0.0.5",
        9999,
        at: 1200 + number,
        from: 42_000 + number,
        sent: (most, most),
        received: nil,
        transport: 17
      )
    }
    let flood = try await flows(scene.text)
    #expect(flood.kinds.contains("traffic-flood"))
    var groups = FindingGroups()
    for finding in flood.findings + flood.findings { groups.add(finding) }
    #expect(groups.sorted.allSatisfy { $0.count > 0 })
  }

  @Test func `one record from the future blinds no detector of those that follow`() async throws {
    let folder = try FlowScene.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let state = folder.appendingPathComponent("state").path
    func run(_ scene: FlowScene, _ name: String) async throws -> Flowed {
      let file = folder.appendingPathComponent(name)
      try Data(scene.text.utf8).write(to: file)
      return try await flows([LogInput(name: name, path: file.path)]) { $0.state = state }
    }
    var first = FlowScene()
    for port in 1...20 { first.refuse("203.0.113.66", "10.0.0.5", port, at: port) }
    first.refuse("203.0.113.67", "10.0.0.5", 1, at: 10 * 365 * 86_400)
    _ = try await run(first, "one")
    var second = FlowScene()
    for port in 1...100 { second.refuse("203.0.113.66", "10.0.0.5", port, at: 86_400 + port) }
    #expect(try await run(second, "two").kinds == ["port-scan"])
  }

  @Test func `a flood over the end of a run counts each connection once`() async throws {
    let folder = try FlowScene.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let state = folder.appendingPathComponent("state").path
    var told: [Finding] = []
    for (name, numbers) in [("one", 0..<600), ("two", 600..<1300)] {
      var scene = FlowScene()
      scene.flood(numbers, aSecond: 40)
      let file = folder.appendingPathComponent(name)
      try Data(scene.text.utf8).write(to: file)
      let input = LogInput(name: name, path: file.path)
      told += try await flows([input]) { $0.state = state }.findings
    }
    let floods = told.filter { $0.note.name == "connection-flood" }
    #expect(Set(floods.map(\.id)).count == 1)
    #expect(floods.last?.count == 1300)
  }

  @Test func `who attacks the same host are causes of their own, with both addresses`() async throws
  {
    var scene = FlowScene()
    for number in 0..<30 {
      for attacker in [5, 6] {
        let from = 40_000 + number + attacker * 100
        scene.connect("203.0.113.\(attacker)", "10.0.0.5", 22, at: number * 5, from: from)
      }
    }
    let told = try await flows(scene.text).findings
    #expect(
      Set(told.map(\.entity.text)) == ["10.0.0.5 from 203.0.113.5", "10.0.0.5 from 203.0.113.6"]
    )
    #expect(Set(told.map(\.causeID)).count == 2)
  }

  @Test func `more sent out than ever is found against the past, a busy day is not`() async throws {
    func scene(_ last: Int) -> String {
      var scene = FlowScene()
      for hour in 0..<20 {
        let bytes = hour == 19 ? last : 30_000_000 + hour % 5 * 4_000_000
        scene.connect(
          "10.0.0.5",
          "198.51.100.9",
          443,
          at: hour * 3600 + 60 + hour * 17 % 900,
          sent: (90_000, bytes),
          received: (9000, 400_000)
        )
      }
      return scene.text
    }
    let found = try await flows(scene(2_000_000_000))
    #expect(found.kinds.contains("exfiltration"))
    #expect(found.values("exfiltration")?["bytes_sent"] == 2_000_000_000)
    #expect(found.values("exfiltration")?["external"]?["address"] == "198.51.100.9")
    #expect(try await !flows(scene(80_000_000)).kinds.contains("exfiltration"))
  }

  @Test func `a peer never met is told of an address that is settled only`() async throws {
    var scene = FlowScene()
    for day in 0..<20 {
      scene.connect("10.0.0.5", "198.51.100.9", 443, at: day * 86_400 + day * 777 % 5000)
      scene.connect("10.0.0.6", "198.51.100.\(100 + day)", 443, at: day * 86_400 + day * 577 % 5000)
    }
    scene.connect("10.0.0.5", "192.0.2.77", 4444, at: 20 * 86_400)
    scene.connect("10.0.0.6", "192.0.2.78", 4444, at: 20 * 86_400)
    let found = try await flows(scene.text)
    #expect(found.kinds == ["new-peer"])
    #expect(found.findings.count == 1)
    #expect(found.values("new-peer")?["external"]?["address"] == "192.0.2.77")
    #expect(found.values("new-peer")?["known_peers"] == 1)
  }

  @Test func `a window is judged by the records' time, however far it jumps`() async throws {
    var scene = FlowScene()
    for port in 1...50 { scene.refuse("203.0.113.66", "10.0.0.5", port, at: port) }
    // One clock is a century ahead, another years behind.
    scene.connect("203.0.113.1", "10.0.0.5", 80, at: 3_000_000_000)
    scene.connect("203.0.113.2", "10.0.0.5", 80, at: -500_000_000)
    for port in 51...100 { scene.refuse("203.0.113.66", "10.0.0.5", port, at: port) }
    let flowed = try await flows(scene.text)
    #expect(flowed.values("port-scan")?["failed_first_contacts"] == 100)
    #expect(flowed.totals.outOfTime == 4)
    // A clock that is set back for good is followed.
    var back = FlowScene()
    for number in 0..<100 { back.connect("203.0.113.1", "10.0.0.5", 80, at: 9_000_000 + number) }
    for port in 1...100 { back.refuse("203.0.113.66", "10.0.0.5", port, at: port) }
    let set = try await flows(back.text)
    #expect(set.values("port-scan")?["failed_first_contacts"] == 100)
    #expect(set.totals.outOfTime == 0)
  }
}
