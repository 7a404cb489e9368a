import JSON

/// Reads HCL's native syntax: blocks, attributes and expressions, each with its place.
struct HCLParser {
  /// How deeply blocks and expressions may nest.
  static let depthLimit = 100
  /// How many faults of one file are told.
  static let faultLimit = 20

  private let bytes: [UInt8]
  private let tokens: [HCLToken]
  private var index = 0
  private var depth = 0
  /// Whether line ends mean nothing, as within parentheses and brackets.
  private var ignoresNewLines = false

  /// Reads a file; what is wrong with it stands in its faults.
  static func file(_ bytes: [UInt8], name: String) -> HCLFile {
    var file = HCLFile(name: name)
    if let place = invalidUTF8(bytes) {
      let line = bytes[..<place].count { $0 == 0x0A } + 1
      let start = bytes[..<place].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
      let column = bytes[start..<place].count { $0 & 0xC0 != 0x80 } + 1
      let position = HCLPosition(line: line, column: column)
      file.faults = [HCLFault(message: "is not UTF-8 text", position: position)]
      return file
    }
    var parser = HCLParser(bytes)
    parser.readFile(into: &file)
    return file
  }

  /// Reads the text of a template without quotes, as JSON's syntax holds them.
  static func template(_ text: String, at position: HCLPosition) throws(HCLFault) -> HCLExpression {
    guard text.contains("${") || text.contains("%{") else {
      return HCLExpression(kind: .literal(.string(text)), position: position)
    }
    // A heredoc takes any text; its label is one that the text does not hold.
    var label = "EOT"
    while text.contains(label) { label += "_" }
    var parser = HCLParser(Array("<<\(label)\n\(text)\n\(label)\n".utf8))
    do {
      var expression = try parser.expression()
      // The heredoc's last line end is none of the text's.
      switch expression.kind {
      case .literal(.string(let text)): expression.kind = .literal(.string(text.withoutLineEnd))
      case .template(var parts):
        if case .literal(let last) = parts.last {
          parts.removeLast()
          if last != "\n" { parts.append(.literal(last.withoutLineEnd)) }
        }
        expression.kind = .template(parts)
      default: break
      }
      expression.position = position
      return expression
    } catch {
      throw HCLFault(message: error.message, position: position)
    }
  }

  /// Reads one expression, such as a value given on the command line.
  static func expression(_ text: String) throws(HCLFault) -> HCLExpression {
    var parser = HCLParser(Array(text.utf8))
    parser.ignoresNewLines = true
    let expression = try parser.expression()
    guard parser.token.kind == .end else { throw parser.unexpected("the end") }
    return expression
  }

  private init(_ bytes: [UInt8]) {
    self.bytes = bytes
    var lexer = HCLLexer(bytes)
    tokens = lexer.run()
  }

  private static func invalidUTF8(_ bytes: [UInt8]) -> Int? {
    if String(validating: bytes, as: UTF8.self) != nil { return nil }
    var decoder = UTF8()
    var place = 0
    var iterator = bytes.makeIterator()
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar): place += UTF8.width(scalar)
      case .emptyInput, .error: return min(place, bytes.count)
      }
    }
  }

  // MARK: - Tokens

  /// The token at hand.
  var token: HCLToken {
    mutating get {
      while ignoresNewLines, tokens[index].kind == .newline { index += 1 }
      return tokens[index]
    }
  }

  mutating func advance() {
    _ = token
    if index + 1 < tokens.count { index += 1 }
  }

  mutating func isSign(_ text: String) -> Bool {
    let token = token
    return token.kind == .sign && token.text == text
  }

  mutating func isWord(_ text: String) -> Bool {
    let token = token
    return token.kind == .identifier && token.text == text
  }

  /// Passes over a sign if it stands here.
  mutating func take(_ sign: String) -> Bool {
    guard isSign(sign) else { return false }
    advance()
    return true
  }

  mutating func expect(_ sign: String, _ purpose: String) throws(HCLFault) {
    if !take(sign) { throw unexpected("\"\(sign)\" \(purpose)") }
  }

  mutating func expectWord(_ purpose: String) throws(HCLFault) -> String {
    let token = token
    guard token.kind == .identifier else { throw unexpected(purpose) }
    advance()
    return token.text
  }

  /// The fault that something else stands here.
  mutating func unexpected(_ expected: String) -> HCLFault {
    let token = token
    if token.kind == .invalid { return HCLFault(message: token.text, position: token.position) }
    let found =
      switch token.kind {
      case .end: "the end of the file"
      case .newline: "the end of the line"
      case .openQuote: "a quoted text"
      case .openHeredoc: "a heredoc"
      case .templateEnd: "\"}\""
      default: "\"\(token.text.prefix(40))\""
      }
    return HCLFault(message: "expected \(expected), found \(found)", position: token.position)
  }

  mutating func skipNewLines() {
    while tokens[index].kind == .newline { index += 1 }
  }

  /// Whether the token behind this one is one of some signs.
  mutating func isFollowed(by signs: Set<String>) -> Bool {
    _ = token
    return index + 1 < tokens.count && tokens[index + 1].kind == .sign
      && signs.contains(tokens[index + 1].text)
  }

  /// Runs a part with line ends that mean nothing, or with such that mean something.
  mutating func ignoring<Result>(
    newLines: Bool,
    _ read: (inout Self) throws(HCLFault) -> Result
  ) throws(HCLFault) -> Result {
    let before = ignoresNewLines
    ignoresNewLines = newLines
    defer { ignoresNewLines = before }
    return try read(&self)
  }

  /// Runs a part one level deeper.
  mutating func deeper<Result>(
    _ read: (inout Self) throws(HCLFault) -> Result
  ) throws(HCLFault) -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.depthLimit else {
      throw HCLFault(
        message: "nests deeper than \(Self.depthLimit) levels",
        position: token.position
      )
    }
    return try read(&self)
  }

  // MARK: - Bodies

  private mutating func readFile(into file: inout HCLFile) {
    var names: Set<String> = []
    while true {
      skipNewLines()
      if tokens[index].kind == .end { return }
      do {
        try item(of: &file.body, &names, isWhole: true)
      } catch {
        file.faults.append(error)
        if file.faults.count >= Self.faultLimit || !resume() { return }
      }
    }
  }

  /// Goes on behind a fault, at the next line that begins with a word in its first column.
  private mutating func resume() -> Bool {
    depth = 0
    ignoresNewLines = false
    while tokens[index].kind != .end, tokens[index].kind != .invalid {
      let isLineEnd = tokens[index].kind == .newline
      if index + 1 == tokens.count { return false }
      index += 1
      if isLineEnd, tokens[index].kind == .identifier, tokens[index].position.column == 1 {
        return true
      }
    }
    return false
  }

  /// Reads one attribute or block.
  private mutating func item(
    of body: inout HCLBody,
    _ names: inout Set<String>,
    isWhole: Bool
  ) throws(HCLFault) {
    let position = token.position
    let name = try expectWord("the name of an attribute or block")
    if take("=") {
      let start = token.range.lowerBound
      let expression = try expression()
      let end = tokens[max(index - 1, 0)].range.upperBound
      if !names.insert(name).inserted {
        throw HCLFault(message: "the attribute \(name) is set twice", position: position)
      }
      let text =
        ["count", "for_each"].contains(name) && start < end
        ? String(decoding: bytes[start..<end], as: UTF8.self) : ""
      body.attributes.append(
        HCLAttribute(name: name, expression: expression, position: position, text: text)
      )
    } else {
      var labels: [String] = []
      while !isSign("{") { labels.append(try label()) }
      let inner = try block()
      body.blocks.append(HCLBlock(type: name, labels: labels, body: inner, position: position))
    }
    switch tokens[index].kind {
    case .newline: index += 1
    case .end: break
    case .sign where !isWhole && tokens[index].text == "}": break
    default: throw unexpected("the end of the line")
    }
  }

  private mutating func label() throws(HCLFault) -> String {
    let token = token
    if token.kind == .identifier {
      advance()
      return token.text
    }
    guard token.kind == .openQuote else { throw unexpected("\"=\" or \"{\"") }
    advance()
    var text = ""
    if self.token.kind == .text {
      text = self.token.text
      advance()
    }
    guard self.token.kind == .closeQuote else {
      throw unexpected("a label without \"${\"")
    }
    advance()
    return text
  }

  private mutating func block() throws(HCLFault) -> HCLBody {
    try deeper { parser throws(HCLFault) in
      try parser.expect("{", "that opens the block")
      var body = HCLBody()
      var names: Set<String> = []
      if parser.tokens[parser.index].kind != .newline {
        // On one line stands one attribute at most.
        if !parser.isSign("}") {
          let isAttribute = parser.isFollowed(by: ["="])
          guard isAttribute else {
            throw parser.unexpected("one attribute, or the end of the line")
          }
          try parser.item(of: &body, &names, isWhole: false)
          if parser.tokens[max(parser.index - 1, 0)].kind == .newline {
            parser.index -= 1
            throw parser.unexpected("\"}\" on the same line")
          }
        }
      }
      parser.skipNewLines()
      while !parser.isSign("}") {
        try parser.item(of: &body, &names, isWhole: false)
        parser.skipNewLines()
      }
      parser.advance()
      return body
    }
  }
}

extension String {
  fileprivate var withoutLineEnd: String {
    String(decoding: utf8.dropLast(utf8.last == 0x0A ? 1 : 0), as: UTF8.self)
  }
}
