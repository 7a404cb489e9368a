import JSON
import Model

/// Compiles goals into one program per kind of resource.
struct RuleCompiler {
  private(set) var builders: [KindBuilder] = []
  private(set) var clauses: [RuleSet.PopulationClause] = []
  private var byKind: [ResourceKind: Int] = [:]

  /// Adds a goal to the program of each kind that its rule targets.
  mutating func add(_ member: RuleSet.Member, index: Int) {
    let applies = member.rule.applies?.resolved(member.parameters)
    let required = member.rule.requiredConfig.resolved(member.parameters)
    let attributes = member.rule.target.attributes.map {
      Condition.leaf($0).resolved(member.parameters)
    }
    for kind in member.rule.target.kinds {
      let builder = builder(for: kind)
      let scope = Int32(KindProgram.configuration)
      let select =
        attributes.isEmpty
        ? -1 : compile(.and(attributes), builder, scope)
      let clausesBefore = clauses.count
      let appliesOperation = applies.map { compile($0, builder, scope) } ?? -1
      let requiredOperation = compile(required, builder, scope)
      builder.goals.append(
        GoalProgram(
          goal: Int32(index),
          select: select,
          applies: appliesOperation,
          required: requiredOperation,
          needsPopulation: clauses.count > clausesBefore
        )
      )
    }
  }

  private mutating func builder(for kind: ResourceKind) -> KindBuilder {
    if let index = byKind[kind] { return builders[index] }
    byKind[kind] = builders.count
    builders.append(KindBuilder(kind: kind))
    return builders[builders.count - 1]
  }

  /// Compiles a condition and returns its operation's index.
  private mutating func compile(
    _ condition: Condition,
    _ builder: KindBuilder,
    _ scope: Int32
  ) -> Int32 {
    switch condition {
    case .and(let parts): return group(.and, parts, builder, scope)
    case .or(let parts): return group(.or, parts, builder, scope)
    case .not(let part):
      let child = compile(part, builder, scope)
      return append(Operation(code: .not, operand: Span32(start: child, count: 1)), builder)
    case .leaf(let leaf):
      builder.leaves.append(self.leaf(leaf, builder, scope))
      return append(
        Operation(code: .leaf, operand: Span32(start: Int32(builder.leaves.count - 1), count: 1)),
        builder
      )
    case .quantifier(let quantifier):
      return self.quantifier(quantifier, builder, scope)
    }
  }

  private func append(_ operation: Operation, _ builder: KindBuilder) -> Int32 {
    builder.operations.append(operation)
    return Int32(builder.operations.count - 1)
  }

  private mutating func group(
    _ code: Operation.Code,
    _ parts: [Condition],
    _ builder: KindBuilder,
    _ scope: Int32
  ) -> Int32 {
    var compiled: [Int32] = []
    for part in parts { compiled.append(compile(part, builder, scope)) }
    let start = Int32(builder.children.count)
    builder.children += compiled
    return append(
      Operation(code: code, operand: Span32(start: start, count: Int32(compiled.count))),
      builder
    )
  }

  private func leaf(
    _ leaf: Condition.Leaf,
    _ builder: KindBuilder,
    _ scope: Int32
  ) -> LeafOperation {
    let (node, steps) = place(leaf.property, builder, scope)
    var fallback: Int32 = -1
    if let path = leaf.fallback { fallback = place(path, builder, scope).node }
    let value = leaf.value.literal
    let operand = builder.operand(value, for: leaf.comparison)
    builder.leafSources.append(leaf)
    return LeafOperation(
      slot: node,
      fallback: fallback,
      steps: steps,
      comparison: leaf.comparison.negated ?? leaf.comparison,
      isNegated: leaf.comparison.negated != nil,
      value: operand,
      source: Int32(builder.leafSources.count - 1)
    )
  }

  /// The trie node of a path up to its first `[*]`, and the steps from there.
  private func place(
    _ path: PropertyPath,
    _ builder: KindBuilder,
    _ scope: Int32
  ) -> (node: Int32, steps: Span32) {
    let fixed = path.components.prefix { $0 != .each }
    let node = builder.node(fixed, in: frame(of: path, scope))
    return (node, builder.steps(path.components[fixed.endIndex...]))
  }

  private func frame(of path: PropertyPath, _ scope: Int32) -> Int32 {
    switch path.root {
    case .current: scope
    case .configuration: Int32(KindProgram.configuration)
    case .resource: Int32(KindProgram.envelope)
    }
  }

  private mutating func quantifier(
    _ quantifier: Condition.Quantifier,
    _ builder: KindBuilder,
    _ scope: Int32
  ) -> Int32 {
    let value = quantifier.value.literal
    let comparison = quantifier.comparison ?? .numGreaterThan
    let operand = builder.operand(value, for: comparison)
    let tally = Int32(builder.tallyCount)
    builder.tallyCount += 1
    builder.quantifierSources.append(quantifier)
    var operation = QuantifierOperation(
      kind: quantifier.kind,
      tally: tally,
      comparison: comparison,
      value: operand,
      loop: -1,
      population: -1,
      join: nil,
      source: Int32(builder.quantifierSources.count - 1)
    )
    switch quantifier.range {
    case .elements(let path):
      operation.loop = loop(
        path,
        quantifier.satisfy,
        tally: tally,
        builder,
        scope
      )
    case .related(let related):
      operation.population = Int32(clauses.count)
      clauses.append(
        RuleSet.PopulationClause(related: related.kind, hasJoin: related.join != nil)
      )
      operation.join = related.join.map { join in
        leaf(Condition.Leaf(join.equals, .exists), builder, scope)
      }
      contribute(related, quantifier.satisfy, clause: operation.population)
    }
    builder.quantifiers.append(operation)
    let code: Operation.Code = operation.loop >= 0 ? .quantifier : .related
    return append(
      Operation(
        code: code,
        operand: Span32(start: Int32(builder.quantifiers.count - 1), count: 1)
      ),
      builder
    )
  }

  /// Adds a clause to the loop over a path, which quantifiers over the same path share.
  private mutating func loop(
    _ path: PropertyPath,
    _ satisfy: Condition?,
    tally: Int32,
    _ builder: KindBuilder,
    _ scope: Int32
  ) -> Int32 {
    // Loops over the envelope's lists run with those of the configuration, whose frame is filled
    // last: their conditions may look at either.
    let start = frame(of: path, scope)
    let home = start == KindProgram.envelope ? Int32(KindProgram.configuration) : start
    let (node, steps) = place(path, builder, scope)
    // Loops run in the order in which they were added. One whose condition asks for a loop of an
    // outer frame has to come after that loop, so it does not join an earlier one.
    let shared = builder.frames[Int(home)].loops.first {
      let draft = builder.loops[Int($0)]
      return draft.node == node && draft.path == path.components
    }.flatMap { satisfy?.hasOuterQuantifier == true ? nil : $0 }
    let elements = shared.map { builder.loops[Int($0)].frame } ?? builder.addFrame()
    let satisfied = satisfy.map { compile($0, builder, elements) } ?? -1
    let clause = Clause(tally: tally, satisfy: satisfied)
    if let shared {
      builder.loops[Int(shared)].clauses.append(clause)
      return shared
    }
    builder.loops.append(
      KindBuilder.LoopDraft(
        node: node,
        steps: steps,
        path: path.components,
        frame: elements,
        clauses: [clause]
      )
    )
    let index = Int32(builder.loops.count - 1)
    builder.frames[Int(home)].loops.append(index)
    return index
  }

  /// Compiles the related side of a population clause into the related kind's program.
  private mutating func contribute(
    _ related: Condition.Related,
    _ satisfy: Condition?,
    clause: Int32
  ) {
    let builder = builder(for: related.kind)
    let scope = Int32(KindProgram.configuration)
    let satisfied = satisfy.map { compile($0, builder, scope) } ?? -1
    let join = related.join.map { join in
      leaf(Condition.Leaf(join.property, .exists), builder, scope)
    }
    builder.contributions.append(
      Contribution(clause: clause, satisfy: satisfied, join: join)
    )
  }
}

extension Condition {
  /// Whether some quantifier in the condition ranges over a list outside the element at hand.
  fileprivate var hasOuterQuantifier: Bool {
    switch self {
    case .and(let parts), .or(let parts): return parts.contains(where: \.hasOuterQuantifier)
    case .not(let part): return part.hasOuterQuantifier
    case .leaf: return false
    case .quantifier(let quantifier):
      if case .elements(let path) = quantifier.range, path.root != .current { return true }
      return quantifier.satisfy?.hasOuterQuantifier ?? false
    }
  }
}
