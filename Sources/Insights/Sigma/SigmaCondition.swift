import Model

/// Parses Sigma's condition: `or` binds weakest, then `and`, `not`, `1 of` and `all of`, brackets.
struct SigmaConditionParser {
  private let tokens: [String]
  private let selections: [(name: String, expression: SigmaExpression)]
  private let key: String
  private let location: SourceLocation
  private var position = 0
  private var depth = 0

  /// How deeply brackets and negations may nest.
  static let depthLimit = 100

  init(
    _ text: String,
    selections: [(name: String, expression: SigmaExpression)],
    key: String,
    location: SourceLocation
  ) {
    tokens = Self.tokens(text)
    self.selections = selections
    self.key = key
    self.location = location
  }

  private static func tokens(_ text: String) -> [String] {
    var tokens: [String] = []
    var word = ""
    func close() {
      if !word.isEmpty { tokens.append(word) }
      word = ""
    }
    for character in text {
      if character.isWhitespace {
        close()
      } else if "()|".contains(character) {
        close()
        tokens.append(String(character))
      } else {
        word.append(character)
      }
    }
    close()
    return tokens
  }

  mutating func parse() throws(DocumentError) -> SigmaExpression {
    if tokens.contains("|") {
      throw fault("has an aggregation behind \"|\", which Sigma 2 writes as a correlation document")
    }
    let expression = try disjunction()
    if position < tokens.count { throw fault("did not expect \"\(tokens[position])\"") }
    return expression
  }

  private func fault(_ message: String) -> DocumentError {
    DocumentError(message, key: key, at: location)
  }

  private func isNext(_ word: String) -> Bool {
    position < tokens.count && tokens[position].lowercased() == word
  }

  private mutating func disjunction() throws(DocumentError) -> SigmaExpression {
    var parts = [try conjunction()]
    while isNext("or") {
      position += 1
      parts.append(try conjunction())
    }
    return parts.count == 1 ? parts[0] : .any(parts)
  }

  private mutating func conjunction() throws(DocumentError) -> SigmaExpression {
    var parts = [try negation()]
    while isNext("and") {
      position += 1
      parts.append(try negation())
    }
    return parts.count == 1 ? parts[0] : .all(parts)
  }

  private mutating func negation() throws(DocumentError) -> SigmaExpression {
    depth += 1
    defer { depth -= 1 }
    if depth > Self.depthLimit { throw fault("nests deeper than \(Self.depthLimit) levels") }
    if isNext("not") {
      position += 1
      return .not(try negation())
    }
    if isNext("(") {
      position += 1
      let inner = try disjunction()
      guard isNext(")") else { throw fault("lacks a closing bracket") }
      position += 1
      return inner
    }
    return try operand()
  }

  private mutating func operand() throws(DocumentError) -> SigmaExpression {
    guard position < tokens.count else { throw fault("ends where a selection is expected") }
    let word = tokens[position]
    let isQuantifier =
      ["1", "any", "all"].contains(word.lowercased()) && position + 1 < tokens.count
      && tokens[position + 1].lowercased() == "of"
    position += 1
    if isQuantifier {
      position += 1
      guard position < tokens.count else { throw fault("ends behind \"of\"") }
      let pattern = tokens[position]
      position += 1
      let chosen = try self.chosen(pattern)
      if chosen.count == 1 { return chosen[0] }
      return word.lowercased() == "all" ? .all(chosen) : .any(chosen)
    }
    guard let selection = selections.first(where: { $0.name == word }) else {
      let names = selections.map(\.name).joined(separator: ", ")
      throw fault("there is no selection \"\(word)\"; there are \(names)")
    }
    return selection.expression
  }

  /// The selections that a pattern names; `them` is all but those that begin with an underscore.
  private func chosen(_ pattern: String) throws(DocumentError) -> [SigmaExpression] {
    let found = selections.filter { selection in
      pattern.lowercased() == "them"
        ? !selection.name.hasPrefix("_") : Wildcard.matches(selection.name, pattern: pattern)
    }
    if found.isEmpty { throw fault("there is no selection of the name \"\(pattern)\"") }
    return found.map(\.expression)
  }
}
