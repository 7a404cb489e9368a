import Foundation
import JSON
import Model

extension ReferenceEvaluator {
  func truth(_ leaf: Condition.Leaf, at current: Place) -> Truth {
    var found = read(leaf.property, from: current)
    if let fallback = leaf.fallback, found.places.isEmpty, !found.isIncomplete {
      found = read(fallback, from: current)
    }
    let isList = leaf.property.isMultiple
    let values = operands(leaf.value)
    switch leaf.comparison {
    case .exists: return exists(found, isList)
    case .notExists: return not(exists(found, isList))
    case .isEmpty: return isEmpty(found, isList)
    case .isNotEmpty: return not(isEmpty(found, isList))
    case .isTrue: return some(found) { isBoolean($0, true) }
    case .isFalse: return some(found) { isBoolean($0, false) }
    case .stringNotEquals, .stringNotMatch, .stringNotContains, .numNotEquals:
      guard let twin = leaf.comparison.negated else { preconditionFailure("no twin") }
      return not(some(found) { satisfies($0, twin, values) })
    case .ipsNotInRange:
      // What is no address proves nothing, so unlike its siblings this one is false for it.
      return every(found, true) {
        lies($0, within: ["0.0.0.0/0", "::/0"]) && !overlaps($0, values)
      }
    case .stringsInList, .stringsAllowed:
      return every(found, isList) { value in text(value).map(texts(values).contains) ?? false }
    case .ipsInRange: return every(found, isList) { lies($0, within: values) }
    case .stringsRequired:
      return and([.yes] + texts(values).map { required in some(found) { text($0) == required } })
    default: return some(found) { satisfies($0, leaf.comparison, values) }
    }
  }

  func operands(_ operand: Condition.Operand) -> [JSONValue] {
    switch operand {
    case .none: []
    case .literal(let value): value.array ?? [value]
    case .parameter(let name): parameters[name].map { $0.array ?? [$0] } ?? []
    }
  }

  func exists(_ found: Reading, _ isList: Bool) -> Truth {
    // What `[*]` finds is one list: the elements of the lists found.
    let found = isList ? elements(of: found) : found
    if found.places.contains(where: { $0.value != nil && !$0.isUnread }) { return .yes }
    return found.isIncomplete || found.places.contains(where: \.isUnread) ? .unknown : .no
  }

  func isEmpty(_ found: Reading, _ isList: Bool) -> Truth {
    guard let place = found.places.first else { return found.isIncomplete ? .unknown : .yes }
    if isList { return not(exists(found, isList)) }
    switch place.value {
    case .string(""), .array([]), .object([:]): return place.isDoubtful ? .unknown : .yes
    default: return .no
    }
  }

  /// Whether one element satisfies a test; booleans are sought like strings and numbers.
  func some(_ found: Reading, _ test: (JSONValue) -> Bool) -> Truth {
    let list = elements(of: found)
    let truths = list.places.map { place -> Truth in
      place.isUnread ? .unknown : Truth(place.value.map(test) ?? false)
    }
    return or(truths + (list.isIncomplete ? [.unknown] : []))
  }

  /// Whether there is a property and each of its elements that is not `null` satisfies a test.
  func every(_ found: Reading, _ isList: Bool, _ test: (JSONValue) -> Bool) -> Truth {
    if found.places.isEmpty, !found.isIncomplete, !isList { return .no }
    let list = elements(of: found)
    let truths = list.places.map { place -> Truth in
      place.isUnread ? .unknown : Truth(place.value.map(test) ?? true)
    }
    return and([.yes] + truths + (list.isIncomplete ? [.unknown] : []))
  }

  func satisfies(
    _ value: JSONValue,
    _ comparison: Operator,
    _ operands: [JSONValue]
  ) -> Bool {
    switch comparison {
    case .stringEquals: return text(value).map(texts(operands).contains) ?? false
    case .stringMatch:
      guard let text = text(value) else { return false }
      return texts(operands).contains { matches(text.unicodeScalars[...], $0.unicodeScalars[...]) }
    case .stringContains:
      guard let text = text(value) else { return false }
      return texts(operands).contains { hasPart(Array(text.utf8)[...], Array($0.utf8)[...]) }
    case .daysLessThan, .daysGreaterThan:
      guard let instant = instant(value), let limit = operands.first.flatMap(number) else {
        return false
      }
      let age = now.timeIntervalSince(instant) / 86_400
      return comparison == .daysLessThan ? age < limit : age > limit
    default: return compare(value, comparison, operands)
    }
  }

  func isBoolean(_ value: JSONValue, _ expected: Bool) -> Bool {
    switch value {
    case .bool(let value): value == expected
    case .string(let text): text.lowercased() == (expected ? "true" : "false")
    default: false
    }
  }

  /// The property as string operators see it; nil where it is of another type.
  func text(_ value: JSONValue) -> String? {
    switch value {
    case .string(let text): text
    case .bool, .integer, .number: value.text
    case .null, .array, .object: nil
    }
  }

  func texts(_ operands: [JSONValue]) -> [String] { operands.compactMap(\.string) }

  func matches(
    _ text: Substring.UnicodeScalarView,
    _ pattern: Substring.UnicodeScalarView
  ) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    let rest = pattern.dropFirst()
    if first == "*" {
      return matches(text, rest) || !text.isEmpty && matches(text.dropFirst(), pattern)
    }
    guard let character = text.first else { return false }
    return (first == "?" || first == character) && matches(text.dropFirst(), rest)
  }

  func hasPart(_ text: ArraySlice<UInt8>, _ part: ArraySlice<UInt8>) -> Bool {
    text.starts(with: part) || !text.isEmpty && hasPart(text.dropFirst(), part)
  }
}

// MARK: - Numbers, networks and instants

extension ReferenceEvaluator {
  func compare(
    _ value: JSONValue,
    _ comparison: Operator,
    _ operands: [JSONValue]
  ) -> Bool {
    guard let number = number(value) else { return comparison == .numNotEquals }
    return switch comparison {
    case .numEquals: operands.contains { self.number($0) == number }
    case .numNotEquals: !operands.contains { self.number($0) == number }
    case .numLessThan: operands.contains { self.number($0).map { number < $0 } ?? false }
    case .numLessThanEquals: operands.contains { self.number($0).map { number <= $0 } ?? false }
    case .numGreaterThan: operands.contains { self.number($0).map { number > $0 } ?? false }
    case .numGreaterThanEquals: operands.contains { self.number($0).map { number >= $0 } ?? false }
    default: preconditionFailure("\(comparison) compares no numbers")
    }
  }

  func number(_ value: JSONValue) -> Double? {
    value.double ?? value.string.flatMap(Double.init)
  }

  func networks(_ operands: [JSONValue]) -> [IPNetwork] {
    texts(operands).compactMap(IPNetwork.init)
  }

  func lies(_ value: JSONValue, within operands: [JSONValue]) -> Bool {
    guard let network = value.string.flatMap(IPNetwork.init) else { return false }
    return networks(operands).contains { $0.contains(network) }
  }

  func overlaps(_ value: JSONValue, _ operands: [JSONValue]) -> Bool {
    guard let network = value.string.flatMap(IPNetwork.init) else { return false }
    return networks(operands).contains { $0.overlaps(network) }
  }

  func instant(_ value: JSONValue) -> Date? {
    if let number = number(value) {
      return Date(timeIntervalSince1970: number >= 1e11 ? number / 1000 : number)
    }
    return value.string.flatMap(Self.instant)
  }

  /// Reads an ISO 8601 date, or date and time, of the forms that the generator writes.
  static func instant(_ text: String) -> Date? {
    let date = Date.ISO8601FormatStyle.iso8601.year().month().day()
    let isDay = !text.contains("T")
    let hasZone = text.contains("Z") || text.contains("+")
    if isDay { return text.count == 10 ? try? date.parse(text) : nil }
    if !hasZone { return try? date.time(includingFractionalSeconds: false).parse(text) }
    return try? Date.ISO8601FormatStyle.iso8601.parse(text)
  }
}
