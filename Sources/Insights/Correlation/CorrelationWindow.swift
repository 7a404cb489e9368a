import Model

/// The events of one group of one correlation that lie within its timespan.
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
  private var items: [Item] = []
  private var head = 0
  private var distinct: [String: Int] = [:]
  private var perPart: [Int]
  private var sum = 0.0
  /// For an order: since when the parts up to one have been seen.
  private var chain: [Int64?]
  private var digests: [String: Int64] = [:]
  private(set) var episode: Episode?

  init(_ entry: CorrelationEntry, _ correlation: SigmaCorrelation) {
    entity = entry.entity
    source = entry.source
    group = entry.group
    perPart = Array(repeating: 0, count: correlation.rules.count)
    chain = Array(repeating: nil, count: correlation.rules.count)
  }

  /// The time of the latest event.
  var latest: Int64 { items.last?.time ?? .min }

  /// How many events a window keeps.
  private static func limit(_ correlation: SigmaCorrelation) -> Int {
    switch correlation.kind {
    case .valuePercentile, .valueMedian: 2000
    default: max(10_000, Int(min(1e6, correlation.bounds.map(\.value).max() ?? 0)) + 1)
    }
  }

  /// Adds an event, which is not earlier than those before.
  ///
  /// - Returns: the episode that ended by it, and whether one began.
  mutating func add(
    _ entry: CorrelationEntry,
    _ correlation: SigmaCorrelation
  ) -> (ended: Episode?, hasBegun: Bool) {
    let time = entry.time.milliseconds
    // The same event delivered twice, or matched by one part twice, counts once.
    let key = "\(entry.part)\u{1F}\(entry.event.digest)"
    if digests[key] != nil { return (nil, false) }
    var ended: Episode?
    if correlation.isMonotone {
      evict(before: time - correlation.timespan, correlation)
    } else if let first = items.indices.contains(head) ? items[head] : nil,
      time - first.time > correlation.timespan
    {
      ended = closed(correlation)
    }
    digests[key] = time
    push(
      Item(
        time: time,
        part: entry.part,
        value: entry.value,
        number: Double(entry.value) ?? 0,
        event: entry.event
      ),
      correlation
    )
    guard correlation.isMonotone else { return (ended, false) }
    let number = number(correlation)
    let meets = meets(number, correlation)
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
    episode = wholeWindow(number)
    return (ended, true)
  }

  private func wholeWindow(_ number: Double) -> Episode {
    let window = items[head...]
    return Episode(
      first: Instant(milliseconds: window.first?.time ?? 0),
      last: Instant(milliseconds: window.last?.time ?? 0),
      count: window.count,
      events: window.prefix(Self.eventLimit).map(\.event),
      peak: number
    )
  }

  /// Ends the window: what is still open, or for a condition with an upper bound the window itself.
  mutating func closed(_ correlation: SigmaCorrelation) -> Episode? {
    if correlation.isMonotone {
      defer { episode = nil }
      return episode
    }
    let number = number(correlation)
    let whole = head < items.count && meets(number, correlation) ? wholeWindow(number) : nil
    evict(before: .max, correlation)
    return whole
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
  private func number(_ correlation: SigmaCorrelation) -> Double {
    let count = items.count - head
    switch correlation.kind {
    case .eventCount, .rate, .firstSeen: return Double(count)
    case .valueCount: return Double(distinct.count)
    case .valueSum: return sum
    case .valueAverage: return count == 0 ? 0 : sum / Double(count)
    case .valuePercentile: return percentile(correlation.percentile)
    case .valueMedian: return percentile(50)
    case .temporal: return Double(perPart.count { $0 > 0 })
    case .temporalOrdered:
      let since = latest - correlation.timespan
      let reached = chain.lastIndex { $0.map { $0 >= since } ?? false }
      return Double(reached.map { $0 + 1 } ?? 0)
    }
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

  private mutating func push(_ item: Item, _ correlation: SigmaCorrelation) {
    items.append(item)
    distinct[item.value, default: 0] += 1
    perPart[item.part] += 1
    sum += item.number
    if item.part == 0 {
      chain[0] = item.time
    } else if let since = chain[item.part - 1], item.time - since <= correlation.timespan {
      chain[item.part] = max(chain[item.part] ?? .min, since)
    }
    if items.count - head > Self.limit(correlation) { popFirst() }
  }

  private mutating func evict(before time: Int64, _ correlation: SigmaCorrelation) {
    while head < items.count, items[head].time < time { popFirst() }
    if head == items.count {
      items.removeAll(keepingCapacity: true)
      head = 0
      digests = [:]
      sum = 0
    } else if head > 1000, head * 2 > items.count {
      items.removeFirst(head)
      head = 0
      let oldest = items[0].time
      digests = digests.filter { $0.value >= oldest }
    }
  }

  private mutating func popFirst() {
    let item = items[head]
    head += 1
    perPart[item.part] -= 1
    sum -= item.number
    if let count = distinct[item.value] {
      distinct[item.value] = count > 1 ? count - 1 : nil
    }
  }
}
