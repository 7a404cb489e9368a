import CSimdjson
import JSON
import Model

/// How many members of a quantifier's range satisfied its condition.
struct Tally {
  var yes: Int32 = 0
  var no: Int32 = 0
  var unknown: Int32 = 0
  /// Members whose condition holds because it had nothing to judge.
  var vacuous: Int32 = 0
  /// Whether there may be more members than were read.
  var isOpen = false

  /// Members whose condition holds.
  var satisfied: Int32 { yes + vacuous }

  mutating func add(_ truth: Truth) {
    switch truth {
    case .no: no += 1
    case .unknown: unknown += 1
    case .yes: yes += 1
    default: vacuous += 1
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

  /// The instant of judgement, in seconds.
  var now: Double
  private(set) var program: KindProgram
  private(set) var tables: ProgramTables
  private(set) var comparer: Comparer
  private(set) var tape: Tape
  let slots: UnsafeMutablePointer<Int32>
  let unreadSlots: UnsafeMutablePointer<Int32>
  let tallies: UnsafeMutablePointer<Tally>
  var unread = UnreadPaths()
  private(set) var hasUnread = false
  /// Why the resource cannot be judged, found while it was walked; nil where it can.
  var fault: String?
  /// Values gathered along paths with `[*]`; a stack.
  var scratch: [Entry] = []
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
    UnsafeMutablePointer<UInt64>.allocate(capacity: 4)
  )
  private static nonisolated(unsafe) let emptyStrings = unsafe UnsafePointer(
    UnsafeMutablePointer<UInt8>.allocate(capacity: 16)
  )

  /// Walks one resource: `resource` is where its envelope stands, `configuration` where its
  /// configuration does, 0 when there is none.
  func load(_ program: KindProgram, _ tape: Tape, resource: Int, configuration: Int) {
    if self.program !== program {
      self.program = program
      tables = program.tables
    }
    unsafe self.tape = unsafe tape
    comparer = unsafe Comparer(tape: tape, now: now, values: tables.values)
    hasUnread = !unread.isEmpty
    fault = nil
    if program.readsEnvelope { fill(KindProgram.envelope, resource, unread.envelope) }
    fill(KindProgram.configuration, configuration, unread.configuration)
  }
}
