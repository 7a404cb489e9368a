import JSON
import Model

/// Gathers the rules of one kind while they are compiled.
///
/// Until ``finish()`` a leaf's slot is the number of a trie node; slots are numbered at the end, so
/// that the slots of one frame, and of one subtree, stand side by side.
final class KindBuilder {
  /// A node of the trie under construction.
  struct TrieNode {
    var keys: [(key: String, node: Int32)] = []
    var indices: [(index: Int32, node: Int32)] = []
    var isRead = false
  }

  /// A frame under construction.
  struct FrameDraft {
    var node: Int32
    var loops: [Int32] = []
    var isUsed = false
  }

  /// A loop under construction.
  struct LoopDraft {
    var node: Int32
    var steps: Span32
    var path: [PropertyPath.Component]
    var frame: Int32
    var clauses: [Clause] = []
  }

  let kind: ResourceKind
  var trie: [TrieNode] = []
  var frames: [FrameDraft] = []
  var loops: [LoopDraft] = []
  var stepBytes: [UInt8] = []
  var steps: [Step] = []
  var operations: [Operation] = []
  var children: [Int32] = []
  var leaves: [LeafOperation] = []
  var quantifiers: [QuantifierOperation] = []
  var operands: [OperandValue] = []
  var strings: [Span32] = []
  var numbers: [Double] = []
  var networks: [IPNetwork] = []
  var goals: [GoalProgram] = []
  var contributions: [Contribution] = []
  var tallyCount = 0
  var leafSources: [Condition.Leaf] = []
  var quantifierSources: [Condition.Quantifier] = []

  init(kind: ResourceKind) {
    self.kind = kind
    for _ in [KindProgram.configuration, KindProgram.envelope] { _ = addFrame() }
  }

  func addFrame() -> Int32 {
    trie.append(TrieNode())
    frames.append(FrameDraft(node: Int32(trie.count - 1)))
    return Int32(frames.count - 1)
  }

  /// The trie node for a path of keys and indices below a frame's root.
  func node(_ components: some Sequence<PropertyPath.Component>, in frame: Int32) -> Int32 {
    frames[Int(frame)].isUsed = true
    var current = frames[Int(frame)].node
    for component in components {
      switch component {
      case .key(let key):
        if let found = trie[Int(current)].keys.first(where: { $0.key == key }) {
          current = found.node
        } else {
          trie.append(TrieNode())
          trie[Int(current)].keys.append((key, Int32(trie.count - 1)))
          current = Int32(trie.count - 1)
        }
      case .index(let index):
        if let found = trie[Int(current)].indices.first(where: { $0.index == Int32(index) }) {
          current = found.node
        } else {
          trie.append(TrieNode())
          trie[Int(current)].indices.append((Int32(index), Int32(trie.count - 1)))
          current = Int32(trie.count - 1)
        }
      case .each: preconditionFailure("steps behind [*] are followed for each element")
      }
    }
    trie[Int(current)].isRead = true
    return current
  }

  /// The steps that are followed for each value.
  func steps(_ components: some Sequence<PropertyPath.Component>) -> Span32 {
    let start = Int32(steps.count)
    for component in components {
      switch component {
      case .key(let key):
        steps.append(
          Step(kind: .key, offset: Int32(stepBytes.count), length: Int32(key.utf8.count))
        )
        stepBytes += key.utf8
      case .index(let index): steps.append(Step(kind: .index, offset: Int32(index), length: 0))
      case .each: steps.append(Step(kind: .each, offset: 0, length: 0))
      }
    }
    return Span32(start: start, count: Int32(steps.count) - start)
  }

  /// Adds an operator's value and returns its index.
  func operand(_ json: JSONValue?, for comparison: Operator) -> Int32 {
    let items = json.map { $0.array ?? [$0] } ?? []
    var value = OperandValue()
    switch comparison.operand {
    case .none: break
    case .stringOrList, .stringList:
      let texts = items.compactMap(\.string)
      value.strings = Span32(start: Int32(strings.count), count: Int32(texts.count))
      for text in texts {
        strings.append(Span32(start: Int32(stepBytes.count), count: Int32(text.utf8.count)))
        stepBytes += text.utf8
      }
    case .networkList:
      let found = items.compactMap { $0.string.flatMap(IPNetwork.init) }
      value.networks = Span32(start: Int32(networks.count), count: Int32(found.count))
      networks += found
    case .number, .numberOrList:
      let found = items.compactMap { $0.double ?? $0.string.flatMap(Double.init) }
      value.numbers = Span32(start: Int32(numbers.count), count: Int32(found.count))
      numbers += found
    }
    operands.append(value)
    return Int32(operands.count - 1)
  }

  /// The tables, with slots numbered.
  struct Parts {
    var nodes: [PathNode] = []
    var keyEdges: [KeyEdge] = []
    var indexEdges: [IndexEdge] = []
    var bytes: [UInt8] = []
    var frames: [Frame] = []
    var loops: [Loop] = []
    var clauses: [Clause] = []
    var leaves: [LeafOperation] = []
    var quantifiers: [QuantifierOperation] = []
    var contributions: [Contribution] = []
    var slotCount = 0
  }

  func finish() -> Parts {
    var parts = Parts()
    parts.bytes = stepBytes
    var slots = [Int32](repeating: -1, count: trie.count)
    parts.nodes = trie.map { _ in
      PathNode(slot: -1, lengths: 0, edges: .empty, indexEdges: .empty, subtree: .empty)
    }
    var loopOrder: [Int32] = []
    for frame in frames {
      let first = Int32(parts.slotCount)
      number(frame.node, &slots, &parts)
      let span = Span32(start: first, count: Int32(parts.slotCount) - first)
      let loopStart = Int32(loopOrder.count)
      loopOrder += frame.loops
      parts.frames.append(
        Frame(
          node: frame.node,
          slots: span,
          loops: Span32(start: loopStart, count: Int32(frame.loops.count))
        )
      )
    }
    for index in loopOrder {
      let draft = loops[Int(index)]
      let start = Int32(parts.clauses.count)
      parts.clauses += draft.clauses
      parts.loops.append(
        Loop(
          slot: slots[Int(draft.node)],
          steps: draft.steps,
          frame: draft.frame,
          clauses: Span32(start: start, count: Int32(draft.clauses.count))
        )
      )
    }
    var place = [Int32](repeating: 0, count: loops.count)
    for (position, index) in loopOrder.enumerated() { place[Int(index)] = Int32(position) }
    func settled(_ leaf: LeafOperation) -> LeafOperation {
      var leaf = leaf
      leaf.slot = slots[Int(leaf.slot)]
      if leaf.fallback >= 0 { leaf.fallback = slots[Int(leaf.fallback)] }
      return leaf
    }
    parts.leaves = leaves.map(settled)
    parts.quantifiers = quantifiers.map { quantifier in
      var quantifier = quantifier
      if quantifier.loop >= 0 { quantifier.loop = place[Int(quantifier.loop)] }
      quantifier.join = quantifier.join.map(settled)
      return quantifier
    }
    parts.contributions = contributions.map { contribution in
      var contribution = contribution
      contribution.join = contribution.join.map(settled)
      return contribution
    }
    return parts
  }

  /// Numbers the slots of a subtree and writes its edges.
  private func number(_ node: Int32, _ slots: inout [Int32], _ parts: inout Parts) {
    let draft = trie[Int(node)]
    let first = Int32(parts.slotCount)
    if draft.isRead {
      slots[Int(node)] = first
      parts.slotCount += 1
    }
    for child in draft.keys { number(child.node, &slots, &parts) }
    for child in draft.indices { number(child.node, &slots, &parts) }
    let edges = Span32(start: Int32(parts.keyEdges.count), count: Int32(draft.keys.count))
    for (key, child) in draft.keys {
      var head: UInt64 = 0
      for (shift, byte) in key.utf8.prefix(8).enumerated() { head |= UInt64(byte) << (8 * shift) }
      parts.keyEdges.append(
        KeyEdge(
          head: head,
          length: UInt32(key.utf8.count),
          offset: Int32(parts.bytes.count),
          node: child
        )
      )
      parts.bytes += key.utf8
    }
    let indexEdges = Span32(start: Int32(parts.indexEdges.count), count: Int32(draft.indices.count))
    for (index, child) in draft.indices {
      parts.indexEdges.append(IndexEdge(index: index, node: child))
    }
    parts.nodes[Int(node)] = PathNode(
      slot: slots[Int(node)],
      lengths: draft.keys.reduce(0) { $0 | 1 &<< UInt64($1.key.utf8.count & 63) },
      edges: edges,
      indexEdges: indexEdges,
      subtree: Span32(start: first, count: Int32(parts.slotCount) - first)
    )
  }
}
