import JSON

/// A function of Terraform's language.
struct HCLFunction: Sendable {
  /// How many arguments it takes.
  let count: ClosedRange<Int>
  /// Whether parts of the arguments may be unknown; else they make the result unknown.
  let takesPartsUnknown: Bool
  let body: @Sendable ([HCLValue], HCLEvaluator) throws -> HCLValue

  init(
    _ count: ClosedRange<Int>,
    takesPartsUnknown: Bool = false,
    _ body: @escaping @Sendable ([HCLValue], HCLEvaluator) throws -> HCLValue
  ) {
    self.count = count
    self.takesPartsUnknown = takesPartsUnknown
    self.body = body
  }

  /// Calls it; what takes any argument sees unknown ones by itself.
  func call(_ name: String, _ values: [HCLValue], _ evaluator: HCLEvaluator) throws -> HCLValue {
    guard count.contains(values.count) else {
      throw HCLError("\(name) does not take \(values.count) arguments")
    }
    for value in values {
      if let reason = takesPartsUnknown ? value.obstacle : value.firstReason {
        return .unknown(reason)
      }
    }
    do {
      let result = try body(values, evaluator)
      try evaluator.work.spend(result.size)
      return result
    } catch let error as HCLError {
      throw HCLError("\(name): \(error)")
    }
  }

  static let any = 0...Int.max

  /// The functions by name; those left out are unknown, as are those that differ from run to run.
  static let all: [String: HCLFunction] = [
    texts, numbers, collections, sets, conversions, encodings, files, networks,
  ].reduce(into: [:]) { all, group in all.merge(group) { first, _ in first } }

  // MARK: - Numbers

  private static let numbers: [String: HCLFunction] = [
    "abs": HCLFunction(1...1) { values, _ in
      HCLArithmetic.number(abs(try values[0].double))
    },
    "ceil": HCLFunction(1...1) { values, _ in
      HCLArithmetic.number(try values[0].double.rounded(.up))
    },
    "floor": HCLFunction(1...1) { values, _ in
      HCLArithmetic.number(try values[0].double.rounded(.down))
    },
    "max": HCLFunction(1...Int.max) { values, _ in
      HCLArithmetic.number(try values.map { try $0.double }.max() ?? 0)
    },
    "min": HCLFunction(1...Int.max) { values, _ in
      HCLArithmetic.number(try values.map { try $0.double }.min() ?? 0)
    },
    "signum": HCLFunction(1...1) { values, _ in
      HCLArithmetic.number(Double(try values[0].double.signOf))
    },
    "parseint": HCLFunction(2...2) { values, _ in
      let radix = try values[1].asInteger()
      guard (2...36).contains(radix), let value = Int64(try values[0].asText(), radix: radix) else {
        throw HCLError("not a number of that base")
      }
      return .scalar(.integer(value))
    },
    "sum": HCLFunction(1...1) { values, _ in
      let list = try values[0].asList()
      guard let first = list.first else { throw HCLError("an empty list has no sum") }
      return try list.dropFirst().reduce(first) { try HCLArithmetic.apply(.plus, $0, $1) }
    },
  ]

  // MARK: - Conversions

  private static let conversions: [String: HCLFunction] = [
    "tostring": HCLFunction(1...1) { values, _ in
      values[0].isNull ? .null : .text(try values[0].asText())
    },
    "tonumber": HCLFunction(1...1) { values, _ in
      values[0].isNull ? .null : .scalar(try values[0].asNumber())
    },
    "tobool": HCLFunction(1...1) { values, _ in
      values[0].isNull ? .null : .scalar(.bool(try values[0].asBool()))
    },
    "tolist": HCLFunction(1...1, takesPartsUnknown: true) { values, _ in
      values[0].isNull ? .null : .list(try values[0].asList())
    },
    "tomap": HCLFunction(1...1, takesPartsUnknown: true) { values, _ in
      values[0].isNull ? .null : .object(try values[0].asObject())
    },
    "toset": HCLFunction(1...1) { values, _ in
      values[0].isNull ? .null : .list(try values[0].asList().asSet())
    },
    "sensitive": HCLFunction(1...1) { _, _ in .unknown("sensitive") },
    "nonsensitive": HCLFunction(1...1) { values, _ in values[0] },
  ]
}

extension HCLValue {
  var double: Double {
    get throws { try asNumber().double ?? 0 }
  }

  /// How much there is of the value itself.
  fileprivate var size: Int {
    switch self {
    case .scalar(.string(let text)): text.utf8.count
    case .list(let elements): elements.count
    case .object(let members): members.count
    default: 1
    }
  }
}

extension Double {
  fileprivate var signOf: Int { self > 0 ? 1 : self < 0 ? -1 : 0 }
}

extension [HCLValue] {
  /// The elements in the order of a set, each once; all must be known.
  func asSet() throws -> [HCLValue] {
    var seen: Set<JSONValue> = []
    var elements: [(key: JSONValue, value: HCLValue)] = []
    for element in self {
      guard let json = element.json else { throw HCLError("an element of a set is not known") }
      if seen.insert(json).inserted { elements.append((json, element)) }
    }
    return elements.sorted { left, right in
      if let one = left.key.double, let other = right.key.double { return one < other }
      return (left.key.string ?? left.key.text) < (right.key.string ?? right.key.text)
    }.map(\.value)
  }
}
