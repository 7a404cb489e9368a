import JSON

extension HCLParser {
  /// Reads a quoted text from its quote.
  mutating func quotedTemplate() throws(HCLFault) -> HCLExpression.Kind {
    advance()
    let pieces = try pieces(until: .closeQuote)
    advance()
    return try Self.kind(pieces)
  }

  /// Reads a heredoc from its begin.
  mutating func heredocTemplate() throws(HCLFault) -> HCLExpression.Kind {
    let isIndented = token.text == "-"
    advance()
    var pieces = try pieces(until: .closeHeredoc)
    advance()
    if isIndented { Self.outdent(&pieces) }
    return try Self.kind(pieces)
  }

  /// What a template is made of, before its directives are matched.
  private enum Piece {
    case text(String)
    case interpolation(HCLExpression)
    case `if`(HCLExpression, HCLPosition)
    case `else`(HCLPosition)
    case `for`(keyName: String?, valueName: String, HCLExpression, HCLPosition)
    case endif(HCLPosition)
    case endfor(HCLPosition)
  }

  private mutating func pieces(until end: HCLToken.Kind) throws(HCLFault) -> [Piece] {
    try deeper { parser throws(HCLFault) in
      try parser.ignoring(newLines: false) { parser throws(HCLFault) in
        var pieces: [Piece] = []
        var trimsNext = false
        while parser.token.kind != end {
          let token = parser.token
          switch token.kind {
          case .text:
            parser.advance()
            var text = token.text
            if trimsNext { text = String(text.drop(while: \.isWhitespace)) }
            // White space that is trimmed may go on in the next line of a heredoc.
            trimsNext = trimsNext && text.isEmpty
            if !text.isEmpty { pieces.append(.text(text)) }
          case .interpolation, .control:
            if token.trims { Self.trimEnd(of: &pieces) }
            parser.advance()
            let isControl = token.kind == .control
            pieces.append(
              try parser.ignoring(newLines: true) { parser throws(HCLFault) in
                isControl
                  ? try parser.control(token.position) : .interpolation(try parser.expression())
              }
            )
            guard parser.token.kind == .templateEnd else {
              throw parser.unexpected("\"}\" that ends the template")
            }
            trimsNext = parser.token.trims
            parser.advance()
          default: throw parser.unexpected("text")
          }
        }
        return pieces
      }
    }
  }

  private static func trimEnd(of pieces: inout [Piece]) {
    while case .text(let text) = pieces.last {
      pieces.removeLast()
      let kept = text.reversed().drop(while: \.isWhitespace).reversed()
      if !kept.isEmpty {
        pieces.append(.text(String(kept)))
        return
      }
    }
  }

  private mutating func control(_ position: HCLPosition) throws(HCLFault) -> Piece {
    switch try expectWord("if, else, endif, for or endfor") {
    case "if": return .if(try expression(), position)
    case "else": return .else(position)
    case "endif": return .endif(position)
    case "endfor": return .endfor(position)
    case "for":
      let (keyName, valueName, collection) = try loopHead()
      return .for(keyName: keyName, valueName: valueName, collection, position)
    case let word:
      throw HCLFault(message: "\"\(word)\" is no directive of a template", position: position)
    }
  }

  /// Takes away what all lines of an indented heredoc begin with.
  private static func outdent(_ pieces: inout [Piece]) {
    var fewest = Int.max
    var beginnings: [Int] = []
    var isLineStart = true
    for (index, piece) in pieces.enumerated() {
      if isLineStart {
        isLineStart = false
        if case .text(let text) = piece {
          let spaces = text.prefix(while: \.isWhitespace)
          if spaces.count < text.count || text.utf8.last != 0x0A {
            fewest = min(fewest, spaces.count)
            beginnings.append(index)
          }
        } else {
          fewest = 0
        }
      }
      if case .text(let text) = piece, text.utf8.last == 0x0A { isLineStart = true }
    }
    for index in beginnings {
      if case .text(let text) = pieces[index] {
        pieces[index] = .text(String(text.dropFirst(fewest)))
      }
    }
  }

  // MARK: - Directives

  private static func kind(_ pieces: [Piece]) throws(HCLFault) -> HCLExpression.Kind {
    var rest = pieces[...]
    let parts = try parts(&rest, depth: 0)
    if let left = rest.first { throw stray(left) }
    if parts.isEmpty { return .literal("") }
    if parts.count == 1, case .literal(let text) = parts[0] { return .literal(.string(text)) }
    return .template(parts)
  }

  private static func stray(_ piece: Piece) -> HCLFault {
    switch piece {
    case .else(let position): HCLFault(message: "else without an if", position: position)
    case .endif(let position): HCLFault(message: "endif without an if", position: position)
    case .endfor(let position): HCLFault(message: "endfor without a for", position: position)
    default:
      HCLFault(message: "does not belong here", position: HCLPosition(line: 1, column: 1))
    }
  }

  /// The parts up to an `else`, `endif` or `endfor`.
  private static func parts(
    _ rest: inout ArraySlice<Piece>,
    depth: Int
  ) throws(HCLFault) -> [HCLTemplatePart] {
    var parts: [HCLTemplatePart] = []
    while let piece = rest.first {
      switch piece {
      case .text:
        parts.append(.literal(texts(&rest)))
        continue
      case .interpolation(let expression): parts.append(.interpolation(expression))
      case .if(let condition, let position):
        rest.removeFirst()
        let then = try inner(&rest, depth, position)
        var otherwise: [HCLTemplatePart] = []
        if case .else = rest.first {
          rest.removeFirst()
          otherwise = try inner(&rest, depth, position)
        }
        guard case .endif = rest.first else {
          throw HCLFault(message: "the template's if has no endif", position: position)
        }
        parts.append(.choice(condition, then: then, otherwise: otherwise))
      case .for(let keyName, let valueName, let collection, let position):
        rest.removeFirst()
        let body = try inner(&rest, depth, position)
        guard case .endfor = rest.first else {
          throw HCLFault(message: "the template's for has no endfor", position: position)
        }
        parts.append(
          .loop(keyName: keyName, valueName: valueName, collection: collection, body: body)
        )
      case .else, .endif, .endfor: return parts
      }
      rest.removeFirst()
    }
    return parts
  }

  /// The texts up to something else, as one.
  private static func texts(_ rest: inout ArraySlice<Piece>) -> String {
    var result = ""
    while case .text(let text) = rest.first {
      result += text
      rest.removeFirst()
    }
    return result
  }

  private static func inner(
    _ rest: inout ArraySlice<Piece>,
    _ depth: Int,
    _ position: HCLPosition
  ) throws(HCLFault) -> [HCLTemplatePart] {
    guard depth < depthLimit else {
      throw HCLFault(message: "nests deeper than \(depthLimit) levels", position: position)
    }
    return try parts(&rest, depth: depth + 1)
  }
}
