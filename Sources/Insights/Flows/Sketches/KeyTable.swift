/// What is known about a key, and whether it may be forgotten.
protocol FlowKeyState: BitwiseCopyable, Sendable {
  init()
  /// When the key was last met, by the records' time.
  var last: Int64 { get }
  /// Whether something is to be told of the key, so that others are forgotten first.
  var isAlarmed: Bool { get }
}

/// A key of a table: one or two addresses, a port and what else tells keys apart.
struct FlowKey: Hashable, BitwiseCopyable {
  var first: UInt128 = 0
  var second: UInt128 = 0
  var port: UInt16 = 0
  var kind: UInt16 = 0
  /// What keys are counted apart by besides, such as days.
  var group: UInt32 = 0

  @inline(__always) func hash(_ seed: UInt64) -> UInt64 {
    var hash = FlowHash(first, seed)
    if second != 0 { hash.combine(second) }
    hash.combine(UInt64(group) << 32 | UInt64(port) << 16 | UInt64(kind))
    return hash.value
  }
}

/// States by key in bounded memory: sets of eight slots, of which the one that was not met longest
/// makes room where all are taken.
///
/// Grows with the number of keys up to its limit, then no more.
struct KeyTable<State: FlowKeyState>: Sendable {
  private struct Slot: BitwiseCopyable {
    var key = FlowKey()
    var state = State()
  }

  /// What is looked at before a slot is: a set's eight lie together.
  private struct Head: BitwiseCopyable {
    /// Thirty-two bits of the key's hash, 0 where the slot is free.
    var tag: UInt32 = 0
    /// When the key was last met, in seconds since 1970.
    var age: UInt32 = 0
  }

  private static var ways: Int { 8 }

  private var heads: [Head]
  private var slots: [Slot]
  private var mask: Int
  private let limit: Int
  private var seed = UInt64.random(in: .min ... .max)
  private(set) var count = 0
  /// How many keys were forgotten for want of room.
  private(set) var evictions = 0
  /// The key that had to make room for the last one added, where something was to be told of it.
  private(set) var displaced: (key: FlowKey, state: State)?

  /// - Parameter limit: the greatest number of slots, a power of two.
  init(limit: Int) {
    self.limit = max(limit, 64)
    let slots = min(self.limit, 1024)
    heads = Array(repeating: Head(), count: slots)
    self.slots = Array(repeating: Slot(), count: slots)
    mask = slots / Self.ways - 1
  }

  /// The key and state of a slot.
  @inline(__always) subscript(slot: Int) -> State {
    get { slots[slot].state }
    _modify { yield &slots[slot].state }
  }

  /// The slot of a key that is known.
  @inline(__always) func find(_ key: FlowKey) -> Int? {
    let hash = key.hash(seed)
    let tag = UInt32(truncatingIfNeeded: hash >> 32) | 1
    let base = (Int(truncatingIfNeeded: hash) & mask) * Self.ways
    for slot in base..<(base + Self.ways) where heads[slot].tag == tag {
      if slots[slot].key == key { return slot }
    }
    return nil
  }

  /// The slot of a key that is met at a time, and becomes known with it; whether it is new.
  @inline(__always) mutating func slot(_ key: FlowKey, at time: Int64) -> (slot: Int, isNew: Bool) {
    let age = UInt32(clamping: time / 1000)
    let hash = key.hash(seed)
    let tag = UInt32(truncatingIfNeeded: hash >> 32) | 1
    let base = (Int(truncatingIfNeeded: hash) & mask) * Self.ways
    for slot in base..<(base + Self.ways) where heads[slot].tag == tag {
      if slots[slot].key == key {
        heads[slot].age = max(heads[slot].age, age)
        return (slot, false)
      }
    }
    return (add(key, hash, age), true)
  }

  /// Forgets a key.
  mutating func remove(_ key: FlowKey) {
    guard let slot = find(key) else { return }
    heads[slot] = Head()
    count -= 1
  }

  private mutating func add(_ key: FlowKey, _ hash: UInt64, _ age: UInt32) -> Int {
    displaced = nil
    if count * 4 >= slots.count * 3, slots.count < limit { grow() }
    let tag = UInt32(truncatingIfNeeded: hash >> 32) | 1
    var slot = place(hash)
    // A set that is full makes room only in a table that cannot grow.
    while heads[slot].tag != 0, slots.count < limit {
      grow()
      slot = place(hash)
    }
    if heads[slot].tag != 0 {
      evictions += 1
      if slots[slot].state.isAlarmed { displaced = (slots[slot].key, slots[slot].state) }
    } else {
      count += 1
    }
    heads[slot] = Head(tag: tag, age: age)
    slots[slot] = Slot(key: key, state: State())
    return slot
  }

  /// A free slot of a hash's set, or that which was not met longest, those with nothing to tell first.
  private func place(_ hash: UInt64) -> Int {
    let base = (Int(truncatingIfNeeded: hash) & mask) * Self.ways
    var victim = base
    var oldest = UInt32.max
    for slot in base..<(base + Self.ways) {
      if heads[slot].tag == 0 { return slot }
      if heads[slot].age < oldest { (victim, oldest) = (slot, heads[slot].age) }
    }
    if !slots[victim].state.isAlarmed { return victim }
    // Few are: the oldest of the others.
    oldest = .max
    for slot in base..<(base + Self.ways)
    where heads[slot].age < oldest && !slots[slot].state.isAlarmed {
      (victim, oldest) = (slot, heads[slot].age)
    }
    return victim
  }

  private mutating func grow() {
    let (oldHeads, oldSlots) = (heads, slots)
    let size = min(limit, slots.count * 4)
    heads = Array(repeating: Head(), count: size)
    slots = Array(repeating: Slot(), count: size)
    mask = size / Self.ways - 1
    count = 0
    for index in oldHeads.indices where oldHeads[index].tag != 0 { insert(oldSlots[index]) }
  }

  private mutating func insert(_ slot: Slot) {
    let hash = slot.key.hash(seed)
    let place = place(hash)
    if heads[place].tag == 0 { count += 1 } else { evictions += 1 }
    heads[place] = Head(
      tag: UInt32(truncatingIfNeeded: hash >> 32) | 1,
      age: UInt32(clamping: slot.state.last / 1000)
    )
    slots[place] = slot
  }

  /// Each key with its state, in no order.
  func forEach(_ body: (FlowKey, State) -> Void) {
    for index in heads.indices where heads[index].tag != 0 {
      body(slots[index].key, slots[index].state)
    }
  }

  func save(_ writer: inout StateWriter) {
    // By the same seed they fall into the same sets, where there is room for them.
    writer.put(seed)
    writer.put(list: heads.indices.filter { heads[$0].tag != 0 }.map { slots[$0] })
  }

  mutating func load(_ reader: inout StateReader) throws {
    seed = try reader.get(UInt64.self)
    for slot in try reader.getList(Slot.self) {
      if count * 4 >= slots.count * 3, slots.count < limit { grow() }
      while heads[place(slot.key.hash(seed))].tag != 0, slots.count < limit { grow() }
      insert(slot)
    }
  }
}
