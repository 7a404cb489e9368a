import Foundation
import Insights
import JSON
import Model
import Testing

/// A correlation over the rules `a` and `b`, which match events of those names.
private func correlation(_ body: String) -> String {
  let rules = ["a", "b"].map { name in
    rule("selection:\n  eventName: \(name)", id: name)
  }
  let lines = body.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
  return (rules + ["title: c\nid: c\ncorrelation:\n\(lines)"]).joined(separator: "\n---\n")
}

/// Events at seconds after ten o'clock.
private func log(_ events: [(name: String, at: Int, user: String)]) -> [String] {
  events.map { name, second, user in
    let time = Instant("2026-03-02T10:00:00Z")?.advanced(milliseconds: Int64(second) * 1000)
    return event(#""u":"\#(user)","v":\#(second)"#, time: "\(time ?? .never)", name: name)
  }
}

private func run(_ body: String, _ events: [(String, Int, String)]) async throws -> [Finding] {
  let lines = log(events.map { ($0.0, $0.1, $0.2) })
  return try await detect(correlation(body), in: Data(lines.joined(separator: "\n").utf8)).findings
}

private let burst = """
  type: event_count
  rules: [a]
  group-by: [u]
  timespan: 60s
  condition: {gte: 3}
  """

struct CorrelationTests {
  @Test func `events are counted per group in a window that slides`() async throws {
    let found = try await run(
      burst,
      [("a", 0, "x"), ("a", 50, "x"), ("a", 55, "y"), ("a", 70, "x"), ("a", 100, "x")]
    )
    #expect(found.count == 1)
    let finding = try #require(found.first)
    #expect(finding.note.id == "c")
    #expect(finding.count == 3)
    #expect(finding.evidence.values["u"] == "x")
    #expect("\(try #require(finding.firstSeen))" == "2026-03-02T10:00:50Z")
    #expect("\(try #require(finding.lastSeen))" == "2026-03-02T10:01:40Z")
    #expect(finding.evidence.events.map(\.position) == [2, 4, 5])
  }

  @Test func `a burst that goes on is one finding, and one after a pause another`() async throws {
    let first = (0..<20).map { ("a", $0 * 10, "x") }
    let second = (0..<3).map { ("a", 1000 + $0, "x") }
    let found = try await run(burst, first + second)
    #expect(found.map(\.count) == [20, 3])
  }

  @Test func `order of delivery and duplicates do not matter`() async throws {
    let lines = log([("a", 0, "x"), ("a", 50, "x"), ("a", 59, "x"), ("a", 300, "x")])
    let plain = try await detect(correlation(burst), in: Data(lines.joined(separator: "\n").utf8))
    let mixed = [lines[3], lines[2], lines[0], lines[0], lines[1], lines[2], lines[1]]
    let other = try await detect(correlation(burst), in: Data(mixed.joined(separator: "\n").utf8))
    #expect(plain.findings.count == 1)
    #expect(other.findings.map(\.id) == plain.findings.map(\.id))
    #expect(other.findings.map(\.count) == plain.findings.map(\.count))
    let twice = [lines[0], lines[0], lines[1]].joined(separator: "\n")
    #expect(try await detect(correlation(burst), in: Data(twice.utf8)).findings.isEmpty)
  }

  @Test func `parts counted apart merge to the same findings`() async throws {
    let lines = log((0..<30).map { ("a", $0 * 7, $0 % 2 == 0 ? "x" : "y") })
    let whole = try await detect(correlation(burst), in: Data(lines.joined(separator: "\n").utf8))
    var partials = ""
    for half in [lines.suffix(11), lines.prefix(19)] {
      let part = try await detect(correlation(burst), in: Data(half.joined(separator: "\n").utf8)) {
        $0.isPartial = true
      }
      #expect(part.findings.isEmpty)
      partials += part.lines
    }
    // Findings of single events stand among them.
    partials += #"{"id":"x","detection_id":"y","title":"z"}"#

    let merged = try await detect(correlation(burst), in: Data(partials.utf8))
    #expect(!whole.findings.isEmpty)
    #expect(merged.findings.map(\.id) == whole.findings.map(\.id))
    #expect(merged.findings.map(\.count) == whole.findings.map(\.count))
    #expect(merged.totals.unrecognised == 0)
  }

  @Test func `with little room for waiting events a log in order gives the same`() async throws {
    let lines = log((0..<400).map { ("a", $0 * 25 + ($0 / 40) * 3600, "x") })
    let data = Data(lines.joined(separator: "\n").utf8)
    let wide = try await detect(correlation(burst), in: data)
    let narrow = try await detect(correlation(burst), in: data) { $0.room = 10 }
    #expect(wide.findings.count == 10)
    #expect(narrow.findings.map(\.id) == wide.findings.map(\.id))
  }

  @Test func `values are counted once each`() async throws {
    let body = """
      type: value_count
      rules: [a]
      timespan: 60s
      condition: {field: u, gte: 3}
      """
    let same = (0..<9).map { ("a", $0, "x") }
    #expect(try await run(body, same).isEmpty)
    #expect(try await run(body, same + [("a", 10, "y"), ("a", 11, "z")]).count == 1)
    #expect(try await run(body, same + [("a", 10, "y"), ("a", 99, "z")]).isEmpty)
  }

  @Test(arguments: [
    ("value_sum", "gte: 30", true), ("value_sum", "gte: 31", false),
    ("value_avg", "gte: 15", true), ("value_avg", "gt: 15", false),
    ("value_median", "gte: 15", true), ("value_percentile", "percentile: 100, gte: 20", true),
  ])
  func `numbers are added up over a window`(
    _ kind: String,
    _ bound: String,
    _ isFound: Bool
  ) async throws {
    let body = """
      type: \(kind)
      rules: [a]
      timespan: 60s
      condition: {field: v, \(bound)}
      """
    #expect(try await run(body, [("a", 10, "x"), ("a", 20, "x")]).isEmpty != isFound)
  }

  @Test func `temporal wants all rules, temporal ordered in their order`() async throws {
    func body(_ kind: String) -> String {
      "type: \(kind)\nrules: [a, b]\ngroup-by: [u]\ntimespan: 60s"
    }
    let forth = [("a", 0, "x"), ("b", 30, "x")]
    let back = [("b", 0, "x"), ("a", 30, "x")]
    let apart = [("a", 0, "x"), ("b", 90, "x")]
    let strangers = [("a", 0, "x"), ("b", 30, "y")]
    #expect(try await run(body("temporal"), forth).count == 1)
    #expect(try await run(body("temporal"), back).count == 1)
    #expect(try await run(body("temporal"), apart).isEmpty)
    #expect(try await run(body("temporal"), strangers).isEmpty)
    #expect(try await run(body("temporal_ordered"), forth).count == 1)
    #expect(try await run(body("temporal_ordered"), back).isEmpty)
    #expect(try await run(body("temporal_ordered"), back + [("b", 40, "x")]).count == 1)
  }

  @Test func `an upper bound is judged when the window is over`() async throws {
    let body = "type: event_count\nrules: [a]\ngroup-by: [u]\ntimespan: 60s\ncondition: {lt: 3}"
    let found = try await run(
      body,
      [("a", 0, "few"), ("a", 0, "many"), ("a", 1, "many"), ("a", 2, "many")]
    )
    #expect(found.map { $0.evidence.values["u"] } == ["few"])
  }

  @Test func `rules that are referred to stay silent unless generate says otherwise`() async throws
  {
    #expect(try await run(burst, [("a", 0, "x"), ("b", 1, "x")]).map(\.note.id) == ["b"])
    let loud = burst + "\ngenerate: true"
    #expect(try await run(loud, [("a", 0, "x")]).map(\.note.id) == ["a"])
  }

  @Test func `aliases join fields of other names, and correlations may build on another`()
    async throws
  {
    let yaml = """
      \(rule("selection:\n  eventName: a", id: "a"))
      ---
      \(rule("selection:\n  eventName: b", id: "b"))
      ---
      title: both
      id: both
      correlation:
        type: temporal
        rules: [a, b]
        group-by: [who]
        timespan: 1m
        aliases: {who: {a: u, b: w}}
      ---
      title: again
      id: again
      correlation:
        type: event_count
        rules: [both]
        group-by: [who]
        timespan: 1d
        condition: {gte: 2}
      """
    let lines = [(0, "a", "u"), (5, "b", "w"), (1000, "a", "u"), (1005, "b", "w")].map {
      second,
      name,
      field in
      let time = Instant("2026-03-02T10:00:00Z")?.advanced(milliseconds: Int64(second * 1000))
      return event(#""\#(field)":"x""#, time: "\(time ?? .never)", name: name)
    }
    let found = try await detect(yaml, in: Data(lines.joined(separator: "\n").utf8))
    #expect(found.ids == ["again"])
  }

  @Test func `a match without a time is told and not counted`() async throws {
    let log = #"{"eventSource":"s","eventName":"a","u":"x"}"#
    let found = try await detect(correlation(burst), in: Data(log.utf8))
    #expect(found.totals.timeless == 1)
    #expect(found.findings.isEmpty)
  }

  @Test func `what is learnt holds in the next run, in whatever parts it was learnt`() async throws
  {
    let body = """
      type: first_seen
      rules: [a]
      group-by: [u]
      timespan: 1d
      condition: {field: w}
      """
    func day(_ day: Int, _ value: String) -> String {
      event(#""u":"x","w":"\#(value)""#, time: "2026-03-0\(day)T10:00:00Z", name: "a")
    }
    let first = try await detect(
      correlation(body),
      in: Data([day(1, "s3"), day(2, "s3")].joined(separator: "\n").utf8)
    )
    let second = try await detect(correlation(body), in: Data(day(3, "ec2").utf8))
    #expect(first.findings.isEmpty && second.findings.isEmpty)
    let both = try DetectionBaselines(second.baselines.text + first.baselines.text)
    let third = try await detect(
      correlation(body),
      in: Data([day(4, "ec2"), day(5, "iam")].joined(separator: "\n").utf8),
      baselines: both
    )
    #expect(third.findings.map { $0.evidence.values["new"] } == ["iam"])
  }

  @Test(arguments: [
    ("type: nonsense\nrules: [a]\ntimespan: 1m", "correlation.type"),
    ("type: event_count\nrules: [a]\ntimespan: soon\ncondition: {gte: 1}", "correlation.timespan"),
    ("type: event_count\nrules: [a]\ntimespan: 1m", "correlation.condition"),
    ("type: value_count\nrules: [a]\ntimespan: 1m\ncondition: {gte: 1}", "correlation.condition"),
    ("type: temporal\nrules: [a]\ntimespan: 1m", "correlation.rules"),
    ("type: event_count\nrules: [none]\ntimespan: 1m\ncondition: {gte: 1}", "correlation.rules"),
    ("type: event_count\nrules: [c]\ntimespan: 1m\ncondition: {gte: 1}", "correlation.rules"),
  ])
  func `a fault of a correlation names its key`(_ body: String, _ key: String) throws {
    let error = #expect(throws: DocumentError.self) {
      try DetectionSet(documents(correlation(body)), for: Shipped.sources())
    }
    #expect(error?.key == key)
  }
}
