import JSON

/// What an expression comes to; parts may be unknown, with the reason.
enum HCLValue {
  /// Null, a boolean, a number or a text.
  case scalar(JSONValue)
  case list([HCLValue])
  /// Members have no order of their own: Terraform goes through them by key.
  case object([String: HCLValue])
  case unknown(String)
  /// Something whose attributes are worked out when they are asked for, such as a resource.
  case instance(any HCLInstance)

  static var null: HCLValue { .scalar(.null) }

  static func text(_ text: String) -> HCLValue { .scalar(.string(text)) }
}

/// What has attributes that expressions may ask for.
protocol HCLInstance: AnyObject {
  func attribute(_ name: String) throws -> HCLValue
}

/// Why an expression has no value.
struct HCLError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}

extension HCLValue {
  init(_ json: JSONValue) {
    switch json {
    case .array(let elements): self = .list(elements.map(HCLValue.init))
    case .object(let object):
      self = .object(
        Dictionary(object.members.map { ($0.key, HCLValue($0.value)) }) { _, last in last }
      )
    default: self = .scalar(json)
    }
  }

  /// Why the value itself is unknown; nil where it is known, though parts may not be.
  var obstacle: String? {
    if case .unknown(let reason) = self { return reason }
    return nil
  }

  var isNull: Bool {
    if case .scalar(.null) = self { return true }
    return false
  }

  /// Why some part is unknown; nil where all is known.
  var firstReason: String? {
    switch self {
    case .unknown(let reason): reason
    case .list(let elements): elements.lazy.compactMap(\.firstReason).first
    case .object(let members):
      members.lazy.compactMap { key, value in value.firstReason.map { (key, $0) } }
        .min { $0.0 < $1.0 }?.1
    case .instance: HCLValue.afterApply
    case .scalar: nil
    }
  }

  /// The reason that plans give.
  static let afterApply = "known after apply"

  /// The value as JSON, members by key; nil where some part is unknown.
  var json: JSONValue? {
    switch self {
    case .scalar(let value): return value
    case .list(let elements):
      var values: [JSONValue] = []
      for element in elements {
        guard let value = element.json else { return nil }
        values.append(value)
      }
      return .array(values)
    case .object(let members):
      var values: [(key: String, value: JSONValue)] = []
      for (key, member) in members.sorted(by: { $0.key < $1.key }) {
        guard let value = member.json else { return nil }
        values.append((key, value))
      }
      return .object(JSONObject(values))
    case .unknown, .instance: return nil
    }
  }

  /// The value and, of the same shape, what of it is unknown, as plans tell the two apart.
  var planned: (value: JSONValue, unknown: JSONValue?) {
    switch self {
    case .scalar(let value): return (value, nil)
    case .unknown(let reason): return (.null, .string(reason))
    case .instance: return (.null, .string(Self.afterApply))
    case .list(let elements):
      let parts = elements.map(\.planned)
      let isKnown = parts.allSatisfy { $0.unknown == nil }
      return (
        .array(parts.map(\.value)), isKnown ? nil : .array(parts.map { $0.unknown ?? false })
      )
    case .object(let members):
      var values: [(key: String, value: JSONValue)] = []
      var unknown: [(key: String, value: JSONValue)] = []
      for (key, member) in members.sorted(by: { $0.key < $1.key }) {
        let part = member.planned
        if let mark = part.unknown { unknown.append((key, mark)) }
        if part.unknown?.string == nil { values.append((key, part.value)) }
      }
      return (
        .object(JSONObject(values)), unknown.isEmpty ? nil : .object(JSONObject(unknown))
      )
    }
  }

  // MARK: - Conversions

  /// The text that a template makes of the value.
  func asText() throws -> String {
    switch self {
    case .scalar(.string(let text)): return text
    case .scalar(.null): throw HCLError("null where a text is expected")
    case .scalar(let value): return value.text
    default: throw HCLError("\(noun) where a text is expected")
    }
  }

  /// The truth that a condition makes of the value.
  func asBool() throws -> Bool {
    switch self {
    case .scalar(.bool(let flag)): return flag
    case .scalar("true"): return true
    case .scalar("false"): return false
    default: throw HCLError("\(noun) where true or false is expected")
    }
  }

  /// The number that arithmetic makes of the value.
  func asNumber() throws -> JSONValue {
    switch self {
    case .scalar(.integer), .scalar(.number):
      if case .scalar(let value) = self { return value }
    case .scalar(.string(let text)):
      if let whole = Int64(text) { return .integer(whole) }
      let isDecimal = text.utf8.allSatisfy { (0x2B...0x39).contains($0) || $0 | 0x20 == 0x65 }
      if isDecimal, let number = Double(text) { return .number(number) }
    default: break
    }
    throw HCLError("\(noun) where a number is expected")
  }

  func asInteger() throws -> Int {
    guard let whole = try asNumber().whole else { throw HCLError("expected a whole number") }
    return whole
  }

  func asList() throws -> [HCLValue] {
    switch self {
    case .list(let elements): return elements
    case .object(let members): return members.sorted { $0.key < $1.key }.map(\.value)
    default: throw HCLError("\(noun) where a list is expected")
    }
  }

  func asObject() throws -> [String: HCLValue] {
    guard case .object(let members) = self else {
      throw HCLError("\(noun) where an object is expected")
    }
    return members
  }

  /// The kind of the value, in words.
  private var noun: String {
    switch self {
    case .scalar(.null): "null"
    case .scalar(.bool): "a boolean"
    case .scalar(.integer), .scalar(.number): "a number"
    case .scalar: "a text"
    case .list: "a list"
    case .object: "an object"
    case .unknown: "something unknown"
    case .instance: "a resource"
    }
  }

  /// Whether two values are equal; nil where that is unknown.
  func isEqual(to other: HCLValue) -> Bool? {
    switch (self, other) {
    case (.unknown, _), (_, .unknown), (.instance, _), (_, .instance): return nil
    case (.scalar(let left), .scalar(let right)):
      if let left = left.double, let right = right.double { return left == right }
      return left == right
    case (.list(let left), .list(let right)):
      guard left.count == right.count else { return false }
      return Self.all(zip(left, right).map { $0.isEqual(to: $1) })
    case (.object(let left), .object(let right)):
      guard Set(left.keys) == Set(right.keys) else { return false }
      return Self.all(left.map { key, value in right[key].flatMap { value.isEqual(to: $0) } })
    default: return false
    }
  }

  private static func all(_ parts: [Bool?]) -> Bool? {
    if parts.contains(false) { return false }
    return parts.contains(nil) ? nil : true
  }
}
