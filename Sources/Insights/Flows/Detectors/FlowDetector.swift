import JSON
import Model

/// What is known of a record before detectors see it.
struct FlowContext {
  var clientIsOwn = false
  var serverIsOwn = false
  var clientIsListed = false
  var serverIsListed = false
  /// Whether this is the first record of its connection.
  var isNew = false
  /// Whether the record was delivered before.
  var isTwice = false
  /// What the run's hashes begin with.
  var seed: UInt64 = 0
}

/// Looks for kinds of findings in records, which come in about the order of their time.
protocol FlowDetector: AnyObject {
  /// The name by which an option chooses it.
  var name: String { get }
  /// Takes a record; what is to be told of a key goes to the alarms.
  func take(_ record: FlowRecord, _ context: FlowContext, _ alarms: FlowAlarms)
  /// What is to be told of a key, once its window has ended.
  func story(_ kind: FlowKind, _ key: FlowKey) -> FlowStory?
  func save(_ writer: inout StateWriter)
  func load(_ reader: inout StateReader) throws
  /// How many keys were forgotten for want of room.
  var evictions: Int { get }
}

/// What a finding tells, before it has names.
struct FlowStory {
  var client: UInt128?
  var server: UInt128?
  var port: UInt16?
  var transport: UInt8 = 6
  /// Whether it is about the conversation of these two, not about one's own side alone.
  var isOfPair = false
  /// Whether one's own side is the client's.
  var isOutbound = false
  /// Whether both sides are one's own, where not both addresses are told.
  var isLateral = false
  var first: Int64
  var last: Int64
  var count: Int
  /// The numbers that made it a finding.
  var values: JSONObject
  /// What else tells it apart from another finding of its kind and addresses.
  var episode: Int64
  /// The kind, where the numbers show another one than was raised.
  private(set) var kind: FlowKind?

  /// The story as one of a kind.
  func of(_ kind: FlowKind) -> FlowStory {
    var story = self
    story.kind = kind
    return story
  }
}

/// That something is to be told of a key at a time.
struct FlowAlarm: BitwiseCopyable {
  var due: Int64
  var key: FlowKey
  var kind: FlowKind
  /// The record that brought it about.
  var position: UInt32
  var file: UInt32
  var account: UInt32
}

/// What waits to be told until its window has ended, so that the numbers are whole.
final class FlowAlarms {
  private(set) var pending: [FlowAlarm] = []
  /// When the next one is due.
  private(set) var nextDue = Int64.max
  /// What cannot wait: its key was forgotten.
  private(set) var displaced: [(FlowAlarm, FlowStory)] = []

  /// How many wait at most; with one more all are told.
  private static let limit = 100_000

  func raise(_ kind: FlowKind, _ key: FlowKey, by record: FlowRecord, due: Int64) {
    let due = pending.count < Self.limit ? due : .min
    pending.append(
      FlowAlarm(
        due: due,
        key: key,
        kind: kind,
        position: record.position,
        file: record.file,
        account: record.account
      )
    )
    nextDue = min(nextDue, due)
  }

  /// Tells a key's story at once, because its state is gone.
  func displace(_ key: FlowKey, _ story: (FlowKind) -> FlowStory?) {
    let gone = pending.filter { $0.key == key }
    guard !gone.isEmpty else { return }
    for alarm in gone { if let story = story(alarm.kind) { displaced.append((alarm, story)) } }
    pending.removeAll { $0.key == key }
    nextDue = .min
  }

  /// The alarms that are due at a time.
  func take(until time: Int64) -> (due: [FlowAlarm], displaced: [(FlowAlarm, FlowStory)]) {
    let due = pending.filter { $0.due <= time }
    if !due.isEmpty { pending.removeAll { $0.due <= time } }
    nextDue = pending.lazy.map(\.due).min() ?? .max
    defer { displaced = [] }
    return (due, displaced)
  }

  func save(_ writer: inout StateWriter) { writer.put(list: pending) }

  func load(_ reader: inout StateReader) throws {
    pending = try reader.getList(FlowAlarm.self)
    nextDue = pending.lazy.map(\.due).min() ?? .max
  }
}

/// Which kinds wait to be told of a key.
struct RaisedKinds: BitwiseCopyable {
  private var bits: UInt32 = 0

  var isEmpty: Bool { bits == 0 }

  /// Notes a kind; returns whether it was not noted before.
  mutating func insert(_ kind: FlowKind) -> Bool {
    let bit = UInt32(1) << UInt32(kind.rawValue)
    defer { bits |= bit }
    return bits & bit == 0
  }

  mutating func remove(_ kind: FlowKind) { bits &= ~(1 << UInt32(kind.rawValue)) }
}

/// Counts of a window and of the one before it, by the records' time.
struct FlowWindow: BitwiseCopyable {
  private(set) var number = Int64.min
  var count: UInt32 = 0
  private(set) var former: UInt32 = 0

  /// Moves to the window of a time; false where the time lies in a window that is over.
  ///
  /// A time far behind begins anew: a clock was set back.
  @inline(__always) mutating func move(to time: Int64, length: Int64) -> Bool {
    let window = time / length
    if window == number { return true }
    if window < number, number - window < 100 { return false }
    former = window == number &+ 1 ? count : 0
    count = 0
    number = window
    return true
  }

  /// What was counted in the last length of time, the former window weighted by how much of it that
  /// still is.
  func sliding(_ time: Int64, length: Int64) -> Double {
    let share = 1 - Double(time - number * length) / Double(length)
    return Double(count) + Double(former) * max(0, min(1, share))
  }
}
