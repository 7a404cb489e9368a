import CSimdjson
import JSON
import Model

// The value of a compiled condition on the loaded resource.
extension Evaluator {
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

  func listTruth(of leaf: LeafOperation, _ entry: Entry) -> Truth {
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
      scratch[mark..<values],
      isOpen: isOpen,
      leaf.comparison,
      operand
    )
    scratch.removeLast(scratch.count - mark)
    return result
  }

  /// A quantifier's value for what was counted.
  func truth(of quantifier: QuantifierOperation, _ tally: Tally) -> Truth {
    let mayBeMore = tally.unknown > 0 || tally.isOpen
    switch quantifier.kind {
    case .any, .none:
      let any: Truth =
        tally.yes > 0 ? .yes : tally.vacuous > 0 ? .vacuous : mayBeMore ? .unknown : .no
      return quantifier.kind == .any ? any : !any
    case .all:
      if tally.no > 0 { return .no }
      if mayBeMore { return .unknown }
      return tally.yes == 0 ? .vacuous : .yes
    case .count:
      let lowest = Double(tally.satisfied)
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
