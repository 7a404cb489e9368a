import Foundation
import JSON
import Model
import Testing

@testable import Insights

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
    #expect(merged.totals.counts.unrecognised == 0)
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

  @Test func `an upper bound is judged when its time is over, not when the log is`() async throws {
    let body = "type: event_count\nrules: [a]\ngroup-by: [u]\ntimespan: 60s\ncondition: {eq: 2}"
    let found = try await run(
      body,
      [
        ("a", 0, "x"), ("a", 60, "x"), ("a", 61, "x"), ("a", 62, "x"), ("a", 63, "x"),
        ("b", 9999, "y"),
      ]
    ).filter { $0.note.id == "c" }
    #expect(found.map(\.count) == [2])
    #expect("\(try #require(found.first?.lastSeen))" == "2026-03-02T10:01:00Z")
  }

  @Test(arguments: ["lt: 4", "lte: 3", "eq: 3", "neq: 2"])
  func `a correlation may build on one with an upper bound`(_ bound: String) async throws {
    let yaml =
      correlation(
        "type: event_count\nrules: [a]\ngroup-by: [u]\ntimespan: 60s\ncondition: {\(bound)}"
      ) + """

        ---
        title: again
        id: again
        correlation:
          type: event_count
          rules: [c]
          group-by: [u]
          timespan: 1h
          condition: {gte: 2}
        """
    let lines = log([0, 1, 2, 300, 301, 302].map { ("a", $0, "x") })
    let found = try await detect(yaml, in: Data(lines.joined(separator: "\n").utf8))
    #expect(found.ids == ["again"])
  }

  @Test(arguments: ["first_seen", "rate"])
  func `a correlation may build on what is learnt`(_ kind: String) async throws {
    let condition = kind == "rate" ? "{gte: 5}" : "{field: w}"
    let yaml =
      correlation(
        "type: \(kind)\nrules: [a]\ngroup-by: [u]\ntimespan: 1h\ncondition: \(condition)"
      ) + """

        ---
        title: both
        id: both
        correlation:
          type: temporal
          rules: [b, c]
          group-by: [u]
          timespan: 1d
        """
    // An event an hour for half a day, and then a burst of something new.
    let hours = (0..<12).map { ($0 * 3600, "old") } + (0..<20).map { (13 * 3600 + $0, "new") }
    var lines = hours.enumerated().map { number, item in
      let time = Instant("2026-03-02T10:00:00Z")?.advanced(milliseconds: Int64(item.0) * 1000)
      return event(
        #""u":"x","w":"\#(item.1)","n":\#(number)"#,
        time: "\(time ?? .never)",
        name: "a"
      )
    }
    lines.append(event(#""u":"x""#, time: "2026-03-02T23:30:00Z", name: "b"))
    let found = try await detect(yaml, in: Data(lines.joined(separator: "\n").utf8))
    #expect(found.ids == ["both"])
  }

  @Test func `a long window with an upper bound keeps a bounded part of its events`() throws {
    let set = try DetectionSet(
      documents(
        correlation(
          "type: value_count\nrules: [a]\ntimespan: 30d\ncondition: {field: u, lt: 3}"
        )
      ),
      for: Shipped.sources()
    )
    var room = DetectionLimits.Room()
    room.values = 50
    var correlator = Correlator(set, set.notes, groupRoom: room)
    func entry(_ number: Int) -> CorrelationEntry {
      let time = Instant(milliseconds: Int64(number) * 1000)
      return CorrelationEntry(
        correlation: 0,
        part: 0,
        time: time,
        group: [],
        value: "v\(number)",
        entity: FindingEntity(),
        source: "s",
        event: EventReference(file: "f", position: number, id: nil, digest: "\(number)", time: time)
      )
    }
    #expect(correlator.add((0..<1000).map(entry)).isEmpty)
    #expect(correlator.finish().isEmpty)
    #expect(correlator.limits.values == 950)
  }

  @Test(arguments: ["nan", "inf", "-Infinity", "1e999", "x"])
  func `what is no finite number is told and poisons no sum`(_ value: String) async throws {
    let body = "type: value_sum\nrules: [a]\ntimespan: 60s\ncondition: {field: v, gte: 30}"
    func line(_ second: Int, _ value: String) -> String {
      event(#""v":"\#(value)""#, time: "2026-03-02T10:00:\(second)Z", name: "a")
    }
    let log = [line(10, value), line(11, "10"), line(12, "19")]
    let less = try await detect(correlation(body), in: Data(log.joined(separator: "\n").utf8))
    #expect(less.findings.isEmpty)
    #expect(less.totals.numberless == 1)
    let more = log + [line(13, "1")]
    let found = try await detect(correlation(body), in: Data(more.joined(separator: "\n").utf8))
    #expect(found.findings.map { $0.evidence.values["value"] } == [.number(30)])
  }

  @Test func `a huge number is gone from the sum when its window is over`() async throws {
    let body =
      "type: value_sum\nrules: [a]\ntimespan: 60s\ncondition: {field: v, gte: 5, gt: 5}"
    func line(_ minute: Int, _ value: String) -> String {
      event(#""v":"\#(value)""#, time: "2026-03-02T10:0\(minute):00Z", name: "a")
    }
    let log = [line(0, "-1e308"), line(0, "-1.1e308"), line(1, "3"), line(2, "4"), line(2, "2")]
    let found = try await detect(correlation(body), in: Data(log.joined(separator: "\n").utf8))
    #expect(found.findings.map { $0.evidence.values["value"] } == [.number(9)])
  }

  @Test func `limits that are reached are told`() async throws {
    let small: (inout DetectionRun.Options) -> Void = {
      $0.groupRoom.groups = 3
      $0.groupRoom.values = 3
      $0.groupRoom.repeats = 3
    }
    func limits(_ body: String, _ events: [(String, Int, String)]) async throws -> DetectionLimits {
      let text = log(events.map { ($0.0, $0.1, $0.2) }).joined(separator: "\n")
      return try await detect(correlation(body), in: Data(text.utf8), small).totals.limits
    }
    let groups = (0..<10).map { ("a", $0, "u\($0)") }
    #expect(try await limits(burst, groups).groups > 0)
    let seen = "type: first_seen\nrules: [a]\ntimespan: 1d\ncondition: {field: u}"
    #expect(try await limits(seen, groups).values == 7)
    let grouped = "type: first_seen\nrules: [a]\ngroup-by: [u]\ntimespan: 1d\ncondition: {field: v}"
    #expect(try await limits(grouped, groups).groups == 7)
    let rate = "type: rate\nrules: [a]\ntimespan: 1d\ncondition: {gte: 5}"
    #expect(try await limits(rate, groups).repeats == 6)
    let few = "type: event_count\nrules: [a]\ntimespan: 1d\ncondition: {lte: 1}"
    #expect(try await limits(few, groups).repeats == 7)
    let average =
      "type: value_avg\nrules: [a]\ntimespan: 1d\ncondition: {field: v, gte: 5}"
    #expect(try await limits(average, (0..<10).map { ("a", $0, "x") }).events > 0)
    #expect(try await limits(burst, [("a", 0, "x"), ("a", 1, "x")]) == DetectionLimits())
  }

  @Test func `a record that comes again does not count towards a rate again`() async throws {
    let body = "type: rate\nrules: [a]\ngroup-by: [u]\ntimespan: 1h\ncondition: {gte: 10}"
    func lines(_ hour: Int, _ count: Int) -> [String] {
      (0..<count).map { number in
        event(
          #""u":"x","eventID":"e\#(hour)-\#(number)""#,
          time: "2026-03-02T\(hour):00:0\(number)Z",
          name: "a"
        )
      }
    }
    let past = (10..<18).flatMap { lines($0, 1) }
    let last = lines(18, 8)
    // The second delivery says something else about how it was delivered.
    let again = last.map { $0.replacing(#""u":"x""#, with: #""u":"x","delivery":2"#) }
    let once = try await detect(
      correlation(body),
      in: Data((past + last + again + past).joined(separator: "\n").utf8)
    )
    #expect(once.findings.isEmpty)
    // Nor does it in another run that takes the baselines up.
    let kept = try DetectionBaselines(once.baselines.text)
    #expect(kept == once.baselines)
    let next = try await detect(
      correlation(body),
      in: Data(again.joined(separator: "\n").utf8),
      baselines: kept
    )
    #expect(next.findings.isEmpty)
    let more = lines(18, 10).suffix(2)
    let burst = try await detect(
      correlation(body),
      in: Data(more.joined(separator: "\n").utf8),
      baselines: kept
    )
    #expect(burst.ids == ["c"])
  }

  @Test(arguments: [
    #"{"baseline":"c","group":"x","counts":{"1":-1}}"#,
    #"{"baseline":"c","group":"x","counts":{"-9223372036854775808":1}}"#,
    #"{"baseline":"c","group":"x","since":-9000000000000000000}"#,
  ])
  func `baselines that no run has written are refused`(_ text: String) {
    #expect(throws: JSONError.self) { try DetectionBaselines(Data(text.utf8)) }
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
    #expect(found.totals.counts.timeless == 1)
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
    (
      "type: value_sum\nrules: [a]\ntimespan: 1m\ncondition: {field: [v, w], gte: 1}",
      "correlation.condition"
    ),
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
