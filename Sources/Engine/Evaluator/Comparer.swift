import Foundation
import CSimdjson
import JSON
import Model

/// Compares values on a tape by the operators, negations left out (docs/rules.md has the meaning).
@safe struct Comparer {
  let tape: Tape
  /// The instant of judgement in seconds since 1970.
  let now: Double
  let values: ValueTables

  /// Whether the operator is true of an absent property.
  func isAbsentTrue(_ comparison: Operator) -> Bool {
    comparison == .isEmpty || comparison == .ipsNotInRange
  }

  func isNull(_ place: Int) -> Bool { unsafe tape.kind(place) == .null }

  /// Compares one value that is there.
  func compare(_ place: Int, _ comparison: Operator, _ operand: OperandValue) -> Bool {
    let kind = unsafe tape.kind(place)
    if kind == .null { return isAbsentTrue(comparison) }
    switch comparison {
    case .exists: return true
    case .isEmpty: return isEmpty(place, kind)
    case .isTrue: return kind == .yes || kind == .string && isWord("true", place)
    case .isFalse: return kind == .no || kind == .string && isWord("false", place)
    case .stringEquals, .stringsInList, .stringsAllowed:
      return unsafe withText(place, kind) { text in
        unsafe anyText(operand) { unsafe Self.equal($0, text) }
      }
    case .stringMatch:
      return unsafe withText(place, kind) { text in
        unsafe anyText(operand) { unsafe Wildcard.matches(text, pattern: $0) }
      }
    case .stringContains:
      return unsafe withText(place, kind) { text in
        unsafe anyText(operand) { unsafe Self.contains(text, $0) }
      }
    case .stringsRequired:
      return unsafe withText(place, kind) { text in
        unsafe !anyText(operand) { unsafe !Self.equal($0, text) }
      }
    case .ipsInRange:
      guard let network = network(place, kind) else { return false }
      return operand.networks.indices.contains { values.networks[$0].contains(network) }
    case .ipsNotInRange:
      guard let network = network(place, kind) else { return false }
      return !operand.networks.indices.contains { values.networks[$0].overlaps(network) }
    case .daysLessThan, .daysGreaterThan:
      guard let instant = instant(place, kind), operand.numbers.count > 0 else {
        return false
      }
      let limit = values.numbers[operand.numbers.start]
      let age = (now - instant) / 86_400
      return comparison == .daysLessThan ? age < limit : age > limit
    default:
      guard let number = number(place, kind) else { return false }
      return truth(comparison, from: number, to: number, operand) == .yes
    }
  }

  /// Compares the values of a list, of which there may be more.
  func compareList(
    _ entries: ArraySlice<Evaluator.Entry>,
    isOpen: Bool,
    _ comparison: Operator,
    _ operand: OperandValue
  ) -> Truth {
    let otherwise: Truth = isOpen ? .unknown : .no
    func each(_ body: (Int) -> Bool) -> Bool { entries.allSatisfy { body(Int($0.place)) } }
    switch comparison {
    case .isEmpty: return entries.isEmpty ? (isOpen ? .unknown : .yes) : .no
    case .exists: return entries.isEmpty ? otherwise : .yes
    case .stringsInList, .stringsAllowed, .ipsInRange, .ipsNotInRange:
      guard each({ compare($0, comparison, operand) }) else { return .no }
      return isOpen ? .unknown : .yes
    case .stringsRequired:
      if entries.isEmpty && isOpen { return .unknown }
      let lacksOne = unsafe anyText(operand) { wanted in
        !entries.contains { entry in
          let place = Int(entry.place)
          return unsafe withText(place, tape.kind(place)) { unsafe Self.equal(wanted, $0) }
        }
      }
      return lacksOne ? otherwise : .yes
    default:
      return entries.contains { compare(Int($0.place), comparison, operand) }
        ? .yes : otherwise
    }
  }

  private func isEmpty(_ place: Int, _ kind: TapeKind) -> Bool {
    switch kind {
    case .string: unsafe tape.bytes(place).isEmpty
    case .object, .array: unsafe tape.end(place) == place + 1
    default: false
    }
  }

  private func isWord(_ word: StaticString, _ place: Int) -> Bool {
    let text = unsafe tape.bytes(place)
    guard text.count == word.utf8CodeUnitCount else { return false }
    for index in 0..<text.count where unsafe text[index] | 0x20 != word.utf8Start[index] {
      return false
    }
    return true
  }

  /// Lends out the text of a string, a number or a boolean; false for anything else.
  private func withText(
    _ place: Int,
    _ kind: TapeKind,
    _ body: (UnsafeBufferPointer<UInt8>) -> Bool
  ) -> Bool {
    var text: String
    switch kind {
    case .string: return unsafe body(tape.bytes(place))
    case .yes: text = "true"
    case .no: text = "false"
    case .int64: text = unsafe String(tape.int64(place))
    case .uint64, .double:
      var writer = JSONWriter()
      writer.number(unsafe tape.number(place) ?? 0)
      text = writer.text
    default: return false
    }
    return text.withUTF8 { unsafe body($0) }
  }

  private func number(_ place: Int, _ kind: TapeKind) -> Double? {
    kind == .string ? unsafe Self.decimal(tape.bytes(place)) : unsafe tape.number(place)
  }

  private func network(_ place: Int, _ kind: TapeKind) -> IPNetwork? {
    kind == .string ? unsafe IPNetwork(utf8: tape.bytes(place)) : nil
  }

  private func instant(_ place: Int, _ kind: TapeKind) -> Double? {
    if kind == .string {
      return unsafe Timestamp.seconds(tape.bytes(place))
        ?? Self.decimal(tape.bytes(place)).map(Timestamp.seconds)
    }
    return unsafe tape.number(place).map(Timestamp.seconds)
  }

  /// Whether some string of an operator's value meets a test.
  @inline(__always)
  private func anyText(
    _ operand: OperandValue,
    _ test: (UnsafeBufferPointer<UInt8>) -> Bool
  ) -> Bool {
    for index in operand.strings.indices
    where unsafe test(values.text(values.strings[index])) {
      return true
    }
    return false
  }

  /// A numeric comparison of a number that is only known to lie between two bounds.
  func truth(
    _ comparison: Operator,
    from lowest: Double,
    to highest: Double,
    _ operand: OperandValue
  ) -> Truth {
    func between(_ isTrueForLowest: Bool, _ isTrueForHighest: Bool) -> Truth {
      isTrueForLowest == isTrueForHighest ? Truth(isTrueForLowest) : .unknown
    }
    let numbers = operand.numbers.indices
    guard let first = numbers.first.map({ values.numbers[$0] }) else { return .no }
    switch comparison {
    case .numEquals, .numNotEquals:
      let isReached = numbers.contains {
        lowest <= values.numbers[$0] && values.numbers[$0] <= highest
      }
      let equal: Truth = !isReached ? .no : lowest == highest ? .yes : .unknown
      return comparison == .numEquals ? equal : !equal
    case .numLessThan: return between(lowest < first, highest < first)
    case .numLessThanEquals: return between(lowest <= first, highest <= first)
    case .numGreaterThan: return between(lowest > first, highest > first)
    default: return between(lowest >= first, highest >= first)
    }
  }

  /// The number that a text holds, written as JSON writes numbers.
  static func decimal(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    for index in 0..<text.count {
      switch unsafe text[index] {
      case 0x30...0x39, 0x2B, 0x2D, 0x2E, 0x45, 0x65: continue
      default: return nil
      }
    }
    let number = unsafe Double(String(decoding: text, as: UTF8.self))
    return number.flatMap { $0.isFinite ? $0 : nil }
  }

  @inline(__always)
  static func equal(
    _ left: UnsafeBufferPointer<UInt8>,
    _ right: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    guard left.count == right.count else { return false }
    guard let one = left.baseAddress, let other = right.baseAddress else { return true }
    return unsafe memcmp(one, other, left.count) == 0
  }

  private static func contains(
    _ text: UnsafeBufferPointer<UInt8>,
    _ part: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    guard part.count > 0 else { return true }
    let first = unsafe part[0]
    guard text.count >= part.count else { return false }
    for start in 0...(text.count - part.count) where unsafe text[start] == first {
      var same = true
      for offset in 1..<max(part.count, 1) where unsafe text[start + offset] != part[offset] {
        same = false
        break
      }
      if same { return true }
    }
    return false
  }
}
