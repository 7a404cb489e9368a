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

  enum Mode {
    case plain(braces: Int)
    case quoted
    case heredoc(label: [UInt8])
  }

  let bytes: [UInt8]
  var index = 0
  var line = 1
  var lineStart = 0
  /// Bytes of this line that continue a character.
  private var continuations = 0
  private var counted = 0
  var modes: [Mode] = [.plain(braces: 0)]
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
  mutating func position(_ place: Int) -> HCLPosition {
    while counted < place {
      if bytes[counted] & 0xC0 == 0x80 { continuations += 1 }
      counted += 1
    }
    return HCLPosition(line: line, column: place - lineStart - continuations + 1)
  }

  mutating func newLine(at place: Int) {
    line += 1
    lineStart = place
    counted = place
    continuations = 0
  }

  mutating func add(_ kind: HCLToken.Kind, from start: Int, trims: Bool = false) {
    let text = kind == .newline || kind == .end ? "" : text(start..<index)
    add(kind, text, position(start), start..<index, trims: trims)
  }

  mutating func add(
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

  func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
  }

  mutating func fail(_ message: String) -> Bool {
    add(.invalid, message, position(index), index..<index)
    return false
  }

  func byte(_ offset: Int = 0) -> UInt8 {
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
  static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x80...0xFF: true
    default: false
    }
  }

  mutating func push(_ mode: Mode) -> Bool {
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

  static func shown(_ byte: UInt8) -> String {
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
}
