import CSimdjson
import JSON
import Model

/// How many members of a quantifier's range satisfied its condition.
struct Tally {
  var yes: Int32 = 0
  var no: Int32 = 0
  var unknown: Int32 = 0
  /// Whether there may be more members than were read.
  var isOpen = false

  mutating func add(_ truth: Truth) {
    switch truth {
    case .no: no += 1
    case .unknown: unknown += 1
    default: yes += 1
    }
  }
}

/// Evaluates one kind's conditions over one parsed resource at a time.
///
/// `load` walks the resource once and remembers where each path's value stands; conditions are then
/// read off those slots. Nothing is allocated per condition. One evaluator serves one thread.
@safe final class Evaluator {
  /// A value met on the way along a path, and what is unread below it.
  struct Entry {
    var place: Int32
    var unread: Int32
  }

  let now: Double
  private(set) var program: KindProgram
  private var tables: ProgramTables
  private(set) var comparer: Comparer
  private(set) var tape: Tape
  private let slots: UnsafeMutablePointer<Int32>
  private let unreadSlots: UnsafeMutablePointer<Int32>
  private let tallies: UnsafeMutablePointer<Tally>
  var unread = UnreadTree()
  private(set) var hasUnread = false
  /// A key that an object read by some rule names twice.
  private(set) var duplicateKey: String?
  /// Values gathered along paths with `[*]`; a stack.
  private var scratch: [Entry] = []
  /// The counts over related resources; nil until they are complete.
  var population: ((QuantifierOperation) -> Tally)?

  init(_ ruleSet: RuleSet, empty: KindProgram, now: Double) {
    self.now = now
    program = empty
    tables = empty.tables
    let slotCount = ruleSet.programs.map(\.slotCount).max() ?? 0
    let tallyCount = ruleSet.programs.map(\.tallyCount).max() ?? 0
    unsafe slots = .allocate(capacity: slotCount + 1)
    unsafe unreadSlots = .allocate(capacity: slotCount + 1)
    unsafe tallies = .allocate(capacity: tallyCount + 1)
    unsafe slots.initialize(repeating: 0, count: slotCount + 1)
    unsafe unreadSlots.initialize(repeating: 0, count: slotCount + 1)
    unsafe tallies.initialize(repeating: Tally(), count: tallyCount + 1)
    let tape = unsafe Tape(words: Self.emptyTape, strings: Self.emptyStrings)
    unsafe self.tape = unsafe tape
    comparer = unsafe Comparer(tape: tape, now: now, values: empty.tables.values)
  }

  deinit {
    unsafe slots.deallocate()
    unsafe unreadSlots.deallocate()
    unsafe tallies.deallocate()
  }

  // A tape to point at before the first document.
  private static nonisolated(unsafe) let emptyTape = unsafe UnsafePointer(
    UnsafeMutablePointer<UInt64>.allocate(capacity: 4))
  private static nonisolated(unsafe) let emptyStrings = unsafe UnsafePointer(
    UnsafeMutablePointer<UInt8>.allocate(capacity: 16))

  /// Walks one resource.
  ///
  /// - Parameters:
  ///   - resource: where the envelope stands.
  ///   - configuration: where the configuration stands, 0 when there is none.
  func load(_ program: KindProgram, _ tape: Tape, resource: Int, configuration: Int) {
    if self.program !== program {
      self.program = program
      tables = program.tables
    }
    unsafe self.tape = unsafe tape
    comparer = unsafe Comparer(tape: tape, now: now, values: tables.values)
    hasUnread = !unread.isEmpty
    duplicateKey = nil
    if program.readsEnvelope { fill(KindProgram.envelope, resource, unread.envelope) }
    fill(KindProgram.configuration, configuration, unread.configuration)
  }

  // MARK: - Walking

  /// Fills the slots of a frame from the value at a place, then runs the frame's loops.
  private func fill(_ index: Int, _ place: Int, _ unreadNode: Int32) {
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

  private func walk(_ index: Int32, _ place: Int) {
    let node = tables.nodes[index]
    if node.slot >= 0 { unsafe slots[Int(node.slot)] = Int32(truncatingIfNeeded: place) }
    if node.edges.count > 0, unsafe tape.kind(place) == .object { walkObject(node, place) }
    if node.indexEdges.count > 0, unsafe tape.kind(place) == .array { walkArray(node, place) }
  }

  private func walkObject(_ node: PathNode, _ place: Int) {
    let tape = unsafe self.tape
    var index = place + 1
    let end = unsafe tape.end(place)
    var seen: UInt64 = 0
    while index < end {
      let key = unsafe tape.bytes(index)
      if let edge = unsafe edge(of: node, key) {
        let bit: UInt64 = 1 &<< UInt64(edge - Int(node.edges.start))
        if seen & bit != 0, duplicateKey == nil { duplicateKey = unsafe tape.string(index) }
        seen |= bit
        walk(tables.keyEdges[edge].node, index + 1)
      }
      index = unsafe tape.next(index + 1)
    }
  }

  /// The edge of a node for a key, or nil.
  @inline(__always)
  private func edge(of node: PathNode, _ key: UnsafeBufferPointer<UInt8>) -> Int? {
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
        Span32(start: edge.offset, count: Int32(truncatingIfNeeded: key.count)))
      if unsafe Comparer.equal(text, key) { return index }
    }
    return nil
  }

  private func walkArray(_ node: PathNode, _ place: Int) {
    for edge in node.indexEdges.indices {
      let edge = tables.indexEdges[edge]
      if let element = element(Int(edge.index), of: place) { walk(edge.node, element) }
    }
  }

  /// The place of an element of the array at a place.
  private func element(_ index: Int, of place: Int) -> Int? {
    guard place != 0, unsafe tape.kind(place) == .array else { return nil }
    var current = place + 1
    let end = unsafe tape.end(place)
    for _ in 0..<index where current < end { current = unsafe tape.next(current) }
    return current < end ? current : nil
  }

  /// Walks a value of which some part is unread; the place is 0 where the value is absent.
  private func walkUnread(_ index: Int32, _ place: Int, _ unreadNode: Int32) {
    let node = tables.nodes[index]
    if unread.reason(unreadNode) != nil {
      for slot in node.subtree.indices { unsafe unreadSlots[slot] = unreadNode }
      return
    }
    if node.slot >= 0 {
      unsafe slots[Int(node.slot)] = Int32(truncatingIfNeeded: place)
      unsafe unreadSlots[Int(node.slot)] = unreadNode
    }
    for edge in node.edges.indices {
      let edge = tables.keyEdges[edge]
      let key = unsafe tables.values.text(
        Span32(start: edge.offset, count: Int32(edge.length)))
      let value = place == 0 ? nil : unsafe tape.member(key, of: place)
      step(edge.node, value, unsafe unread.child(unreadNode, key: key))
    }
    for edge in node.indexEdges.indices {
      let edge = tables.indexEdges[edge]
      let value = element(Int(edge.index), of: place)
      var below = unread.child(unreadNode, index: Int(edge.index))
      if value == nil, below == 0, unread.isOpen(unreadNode) {
        below = unread.openElement(unreadNode)
      }
      step(edge.node, value, below)
    }
  }

  private func step(_ node: Int32, _ place: Int?, _ unreadNode: Int32) {
    if unreadNode != 0 {
      walkUnread(node, place ?? 0, unreadNode)
    } else if let place {
      walk(node, place)
    }
  }

  // MARK: - Loops

  private func run(_ loop: Loop) {
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

  private func visit(_ loop: Loop, _ place: Int, _ unreadNode: Int32) {
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
  private func withValues(
    _ place: Int, _ unreadNode: Int32, _ steps: Span32, _ body: (Range<Int>) -> Void
  ) -> Bool {
    let mark = scratch.count
    let isOpen = gather(place, unreadNode, steps.indices)
    body(mark..<scratch.count)
    scratch.removeLast(scratch.count - mark)
    return isOpen
  }

  /// Pushes the values that a path reaches; a list at its end gives its elements.
  private func gather(_ place: Int, _ unreadNode: Int32, _ steps: Range<Int>) -> Bool {
    if unread.reason(unreadNode) != nil { return true }
    guard let first = steps.first else { return gatherElements(place, unreadNode, steps) }
    let rest = steps.dropFirst()
    let step = tables.steps[first]
    switch step.kind {
    case .each: return gatherElements(place, unreadNode, rest)
    case .key:
      let key = unsafe tables.values.text(Span32(start: step.offset, count: step.length))
      let below = unreadNode == 0 ? 0 : unsafe unread.child(unreadNode, key: key)
      let value = place == 0 ? nil : unsafe tape.member(key, of: place)
      if value == nil, below == 0 { return false }
      return gather(value ?? 0, below, rest)
    case .index:
      let value = element(Int(step.offset), of: place)
      let below = unreadNode == 0 ? 0 : unread.child(unreadNode, index: Int(step.offset))
      if value == nil, below == 0 { return unreadNode != 0 && unread.isOpen(unreadNode) }
      return gather(value ?? 0, below, rest)
    }
  }

  private func gatherElements(_ place: Int, _ unreadNode: Int32, _ rest: Range<Int>) -> Bool {
    let kind = place == 0 ? TapeKind.null : unsafe tape.kind(place)
    let isAbsent = kind == .null
    guard kind == .array else {
      // One value is a list of one; nothing, with something unread below, may be a list.
      if isAbsent { return unreadNode != 0 }
      return rest.isEmpty ? push(place, unreadNode) : gather(place, unreadNode, rest)
    }
    var isOpen = false
    var index = place + 1
    let end = unsafe tape.end(place)
    var position = 0
    while index < end {
      let below = unreadNode == 0 ? 0 : unread.child(unreadNode, index: position)
      if rest.isEmpty {
        _ = push(index, below)
      } else if gather(index, below, rest) {
        isOpen = true
      }
      index = unsafe tape.next(index)
      position += 1
    }
    guard unreadNode != 0 else { return isOpen }
    if unread.isOpen(unreadNode) { isOpen = true }
    for (beyond, node) in unread.nodes[Int(unreadNode)].indices where beyond >= position {
      if rest.isEmpty { _ = push(0, node) } else { isOpen = true }
    }
    return isOpen
  }

  private func push(_ place: Int, _ unreadNode: Int32) -> Bool {
    scratch.append(Entry(place: Int32(truncatingIfNeeded: place), unread: unreadNode))
    return false
  }

  // MARK: - Truth

  /// The value of an operation of the loaded program.
  func truth(_ index: Int32) -> Truth {
    let operation = tables.operations[index]
    switch operation.code {
    case .and:
      var result = Truth.vacuous
      for child in operation.operand.indices {
        result = .and(result, truth(tables.children[child]))
        if result == .no { break }
      }
      return result
    case .or:
      var result = Truth.no
      for child in operation.operand.indices {
        result = .or(result, truth(tables.children[child]))
        if result == .yes { break }
      }
      return result
    case .not: return !truth(operation.operand.start)
    case .leaf: return truth(of: tables.leaves[operation.operand.start])
    case .quantifier, .related:
      let quantifier = tables.quantifiers[operation.operand.start]
      return truth(of: quantifier, tally(of: quantifier))
    }
  }

  /// What a quantifier counted.
  func tally(of quantifier: QuantifierOperation) -> Tally {
    if quantifier.loop >= 0 { return unsafe tallies[Int(quantifier.tally)] }
    return population?(quantifier) ?? Tally(isOpen: true)
  }

  /// Where a leaf's value stands and what is unread there.
  func value(of leaf: LeafOperation) -> Entry {
    var place = unsafe slots[Int(leaf.slot)]
    var below = hasUnread ? unsafe unreadSlots[Int(leaf.slot)] : 0
    if leaf.fallback >= 0, unsafe place == 0 || tape.kind(Int(place)) == .null, below == 0 {
      place = unsafe slots[Int(leaf.fallback)]
      below = hasUnread ? unsafe unreadSlots[Int(leaf.fallback)] : 0
    }
    return Entry(place: place, unread: below)
  }

  /// The value of a leaf.
  func truth(of leaf: LeafOperation) -> Truth {
    let entry = value(of: leaf)
    let place = Int(entry.place)
    let result: Truth
    if entry.unread == 0, leaf.steps.count == 0 {
      if place == 0 {
        result = Truth(comparer.isAbsentTrue(leaf.comparison))
      } else if leaf.comparison.readsElements, unsafe tape.kind(place) == .array {
        result = listTruth(of: leaf, entry)
      } else {
        result = Truth(comparer.compare(place, leaf.comparison, tables.operands[leaf.value]))
      }
    } else if unread.reason(entry.unread) != nil {
      return .unknown
    } else if leaf.steps.count == 0, !leaf.comparison.readsElements {
      // Something below is unread: what is there is there, what is not may be.
      let isEmpty = place == 0 || comparer.compare(place, .isEmpty, OperandValue())
      if leaf.comparison == .exists {
        result = place == 0 || comparer.isNull(place) ? .unknown : .yes
      } else {
        result = isEmpty ? .unknown : .no
      }
    } else {
      result = listTruth(of: leaf, entry)
    }
    return leaf.isNegated ? !result : result
  }

  private func listTruth(of leaf: LeafOperation, _ entry: Entry) -> Truth {
    let operand = tables.operands[leaf.value]
    var result = Truth.no
    var isOpen = false
    let mark = scratch.count
    if gather(Int(entry.place), entry.unread, leaf.steps.indices) { isOpen = true }
    var values = mark
    for index in mark..<scratch.count {
      let entry = scratch[index]
      if unread.reason(entry.unread) != nil {
        isOpen = true
      } else if entry.place != 0, !comparer.isNull(Int(entry.place)) {
        scratch[values] = entry
        values += 1
      }
    }
    result = comparer.compareList(
      scratch[mark..<values], isOpen: isOpen, leaf.comparison, operand)
    scratch.removeLast(scratch.count - mark)
    return result
  }

  // MARK: - For proofs

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

extension Evaluator {
  /// A quantifier's value for what was counted.
  func truth(of quantifier: QuantifierOperation, _ tally: Tally) -> Truth {
    let mayBeMore = tally.unknown > 0 || tally.isOpen
    switch quantifier.kind {
    case .any: return tally.yes > 0 ? .yes : mayBeMore ? .unknown : .no
    case .none: return tally.yes > 0 ? .no : mayBeMore ? .unknown : .yes
    case .all:
      if tally.no > 0 { return .no }
      if mayBeMore { return .unknown }
      return tally.yes == 0 ? .vacuous : .yes
    case .count:
      let lowest = Double(tally.yes)
      let highest = tally.isOpen ? .infinity : lowest + Double(tally.unknown)
      let operand = program.tables.operands[quantifier.value]
      return comparer.truth(quantifier.comparison, from: lowest, to: highest, operand)
    }
  }
}

extension Operator {
  /// Whether the operator looks at the elements of a list instead of the list itself.
  var readsElements: Bool {
    switch self {
    case .exists, .notExists, .isEmpty, .isNotEmpty: false
    default: true
    }
  }
}
