import ArgumentParser
import Foundation
import JSON
import Model

/// The instant as of which a command answers or acts.
struct InstantOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Answer or act as of this instant, ISO 8601; default: the time of day.",
      valueName: "instant"
    )
  )
  var now: String?

  /// The options that were given.
  var options: [String] { now == nil ? [] : ["--now"] }

  /// The instant that was given, or none.
  func given() throws -> Instant? { try moment(now, option: "--now") }

  /// The instant.
  func instant() throws -> Instant { try moment(now, option: "--now") ?? timeOfDay() }
}

/// How a command prints what it found.
struct FormatOptions: ParsableArguments {
  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  /// Prints things: as an array, or as rows and how many there are.
  func list<Item>(
    _ items: [Item],
    _ noun: String,
    cells: (Item) -> [String],
    json: (Item) -> JSONValue
  ) {
    show(.array(items.map(json)), columns(items.map(cells)) + [counted(items.count, noun)])
  }

  /// Prints a document, or the lines that say the same.
  func show(_ json: @autoclosure () -> JSONValue, _ lines: @autoclosure () -> [String]) {
    if format == .json { return print(json().text) }
    for line in lines() { print(line.withoutControls) }
  }
}

/// Rows of cells as lines with columns of one width each.
func columns(_ rows: [[String]], indent: Int = 0) -> [String] {
  var widths: [Int] = []
  for row in rows {
    for (column, cell) in row.enumerated() {
      if column == widths.count { widths.append(0) }
      widths[column] = max(widths[column], cell.withoutControls.count)
    }
  }
  return rows.map { row in
    var line = String(repeating: " ", count: indent)
    for (column, cell) in row.enumerated() {
      let text = cell.withoutControls
      line += text + String(repeating: " ", count: widths[column] - text.count + 2)
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}

extension String {
  /// The text for a table: of a long one the beginning and, as names end in what they differ by, more of the end.
  var elided: String { count > 72 ? "\(prefix(24))…\(suffix(47))" : self }
}

/// A number of things in words, such as `1 resource` or `2 resources`.
func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : noun.hasSuffix("ch") ? "es" : "s")"
}

/// The name of a scope as an argument gives it: `all` and `-` stand for everything.
func scopeName(_ argument: String) -> String {
  argument == "all" || argument == "-" ? "" : argument
}

/// The name of a scope for people.
func scopeText(_ name: String) -> String { name.isEmpty ? "all" : name }

/// The IP address that an option gives.
func ipAddress(_ text: String, option: String) throws -> String {
  guard let address = IPNetwork.address(text) else {
    throw ValidationError("\(option) expects an IP address, not \"\(text)\"")
  }
  return address
}

/// The instant that an option gives as such or as a day, which stands for its beginning in UTC, or
/// for its end.
func dayOrInstant(_ text: String, option: String, isEnd: Bool) throws -> Instant {
  if ProfileDecoder.isDay(text), let day = Instant(text) {
    return isEnd ? day.advanced(days: 1) : day
  }
  guard text.count > 10, let instant = Instant(text) else {
    throw ValidationError(
      "\(option) expects a day such as 2027-01-31, or an instant such as 2027-01-31T12:00:00Z, "
        + "not \"\(text)\""
    )
  }
  return instant
}

extension Instant {
  /// The end of an interval for people: its last day, or the instant where it ends within a day.
  var lastDay: String {
    milliseconds % 86_400_000 == 0 ? advanced(days: -1).day : "\(self)"
  }
}
