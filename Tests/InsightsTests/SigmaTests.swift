import Foundation
import Insights
import Model
import Testing

private struct Example: CustomTestStringConvertible, Sendable {
  var selection: String
  var members: String
  var isMatch: Bool

  init(_ selection: String, _ members: String, _ isMatch: Bool) {
    self.selection = selection
    self.members = members
    self.isMatch = isMatch
  }

  var testDescription: String { "\(selection) over \(members): \(isMatch)" }
}

private let examples: [Example] = [
  // Texts: regardless of case, whole, with wildcards and escapes.
  Example("a: Word", #""a":"wORD""#, true),
  Example("a: Word", #""a":"Words""#, false),
  Example("a: 'W*d'", #""a":"world""#, true),
  Example("a: 'w?rd'", #""a":"wörd""#, true),
  Example("a: 'w?rd'", #""a":"wrd""#, false),
  Example(#"a: '5\*'"#, #""a":"5*""#, true),
  Example(#"a: '5\*'"#, #""a":"55""#, false),
  Example(#"a: 'C:\\*'"#, #""a":"C:\\x""#, true),
  Example(#"a: 'x\y'"#, #""a":"x\\y""#, true),
  Example("a: ''", #""a":"""#, true),
  Example("a: ''", #""b":"""#, false),
  Example("a|contains: or", #""a":"wORld""#, true),
  Example("a|startswith: wo", #""a":"World""#, true),
  Example("a|startswith: or", #""a":"World""#, false),
  Example("a|endswith: LD", #""a":"World""#, true),
  Example("a|contains|all: [wo, ld]", #""a":"World""#, true),
  Example("a|contains|all: [wo, xx]", #""a":"World""#, false),
  Example("a|contains: [xx, ld]", #""a":"World""#, true),
  Example("a|cased: Word", #""a":"word""#, false),
  Example("a|cased|contains: Wo", #""a":"Word""#, true),
  // Numbers, booleans, null.
  Example("a: 5", #""a":5"#, true),
  Example("a: 5", #""a":5.0"#, true),
  Example("a: 5", #""a":"5""#, true),
  Example("a: 5", #""a":"05""#, false),
  Example("a: true", #""a":true"#, true),
  Example("a: true", #""a":"True""#, true),
  Example("a: 'true'", #""a":true"#, true),
  Example("a: null", #""b":1"#, true),
  Example("a: null", #""a":null"#, true),
  Example("a: null", #""a":"""#, false),
  Example("a|exists: true", #""a":"""#, true),
  Example("a|exists: true", #""a":null"#, false),
  Example("a|exists: false", #""b":1"#, true),
  Example("a|neq: x", #""a":"y""#, true),
  Example("a|neq: [x, y]", #""a":"y""#, false),
  // Order.
  Example("a|gt: 4", #""a":5"#, true),
  Example("a|gt: 5", #""a":5"#, false),
  Example("a|gte: 5", #""a":"5""#, true),
  Example("a|lt: 5", #""a":4.5"#, true),
  Example("a|lte: 5", #""a":"word""#, false),
  // Regular expressions.
  Example("a|re: '^wo.+d$'", #""a":"world""#, true),
  Example("a|re: '^wo.+d$'", #""a":"World""#, false),
  Example("a|re|i: '^wo.+d$'", #""a":"World""#, true),
  Example("a|re|m: '^b$'", #""a":"a\nb\nc""#, true),
  Example("a|re: 'a.b'", #""a":"a\nb""#, false),
  Example("a|re|s: 'a.b'", #""a":"a\nb""#, true),
  // Networks.
  Example("a|cidr: 10.0.0.0/8", #""a":"10.2.3.4""#, true),
  Example("a|cidr: 10.0.0.0/8", #""a":"11.2.3.4""#, false),
  Example("a|cidr: '2001:db8::/32'", #""a":"2001:db8:1::7""#, true),
  Example("a|cidr: 10.0.0.0/8", #""a":"cloudtrail.amazonaws.com""#, false),
  // Codings.
  Example("a|base64: foo", #""a":"Zm9v""#, true),
  Example("a|base64offset|contains: 'http://'", #""a":"eGh0dHA6Ly94""#, true),
  Example("a|base64offset|contains: 'http://'", #""a":"aHR0cDovL3g=""#, true),
  Example("a|base64offset|contains: 'http://'", #""a":"eHhodHRwOi8veA==""#, true),
  Example("a|wide|base64offset|contains: foo", #""a":"ZgBvAG8A""#, true),
  Example("a|utf16be|base64: foo", #""a":"AGYAbwBv""#, true),
  Example("a|utf16|base64: f", #""a":"//5mAA==""#, true),
  Example("a|windash|contains: ' -x'", #""a":"run /x now""#, true),
  Example("a|windash|contains: ' -x'", #""a":"run –x now""#, true),
  Example("a|windash|contains: ' -x'", #""a":"run x now""#, false),
  // Other fields.
  Example("a|fieldref: b", #""a":"X","b":"x""#, true),
  Example("a|fieldref: b", #""a":"X""#, false),
  Example("a|fieldref|contains: b", #""a":"axb","b":"X""#, true),
  Example("a|fieldref|startswith: b", #""a":"axb","b":"X""#, false),
  // Times.
  Example("eventTime|hour: 10", #""a":1"#, true),
  Example("eventTime|hour|gte: 11", #""a":1"#, false),
  Example("t|minute: 30", #""t":"2026-03-02T10:30:59.5Z""#, true),
  Example("t|day: 2", #""t":"2026-03-02""#, true),
  Example("t|month: 3", #""t":1772445600"#, true),
  Example("t|year|lt: 2026", #""t":1772445600000"#, false),
  Example("t|week: 53", #""t":"2027-01-01T00:00:00Z""#, true),
  // Paths, lists, whole objects.
  Example("a.b.c: x", #""a":{"b":{"c":"x"}}"#, true),
  Example("a.b.c: x", #""a.b.c":"x""#, true),
  Example("a.b.c: x", #""a":{"b.c":"x"}"#, true),
  Example("a.b: x", #""a":[{"b":"y"},{"b":"x"}]"#, true),
  Example("a: x", #""a":["y","x"]"#, true),
  Example("a|contains: '\"b\":\"x\"'", #""a":{"b":"x"}"#, true),
  Example("a|contains: 'y\",\"x'", #""a":["y","x"]"#, true),
  Example("a: x", #""a":{"x":1}"#, false),
]

struct SigmaTests {
  @Test(arguments: examples)
  private func `a selection matches as the specification says`(_ example: Example) async throws {
    #expect(try await matches(example.selection, example.members) == example.isMatch)
  }

  @Test(arguments: [
    ("a and b", false), ("a or b", true), ("not a", false), ("not b", true),
    ("a and not b", true), ("not (a and b)", true), ("b or a and c", true),
    ("(b or a) and not c", false), ("1 of them", true), ("all of them", false),
    ("all of a*", true), ("1 of b*", false), ("not 1 of b*", true), ("A AND NOT b", false),
    ("[b, a]", true),
  ])
  func `a condition is worked out as the grammar says`(
    _ condition: String,
    _ isMatch: Bool
  ) async throws {
    let rule = rule("a:\n  x: 1\nb:\n  x: 2\nc:\n  y: 1\n_d:\n  x: 9", condition: condition)
    if condition.hasPrefix("A ") {
      #expect(throws: DocumentError.self) { try documents(rule) }
      return
    }
    let found = try await detect(rule, in: Data(event(#""x":1,"y":1"#).utf8))
    #expect(found.ids == (isMatch ? ["r"] : []))
  }

  @Test func `keywords are looked for in the whole event, keys too`() async throws {
    let log = Data(
      [event(#""a":{"b":"Some Words"}"#), event(#""needle.key":1"#), event()].joined(
        separator: "\n"
      ).utf8
    )
    var found = try await detect(
      rule("keywords:\n  - words\n  - needle", condition: "keywords"),
      in: log
    )
    #expect(found.positions == [1, 2])
    found = try await detect(
      rule("keywords:\n  '|all': [some, words]", condition: "keywords"),
      in: log
    )
    #expect(found.positions == [1])
  }

  @Test func `a filter takes events from the rules it names`() async throws {
    let filter = """
      title: f
      logsource: {product: aws, service: cloudtrail}
      filter:
        rules: [r]
        selection: {who: admin}
        condition: not selection
      """
    let both = rule("selection:\n  a: 1") + "\n---\n" + rule("selection:\n  a: 1", id: "other")
    let log = Data([event(#""a":1,"who":"admin""#), event(#""a":1"#)].joined(separator: "\n").utf8)
    let found = try await detect(both + "\n---\n" + filter, in: log)
    #expect(
      found.findings.map { "\($0.note.id)\($0.evidence.events[0].position)" }.sorted() == [
        "other1", "other2", "r2",
      ]
    )
  }

  @Test func `a placeholder stands for its values, and must have some`() throws {
    let text = rule("selection:\n  a|expand: 'x%who%'")
    #expect(throws: DocumentError.self) { try documents(text) }
    #expect(try documents(text, placeholders: ["who": ["1", "2"]]).count == 1)
  }

  @Test(arguments: [
    (
      "selection:\n  a|nonsense: 1", "selection",
      "rule.yml:6: detection.selection.a|nonsense: there is no modifier \"nonsense\""
    ),
    ("selection:\n  a|re: '(a'", "selection", "is no regular expression"),
    ("selection:\n  a|re: '(?=a)b'", "selection", "is no regular expression"),
    ("selection:\n  a|cidr: ten", "selection", "cidr needs a network"),
    ("selection:\n  a|base64: 'x*'", "selection", "without wildcards"),
    ("selection:\n  a: {b: 1}", "selection", "expected a text, a number"),
    ("selection:\n  a: []", "selection", "has no value"),
    ("selection:\n  a: 1", "other", "there is no selection \"other\""),
    ("selection:\n  a: 1", "selection and", "ends where a selection is expected"),
    ("selection:\n  a: 1", "(selection", "lacks a closing bracket"),
    ("selection:\n  a: 1", "selection | count() > 5", "as a correlation document"),
    (
      "selection:\n  a: 1", String(repeating: "not ", count: 200) + "selection",
      "nests deeper than 100"
    ),
  ])
  func `a fault names file, line and key`(
    _ detection: String,
    _ condition: String,
    _ message: String
  ) throws {
    let error = #expect(throws: DocumentError.self) {
      try documents(rule(detection, condition: "\"\(condition)\""))
    }
    #expect("\(try #require(error))".contains(message))
    #expect(error?.location.file == "rule.yml")
    #expect((error?.location.line ?? 0) > 1)
  }
}
