import JSON
import Model
import Testing
import YAML

struct YAMLTests {
  @Test(arguments: [
    ("yes", YAMLReader.Dialect.core, JSONValue.string("yes")),
    ("yes", .kubernetes, .bool(true)), ("off", .kubernetes, .bool(false)),
    ("0644", .core, .integer(644)), ("0644", .kubernetes, .integer(420)),
    ("0x1F", .core, .integer(31)),
    ("1.50", .core, .number(1.5)), ("1e3", .core, .number(1000)), ("~", .core, .null),
    ("\"true\"", .core, .string("true")), ("2026-11-01", .core, .string("2026-11-01")),
    ("1:30", .kubernetes, .string("1:30")), ("nan", .core, .string("nan")),
    ("10.0.0.0/8", .core, .string("10.0.0.0/8")),
  ])
  func `plain scalars follow the dialect`(
    text: String,
    dialect: YAMLReader.Dialect,
    expected: JSONValue
  ) throws {
    let node = try YAMLReader(dialect).document("key: \(text)", file: "x")
    #expect(node.json["key"] == expected)
  }

  @Test func `a broken document does not keep the others from being read`() throws {
    let text = "a: 1\n---\nb: [1\nc: }\n---\n# only a comment\n---\nd: 4\n"
    let documents = YAMLReader().documents(text, file: "f.yaml")
    #expect(documents.count == 3)
    #expect(try documents[0].get()?.json == ["a": 1])
    let error = #expect(throws: DocumentError.self) { try documents[1].get() }
    #expect(error?.location.file == "f.yaml")
    #expect((3...5).contains(error?.location.line ?? 0))
    #expect(try documents[2].get()?.json == ["d": 4])
    #expect(try documents[2].get()?.location.line == 8)
  }

  @Test func `merge keys and aliases are followed`() throws {
    let text = "base: &b { x: 1, y: 2 }\nuse:\n  <<: *b\n  y: 3\n"
    let node = try YAMLReader().document(text, file: "x")
    #expect(node.json["use"] == ["y": 3, "x": 1])
  }

  @Test func `aliases that multiply are refused`() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let refs = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(refs)]\n"
    }
    #expect(throws: DocumentError.self) { try YAMLReader().document(text, file: "x") }
  }

  @Test(arguments: [
    String(repeating: "[", count: 10_000),
    String(repeating: "- ", count: 10_000) + "x",
    (0..<3000).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
  ])
  func `deep nesting is refused without a crash`(text: String) {
    let error = #expect(throws: DocumentError.self) { try YAMLReader().document(text, file: "x") }
    #expect(error?.message.contains("deeper") == true)
  }

  @Test func `a duplicate key is refused with its line`() {
    let error = #expect(throws: DocumentError.self) {
      try YAMLReader().document("a: 1\nb: 2\na: 3\n", file: "x.yaml")
    }
    #expect(error?.message.contains("duplicate key \"a\"") == true)
  }

  @Test func `JSON indented by tabs is read`() throws {
    #expect(try YAMLReader().document("{\n\t\"a\":\t1\n}", file: "x").json == ["a": 1])
  }
}
