import JSON

/// A variable's type constraint, by which Terraform converts what is given.
indirect enum TerraformVariableType {
  case any, text, number, bool
  case list(TerraformVariableType)
  case set(TerraformVariableType)
  case map(TerraformVariableType)
  case object([String: (type: TerraformVariableType, isOptional: Bool, fallback: HCLValue?)])
  case tuple([TerraformVariableType])

  /// Reads a constraint; what is not known as one takes anything.
  init(_ expression: HCLExpression, _ evaluator: HCLEvaluator) {
    switch expression.kind {
    case .variable("string"), .literal("string"): self = .text
    case .variable("number"), .literal("number"): self = .number
    case .variable("bool"), .literal("bool"): self = .bool
    case .call("list", let arguments, _) where arguments.count == 1:
      self = .list(Self(arguments[0], evaluator))
    case .call("set", let arguments, _) where arguments.count == 1:
      self = .set(Self(arguments[0], evaluator))
    case .call("map", let arguments, _) where arguments.count == 1:
      self = .map(Self(arguments[0], evaluator))
    case .call("tuple", let arguments, _):
      guard case .tuple(let elements) = arguments.first?.kind else { fallthrough }
      self = .tuple(elements.map { Self($0, evaluator) })
    case .call("object", let arguments, _):
      guard case .object(let members) = arguments.first?.kind else { fallthrough }
      var types: [String: (type: Self, isOptional: Bool, fallback: HCLValue?)] = [:]
      for (key, member) in members {
        guard let name = key.literalText else { continue }
        if case .call("optional", let inner, _) = member.kind, let first = inner.first {
          let fallback = inner.count > 1 ? evaluator.known(inner[1]) : nil
          types[name] = (Self(first, evaluator), true, fallback)
        } else {
          types[name] = (Self(member, evaluator), false, nil)
        }
      }
      self = .object(types)
    default: self = .any
    }
  }

  /// The value as the constraint has it; one that does not fit stays as it is.
  func convert(_ value: HCLValue) -> HCLValue {
    if value.obstacle != nil || value.isNull { return value }
    switch self {
    case .any: return value
    case .text: return (try? value.asText()).map { .text($0) } ?? value
    case .number: return (try? value.asNumber()).map { .scalar($0) } ?? value
    case .bool: return (try? value.asBool()).map { .scalar(.bool($0)) } ?? value
    case .list(let element):
      return (try? value.asList()).map { .list($0.map(element.convert)) } ?? value
    case .set(let element):
      guard let list = (try? value.asList())?.map(element.convert) else { return value }
      // A set with something unknown may hold fewer elements.
      return (try? list.asSet()).map { .list($0) } ?? .list(list)
    case .map(let element):
      return (try? value.asObject()).map { .object($0.mapValues(element.convert)) } ?? value
    case .tuple(let types):
      guard case .list(let elements) = value, elements.count == types.count else { return value }
      return .list(zip(types, elements).map { $0.convert($1) })
    case .object(let types):
      guard let members = try? value.asObject() else { return value }
      var result: [String: HCLValue] = [:]
      for (name, member) in types {
        if let given = members[name], !given.isNull {
          result[name] = member.type.convert(given)
        } else if member.isOptional || members[name] != nil {
          result[name] = member.fallback.map(member.type.convert) ?? .null
        }
      }
      return .object(result)
    }
  }
}
