/// Puts records in the order of their time, and keeps those apart that a wrong clock has dated.
struct FlowOrder {
  /// How many records wait to be put in order; beyond that the earlier half goes on.
  static let room = 65_536
  /// How far ahead of all others, and how far behind, a record is taken for wrongly dated.
  static let (ahead, behind) = (Int64(86_400_000), Int64(3_600_000))
  /// So many in a row are not: the log jumps.
  static let jump = 64

  private var waiting: [FlowRecord] = []
  private var newest = Int64.min
  private var held: [FlowRecord] = []
  /// Records that were left out because of their time.
  private(set) var outOfTime = 0

  /// Takes records and hands out those that are in order.
  mutating func take(_ records: [FlowRecord], _ body: ([FlowRecord]) throws -> Void) rethrows {
    for record in records { admit(record) }
    if waiting.count >= Self.room { try give(waiting.count - Self.room / 2, body) }
  }

  @inline(__always) private mutating func admit(_ record: FlowRecord) {
    let time = record.start
    if newest == .min || time <= newest &+ Self.ahead && time >= newest &- Self.behind {
      outOfTime += held.count
      if !held.isEmpty { held.removeAll(keepingCapacity: true) }
      newest = max(newest, time)
      waiting.append(record)
      return
    }
    held.append(record)
    if held.count >= Self.jump { release() }
  }

  private mutating func release() {
    waiting += held
    newest = held.lazy.map(\.start).max() ?? newest
    held = []
  }

  private mutating func give(_ count: Int, _ body: ([FlowRecord]) throws -> Void) rethrows {
    if count == 0 { return }
    var isSorted = true
    for index in waiting.indices.dropFirst() where waiting[index].start < waiting[index - 1].start {
      isSorted = false
      break
    }
    if isSorted {
      let ready = Array(waiting[..<count])
      waiting.removeFirst(count)
      return try body(ready)
    }
    var order = waiting.indices.map { (waiting[$0].start, Int32($0)) }
    order.sort { $0 < $1 }
    let ready = order[..<count].map { waiting[Int($0.1)] }
    waiting = order[count...].map { waiting[Int($0.1)] }
    try body(ready)
  }

  /// Hands out all that wait.
  mutating func finish(_ body: ([FlowRecord]) throws -> Void) rethrows {
    if !held.isEmpty { release() }
    try give(waiting.count, body)
  }

  func save(_ writer: inout StateWriter) {
    writer.put(newest)
    writer.put(list: waiting)
    writer.put(list: held)
  }

  mutating func load(_ reader: inout StateReader) throws {
    newest = try reader.get(Int64.self)
    waiting = try reader.getList(FlowRecord.self)
    held = try reader.getList(FlowRecord.self)
  }
}
