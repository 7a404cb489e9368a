import JSON
import Model

/// What one group has shown in the past: which values, and how many events in each window.
///
/// Two that were learnt apart merge into the one that would have been learnt together.
struct Baseline: Equatable {
  /// When the group was first seen.
  var since: Int64 = .max
  /// When each value was first seen.
  var values: [String: Int64] = [:]
  /// Events per window, by the window's number.
  var counts: [Int64: Int] = [:]
  /// The window that was last reported.
  private var reported: Int64?

  /// Something that the past does not let expect.
  struct Surprise {
    var count: Int
    var number: Double
    var values: JSONObject
  }

  /// How many windows are remembered.
  private static let windowLimit = 64
  /// How many windows of the past a rate is judged by at least.
  static let leastWindows = 7
  /// How many standard deviations above its mean a rate surprises.
  static let deviations = 4.0

  mutating func take(
    _ entry: CorrelationEntry,
    _ correlation: SigmaCorrelation,
    valueRoom: Int,
    _ limits: inout DetectionLimits
  ) -> Surprise? {
    let time = entry.time.milliseconds
    since = min(since, time)
    return correlation.kind == .firstSeen
      ? takeValue(entry, time, correlation, valueRoom, &limits) : takeCount(time, correlation)
  }

  /// A value is a surprise when the group has been known for the timespan and never showed it.
  private mutating func takeValue(
    _ entry: CorrelationEntry,
    _ time: Int64,
    _ correlation: SigmaCorrelation,
    _ room: Int,
    _ limits: inout DetectionLimits
  ) -> Surprise? {
    if let known = values[entry.value] {
      values[entry.value] = min(known, time)
      return nil
    }
    guard values.count < room else {
      limits.values += 1
      return nil
    }
    values[entry.value] = time
    guard time - since >= correlation.timespan else { return nil }
    return Surprise(
      count: 1,
      number: Double(values.count),
      values: [
        "new": .string(entry.value.replacing("\u{1F}", with: ", ")),
        "known_since": .string(Instant(milliseconds: since).description),
        "known_values": .integer(Int64(values.count - 1)),
      ]
    )
  }

  /// A window is a surprise when it reaches the bounds and lies four standard deviations, at least
  /// those of a Poisson process, above the mean of the group's former windows.
  private mutating func takeCount(_ time: Int64, _ correlation: SigmaCorrelation) -> Surprise? {
    let window = Int64((Double(time) / Double(correlation.timespan)).rounded(.down))
    counts[window, default: 0] += 1
    let count = counts[window] ?? 0
    if counts.count > Self.windowLimit, let oldest = counts.keys.min() { counts[oldest] = nil }
    guard correlation.holds(Double(count)), reported != window else { return nil }
    let past = counts.filter { $0.key < window }
    guard let first = past.keys.min() else { return nil }
    // Windows without events count as such.
    let windows = Double(min(window - first, Int64(Self.windowLimit)))
    guard windows >= Double(Self.leastWindows) else { return nil }
    let sum = past.values.reduce(0) { $0 + Double($1) }
    let mean = sum / windows
    let squares = past.values.reduce(0) { $0 + Double($1) * Double($1) }
    let variance = max(squares / windows - mean * mean, mean, 1)
    guard Double(count) > mean + Self.deviations * variance.squareRoot() else { return nil }
    reported = window
    return Surprise(
      count: count,
      number: Double(count),
      values: [
        "mean": .number((mean * 100).rounded() / 100),
        "standard_deviation": .number((variance.squareRoot() * 100).rounded() / 100),
        "windows": .number(windows),
      ]
    )
  }

  /// The baseline of both.
  func merged(_ other: Baseline) -> Baseline {
    var merged = self
    merged.since = min(since, other.since)
    merged.values.merge(other.values) { min($0, $1) }
    merged.counts.merge(other.counts) { $0 + $1 }
    for window in merged.counts.keys.sorted().dropLast(Self.windowLimit) {
      merged.counts[window] = nil
    }
    return merged
  }
}
