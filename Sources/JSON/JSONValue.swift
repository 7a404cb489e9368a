/// A JSON value that owns its memory.
///
/// Whole numbers that fit keep their exact value; every other number is a `Double`.
package enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// The member of an object under a key, or nil where this is no object or holds no such key.
  package subscript(key: String) -> JSONValue? {
    if case .object(let object) = self { return object[key] }
    return nil
  }

  /// The elements of an array, or nil.
  package var array: [JSONValue]? {
    if case .array(let elements) = self { return elements }
    return nil
  }

  /// The members of an object, or nil.
  package var object: JSONObject? {
    if case .object(let object) = self { return object }
    return nil
  }

  /// The text of a string, or nil.
  package var string: String? {
    if case .string(let text) = self { return text }
    return nil
  }

  /// The value of a boolean, or nil.
  package var bool: Bool? {
    if case .bool(let value) = self { return value }
    return nil
  }

  /// The number as a double, or nil where this is no number.
  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The number as an integer, or nil where this is no whole number that fits.
  package var whole: Int? { double.flatMap { Int(exactly: $0) } }

  /// Whether this is JSON's `null`.
  package var isNull: Bool {
    if case .null = self { return true }
    return false
  }
}

/// An object's members in the order in which they were written.
///
/// Reading a member scans the keys: configurations' objects are small.
package struct JSONObject: Sendable, Hashable {
  /// Keys and values, in order; a key stands once.
  package private(set) var members: [(key: String, value: JSONValue)]

  /// An object of the members given, of which a repeated key keeps the last value.
  package init(_ members: [(key: String, value: JSONValue)] = []) {
    // Most are without repeated keys, which a set finds out at once.
    if members.count < 17 || Set(members.map(\.key)).count < members.count {
      self.members = []
      for (key, value) in members { self[key] = value }
    } else {
      self.members = members
    }
  }

  /// An object of members whose keys are known to differ.
  package init(unique members: [(key: String, value: JSONValue)]) { self.members = members }

  /// The value under a key; setting nil removes the member.
  package subscript(key: String) -> JSONValue? {
    get { members.first { $0.key == key }?.value }
    set {
      let place = members.firstIndex { $0.key == key }
      switch (place, newValue) {
      case (let place?, let value?): members[place].value = value
      case (let place?, nil): members.remove(at: place)
      case (nil, let value?): members.append((key, value))
      case (nil, nil): break
      }
    }
  }

  /// Whether there is no member.
  package var isEmpty: Bool { members.isEmpty }

  /// Objects are equal when they hold the same members in any order.
  package static func == (left: Self, right: Self) -> Bool {
    left.members.count == right.members.count
      && left.members.allSatisfy { right[$0.key] == $0.value }
  }

  /// Hashes the members regardless of their order.
  package func hash(into hasher: inout Hasher) {
    var sum = 0
    for (key, value) in members {
      var one = Hasher()
      one.combine(key)
      one.combine(value)
      sum ^= one.finalize()
    }
    hasher.combine(sum)
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// An object of the members written out, in their order.
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init(elements.map { (key: $0.0, value: $0.1) })
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A JSON string.
  package init(stringLiteral value: String) { self = .string(value) }
  /// A whole JSON number.
  package init(integerLiteral value: Int64) { self = .integer(value) }
  /// A JSON boolean.
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A JSON array.
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// A JSON object whose members keep the order written.
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements.map { (key: $0.0, value: $0.1) }))
  }
}

extension JSONValue {
  /// The value with `7.0` as `7`, which JSON Schema takes for the same.
  package var withWholeNumbers: JSONValue {
    guard hasWholeFraction else { return self }
    return switch self {
    case .number(let number): Int64(exactly: number).map { .integer($0) } ?? self
    case .array(let elements): .array(elements.map(\.withWholeNumbers))
    case .object(let object):
      .object(JSONObject(unique: object.members.map { ($0.key, $0.value.withWholeNumbers) }))
    default: self
    }
  }

  /// Whether a number in it is whole and written with a fraction; most values have none.
  private var hasWholeFraction: Bool {
    switch self {
    case .number(let number): Int64(exactly: number) != nil
    case .array(let elements): elements.contains(where: \.hasWholeFraction)
    case .object(let object): object.members.contains { $0.value.hasWholeFraction }
    default: false
    }
  }
}
