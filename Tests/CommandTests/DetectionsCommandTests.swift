import Foundation
import JSON
import TestSupport
import Testing

struct DetectionsCommandTests {
  @Test func `the shipped detections are listed by log source and level`() throws {
    let run = try CommandRun([
      "detections", "list", "--log-source", "aws/cloudtrail", "--level", "high", "--format", "json",
    ])
    #expect(run.exitCode == 0)
    let list = try #require(try JSONValue(parsing: run.output).array)
    let stopped = try #require(list.first { $0["name"] == "aws-trail-stopped" })
    #expect(stopped["log_sources"] == ["aws/cloudtrail"])
    #expect(stopped["techniques"]?.array?.isEmpty == false)
    #expect(list.allSatisfy { ["high", "critical"].contains($0["level"]?.string) })
    let nothing = try CommandRun(["detections", "list", "--log-source", "nosuch/thing"])
    #expect(nothing.exitCode == 2)
    #expect(
      nothing.errors.contains("there is no detection for \"nosuch/thing\"; there are some for")
    )
    #expect(nothing.errors.contains("aws/cloudtrail"))
  }

  @Test func `cases are run, and one that comes out otherwise is told with its place`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    func write(_ name: String, _ text: String) throws {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    try write(
      "own.yml",
      """
      title: Own
      name: own
      logsource: {product: aws, service: cloudtrail}
      detection: {selection: {eventName: ListBuckets}, condition: selection}
      level: low
      """
    )
    let event = "{eventSource: s3.amazonaws.com, eventName: %, eventTime: '2026-03-02T10:00:00Z'}"
    func cases(_ name: String) -> String {
      """
      detection: own
      cases:
        - name: lists
          matches: true
          event: \(event.replacing("%", with: "ListBuckets"))
        - name: something else
          matches: false
          event: \(event.replacing("%", with: name))
      """
    }
    try write("own.cases.yaml", cases("GetObject"))
    let good = try CommandRun(["detections", "test", folder.path])
    #expect(good.output == "1 detection, 2 cases, 0 not as expected\n")
    #expect(good.exitCode == 0)
    try write("own.cases.yaml", cases("ListBuckets"))
    let bad = try CommandRun(["detections", "test", folder.path])
    #expect(bad.exitCode == 1)
    #expect(bad.output.contains("own: something else\n  expected no match, got one"))
    try write(
      "more.yml",
      "title: More\nname: more\nid: more\nlogsource: {product: aws}\ndetection: {s: {a: b}, condition: s}\n"
    )
    #expect(
      try CommandRun(["detections", "test", folder.path]).output.contains("more: has no cases")
    )
  }

  @Test func `a log source that nothing looks at, and no record at all, are errors`() throws {
    let named = try CommandRun(
      ["detect", "--log-source", "nosuch/thing", "-"],
      input: Data("{}".utf8)
    )
    #expect(named.exitCode == 2)
    #expect(named.errors.contains("no detection looks at logs of \"nosuch/thing\""))
    #expect(named.errors.contains("aws.cloudtrail"))
    for arguments in [["--activities"], []] {
      let unknown = try CommandRun(["detect", "--log-source", "cloudtrial", "-"] + arguments)
      #expect(unknown.exitCode == 2)
      #expect(unknown.errors.contains("aws.cloudtrail") && unknown.errors.contains("cloudtrial"))
    }
    let activities = try CommandRun(["detect", "--activities", "--log-source", "nosuch/thing", "-"])
    #expect(activities.exitCode == 2 && activities.errors.contains("aws.cloudtrail"))
    let empty = try CommandRun(["detect", "-"])
    #expect(empty.exitCode == 2)
    #expect(empty.errors == "plumb: there was no record to read in -\n")
    // Partial aggregates of logs in which nothing matched are no empty input.
    let event = #"{"eventSource":"s","eventName":"ListBuckets","eventTime":"2026-03-02T10:00:00Z"}"#
    let part = try CommandRun(["detect", "--partials", "-"], input: Data(event.utf8))
    #expect(part.output == "{\"partial_events\":1}\n")
    let merged = try CommandRun(["detect", "-"], input: Data(part.output.utf8))
    #expect(merged.exitCode == 0)
    #expect(merged.output == "1 event, 0 findings of 0 causes\n")
  }
}
