import CSimdjson
import JSON
import Model

/// A test with its field resolved to a slot and its pattern made ready.
@safe struct CompiledTest {
  enum Kind {
    case text(TextMatcher)
    case number(Double, TextMatcher)
    case bool(Bool, TextMatcher)
    case null
    case exists(Bool)
    case regex(Regex)
    case network(IPNetwork)
    case order(SigmaTest.Order, Double)
    case time(SigmaTest.TimePart, SigmaTest.Order, Double)
    case field(Int, SigmaTest.FieldRelation, isCased: Bool)
  }

  /// The field's slot; nil looks at every text of the event, keys included.
  let slot: Int?
  let kind: Kind

  init(_ test: SigmaTest, slot: (String) -> Int) {
    self.slot = test.field.map(slot)
    switch test.comparison {
    case .text(let pattern, let isCased):
      kind = .text(TextMatcher(pattern, isCased: isCased))
    case .number(let number, let text):
      let literal = SigmaPattern(literal: Array(text.utf8))
      unsafe kind = .number(number, TextMatcher(literal, isCased: false))
    case .bool(let flag):
      let literal = SigmaPattern(literal: Array(flag ? "true".utf8 : "false".utf8))
      unsafe kind = .bool(flag, TextMatcher(literal, isCased: false))
    case .null: kind = .null
    case .exists(let flag): kind = .exists(flag)
    case .regex(let regex): kind = .regex(regex)
    case .network(let network): kind = .network(network)
    case .order(let order, let number): unsafe kind = .order(order, number)
    case .time(let part, let order, let number): unsafe kind = .time(part, order, number)
    case .field(let other, let relation, let isCased):
      unsafe kind = .field(slot(other), relation, isCased: isCased)
    }
  }

  func holds(_ event: EventFields) -> Bool {
    guard let slot = slot else { return holdsAnywhere(event) }
    switch kind {
    case .null: return !event.has(slot)
    case .exists(let flag): return event.has(slot) == flag
    case .field(let other, let relation, let isCased):
      return event.any(slot) { place in
        event.any(other) { otherPlace in
          Self.relates(event, place, otherPlace, relation, isCased)
        }
      }
    default: return event.any(slot) { place in holds(event, at: place) }
    }
  }

  /// Whether the value at a place meets the test.
  private func holds(_ event: EventFields, at place: Int) -> Bool {
    let tape = unsafe event.tape
    let type = unsafe tape.kind(place)
    switch kind {
    case .text(let matcher):
      // A whole list or object is compared as JSON text, and only with a pattern.
      if matcher.isExact, type == .object || type == .array { return false }
      return unsafe event.withText(place) { unsafe matcher.matches($0) }
    case .number(let number, let matcher):
      if type == .string { return unsafe event.withText(place) { unsafe matcher.matches($0) } }
      return event.number(place) == number
    case .bool(let flag, let matcher):
      if type == .string { return unsafe event.withText(place) { unsafe matcher.matches($0) } }
      return type == (flag ? .yes : .no)
    case .regex(let regex): return unsafe event.withText(place) { unsafe regex.matches($0) }
    case .network(let network):
      guard type == .string else { return false }
      return unsafe event.withText(place) { text in
        guard text.count <= 60, let address = unsafe IPNetwork(utf8: text) else { return false }
        return network.contains(address)
      }
    case .order(let order, let number):
      return event.number(place).map { order.holds($0, number) } ?? false
    case .time(let part, let order, let number):
      return event.seconds(place).map { order.holds(part.of($0), number) } ?? false
    case .null, .exists, .field: return false
    }
  }

  private func holdsAnywhere(_ event: EventFields) -> Bool {
    let tape = unsafe event.tape
    let end = unsafe tape.next(tape.root)
    var place = unsafe tape.root
    while place < end {
      switch unsafe tape.kind(place) {
      case .string: if holds(event, at: place) { return true }
      case .int64, .uint64, .double:
        if holds(event, at: place) { return true }
        place += 1
      default: break
      }
      place += 1
    }
    return false
  }

  private static func relates(
    _ event: EventFields,
    _ place: Int,
    _ other: Int,
    _ relation: SigmaTest.FieldRelation,
    _ isCased: Bool
  ) -> Bool {
    unsafe event.withText(other) { wanted in
      let bytes = unsafe wanted.map { isCased ? $0 : asciiFold($0) }
      return unsafe event.withText(place) { text in
        switch relation {
        case .equal:
          return unsafe text.count == bytes.count
            && find(bytes, in: text, from: 0, isCased: isCased) == 0
        case .contains: return unsafe find(bytes, in: text, from: 0, isCased: isCased) != nil
        case .startsWith:
          guard text.count >= bytes.count else { return false }
          let head = unsafe UnsafeBufferPointer(rebasing: text[..<bytes.count])
          return unsafe find(bytes, in: head, from: 0, isCased: isCased) != nil
        case .endsWith:
          guard text.count >= bytes.count else { return false }
          let tail = unsafe UnsafeBufferPointer(rebasing: text[(text.count - bytes.count)...])
          return unsafe find(bytes, in: tail, from: 0, isCased: isCased) != nil
        }
      }
    }
  }
}

extension SigmaTest.TimePart {
  /// The part of an instant, given in seconds, in UTC.
  func of(_ seconds: Double) -> Double {
    // Outside these years an instant is no clock's.
    guard seconds.isFinite, abs(seconds) < 1e12 else { return -1 }
    let whole = Int(seconds.rounded(.down))
    let days = Int((Double(whole) / 86_400).rounded(.down))
    let ofDay = whole - days * 86_400
    switch self {
    case .minute: return Double(ofDay / 60 % 60)
    case .hour: return Double(ofDay / 3600)
    case .week: return Double(Self.week(days))
    case .day, .month, .year:
      let date = Self.date(days)
      return Double(self == .day ? date.day : self == .month ? date.month : date.year)
    }
  }

  /// The civil date of days since 1970-01-01; Howard Hinnant's `civil_from_days`.
  private static func date(_ count: Int) -> (year: Int, month: Int, day: Int) {
    let days = count + 719_468
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }

  /// The number of the ISO 8601 week: that of the year which holds the week's Thursday.
  private static func week(_ days: Int) -> Int {
    let weekday = ((days + 3) % 7 + 7) % 7
    let thursday = days - weekday + 3
    var start = thursday
    let year = date(thursday).year
    while date(start - 1).year == year { start -= 1 }
    return (thursday - start) / 7 + 1
  }
}
