extension HCLLexer {
  /// Begins `${` or `%{`.
  mutating func openTemplate() -> Bool {
    let start = index
    let kind: HCLToken.Kind = byte() == 0x24 ? .interpolation : .control
    index += 2
    let trims = byte() == 0x7E
    if trims { index += 1 }
    add(kind, from: start, trims: trims)
    return push(.plain(braces: 0))
  }

  /// Whether `${` or `%{` stands here.
  private var isTemplate: Bool { (byte() == 0x24 || byte() == 0x25) && byte(1) == 0x7B }

  /// Whether `$${` or `%%{` stands here.
  private var isEscapedTemplate: Bool {
    (byte() == 0x24 || byte() == 0x25) && byte(1) == byte() && byte(2) == 0x7B
  }

  mutating func quoted() -> Bool {
    let start = index
    let place = position(start)
    var text: [UInt8] = []
    func finish(_ lexer: inout Self) {
      guard lexer.index > start else { return }
      lexer.add(.text, String(decoding: text, as: UTF8.self), place, start..<lexer.index)
    }
    while index < bytes.count {
      if isEscapedTemplate {
        text += [byte(), 0x7B]
        index += 3
      } else if isTemplate {
        finish(&self)
        return openTemplate()
      } else if byte() == 0x22 {
        finish(&self)
        index += 1
        add(.closeQuote, from: index - 1)
        modes.removeLast()
        return true
      } else if byte() == 0x0A {
        return fail("the quoted text is not closed on its line; a heredoc may hold line ends")
      } else if byte() == 0x5C {
        guard escape(&text) else { return false }
      } else {
        text.append(byte())
        index += 1
      }
    }
    return true
  }

  private mutating func escape(_ text: inout [UInt8]) -> Bool {
    switch byte(1) {
    case 0x6E: text.append(0x0A)
    case 0x72: text.append(0x0D)
    case 0x74: text.append(0x09)
    case 0x22: text.append(0x22)
    case 0x5C: text.append(0x5C)
    case 0x75, 0x55:
      let count = byte(1) == 0x75 ? 4 : 8
      let digits = bytes[min(index + 2, bytes.count)..<min(index + 2 + count, bytes.count)]
      guard digits.count == count,
        let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
        let scalar = Unicode.Scalar(value)
      else { return fail("\\\(count == 4 ? "u" : "U") wants \(count) hexadecimal digits") }
      text += Array(String(Character(scalar)).utf8)
      index += count
    default: return fail("\"\\\(Self.shown(byte(1)))\" is no escape of HCL")
    }
    index += 2
    return true
  }

  mutating func openHeredoc() -> Bool {
    let start = index
    index += 2
    let isIndented = byte() == 0x2D
    if isIndented { index += 1 }
    let labelStart = index
    while index < bytes.count, Self.isWord(bytes[index]) { index += 1 }
    let label = Array(bytes[labelStart..<index])
    if byte() == 0x0D { index += 1 }
    guard !label.isEmpty, byte() == 0x0A else {
      return fail("a heredoc begins with << or <<-, a word and the line's end")
    }
    let place = position(start)
    index += 1
    add(.openHeredoc, isIndented ? "-" : "", place, start..<index)
    newLine(at: index)
    return push(.heredoc(label: label))
  }

  /// Whether this line is the end of a heredoc, and where its label ends.
  private func heredocEnd(_ label: [UInt8]) -> Int? {
    var place = index
    while place < bytes.count, bytes[place] == 0x20 || bytes[place] == 0x09 { place += 1 }
    guard bytes[place...].starts(with: label) else { return nil }
    let end = place + label.count
    var behind = end
    while behind < bytes.count, [0x20, 0x09, 0x0D].contains(bytes[behind]) { behind += 1 }
    return behind == bytes.count || bytes[behind] == 0x0A ? end : nil
  }

  mutating func heredoc(_ label: [UInt8]) -> Bool {
    if index == lineStart, let end = heredocEnd(label) {
      let start = index
      let place = position(start)
      index = end
      add(.closeHeredoc, "", place, start..<end)
      modes.removeLast()
      return true
    }
    let start = index
    let place = position(start)
    var text: [UInt8] = []
    while index < bytes.count, bytes[index] != 0x0A {
      if isEscapedTemplate {
        text += [byte(), 0x7B]
        index += 3
      } else if isTemplate {
        break
      } else {
        text.append(byte())
        index += 1
      }
    }
    let isTemplate = isTemplate
    let endsLine = !isTemplate && byte() == 0x0A && index < bytes.count
    if endsLine {
      text.append(0x0A)
      index += 1
    }
    if index > start {
      add(.text, String(decoding: text, as: UTF8.self), place, start..<index)
    }
    if endsLine { newLine(at: index) }
    return isTemplate ? openTemplate() : true
  }
}
