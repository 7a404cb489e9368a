import CSimdjson
import JSON
import Model

// Visiting the elements that paths and quantifiers range over.
extension Evaluator {
  func run(_ loop: Loop) {
    for clause in loop.clauses.indices {
      unsafe tallies[Int(tables.clauses[clause].tally)] = Tally()
    }
    let place = unsafe Int(slots[Int(loop.slot)])
    let unreadNode = hasUnread ? unsafe unreadSlots[Int(loop.slot)] : 0
    if unreadNode == 0, loop.steps.count == 0 {
      guard place != 0, unsafe tape.kind(place) != .null else { return }
      guard unsafe tape.kind(place) == .array else { return visit(loop, place, 0) }
      var index = place + 1
      let end = unsafe tape.end(place)
      while index < end {
        visit(loop, index, 0)
        index = unsafe tape.next(index)
      }
      return
    }
    let isOpen = withValues(place, unreadNode, loop.steps) { entries in
      for index in entries {
        let entry = scratch[index]
        visit(loop, Int(entry.place), entry.unread)
      }
    }
    guard isOpen else { return }
    for clause in loop.clauses.indices {
      unsafe tallies[Int(tables.clauses[clause].tally)].isOpen = true
    }
  }

  func visit(_ loop: Loop, _ place: Int, _ unreadNode: Int32) {
    fill(Int(loop.frame), place, unreadNode)
    for clause in loop.clauses.indices {
      let clause = tables.clauses[clause]
      let truth = clause.satisfy < 0 ? Truth.yes : truth(clause.satisfy)
      unsafe tallies[Int(clause.tally)].add(truth)
    }
  }

  /// Gathers the values along steps and lends out their range in the scratch stack.
  ///
  /// - Returns: whether there may be more values than were read.
  func withValues(
    _ place: Int,
    _ unreadNode: Int32,
    _ steps: Span32,
    _ body: (Range<Int>) -> Void
  ) -> Bool {
    let mark = scratch.count
    let isOpen = gather(place, unreadNode, steps.indices)
    body(mark..<scratch.count)
    scratch.removeLast(scratch.count - mark)
    return isOpen
  }

  /// Pushes the values that a path reaches; a list at its end gives its elements.
  func gather(_ place: Int, _ unreadNode: Int32, _ steps: Range<Int>) -> Bool {
    if unread.reason(unreadNode) != nil { return true }
    guard let first = steps.first else { return gatherElements(place, unreadNode, steps) }
    let rest = steps.dropFirst()
    let step = tables.steps[first]
    switch step.kind {
    case .each: return gatherElements(place, unreadNode, rest)
    case .key:
      let key = unsafe tables.values.text(Span32(start: step.offset, count: step.length))
      let isList = unsafe place != 0 && tape.kind(place) == .array
      let below = unsafe unread.child(unreadNode, key: key, isList: isList)
      let value = unsafe member(key, of: place)
      if value == nil, below == 0 { return false }
      return gather(value ?? 0, below, rest)
    case .index:
      let value = element(Int(step.offset), of: place)
      let below = unread.child(unreadNode, index: Int(step.offset))
      if value == nil, below == 0 { return unreadNode != 0 && unread.more(unreadNode) != 0 }
      return gather(value ?? 0, below, rest)
    }
  }

  func gatherElements(_ place: Int, _ unreadNode: Int32, _ rest: Range<Int>) -> Bool {
    let kind = place == 0 ? TapeKind.null : unsafe tape.kind(place)
    let isAbsent = kind == .null
    guard kind == .array else {
      // One value is a list of one; nothing, with something unread below, may be a list.
      if isAbsent { return unreadNode != 0 }
      let below = unread.single(unreadNode)
      let isOpen = unread.isOpen(unreadNode, count: 1)
      return (rest.isEmpty ? push(place, below) : gather(place, below, rest)) || isOpen
    }
    var isOpen = false
    var index = place + 1
    let end = unsafe tape.end(place)
    var position = 0
    while index < end {
      let below = unread.child(unreadNode, index: position)
      if rest.isEmpty {
        _ = push(index, below)
      } else if gather(index, below, rest) {
        isOpen = true
      }
      index = unsafe tape.next(index)
      position += 1
    }
    // There may be more elements than were read, or an unread one behind the last of them.
    return isOpen || unread.isOpen(unreadNode, count: position)
  }

  func push(_ place: Int, _ unreadNode: Int32) -> Bool {
    scratch.append(Entry(place: Int32(truncatingIfNeeded: place), unread: unreadNode))
    return false
  }

  /// Visits the elements of a quantifier one after another, each loaded while it is visited.
  func eachElement(of quantifier: QuantifierOperation, _ body: (Int, Entry) -> Void) {
    let loop = tables.loops[quantifier.loop]
    let place = unsafe Int(slots[Int(loop.slot)])
    let unreadNode = hasUnread ? unsafe unreadSlots[Int(loop.slot)] : 0
    _ = withValues(place, unreadNode, loop.steps) { entries in
      for (position, index) in entries.enumerated() {
        let entry = scratch[index]
        fill(Int(loop.frame), Int(entry.place), entry.unread)
        body(position, entry)
      }
    }
  }

  /// Why the list of a quantifier was not read; nil where it was, or only parts were not.
  func unreadReason(of quantifier: QuantifierOperation) -> String? {
    let slot = Int(tables.loops[quantifier.loop].slot)
    return hasUnread ? unread.anyReason(unsafe unreadSlots[slot]) : nil
  }

  /// The values that a leaf compares, as places; for a plain property its own.
  func places(of leaf: LeafOperation) -> [Int] {
    let entry = value(of: leaf)
    guard leaf.steps.count > 0 else { return entry.place == 0 ? [] : [Int(entry.place)] }
    var places: [Int] = []
    _ = withValues(Int(entry.place), entry.unread, leaf.steps) { entries in
      places = entries.map { Int(scratch[$0].place) }.filter { $0 != 0 }
    }
    return places
  }
}
