/// A statement with some of its parameters, counted from 0, written as NULL.
///
/// The server finds no type for a null parameter in some places where the word NULL has a meaning,
/// as in `$1 IS NULL OR key = $1`.
func statement(_ sql: String, withNullAt parameters: Set<Int>) -> String {
  let text = Array(sql.utf8)
  var written: [UInt8] = []
  var place = 0
  while place < text.count {
    if let end = endOfQuotation(text, at: place) {
      written += text[place..<end]
      place = end
      continue
    }
    let digits = text[(place + 1)...].prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    if text[place] == UInt8(ascii: "$"), !isInsideName(text, at: place),
      let number = Int(String(decoding: digits, as: UTF8.self)), parameters.contains(number - 1)
    {
      written += "(NULL)".utf8
      place += 1 + digits.count
    } else {
      written.append(text[place])
      place += 1
    }
  }
  return String(decoding: written, as: UTF8.self)
}

/// Where the text, name or comment ends that begins at a place; nil where none begins.
private func endOfQuotation(_ text: [UInt8], at place: Int) -> Int? {
  let rest = text[place...]
  let opening = rest.first
  let (marks, skipped): (String, Int)
  if opening == UInt8(ascii: "'") || opening == UInt8(ascii: "\"") {
    (marks, skipped) = (opening == UInt8(ascii: "'") ? "'" : "\"", 1)
  } else if rest.starts(with: "--".utf8) {
    (marks, skipped) = ("\n", 2)
  } else if rest.starts(with: "/*".utf8) {
    (marks, skipped) = ("*/", 2)
  } else {
    return nil
  }
  return rest.dropFirst(skipped).firstRange(of: Array(marks.utf8))?.upperBound ?? text.endIndex
}

/// Whether the byte before belongs to a name or number, so that a dollar sign is a part of it.
private func isInsideName(_ text: [UInt8], at place: Int) -> Bool {
  guard place > 0 else { return false }
  switch text[place - 1] {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
    return true
  default: return false
  }
}
