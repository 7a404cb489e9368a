import Model
import Operations
import Testing

/// When something comes round again.
///
/// Expected instants were worked out from the zones' own rules:
/// Zurich puts clocks forward on 2026-03-29 at 01:00Z and back on 2026-10-25 at 01:00Z, New York
/// forward on 2026-03-08 at 07:00Z and back on 2026-11-01 at 06:00Z.
struct ScheduleTests {
  /// An instant, which has to be one.
  private static func instant(_ text: String) throws -> Instant {
    try #require(Instant(text), "\(text)")
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var schedule: String
    var since: String
    /// What is due after the beginning, in order and without a gap.
    var due: [String]

    init(_ schedule: String, since: String, _ due: String...) {
      (self.schedule, self.since, self.due) = (schedule, since, due)
    }

    var testDescription: String { "\(schedule) since \(since)" }
  }

  private static let cases = [
    Case(
      "every 30m",
      since: "2026-01-01T00:10:00Z",
      "2026-01-01T00:40:00Z",
      "2026-01-01T01:10:00Z"
    ),
    // Without a time of day a day has 24 hours, also where clocks change.
    Case(
      "every 24h",
      since: "2026-03-28T12:00:00Z",
      "2026-03-29T12:00:00Z",
      "2026-03-30T12:00:00Z"
    ),
    Case(
      "1d at 02:00 UTC",
      since: "2026-01-01T02:00:00Z",
      "2026-01-02T02:00:00Z",
      "2026-01-03T02:00:00Z"
    ),
    Case(
      "1d at 23:30 UTC",
      since: "2026-01-01T02:00:00Z",
      "2026-01-01T23:30:00Z",
      "2026-01-02T23:30:00Z"
    ),
    // 02:00 in winter, in summer an hour earlier in UTC.
    Case(
      "1d at 04:00 Europe/Zurich",
      since: "2026-03-27T20:00:00Z",
      "2026-03-28T03:00:00Z",
      "2026-03-29T02:00:00Z",
      "2026-03-30T02:00:00Z"
    ),
    // 02:30 does not exist on the 29th: it is 03:00 of summer time then.
    Case(
      "1d at 02:30 Europe/Zurich",
      since: "2026-03-27T20:00:00Z",
      "2026-03-28T01:30:00Z",
      "2026-03-29T01:00:00Z",
      "2026-03-30T00:30:00Z"
    ),
    Case(
      "1d at 02:00 Europe/Zurich",
      since: "2026-03-28T20:00:00Z",
      "2026-03-29T01:00:00Z",
      "2026-03-30T00:00:00Z"
    ),
    // 02:30 comes twice on the 25th: once at 00:30Z, and not again at 01:30Z.
    Case(
      "1d at 02:30 Europe/Zurich",
      since: "2026-10-23T20:00:00Z",
      "2026-10-24T00:30:00Z",
      "2026-10-25T00:30:00Z",
      "2026-10-26T01:30:00Z"
    ),
    Case(
      "1d at 02:30 America/New_York",
      since: "2026-03-07T00:00:00Z",
      "2026-03-07T07:30:00Z",
      "2026-03-08T07:00:00Z",
      "2026-03-09T06:30:00Z"
    ),
    Case(
      "24h at 01:30 America/New_York",
      since: "2026-10-31T00:00:00Z",
      "2026-10-31T05:30:00Z",
      "2026-11-01T05:30:00Z",
      "2026-11-02T06:30:00Z"
    ),
    // The day is the zone's: in New York it was still the 9th when it began.
    Case(
      "7d at 20:00 America/New_York",
      since: "2026-06-10T01:00:00Z",
      "2026-06-17T00:00:00Z",
      "2026-06-24T00:00:00Z"
    ),
    // Steps of 31 days go by days of the calendar, over both changes of the clocks.
    Case(
      "31d at 02:30 Europe/Zurich",
      since: "2026-02-26T03:00:00Z",
      "2026-03-29T01:00:00Z",
      "2026-04-29T00:30:00Z",
      "2026-05-30T00:30:00Z",
      "2026-06-30T00:30:00Z",
      "2026-07-31T00:30:00Z",
      "2026-08-31T00:30:00Z",
      "2026-10-01T00:30:00Z",
      "2026-11-01T01:30:00Z"
    ),
    Case(
      "31d at 01:30 America/New_York",
      since: "2026-10-01T05:30:00Z",
      "2026-11-01T05:30:00Z",
      "2026-12-02T06:30:00Z"
    ),
    // Half hours: Lord Howe puts clocks forward by 30 minutes, on 2026-10-04 at 02:00.
    Case(
      "1d at 02:15 Australia/Lord_Howe",
      since: "2026-10-02T12:00:00Z",
      "2026-10-02T15:45:00Z",
      "2026-10-03T15:30:00Z",
      "2026-10-04T15:15:00Z"
    ),
  ]

  @Test(arguments: cases)
  func `it comes round when the clocks say`(row: Case) throws {
    let schedule = try Schedule(row.schedule)
    let since = try Self.instant(row.since)
    #expect(schedule.lastDue(upTo: since, since: since) == nil)
    var last: Instant?
    for text in row.due {
      let due = try Self.instant(text)
      #expect(schedule.nextDue(after: last ?? since, since: since) == due)
      #expect(schedule.lastDue(upTo: due.advanced(milliseconds: -1), since: since) == last)
      #expect(schedule.lastDue(upTo: due, since: since) == due)
      #expect(schedule.lastDue(upTo: due.advanced(milliseconds: 1), since: since) == due)
      last = due
    }
  }

  @Test(arguments: ["Europe/Zurich", "America/New_York", "Asia/Kathmandu", "UTC"])
  func `every day of a year has it once`(zone: String) throws {
    let since = try Self.instant("2026-01-01T00:00:00Z")
    for minute in ["00:00", "00:30", "01:30", "02:00", "02:30", "03:00", "23:59"] {
      let schedule = try Schedule("1d at \(minute) \(zone)")
      var last = schedule.nextDue(after: since, since: since)
      for _ in 0..<400 {
        let next = schedule.nextDue(after: last, since: since)
        let hours = Double(next.milliseconds - last.milliseconds) / 3_600_000
        #expect((22.9...25.1).contains(hours), "\(minute) after \(last)")
        last = next
      }
    }
  }

  @Test func `before the beginning nothing is due, and then the first`() throws {
    let schedule = try Schedule("every 7d")
    let since = try Self.instant("2026-06-01T00:00:00Z")
    let earlier = try Self.instant("2026-05-01T00:00:00Z")
    #expect(schedule.lastDue(upTo: earlier, since: since) == nil)
    #expect(schedule.nextDue(after: earlier, since: since) == (try Self.instant("2026-06-08")))
  }

  @Test(arguments: [
    ("24h", "every 24h"), ("every  30m", "every 30m"),
    ("1d at 02:00 Europe/Zurich", "every 1d at 02:00 Europe/Zurich"),
  ])
  func `it is kept in one form`(text: String, kept: String) throws {
    #expect(try Schedule(text).text == kept)
    #expect(try Schedule(kept) == Schedule(text))
  }

  @Test(arguments: [
    "", "every", "24", "h", "0h", "-1h", "100001d", "1w", "1.5h", "٣h", "1d at", "1d at 2:00 UTC",
    "1d at 24:00 UTC", "1d at 02:60 UTC", "1d at 02:00", "1d on 02:00 UTC", "1d at 02:00 UTC now",
    "1d at ٠٢:00 UTC",
  ])
  func `anything else is refused`(text: String) {
    #expect(throws: ScheduleError.grammar(text)) { try Schedule(text) }
  }

  @Test func `unknown zones and parts of days with a time are refused`() {
    #expect(throws: ScheduleError.zone("Mars/Olympus")) {
      try Schedule("1d at 02:00 Mars/Olympus")
    }
    #expect(throws: ScheduleError.partOfDay("36h")) { try Schedule("36h at 02:00 UTC") }
  }
}
