import Foundation
import JSON
import Model
import TestSupport
import Testing

@testable import Insights

private let any = rule("selection:\n  eventName|exists: true")

/// Reads a log in pieces of a size, as a rule that matches everything sees it.
private func positions(_ text: String) async throws -> [Int] {
  try await detect(any, in: Data(text.utf8)).positions
}

struct LogReadingTests {
  private static let two = [event(#""n":1"#), event(#""n":"}{][\"""#)]

  private static let forms: [String] = {
    let (first, second) = (two[0], two[1])
    return [
      "\(first)\n\(second)", "\(first)\n\(second)\n", "\(first)\r\n\(second)",
      "[\(first),\(second)]", "[\n  \(first),\n  \(second)\n]\n",
      "{\"Records\":[\(first),\(second)]}",
      "{ \"Records\" : [ \(first) , \(second) ], \"next\": {\"a\":[1]} }",
      "{\"next\":\"x\",\"Records\":[\(first),\(second)]}", "\(first)\(second)",
      "\u{FEFF}\(first)\n\(second)",
    ]
  }()

  @Test(arguments: forms)
  func `records are found in every form`(_ text: String) async throws {
    let found = try await detect(any, in: Data(text.utf8))
    #expect(found.totals.counts.events == 2)
    #expect(found.faults.isEmpty)
    #expect(found.findings.count == 2)
  }

  @Test func `a record over several lines is one`() async throws {
    let value = try JSONValue(parsing: Self.two[0]).indented
    #expect(try await positions(value + "\n" + value).count == 2)
    #expect(try await positions("[\(value),\n\(value)]").count == 2)
  }

  @Test func `positions are lines, blank ones counted`() async throws {
    #expect(try await positions("\n" + Self.two[0] + "\n\n\n" + Self.two[1] + "\n") == [2, 5])
  }

  @Test func `a broken line does not take the others with it`() async throws {
    let log = [Self.two[0], #"{"eventName": "x", "#, Self.two[1], "no JSON", "[1]", Self.two[0]]
    let found = try await detect(any, in: Data(log.joined(separator: "\n").utf8))
    #expect(found.positions == [1, 3, 6])
    #expect(found.faults.count == 3)
    #expect(found.faults[0].hasPrefix("2: not valid JSON"))
  }

  @Test func `a text that breaks off is told, wherever it does`() async throws {
    let first = Self.two[0]
    for text in [
      "{\"Records\":[\(first)", "{\"Records\":[\(first),", "[\(first),", "\(first)\n{",
      "{\"Records\":",
    ] {
      let found = try await detect(any, in: Data(text.utf8))
      #expect(found.faults.count == 1, "\(text): \(found.faults)")
    }
    for text in ["{\"Records\":[\(first)]}", "[\(first)]", "\(first)\n"] {
      #expect(try await detect(any, in: Data(text.utf8)).faults.isEmpty)
    }
  }

  @Test func `bad UTF-8, deep nesting and empty files end in faults`() async throws {
    var bad = Data(Self.two[0].utf8)
    bad.append(contentsOf: [0x0A, 0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D, 0x0A])
    bad.append(contentsOf: Self.two[1].utf8)
    #expect(try await detect(any, in: bad).faults.count == 1)
    let deep = String(repeating: #"{"a":"#, count: 5000) + "1" + String(repeating: "}", count: 5000)
    let found = try await detect(any, in: Data((Self.two[0] + "\n" + deep).utf8))
    #expect(found.positions == [1])
    #expect(found.faults.count == 1)
    #expect(try await detect(any, in: Data()).totals.counts.events == 0)
  }

  @Test func `a record longer than the limit is told and left out`() async throws {
    let long = event(#""a":"\#(String(repeating: "x", count: 20 << 20))""#)
    let log = [Self.two[0], long, Self.two[1]].joined(separator: "\n")
    let found = try await detect(any, in: Data(log.utf8))
    #expect(found.positions == [1, 3])
    #expect(found.faults == ["2: is longer than 16 MiB"])
  }

  @Test func `gzip is read, in several members, and told where it breaks off`() async throws {
    // printf RECORD | gzip -n
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("plumb-gzip-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var members = Data()
    for (number, line) in Self.two.enumerated() {
      let file = folder.appendingPathComponent("\(number)")
      try Data((line + "\n").utf8).write(to: file)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/gzip")
      process.arguments = ["-n", file.path]
      try process.start()
      process.waitUntilExit()
      members += try Data(contentsOf: file.appendingPathExtension("gz"))
    }
    let whole = try await detect(any, in: members)
    #expect(whole.positions == [1, 2])
    #expect(whole.faults.isEmpty)
    let broken = try await detect(any, in: members.dropLast(12))
    #expect(broken.faults.contains { $0.hasSuffix("gzip breaks off") })
    #expect(broken.totals.counts.events >= 1)
  }

  /// What looks back for every way to match would never end.
  @Test(.timeLimit(.minutes(15)))
  func `hostile patterns and texts end`() async throws {
    let text = String(repeating: "a", count: 1 << 18)
    let rules = [
      "a|re: '(a+)+$b'", "a|re: '(a|aa)*c'", "a: '*a*a*a*a*a*a*a*b'",
      "a|contains: '\(text.prefix(20))b'",
    ]
    let yaml = rules.enumerated().map { rule("selection:\n  \($1)", id: "r\($0)") }
    let found = try await detect(
      yaml.joined(separator: "\n---\n"),
      in: Data(event(#""a":"\#(text)""#).utf8)
    )
    #expect(found.findings.isEmpty)
  }

  @Test func `many values of one field are looked at up to a limit`() async throws {
    let many = (0..<100_000).map { #"{"b":\#($0)}"# }.joined(separator: ",")
    let log = Data(event(#""a":[\#(many)]"#).utf8)
    #expect(try await detect(rule("selection:\n  a.b: 4000"), in: log).ids == ["r"])
    #expect(try await detect(rule("selection:\n  a.b: 99999"), in: log).ids.isEmpty)
  }

  @Test func `records of other log sources are told apart, others counted`() async throws {
    let cluster =
      #"{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"get","user":{"username":"u"}}"#
    let wrapped =
      #"{"category":"kube-audit","operationName":"x","properties":{"log":"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"verb\":\"get\"}"}}"#
    let google =
      #"{"protoPayload":{"methodName":"io.k8s.core.v1.pods.get","serviceName":"k8s.io","authenticationInfo":{"principalEmail":"u"}}}"#
    let log = [cluster, Self.two[0], wrapped, google, #"{"x":1}"#].joined(separator: "\n")
    let yaml = """
      title: k
      id: k
      logsource: {product: kubernetes, service: audit}
      detection: {selection: {verb: get}, condition: selection}
      ---
      \(any)
      """
    let found = try await detect(yaml, in: Data(log.utf8))
    #expect(
      found.findings.map { "\($0.note.id)\($0.evidence.events[0].position)" } == [
        "k1", "r2", "k3", "k4",
      ]
    )
    #expect(found.totals.counts.unrecognised == 1)
  }

  @Test func `the log source of a record does not depend on those before it`() async throws {
    // Claimed by two.
    let both =
      #"{"eventSource":"s","eventName":"E","eventTime":"2026-03-02T10:00:00Z","Workload":"w","Operation":"o"}"#
    let other = #"{"Workload":"w","Operation":"o"}"#
    let yaml = """
      title: m
      id: m
      logsource: {product: m365, service: audit}
      detection: {selection: {Workload: w}, condition: selection}
      ---
      \(any)
      """
    for log in [[both], [other, both], [Self.two[0], both], [other, other, both, other]] {
      let found = try await detect(yaml, in: Data(log.joined(separator: "\n").utf8))
      let place = (log.firstIndex(of: both) ?? 0) + 1
      let ids = found.findings.filter { $0.evidence.events[0].position == place }.map(\.note.id)
      #expect(ids == ["r"], "\(log)")
    }
  }

  @Test(arguments: [
    (#"{"x":1,"events":[]}"#, 1, 0), (#"{"x":1,"events":[1,2]}"#, 1, 0),
    (#"{"x":1,"message":"text"}"#, 1, 0), (#"{"x":1,"events":[{"y":1},{"y":2}]}"#, 2, 0),
    (#"{"x":1,"value":[%,7,"text"]}"#, 0, 2), (#"{"nextLink":"u","value":[]}"#, 0, 0),
    (#"{"x":1,"detail":{"y":1}}"#, 1, 0),
  ])
  func `what an envelope holds that nobody knows is told`(
    _ text: String,
    _ unrecognised: Int,
    _ faults: Int
  ) async throws {
    let found = try await detect(any, in: Data(text.replacing("%", with: Self.two[0]).utf8))
    #expect(found.totals.counts.unrecognised == unrecognised)
    #expect(found.totals.counts.faults == faults)
  }

  @Test func `records are found in the envelopes of event buses and of Pub Sub`() async throws {
    let google =
      #"{"protoPayload":{"methodName":"io.k8s.core.v1.pods.get","serviceName":"k8s.io","authenticationInfo":{"principalEmail":"u"}}}"#
    let packed = Data(google.utf8).base64EncodedString()
    let yaml = """
      title: k
      id: k
      logsource: {product: kubernetes, service: audit}
      detection: {selection: {verb: get}, condition: selection}
      """
    for log in [
      google, "[\(google)]", #"{"entries":[\#(google)]}"#,
      #"{"nextPageToken":"x","entries":[\#(google)]}"#,
      #"{"message":{"data":"\#(packed)","messageId":"1"},"subscription":"s"}"#,
      #"[{"message":{"data":"\#(packed)"},"subscription":"s"}]"#,
      #"{"receivedMessages":[{"ackId":"a","message":{"data":"\#(packed)"}}]}"#,
      #"{"specversion":"1.0","data":\#(google)}"#,
    ] {
      let found = try await detect(yaml, in: Data(log.utf8))
      #expect(found.ids == ["k"], "\(log)")
      #expect(
        found.totals.counts
          == {
            var one = DetectionCounts(); one.events = 1; return one
          }()
      )
    }
    let bus = #"{"detail-type":"AWS API Call via CloudTrail","detail":\#(Self.two[0])}"#
    #expect(try await detect(any, in: Data(bus.utf8)).ids == ["r"])
    let twice = google.replacing(#""serviceName""#, with: #""methodName":"x","serviceName""#)
    #expect(try await detect(yaml, in: Data(twice.utf8)).totals.counts.faults == 1)
  }

  @Test func `partial aggregates are taken from files of such alone`() async throws {
    let injected = [
      #"{"partial_events":5}"#, #"{"id":"x","detection_id":"y"}"#,
      #"{"partial":{"correlation":"c","rule":"a"}}"#,
    ]
    for line in injected {
      let log = [Self.two[0], line, Self.two[1]].joined(separator: "\n")
      let found = try await detect(any, in: Data(log.utf8))
      #expect(found.totals.counts.events == 2)
      #expect(found.totals.counts.unrecognised == 1, "\(line)")
      let text = String(decoding: JSONValue.string(line).text.utf8, as: UTF8.self)
      let wrapped = try await detect(any, in: Data(#"{"message":\#(text)}"#.utf8))
      #expect(wrapped.totals.counts.unrecognised == 1, "\(line)")
    }
    let merged = try await detect(
      any,
      in: Data("{\"partial_events\":5,\"faults\":1}\n{\"partial_events\":2}\n".utf8)
    )
    #expect(merged.totals.counts.events == 7 && merged.totals.counts.faults == 1)
    #expect(merged.totals.partials == 2)
  }

  @Test func `a field with more values than are looked at is told`() async throws {
    let many = (0..<5000).map { #"{"b":\#($0)}"# }.joined(separator: ",")
    let log = Data(event(#""a":[\#(many)]"#).utf8)
    let found = try await detect(rule("selection:\n  a.b: 4000"), in: log)
    #expect(found.totals.counts.clipped == 1)
  }

  @Test func `little gzip that is much text is read piece by piece`() async throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("plumb-gzip-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("zeros")
    try Data(count: 64 << 20).write(to: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["-n", file.path]
    try process.start()
    process.waitUntilExit()
    var reader = try LogReader(LogInput(name: "zeros", path: file.path + ".gz"))
    defer { reader.close() }
    var (whole, most) = (0, 0)
    while !reader.isAtEnd {
      var piece = 0
      _ = try await reader.read { piece += $0.count }
      whole += piece
      most = max(most, piece)
    }
    #expect(whole == 64 << 20)
    #expect(most <= 5 << 20)
  }

  @Test func `a memory that has to forget before its time says so`() {
    var filter = RecentFilter(bits: 12, span: 1_000_000)
    var few = RecentFilter(bits: 12, span: 1000)
    for number in 0..<3000 {
      let hash = FlowHash(UInt128(number), 0x9E37_79B9_7F4A_7C15).value
      _ = filter.insert(hash, at: 1000)
      if number % 20 == 0 { _ = few.insert(hash, at: Int64(number)) }
    }
    #expect(filter.evictions > 1000)
    #expect(few.evictions == 0)
  }

  @Test func `names of a folder that were set aside are logs, in order, others are told`() throws {
    let names = [
      "audit.log", "audit.log.1", "audit.log.10.gz", "audit.log.2", "b/conn.log",
      "b/conn.log-20261121", "b/conn.log-20261120.gz", "messages-20261122", "readme.txt",
      "a.parquet",
      "t.json.3", "v.2026", "CloudTrail-Digest/d.json", "core.1", "x-12345678",
    ]
    let (logs, others) = LogNames.audit.sorted(names.shuffled()) { $0 }
    #expect(
      logs == [
        "audit.log.10.gz", "audit.log.2", "audit.log.1", "audit.log", "b/conn.log-20261120.gz",
        "b/conn.log-20261121", "b/conn.log", "messages-20261122", "t.json.3",
      ]
    )
    #expect(others == ["a.parquet", "core.1", "readme.txt", "v.2026", "x-12345678"])
    #expect(LogNames.flows.sorted(["readme.txt"]) { $0 }.logs == ["readme.txt"])
    #expect(LogNames.text(others) == "a.parquet, core.1, readme.txt and 2 more")
  }

  @Test func `one worker and several find the same in the same order`() async throws {
    let log = (0..<20_000).map { event(#""n":\#($0)"#, name: $0 % 7 == 0 ? "hit" : "miss") }
    let yaml = rule("selection:\n  eventName: hit")
    let data = Data(log.joined(separator: "\n").utf8)
    let one = try await detect(yaml, in: data) { $0.workers = 1 }
    let four = try await detect(yaml, in: data) { $0.workers = 4 }
    #expect(one.positions == four.positions)
    #expect(one.positions.count == 2858)
  }
}
