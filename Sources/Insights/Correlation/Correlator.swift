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
  private let groupRoom: DetectionLimits.Room
  private var waiting: [CorrelationEntry] = []
  private var windows: [WindowKey: CorrelationWindow] = [:]
  /// When windows that do not slide are over, for each correlation that has such.
  private var ends: [(correlation: Int, queue: EndQueue)]
  private(set) var baselines: [WindowKey: Baseline] = [:]
  private var repeats: RepeatFilter
  private var taken = 0
  /// What was left out because a limit was reached.
  private(set) var limits = DetectionLimits()
  /// Matches without the number that their correlation adds up.
  private(set) var numberless = 0

  /// One group of one correlation.
  struct WindowKey: Hashable {
    var correlation: Int
    var group: String
  }

  init(
    _ set: DetectionSet,
    _ notes: [FindingNote],
    room: Int = 200_000,
    groupRoom: DetectionLimits.Room = DetectionLimits.Room()
  ) {
    self.set = set
    self.notes = notes
    self.room = room
    self.groupRoom = groupRoom
    repeats = RepeatFilter(room: groupRoom.repeats)
    ends = set.correlations.enumerated()
      .filter { !$0.element.isLearnt && !$0.element.isMonotone }
      .map { ($0.offset, EndQueue()) }
  }

  /// The records that were counted in baselines, as digests.
  var seen: Set<UInt64> { repeats.keys }

  /// Takes up baselines that were learnt before, and which records they counted last.
  mutating func take(_ baselines: [WindowKey: Baseline], seen: Set<UInt64>) {
    self.baselines.merge(baselines) { $0.merged($1) }
    repeats.take(seen)
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
    // In the order of the correlations, so that what one tells another comes before that one ends.
    for number in set.correlations.indices {
      let last = windows.filter { $0.key.correlation == number }
        .sorted { ($0.value.latest, $0.key.group) < ($1.value.latest, $1.key.group) }
      for (key, _) in last { close(key, &findings) }
    }
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
    for entry in waiting[..<count] {
      closeDue(at: entry.time.milliseconds, &findings)
      take(entry, &findings)
    }
    waiting.removeFirst(count)
    return findings
  }

  private mutating func take(_ entry: CorrelationEntry, _ findings: inout [Finding]) {
    let correlation = set.correlations[entry.correlation]
    let key = WindowKey(correlation: entry.correlation, group: entry.groupKey)
    if correlation.isLearnt {
      learn(entry, correlation, key, &findings)
      return
    }
    if correlation.isOfNumbers, Double(entry.value).map(\.isFinite) != true {
      numberless += 1
      return
    }
    var window =
      windows.removeValue(forKey: key) ?? CorrelationWindow(entry, correlation, room: groupRoom)
    if window.isNew, let place = ends.firstIndex(where: { $0.correlation == key.correlation }) {
      ends[place].queue.add(key, at: window.end(correlation))
    }
    let (ended, hasBegun) = window.add(entry, correlation, &limits)
    windows[key] = window
    if let ended { report(ended, key, window, &findings) }
    if hasBegun { pass(entry, on: &findings) }
    taken += 1
    if taken % 20_000 == 0 || windows.count > groupRoom.groups { sweep(entry.time, &findings) }
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

  // MARK: - The end of windows

  /// Judges the windows that were over before a time.
  private mutating func closeDue(at time: Int64, _ findings: inout [Finding]) {
    for place in ends.indices {
      while let (key, end) = ends[place].queue.next(before: time) {
        // One that made room is gone, and another may have begun.
        let correlation = set.correlations[key.correlation]
        guard windows[key]?.end(correlation) == end else { continue }
        close(key, end: end, &findings)
      }
    }
  }

  /// Ends a window, and tells what it came to; the end is given where its time is over.
  private mutating func close(_ key: WindowKey, end: Int64? = nil, _ findings: inout [Finding]) {
    guard var window = windows.removeValue(forKey: key) else { return }
    let correlation = set.correlations[key.correlation]
    guard let episode = window.closed(correlation) else { return }
    report(episode, key, window, &findings)
    // One that slides was told as it began.
    guard !correlation.isMonotone, let event = episode.events.last else { return }
    let entry = CorrelationEntry(
      correlation: key.correlation,
      part: 0,
      time: end.map { Instant(milliseconds: $0) } ?? episode.last,
      group: window.group,
      value: "",
      entity: window.entity,
      source: window.source,
      event: event
    )
    pass(entry, on: &findings)
  }

  /// Forgets groups that have been quiet for a timespan.
  private mutating func sweep(_ now: Instant, _ findings: inout [Finding]) {
    for (key, window) in windows {
      let correlation = set.correlations[key.correlation]
      guard correlation.isMonotone, now.milliseconds - window.latest > correlation.timespan else {
        continue
      }
      close(key, &findings)
    }
    // Too many groups at once: those that were quiet longest go, and what cannot be judged before
    // its time is over is not judged.
    guard windows.count > groupRoom.groups else { return }
    let times = windows.values.map(\.latest).sorted()
    let limit = times[times.count / 2]
    for (key, window) in windows where window.latest <= limit {
      limits.groups += 1
      if set.correlations[key.correlation].isMonotone {
        close(key, &findings)
      } else {
        windows[key] = nil
      }
    }
  }

  // MARK: - Baselines

  private mutating func learn(
    _ entry: CorrelationEntry,
    _ correlation: SigmaCorrelation,
    _ key: WindowKey,
    _ findings: inout [Finding]
  ) {
    if baselines[key] == nil, baselines.count >= groupRoom.groups {
      limits.groups += 1
      return
    }
    if correlation.kind == .rate {
      let isNew = repeats.notes(
        entry.repeatKey(correlation.facts.id),
        at: entry.time.milliseconds,
        within: correlation.timespan,
        &limits.repeats
      )
      guard isNew else { return }
    }
    var baseline = baselines.removeValue(forKey: key) ?? Baseline()
    let surprise = baseline.take(entry, correlation, valueRoom: groupRoom.values, &limits)
    baselines[key] = baseline
    guard let surprise else { return }
    if set.isCorrelationReported[key.correlation] {
      let episode = CorrelationWindow.Episode(
        first: entry.time,
        last: entry.time,
        count: surprise.count,
        events: [entry.event],
        peak: surprise.number
      )
      let finding = finding(
        episode,
        key,
        entry.entity,
        entry.source,
        entry.group,
        surprise.values
      )
      findings.append(finding)
    }
    pass(entry, on: &findings)
  }

  // MARK: - Findings

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
    // A sum may be larger than any number that JSON can write.
    let most = Double.greatestFiniteMagnitude
    values["value"] = .number(min(max(episode.peak, -most), most))
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

/// When windows of one correlation are over, the earliest first: all are of one length, and begin in
/// the order of their events.
private struct EndQueue {
  private var ends: [(key: Correlator.WindowKey, end: Int64)] = []
  private var head = 0

  mutating func add(_ key: Correlator.WindowKey, at end: Int64) { ends.append((key, end)) }

  /// Takes out the next end before a time.
  mutating func next(before time: Int64) -> (key: Correlator.WindowKey, end: Int64)? {
    guard head < ends.count, ends[head].end < time else { return nil }
    defer {
      head += 1
      if head == ends.count || head > 1000, head * 2 > ends.count {
        ends.removeFirst(head)
        head = 0
      }
    }
    return ends[head]
  }
}
