import JSON
import Testing

struct JSONTests {
  @Test(arguments: [
    #"{"a":[1,-2,3.5,"x\n\u0001\"",true,false,null,{}],"b":{"c":18446744073709551615}}"#,
    #"[]"#, #""é🙂""#, "-9223372036854775808", "1e-7",
  ])
  func `a value written out reads back as itself`(text: String) throws {
    let value = try JSONValue(parsing: text)
    #expect(try JSONValue(parsing: value.text) == value)
  }

  @Test func `members keep their order and objects compare without it`() throws {
    let value = try JSONValue(parsing: #"{"b":1,"a":2}"#)
    #expect(value.text == #"{"b":1,"a":2}"#)
    #expect(value == ["a": 2, "b": 1])
  }

  @Test func `the canonical form sorts keys and drops white space`() throws {
    var one = JSONWriter()
    one.canonical(try JSONValue(parsing: #"{ "b" : [1.0, {"y":1,"x":2}], "a": null }"#))
    #expect(one.text == #"{"a":null,"b":[1,{"x":2,"y":1}]}"#)
  }

  @Test(arguments: [
    #"{"a":1,"a":2}"#,
    "{" + (0..<20).map { #""k\#($0)":1"# }.joined(separator: ",") + #","k7":2}"#,
  ])
  func `a key named twice is refused`(text: String) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error.map { "\($0)".contains("duplicate key") } == true)
  }

  @Test func `nesting 10,000 deep is refused, 400 deep is not`() throws {
    let deep = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
    #expect(throws: JSONError.tooDeep(limit: JSONParser.depthLimit)) {
      try JSONValue(parsing: deep)
    }
    let fine = String(repeating: "[", count: 400) + String(repeating: "]", count: 400)
    #expect(try JSONValue(parsing: fine).array?.count == 1)
  }

  @Test(arguments: [
    Array(#"{"a":"#.utf8), [0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D], Array("nul".utf8),
    Array(#"{"a":1} x"#.utf8), [0x00, 0x01, 0x02], Array("1 2".utf8), Array("01".utf8),
  ])
  func `what is not JSON is refused`(bytes: [UInt8]) {
    #expect(throws: JSONError.self) { try JSONParser().parse(bytes) }
  }

  @Test(arguments: ["01", "[1.]", "1e400", "18446744073709551616", #"{"a":-}"#])
  func `a number that cannot be taken is told as such`(text: String) {
    #expect(throws: JSONError.number) { try JSONValue(parsing: text) }
  }

  @Test func `an empty text is refused`() {
    #expect(throws: JSONError.empty) { try JSONParser().parse([UInt8]()) }
  }
}
