import CSimdjson
import JSON

// Filling the slots of a frame from a value.
extension Evaluator {
  /// Fills the slots of a frame from the value at a place, then runs the frame's loops.
  func fill(_ index: Int, _ place: Int, _ unreadNode: Int32) {
    let frame = tables.frames[index]
    let count = Int(frame.slots.count)
    unsafe (slots + Int(frame.slots.start)).update(repeating: 0, count: count)
    if hasUnread {
      unsafe (unreadSlots + Int(frame.slots.start)).update(repeating: 0, count: count)
    }
    if unreadNode == 0 {
      if place != 0 { walk(frame.node, place) }
    } else {
      walkUnread(frame.node, place, unreadNode)
    }
    for loop in frame.loops.indices { run(tables.loops[loop]) }
  }

  func walk(_ index: Int32, _ place: Int) {
    let node = tables.nodes[index]
    if node.slot >= 0 { unsafe slots[Int(node.slot)] = Int32(truncatingIfNeeded: place) }
    if node.edges.count > 0 {
      if unsafe tape.kind(place) == .object { walkObject(node, place) } else { noteText(place) }
    }
    if node.indexEdges.count > 0, unsafe tape.kind(place) == .array { walkArray(node, place) }
  }

  func walkObject(_ node: PathNode, _ place: Int) {
    let tape = unsafe self.tape
    var index = place + 1
    let end = unsafe tape.end(place)
    // A bit for each edge met; nodes with more than 64 edges keep the others in a set.
    var seen: UInt64 = 0
    var seenBeyond: Set<Int> = []
    while index < end {
      let key = unsafe tape.bytes(index)
      if node.lengths >> UInt64(key.count & 63) & 1 != 0, let edge = unsafe edge(of: node, key) {
        let ordinal = edge - Int(node.edges.start)
        if ordinal < 64 {
          let bit: UInt64 = 1 &<< UInt64(ordinal)
          if seen & bit != 0 { noteDuplicate(index) }
          seen |= bit
        } else if !seenBeyond.insert(ordinal).inserted {
          noteDuplicate(index)
        }
        walk(tables.keyEdges[edge].node, index + 1)
      }
      index = unsafe tape.next(index + 1)
    }
  }

  /// The edge of a node for a key, or nil.
  @inline(__always)
  func edge(of node: PathNode, _ key: UnsafeBufferPointer<UInt8>) -> Int? {
    guard let start = key.baseAddress else { return nil }
    // The string buffer is padded, so eight bytes can be loaded behind any string's start.
    var head = unsafe UnsafeRawPointer(start).loadUnaligned(as: UInt64.self)
    if key.count < 8 { head &= (1 &<< UInt64(key.count * 8)) &- 1 }
    for index in node.edges.indices {
      let edge = tables.keyEdges[index]
      guard edge.head == head, edge.length == UInt32(truncatingIfNeeded: key.count) else {
        continue
      }
      if key.count <= 8 { return index }
      let text = unsafe tables.values.text(
        Span32(start: edge.offset, count: Int32(truncatingIfNeeded: key.count))
      )
      if unsafe Comparer.equal(text, key) { return index }
    }
    return nil
  }

  func walkArray(_ node: PathNode, _ place: Int) {
    for edge in node.indexEdges.indices {
      let edge = tables.indexEdges[edge]
      if let element = element(Int(edge.index), of: place) { walk(edge.node, element) }
    }
  }

  /// The place of an element of the array at a place.
  func element(_ index: Int, of place: Int) -> Int? {
    guard place != 0, unsafe tape.kind(place) == .array else { return nil }
    var current = place + 1
    let end = unsafe tape.end(place)
    for _ in 0..<index where current < end { current = unsafe tape.next(current) }
    return current < end ? current : nil
  }

  /// Walks a value of which some part is unread; the place is 0 where the value is absent.
  func walkUnread(_ index: Int32, _ place: Int, _ unreadNode: Int32) {
    let node = tables.nodes[index]
    if unread.reason(unreadNode) != nil {
      for slot in node.subtree.indices { unsafe unreadSlots[slot] = unreadNode }
      return
    }
    if node.slot >= 0 {
      unsafe slots[Int(node.slot)] = Int32(truncatingIfNeeded: place)
      unsafe unreadSlots[Int(node.slot)] = unreadNode
    }
    let isList = unsafe place != 0 && tape.kind(place) == .array
    for edge in node.edges.indices {
      let edge = tables.keyEdges[edge]
      let key = unsafe tables.values.text(
        Span32(start: edge.offset, count: Int32(edge.length))
      )
      let value = unsafe member(key, of: place)
      step(edge.node, value, unsafe unread.child(unreadNode, key: key, isList: isList))
    }
    for edge in node.indexEdges.indices {
      let edge = tables.indexEdges[edge]
      let value = element(Int(edge.index), of: place)
      var below = unread.child(unreadNode, index: Int(edge.index))
      if value == nil, below == 0 { below = unread.more(unreadNode) }
      step(edge.node, value, below)
    }
  }

  /// The place of the member of the object at a place under a key, or nil.
  ///
  /// Notes a key that stands twice, and text that holds the JSON a rule looks for.
  func member(_ key: UnsafeBufferPointer<UInt8>, of place: Int) -> Int? {
    guard place != 0 else { return nil }
    guard unsafe tape.kind(place) == .object else {
      noteText(place)
      return nil
    }
    var found: Int?
    var index = place + 1
    let end = unsafe tape.end(place)
    while index < end {
      if unsafe Comparer.equal(tape.bytes(index), key) {
        if found == nil { found = index + 1 } else { noteDuplicate(index) }
      }
      index = unsafe tape.next(index + 1)
    }
    return found
  }

  func noteDuplicate(_ place: Int) {
    if fault == nil { fault = unsafe "\(JSONError.duplicateKey(tape.string(place)))" }
  }

  /// Notes a text where a rule looks inside, if it holds JSON that was not parsed.
  func noteText(_ place: Int) {
    guard unsafe tape.kind(place) == .string, unsafe tape.textLength(place) > 0, fault == nil else {
      return
    }
    let first = unsafe tape.textStart(place)[0]
    guard first == 0x7B || first == 0x5B else { return }
    fault = "a property holds JSON as a text where a rule looks inside; give it parsed"
  }

  func step(_ node: Int32, _ place: Int?, _ unreadNode: Int32) {
    if unreadNode != 0 {
      walkUnread(node, place ?? 0, unreadNode)
    } else if let place {
      walk(node, place)
    }
  }
}
