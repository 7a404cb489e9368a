import Engine
import JSON
import Model
import Operations
import TestSupport
import Testing
import YAML

/// A line that looks harmless and must not pass: what the judge says instead.
private struct Trap: CustomTestStringConvertible, Sendable {
  var name: String
  var required: String
  var members: String
  /// The verdict, or a part of the fault.
  var expected: String

  var testDescription: String { name }
}

private let traps: [Trap] = [
  Trap(
    name: "configuration is null",
    required: "{ property: p, operator: not_exists }",
    members: #""configuration":null"#,
    expected: "unknown"
  ),
  Trap(
    name: "configuration is a text",
    required: "{ property: p, operator: not_exists }",
    members: #""configuration":"x""#,
    expected: "configuration: expected an object"
  ),
  Trap(
    name: "unread behind [*] below an object",
    required: "{ none: 'L[*].M', satisfy: { property: b, operator: is_true } }",
    members: #""configuration":{"L":{"M":{}}},"unread":{"L[*].M.b":"denied"}"#,
    expected: "unknown"
  ),
  Trap(
    name: "an unread path that takes a list for an object",
    required: "{ none: 'L[*].M', satisfy: { property: b, operator: is_true } }",
    members: #""configuration":{"L":[{"M":{}}]},"unread":{"L.M.b":"denied"}"#,
    expected: "unknown"
  ),
  Trap(
    name: "more of a list of one",
    required: "{ none: L, satisfy: { property: b, operator: is_true } }",
    members: #""configuration":{"L":{}},"unread":{"L[*]":"truncated"}"#,
    expected: "unknown"
  ),
  Trap(
    name: "unread by the resource's path",
    required: "{ property: p, operator: not_exists }",
    members: #""configuration":{},"unread":{"$resource.configuration.p":"denied"}"#,
    expected: "unknown"
  ),
  Trap(
    name: "read by the resource's path",
    required: "{ property: $resource.configuration.p, operator: not_exists }",
    members: #""configuration":{},"unread":{"p":"denied"}"#,
    expected: "unknown"
  ),
  Trap(
    name: "a key twice beside an unread path",
    required: "{ property: p, operator: is_false }",
    members: #""configuration":{"p":false,"p":true},"unread":{"q":"denied"}"#,
    expected: "duplicate key \"p\""
  ),
  Trap(
    name: "a key twice behind [*]",
    required: "{ property: 'L[*].C', operator: string_equals, value: ok }",
    members: #""configuration":{"L":[{"C":"ok","C":"bad"}]}"#,
    expected: "duplicate key \"C\""
  ),
  Trap(
    name: "a key twice where no rule looks",
    required: "{ property: p, operator: not_exists }",
    members: #""configuration":{"a":1,"a":2}"#,
    expected: "duplicate key \"a\""
  ),
  Trap(
    name: "a policy as text",
    required: "{ none: Policy.Statement, satisfy: { property: Effect, operator: exists } }",
    members: #""configuration":{"Policy":"{\"Statement\":[{\"Effect\":\"Allow\"}]}"}"#,
    expected: "holds JSON as a text"
  ),
  Trap(
    name: "infinity as a number",
    required: "{ property: n, operator: num_greater_than, value: 8 }",
    members: #""configuration":{"n":"infinity"}"#,
    expected: "fail"
  ),
  Trap(
    name: "a path that is none",
    required: "{ property: p, operator: not_exists }",
    members: #""configuration":{},"unread":{"q[":"denied"}"#,
    expected: "unknown"
  ),
  Trap(
    name: "an endless path",
    required: "{ property: p, operator: not_exists }",
    members: #""configuration":{},"unread":{"q\#(String(repeating: ".a", count: 300_000))":"x"}"#,
    expected: "unknown"
  ),
  Trap(
    name: "paths that multiply",
    required: "{ property: p, operator: not_exists }",
    members: #""configuration":{},"unread":{"#
      + (1...40).map { "\"p\(String(repeating: "[*]", count: $0))[0]\":\"x\"" }.joined(
        separator: ","
      )
      + "}",
    expected: "unknown"
  ),
  Trap(
    name: "an envelope read inside its own list",
    required: "{ all: $resource.name, satisfy: { none: $root.size } }",
    members: #""name":"n","configuration":{"size":1}"#,
    expected: "fail"
  ),
]

struct NeverPassTests {
  private func judge(_ required: String, _ lines: [String]) throws -> ChunkOutcome {
    let text = "target: { service_name: s, resource_kind: k }\nrequired_config: \(required)\n"
    let rule = try RuleDecoder.rule(YAMLReader().document(text, file: "rule"), name: "rule")
    let judge = Judge(
      try RuleSet(try RuleIndex([rule])),
      JudgeOptions(now: "2026-01-01T00:00:00Z")
    )
    return judge.judge(Array(lines.joined(separator: "\n").utf8))
  }

  @Test(arguments: traps)
  private func `what was not read does not pass`(trap: Trap) throws {
    let line = #"{"service_name":"s","resource_kind":"k","id":"1",\#(trap.members)}"#
    let outcome = try judge(trap.required, [line])
    let verdict = try Fixtures.lines(outcome.lines).first?["verdict"]?.string
    let found = outcome.summary.faults.first?.message ?? verdict ?? "none"
    #expect(found.contains(trap.expected), "\(found)")
    #expect(verdict != "pass")
  }

  @Test func `a resource with more than 64 keys that rules read is judged`() throws {
    let conditions = (1...70).map { "{ property: k\($0), operator: exists }" }
    let members = (1...70).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
    let line = #"{"service_name":"s","resource_kind":"k","id":"1","configuration":{\#(members)}}"#
    let outcome = try judge("{ and: [\(conditions.joined(separator: ", "))] }", [line])
    #expect(try Fixtures.lines(outcome.lines).first?["verdict"]?.string == "pass")
  }

  @Test func `after a broken line no count is final`() throws {
    let text = """
      target: { service_name: iam, resource_kind: account }
      required_config:
        none: { service_name: iam, resource_kind: user }
        satisfy: { property: root, operator: is_true }
      """
    let rule = try RuleDecoder.rule(YAMLReader().document(text, file: "rule"), name: "rule")
    let judge = Judge(
      try RuleSet(try RuleIndex([rule])),
      JudgeOptions(now: "2026-01-01T00:00:00Z")
    )
    let lines = [
      #"{"service_name":"iam","resource_kind":"account","id":"a","configuration":{}}"#,
      #"{"service_name":"iam","resource_kind":"user","id":"u","configuration":{"root":true,}}"#,
      #"{"coverage":{"service_name":"iam","resource_kind":"user","complete":true}}"#,
    ]
    let first = judge.judge(Array(lines.joined(separator: "\n").utf8))
    let second = judge.judge(first.deferred, population: first.population)
    let result = try Fixtures.lines(second.lines).first
    #expect(result?["verdict"]?.string == "unknown")
    #expect(result?["reason"]?.string?.contains("could not be judged") == true)
  }

  @Test func `an empty list is no value, and a huge index no path`() {
    for required in [
      "{ property: p, operator: string_not_equals, value: [] }",
      "{ property: 'p[3000000000].q', operator: exists }",
    ] {
      #expect(throws: DocumentError.self) { try judge(required, []) }
    }
  }
}
