/// Instants as seconds since 1970-01-01T00:00:00Z.
package enum Timestamp {
  /// Reads an ISO 8601 date or date and time; a time without a zone is UTC.
  ///
  /// - Returns: nil for anything else.
  package static func seconds(_ text: String) -> Double? {
    var text = text
    return text.withUTF8 { unsafe seconds($0) }
  }

  /// The day of an instant in UTC, `YYYY-MM-DD`; the text's own first ten characters where it is none.
  package static func day(_ text: String) -> String {
    guard let seconds = seconds(text) else { return String(text.prefix(10)) }
    return day(ofDays: Int((seconds / 86_400).rounded(.down)))
  }

  /// The day that lies some days after 1970-01-01, `YYYY-MM-DD`.
  ///
  /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
  static func day(ofDays count: Int) -> String {
    let days = count + 719_468
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shifted + 2) / 5 + 1
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func padded(_ number: Int, _ width: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// A number as an instant: milliseconds from 1e11 on, else seconds.
  package static func seconds(_ number: Double) -> Double {
    abs(number) >= 1e11 ? number / 1000 : number
  }

  /// Reads an instant from UTF-8 bytes, as ``seconds(_:)-(String)`` does.
  package static func seconds(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
    var reader = unsafe Reader(text: text)
    guard let year = unsafe reader.digits(4), unsafe reader.take(0x2D),
      let month = unsafe reader.digits(2), unsafe reader.take(0x2D),
      let day = unsafe reader.digits(2), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let start = Double(days(year, month, day)) * 86_400
    if unsafe reader.isAtEnd { return start }
    guard unsafe reader.take(0x54) || reader.take(0x74) || reader.take(0x20),
      let hour = unsafe reader.digits(2), unsafe reader.take(0x3A),
      let minute = unsafe reader.digits(2), hour < 25, minute < 60
    else { return nil }
    var second = 0.0
    if unsafe reader.take(0x3A) {
      guard let whole = unsafe reader.digits(2), whole < 61 else { return nil }
      second = Double(whole)
      if unsafe reader.take(0x2E) {
        guard let fraction = unsafe reader.fraction() else { return nil }
        second += fraction
      }
    }
    guard let offset = unsafe reader.zone(), unsafe reader.isAtEnd else { return nil }
    return start + Double(hour * 3600 + minute * 60) + second - offset
  }

  /// Days from 1970-01-01 in the proleptic Gregorian calendar.
  ///
  /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let era = (year >= 0 ? year : year - 399) / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  @unsafe private struct Reader {
    let text: UnsafeBufferPointer<UInt8>
    var position = 0

    init(text: UnsafeBufferPointer<UInt8>) { unsafe self.text = text }

    var isAtEnd: Bool { unsafe position == text.count }

    mutating func take(_ byte: UInt8) -> Bool {
      guard unsafe position < text.count, unsafe text[position] == byte else { return false }
      unsafe position += 1
      return true
    }

    mutating func digits(_ count: Int) -> Int? {
      guard unsafe position + count <= text.count else { return nil }
      var number = 0
      for _ in 0..<count {
        let digit = unsafe text[position]
        guard (0x30...0x39).contains(digit) else { return nil }
        number = number * 10 + Int(digit - 0x30)
        unsafe position += 1
      }
      return number
    }

    mutating func fraction() -> Double? {
      var scale = 0.1
      var value = 0.0
      let start = unsafe position
      while unsafe position < text.count, unsafe (0x30...0x39).contains(text[position]) {
        value += unsafe Double(text[position] - 0x30) * scale
        scale /= 10
        unsafe position += 1
      }
      return unsafe position > start ? value : nil
    }

    /// The zone's offset in seconds; nothing at all is UTC.
    mutating func zone() -> Double? {
      if unsafe isAtEnd || take(0x5A) || take(0x7A) { return 0 }
      let sign: Double
      if unsafe take(0x2B) {
        sign = 1
      } else if unsafe take(0x2D) {
        sign = -1
      } else {
        return nil
      }
      guard let hours = unsafe digits(2) else { return nil }
      _ = unsafe take(0x3A)
      let minutes = unsafe isAtEnd ? 0 : digits(2)
      guard let minutes else { return nil }
      return sign * Double(hours * 3600 + minutes * 60)
    }
  }
}
