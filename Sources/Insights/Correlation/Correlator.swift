import JSON
import Model

/// Runs correlations over what rules matched, whatever order it comes in.
///
/// Entries wait in a buffer and are taken in the order of their time; only where more wait than it
/// has room for is the older half taken early, and entries that come later than that are counted
/// where they then stand.
struct Correlator {
  private let set: DetectionSet
  private let notes: [FindingNote]
  private let room: Int
  private var waiting: [CorrelationEntry] = []
  private var windows: [WindowKey: CorrelationWindow] = [:]
  private(set) var baselines: [WindowKey: Baseline] = [:]
  private var taken = 0

  /// One group of one correlation.
  struct WindowKey: Hashable {
    var correlation: Int
    var group: String
  }

  /// How many groups are remembered at once.
  private static let groupLimit = 100_000

  init(_ set: DetectionSet, _ notes: [FindingNote], room: Int = 200_000) {
    self.set = set
    self.notes = notes
    self.room = room
  }

  /// Takes up baselines that were learnt before.
  mutating func take(_ baselines: [WindowKey: Baseline]) {
    self.baselines.merge(baselines) { $0.merged($1) }
  }

  /// Adds entries; returns the findings that are complete by them.
  mutating func add(_ entries: [CorrelationEntry]) -> [Finding] {
    if entries.isEmpty { return [] }
    waiting += entries
    return waiting.count > room ? run(waiting.count / 2) : []
  }

  /// Ends all windows.
  mutating func finish() -> [Finding] {
    var findings = run(waiting.count)
    for (key, var window) in windows {
      if let episode = window.closed(set.correlations[key.correlation]) {
        report(episode, key, window, &findings)
      }
    }
    windows = [:]
    return findings.sorted {
      ($0.firstSeen?.milliseconds ?? 0, $0.note.id, $0.id)
        < ($1.firstSeen?.milliseconds ?? 0, $1.note.id, $1.id)
    }
  }

  /// Takes the earliest of the waiting entries.
  private mutating func run(_ count: Int) -> [Finding] {
    waiting.sort { left, right in
      left.time != right.time
        ? left.time < right.time
        : (left.event.file, left.event.position, left.part)
          < (right.event.file, right.event.position, right.part)
    }
    var findings: [Finding] = []
    for entry in waiting[..<count] { take(entry, &findings) }
    waiting.removeFirst(count)
    return findings
  }

  private mutating func take(_ entry: CorrelationEntry, _ findings: inout [Finding]) {
    let correlation = set.correlations[entry.correlation]
    let key = WindowKey(correlation: entry.correlation, group: entry.groupKey)
    if correlation.kind == .firstSeen || correlation.kind == .rate {
      learn(entry, correlation, key, &findings)
      return
    }
    var window = windows.removeValue(forKey: key) ?? CorrelationWindow(entry, correlation)
    let (ended, hasBegun) = window.add(entry, correlation)
    windows[key] = window
    if let ended { report(ended, key, window, &findings) }
    if hasBegun { pass(entry, on: &findings) }
    taken += 1
    if taken % 20_000 == 0 || windows.count > Self.groupLimit { sweep(entry.time, &findings) }
  }

  /// Tells the correlations that refer to this one.
  private mutating func pass(_ entry: CorrelationEntry, on findings: inout [Finding]) {
    let correlation = set.correlations[entry.correlation]
    for feed in set.chains[entry.correlation] ?? [] {
      // A correlation has only its own group's fields.
      let group = feed.groupBy.compactMap { name in
        correlation.groupBy.firstIndex(of: name).map { entry.group[$0] }
      }
      guard group.count == feed.groupBy.count else { continue }
      var next = entry
      next.correlation = feed.correlation
      next.part = feed.part
      next.group = group
      next.event.digest += "\u{1F}\(entry.correlation)"
      take(next, &findings)
    }
  }

  /// Forgets groups that have been quiet for a timespan.
  private mutating func sweep(_ now: Instant, _ findings: inout [Finding]) {
    for (key, var window) in windows {
      let correlation = set.correlations[key.correlation]
      guard now.milliseconds - window.latest > correlation.timespan else { continue }
      if let episode = window.closed(correlation) { report(episode, key, window, &findings) }
      windows[key] = nil
    }
    // Too many groups at once: those that were quiet longest go.
    guard windows.count > Self.groupLimit else { return }
    let times = windows.values.map(\.latest).sorted()
    let limit = times[times.count / 2]
    for (key, var window) in windows where window.latest <= limit {
      let correlation = set.correlations[key.correlation]
      if let episode = window.closed(correlation) { report(episode, key, window, &findings) }
      windows[key] = nil
    }
  }

  private mutating func learn(
    _ entry: CorrelationEntry,
    _ correlation: SigmaCorrelation,
    _ key: WindowKey,
    _ findings: inout [Finding]
  ) {
    if baselines.count > Self.groupLimit, baselines[key] == nil { return }
    var baseline = baselines[key] ?? Baseline()
    if let surprise = baseline.take(entry, correlation) {
      findings.append(
        finding(
          CorrelationWindow.Episode(
            first: entry.time,
            last: entry.time,
            count: surprise.count,
            events: [entry.event],
            peak: surprise.number
          ),
          key,
          entry.entity,
          entry.source,
          entry.group,
          surprise.values
        )
      )
    }
    baselines[key] = baseline
  }

  private func report(
    _ episode: CorrelationWindow.Episode,
    _ key: WindowKey,
    _ window: CorrelationWindow,
    _ findings: inout [Finding]
  ) {
    guard set.isCorrelationReported[key.correlation] else { return }
    findings.append(
      finding(episode, key, window.entity, window.source, window.group, [:])
    )
  }

  private func finding(
    _ episode: CorrelationWindow.Episode,
    _ key: WindowKey,
    _ entity: FindingEntity,
    _ source: String,
    _ group: [String],
    _ more: JSONObject
  ) -> Finding {
    let correlation = set.correlations[key.correlation]
    let note = notes[set.rules.count + key.correlation]
    var values = more
    for (name, value) in zip(correlation.groupBy, group) { values[name] = .string(value) }
    values["value"] = .number(episode.peak)
    values["timespan_seconds"] = .integer(correlation.timespan / 1000)
    let id = NameUUID.of([
      .string(note.id), .string(key.group), .integer(episode.first.milliseconds),
    ])
    return Finding(
      id: id,
      note: note,
      entity: entity,
      firstSeen: episode.first,
      lastSeen: episode.last,
      count: episode.count,
      evidence: FindingEvidence(source: source, values: values, events: episode.events)
    )
  }
}
