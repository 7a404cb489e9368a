import Content
import Engine
import Foundation
import JSON
import Model
import Operations
import TestSupport
import Testing
import YAML

/// Judges lines by one rule document.
private func judge(
  _ rule: String,
  _ lines: [String],
  complete: Bool = false,
  file: String = "rule"
) throws -> (results: [JSONValue], summary: JudgeSummary) {
  let decoded = try RuleDecoder.rule(
    YAMLReader().document(rule, file: "rule.yaml"),
    name: file
  )
  let ruleSet = try RuleSet(try RuleIndex([decoded]))
  let judge = Judge(ruleSet, JudgeOptions(now: "2026-01-01T00:00:00Z"))
  let first = judge.judge(Array(lines.joined(separator: "\n").utf8))
  var population = first.population
  population.isComplete = complete
  var results = first.lines
  if !first.deferred.isEmpty {
    results += judge.judge(first.deferred, population: population).lines
  }
  return (try Fixtures.lines(results), first.summary)
}

struct RuleExampleTests {
  private func example() throws -> String {
    try String(
      contentsOf: Fixtures.shared.appendingPathComponent("data/rule-example.json"),
      encoding: .utf8
    )
  }

  private func service(_ configuration: String, registry: String, unread: String = "{}") -> String {
    """
    {"provider":"ibm","account":"a1","region":"us-south","service_name":"container-registry",\
    "resource_kind":"service","id":"r","attributes":{"registry":"\(registry)"},\
    "configuration":\(configuration),"unread":\(unread)}
    """
  }

  @Test func `the example of the product loads unchanged and fails a public registry`() throws {
    let found = try judge(
      example(),
      [service(#"{"private_only":false}"#, registry: "us.icr.io")]
    )
    #expect(found.results.map { $0["verdict"]?.string } == ["fail"])
    #expect(found.results.first?["rule"]?.string == "rule")
  }

  @Test func `a private registry passes`() throws {
    let found = try judge(example(), [service(#"{"private_only":true}"#, registry: "us.icr.io")])
    #expect(found.results.map { $0["verdict"]?.string } == ["pass"])
  }

  @Test func `another registry is outside the target and yields nothing`() throws {
    let found = try judge(
      example(),
      [service(#"{"private_only":false}"#, registry: "de.icr.io")]
    )
    #expect(found.results.isEmpty)
    #expect(found.summary.resources == 1)
  }

  @Test func `an unread setting is unknown`() throws {
    let found = try judge(
      example(),
      [service("{}", registry: "us.icr.io", unread: #"{"private_only":"access denied"}"#)]
    )
    #expect(found.results.first?["verdict"]?.string == "unknown")
    #expect(found.results.first?["reason"]?.string == "private_only: access denied")
  }

  @Test func `a resource without a configuration has read nothing`() throws {
    let line =
      #"{"service_name":"container-registry","resource_kind":"service","id":"r","attributes":{"registry":"us.icr.io"}}"#
    for unread in ["", #","unread":{}"#, #","unread":{"iam_authz":"denied"}"#] {
      let found = try judge(example(), [line.dropLast() + unread + "}"])
      #expect(found.results.first?["verdict"]?.string == "unknown")
    }
    let named = try judge(example(), [line.dropLast() + #","unread":{"$root":"not listed"}}"#])
    #expect(named.results.first?["reason"]?.string?.contains("not listed") == true)
  }
}

struct BadInventoryTests {
  private let rule = """
    target: { service_name: s, resource_kind: k }
    required_config: { property: a.b, operator: is_true }
    """
  private let good =
    #"{"service_name":"s","resource_kind":"k","id":"1","configuration":{"a":{"b":true}}}"#

  @Test(arguments: [
    (#"{"service_name":"s","resource_kind":"k","id":"2","#, "not valid JSON"),
    (#"[1]"#, "expected a JSON object"),
    (#"{"service_name":"s","resource_kind":"k"}"#, "missing key \"id\""),
    (#"{"service_name":"s","resource_kind":"k","id":7}"#, "id: expected a text"),
    (#"{"service_name":"s","service_name":"t","resource_kind":"k","id":"2"}"#, "duplicate key"),
    (
      #"{"service_name":"s","resource_kind":"k","id":"2","configuration":{"a":{"b":true,"b":false}}}"#,
      "duplicate key \"b\""
    ),
    (#"{"service_name":"s","resource_kind":"k","id":"2","unread":["a"]}"#, "unread: expected"),
    (#"{"coverage":{"service_name":"s"}}"#, "missing key \"coverage.resource_kind\""),
  ])
  func `a bad line is a fault with its number and the rest is judged`(
    line: String,
    message: String
  ) throws {
    let found = try judge(rule, [good, line, "", good])
    #expect(found.results.count == 2)
    #expect(found.summary.faultCount == 1)
    #expect(found.summary.faults.first?.line == 2)
    #expect(found.summary.faults.first?.message.contains(message) == true)
  }

  @Test func `invalid UTF-8 and binary lines are faults`() throws {
    let decoded = try RuleDecoder.rule(YAMLReader().document(rule, file: "r"), name: "r")
    let judge = Judge(
      try RuleSet(try RuleIndex([decoded])),
      JudgeOptions(now: "2026-01-01T00:00:00Z")
    )
    var bytes = Array(good.utf8) + [0x0A, 0xFF, 0x00, 0xFE, 0x0A]
    bytes += Array(good.utf8)
    let outcome = judge.judge(bytes)
    #expect(outcome.summary.resources == 2)
    #expect(outcome.summary.faults.map(\.line) == [2])
  }

  @Test func `two resources on one line are refused`() throws {
    let found = try judge(rule, [good + good])
    #expect(found.results.isEmpty)
    #expect(found.summary.faultCount == 1)
  }
}

struct PopulationTests {
  private let rule = """
    target: { service_name: iam, resource_kind: account }
    parameters: { least: { type: integer, default: 2 }, most: { type: integer, default: 3 } }
    required_config:
      and:
        - count: { service_name: iam, resource_kind: user }
          satisfy: { property: role, operator: string_equals, value: Manager }
          operator: num_greater_than_equals
          value: ${least}
        - count: { service_name: iam, resource_kind: user }
          operator: num_less_than_equals
          value: ${most}
    """

  private func line(
    _ kind: String,
    _ id: String,
    _ configuration: String = "{}",
    account: String = "a"
  )
    -> String
  {
    """
    {"account":"\(account)","service_name":"iam","resource_kind":"\(kind)","id":"\(id)",\
    "configuration":\(configuration)}
    """
  }

  @Test(arguments: [
    (2, 0, true, "pass"), (1, 1, true, "fail"), (2, 2, true, "fail"), (2, 0, false, "unknown"),
    (1, 1, false, "unknown"), (2, 2, false, "fail"),
  ])
  func `counts are judged, and open upwards while a kind is not fully read`(
    managers: Int,
    others: Int,
    isComplete: Bool,
    verdict: String
  ) throws {
    var lines = [line("account", "acc")]
    lines += (0..<managers).map { line("user", "m\($0)", #"{"role":"Manager"}"#) }
    lines += (0..<others).map { line("user", "o\($0)", #"{"role":"Reader"}"#) }
    lines.append(line("user", "x", #"{"role":"Manager"}"#, account: "other"))
    let found = try judge(rule, lines, complete: isComplete)
    #expect(
      found.results.first { $0["resource"]?["id"]?.string == "acc" }?["verdict"]?.string == verdict
    )
  }

  @Test func `a coverage statement in the inventory counts as read`() throws {
    var lines = [line("account", "acc"), line("user", "m0", #"{"role":"Manager"}"#)]
    lines.append(
      #"{"coverage":{"account":"a","service_name":"iam","resource_kind":"user","complete":true}}"#
    )
    #expect(try judge(rule, lines).results.first?["verdict"]?.string == "fail")
    lines[2] =
      #"{"coverage":{"account":"a","service_name":"iam","resource_kind":"user","complete":false,"reason":"denied"}}"#
    let open = try judge(rule, lines).results.first
    #expect(open?["verdict"]?.string == "unknown")
    #expect(open?["reason"]?.string?.contains("denied") == true)
  }

  @Test func `an unread related property leaves the count between bounds`() throws {
    let lines = [
      line("account", "acc"), line("user", "m0", #"{"role":"Manager"}"#),
      #"{"account":"a","service_name":"iam","resource_kind":"user","id":"u","configuration":{},"unread":{"role":"throttled"}}"#,
    ]
    #expect(try judge(rule, lines, complete: true).results.first?["verdict"]?.string == "unknown")
  }

  @Test(arguments: [
    ("any", "yes", false, "pass"), ("any", "yes", true, "unknown"), ("any", "no", true, "unknown"),
    ("all", "yes", false, "pass"), ("all", "yes", true, "unknown"), ("all", "no", false, "fail"),
    ("all", "no", true, "unknown"),
    ("none", "yes", false, "fail"), ("none", "yes", true, "unknown"),
  ])
  func `a related resource that may not exist counts neither as there nor as missing`(
    quantifier: String,
    active: String,
    mayBeMissing: Bool,
    verdict: String
  ) throws {
    let logged = """
      target: { service_name: ec2, resource_kind: vpc }
      required_config:
        \(quantifier): { service_name: ec2, resource_kind: flow_log }
        join: { property: ResourceId, equals: VpcId }
        satisfy: { property: Active, operator: string_equals, value: "yes" }
      """
    let unread = mayBeMissing ? #""$resource.exists":"count is not known""# : ""
    // The one that is there keeps `all` and `none` from resting on nothing.
    let sure = quantifier == "any" ? "no" : quantifier == "all" ? "yes" : "no"
    func log(_ id: String, _ active: String, _ unread: String) -> String {
      """
      {"account":"a","service_name":"ec2","resource_kind":"flow_log","id":"\(id)",\
      "configuration":{"ResourceId":"v","Active":"\(active)"},"unread":{\(unread)}}
      """
    }
    let lines = [
      #"{"account":"a","service_name":"ec2","resource_kind":"vpc","id":"v","configuration":{"VpcId":"v"}}"#,
      log("sure", sure, ""), log("open", active, unread),
    ]
    let found = try judge(logged, lines, complete: true).results
    #expect(found.first?["verdict"]?.string == verdict)
  }
}

struct DocumentErrorTests {
  @Test(arguments: [
    (
      "required_config: { property: a, operator: is_tru }", 2, "required_config.operator",
      "is none of"
    ),
    (
      "required_config: { property: a, operator: is_true, value: 1 }", 2, "required_config.value",
      "takes no value"
    ),
    (
      "required_config: { property: a, operator: num_less_than }", 2, "required_config",
      "needs a value: a number"
    ),
    (
      "required_config: { property: a, operator: num_less_than, value: many }", 2,
      "required_config.value", "takes a number"
    ),
    (
      "required_config: { property: a, operator: ips_in_range, value: [10.0.0.0/40] }", 2,
      "required_config.value", "networks"
    ),
    (
      "required_config: { property: a..b, operator: exists }", 2, "required_config.property",
      "is no path"
    ),
    (
      "required_config: { property: a, operator: string_equals, value: \"${x}\" }", 2,
      "required_config.value", "no parameter"
    ),
    ("required_config:\n  and: []", 3, "required_config.and", "at least one"),
    (
      "required_config:\n  and:\n    - { any: a }\n    - { all: a }", 5, "required_config.and[1]",
      "satisfy"
    ),
    (
      "required_config: { property: a, operator: exists }\nseverity: huge", 3, "severity",
      "is none of"
    ),
    ("required_config: { property: a, operator: exists }\nextra: 1", 3, "extra", "unknown key"),
    (
      "required_config: { count: a, operator: string_equals, value: x }", 2,
      "required_config.operator", "num_"
    ),
    (
      "parameters: { n: { type: integer, default: 9, maximum: 5 } }\nrequired_config: { property: a, operator: exists }",
      2, "parameters.n.default", "at most 5"
    ),
  ])
  func `a fault in a rule names file, line, key and what was expected`(
    text: String,
    line: Int,
    key: String,
    message: String
  ) throws {
    let document = "target: { service_name: s, resource_kind: k }\n" + text
    let error = #expect(throws: DocumentError.self) {
      try RuleDecoder.rule(YAMLReader().document(document, file: "my.yaml"), name: "x")
    }
    #expect(error?.location.file == "my.yaml")
    #expect(error?.location.line == line)
    #expect(error?.key == key)
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
  }

  @Test func `conditions 10,000 deep are refused`() {
    let deep =
      "target: { service_name: s, resource_kind: k }\nrequired_config: "
      + String(repeating: "{not: ", count: 10_000) + "{property: a, operator: exists}"
      + String(repeating: "}", count: 10_000)
    #expect(throws: DocumentError.self) {
      try RuleDecoder.rule(YAMLReader().document(deep, file: "x"), name: "x")
    }
  }
}

struct ValueTests {
  @Test(arguments: [
    ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
    ("0.0.0.0/0", "1.2.3.4", true), ("0.0.0.0/0", "::1", false),
    ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::", false),
    ("::ffff:1.2.3.4", "::ffff:102:304", true), ("10.0.0.0/24", "10.0.0.0/16", false),
    ("10.0.0.0/16", "10.0.0.0/24", true), ("::/0", "fe80::1", true),
  ])
  func `a network contains what lies within it`(network: String, other: String, inside: Bool) throws
  {
    let network = try #require(IPNetwork(network))
    #expect(network.contains(try #require(IPNetwork(other))) == inside)
  }

  @Test(arguments: [
    "", "10", "10.0.0", "10.0.0.0.0", "256.0.0.1", "10.0.0.0/33", "10.0.0.0/", "1::2::3", ":1",
    "12345::", "1:2:3:4:5:6:7:8:9", "::1/129", "a.b.c.d", "1:2:3:4:5:6:7", " 10.0.0.1",
  ])
  func `what is no address is none`(text: String) { #expect(IPNetwork(text) == nil) }

  @Test(arguments: [
    ("1970-01-01", 0.0), ("1970-01-02T00:00:00Z", 86_400),
    ("2000-02-29T12:30:15.5Z", 951_827_415.5),
    ("2026-01-01T01:00:00+01:00", 1_767_225_600), ("2025-12-31T22:30:00-0130", 1_767_225_600),
    ("2026-01-01 00:00:00", 1_767_225_600),
  ])
  func `an instant is seconds since 1970`(text: String, seconds: Double) {
    #expect(Timestamp.seconds(text) == seconds)
  }

  @Test(arguments: ["", "yesterday", "2026-13-01", "2026-01-01T", "2026-01-01T10", "20260101"])
  func `what is no instant is none`(text: String) { #expect(Timestamp.seconds(text) == nil) }

  @Test(arguments: [
    ("", "", true), ("", "*", true), ("abc", "a?c", true), ("abc", "a*", true),
    ("abc", "*b", false),
    ("aXbXc", "a*b*c", true), ("é", "?", true), ("mississippi", "m*iss*i", true),
    ("abc", "ABC", false),
    ("aaaaaaaaaaaaaaaaaaaaaaaab", "a*a*a*a*a*a*c", false),
  ])
  func `wildcards match the whole text`(text: String, pattern: String, isMatch: Bool) {
    #expect(Wildcard.matches(text, pattern: pattern) == isMatch)
  }

  @Test(arguments: [
    "a", "a.b", "a[0]", "a[*].b", "a.\"x.y/z\".c", "$element", "$root.a[2]",
    "$resource.tags.owner", "[*]", "[0].a",
  ])
  func `a path written out reads back as itself`(text: String) throws {
    #expect(try #require(PropertyPath(text)).description == text)
  }

  @Test(arguments: ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[-1]", "a]b", "$other.a", "\"a"])
  func `what is no path is none`(text: String) { #expect(PropertyPath(text) == nil) }
}
