import JSON
import Model

/// The forms in which instants go over the wire.
enum AWSTimestampForm: String, Sendable, CaseIterable {
  case iso8601
  /// The date of HTTP.
  case rfc822
  /// Seconds since 1970.
  case unixTimestamp
}

/// Instants as AWS writes them, and as we do: ISO 8601 in UTC.
enum AWSTimestamp {
  /// The years 0 to 9999.
  private static let range = -62_167_219_200.0..<253_402_300_800.0

  /// An instant in ISO 8601; a fraction of a second only where there is one.
  ///
  /// - Returns: nil beyond the years that can be written.
  static func text(_ seconds: Double) -> String? {
    guard range.contains(seconds) else { return nil }
    // Services tell microseconds at most, and a double holds no more.
    let micros = Int64((seconds * 1_000_000).rounded())
    let (whole, rest) = micros.quotientAndRemainder(dividingBy: 1_000_000)
    let fraction = rest < 0 ? rest + 1_000_000 : rest
    let instant = Instant(milliseconds: (rest < 0 ? whole - 1 : whole) * 1000).description
    if fraction == 0 { return instant }
    var digits = String(fraction)
    digits = String(repeating: "0", count: 6 - digits.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(instant.dropLast()).\(digits)Z"
  }

  /// Reads a text of any of the forms: services do not keep to the one they announce.
  static func seconds(_ text: String) -> Double? {
    if let number = Double(text) { return number.isFinite ? number : nil }
    if let seconds = Timestamp.seconds(text) { return seconds }
    return fromHTTP(text)
  }

  /// Reads a number or a text.
  static func seconds(_ value: JSONValue) -> Double? {
    value.double ?? value.string.flatMap(seconds)
  }

  /// Reads `Sun, 06 Nov 1994 08:49:37.5 GMT`.
  private static func fromHTTP(_ text: String) -> Double? {
    var words = text.split(separator: " ")
    guard words.count == 6 else { return nil }
    let parts = words[4].split(separator: ".", omittingEmptySubsequences: false)
    words[4] = parts[0]
    guard let instant = HTTPDate.instant(words.joined(separator: " ")), parts.count < 3,
      let fraction = parts.count == 2 ? Double("0.\(parts[1])") : 0
    else { return nil }
    return Double(instant.milliseconds / 1000) + fraction
  }

  private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// The date of HTTP, which has no fraction of a second.
  static func http(_ seconds: Double) -> String? {
    let whole = seconds.rounded(.down)
    guard let text = text(whole), let month = Int(text.dropFirst(5).prefix(2)) else { return nil }
    let day = (Int((whole / 86_400).rounded(.down)) % 7 + 7) % 7
    let time = text.dropFirst(11).prefix(8)
    return "\(days[day]), \(text.dropFirst(8).prefix(2)) \(months[month - 1]) \(text.prefix(4)) "
      + "\(time) GMT"
  }
}
