/// An instant as milliseconds since 1970-01-01T00:00:00Z.
package struct Instant: Sendable, Hashable, Comparable {
  package var milliseconds: Int64

  package init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// Reads an ISO 8601 day or instant; nil for anything else.
  package init?(_ text: String) {
    guard let seconds = Timestamp.seconds(text) else { return nil }
    milliseconds = Int64((seconds * 1000).rounded())
  }

  /// The end of an interval that has not ended.
  package static let never = Instant(milliseconds: .max)

  /// Whether the instant stands for "not ended".
  package var isNever: Bool { self == .never }

  /// The instant some milliseconds later.
  package func advanced(milliseconds more: Int64) -> Instant {
    let (sum, overflow) = milliseconds.addingReportingOverflow(more)
    return overflow ? .never : Instant(milliseconds: sum)
  }

  /// The instant some days of 86,400 seconds later.
  package func advanced(days: Int) -> Instant {
    let (more, overflow) = Int64(days).multipliedReportingOverflow(by: 86_400_000)
    return overflow ? .never : advanced(milliseconds: more)
  }

  /// Orders by time.
  package static func < (left: Instant, right: Instant) -> Bool {
    left.milliseconds < right.milliseconds
  }
}

extension Instant: CustomStringConvertible {
  /// The instant in ISO 8601 and UTC, with milliseconds where it has some.
  package var description: String {
    if isNever { return "never" }
    let (days, rest) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
    let ofDay = rest < 0 ? rest + 86_400_000 : rest
    let seconds = ofDay / 1000
    var text = Timestamp.day(ofDays: Int(rest < 0 ? days - 1 : days))
    // Lists hold thousands of instants.
    text.reserveCapacity(24)
    func append(_ mark: Unicode.Scalar, _ number: Int64, digits: Int) {
      text.unicodeScalars.append(mark)
      var divisor: Int64 = digits == 3 ? 100 : 10
      while divisor > 0 {
        let digit = UInt8(truncatingIfNeeded: number / divisor % 10)
        text.unicodeScalars.append(Unicode.Scalar(48 + digit))
        divisor /= 10
      }
    }
    append("T", seconds / 3600, digits: 2)
    append(":", seconds / 60 % 60, digits: 2)
    append(":", seconds % 60, digits: 2)
    if ofDay % 1000 != 0 { append(".", ofDay % 1000, digits: 3) }
    return text + "Z"
  }

  /// The day of the instant in UTC, `YYYY-MM-DD`.
  package var day: String { isNever ? "never" : String(description.prefix(10)) }
}
