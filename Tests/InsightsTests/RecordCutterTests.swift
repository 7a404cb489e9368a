import Testing

@testable import Insights

/// The records and positions that come of a text in pieces.
private func cut(_ text: [UInt8], pieces: [Int]) -> [String] {
  var cutter = RecordCutter()
  var found: [String] = []
  var start = 0
  for (number, end) in (pieces + [text.count]).enumerated() {
    cutter.take(text[start..<end], isLast: number == pieces.count) { buffer, records in
      for record in records {
        let bytes = buffer[record.start..<(record.start + record.count)]
        found.append("\(record.position) \(String(decoding: bytes, as: UTF8.self))")
      }
    }
    start = end
  }
  return found
}

struct RecordCutterTests {
  @Test(arguments: [
    ("{\"a\":1}\n{\"b\":[{}]}\n", ["1 {\"a\":1}", "2 {\"b\":[{}]}"]),
    ("{\"a\":\"\\\"}{\"}\n\n{\"b\":2}", ["1 {\"a\":\"\\\"}{\"}", "3 {\"b\":2}"]),
    ("[{\"a\":1},{\"b\":\"],[\"}]", ["1 {\"a\":1}", "2 {\"b\":\"],[\"}"]),
    (
      "{\"Records\":[{\"a\":1}\n,{\"b\":2}],\"z\":{\"y\":[\"]}\"]}}",
      ["1 {\"a\":1}", "2 {\"b\":2}"]
    ),
    ("{\n \"a\": 1\n}\n{\n \"b\": 2\n}\n", ["1 {\n \"a\": 1\n}", "3 {\n \"b\": 2\n}"]),
    ("{\"a\":1}\n{\"broken\n{\"b\":2}\n", ["1 {\"a\":1}", "2 {\"broken", "3 {\"b\":2}"]),
    // A record over several lines that breaks off takes none behind it with it.
    ("{\n\"a\": {\n{\"b\":2}\n{\"c\":3}", ["1 {\n\"a\": {", "2 {\"b\":2}", "3 {\"c\":3}"]),
    ("[1,\"x,y\",{\"a\":1}]", ["1 1", "2 \"x,y\"", "3 {\"a\":1}"]),
    ("text\n{\"a\":1}", ["1 text", "2 {\"a\":1}"]),
    ("{\"a\":1}}\n{\"b\":2}", ["1 {\"a\":1}", "2 }", "3 {\"b\":2}"]),
    ("[{\"a\":1}},{\"b\":2}]", ["1 {\"a\":1}", "2 }", "3 {\"b\":2}"]),
    ("]{\"b\":2}", ["1 ]", "2 {\"b\":2}"]),
  ])
  func `where a piece ends makes no difference`(_ text: String, _ expected: [String]) {
    let bytes = Array(text.utf8)
    let whole = cut(bytes, pieces: [])
    #expect(whole.map { $0.drop { $0 != " " } } == expected.map { $0.drop { $0 != " " } })
    for end in 0...bytes.count { #expect(cut(bytes, pieces: [end]) == whole, "cut at \(end)") }
    #expect(cut(bytes, pieces: Array(1..<bytes.count)) == whole)
  }
}
