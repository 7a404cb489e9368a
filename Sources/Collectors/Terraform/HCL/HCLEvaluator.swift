import JSON

/// Works out expressions; what cannot be known is unknown.
struct HCLEvaluator {
  let scope: any HCLScope
  let work: HCLWork
  /// The names that loops, `count` and `for_each` bind.
  var bound: [String: HCLValue] = [:]

  /// The value of an expression.
  ///
  /// - Throws: ``HCLError`` for an expression that has none, as an index beyond a list.
  func value(_ expression: HCLExpression) throws -> HCLValue {
    try work.deeper {
      switch expression.kind {
      case .literal(let value): return .scalar(value)
      case .template(let parts): return try template(parts)
      case .variable(let name): return try named(name, [])
      case .access(let base, let steps): return try access(base, steps)
      case .call(let name, let arguments, let expandsLast):
        return try call(name, arguments, expandsLast: expandsLast)
      case .negation(let operand):
        let value = try value(operand)
        if value.obstacle != nil { return value }
        return try HCLArithmetic.apply(.minus, .scalar(.integer(0)), value)
      case .not(let operand):
        let value = try value(operand)
        return value.obstacle != nil ? value : .scalar(.bool(try !value.asBool()))
      case .operation(let first, let rest): return try operation(first, rest)
      case .conditional(let condition, let then, let otherwise):
        return try conditional(condition, then, otherwise)
      case .tuple(let elements):
        try work.spend(elements.count)
        return .list(try elements.map(value))
      case .object(let members): return try object(members)
      case .loop(let loop): return try self.loop(loop)
      }
    }
  }

  /// The value, or an unknown one with the reason why there is none.
  func known(_ expression: HCLExpression) -> HCLValue {
    do {
      return try value(expression)
    } catch {
      return .unknown("cannot be worked out: \(error)")
    }
  }

  /// The evaluator with further names.
  func binding(_ names: [String: HCLValue]) -> HCLEvaluator {
    var result = self
    result.bound.merge(names) { $1 }
    return result
  }

  // MARK: - Names and parts

  private func named(_ root: String, _ names: [String]) throws -> HCLValue {
    if let value = bound[root] { return value }
    return try scope.value(of: root, names).value
  }

  private func access(_ base: HCLExpression, _ steps: [HCLExpression.Step]) throws -> HCLValue {
    guard case .variable(let root) = base.kind, bound[root] == nil else {
      return try follow(try value(base), steps[...])
    }
    var names: [String] = []
    for step in steps {
      guard case .attribute(let name) = step else { break }
      names.append(name)
    }
    let (value, taken) = try scope.value(of: root, names)
    return try follow(value, steps.dropFirst(taken))
  }

  private func follow(_ start: HCLValue, _ steps: ArraySlice<HCLExpression.Step>) throws -> HCLValue
  {
    var current = start
    for (place, step) in zip(steps.indices, steps) {
      if current.obstacle != nil { return current }
      switch step {
      case .attribute(let name): current = try Self.member(of: current, name)
      case .index(let key): current = try Self.element(of: current, try value(key))
      case .splat, .attributeSplat:
        var rest = steps[(place + 1)...]
        var behind = steps[steps.endIndex...]
        if case .attributeSplat = step {
          let end = rest.firstIndex { if case .attribute = $0 { false } else { true } }
          behind = rest[(end ?? rest.endIndex)...]
          rest = rest[..<(end ?? rest.endIndex)]
        }
        let elements: [HCLValue]
        switch current {
        case .list(let list): elements = list
        case .scalar(.null): elements = []
        default: elements = [current]
        }
        return try follow(.list(try elements.map { try follow($0, rest) }), behind)
      }
    }
    return current
  }

  private static func member(of value: HCLValue, _ name: String) throws -> HCLValue {
    switch value {
    case .instance(let instance): return try instance.attribute(name)
    case .object(let members):
      guard let member = members[name] else { throw HCLError("there is no attribute \(name)") }
      return member
    default: throw HCLError("there is no attribute \(name) of what is no object")
    }
  }

  /// The element of a list or member of an object under a key.
  static func element(of value: HCLValue, _ key: HCLValue) throws -> HCLValue {
    if let reason = key.obstacle { return .unknown(reason) }
    switch value {
    case .list(let elements):
      let index = try key.asInteger()
      guard elements.indices.contains(index) else { throw HCLError("there is no element \(index)") }
      return elements[index]
    case .object, .instance: return try member(of: value, try key.asText())
    default: throw HCLError("an index into what is neither list nor object")
    }
  }

  // MARK: - Texts

  private func template(_ parts: [HCLTemplatePart]) throws -> HCLValue {
    // A text that is one interpolation stands for the value itself.
    if parts.count == 1, case .interpolation(let expression) = parts[0] {
      return try value(expression)
    }
    var text = ""
    if let reason = try append(parts, to: &text) { return .unknown(reason) }
    return .text(text)
  }

  /// Appends what parts come to; the reason where something of it is unknown.
  private func append(_ parts: [HCLTemplatePart], to text: inout String) throws -> String? {
    for part in parts {
      switch part {
      case .literal(let literal):
        try work.spend(literal.utf8.count)
        text += literal
      case .interpolation(let expression):
        let value = try value(expression)
        if let reason = value.firstReason { return reason }
        let piece = try value.asText()
        try work.spend(piece.utf8.count)
        text += piece
      case .choice(let condition, let then, let otherwise):
        let value = try value(condition)
        if let reason = value.obstacle { return reason }
        if let reason = try append(try value.asBool() ? then : otherwise, to: &text) {
          return reason
        }
      case .loop(let keyName, let valueName, let collection, let body):
        let items = try value(collection)
        if let reason = items.obstacle { return reason }
        for (key, item) in try Self.items(of: items) {
          var names = [valueName: item]
          if let keyName { names[keyName] = .scalar(key) }
          if let reason = try binding(names).append(body, to: &text) { return reason }
        }
      }
    }
    return nil
  }

  // MARK: - Operators

  private func operation(
    _ first: HCLExpression,
    _ rest: [(operation: HCLExpression.Operation, operand: HCLExpression)]
  ) throws -> HCLValue {
    var result = try value(first)
    for (operation, operand) in rest {
      try work.spend(1)
      result = try HCLArithmetic.apply(operation, result, try value(operand))
    }
    return result
  }

  private func conditional(
    _ condition: HCLExpression,
    _ then: HCLExpression,
    _ otherwise: HCLExpression
  ) throws -> HCLValue {
    let truth = try value(condition)
    guard let reason = truth.obstacle else {
      return try value(try truth.asBool() ? then : otherwise)
    }
    // Either way the same.
    let (left, right) = (known(then), known(otherwise))
    return left.isEqual(to: right) == true ? left : .unknown(reason)
  }

  // MARK: - Collections

  private func object(
    _ members: [(key: HCLExpression, value: HCLExpression)]
  ) throws -> HCLValue {
    try work.spend(members.count)
    var result: [String: HCLValue] = [:]
    for (keyExpression, valueExpression) in members {
      let key = try value(keyExpression)
      if let reason = key.obstacle { return .unknown(reason) }
      result[try key.asText()] = try value(valueExpression)
    }
    return .object(result)
  }

  /// The keys and values that a loop goes through.
  static func items(of value: HCLValue) throws -> [(key: JSONValue, value: HCLValue)] {
    switch value {
    case .list(let elements):
      return elements.enumerated().map { (.integer(Int64($0)), $1) }
    case .object(let members):
      return members.sorted { $0.key < $1.key }.map { (.string($0.key), $0.value) }
    default: throw HCLError("a loop over what is neither list nor object")
    }
  }

  private func loop(_ loop: HCLExpression.Loop) throws -> HCLValue {
    let collection = try value(loop.collection)
    if collection.obstacle != nil { return collection }
    var list: [HCLValue] = []
    var object: [String: HCLValue] = [:]
    var groups: [String: [HCLValue]] = [:]
    for (key, item) in try Self.items(of: collection) {
      var names = [loop.valueName: item]
      if let name = loop.keyName { names[name] = .scalar(key) }
      let inner = binding(names)
      if let condition = loop.condition {
        let truth = try inner.value(condition)
        if let reason = truth.obstacle { return .unknown(reason) }
        if try !truth.asBool() { continue }
      }
      try work.spend(1)
      let value = try inner.value(loop.value)
      guard let keyExpression = loop.key else {
        list.append(value)
        continue
      }
      let key = try inner.value(keyExpression)
      if let reason = key.obstacle { return .unknown(reason) }
      let name = try key.asText()
      if loop.isGrouping {
        groups[name, default: []].append(value)
      } else {
        object[name] = value
      }
    }
    if loop.isGrouping { return .object(groups.mapValues { .list($0) }) }
    return loop.key == nil ? .list(list) : .object(object)
  }

  // MARK: - Functions

  private func call(
    _ name: String,
    _ arguments: [HCLExpression],
    expandsLast: Bool
  ) throws -> HCLValue {
    switch name {
    case "try":
      var fault: any Error = HCLError("try without a value")
      for argument in arguments {
        do {
          return try value(argument)
        } catch {
          fault = error
        }
      }
      throw fault
    case "can":
      guard let argument = arguments.first else { throw HCLError("can without a value") }
      do {
        let value = try value(argument)
        return value.obstacle == nil ? .scalar(true) : value
      } catch {
        return .scalar(false)
      }
    default: break
    }
    var values = try arguments.map(value)
    if expandsLast, let last = values.popLast() {
      if last.obstacle != nil { return last }
      values += try last.asList()
    }
    guard let function = HCLFunction.all[name] else {
      return .unknown("the function \(name) is not known here")
    }
    return try function.call(name, values, self)
  }
}
