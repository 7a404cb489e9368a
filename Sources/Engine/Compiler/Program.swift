import JSON
import Model

/// A table that is filled once and then only read, by every thread.
///
/// Evaluation reads these tables for every resource; plain memory spares it the reference counts
/// and bounds checks of arrays. The owner is the program, which lives as long as its evaluators.
@safe struct Table<Element>: @unchecked Sendable {
  // Sendable: never written after `init`.
  private let storage: UnsafeMutableBufferPointer<Element>

  init(_ elements: [Element]) {
    let storage = UnsafeMutableBufferPointer<Element>.allocate(capacity: max(elements.count, 1))
    _ = unsafe storage.initialize(from: elements)
    unsafe self.storage = UnsafeMutableBufferPointer(rebasing: storage[..<elements.count])
  }

  @inline(__always) subscript(index: Int) -> Element { unsafe storage[index] }
  @inline(__always) subscript(index: Int32) -> Element { unsafe storage[Int(index)] }

  var count: Int { unsafe storage.count }
  var base: UnsafePointer<Element>? { unsafe UnsafePointer(storage.baseAddress) }

  func free() {
    unsafe storage.deinitialize()
    unsafe storage.baseAddress?.deallocate()
  }
}

/// A part of a table.
struct Span32 {
  var start: Int32
  var count: Int32
  static let empty = Span32(start: 0, count: 0)
  var indices: Range<Int> { Int(start)..<Int(start + count) }
}

/// A node of the trie of paths: which slot it fills and which edges leave it.
struct PathNode {
  /// The slot that remembers where the value stands, or -1.
  var slot: Int32
  /// A bit for the length, modulo 64, of each key that leaves the node: most keys of a document
  /// have no edge, and most of those are told apart by their length.
  var lengths: UInt64
  var edges: Span32
  var indexEdges: Span32
  /// The slots of the whole subtree, itself included.
  var subtree: Span32
}

/// A key that leads from one node to another.
struct KeyEdge {
  /// The first eight bytes of the key, little-endian, zero behind its end.
  var head: UInt64
  var length: UInt32
  /// Where the key's bytes stand in the table of bytes.
  var offset: Int32
  var node: Int32
}

/// An array index that leads from one node to another.
struct IndexEdge {
  var index: Int32
  var node: Int32
}

/// One step of a path that is followed for each value instead of once per document.
struct Step {
  enum Kind: UInt8 { case key, index, each }
  var kind: Kind
  /// The index, or the key's place in the table of bytes.
  var offset: Int32
  var length: Int32
}

/// A set of paths that are filled by walking one value: the envelope, the configuration, an element.
struct Frame {
  var node: Int32
  var slots: Span32
  var loops: Span32
}

/// A walk over the elements at one path, shared by all quantifiers that range over it.
struct Loop {
  var slot: Int32
  var steps: Span32
  var frame: Int32
  var clauses: Span32
}

/// One quantifier of a loop: the condition on each element and where to count.
struct Clause {
  var tally: Int32
  /// The condition's operation, or -1 where every element satisfies.
  var satisfy: Int32
}

/// One operation of a compiled condition.
struct Operation {
  enum Code: UInt8 { case and, or, not, leaf, quantifier, related }
  var code: Code
  /// The span of children, the child, or the index of leaf or quantifier.
  var operand: Span32
}

/// A compiled leaf.
struct LeafOperation {
  var slot: Int32
  var fallback: Int32
  var steps: Span32
  /// The operator, or the one it negates.
  var comparison: Operator
  var isNegated: Bool
  var value: Int32
  /// Index into the leaf sources, for proofs.
  var source: Int32
}

/// A quantifier's comparison, read from its tally.
struct QuantifierOperation {
  var kind: Condition.Quantifier.Kind
  var tally: Int32
  var comparison: Operator
  var value: Int32
  /// The loop that fills the tally, or the population clause for related resources.
  var loop: Int32
  var population: Int32
  /// Where the judged resource's side of a join stands.
  var join: LeafOperation?
  var source: Int32
}

/// An operator's value, prepared for comparison: parts of the tables of values.
struct OperandValue {
  var strings = Span32.empty
  var numbers = Span32.empty
  var networks = Span32.empty
}

/// One goal compiled for one kind.
struct GoalProgram {
  /// Index into the rule set's goals.
  var goal: Int32
  /// The target attributes, or -1.
  var select: Int32
  /// The rule's `applies`, or -1.
  var applies: Int32
  var required: Int32
  var needsPopulation: Bool
}

/// What a resource of this kind adds to a population clause of some rule.
struct Contribution {
  /// Index into the rule set's population clauses.
  var clause: Int32
  /// The condition that decides whether the resource counts, or -1.
  var satisfy: Int32
  /// Where the resource's side of the join stands.
  var join: LeafOperation?
}

/// The tables of one compiled kind; they hold no references, so reading them counts none.
struct ProgramTables: Sendable {
  let nodes: Table<PathNode>
  let keyEdges: Table<KeyEdge>
  let indexEdges: Table<IndexEdge>
  let steps: Table<Step>
  let frames: Table<Frame>
  let loops: Table<Loop>
  let clauses: Table<Clause>
  let operations: Table<Operation>
  let children: Table<Int32>
  let leaves: Table<LeafOperation>
  let quantifiers: Table<QuantifierOperation>
  let operands: Table<OperandValue>
  let goals: Table<GoalProgram>
  let contributions: Table<Contribution>
  let values: ValueTables

  func free() {
    nodes.free()
    keyEdges.free()
    indexEdges.free()
    steps.free()
    frames.free()
    loops.free()
    clauses.free()
    operations.free()
    children.free()
    leaves.free()
    quantifiers.free()
    operands.free()
    goals.free()
    contributions.free()
    values.free()
  }
}

/// Keys of paths and values of operators.
struct ValueTables: Sendable {
  let bytes: Table<UInt8>
  /// Where each string of an operator's value stands among the bytes.
  let strings: Table<Span32>
  let numbers: Table<Double>
  let networks: Table<IPNetwork>

  func free() {
    bytes.free()
    strings.free()
    numbers.free()
    networks.free()
  }

  /// The bytes of a part of the table.
  @inline(__always)
  func text(_ span: Span32) -> UnsafeBufferPointer<UInt8> {
    unsafe UnsafeBufferPointer(
      start: bytes.base.map { unsafe $0 + Int(span.start) },
      count: Int(span.count)
    )
  }
}

/// All rules of one kind, compiled for one walk over a resource.
final class KindProgram: Sendable {
  let kind: ResourceKind
  /// The program's place in its rule set.
  let index: Int
  /// What every result of the kind says of it.
  let kindText: [UInt8]
  let tables: ProgramTables
  let slotCount: Int
  let tallyCount: Int
  /// Whether some rule reads the envelope beyond the identity.
  let readsEnvelope: Bool
  let hasPopulationGoals: Bool

  // Only proofs and reasons look at these.
  let leafSources: [Condition.Leaf]
  let quantifierSources: [Condition.Quantifier]

  /// The frame of the configuration.
  static let configuration = 0
  /// The frame of the whole resource.
  static let envelope = 1

  init(_ builder: KindBuilder, index: Int = -1) {
    let parts = builder.finish()
    kind = builder.kind
    self.index = index
    var text = JSONWriter()
    text.raw("\"service_name\":")
    text.string(kind.service)
    text.raw(",\"resource_kind\":")
    text.string(kind.kind)
    kindText = text.bytes
    tables = ProgramTables(
      nodes: Table(parts.nodes),
      keyEdges: Table(parts.keyEdges),
      indexEdges: Table(parts.indexEdges),
      steps: Table(builder.steps),
      frames: Table(parts.frames),
      loops: Table(parts.loops),
      clauses: Table(parts.clauses),
      operations: Table(builder.operations),
      children: Table(builder.children),
      leaves: Table(parts.leaves),
      quantifiers: Table(parts.quantifiers),
      operands: Table(builder.operands),
      goals: Table(builder.goals),
      contributions: Table(parts.contributions),
      values: ValueTables(
        bytes: Table(parts.bytes),
        strings: Table(builder.strings),
        numbers: Table(builder.numbers),
        networks: Table(builder.networks)
      )
    )
    slotCount = parts.slotCount
    tallyCount = builder.tallyCount
    readsEnvelope = builder.frames[Self.envelope].isUsed
    hasPopulationGoals = builder.goals.contains { $0.needsPopulation }
    leafSources = builder.leafSources
    quantifierSources = builder.quantifierSources
  }

  deinit { tables.free() }

  /// Whether a verdict can change while the resource stays as it is: with time, or with others.
  var isVolatile: Bool {
    hasPopulationGoals || tables.contributions.count > 0
      || leafSources.contains {
        $0.comparison == .daysLessThan || $0.comparison == .daysGreaterThan
      }
  }
}
