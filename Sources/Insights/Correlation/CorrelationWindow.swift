import Model

/// The events of one group of one correlation that are judged together.
///
/// Where more events can only help the condition, the window slides; a condition with an upper bound
/// is judged over a window that begins with its first event and ends a timespan later.
struct CorrelationWindow {
  /// An event in the window.
  private struct Item {
    var time: Int64
    var part: Int
    var value: String
    var number: Double
    var event: EventReference
  }

  /// A run of windows that met the condition without a break.
  struct Episode {
    var first: Instant
    var last: Instant
    var count: Int
    var events: [EventReference]
    /// The highest number computed.
    var peak: Double
  }

  /// How many events an episode names.
  private static let eventLimit = 20

  let entity: FindingEntity
  let source: String
  let group: [String]
  private let slides: Bool
  private let limit: Int
  /// When the first event came, and the latest.
  private let start: Int64
  private(set) var latest: Int64
  /// What may leave the window while it slides, or what percentiles need.
  private var items: [Item] = []
  private var head = 0
  /// The first events of a window that does not slide.
  private var firstEvents: [EventReference] = []
  private var count = 0
  private var distinct: [String: Int] = [:]
  private var perPart: [Int]
  private var sum = 0.0
  /// Whether the sum is to be taken anew, since what a large number hid cannot be subtracted back.
  private var isSumStale = false
  /// For an order: since when the parts up to one have been seen.
  private var chain: [Int64?]
  private var digests: Set<String> = []
  private(set) var episode: Episode?

  init(_ entry: CorrelationEntry, _ correlation: SigmaCorrelation, room: DetectionLimits.Room) {
    entity = entry.entity
    source = entry.source
    group = entry.group
    start = entry.time.milliseconds
    latest = start
    slides = correlation.isMonotone
    limit =
      switch correlation.kind {
      case .valuePercentile, .valueMedian: min(2000, room.values)
      default:
        max(room.values, Int(min(1e6, max(0, correlation.bounds.map(\.value).max() ?? 0))) + 1)
      }
    perPart = Array(repeating: 0, count: correlation.rules.count)
    chain = Array(repeating: nil, count: correlation.rules.count)
  }

  /// Whether no event was added yet.
  var isNew: Bool { count == 0 && items.isEmpty }

  /// When a window that does not slide is over.
  func end(_ correlation: SigmaCorrelation) -> Int64 { start + correlation.timespan }

  /// Adds an event, which is not earlier than those before.
  ///
  /// - Returns: the episode that ended by it, and whether one began.
  mutating func add(
    _ entry: CorrelationEntry,
    _ correlation: SigmaCorrelation,
    _ limits: inout DetectionLimits
  ) -> (ended: Episode?, hasBegun: Bool) {
    let time = entry.time.milliseconds
    // The same event delivered twice, or matched by one part twice, counts once.
    let key = Self.key(entry.part, entry.event)
    if digests.contains(key) { return (nil, false) }
    if slides { evict(before: time - correlation.timespan) }
    if slides || digests.count < limit { digests.insert(key) } else { limits.repeats += 1 }
    push(entry, correlation, &limits)
    guard slides else { return (nil, false) }
    let number = number(correlation)
    let meets = meets(number, correlation)
    var ended: Episode?
    if let running = episode, !meets || time - running.last.milliseconds > correlation.timespan {
      ended = running
      episode = nil
    }
    guard meets else { return (ended, false) }
    if var running = episode {
      running.last = entry.time
      running.count += 1
      running.peak = max(running.peak, number)
      if running.events.count < Self.eventLimit { running.events.append(entry.event) }
      episode = running
      return (ended, false)
    }
    let window = items[head...]
    episode = Episode(
      first: Instant(milliseconds: window.first?.time ?? time),
      last: entry.time,
      count: window.count,
      events: window.prefix(Self.eventLimit).map(\.event),
      peak: number
    )
    return (ended, true)
  }

  /// What the window comes to at its end.
  mutating func closed(_ correlation: SigmaCorrelation) -> Episode? {
    if slides { return episode }
    let number = number(correlation)
    guard count > 0, meets(number, correlation) else { return nil }
    return Episode(
      first: Instant(milliseconds: start),
      last: Instant(milliseconds: latest),
      count: count,
      events: firstEvents,
      peak: number
    )
  }

  private func meets(_ number: Double, _ correlation: SigmaCorrelation) -> Bool {
    switch correlation.kind {
    case .temporal, .temporalOrdered:
      correlation.bounds.isEmpty
        ? Int(number) >= correlation.rules.count : correlation.holds(number)
    default: correlation.holds(number)
    }
  }

  /// What the correlation computes over the window.
  private mutating func number(_ correlation: SigmaCorrelation) -> Double {
    switch correlation.kind {
    case .eventCount, .rate, .firstSeen: return Double(count)
    case .valueCount: return Double(distinct.count)
    case .valueSum: return total()
    case .valueAverage: return count == 0 ? 0 : total() / Double(count)
    case .valuePercentile: return percentile(correlation.percentile)
    case .valueMedian: return percentile(50)
    case .temporal: return Double(perPart.count { $0 > 0 })
    case .temporalOrdered:
      let since = latest - correlation.timespan
      let reached = chain.lastIndex { $0.map { $0 >= since } ?? false }
      return Double(reached.map { $0 + 1 } ?? 0)
    }
  }

  private mutating func total() -> Double {
    if isSumStale {
      sum = items[head...].reduce(0) { $0 + $1.number }
      isSumStale = false
    }
    return sum
  }

  /// The value below which a share of the values lies, between neighbours in proportion.
  private func percentile(_ share: Double) -> Double {
    let sorted = items[head...].map(\.number).sorted()
    guard let last = sorted.last else { return 0 }
    let place = share / 100 * Double(sorted.count - 1)
    let low = Int(place)
    guard low + 1 < sorted.count else { return last }
    return sorted[low] + (sorted[low + 1] - sorted[low]) * (place - Double(low))
  }

  private mutating func push(
    _ entry: CorrelationEntry,
    _ correlation: SigmaCorrelation,
    _ limits: inout DetectionLimits
  ) {
    let item = Item(
      time: entry.time.milliseconds,
      part: entry.part,
      value: entry.value,
      number: Double(entry.value) ?? 0,
      event: entry.event
    )
    latest = max(latest, item.time)
    count += 1
    if slides || distinct.count < limit || distinct[item.value] != nil {
      distinct[item.value, default: 0] += 1
    } else if correlation.kind == .valueCount {
      limits.values += 1
    }
    perPart[item.part] += 1
    sum += item.number
    if item.part == 0 {
      chain[0] = item.time
    } else if let since = chain[item.part - 1], item.time - since <= correlation.timespan {
      chain[item.part] = max(chain[item.part] ?? .min, since)
    }
    if slides {
      items.append(item)
      guard items.count - head > limit else { return }
      popFirst()
      // Of events that are merely counted there are enough.
      if correlation.kind != .eventCount { limits.events += 1 }
      return
    }
    if firstEvents.count < Self.eventLimit { firstEvents.append(item.event) }
    guard [.valuePercentile, .valueMedian].contains(correlation.kind) else { return }
    if items.count < limit {
      items.append(item)
    } else {
      items[count % limit] = item
      limits.events += 1
    }
  }

  /// What tells an event that a part matched from others.
  private static func key(_ part: Int, _ event: EventReference) -> String {
    "\(part)\u{1F}\(event.digest)"
  }

  private mutating func evict(before time: Int64) {
    while head < items.count, items[head].time < time { popFirst() }
    if head == items.count {
      items.removeAll(keepingCapacity: true)
      head = 0
      digests = []
      sum = 0
      isSumStale = false
    } else if head > 1000, head * 2 > items.count {
      items.removeFirst(head)
      head = 0
    }
  }

  private mutating func popFirst() {
    let item = items[head]
    digests.remove(Self.key(item.part, item.event))
    head += 1
    count -= 1
    perPart[item.part] -= 1
    if abs(item.number) > 0x1p40 { isSumStale = true } else { sum -= item.number }
    if let count = distinct[item.value] {
      distinct[item.value] = count > 1 ? count - 1 : nil
    }
  }
}
