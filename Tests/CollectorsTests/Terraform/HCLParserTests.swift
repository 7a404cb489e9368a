import JSON
import Testing

@testable import Collectors

private func read(_ text: String) -> HCLFile { HCLParser.file(Array(text.utf8), name: "a.tf") }

/// The value of the attribute `x` of a text, without any names.
private func value(_ text: String) throws -> JSONValue? {
  let file = read("x = \(text)\n")
  try #require(file.faults.isEmpty, "\(file.faults)")
  let expression = try #require(file.body["x"]?.expression)
  return try HCLEvaluator(scope: EmptyScope(), work: HCLWork()).value(expression).json
}

final class EmptyScope: HCLScope {
  func value(of root: String, _ names: [String]) throws -> (value: HCLValue, taken: Int) {
    throw HCLError("\(root) stands for nothing")
  }

  func file(_ path: String) throws -> [UInt8] { throw HCLError("no files") }
}

struct HCLParserTests {
  @Test func `blocks, labels, attributes and comments are read with their places`() throws {
    let file = read(
      """
      # one
      // two
      resource "aws_vpc" main {
        /* three
        still three */ cidr = "10.0.0.0/8" # tail
        tags = { a = 1, "b" : 2
          (upper("c")) = 3 }
        nested "l" { x = true }
        empty {}
      }
      ü-name = 1
      """
    )
    #expect(file.faults == [])
    let block = try #require(file.body.blocks.first)
    #expect(block.type == "resource")
    #expect(block.labels == ["aws_vpc", "main"])
    #expect(block.position == HCLPosition(line: 3, column: 1))
    #expect(block.body["cidr"]?.position == HCLPosition(line: 5, column: 18))
    #expect(block.body["tags"]?.expression.position == HCLPosition(line: 6, column: 10))
    #expect(block.body.blocks.map(\.type) == ["nested", "empty"])
    #expect(block.body.blocks[0].labels == ["l"])
    #expect(block.body.blocks[0].body["x"]?.position == HCLPosition(line: 8, column: 16))
    // A column counts characters, not bytes.
    #expect(file.body["ü-name"]?.expression.position == HCLPosition(line: 11, column: 10))
  }

  @Test(arguments: [
    ("1 + 2 * 3", "7"), ("(1 + 2) * 3", "9"), ("-2 - -3", "1"), ("7 % 4", "3"), ("7 / 2", "3.5"),
    ("1e3", "1000"), ("0.5", "0.5"), ("1 < 2 && 2 <= 2 && !(3 > 4)", "true"),
    ("true || false && false", "true"), ("1 == 1.0", "true"), (#""1" == 1"#, "false"),
    ("[1, 2] == [1, 2]", "true"), ("true ? 1 : false ? 2 : 3", "1"),
    ("[1, 2, 3,][1]", "2"), ("{ a = { b = [5] } }.a.b[0]", "5"), (#"{ a = 1 }["a"]"#, "1"),
    ("[{ a = 1 }, { a = 2 }][*].a", "[1,2]"), ("[{ a = [1] }, { a = [2] }].*.a[0]", "[1]"),
    ("[[1, 2], [3]][*][0]", "[1,3]"), ("null[*]", "[]"), ("5[*]", "[5]"),
    ("[for x in [1, 2, 3] : x * 2 if x != 2]", "[2,6]"),
    ("[for i, x in [\"a\"] : \"${i}${x}\"]", #"["0a"]"#),
    ("{ for k, v in { a = 1, b = 2 } : upper(k) => v }", #"{"A":1,"B":2}"#),
    (
      #"{ for x in ["a1", "a2", "b1"] : substr(x, 0, 1) => x... }"#,
      #"{"a":["a1","a2"],"b":["b1"]}"#
    ),
    (#""a${1 + 1}b""#, #""a2b""#), (#""${[1, 2]}""#, "[1,2]"), (#""$${x} %%{y}""#, #""${x} %{y}""#),
    (#""\n\t\"\\é\U0001F600""#, #""\n\t\"\\é😀""#),
    (#""%{ if true }y%{ else }n%{ endif }""#, #""y""#),
    (#""%{ for x in [1, 2] }<${x}>%{ endfor }""#, #""<1><2>""#),
    (#""a  ${~ "b" ~}  c""#, #""abc""#),
    ("<<EOT\nline 1\n  line ${1 + 1}\nEOT", #""line 1\n  line 2\n""#),
    ("<<-EOT\n    a\n      b\n\n    c\n  EOT", #""a\n  b\n\nc\n""#),
    ("{ for = 1, if = 2 }", #"{"for":1,"if":2}"#), ("max([1, 5, 2]...)", "5"),
    ("[\n  1,\n  # note\n  2\n]", "[1,2]"), ("(\n1\n+\n2\n)", "3"),
    ("try([][0], \"none\")", #""none""#), ("can({}.a)", "false"),
  ])
  func `expressions have the values that Terraform gives them`(text: String, json: String) throws {
    #expect(try value(text) == JSONValue(parsing: json))
  }

  @Test(arguments: [
    ("a = ", 1, 5, "an expression, found the end of the file"),
    ("a = [1, 2\nb = 3\n", 2, 1, #"expected "]""#),
    ("a {\n  b = 1\n", 3, 1, "the name of an attribute or block, found the end of the file"),
    ("a = \"x\nb = 1\n", 1, 7, "not closed on its line"),
    ("a = <<EOT\nx\n", 3, 1, "not closed by EOT"), ("/* x", 1, 1, "the comment is not closed"),
    ("a = 1 b = 2", 1, 7, "expected the end of the line"), ("a = \"\\q\"", 1, 6, "no escape"),
    ("a = 1\na = 2\n", 2, 1, "set twice"), ("a = @", 1, 5, "does not belong here"),
    ("a = \"${1\"", 1, 9, "found"), ("a = \"%{ if true }x\"", 1, 6, "no endif"),
    ("a = x ? 1", 1, 10, "between the two values"), ("x", 1, 2, "\"=\" or \"{\""),
  ])
  func `a fault is told with its place`(text: String, line: Int, column: Int, part: String) throws {
    let fault = try #require(read(text).faults.first)
    if part.hasPrefix("found") {
      #expect(fault.position.line == line)
    } else {
      #expect(fault.position == HCLPosition(line: line, column: column), "\(fault.message)")
      #expect(fault.message.contains(part), "\(fault.message)")
    }
  }

  @Test func `several faults of a file are told`() {
    let file = read("a = ]\nb = 1\nc {\n  d = )\n}\ne = }\n")
    #expect(file.faults.map(\.position.line) == [1, 4, 6])
    #expect(file.body["b"] != nil)
  }

  @Test func `text that is not UTF-8 is told with its place`() {
    let file = HCLParser.file(Array("a = 1\nb = \"ü".utf8) + [0xFF, 0x22], name: "a.tf")
    #expect(
      file.faults == [
        HCLFault(message: "is not UTF-8 text", position: HCLPosition(line: 2, column: 7))
      ]
    )
  }
}

struct HostileSourceTests {
  @Test(arguments: ["(", "[", "{ a = ", "!", "-", "\"${", "a ? 1 : ", "x {\n", "f(", "[for x in "])
  func `what nests without end is refused`(piece: String) {
    let head = piece == "x {\n" ? "" : "a = "
    let text = head + String(repeating: piece, count: 50_000)
    let file = read(text)
    #expect(file.faults.first?.message.contains("deeper") == true, "\(file.faults.prefix(1))")
  }

  @Test func `what nests as deep as is allowed is worked out`() throws {
    let count = HCLParser.depthLimit / 2 - 2
    let text = String(repeating: "[", count: count) + String(repeating: "]", count: count)
    #expect(try value(text) != nil)
    let conditions = String(repeating: "false ? 1 : ", count: 90) + "2"
    #expect(try value(conditions) == 2)
    #expect(try value(Array(repeating: "1", count: 20_000).joined(separator: " + ")) == 20_000)
  }

  @Test func `time grows with the text and not faster`() throws {
    func seconds(_ count: Int) -> Double {
      let lines = (0..<count).map { "a\($0) = [\"x${1}\", { b = <<E\n  text\nE\n }]" }
      let text =
        lines.joined(separator: "\n") + "\nh = <<E\n" + String(repeating: "t\n", count: count)
        + "E\no = \"" + String(repeating: "ü$", count: count) + "\"\n"
      let start = ContinuousClock.now
      #expect(read(text).faults == [])
      return (ContinuousClock.now - start) / .seconds(1)
    }
    _ = seconds(100)
    // Eight times the text; squared it would be sixty-four. The machine may do other things the while.
    let factors = (0..<5).lazy.map { _ in seconds(16_000) / seconds(2_000) }
    #expect(factors.contains { $0 < 24 })
  }

  @Test func `work has a limit`() throws {
    var locals = "l0 = \"0123456789\"\n"
    for index in 1...60 {
      locals += "l\(index) = \"${local.l\(index - 1)}${local.l\(index - 1)}\"\n"
    }
    let sources = try Sources([
      "main.tf": "locals {\n\(locals)}\noutput \"x\" { value = local.l60 }"
    ])
    defer { sources.remove() }
    #expect(try sources.output("x").obstacle?.contains("too much work") == true)
  }

  @Test func `long chains and many instances end`() throws {
    var locals = "l0 = 1\n"
    for index in 1...3_000 { locals += "l\(index) = local.l\(index - 1)\n" }
    let chain = try Sources([
      "main.tf": "locals {\n\(locals)}\noutput \"x\" { value = local.l3000 }"
    ])
    defer { chain.remove() }
    #expect(try chain.output("x").obstacle?.contains("deep") == true)
    // A module that calls itself, ten thousand times at each level.
    let call = "module \"again\" {\n  source = \"./.\"\n  count = 10000\n}\n"
    let many = try Sources(["main.tf": call])
    defer { many.remove() }
    #expect(try many.collect().outside.isEmpty == false)
  }

  @Test func `no text breaks the reader`() throws {
    // Pieces of the language in any order, from a generator that always starts alike.
    var generator = SplitMix(seed: 7)
    let pieces = [
      "resource", " ", "\n", "\"", "${", "}", "%{", "if", "for", "in", "x", ".", "*", "[", "]", "{",
      "(",
      ")", "=", "==", "?", ":", ",", "...", "<<EOT\n", "<<-A\n", "EOT\n", "A", "1", "-", "!", "&&",
      "~",
      "#", "/*", "*/", "\\n", "\\u12", "$$", "é", "\u{0}", "=>", "endif", "endfor", "else", "\t",
      "\r\n",
    ]
    for _ in 0..<4_000 {
      let count = Int.random(in: 1...60, using: &generator)
      let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
      let file = read(text)
      for attribute in file.body.attributes {
        _ = HCLEvaluator(scope: EmptyScope(), work: HCLWork()).known(attribute.expression)
      }
      for fault in file.faults {
        #expect(fault.position.line >= 1 && fault.position.column >= 1)
        #expect(!fault.message.isEmpty)
      }
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      _ = HCLParser.file(bytes, name: "bytes")
      _ = HCLJSON.file(Array(text.utf8), name: "a.tf.json")
    }
  }
}

/// A generator of the same numbers each time.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
