package import JSON
package import Model

/// Rules with their parameters filled, compiled once per kind of resource.
///
/// A rule set is immutable and shared by every thread that judges.
package final class RuleSet: Sendable {
  /// One goal of the set.
  package struct Member: Sendable {
    package let goal: Goal
    package let rule: Rule
    /// The value of every parameter of the rule.
    package let parameters: [String: JSONValue]
  }

  /// A count over related resources that some rule asks for.
  struct PopulationClause: Sendable {
    var related: ResourceKind
    var hasJoin: Bool
  }

  /// The goals in the order given, each once.
  package let members: [Member]
  let programs: [KindProgram]
  let clauses: [PopulationClause]
  private let kinds: [ResourceKind: Int]

  /// Compiles goals.
  ///
  /// - Parameters:
  ///   - goals: each names a rule by id or alias.
  ///   - rules: the rules to choose from.
  /// - Throws: ``GoalError`` for a goal without a rule or with a wrong parameter.
  package init(goals: [Goal], rules: RuleIndex) throws(GoalError) {
    var members: [Member] = []
    var seen: Set<Goal> = []
    for goal in goals {
      guard let rule = rules[goal.rule] else { throw .noSuchRule(goal.rule) }
      // A goal written with and without its defaults is one goal.
      let parameters = try Self.parameters(of: rule, filledBy: goal)
      if seen.insert(Goal(rule: rule.id, parameters: parameters)).inserted {
        let named = Goal(rule: rule.id, parameters: goal.parameters)
        members.append(Member(goal: named, rule: rule, parameters: parameters))
      }
    }
    self.members = members
    var compiler = RuleCompiler()
    for (index, member) in members.enumerated() { compiler.add(member, index: index) }
    clauses = compiler.clauses
    programs = compiler.builders.enumerated().map { KindProgram($1, index: $0) }
    kinds = Dictionary(
      programs.enumerated().map { ($1.kind, $0) },
      uniquingKeysWith: { first, _ in first }
    )
  }

  /// Compiles every rule of an index with its defaults.
  package convenience init(_ rules: RuleIndex) throws(GoalError) {
    try self.init(goals: rules.rules.map { Goal(rule: $0.id) }, rules: rules)
  }

  /// A goal of the set with every parameter filled, as results name it.
  package func resolved(_ goal: Goal) -> Goal {
    guard let rule = members.first(where: { $0.rule.id == goal.rule })?.rule,
      let parameters = try? Self.parameters(of: rule, filledBy: goal)
    else { return goal }
    return Goal(rule: rule.id, parameters: parameters)
  }

  /// Whether some rule of the set is about resources of a kind.
  package func covers(_ kind: ResourceKind) -> Bool { kinds[kind] != nil }

  /// The kinds that population rules ask for.
  package var relatedKinds: Set<ResourceKind> { Set(clauses.map(\.related)) }

  /// The order of verdicts in the vector of each kind that the set knows.
  package var layouts: [VectorLayout] {
    programs.map { program in
      VectorLayout(
        kind: program.kind,
        members: (0..<program.tables.goals.count).map { Int(program.tables.goals[$0].goal) },
        isVolatile: program.isVolatile
      )
    }
  }

  func program(for kind: ResourceKind) -> KindProgram? { kinds[kind].map { programs[$0] } }

  /// The rule's defaults with a goal's values put over them.
  package static func parameters(
    of rule: Rule,
    filledBy goal: Goal
  ) throws(GoalError) -> [String: JSONValue] {
    var values = Dictionary(
      rule.parameters.map { ($0.name, $0.defaultValue.withWholeNumbers) },
      uniquingKeysWith: { first, _ in first }
    )
    for (name, value) in goal.parameters {
      guard let parameter = rule.parameters.first(where: { $0.name == name }) else {
        throw .noSuchParameter(rule: rule.id, name: name, known: rule.parameters.map(\.name))
      }
      // Results write 2.0 as 2, and a goal is known again by its parameters.
      let value = value.withWholeNumbers
      if let fault = parameter.fault(in: value) {
        throw .wrongValue(rule: rule.id, name: name, fault: fault)
      }
      values[name] = value
    }
    return values
  }
}

/// What the places of a verdict vector stand for, for one kind of resource.
package struct VectorLayout: Sendable {
  package let kind: ResourceKind
  /// The member of the rule set at each place.
  package let members: [Int]
  /// Whether a verdict can change while the resource stays as it is.
  package let isVolatile: Bool
}

/// Why a goal cannot be judged.
package enum GoalError: Error, Equatable, CustomStringConvertible {
  case noSuchRule(String)
  case noSuchParameter(rule: String, name: String, known: [String])
  case wrongValue(rule: String, name: String, fault: String)

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .noSuchRule(let id):
      "there is no rule \"\(id)\"; `plumb rules list` shows those there are"
    case .noSuchParameter(let rule, let name, let known):
      "rule \(rule) has no parameter \"\(name)\"; it has "
        + (known.isEmpty ? "none" : known.joined(separator: ", "))
    case .wrongValue(let rule, let name, let fault): "parameter \(rule).\(name) \(fault)"
    }
  }
}

/// Rules by id and alias.
package struct RuleIndex: Sendable {
  /// The rules, sorted by id.
  package let rules: [Rule]
  private let byName: [String: Int]

  /// An index of rules.
  ///
  /// - Throws: ``DocumentError`` when two rules share an id or alias.
  package init(_ rules: [Rule]) throws(DocumentError) {
    self.rules = rules.sorted { $0.id < $1.id }
    var byName: [String: Int] = [:]
    for (index, rule) in self.rules.enumerated() {
      for name in [rule.id] + rule.aliases {
        if let other = byName.updateValue(index, forKey: name) {
          throw DocumentError(
            "\"\(name)\" is taken by the rule in \(self.rules[other].source.file)",
            key: "id",
            at: rule.source
          )
        }
      }
    }
    self.byName = byName
  }

  /// The rule of an id or alias.
  package subscript(name: String) -> Rule? { byName[name].map { rules[$0] } }
}
