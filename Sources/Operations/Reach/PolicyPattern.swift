/// A text with `*` and `?`, as policies name actions and resources.
struct PolicyPattern: Sendable, Hashable {
  /// One place of the text.
  enum Token: Sendable, Hashable {
    case byte(UInt8)
    /// Any one character.
    case one
    /// Any run of characters.
    case many
  }

  /// How much of what is asked for a pattern covers.
  enum Cover: Sendable { case none, some, all }

  private(set) var tokens: [Token] = []
  /// Whether a part of the text could not be known, and stands as `*`.
  private(set) var isPartial = false
  private var hasWildcard = false

  /// A pattern as written; variables such as `${aws:username}` get the values given.
  init(_ text: String, _ context: PolicyContext? = nil) {
    var rest = Substring(text)
    while let character = rest.first {
      if let context, rest.hasPrefix("${"), let end = rest.firstIndex(of: "}") {
        append(variable: rest[rest.index(rest.startIndex, offsetBy: 2)..<end], context)
        rest = rest[rest.index(after: end)...]
        continue
      }
      switch character {
      case "*": append(.many)
      case "?": append(.one)
      default: for byte in String(character).utf8 { append(.byte(byte)) }
      }
      rest = rest.dropFirst()
    }
  }

  /// A text in which nothing is a wildcard.
  init(literal text: String) { tokens = text.utf8.map(Token.byte) }

  private mutating func append(_ token: Token) {
    if case .byte = token {} else { hasWildcard = true }
    tokens.append(token)
  }

  private mutating func append(variable name: Substring, _ context: PolicyContext) {
    // ${*}, ${?} and ${$} are the characters themselves.
    if ["*", "?", "$"].contains(name) {
      for byte in name.utf8 { append(.byte(byte)) }
      return
    }
    let key = name.split(separator: ",").first.map(String.init) ?? ""
    if case .values(let values) = context[key], values.count == 1 {
      for byte in values[0].utf8 { append(.byte(byte)) }
    } else {
      append(.many)
      isPartial = true
    }
  }

  /// How much of a target the pattern covers; a target may have wildcards itself.
  func cover(of target: PolicyPattern) -> Cover {
    if tokens == [.many] { return isPartial ? .some : .all }
    if matches(target.tokens[...]) { return isPartial ? .some : .all }
    return target.hasWildcard && meets(target) ? .some : .none
  }

  /// Whether the whole text matches.
  func matches(_ text: String) -> Bool { matches(PolicyPattern(literal: text).tokens[...]) }

  /// Whether every text of a target is one of this pattern.
  private func matches(_ target: ArraySlice<Token>) -> Bool {
    if !hasWildcard { return tokens[...] == target }
    var position = target.startIndex
    var index = 0
    var star: Int?
    var resume = position
    while position < target.endIndex {
      if index < tokens.count, tokens[index] == .many {
        star = index
        resume = position
        index += 1
      } else if index < tokens.count, Self.covers(tokens[index], target[position]) {
        position += 1
        index += 1
      } else if let star {
        resume += 1
        position = resume
        index = star + 1
      } else {
        return false
      }
    }
    return tokens[index...].allSatisfy { $0 == .many }
  }

  private static func covers(_ pattern: Token, _ target: Token) -> Bool {
    switch (pattern, target) {
    case (.byte(let left), .byte(let right)): left == right
    case (.one, .byte), (.one, .one): true
    default: false
    }
  }

  /// Whether some text is one of both patterns.
  private func meets(_ other: PolicyPattern) -> Bool {
    // A row per place of this pattern: the places of the other that can be reached together.
    var reached = Self.start(other.tokens)
    for token in tokens {
      var next = [Bool](repeating: false, count: other.tokens.count + 1)
      for place in 0...other.tokens.count {
        if token == .many, reached[place] || (place > 0 && next[place - 1]) { next[place] = true }
        guard place > 0 else { continue }
        let theirs = other.tokens[place - 1]
        if theirs == .many, next[place - 1] || reached[place] { next[place] = true }
        if token != .many, theirs != .many, reached[place - 1],
          Self.canBeSame(token, theirs)
        {
          next[place] = true
        }
      }
      reached = next
    }
    return reached[other.tokens.count]
  }

  private static func start(_ tokens: [Token]) -> [Bool] {
    var row = [true]
    for token in tokens { row.append(token == .many && row[row.count - 1]) }
    return row
  }

  private static func canBeSame(_ left: Token, _ right: Token) -> Bool {
    if case .byte(let one) = left, case .byte(let other) = right { return one == other }
    return true
  }
}
