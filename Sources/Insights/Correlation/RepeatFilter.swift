import JSON
import Model

/// Tells records that come again from those that come for the first time, with bounded memory: the
/// latest are remembered, as digests.
struct RepeatFilter {
  private var recent: Set<UInt64> = []
  private var former: Set<UInt64> = []
  private var recentTime = Int64.min
  private var formerTime = Int64.min
  private let room: Int

  init(room: Int) { self.room = room }

  /// All that is remembered.
  var keys: Set<UInt64> { recent.union(former) }

  /// Takes up what was remembered before.
  mutating func take(_ keys: Set<UInt64>) {
    former.formUnion(keys)
    // When they were noted is not known; that they make room is told.
    formerTime = .max
  }

  /// Notes a key; false where it is known.
  ///
  /// Counted as forgotten are keys that made room while their timespan went on.
  mutating func notes(
    _ key: UInt64,
    at time: Int64,
    within timespan: Int64,
    _ forgotten: inout Int
  ) -> Bool {
    if recent.contains(key) || former.contains(key) { return false }
    if recent.count >= room {
      if formerTime > time - timespan { forgotten += former.count }
      (former, formerTime) = (recent, recentTime)
      (recent, recentTime) = ([], .min)
    }
    recent.insert(key)
    recentTime = max(recentTime, time)
    return true
  }
}

extension CorrelationEntry {
  /// A digest of what the entry is about: the event, by its id and time or else by its content, and
  /// what a correlation takes it for.
  func repeatKey(_ detection: String) -> UInt64 {
    let event = event.id.map { "\($0)\u{1F}\(time.milliseconds)" } ?? event.digest
    let text = [detection, groupKey, "\(part)", event].joined(separator: "\u{1F}")
    return UInt64(Digest.sha256(Array(text.utf8)).prefix(16), radix: 16) ?? 0
  }
}
