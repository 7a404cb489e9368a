import CSimdjson
import JSON

/// The fields that are read of an event, as a tree of keys.
///
/// A key with dots is a path of its own, so that flattened records and nested ones are read alike.
@safe final class FieldTrie {
  private struct Child {
    var key: [UInt8]
    var node: Int
  }

  private struct Node {
    var children: [Child] = []
    /// Places of `children` by hash; -1 is empty.
    var table: [Int32] = []
    var slots: [Int] = []
  }

  private var nodes = [Node()]
  /// How many slots there are.
  private(set) var count = 0
  private var known: [[String]: Int] = [:]

  /// The slot of a field, made where there is none yet; a field with several paths has the values
  /// of all.
  func slot(_ paths: [String]) -> Int {
    if let slot = known[paths] { return slot }
    let slot = count
    count += 1
    known[paths] = slot
    for path in paths {
      var node = 0
      for part in path.split(separator: ".", omittingEmptySubsequences: false) {
        let key = Array(part.utf8)
        if let child = nodes[node].children.first(where: { $0.key == key }) {
          node = child.node
        } else {
          nodes.append(Node())
          nodes[node].children.append(Child(key: key, node: nodes.count - 1))
          node = nodes.count - 1
        }
      }
      nodes[node].slots.append(slot)
    }
    return slot
  }

  /// The slot of a path.
  func slot(_ path: String) -> Int { slot([path]) }

  /// Builds the tables; no field may be added behind it.
  func close() {
    for index in nodes.indices where !nodes[index].children.isEmpty {
      var size = 4
      while size < 2 * nodes[index].children.count { size *= 2 }
      var table = [Int32](repeating: -1, count: size)
      for (place, child) in nodes[index].children.enumerated() {
        var at = unsafe child.key.withUnsafeBufferPointer { unsafe Self.hash($0) } & (size - 1)
        while table[at] >= 0 { at = (at + 1) & (size - 1) }
        table[at] = Int32(place)
      }
      nodes[index].table = table
    }
  }

  /// From the length and four bytes; a table is small, and a collision costs one comparison.
  private static func hash(_ key: UnsafeBufferPointer<UInt8>) -> Int {
    let count = key.count
    if count == 0 { return 0 }
    let first = unsafe Int(key[0])
    let middle = unsafe Int(key[count / 2])
    let third = unsafe Int(key[count * 3 / 4])
    let last = unsafe Int(key[count - 1])
    return (count &* 31 &+ first &* 7) ^ (middle &* 13) ^ (third << 3) ^ (last << 1)
  }

  private static func isSame(_ wanted: [UInt8], _ key: UnsafeBufferPointer<UInt8>) -> Bool {
    for index in 0..<wanted.count where unsafe wanted[index] != key[index] { return false }
    return true
  }

  private func child(_ node: Int, _ key: UnsafeBufferPointer<UInt8>) -> Int? {
    let size = nodes[node].table.count
    if size == 0 { return nil }
    var at = unsafe Self.hash(key) & (size - 1)
    while true {
      let place = Int(nodes[node].table[at])
      if place < 0 { return nil }
      let wanted = nodes[node].children[place].key
      if wanted.count == key.count, unsafe Self.isSame(wanted, key) {
        return nodes[node].children[place].node
      }
      at = (at + 1) & (size - 1)
    }
  }

  /// Walks an event once and tells every value of a field.
  func walk(_ tape: Tape, _ found: (_ slot: Int, _ place: Int) -> Void) {
    unsafe value(tape, tape.root, 0, found)
  }

  private func value(_ tape: Tape, _ place: Int, _ node: Int, _ found: (Int, Int) -> Void) {
    let kind = unsafe tape.kind(place)
    if kind == .array {
      var index = place + 1
      let end = unsafe tape.end(place)
      while index < end {
        // An array's elements share its path.
        let inner = unsafe tape.kind(index)
        if inner == .object || inner == .array {
          unsafe value(tape, index, node, found)
        }
        index = unsafe tape.next(index)
      }
    } else if kind == .object, !nodes[node].children.isEmpty {
      var index = place + 1
      let end = unsafe tape.end(place)
      while index < end {
        let key = unsafe UnsafeBufferPointer(
          start: tape.textStart(index),
          count: tape.textLength(index)
        )
        if let child = unsafe self.child(node, key) {
          unsafe arrive(tape, index + 1, child, found)
        } else if unsafe key.contains(0x2E) {
          unsafe dotted(tape, index + 1, key, node, found)
        }
        index = unsafe tape.next(index + 1)
      }
    }
  }

  private func arrive(_ tape: Tape, _ place: Int, _ node: Int, _ found: (Int, Int) -> Void) {
    let kind = unsafe tape.kind(place)
    if kind != .null { for slot in nodes[node].slots { found(slot, place) } }
    if kind == .object || kind == .array { unsafe value(tape, place, node, found) }
  }

  private func dotted(
    _ tape: Tape,
    _ place: Int,
    _ key: UnsafeBufferPointer<UInt8>,
    _ start: Int,
    _ found: (Int, Int) -> Void
  ) {
    var node = start
    var from = 0
    while from <= key.count {
      var end = from
      while end < key.count, unsafe key[end] != 0x2E { end += 1 }
      let part = unsafe UnsafeBufferPointer(rebasing: key[from..<end])
      guard let next = unsafe child(node, part) else { return }
      node = next
      from = end + 1
    }
    unsafe arrive(tape, place, node, found)
  }
}
