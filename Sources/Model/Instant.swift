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
    func padded(_ number: Int64, _ width: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let time =
      "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    let fraction = ofDay % 1000 == 0 ? "" : ".\(padded(ofDay % 1000, 3))"
    return "\(Timestamp.day(ofDays: Int(rest < 0 ? days - 1 : days)))T\(time)\(fraction)Z"
  }

  /// The day of the instant in UTC, `YYYY-MM-DD`.
  package var day: String { isNever ? "never" : String(description.prefix(10)) }
}
