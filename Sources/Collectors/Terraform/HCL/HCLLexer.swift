/// A token of HCL's native syntax.
struct HCLToken: Sendable {
  enum Kind: Sendable, Equatable {
    case identifier, number, newline, end, invalid
    /// An operator or a bracket.
    case sign
    case openQuote, closeQuote
    /// The begin of a heredoc; its text is `-` where lines are indented.
    case openHeredoc, closeHeredoc
    /// A piece of a template's text, of one line at most.
    case text
    /// `${` and `%{`.
    case interpolation, control
    /// `}` that ends either.
    case templateEnd
  }

  var kind: Kind
  var text: String
  var position: HCLPosition
  /// Where the token stands in the bytes of the file.
  var range: Range<Int>
  /// Whether a `~` takes the white space on the template's side away.
  var trims = false
}

/// Cuts a text into tokens, in one pass whatever the text holds.
///
/// Specification: <https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md>.
struct HCLLexer {
  /// How deeply templates may stand within templates.
  static let depthLimit = 100

  private enum Mode {
    case plain(braces: Int)
    case quoted
    case heredoc(label: [UInt8])
  }

  private let bytes: [UInt8]
  private var index = 0
  private var line = 1
  private var lineStart = 0
  /// Bytes of this line that continue a character.
  private var continuations = 0
  private var counted = 0
  private var modes: [Mode] = [.plain(braces: 0)]
  private var tokens: [HCLToken] = []

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
      index = 3
      lineStart = 3
      counted = 3
    }
  }

  /// The tokens, of which the last is `end`; at an `invalid` one, whose text says why, it stops.
  mutating func run() -> [HCLToken] {
    while index < bytes.count {
      let isGood =
        switch modes.last {
        case .quoted: quoted()
        case .heredoc(let label): heredoc(label)
        default: plain()
        }
      if !isGood { return tokens }
    }
    switch modes.last {
    case .quoted: return failing("the quoted text is not closed")
    case .heredoc(let label):
      return failing("the heredoc is not closed by \(String(decoding: label, as: UTF8.self))")
    default: break
    }
    if modes.count > 1 { return failing("the template's ${ or %{ is not closed") }
    add(.end, from: index)
    return tokens
  }

  private mutating func failing(_ message: String) -> [HCLToken] {
    _ = fail(message)
    return tokens
  }

  // MARK: - Places

  /// The place of a byte at or behind all that were asked about.
  private mutating func position(_ place: Int) -> HCLPosition {
    while counted < place {
      if bytes[counted] & 0xC0 == 0x80 { continuations += 1 }
      counted += 1
    }
    return HCLPosition(line: line, column: place - lineStart - continuations + 1)
  }

  private mutating func newLine(at place: Int) {
    line += 1
    lineStart = place
    counted = place
    continuations = 0
  }

  private mutating func add(_ kind: HCLToken.Kind, from start: Int, trims: Bool = false) {
    let text = kind == .newline || kind == .end ? "" : text(start..<index)
    add(kind, text, position(start), start..<index, trims: trims)
  }

  private mutating func add(
    _ kind: HCLToken.Kind,
    _ text: String,
    _ position: HCLPosition,
    _ range: Range<Int>,
    trims: Bool = false
  ) {
    tokens.append(
      HCLToken(kind: kind, text: text, position: position, range: range, trims: trims)
    )
  }

  private func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
  }

  private mutating func fail(_ message: String) -> Bool {
    add(.invalid, message, position(index), index..<index)
    return false
  }

  private func byte(_ offset: Int = 0) -> UInt8 {
    index + offset < bytes.count ? bytes[index + offset] : 0
  }

  // MARK: - Outside templates

  private mutating func plain() -> Bool {
    let start = index
    switch byte() {
    case 0x20, 0x09: index += 1
    case 0x0D where byte(1) == 0x0A: index += 1
    case 0x0A:
      index += 1
      add(.newline, from: start)
      newLine(at: index)
    case 0x23: comment()
    case 0x2F where byte(1) == 0x2F: comment()
    case 0x2F where byte(1) == 0x2A: return blockComment()
    case 0x22:
      index += 1
      add(.openQuote, from: start)
      return push(.quoted)
    case 0x3C where byte(1) == 0x3C: return openHeredoc()
    case 0x30...0x39: number()
    case let byte where Self.isWord(byte) && byte != 0x2D:
      while index < bytes.count, Self.isWord(bytes[index]) { index += 1 }
      add(.identifier, from: start)
    default: return sign()
    }
    return true
  }

  /// Whether a byte may stand in an identifier; characters beyond ASCII are letters here.
  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x80...0xFF: true
    default: false
    }
  }

  private mutating func push(_ mode: Mode) -> Bool {
    modes.append(mode)
    return modes.count <= Self.depthLimit
      || fail("templates nest deeper than \(Self.depthLimit) levels")
  }

  private mutating func comment() {
    while index < bytes.count, bytes[index] != 0x0A { index += 1 }
  }

  private mutating func blockComment() -> Bool {
    let start = index
    let begin = position(start)
    index += 2
    while index < bytes.count {
      if byte() == 0x2A, byte(1) == 0x2F {
        index += 2
        return true
      }
      index += 1
      if bytes[index - 1] == 0x0A { newLine(at: index) }
    }
    add(.invalid, "the comment is not closed", begin, start..<index)
    return false
  }

  private mutating func number() {
    let start = index
    func digits(_ at: inout Int) {
      while at < bytes.count, (0x30...0x39).contains(bytes[at]) { at += 1 }
    }
    digits(&index)
    if byte() == 0x2E, (0x30...0x39).contains(byte(1)) {
      index += 1
      digits(&index)
    }
    if byte() | 0x20 == 0x65 {
      let isSigned = byte(1) == 0x2B || byte(1) == 0x2D
      if (0x30...0x39).contains(byte(isSigned ? 2 : 1)) {
        index += isSigned ? 2 : 1
        digits(&index)
      }
    }
    add(.number, from: start)
  }

  private static let longSigns = Set(["==", "!=", "<=", ">=", "&&", "||", "=>", "::"])
  private static let signs = Set("{}[]()=.,:?!<>+-*/%".utf8)

  private mutating func sign() -> Bool {
    let start = index
    if byte() == 0x2E, byte(1) == 0x2E, byte(2) == 0x2E {
      index += 3
      add(.sign, from: start)
      return true
    }
    if index + 1 < bytes.count, Self.longSigns.contains(text(index..<index + 2)) {
      index += 2
      add(.sign, from: start)
      return true
    }
    if byte() == 0x7E, byte(1) == 0x7D, case .plain(braces: 0) = modes.last, modes.count > 1 {
      return endTemplate(trims: true)
    }
    guard Self.signs.contains(byte()) else {
      return fail("\"\(Self.shown(byte()))\" does not belong here")
    }
    if case .plain(let braces) = modes.last {
      if byte() == 0x7B { modes[modes.count - 1] = .plain(braces: braces + 1) }
      if byte() == 0x7D {
        if braces == 0, modes.count > 1 { return endTemplate(trims: false) }
        modes[modes.count - 1] = .plain(braces: max(braces - 1, 0))
      }
    }
    index += 1
    add(.sign, from: start)
    return true
  }

  private static func shown(_ byte: UInt8) -> String {
    (0x21...0x7E).contains(byte)
      ? String(UnicodeScalar(byte)) : "\\x" + String(byte, radix: 16, uppercase: true)
  }

  private mutating func endTemplate(trims: Bool) -> Bool {
    let start = index
    index += trims ? 2 : 1
    modes.removeLast()
    add(.templateEnd, from: start, trims: trims)
    return true
  }

  // MARK: - Templates

  /// Begins `${` or `%{`.
  private mutating func openTemplate() -> Bool {
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

  private mutating func quoted() -> Bool {
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

  private mutating func openHeredoc() -> Bool {
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

  private mutating func heredoc(_ label: [UInt8]) -> Bool {
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
