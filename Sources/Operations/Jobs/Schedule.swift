import Foundation
package import Model

/// When something comes round again: every so many minutes, hours or days, and where wanted at a time
/// of day.
///
///     let nightly = try Schedule("1d at 02:00 Europe/Zurich")
///     nightly.lastDue(upTo: now, since: attachment.begins)
///
/// Without a time of day the instants lie whole intervals behind the beginning. With one they lie
/// whole days apart in the zone, so that winter and summer time change nothing: a time that a day does
/// not have is the next moment that it has, and one that comes twice is the first of both.
package struct Schedule: Sendable, Hashable {
  /// What comes round.
  private enum Cadence: Hashable {
    case interval(milliseconds: Int64)
    case daily(days: Int64, minuteOfDay: Int64, zone: TimeZone)
  }

  private let cadence: Cadence
  /// The schedule as it is kept with an attachment.
  package let text: String

  /// Reads `30m`, `24h`, `7d`, or days with `at HH:MM ZONE`; a leading `every` may stand before it.
  ///
  /// - Throws: ``ScheduleError``.
  package init(_ text: String) throws(ScheduleError) {
    var words = text.split(separator: " ").map(String.init)
    if words.first == "every" { words.removeFirst() }
    guard let interval = words.first.flatMap(Self.milliseconds) else {
      throw ScheduleError.grammar(text)
    }
    self.text = "every " + words.joined(separator: " ")
    guard words.count > 1 else {
      cadence = .interval(milliseconds: interval)
      return
    }
    guard words.count == 4, words[1] == "at", let minute = Self.minuteOfDay(words[2]) else {
      throw ScheduleError.grammar(text)
    }
    guard let zone = TimeZone(identifier: words[3]) else { throw ScheduleError.zone(words[3]) }
    guard interval % Self.day == 0 else { throw ScheduleError.partOfDay(words[0]) }
    cadence = .daily(days: interval / Self.day, minuteOfDay: minute, zone: zone)
  }

  private static let day: Int64 = 86_400_000

  private static func milliseconds(_ text: String) -> Int64? {
    let units: [Character: Int64] = ["m": 60_000, "h": 3_600_000, "d": day]
    guard let unit = text.last.flatMap({ units[$0] }) else { return nil }
    let digits = text.dropLast()
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int64(digits),
      (1...100_000).contains(count)
    else { return nil }
    return count * unit
  }

  private static func minuteOfDay(_ text: String) -> Int64? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.map(\.utf8.count) == [2, 2],
      parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }),
      let hour = Int64(parts[0]), let minute = Int64(parts[1]), hour < 24, minute < 60
    else { return nil }
    return hour * 60 + minute
  }

  /// The latest instant that is due, after the beginning and not after another; nil where there is
  /// none yet.
  package func lastDue(upTo now: Instant, since beginning: Instant) -> Instant? {
    guard now > beginning else { return nil }
    let due = self.due(around: now, since: beginning).last { $0 <= now }
    return due.flatMap { $0 > beginning ? $0 : nil }
  }

  /// The first instant that is due after another, and after the beginning.
  package func nextDue(after now: Instant, since beginning: Instant) -> Instant {
    let now = max(now, beginning)
    // The instants around one reach at least one cadence beyond it.
    return due(around: now, since: beginning).first { $0 > now } ?? .never
  }

  /// Some instants in a row that enclose another.
  private func due(around now: Instant, since beginning: Instant) -> [Instant] {
    switch cadence {
    case .interval(let step):
      let count = max(0, now.milliseconds - beginning.milliseconds) / step
      return (count...count + 1).map { beginning.advanced(milliseconds: $0 * step) }
    case .daily(let days, let minute, let zone):
      let first = Self.localDay(of: beginning, zone)
      let count = (Self.localDay(of: now, zone) - first) / days
      return (max(0, count - 1)...count + 2).map { index in
        Self.moment(day: first + index * days, minute: minute, zone)
      }
    }
  }

  /// The number of the day of an instant in a zone, counted from 1970-01-01.
  private static func localDay(of instant: Instant, _ zone: TimeZone) -> Int64 {
    let local = instant.milliseconds + offset(zone, at: instant.milliseconds)
    return Int64((Double(local) / Double(day)).rounded(.down))
  }

  /// The moment at which clocks of a zone first show a minute of a day, or the next one they have.
  private static func moment(day number: Int64, minute: Int64, _ zone: TimeZone) -> Instant {
    let local = number * day + minute * 60_000
    let around = [offset(zone, at: local - day), offset(zone, at: local + day)]
    let moments = around.map { local - $0 }.sorted()
    if let first = moments.first(where: { offset(zone, at: $0) == local - $0 }) {
      return Instant(milliseconds: first)
    }
    // Clocks are put forward over it: the moment of that lies between the two readings.
    var (before, after) = (moments[0], moments[1])
    let former = offset(zone, at: before)
    while after - before > 1 {
      let middle = before + (after - before) / 2
      if offset(zone, at: middle) == former { before = middle } else { after = middle }
    }
    return Instant(milliseconds: after)
  }

  /// How far clocks of a zone are ahead of UTC at a moment, in milliseconds.
  private static func offset(_ zone: TimeZone, at milliseconds: Int64) -> Int64 {
    let moment = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    return Int64(zone.secondsFromGMT(for: moment)) * 1000
  }
}

/// What is wrong with a schedule.
package enum ScheduleError: Error, Equatable, CustomStringConvertible {
  case grammar(String)
  case zone(String)
  case partOfDay(String)

  /// The fault and what is expected.
  package var description: String {
    switch self {
    case .grammar(let text):
      "a schedule is a number of minutes, hours or days such as 30m, 24h or 7d, and where wanted a "
        + "time such as \"1d at 02:00 Europe/Zurich\", not \"\(text)\""
    case .zone(let name): "\"\(name)\" is no time zone; one is like Europe/Zurich or UTC"
    case .partOfDay(let interval):
      "a time of day goes with whole days such as 1d or 24h, not with \(interval)"
    }
  }
}
