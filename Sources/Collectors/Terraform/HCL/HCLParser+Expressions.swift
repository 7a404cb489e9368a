import JSON

extension HCLParser {
  /// Reads an expression.
  mutating func expression() throws(HCLFault) -> HCLExpression {
    try deeper { parser throws(HCLFault) in
      let position = parser.token.position
      let condition = try parser.operation(precedence: 0)
      guard parser.take("?") else { return condition }
      let then = try parser.expression()
      try parser.expect(":", "between the two values of a condition")
      let otherwise = try parser.expression()
      return HCLExpression(
        kind: .conditional(condition, then: then, otherwise: otherwise),
        position: position
      )
    }
  }

  private mutating func operation(precedence: Int) throws(HCLFault) -> HCLExpression {
    guard precedence <= 5 else { return try unary() }
    let position = token.position
    let first = try operation(precedence: precedence + 1)
    var rest: [(operation: HCLExpression.Operation, operand: HCLExpression)] = []
    while token.kind == .sign, let operation = HCLExpression.Operation(rawValue: token.text),
      operation.precedence == precedence
    {
      advance()
      rest.append((operation, try self.operation(precedence: precedence + 1)))
    }
    if rest.isEmpty { return first }
    return HCLExpression(kind: .operation(first, rest), position: position)
  }

  private mutating func unary() throws(HCLFault) -> HCLExpression {
    let position = token.position
    for (sign, isNegation) in [("-", true), ("!", false)] where take(sign) {
      let operand = try deeper { parser throws(HCLFault) in try parser.unary() }
      return HCLExpression(
        kind: isNegation ? .negation(operand) : .not(operand),
        position: position
      )
    }
    return try access()
  }

  // MARK: - Access

  private mutating func access() throws(HCLFault) -> HCLExpression {
    let position = token.position
    let base = try primary()
    var steps: [HCLExpression.Step] = []
    while true {
      if take(".") {
        steps.append(try attributeStep())
      } else if isSign("[") {
        advance()
        steps.append(
          try ignoring(newLines: true) { parser throws(HCLFault) in
            try parser.indexStep()
          }
        )
      } else {
        break
      }
    }
    if steps.isEmpty { return base }
    return HCLExpression(kind: .access(base, steps), position: position)
  }

  private mutating func attributeStep() throws(HCLFault) -> HCLExpression.Step {
    let token = token
    switch token.kind {
    case .identifier:
      advance()
      return .attribute(token.text)
    case .number:
      // The old form of an index.
      guard let index = Int64(token.text) else { throw unexpected("an index behind \".\"") }
      advance()
      return .index(HCLExpression(kind: .literal(.integer(index)), position: token.position))
    case .sign where token.text == "*":
      advance()
      return .attributeSplat
    default: throw unexpected("a name behind \".\"")
    }
  }

  private mutating func indexStep() throws(HCLFault) -> HCLExpression.Step {
    if isSign("*") {
      advance()
      try expect("]", "behind \"*\"")
      return .splat
    }
    let key = try expression()
    try expect("]", "behind the index")
    return .index(key)
  }

  // MARK: - Primaries

  private mutating func primary() throws(HCLFault) -> HCLExpression {
    let token = token
    func expression(_ kind: HCLExpression.Kind) -> HCLExpression {
      HCLExpression(kind: kind, position: token.position)
    }
    switch token.kind {
    case .number:
      advance()
      let number = Double(token.text) ?? 0
      let whole = Int64(token.text) ?? Int64(exactly: number)
      return expression(.literal(whole.map { .integer($0) } ?? .number(number)))
    case .identifier:
      advance()
      switch token.text {
      case "true": return expression(.literal(true))
      case "false": return expression(.literal(false))
      case "null": return expression(.literal(.null))
      default: return try named(token)
      }
    case .openQuote: return expression(try quotedTemplate())
    case .openHeredoc: return expression(try heredocTemplate())
    case .sign where token.text == "(":
      advance()
      return try ignoring(newLines: true) { parser throws(HCLFault) in
        let inner = try parser.expression()
        try parser.expect(")", "that closes the parenthesis")
        return inner
      }
    case .sign where token.text == "[":
      advance()
      return expression(
        try ignoring(newLines: true) { parser throws(HCLFault) in
          try parser.tuple()
        }
      )
    case .sign where token.text == "{":
      advance()
      return expression(try object())
    default: throw unexpected("an expression")
    }
  }

  private mutating func named(_ token: HCLToken) throws(HCLFault) -> HCLExpression {
    var name = token.text
    while take("::") { name += "::" + (try expectWord("a function's name")) }
    guard isSign("(") else {
      if name.contains("::") { throw unexpected("\"(\"") }
      return HCLExpression(kind: .variable(name), position: token.position)
    }
    advance()
    let kind = try ignoring(newLines: true) { parser throws(HCLFault) in
      var arguments: [HCLExpression] = []
      var expands = false
      while !parser.isSign(")") {
        arguments.append(try parser.expression())
        if parser.take("...") {
          expands = true
          break
        }
        if !parser.take(",") { break }
      }
      try parser.expect(")", "behind the arguments of \(name)")
      return HCLExpression.Kind.call(name, arguments, expandsLast: expands)
    }
    return HCLExpression(kind: kind, position: token.position)
  }

  private mutating func tuple() throws(HCLFault) -> HCLExpression.Kind {
    if isWord("for"), let loop = try loop(closedBy: "]") { return .loop(loop) }
    var elements: [HCLExpression] = []
    while !isSign("]") {
      elements.append(try expression())
      if !take(",") { break }
    }
    try expect("]", "that closes the list")
    return .tuple(elements)
  }

  private mutating func object() throws(HCLFault) -> HCLExpression.Kind {
    let isLoop = try ignoring(newLines: true) { parser throws(HCLFault) in
      guard parser.isWord("for") else { return HCLExpression.Loop?.none }
      return try parser.loop(closedBy: "}")
    }
    if let isLoop { return .loop(isLoop) }
    return try ignoring(newLines: false) { parser throws(HCLFault) in
      var members: [(key: HCLExpression, value: HCLExpression)] = []
      parser.skipNewLines()
      while !parser.isSign("}") {
        let isBare = parser.token.kind == .identifier
        var key = try parser.expression()
        // A bare word is its own name.
        if isBare, case .variable(let name) = key.kind { key.kind = .literal(.string(name)) }
        if !parser.take("=") { try parser.expect(":", "or \"=\" behind the key") }
        parser.skipNewLines()
        members.append((key, try parser.expression()))
        let isSeparated = parser.take(",") || parser.token.kind == .newline
        parser.skipNewLines()
        if !isSeparated { break }
      }
      try parser.expect("}", "that closes the object")
      return .object(members)
    }
  }

  /// Reads what stands behind `for`, to the end of what the loop goes through.
  mutating func loopHead() throws(HCLFault) -> (
    keyName: String?, valueName: String, collection: HCLExpression
  ) {
    var valueName = try expectWord("a name behind \"for\"")
    var keyName: String?
    if take(",") {
      keyName = valueName
      valueName = try expectWord("a second name behind \"for\"")
    }
    guard isWord("in") else { throw unexpected("\"in\"") }
    advance()
    return (keyName, valueName, try expression())
  }

  /// Reads a loop from its `for`; nil, with nothing read, where the word is a key of an object.
  private mutating func loop(closedBy end: String) throws(HCLFault) -> HCLExpression.Loop? {
    if end == "}", isFollowed(by: ["=", ":"]) { return nil }
    advance()
    let (keyName, valueName, collection) = try loopHead()
    try expect(":", "behind what the loop goes through")
    var value = try expression()
    var key: HCLExpression?
    var isGrouping = false
    if end == "}" {
      try expect("=>", "between key and value")
      key = value
      value = try expression()
      isGrouping = take("...")
    }
    var condition: HCLExpression?
    if isWord("if") {
      advance()
      condition = try expression()
    }
    try expect(end, "that closes the loop")
    return HCLExpression.Loop(
      keyName: keyName,
      valueName: valueName,
      collection: collection,
      key: key,
      value: value,
      condition: condition,
      isGrouping: isGrouping
    )
  }
}
