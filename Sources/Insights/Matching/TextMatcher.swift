import Foundation

/// A text pattern made ready to be compared with UTF-8, in time linear in the text.
struct TextMatcher {
  private enum Shape {
    case exact([UInt8])
    case prefix([UInt8])
    case suffix([UInt8])
    case contains([UInt8])
    case glob(Glob)
  }

  private let shape: Shape
  private let isCased: Bool

  init(_ pattern: SigmaPattern, isCased: Bool) {
    self.isCased = isCased
    // Neighbouring texts, and texts cut by a modifier, become one.
    var pieces: [SigmaPattern.Piece] = []
    for piece in pattern.pieces {
      switch (pieces.last, piece) {
      case (.text(let left), .text(let right)):
        pieces[pieces.count - 1] = .text(left + right)
      case (.run, .run): break
      default: pieces.append(piece)
      }
    }
    let folded = pieces.map { piece -> SigmaPattern.Piece in
      if case .text(let bytes) = piece, !isCased { return .text(bytes.map(asciiFold)) }
      return piece
    }
    switch folded.count {
    case 0: shape = .exact([])
    case 1:
      if case .text(let bytes) = folded[0] {
        shape = .exact(bytes)
      } else {
        shape = folded[0] == .run ? .contains([]) : .glob(Glob(folded))
      }
    case 2:
      if case .text(let bytes) = folded[0], folded[1] == .run {
        shape = .prefix(bytes)
      } else if folded[0] == .run, case .text(let bytes) = folded[1] {
        shape = .suffix(bytes)
      } else {
        shape = .glob(Glob(folded))
      }
    case 3:
      if folded[0] == .run, case .text(let bytes) = folded[1], folded[2] == .run {
        shape = .contains(bytes)
      } else {
        shape = .glob(Glob(folded))
      }
    default: shape = .glob(Glob(folded))
    }
  }

  /// Whether the pattern has no wildcards.
  var isExact: Bool {
    if case .exact = shape { return true }
    return false
  }

  func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    switch shape {
    case .exact(let bytes):
      return unsafe text.count == bytes.count && same(text, at: 0, bytes)
    case .prefix(let bytes):
      return unsafe text.count >= bytes.count && same(text, at: 0, bytes)
    case .suffix(let bytes):
      return unsafe text.count >= bytes.count && same(text, at: text.count - bytes.count, bytes)
    case .contains(let bytes):
      return unsafe find(bytes, in: text, from: 0, isCased: isCased) != nil
    case .glob(let glob):
      return unsafe glob.matches(text, isCased: isCased)
    }
  }

  private func same(
    _ text: UnsafeBufferPointer<UInt8>,
    at start: Int,
    _ bytes: [UInt8]
  ) -> Bool {
    for index in 0..<bytes.count {
      let byte = unsafe text[start + index]
      if (isCased ? byte : asciiFold(byte)) != bytes[index] { return false }
    }
    return true
  }
}

/// The byte with an ASCII capital made small.
@inline(__always) func asciiFold(_ byte: UInt8) -> UInt8 {
  byte &- 0x41 < 26 ? byte | 0x20 : byte
}

/// Where bytes, folded already unless cased, begin in a text.
func find(
  _ bytes: [UInt8],
  in text: UnsafeBufferPointer<UInt8>,
  from start: Int,
  isCased: Bool
) -> Int? {
  guard let first = bytes.first else { return start <= text.count ? start : nil }
  guard text.count - start >= bytes.count else { return nil }
  let last = text.count - bytes.count
  var place = start
  while place <= last {
    let byte = unsafe text[place]
    if (isCased ? byte : asciiFold(byte)) == first {
      var index = 1
      while index < bytes.count {
        let other = unsafe text[place + index]
        if (isCased ? other : asciiFold(other)) != bytes[index] { break }
        index += 1
      }
      if index == bytes.count { return place }
    }
    place += 1
  }
  return nil
}

/// A pattern of several parts: the parts between runs are found one after another, each as early
/// as it can be, which decides without going back.
private struct Glob {
  /// What stands between runs; a nil is any one character.
  private var parts: [[UInt8?]] = [[]]
  private var isOpenAtStart = false
  private var isOpenAtEnd = false

  init(_ pieces: [SigmaPattern.Piece]) {
    for (index, piece) in pieces.enumerated() {
      switch piece {
      case .text(let bytes): parts[parts.count - 1] += bytes.map { $0 }
      case .one: parts[parts.count - 1].append(nil)
      case .run:
        if index == 0 { isOpenAtStart = true } else if index < pieces.count - 1 { parts.append([]) }
        if index == pieces.count - 1 { isOpenAtEnd = true }
      }
    }
  }

  func matches(_ text: UnsafeBufferPointer<UInt8>, isCased: Bool) -> Bool {
    var place = 0
    for (index, part) in parts.enumerated() {
      let isFirst = index == 0 && !isOpenAtStart
      let isLast = index == parts.count - 1 && !isOpenAtEnd
      if isLast {
        guard let start = unsafe begin(of: part, endingAt: text.count, text), start >= place,
          isFirst ? start == 0 : true
        else { return false }
        return unsafe end(of: part, at: start, text, isCased) == text.count
      }
      if isFirst {
        guard let end = unsafe end(of: part, at: 0, text, isCased) else { return false }
        place = end
        continue
      }
      var found: Int?
      while place <= text.count {
        found = unsafe end(of: part, at: place, text, isCased)
        if found != nil { break }
        place += 1
      }
      guard let found else { return false }
      place = found
    }
    return true
  }

  /// Where a part that begins at a place ends, or nil where it does not match.
  private func end(
    of part: [UInt8?],
    at start: Int,
    _ text: UnsafeBufferPointer<UInt8>,
    _ isCased: Bool
  ) -> Int? {
    var place = start
    for wanted in part {
      guard place < text.count else { return nil }
      let byte = unsafe text[place]
      if let wanted {
        if (isCased ? byte : asciiFold(byte)) != wanted { return nil }
        place += 1
      } else {
        // One character, however many bytes it has.
        if byte & 0xC0 == 0x80 { return nil }
        place += 1
        while place < text.count, unsafe text[place] & 0xC0 == 0x80 { place += 1 }
      }
    }
    return place
  }

  /// Where a part must begin to end at a place.
  private func begin(
    of part: [UInt8?],
    endingAt end: Int,
    _ text: UnsafeBufferPointer<UInt8>
  ) -> Int? {
    var place = end
    for wanted in part.reversed() {
      place -= 1
      if wanted == nil {
        while place > 0, unsafe text[place] & 0xC0 == 0x80 { place -= 1 }
      }
      if place < 0 { return nil }
    }
    return place
  }
}
