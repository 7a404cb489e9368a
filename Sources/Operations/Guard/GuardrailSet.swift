package import Engine
import JSON
package import Model
import Synchronization

/// Guardrails with their rules compiled once, by which requests are decided.
///
/// The rules are the same compiled ones by which scans judge. What of a guardrail cannot be enforced,
/// because its rule is gone or a parameter is wrong, is unknown about everything that it is laid on.
package struct GuardrailSet: Sendable {
  /// What guardrails are made of.
  package struct Parts: Sendable {
    package var guardrails: [Guardrail]
    package var rules: [Rule]
    /// Why kept rules cannot be read, by their ids.
    package var unreadable: [String: String]
    package var profiles: [Profile]
    package var templates: [Template]
    package var scopes: ScopeTree
    /// What stands above each account, by its id.
    package var accounts: [String: [String]]
    package var exceptions: [Exception]

    package init(
      guardrails: [Guardrail],
      rules: [Rule],
      unreadable: [String: String] = [:],
      profiles: [Profile] = [],
      templates: [Template] = [],
      scopes: ScopeTree = ScopeTree([]),
      accounts: [String: [String]] = [:],
      exceptions: [Exception] = []
    ) {
      (self.guardrails, self.rules, self.profiles) = (guardrails, rules, profiles)
      (self.templates, self.scopes, self.accounts) = (templates, scopes, accounts)
      (self.exceptions, self.unreadable) = (exceptions, unreadable)
    }
  }

  /// A scope less what is left out of it; many guardrails share one.
  struct Area: Hashable {
    var scope: String
    var excludes: [Scope.Selector]
  }

  package let guardrails: [Guardrail]
  /// Why guardrails are not enforced, or not as a whole, by their number.
  package let faults: [Int64: String]
  package let ruleSet: RuleSet
  package let scopes: ScopeTree
  package let accounts: [String: [String]]
  /// The rules of the members of the rule set.
  let ruleOfMember: [String]
  /// The guardrails of each member of the rule set, by their places.
  let guardrailsOfMember: [[Int]]
  /// The members of the rule set that each guardrail asks for.
  package let membersOfGuardrail: [[Int]]
  let areas: [Area]
  let areaOfGuardrail: [Int]
  let memberOfGoal: [Goal: Int]
  let layouts: [VectorLayout]
  /// The rules of each layout's places.
  let rulesOfLayout: [[String]]
  /// The guardrails in force that ask something of a kind, by their places.
  let guardrailsOfKind: [ResourceKind: [Int]]
  /// Those with a fault.
  let faulty: [FaultyGuardrail]
  /// How many guardrails are in force.
  package var enforcedCount: Int {
    guardrails.count - faulty.count { membersOfGuardrail[$0.place].isEmpty }
  }
  /// Templates in force with their areas, the innermost scope first.
  let templates: [LaidTemplate]
  let isAskingForTags: Bool
  /// Whether some scope asks for labels of namespaces.
  package let isAskingForNamespaces: Bool
  let judges: JudgePool
  private let exceptions: [Exception]

  /// Compiles guardrails.
  package init(_ parts: Parts) {
    var choice = GuardrailChoice(parts)
    for (place, guardrail) in parts.guardrails.enumerated() {
      choice.add(guardrail, at: place)
    }
    guardrails = parts.guardrails
    faults = choice.faults
    (scopes, accounts, exceptions) = (parts.scopes, parts.accounts, parts.exceptions)
    // Each goal was checked on its own, so that together they compile.
    ruleSet =
      choice.index.flatMap { try? RuleSet(goals: choice.goals, rules: $0) } ?? Self.empty
    var memberOfGoal: [Goal: Int] = [:]
    for (index, member) in ruleSet.members.enumerated() {
      memberOfGoal[Goal(rule: member.rule.id, parameters: member.parameters)] = index
    }
    self.memberOfGoal = memberOfGoal
    ruleOfMember = ruleSet.members.map(\.rule.id)
    membersOfGuardrail = choice.goalsOfGuardrail.map { $0.compactMap { memberOfGoal[$0] } }
    var guardrailsOfMember = Array(repeating: [Int](), count: ruleSet.members.count)
    for (place, members) in membersOfGuardrail.enumerated() {
      for member in members { guardrailsOfMember[member].append(place) }
    }
    self.guardrailsOfMember = guardrailsOfMember
    guardrailsOfKind = choice.guardrailsOfKind()
    faulty = choice.faulty
    (areas, areaOfGuardrail) = (choice.areas, choice.areaOfGuardrail)
    templates = choice.templates.sorted { left, right in
      let depths = [left, right].map { parts.scopes.depth(of: choice.areas[$0.area].scope) }
      return depths[0] == depths[1] ? left.guardrail < right.guardrail : depths[0] > depths[1]
    }
    layouts = ruleSet.layouts
    rulesOfLayout = layouts.map { [ruleOfMember] in $0.members.map { ruleOfMember[$0] } }
    isAskingForTags = parts.areTagsAsked(choice.areas)
    isAskingForNamespaces = parts.areTagsAsked(choice.areas, Place.ofNamespace)
    judges = JudgePool(ruleSet)
  }

  private static let empty: RuleSet = {
    guard let index = try? RuleIndex([]), let empty = try? RuleSet(goals: [], rules: index) else {
      preconditionFailure("a set of no rules compiles")
    }
    return empty
  }()

  /// A resolver of the exceptions in force at an instant, and until when it holds.
  func resolver(at now: Instant) -> (resolver: ExceptionResolver, until: Instant) {
    let turns = exceptions.flatMap { [$0.begins, $0.ends] }.filter { $0 > now }
    return (ExceptionResolver(exceptions, now: now, scopes: scopes), turns.min() ?? .never)
  }

  /// Whether a guardrail is laid on a place.
  enum Hold {
    case no
    /// What is known of the place does not tell.
    case maybe
    case yes
  }

  /// Whether a place is in each area.
  func holds(_ place: Place) -> [Hold] {
    areas.map { area in
      if scopes.contains(place, in: area.scope, without: area.excludes) { return .yes }
      let isOpen =
        !place.unread.isEmpty
        && scopes.mayContain(place, in: area.scope, without: area.excludes)
      return isOpen ? .maybe : .no
    }
  }

  /// How many guardrails in force ask something of a kind, going by where they hold.
  func count(_ kind: ResourceKind, _ holds: [Hold]) -> Int {
    (guardrailsOfKind[kind] ?? []).count { holds[areaOfGuardrail[$0]] != .no }
  }

}

/// A template in force within an area.
struct LaidTemplate: Sendable {
  let template: Template
  let area: Int
  let guardrail: Int64
  /// Judges whether a resource is in the template's target; nil where the kind says it all.
  private let target: JudgePool?

  init(_ template: Template, area: Int, guardrail: Int64) {
    (self.template, self.area, self.guardrail) = (template, area, guardrail)
    guard !template.attributes.isEmpty else {
      target = nil
      return
    }
    // A rule of the same target: whoever is outside of it gets no verdict.
    let id = PropertyPath(root: .resource, [.key("id")])
    let rule = Rule(
      id: template.id,
      title: template.title,
      target: Rule.Target(kinds: template.kinds, attributes: template.attributes),
      requiredConfig: .leaf(Condition.Leaf(id, .exists))
    )
    target = (try? RuleIndex([rule])).flatMap { try? RuleSet($0) }.map { JudgePool($0) }
  }

  func selects(_ resource: Resource) -> Bool {
    guard let target else { return true }
    let line = resource.inventoryLine.bytes
    let verdicts = target.with { $0.verdicts.judge(line).resources.first?.verdicts }
    return verdicts.map { $0.utf8.contains { Verdict(letter: $0) == .pass } } ?? false
  }
}

/// What is wrong with a guardrail, and the way out.
package struct GuardrailError: Error, Equatable, CustomStringConvertible {
  package var description: String

  package init(description: String) { self.description = description }
}

/// Judges at rest; each decision takes a pair and gives it back.
final class JudgePool: Sendable {
  /// Two judges of one rule set: the quick one tells verdicts, the other one why.
  ///
  /// A judge serves one thread at a time: a pair is either in the pool or with one decision.
  final class Pair: @unchecked Sendable {
    let verdicts: Judge
    let obstacles: Judge
    let parser = JSONParser()

    init(_ ruleSet: RuleSet) {
      let start = "1970-01-01T00:00:00Z"
      verdicts = Judge(ruleSet, JudgeOptions(selection: .vectors, now: start))
      obstacles = Judge(ruleSet, JudgeOptions(selection: .obstacles, now: start))
    }
  }

  private let ruleSet: RuleSet
  private let resting = Mutex<[Pair]>([])
  /// How many pairs rest at most; more were made for a moment of many requests.
  private static let most = 16

  init(_ ruleSet: RuleSet) { self.ruleSet = ruleSet }

  func with<R>(_ body: (Pair) throws -> R) rethrows -> R {
    let pair = resting.withLock { $0.popLast() } ?? Pair(ruleSet)
    defer { resting.withLock { if $0.count < Self.most { $0.append(pair) } } }
    return try body(pair)
  }
}
