import Foundation
import JSON
import TestSupport
import Testing

/// A log of Amazon's form: a scan of ports among ordinary connections.
private enum Log {
  static let header =
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"

  static func line(_ number: Int) -> String {
    let start = 1_767_225_600 + number / 100
    if number % 50 == 7 {
      return
        "2 111122223333 eni-1 203.0.113.66 10.0.0.5 51000 \(1 + number / 50) 6 1 44 \(start) \(start) REJECT OK\n"
    }
    return
      "2 111122223333 eni-1 10.0.0.\(number % 200) 198.51.100.\(number % 250) \(33_000 + number % 20_000) 443 6 12 \(5000 + number % 999) \(start) \(start + 9) ACCEPT OK\n"
  }

  static func lines(_ range: Range<Int>) -> String { range.map(line).joined() }
}

/// A `plumb` that runs beside the test.
final class Running {
  let process = Process()
  private let output: URL

  init(_ arguments: [String], output: URL, environment: [String: String] = [:]) throws {
    self.output = output
    try Data().write(to: output)
    process.executableURL = try CommandRun.folderOfTests().appendingPathComponent("plumb")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.start()
  }

  /// Whether something holds before some seconds are over.
  func waits(_ seconds: Double, for holds: () -> Bool) -> Bool {
    let end = Date.now.addingTimeInterval(seconds)
    while Date.now < end {
      if holds() { return true }
      usleep(20_000)
    }
    return holds()
  }

  func end(_ signal: Int32) {
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
  }

  func findings() throws -> [JSONValue] {
    // What was killed may have left a part of a line.
    let text = try Data(contentsOf: output)
    return text.split(separator: 0x0A).compactMap { try? JSONParser().parse($0) }
  }
}

/// What the live test needs, where it is there.
private enum Live {
  static let isPossible: Bool = {
    let tools = ["/usr/bin/nmap", "/usr/bin/nfpcapd", "/usr/bin/nfdump"]
    guard tools.allSatisfy(FileManager.default.isExecutableFile) else { return false }
    let made = try? CommandRun(
      URL(fileURLWithPath: "/usr/bin/unshare"),
      ["-n", "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"]
    )
    return made?.exitCode == 0
  }()
}

struct FlowsCommandTests {
  @Test func `a scan is found, and the exit code says so`() throws {
    let log = Log.header + Log.lines(0..<2000)
    let run = try CommandRun(["flows", "--format", "json", "-"], input: Data(log.utf8))
    #expect(run.exitCode == 1)
    #expect(run.errors == "")
    let findings = try #require(try JSONValue(parsing: run.output).array)
    #expect(findings.map { $0["detection_id"] } == ["network.port-scan"])
    #expect(findings[0]["entity"]?["account"] == "111122223333")
    #expect(findings[0]["event"]?["file"] == "standard input")
    let table = try CommandRun(["flows", "-"], input: Data(log.utf8))
    #expect(table.output.hasSuffix("2000 flows, 1 finding of 1 cause\n"))
    let none = try CommandRun(
      ["flows", "--detectors", "flood,beacon", "-"],
      input: Data(log.utf8)
    )
    #expect(none.exitCode == 0)
    let high = try CommandRun(["flows", "--threshold", "high", "-"], input: Data(log.utf8))
    #expect(high.exitCode == 0)
  }

  @Test func `input without a flow record, and wrong options, say what is wanted`() throws {
    for text in ["", "hello\n"] {
      let run = try CommandRun(["flows", "-"], input: Data(text.utf8))
      #expect(run.exitCode == 2)
      #expect(run.errors.contains("no flow record was read; expected one of the formats aws,"))
    }
    let cases: [([String], String)] = [
      (["--log-format", "x", "-"], "--log-format expects aws, zeek"),
      (["--detectors", "x", "-"], "--detectors expects scan, brute-force"),
      (["--detectors", "reputation", "-"], "needs a list: --reputation FILE"),
      (["--own-network", "10.0.0.0/99", "-"], "\"10.0.0.0/99\" is no network"),
      (["--fields", "srcaddr", "-"], "--fields names no dstaddr"),
      (["--reputation", "nosuch", "-"], "nosuch: cannot be read"), (["nosuch"], "No such file"),
    ]
    for (arguments, message) in cases {
      let run = try CommandRun(["flows"] + arguments)
      #expect(run.exitCode == 2, "\(arguments)")
      #expect(run.errors.contains(message), "\(arguments): \(run.errors)")
    }
  }

  @Test func `lists, owners and conversations`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    func file(_ name: String, _ text: String) throws -> String {
      let url = folder.appendingPathComponent(name)
      try Data(text.utf8).write(to: url)
      return url.path
    }
    let log = try file("flows.log", Log.header + Log.lines(0..<2000))
    let list = try file("tor.txt", "# date: 2020-01-01\n# category: tor\n198.51.100.8\n")
    let owners = try file("owners.csv", "network,asn,owner\n198.51.100.0/24,64500,Example\n")
    let run = try CommandRun([
      "flows", "--detectors", "reputation", "--reputation", list, "--owners", owners, "--format",
      "ndjson", log,
    ])
    #expect(run.exitCode == 1)
    #expect(run.errors.contains("the list is of 2020-01-01 and is out of date"))
    let external = try Fixtures.lines(Array(run.output.utf8)).first?["evidence"]?["values"]?[
      "external"
    ]
    #expect(external?["owner"] == "Example")
    #expect(external?["listings"]?.array?.first?["list_expired"] == true)
    let listed = try CommandRun([
      "flows", "conversations", "--reputation", list, "--owners", owners, "--direction", "outbound",
      "--limit", "3", log,
    ])
    #expect(listed.exitCode == 0)
    #expect(listed.output.contains("outbound   10.0.0."))
    #expect(listed.output.contains("Example"))
    #expect(listed.output.contains("3 shown (--limit)"))
    let records = try CommandRun(["flows", "records", log])
    #expect(try Fixtures.lines(Array(records.output.utf8)).count == 2000)
    let kinds = try CommandRun(["flows", "kinds", "--format", "json"])
    #expect(try JSONValue(parsing: kinds.output).array?.count == 31)
  }

  @Test func `an episode that is told again is an update of the event that told it first`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let tried = (0..<600).flatMap { number -> [String] in
      let start = 1_767_225_600 + number * 5
      let record = { (ends: String, volume: String, flags: Int) in
        "2 111122223333 eni-1 \(ends) 6 \(volume) \(start) \(start + 5) ACCEPT OK \(flags)\n"
      }
      return [
        record("203.0.113.5 10.0.0.5 \(40_000 + number) 22", "8 900", 3),
        record("10.0.0.5 203.0.113.5 22 \(40_000 + number)", "7 5000", 19),
      ]
    }
    let log = folder.appendingPathComponent("flows.log")
    try Data((Log.header.dropLast() + " tcp-flags\n" + tried.joined()).utf8).write(to: log)
    let run = try CommandRun([
      "flows", "--detectors", "brute-force", "--format", "ocsf", log.path,
    ])
    let events = try Fixtures.lines(Array(run.output.utf8)).filter {
      $0["finding_info"]?["types"] == ["network.brute-force"]
    }
    #expect(Set(events.compactMap { $0["finding_info"]?["uid"]?.string }).count == 1)
    #expect(events.map { $0["activity_id"]?.whole } == [1, 2], "\(run.errors)")
    #expect(events.map { $0["type_uid"]?.whole } == [200_401, 200_402])
  }

  @Test func `conversations are kept once for each log, and listed here and by a server`()
    async throws
  {
    try await ServedStore.with { served in
      let folder = try Fixtures.temporaryFolder()
      defer { Fixtures.remove(folder) }
      let log = folder.appendingPathComponent("flows.log")
      let list = folder.appendingPathComponent("tor.txt")
      try Data("# category: tor\n198.51.100.8\n".utf8).write(to: list)
      let run = { (path: String) throws -> CommandRun in
        try served.local([
          "flows", "--save", "--detectors", "flood", "--reputation", list.path, path,
        ])
      }
      try Data((Log.header + Log.lines(0..<1000)).utf8).write(to: log)
      let first = try run(log.path)
      #expect(
        first.errors.contains("kept conversations of 1 log, 0 counted before"),
        "\(first.errors)"
      )
      let listed = try served.localJSON(["conversations", "list", "--limit", "5000"])
      #expect(listed.array?.count == 1000)
      // Again, as a copy elsewhere, and once it has grown.
      _ = try run(log.path)
      let copy = folder.appendingPathComponent("copy.log")
      try FileManager.default.copyItem(at: log, to: copy)
      let second = try run(copy.path)
      #expect(second.errors.contains("kept conversations of 0 logs, 1 counted before"))
      #expect(try served.localJSON(["conversations", "list", "--limit", "5000"]) == listed)
      try Data((Log.header + Log.lines(0..<2000)).utf8).write(to: log)
      _ = try run(log.path)
      let counted = try served.localJSON(["conversations", "count"])
      let connections = (counted.array ?? []).compactMap { $0["connections"]?.whole }.reduce(0, +)
      #expect(connections == 2000)
      for arguments in [
        ["conversations", "list", "--limit", "7"], ["conversations", "list", "--listed"],
        ["conversations", "list", "--direction", "inbound", "--from", "2026-01-01"],
        ["conversations", "list", "--address", "10.0.0.5", "--sort", "connections"],
        ["conversations", "count", "--direction", "outbound"],
      ] {
        let here = try served.localJSON(arguments)
        #expect(here.array?.isEmpty == false, "\(arguments)")
        #expect(try served.remoteJSON(arguments) == here, "\(arguments)")
      }
    }
  }

  @Test func `a run that was killed goes on where its state was written`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let log = folder.appendingPathComponent("flows.log")
    try Data((Log.header + Log.lines(0..<60_000)).utf8).write(to: log)
    let whole = try CommandRun(["flows", "--format", "ndjson", log.path])
    let expected = try Set(Fixtures.lines(Array(whole.output.utf8)).compactMap { $0["id"]?.string })
    // A scan in two parts.
    #expect(expected.count == 2)
    let state = folder.appendingPathComponent("state")
    let arguments = [
      "flows", "--format", "ndjson", "--state", state.path, "--save-every", "0", log.path,
    ]
    let first = try Running(arguments, output: folder.appendingPathComponent("out"))
    let isSaved = first.waits(180) { FileManager.default.fileExists(atPath: state.path) }
    #expect(isSaved)
    first.end(SIGKILL)
    let second = try CommandRun(arguments)
    #expect(second.exitCode == 1 || second.errors.contains("read to the end"))
    let rest = try Fixtures.lines(Array(second.output.utf8))
    let found = Set(try (first.findings() + rest).compactMap { $0["id"]?.string })
    #expect(found == expected)
    let third = try CommandRun(arguments)
    #expect(third.exitCode == 0)
    #expect(third.errors.contains("1 file read to the end by an earlier run"))
  }

  @Test func `a log is followed, files that come later too`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let logs = folder.appendingPathComponent("logs")
    try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
    let plumb = try Running(
      ["flows", "--follow", "--format", "ndjson", logs.path],
      output: folder.appendingPathComponent("out")
    )
    defer { if plumb.process.isRunning { plumb.end(SIGKILL) } }
    let text = Data((Log.header + Log.lines(0..<2000)).utf8)
    let log = logs.appendingPathComponent("a.log")
    usleep(300_000)
    try text.prefix(3000).write(to: log)
    usleep(600_000)
    let handle = try FileHandle(forWritingTo: log)
    try handle.seekToEnd()
    try handle.write(contentsOf: text.dropFirst(3000))
    try handle.close()
    let isFound = plumb.waits(180) {
      (try? plumb.findings())?.contains { $0["detection_id"] == "network.port-scan" } == true
    }
    #expect(isFound)
    plumb.end(SIGTERM)
    #expect(plumb.process.terminationStatus == 1)
  }

  @Test(
    .enabled(
      if: Live.isPossible,
      "needs root for network namespaces, nmap and nfdump (script/prepare --tests)"
    )
  )
  func `real scans, sign-ins and bursts are found within two windows, a flash crowd is not`() throws
  {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let script = Fixtures.root.appendingPathComponent("Tests/CommandTests/Fixtures/flows/live.py")
    let scene = try CommandRun(
      URL(fileURLWithPath: "/usr/bin/unshare"),
      ["-n", "timeout", "240", "python3", script.path, folder.path]
    )
    try #require(scene.exitCode == 0, "\(scene.errors)")
    let times = try JSONParser().parse(
      Data(contentsOf: folder.appendingPathComponent("times.json"))
    )
    let run = try CommandRun([
      "flows", "--format", "ndjson", folder.appendingPathComponent("flows.csv").path,
    ])
    #expect(run.errors == "")
    let findings = try Fixtures.lines(Array(run.output.utf8))
    let kinds = findings.compactMap { $0["detection_name"]?.string }
    #expect(Set(kinds) == ["port-scan", "brute-force", "connection-flood"])
    #expect(kinds.count == 3)
    let phases = [
      "port-scan": ("scan", 300.0, "203.0.113.1"), "brute-force": ("sign-in", 300, "203.0.113.2"),
      "connection-flood": ("burst", 60, "203.0.113.3"),
    ]
    for finding in findings {
      let name = try #require(finding["detection_name"]?.string)
      let (phase, window, client) = try #require(phases[name])
      #expect(finding["entity"]?["source_ip"]?.string == client)
      let seen = try #require(finding["event"]?["time"]?.string)
      let time = try #require(ISO8601DateFormatter().date(from: seen))
      let began = try #require(times[phase]?.double)
      #expect(time.timeIntervalSince1970 - began < 2 * window, "\(name)")
    }
  }
}
