/// A text with wildcards as Sigma writes it: `*` is any run of characters, `?` exactly one.
package struct SigmaPattern: Sendable, Hashable {
  /// A part of a pattern.
  package enum Piece: Sendable, Hashable {
    case text([UInt8])
    case run
    case one
  }

  package var pieces: [Piece]

  package init(pieces: [Piece]) { self.pieces = pieces }

  /// A pattern that is just a text.
  package init(literal bytes: [UInt8]) { pieces = bytes.isEmpty ? [] : [.text(bytes)] }

  /// Reads a pattern: a backslash takes the meaning from `*`, `?` and itself, and is plain
  /// elsewhere.
  package init(_ text: String) {
    var pieces: [Piece] = []
    var literal: [UInt8] = []
    func close() {
      if !literal.isEmpty { pieces.append(.text(literal)) }
      literal = []
    }
    var isEscaped = false
    for byte in text.utf8 {
      let isSpecial = byte == 0x2A || byte == 0x3F
      if isEscaped {
        if !isSpecial && byte != 0x5C { literal.append(0x5C) }
        literal.append(byte)
        isEscaped = false
      } else if byte == 0x5C {
        isEscaped = true
      } else if isSpecial {
        close()
        pieces.append(byte == 0x2A ? .run : .one)
      } else {
        literal.append(byte)
      }
    }
    if isEscaped { literal.append(0x5C) }
    close()
    self.pieces = pieces
  }

  /// The bytes where the pattern has no wildcards.
  package var literal: [UInt8]? {
    switch pieces.count {
    case 0: return []
    case 1: if case .text(let bytes) = pieces[0] { return bytes }
    default: break
    }
    return nil
  }

  /// The pattern with a wildcard before it, behind it, or both.
  package func open(atStart: Bool, atEnd: Bool) -> SigmaPattern {
    var pieces = pieces
    if atStart, pieces.first != .run { pieces.insert(.run, at: 0) }
    if atEnd, pieces.last != .run { pieces.append(.run) }
    return SigmaPattern(pieces: pieces)
  }

  /// The pattern with each text exchanged; neighbouring texts stay apart.
  package func mapTexts(_ change: ([UInt8]) -> [UInt8]) -> SigmaPattern {
    SigmaPattern(
      pieces: pieces.map { piece in
        if case .text(let bytes) = piece { return .text(change(bytes)) }
        return piece
      }
    )
  }
}
