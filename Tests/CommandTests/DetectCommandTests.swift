import Foundation
import JSON
import TestSupport
import Testing

private let stopped = #"""
  {"eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","eventTime":"2026-03-02T10:00:00Z","eventID":"e-1","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","userName":"kim"},"requestParameters":{"name":"main"}}
  """#
private let read = #"""
  {"eventSource":"s3.amazonaws.com","eventName":"ListBuckets","eventTime":"2026-03-02T10:00:01Z","eventID":"e-2"}
  """#

struct DetectCommandTests {
  @Test func `findings are a list, and the exit code says that there are some`() throws {
    let run = try CommandRun(
      ["detect", "--format", "json", "-"],
      input: Data("\(read)\n\(stopped)\n".utf8)
    )
    #expect(run.exitCode == 1)
    #expect(run.errors == "")
    let findings = try #require(try JSONValue(parsing: run.output).array)
    let finding = try #require(findings.first { $0["detection_name"] == "aws-trail-stopped" })
    #expect(finding["severity"] == "high")
    #expect(finding["event"]?["position"] == 2)
    #expect(finding["event"]?["id"] == "e-1")
    #expect(finding["event"]?["file"] == "standard input")
    #expect(finding["entity"]?["actor"] == "kim")
  }

  @Test func `nothing found is an empty list and exit code 0`() throws {
    let run = try CommandRun(["detect", "--format", "json", "-"], input: Data(read.utf8))
    #expect(run.exitCode == 0)
    #expect(try JSONValue(parsing: run.output) == [])
  }

  @Test func `the table has a line per cause`() throws {
    let lines = Array(repeating: stopped, count: 3).enumerated()
      .map { $1.replacing("e-1", with: "e-\($0)") }
    let run = try CommandRun(["detect", "-"], input: Data(lines.joined(separator: "\n").utf8))
    #expect(run.exitCode == 1)
    let table = run.output.split(separator: "\n")
    #expect(
      table[0].hasPrefix(
        "high  2026-03-02T10:00:00Z  A CloudTrail trail was stopped or deleted  kim  3×"
      )
    )
    #expect(table.last == "3 events, 3 findings of 1 cause")
  }

  @Test func `own detections are used instead, a threshold leaves out, ocsf is written`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let file = folder.appendingPathComponent("own.yml")
    try Data(
      """
      title: Own
      logsource: {product: aws, service: cloudtrail}
      detection: {selection: {eventName: ListBuckets}, condition: selection}
      level: low
      """.utf8
    ).write(to: file)
    let log = folder.appendingPathComponent("log.json")
    try Data("\(read)\n\(stopped)\n".utf8).write(to: log)
    var run = try CommandRun(["detect", "--detections", file.path, "--format", "ocsf", folder.path])
    #expect(run.exitCode == 1)
    #expect(run.errors.hasPrefix("plumb: 1 file passed over, by the name no log"))
    #expect(run.errors.hasSuffix("own.yml\n"))
    run = try CommandRun(["detect", "--detections", file.path, "--format", "ocsf", log.path])
    #expect(run.exitCode == 1)
    let finding = try JSONValue(parsing: run.output)
    #expect(finding["class_uid"] == 2004)
    #expect(finding["finding_info"]?["title"] == "Own")
    #expect(finding["severity_id"] == 2)
    run = try CommandRun(["detect", "--detections", file.path, "--threshold", "high", log.path])
    #expect(run.exitCode == 0)
  }

  @Test func `what cannot be read is told, and what can is found`() throws {
    let log = "\(stopped)\nno JSON\n{\"x\":1}\n"
    let run = try CommandRun(["detect", "--format", "ndjson", "-"], input: Data(log.utf8))
    #expect(run.exitCode == 2)
    #expect(run.output.contains("aws-trail-stopped"))
    #expect(run.errors.contains("plumb: standard input:2: not valid JSON"))
    #expect(run.errors.contains("plumb: 1 record of no known log source; --log-source names it"))
  }

  @Test func `what correlations cannot count is told, and kept for who merges parts`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let file = folder.appendingPathComponent("own.yml")
    try Data(
      """
      title: Read
      name: read
      logsource: {product: aws, service: cloudtrail}
      detection: {selection: {eventName: ListBuckets}, condition: selection}
      ---
      title: Sum
      correlation:
        type: value_sum
        rules: [read]
        timespan: 1h
        condition: {field: size, gte: 5}
      """.utf8
    ).write(to: file)
    let numbers = ["nan", "3"].map { String(read.dropLast()) + #","size":"\#($0)"}"# }
    let timeless = read.replacing(#""eventTime":"2026-03-02T10:00:01Z","#, with: "")
    let log = Data((numbers + [timeless, #"{"x":1}"#]).joined(separator: "\n").utf8)
    let run = try CommandRun(["detect", "--detections", file.path, "-"], input: log)
    #expect(run.exitCode == 2)
    #expect(
      run.errors == """
        plumb: 1 record of no known log source; --log-source names it
        plumb: 1 match without a time, which correlations did not count
        plumb: 1 match without a finite number, which correlations did not count

        """
    )
    let part = try CommandRun(["detect", "--detections", file.path, "--partials", "-"], input: log)
    let end = try JSONValue(parsing: String(part.output.split(separator: "\n").last ?? ""))
    #expect(end == ["partial_events": 3, "unrecognised": 1, "without_time": 1])
    let merged = try CommandRun(
      ["detect", "--detections", file.path, "-"],
      input: Data(part.output.utf8)
    )
    #expect(merged.exitCode == 2)
    #expect(merged.errors == run.errors)
  }

  @Test func `a broken detection names file, line and key`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let file = folder.appendingPathComponent("bad.yml")
    try Data(
      "title: x\nlogsource: {product: aws}\ndetection:\n  s: {a|zz: 1}\n  condition: s\n".utf8
    )
    .write(to: file)
    let run = try CommandRun(["detect", "--detections", file.path, "-"])
    #expect(run.exitCode == 2)
    let fault = "plumb: \(file.path):4: detection.s.a|zz: there is no modifier \"zz\""
    #expect(
      run.errors
        == "\(fault); the detection is left out\nplumb: none of the detections can be used\n"
    )
    // Beside one that can be used it is told, and so is a correlation of it; the exit code says so.
    try Data(
      """
      title: y
      logsource: {product: aws}
      detection: {s: {a: 1}, condition: s}
      ---
      title: of the first
      correlation: {type: event_count, rules: [x], timespan: 1h, condition: {gte: 2}}
      """.utf8
    ).write(to: folder.appendingPathComponent("good.yml"))
    let rest = try CommandRun(
      ["detect", "--detections", folder.path, "--log-source", "aws/cloudtrail", "-"],
      input: Data("{\"a\":1,\"eventVersion\":\"1\",\"eventSource\":\"s\"}\n".utf8)
    )
    #expect(rest.exitCode == 2)
    #expect(rest.errors.contains(fault) && rest.errors.contains("there is no rule \"x\""))
    #expect(rest.output.contains("1 finding of 1 cause"), "\(rest.output)\(rest.errors)")
  }

  @Test func `partial aggregates of parts give the findings of the whole`() throws {
    let failure =
      #"{"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","eventTime":"2026-03-02T10:00:%Z","recipientAccountId":"1","userIdentity":{"userName":"kim"},"responseElements":{"ConsoleLogin":"Failure"}}"#
    let lines = (10..<22).map { failure.replacing("%", with: "\($0)") }
    var partials = ""
    for part in [lines.prefix(7), lines.suffix(5)] {
      let run = try CommandRun(
        ["detect", "--partials", "-"],
        input: Data(part.joined(separator: "\n").utf8)
      )
      partials += run.output
    }
    let whole = try CommandRun(
      ["detect", "--format", "ndjson", "-"],
      input: Data(lines.joined(separator: "\n").utf8)
    )
    let merged = try CommandRun(["detect", "--format", "ndjson", "-"], input: Data(partials.utf8))
    func guessing(_ run: CommandRun) throws -> [JSONValue] {
      try Fixtures.lines(Array(run.output.utf8)).filter {
        $0["detection_name"] == "aws-console-login-guessing"
      }
    }
    let wanted = try guessing(whole)
    let found = try guessing(merged)
    #expect(wanted.count == 1)
    #expect(merged.exitCode == 1)
    #expect(found.map { $0["id"] } == wanted.map { $0["id"] })
    #expect(found.map { $0["count"] } == [12])
  }

  @Test func `baselines are kept in the file named`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let file = folder.appendingPathComponent("seen.ndjson").path
    func day(_ day: Int, _ service: String) -> Data {
      Data(
        #"{"eventSource":"\#(service)","eventName":"PutX","eventTime":"2026-03-\#(day)T10:00:00Z","recipientAccountId":"1","userIdentity":{"userName":"kim"}}"#
          .utf8
      )
    }
    #expect(
      try CommandRun(["detect", "--baselines", file, "-"], input: day(10, "s3.amazonaws.com"))
        .exitCode == 0
    )
    let later = try CommandRun(
      ["detect", "--baselines", file, "--format", "ndjson", "-"],
      input: day(29, "fms.amazonaws.com")
    )
    #expect(later.output.contains("aws-new-service-for-identity"))
    try Data("nonsense".utf8).write(to: URL(fileURLWithPath: file))
    let broken = try CommandRun(
      ["detect", "--baselines", file, "-"],
      input: day(29, "s3.amazonaws.com")
    )
    #expect(broken.exitCode == 2)
    #expect(broken.errors.contains("holds no baselines"))
  }
}

/// Findings that are kept, by commands here and on a server.
struct FindingCommandTests {
  @Test func `what is kept counts once, is decided about, and is the same on a server`()
    async throws
  {
    try await ServedStore.with { served in
      let log = served.folder.appendingPathComponent("trail.json")
      let lines = (0..<3).map { stopped.replacing("e-1", with: "e-\($0)") }
      try Data(lines.joined(separator: "\n").utf8).write(to: log)
      let first = try served.local(["detect", "--save", "--threshold", "high", log.path])
      #expect(first.exitCode == 1)
      #expect(first.errors.contains("kept 3 findings: 1 cause new"), "\(first.errors)")
      let again = try served.local(["detect", "--save", "--threshold", "high", log.path])
      #expect(again.errors.contains("kept 0 findings: 0 causes new, 0 open again, 3 known"))
      let here = try served.localJSON(["findings", "list"])
      let finding = try #require(here.array?.first)
      #expect(finding["count"] == 3 && finding["entity"]?["actor"] == "kim")
      #expect(try served.remoteJSON(["findings", "list"]) == here)
      #expect(
        try served.remoteJSON(["findings", "show", "1"])
          == served.localJSON(["findings", "show", "1"])
      )
      #expect(
        try served.remoteJSON(["findings", "notes"]) == served.localJSON(["findings", "notes"])
      )
      for format in ["ocsf", "csv", "json", "text"] {
        let arguments = ["findings", "export", "--format", format]
        let (there, local) = (try served.remote(arguments), try served.local(arguments))
        #expect(there.output == local.output && !local.output.isEmpty, "\(format)")
      }
      let changed = try served.remote([
        "findings", "change", "1", "mitigated", "--reason", "mended",
      ])
      #expect(changed.output == "finding 1 is mitigated\n", "\(changed.errors)")
      #expect(try served.localJSON(["findings", "list"]) == [])
      let late = stopped.replacing("e-1", with: "e-9")
        .replacing("2026-03-02T10:00:00Z", with: "2099-03-02T10:00:00Z")
      try Data(late.utf8).write(to: log)
      let reopened = try served.local(["detect", "--save", "--threshold", "high", log.path])
      #expect(reopened.errors.contains("1 open again"), "\(reopened.errors)")
      #expect(try served.remoteJSON(["findings", "list"]).array?.count == 1)
    }
  }
}
