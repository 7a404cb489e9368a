import JSON
import Reports
import Testing

@testable import Web

/// Which lines of a configuration are marked for a proof.
struct ProofTreeTests {
  private static let configuration: JSONValue = [
    "name": "a", "rules": [["port": 22, "from": "all"], ["port": 443, "from": "all"]],
    "block": ["public": false],
  ]

  /// The text of each marked line.
  private func marked(_ condition: JSONValue) throws -> [String] {
    let tree = ProofTree(["condition": condition])
    let html = ConfigurationView(Self.configuration, marks: tree.marks).html.text
    return html.matches(of: /<li class="(hit[a-z ]*)"[^>]*><mark> *([^<]*)<\/mark>/).map {
      "\($0.1) \(String($0.2).replacing("&quot;", with: "'"))"
    }
  }

  private static func leaf(_ property: String, _ result: String) -> JSONValue {
    ["property": .string(property), "operator": "is_true", "result": .string(result)]
  }

  @Test func `what keeps a condition from holding is marked, and nothing else`() throws {
    let condition: JSONValue = [
      "and": [
        Self.leaf("block.public", "false"), Self.leaf("name", "true"),
        ["not": Self.leaf("rules[1].port", "true"), "result": "false"],
      ],
      "result": "false",
    ]
    #expect(try marked(condition) == ["hit 'port': 443,", "hit 'public': false"])
  }

  @Test func `a condition that holds marks nothing`() throws {
    #expect(try marked(["or": [Self.leaf("name", "false")], "result": "true"]) == [])
  }

  @Test func `of a list the elements are marked that decide`() throws {
    let condition: JSONValue = [
      "none": "rules",
      "elements": [["index": 0, "condition": Self.leaf("port", "true")]], "result": "false",
    ]
    #expect(try marked(condition) == ["hit 'port': 22,"])
  }

  @Test func `every element stands for a path that ranges over them`() throws {
    #expect(
      try marked(Self.leaf("rules[*].from", "false")) == ["hit 'from': 'all'", "hit 'from': 'all'"]
    )
  }

  @Test func `what is missing is marked where it would be, what was not read apart`() throws {
    #expect(try marked(Self.leaf("block.private", "false")) == ["hit 'block': {"])
    #expect(try marked(Self.leaf("block.public", "unknown")) == ["hit unread 'public': false"])
  }

  @Test func `a long configuration is cut to what is around the marks`() throws {
    let members = (0..<2000).map { (key: "k\($0)", value: JSONValue.integer(Int64($0))) }
    let tree = ProofTree(["condition": Self.leaf("k1500", "false")])
    let html = ConfigurationView(.object(JSONObject(members)), marks: tree.marks).html.text
    #expect(html.contains("<mark>  &quot;k1500&quot;: 1500,</mark>"))
    #expect(html.contains("<li class=\"cut\">1,483 lines</li>"))
    #expect(html.contains("<li value=\"1496\">  &quot;k1494&quot;: 1494,</li>"))
    #expect(html.utf8.count < 3000)
  }
}
