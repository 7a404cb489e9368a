import CSimdjson
import JSON
import Model

/// Writes a condition's tree with what was expected, what was observed and the value of each part.
///
/// Long observations and lists of elements are cut and say how much was left out, so that a proof
/// stays small whatever the resource holds.
struct ProofWriter {
  let evaluator: Evaluator
  let ruleSet: RuleSet
  let population: (counts: Population, account: String)?

  /// How many elements of a quantifier are shown.
  static let elementLimit = 5
  /// How many elements or members of an observed list or object are shown.
  static let itemLimit = 10
  /// How many bytes of an observed text are shown.
  static let textLimit = 256

  /// The tree of one operation of the loaded program.
  func node(_ index: Int32) -> JSONValue {
    let program = evaluator.program
    let operation = program.tables.operations[index]
    var object = JSONObject()
    switch operation.code {
    case .and, .or:
      let parts = operation.operand.indices.map { node(program.tables.children[$0]) }
      object[operation.code == .and ? "and" : "or"] = .array(parts)
    case .not: object["not"] = node(operation.operand.start)
    case .leaf: object = leaf(program.tables.leaves[operation.operand.start])
    case .quantifier, .related:
      object = quantifier(program.tables.quantifiers[operation.operand.start])
    }
    object["result"] = .string(evaluator.truth(index).word)
    return .object(object)
  }

  private func leaf(_ leaf: LeafOperation) -> JSONObject {
    let source = evaluator.program.leafSources[Int(leaf.source)]
    var object: JSONObject = [
      "property": .string(source.property.description),
      "operator": .string(source.comparison.rawValue),
    ]
    object["expected"] = source.value.literal
    let entry = evaluator.value(of: leaf)
    if let reason = evaluator.unread.anyReason(entry.unread) { object["unread"] = .string(reason) }
    if leaf.steps.count > 0 {
      let places = evaluator.places(of: leaf)
      var values = places.prefix(Self.itemLimit).map { observed($0, depth: 1) }
      if places.count > Self.itemLimit {
        values.append(.string("… \(places.count - Self.itemLimit) more of \(places.count)"))
      }
      object["observed"] = .array(values)
    } else {
      object["observed"] = entry.place == 0 ? .null : observed(Int(entry.place), depth: 0)
    }
    return object
  }

  private func quantifier(_ quantifier: QuantifierOperation) -> JSONObject {
    let program = evaluator.program
    let source = program.quantifierSources[Int(quantifier.source)]
    var object = source.grammar.object ?? JSONObject()
    if let value = object["value"] {
      object["value"] = nil
      object["expected"] = value
    }
    let tally = evaluator.tally(of: quantifier)
    object["satisfied"] = .integer(Int64(tally.satisfied))
    if tally.vacuous > 0 { object["vacuous"] = .integer(Int64(tally.vacuous)) }
    object["not_satisfied"] = .integer(Int64(tally.no))
    object["unknown"] = .integer(Int64(tally.unknown))
    if tally.isOpen { object["may_be_more"] = true }
    if quantifier.population >= 0 {
      if tally.isOpen, let gap = gap(quantifier) { object["unread"] = .string(gap) }
    } else {
      elements(of: quantifier, tally, into: &object)
    }
    return object
  }

  func gap(_ quantifier: QuantifierOperation) -> String? {
    guard let population else { return nil }
    let kind = ruleSet.clauses[Int(quantifier.population)].related
    return population.counts.gap(in: kind, account: population.account)
  }

  /// Shows the elements that decide: those that satisfy, or for `all` those that do not.
  private func elements(
    of quantifier: QuantifierOperation,
    _ tally: Tally,
    into object: inout JSONObject
  ) {
    let wanted = quantifier.deciding(tally)
    var shown: [JSONValue] = []
    var total = 0
    let clauses = evaluator.program.clause(of: quantifier)
    evaluator.eachElement(of: quantifier) { position, entry in
      let truth = clauses.satisfy < 0 ? Truth.yes : evaluator.truth(clauses.satisfy)
      guard truth.kind == wanted.kind else { return }
      total += 1
      guard shown.count < Self.elementLimit else { return }
      var element: JSONObject = ["index": .integer(Int64(position))]
      if clauses.satisfy >= 0 {
        element["condition"] = node(clauses.satisfy)
      } else if entry.place != 0 {
        element["observed"] = observed(Int(entry.place), depth: 1)
      }
      shown.append(.object(element))
    }
    if !shown.isEmpty { object["elements"] = .array(shown) }
    if total > shown.count { object["elements_left_out"] = .integer(Int64(total - shown.count)) }
  }

  /// A value from the resource, cut to a bounded size.
  func observed(_ place: Int, depth: Int) -> JSONValue {
    let tape = unsafe evaluator.tape
    switch unsafe tape.kind(place) {
    case .string:
      let bytes = unsafe tape.bytes(place)
      if bytes.count <= Self.textLimit { return unsafe .string(tape.string(place)) }
      let start = unsafe String(decoding: bytes.prefix(Self.textLimit), as: UTF8.self)
      return .string("\(start)… (\(bytes.count) bytes)")
    case .array, .object: return unsafe container(tape, place, depth)
    default: return unsafe (try? tape.value(place)) ?? .null
    }
  }

  private func container(_ tape: Tape, _ place: Int, _ depth: Int) -> JSONValue {
    let isObject = unsafe tape.kind(place) == .object
    var items: [JSONValue] = []
    var members: [(key: String, value: JSONValue)] = []
    var total = 0
    var index = place + 1
    let end = unsafe tape.end(place)
    while index < end {
      let value = isObject ? index + 1 : index
      if total < Self.itemLimit, depth < 3 {
        let item = observed(value, depth: depth + 1)
        if isObject {
          unsafe members.append((tape.string(index), item))
        } else {
          items.append(item)
        }
      }
      total += 1
      index = unsafe tape.next(value)
    }
    let shown = max(items.count, members.count)
    let rest = "… \(total - shown) more of \(total)"
    if isObject {
      if total > shown { members.append(("…", .string(rest))) }
      return .object(JSONObject(members))
    }
    return .array(total > shown ? items + [.string(rest)] : items)
  }
}

extension QuantifierOperation {
  /// The value of the elements that decide the quantifier's.
  func deciding(_ tally: Tally) -> Truth {
    switch kind {
    case .all: tally.no > 0 ? .no : tally.unknown > 0 ? .unknown : .yes
    case .any, .none: tally.satisfied > 0 ? .yes : tally.unknown > 0 ? .unknown : .no
    case .count: tally.unknown > 0 ? .unknown : .yes
    }
  }
}

extension Truth {
  /// The value with vacuous taken as the true that it is.
  var kind: Truth { holds ? .yes : self }
}

extension KindProgram {
  /// The clause of a quantifier over elements.
  func clause(of quantifier: QuantifierOperation) -> Clause {
    let loop = tables.loops[quantifier.loop]
    for index in loop.clauses.indices where tables.clauses[index].tally == quantifier.tally {
      return tables.clauses[index]
    }
    preconditionFailure("a quantifier's loop holds its clause")
  }
}

/// Says in one sentence why a verdict is what it is.
struct Explainer {
  let evaluator: Evaluator
  let ruleSet: RuleSet
  let population: (counts: Population, account: String)?

  private var proof: ProofWriter {
    ProofWriter(evaluator: evaluator, ruleSet: ruleSet, population: population)
  }

  /// The reason for a verdict of the loaded resource.
  func reason(_ verdict: Verdict, _ goal: GoalProgram) -> String {
    switch verdict {
    case .fail: return failure(goal.required, wanted: true)
    case .unknown:
      var reasons: Set<String> = []
      for operation in [goal.select, goal.applies, goal.required] where operation >= 0 {
        unknowns(operation, into: &reasons)
      }
      let sorted = reasons.sorted()
      let rest = sorted.count > 3 ? " and \(sorted.count - 3) more" : ""
      return sorted.prefix(3).joined(separator: "; ") + rest
    case .notApplicable:
      return goal.applies >= 0 && evaluator.truth(goal.applies) == .no
        ? "the rule does not apply: " + failure(goal.applies, wanted: true)
        : "there was nothing to judge"
    case .pass: return ""
    }
  }

  /// Why an operation does not have the value wanted, by the first part that decides it.
  private func failure(_ index: Int32, wanted: Bool) -> String {
    let program = evaluator.program
    let operation = program.tables.operations[index]
    switch operation.code {
    case .and, .or:
      let parts = operation.operand.indices.map { program.tables.children[$0] }
      let guilty = parts.filter { evaluator.truth($0).kind == Truth(!wanted) }
      let all = guilty.map { failure($0, wanted: wanted) }
      let decidesAlone = (operation.code == .and) == wanted
      return decidesAlone
        ? all.first ?? "" : all.prefix(3).joined(separator: wanted ? ", and " : "; ")
    case .not: return failure(operation.operand.start, wanted: !wanted)
    case .leaf: return leaf(program.tables.leaves[operation.operand.start], wanted)
    case .quantifier, .related:
      return quantifier(program.tables.quantifiers[operation.operand.start], wanted)
    }
  }

  private func leaf(_ leaf: LeafOperation, _ wanted: Bool) -> String {
    let source = evaluator.program.leafSources[Int(leaf.source)]
    let places = evaluator.places(of: leaf)
    let observed: String
    if leaf.steps.count > 0 {
      observed =
        places.isEmpty
        ? "absent"
        : JSONValue.array(places.prefix(3).map { proof.observed($0, depth: 2) }).text
    } else {
      observed = places.first.map { proof.observed($0, depth: 2).text } ?? "absent"
    }
    let value = source.value.literal.map { " \($0.text)" } ?? ""
    let must = wanted ? "required" : "not allowed"
    return "\(source.property) is \(observed) (\(must): \(source.comparison.rawValue)\(value))"
  }

  private func quantifier(_ quantifier: QuantifierOperation, _ wanted: Bool) -> String {
    let source = evaluator.program.quantifierSources[Int(quantifier.source)]
    let tally = evaluator.tally(of: quantifier)
    let name: String
    switch source.range {
    case .elements(let path): name = path.description
    case .related(let related): name = "\(related.kind)"
    }
    if quantifier.kind == .count {
      let value = source.value.literal.map { " \($0.text)" } ?? ""
      let must = wanted ? "required" : "not allowed"
      return "\(tally.satisfied) of \(name) (\(must): \(quantifier.comparison.rawValue)\(value))"
    }
    let deciding = quantifier.deciding(tally)
    if quantifier.loop >= 0, let example = example(quantifier, deciding) {
      return "\(name)[\(example.index)]: \(example.reason)"
    }
    switch deciding {
    case .yes: return "\(tally.satisfied) of \(name) satisfy the condition"
    default: return tally.no == 0 ? "\(name) is empty" : "none of \(tally.no) \(name) satisfies"
    }
  }

  /// The first element that decides, and why it does.
  private func example(
    _ quantifier: QuantifierOperation,
    _ deciding: Truth
  ) -> (index: Int, reason: String)? {
    let clause = evaluator.program.clause(of: quantifier)
    guard clause.satisfy >= 0 else { return nil }
    var found: (index: Int, reason: String)?
    evaluator.eachElement(of: quantifier) { position, _ in
      guard found == nil, evaluator.truth(clause.satisfy).kind == deciding.kind else { return }
      found = (position, failure(clause.satisfy, wanted: deciding == .no))
    }
    return found
  }

  /// Collects what could not be read, as "path: reason".
  private func unknowns(_ index: Int32, into reasons: inout Set<String>) {
    guard evaluator.truth(index) == .unknown else { return }
    let program = evaluator.program
    let operation = program.tables.operations[index]
    switch operation.code {
    case .and, .or:
      for child in operation.operand.indices {
        unknowns(program.tables.children[child], into: &reasons)
      }
    case .not: unknowns(operation.operand.start, into: &reasons)
    case .leaf:
      let leaf = program.tables.leaves[operation.operand.start]
      let path = program.leafSources[Int(leaf.source)].property
      let reason = evaluator.unread.anyReason(evaluator.value(of: leaf).unread)
      reasons.insert("\(path): \(reason ?? "not fully read")")
    case .quantifier, .related:
      unknowns(of: program.tables.quantifiers[operation.operand.start], into: &reasons)
    }
  }

  private func unknowns(of quantifier: QuantifierOperation, into reasons: inout Set<String>) {
    let source = evaluator.program.quantifierSources[Int(quantifier.source)]
    switch source.range {
    case .related(let related):
      reasons.insert("\(related.kind): \(proof.gap(quantifier) ?? "not fully read")")
    case .elements(let path):
      let clause = evaluator.program.clause(of: quantifier)
      let before = reasons.count
      evaluator.eachElement(of: quantifier) { position, _ in
        guard clause.satisfy >= 0 else { return }
        var inner: Set<String> = []
        unknowns(clause.satisfy, into: &inner)
        for reason in inner { reasons.insert("\(path)[\(position)].\(reason)") }
      }
      if reasons.count == before {
        let slot = evaluator.unreadReason(of: quantifier)
        reasons.insert("\(path): \(slot ?? "there may be more elements than were read")")
      }
    }
  }
}
