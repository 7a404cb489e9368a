import Foundation
import Insights
import JSON
import Model
import TestSupport
import Testing

/// One log of a form, and what its first record says.
struct FormCase: CustomTestStringConvertible, Sendable {
  var name: String
  var log: String
  var source: String
  var target: String
  var traffic: [Int]
  var more: [String: JSONValue] = [:]
  var testDescription: String { name }

  static let all = [
    FormCase(
      name: "aws v2 without header",
      log:
        "2 123456789010 eni-1235b8ca 172.31.16.139 203.0.113.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK\n",
      source: "172.31.16.139:49761",
      target: "203.0.113.12:3389",
      traffic: [4249, 0, 20, 0],
      more: ["activity_id": 5, "action_id": 2, "time": 1_418_530_010_000]
    ),
    FormCase(
      name: "aws v5 with a column nobody knows, as an answer",
      log: """
        version vpc-id tcp-flags type pkt-srcaddr pkt-dstaddr srcport dstport protocol bytes packets start end action log-status srcaddr dstaddr flow-direction traffic-path tomorrow account-id
        5 vpc-1 18 IPv4 10.0.0.5 198.51.100.7 443 50123 6 9000 12 1767225600 1767225660 ACCEPT OK 10.0.0.99 198.51.100.7 egress 8 x 111122223333

        """,
      source: "198.51.100.7:50123",
      target: "10.0.0.5:443",
      traffic: [0, 9000, 0, 12],
      more: ["action_id": 1, "status_id": 1]
    ),
    FormCase(
      name: "google",
      log:
        #"{"logName":"projects/p/logs/compute.googleapis.com%2Fvpc_flows","resource":{"labels":{"project_id":"p"}},"jsonPayload":{"connection":{"src_ip":"10.1.1.1","src_port":40000,"dest_ip":"198.51.100.1","dest_port":443,"protocol":6},"reporter":"SRC","start_time":"2026-01-01T00:00:00.123456789Z","end_time":"2026-01-01T00:00:05Z","bytes_sent":"1200","packets_sent":"9"}}"#,
      source: "10.1.1.1:40000",
      target: "198.51.100.1:443",
      traffic: [1200, 0, 9, 0],
      more: ["time": 1_767_225_600_123]
    ),
    FormCase(
      name: "azure nsg v2",
      log:
        #"{"records":[{"time":"2026-01-01T00:00:00Z","resourceId":"/SUBSCRIPTIONS/S-1/RESOURCEGROUPS/R","properties":{"Version":2,"flows":[{"rule":"DefaultRule","flows":[{"mac":"00","flowTuples":["1767225600,203.0.113.9,10.0.0.4,44931,22,T,I,A,E,4,300,5,700"]}]}]}}]}"#,
      source: "203.0.113.9:44931",
      target: "10.0.0.4:22",
      traffic: [300, 700, 4, 5],
      more: ["status_id": 1]
    ),
    FormCase(
      name: "azure nsg v2, denied",
      log:
        #"{"records":[{"time":"2026-01-01T00:00:00Z","resourceId":"/SUBSCRIPTIONS/S-1/RESOURCEGROUPS/R","properties":{"Version":2,"flows":[{"rule":"DefaultRule_DenyAllInBound","flows":[{"mac":"00","flowTuples":["1767225600,203.0.113.9,10.0.0.4,44931,22,T,I,D,B,,,,"]}]}]}}]}"#,
      source: "203.0.113.9:44931",
      target: "10.0.0.4:22",
      traffic: [0, 0, 0, 0],
      more: ["activity_id": 5]
    ),
    FormCase(
      name: "azure vnet v4, denied",
      log:
        #"{"records":[{"time":"2026-01-01T00:00:00Z","flowLogVersion":4,"targetResourceID":"/subscriptions/s-1/x","flowRecords":{"flows":[{"aclID":"a","flowGroups":[{"rule":"r","flowTuples":["1767225600500,203.0.113.9,10.0.0.4,44931,22,6,I,D,NX,0,0,0,0"]}]}]}}]}"#,
      source: "203.0.113.9:44931",
      target: "10.0.0.4:22",
      traffic: [0, 0, 0, 0],
      more: ["activity_id": 5, "time": 1_767_225_600_500]
    ),
    FormCase(
      name: "zeek, tabs",
      log:
        "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\n#types\ttime\tstring\n1767225600.250000\tC1\t10.0.0.1\t40000\t2001:db8::1\t443\ttcp\tssl\t1.5\t100\t200\tSF\t5\t400\t6\t500\n#close\t2026\n",
      source: "10.0.0.1:40000",
      target: "2001:db8::1:443",
      traffic: [400, 500, 5, 6],
      more: ["status_id": 1, "time": 1_767_225_600_250, "end_time": 1_767_225_601_750]
    ),
    FormCase(
      name: "zeek, json, refused",
      log:
        #"{"ts":1767225600.25,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":40000,"id.resp_h":"10.0.0.2","id.resp_p":23,"proto":"tcp","conn_state":"REJ","orig_pkts":1,"orig_ip_bytes":44,"resp_pkts":1,"resp_ip_bytes":40}"#,
      source: "10.0.0.1:40000",
      target: "10.0.0.2:23",
      traffic: [44, 40, 1, 1],
      more: ["activity_id": 4]
    ),
    FormCase(
      name: "nfdump csv with its summary",
      log: """
        ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out
        2026-01-01 00:00:00,2026-01-01 00:00:01,1.000,10.0.0.1,203.0.113.2,35040,8080,TCP,...AP.SF,0,0,6,400,0,0,0,0
        Summary
        flows,bytes,packets,avg_bps,avg_pps,avg_bpp
        1,400,6,0,0,0

        """,
      source: "10.0.0.1:35040",
      target: "203.0.113.2:8080",
      traffic: [400, 0, 6, 0],
      more: ["status_id": 1, "time": 1_767_225_600_000]
    ),
  ]
}

struct FlowFormatTests {
  @Test(arguments: FormCase.all)
  func `a log is recognised and read`(_ form: FormCase) async throws {
    let flowed = try await flows(form.log) { $0.purpose = .normalise }
    #expect(flowed.faults == [])
    let record = try #require(flowed.lines.first)
    #expect(flowed.lines.count == 1)
    func side(_ name: String) -> String {
      "\(record[name]?["ip"]?.string ?? ""):\(record[name]?["port"]?.whole ?? -1)"
    }
    #expect(side("src_endpoint") == form.source)
    #expect(side("dst_endpoint") == form.target)
    let names = ["bytes_out", "bytes_in", "packets_out", "packets_in"]
    #expect(names.map { record["traffic"]?[$0]?.whole } == form.traffic)
    for (key, value) in form.more { #expect(record[key] == value, "\(key)") }
    #expect(record["class_uid"] == 4001)
  }

  @Test func `real objects of IBM are read, one record without a time by when it connected`()
    async throws
  {
    let folder = Beside.data.appendingPathComponent("ibm-vpc-flow")
    let inputs = try LogNames.audit.at(folder.appendingPathComponent("00000911.gz").path).inputs
    let flowed = try await flows(inputs) { $0.purpose = .normalise }
    #expect(flowed.faults == [])
    #expect(flowed.lines.count == 2)
    #expect(flowed.lines.map { $0["time"] } == [1_591_278_190_000, 1_591_278_190_000])
    #expect(flowed.lines[0]["traffic"]?["bytes_out"] == 1358)
    let account = flowed.lines[0]["cloud"]?["account"]?["uid"]
    #expect(account == "713c783d9a507a53135fe6793c37cc74")
    // An object without flows is a log all the same.
    let empty = try await flows(
      try LogNames.audit.at(folder.appendingPathComponent("00002630").path).inputs
    )
    #expect(empty.faults == [])
    #expect(empty.totals.records == 0)
  }

  @Test func `each of many thousand accounts keeps its name`() async throws {
    let lines = (0..<9000).map { number in
      "2 a-\(number) eni-1 10.0.0.5 198.51.100.9 \(33_000 + number % 20_000) 443 6 8 900 "
        + "\(FlowScene.zero + number / 100) \(FlowScene.zero + number / 100) ACCEPT OK 3"
    }
    let text = ([FlowScene.header] + lines).joined(separator: "\n") + "\n"
    let records = try await normalised(text)
    let names = records.compactMap { $0["cloud"]?["account"]?["uid"]?.string }
    #expect(names == (0..<9000).map { "a-\($0)" })
  }

  @Test func `columns without a header are named by an option, also in Amazon's form`() async throws
  {
    let line = "10.0.0.1 203.0.113.5 1767225600 x 443 ACCEPT 40000\n"
    let text = "${srcaddr} ${dstaddr} ${start} ${subnet-id} ${dstport} ${action} ${srcport}"
    let flowed = try await flows(line) {
      $0.purpose = .normalise
      $0.columns = try FlowColumns(fields: text)
    }
    #expect(flowed.faults == [])
    #expect(flowed.lines.first?["dst_endpoint"]?["port"] == 443)
    #expect(flowed.lines.first?["unmapped"]?["subnet-id"] == "x")
    #expect(throws: FlowFormatError.self) { try FlowColumns(fields: "srcaddr start") }
  }

  @Test func `headers that come again, and change, are heeded`() async throws {
    var scene = FlowScene()
    scene.connect("10.0.0.1", "203.0.113.5", 443, at: 0, received: nil)
    let other = "dstaddr srcaddr start\n10.0.0.7 203.0.113.7 1767225600\n"
    let flowed = try await flows(scene.text + scene.text + other) { $0.purpose = .normalise }
    #expect(flowed.faults == [])
    #expect(flowed.lines.count == 3)
    #expect(flowed.lines.last?["src_endpoint"]?["ip"] == "203.0.113.7")
  }

  @Test func `what cannot be read is told with its line and counted`() async throws {
    var scene = FlowScene()
    scene.connect("10.0.0.1", "203.0.113.5", 443, at: 0, received: nil)
    let wrong = [
      "2 1 eni 10.0.0.1 nowhere 1 2 6 1 1 1 1 ACCEPT OK 2", "too few", "2 1 eni \u{FFFD}",
      "2 1 eni 10.0.0.1 10.0.0.2 99999 2 6 1 1 1767225600 1 ACCEPT OK 2",
    ]
    let flowed = try await flows(scene.text + wrong.joined(separator: "\n") + "\n" + scene.body[0])
    #expect(
      flowed.faults == [
        "3: dstaddr is \"nowhere\", which is no address", "4: has 2 columns; expected 15",
        "5: srcaddr is \"\u{FFFD}\", which is no address",
        "6: srcport is \"99999\", which is no port",
      ]
    )
    #expect(flowed.totals.faults == 4)
    #expect(flowed.totals.records == 2)
    #expect(flowed.totals.twice == 1)
  }

  @Test func `a log of no known format says so`() async throws {
    for text in ["hello world\n", "hello", #"{"a":1}"# + "\n", "[1]"] {
      let flowed = try await flows(text)
      #expect(flowed.totals.records == 0)
      #expect(flowed.faults.count == 1, "\(text)")
    }
  }

  @Test func `a list of records that breaks off is told, and what is too long once`() async throws {
    for text in [#"{"records":[{"a":1},"#, "[\n{\"a\":1},\n"] {
      let flowed = try await flows(text)
      #expect(flowed.faults.contains { $0.hasSuffix("the file breaks off behind this") }, "\(text)")
    }
    var scene = FlowScene()
    for second in 0..<20_000 { scene.refuse("10.0.0.1", "203.0.113.5", 443 + second, at: second) }
    let folder = try FlowScene.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("log")
    try Data(scene.text.utf8).write(to: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["-n", file.path]
    try process.start()
    process.waitUntilExit()
    let whole = try Data(contentsOf: file.appendingPathExtension("gz"))
    let broken = try await flows(whole.prefix(whole.count / 2))
    #expect(broken.faults.count == 1 && broken.faults[0].hasSuffix("gzip breaks off"))
    #expect((1000..<19_000).contains(broken.totals.records))
    let long = #"{"a":"\#(String(repeating: "x", count: 17 << 20))"}"#
    let flowed = try await flows("[\n{\"a\":1},\n\(long),\n{\"a\":1},{\"a\":1}\n]\n")
    #expect(flowed.faults.count { $0.hasPrefix("2: ") } == 1)
    #expect(flowed.totals.faults == 4)
  }

  @Test func `hostile lines end in a fault each, and take nothing with them`() async throws {
    var scene = FlowScene()
    scene.connect("10.0.0.1", "203.0.113.5", 443, at: 0, received: nil)
    var log = Data(scene.text.utf8)
    log += Data(repeating: 0x41, count: 3 << 20) + Data("\n".utf8)
    log += Data([0xFF, 0xFE, 0x00, 0x20, 0xC3, 0x28, 0x0A])
    log += Data("2 1 e 10.0.0.1 10.0.0.2 1 2 6 99999999999999999999 1 1 1 A OK 2\n".utf8)
    log += Data(scene.body[0].replacing("203.0.113.5", with: "203.0.113.6").utf8)
    let flowed = try await flows(log)
    #expect(flowed.totals.records == 2)
    #expect(flowed.totals.faults == 3)
    #expect(flowed.faults.contains("3: is longer than 64 KiB"))
  }

  @Test(arguments: [
    ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::", "::"), ("::1", "::1"),
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1::", "1::"), ("::ffff:1.2.3.4", "1.2.3.4"),
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("fe80::A:1", "fe80::a:1"),
  ])
  func `addresses are read and written`(_ text: String, _ written: String) async throws {
    let records = try await normalised("srcaddr dstaddr start\n\(text) 10.0.0.1 1767225600\n")
    #expect(records.first?["src_endpoint"]?["ip"]?.string == written)
  }

  @Test(arguments: [
    "1.2.3", "1.2.3.4.5", "256.1.1.1", "1::2::3", ":1", "1:2:3:4:5:6:7:8:9", "x", "1..2.3",
  ])
  func `what is no address is refused`(_ text: String) async throws {
    let flowed = try await flows("srcaddr dstaddr start\n\(text) 10.0.0.1 1767225600\n")
    #expect(flowed.faults == ["2: srcaddr is \"\(text)\", which is no address"])
  }
}
