import JSON

extension HCLFunction {
  static let collections: [String: HCLFunction] = [
    "length": HCLFunction(1...1, takesPartsUnknown: true) { values, _ in
      if case .scalar(.string(let text)) = values[0] { return .scalar(.integer(Int64(text.count))) }
      return .scalar(.integer(Int64(try values[0].asList().count)))
    },
    "concat": HCLFunction(any, takesPartsUnknown: true) { values, _ in
      .list(try values.flatMap { try $0.asList() })
    },
    "merge": HCLFunction(any, takesPartsUnknown: true) { values, evaluator in
      var result: [String: HCLValue] = [:]
      for value in values where !value.isNull {
        let members = try value.asObject()
        try evaluator.work.spend(members.count)
        result.merge(members) { $1 }
      }
      return .object(result)
    },
    "lookup": HCLFunction(2...3, takesPartsUnknown: true) { values, _ in
      let members = try values[0].asObject()
      let key = try values[1].asText()
      if let found = members[key] { return found }
      guard values.count == 3 else { throw HCLError("there is no key \(key)") }
      return values[2]
    },
    "element": HCLFunction(2...2, takesPartsUnknown: true) { values, _ in
      let list = try values[0].asList()
      let index = try values[1].asInteger()
      guard !list.isEmpty, index >= 0 else { throw HCLError("there is no element \(index)") }
      return list[index % list.count]
    },
    "index": HCLFunction(2...2) { values, _ in
      let list = try values[0].asList()
      guard let index = list.firstIndex(where: { $0.isEqual(to: values[1]) == true }) else {
        throw HCLError("the list does not hold the value")
      }
      return .scalar(.integer(Int64(index)))
    },
    "contains": HCLFunction(2...2, takesPartsUnknown: true) { values, _ in
      var reason: String?
      for element in try values[0].asList() {
        switch element.isEqual(to: values[1]) {
        case true?: return .scalar(true)
        case false?: continue
        case nil: reason = element.firstReason ?? values[1].firstReason
        }
      }
      return reason.map { .unknown($0) } ?? .scalar(false)
    },
    "keys": HCLFunction(1...1, takesPartsUnknown: true) { values, _ in
      .list(try values[0].asObject().keys.sorted().map { .text($0) })
    },
    "values": HCLFunction(1...1, takesPartsUnknown: true) { values, _ in
      .list(try values[0].asObject().sorted { $0.key < $1.key }.map(\.value))
    },
    "zipmap": HCLFunction(2...2, takesPartsUnknown: true) { values, _ in
      let keys = try values[0].asList()
      let members = try values[1].asList()
      guard keys.count == members.count else { throw HCLError("lists of different lengths") }
      var result: [String: HCLValue] = [:]
      for (key, member) in zip(keys, members) {
        if let reason = key.obstacle { return .unknown(reason) }
        result[try key.asText()] = member
      }
      return .object(result)
    },
    "flatten": HCLFunction(1...1, takesPartsUnknown: true) { values, evaluator in
      var result: [HCLValue] = []
      var reason: String?
      func add(_ value: HCLValue) throws {
        try evaluator.work.spend(1)
        if case .list(let elements) = value {
          for element in elements { try add(element) }
        } else {
          // What is unknown may be a list of any length.
          reason = reason ?? value.obstacle
          result.append(value)
        }
      }
      try add(.list(try values[0].asList()))
      return reason.map { .unknown($0) } ?? .list(result)
    },
    "compact": HCLFunction(1...1) { values, _ in
      .list(try values[0].asList().filter { !$0.isNull && $0.json != "" })
    },
    "distinct": HCLFunction(1...1) { values, _ in
      var seen: Set<JSONValue> = []
      return .list(try values[0].asList().filter { seen.insert($0.json ?? .null).inserted })
    },
    "reverse": HCLFunction(1...1, takesPartsUnknown: true) { values, _ in
      .list(try values[0].asList().reversed())
    },
    "sort": HCLFunction(1...1) { values, _ in
      .list(try values[0].asList().map { try $0.asText() }.sorted().map { .text($0) })
    },
    "slice": HCLFunction(3...3, takesPartsUnknown: true) { values, _ in
      let list = try values[0].asList()
      let (start, end) = (try values[1].asInteger(), try values[2].asInteger())
      guard start >= 0, start <= end, end <= list.count else { throw HCLError("beyond the list") }
      return .list(Array(list[start..<end]))
    },
    "chunklist": HCLFunction(2...2, takesPartsUnknown: true) { values, _ in
      let list = try values[0].asList()
      let size = try values[1].asInteger()
      guard size > 0 else { return .list(list.isEmpty ? [] : [.list(list)]) }
      return .list(
        stride(from: 0, to: list.count, by: size).map {
          .list(Array(list[$0..<min($0 + size, list.count)]))
        }
      )
    },
    "range": HCLFunction(1...3) { values, evaluator in
      let numbers = try values.map { try $0.double }
      let start = numbers.count > 1 ? numbers[0] : 0
      let end = numbers.count > 1 ? numbers[1] : numbers[0]
      let step = numbers.count > 2 ? numbers[2] : end < start ? -1 : 1
      guard step != 0, (end - start) / step <= 1024 else { throw HCLError("more than 1024 values") }
      return .list(stride(from: start, to: end, by: step).map(HCLArithmetic.number))
    },
    "one": HCLFunction(1...1, takesPartsUnknown: true) { values, _ in
      let list = try values[0].asList()
      guard list.count < 2 else { throw HCLError("more than one element") }
      return list.first ?? .null
    },
    "coalesce": HCLFunction(1...Int.max, takesPartsUnknown: true) { values, _ in
      guard let found = values.first(where: { !$0.isNull && $0.json != "" }) else {
        throw HCLError("no argument has a value")
      }
      return found
    },
    "coalescelist": HCLFunction(1...Int.max, takesPartsUnknown: true) { values, _ in
      guard let found = try values.first(where: { try !$0.isNull && !$0.asList().isEmpty }) else {
        throw HCLError("no argument has a value")
      }
      return found
    },
    "alltrue": HCLFunction(1...1) { values, _ in
      .scalar(.bool(try values[0].asList().allSatisfy { try !$0.isNull && $0.asBool() }))
    },
    "anytrue": HCLFunction(1...1) { values, _ in
      .scalar(.bool(try values[0].asList().contains { try !$0.isNull && $0.asBool() }))
    },
  ]

  static let sets: [String: HCLFunction] = [
    "setunion": HCLFunction(1...Int.max) { values, _ in
      .list(try values.flatMap { try $0.asList() }.asSet())
    },
    "setintersection": HCLFunction(1...Int.max) { values, _ in
      let others = try values.dropFirst().map { Set(try $0.asList().map(\.json)) }
      let kept = try values[0].asList().filter { element in
        others.allSatisfy { $0.contains(element.json) }
      }
      return .list(try kept.asSet())
    },
    "setsubtract": HCLFunction(2...2) { values, _ in
      let other = Set(try values[1].asList().map(\.json))
      return .list(try values[0].asList().filter { !other.contains($0.json) }.asSet())
    },
    "setproduct": HCLFunction(1...Int.max, takesPartsUnknown: true) { values, evaluator in
      var result: [[HCLValue]] = [[]]
      for value in values {
        let list = try value.asList()
        let (size, isTooLarge) = result.count.multipliedReportingOverflow(by: max(list.count, 1))
        try evaluator.work.spend(isTooLarge ? Int.max : size)
        result = result.flatMap { head in list.map { head + [$0] } }
      }
      return .list(result.map { .list($0) })
    },
  ]
}
