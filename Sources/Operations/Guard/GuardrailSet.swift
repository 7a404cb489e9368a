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
  /// The guardrails of each member of the rule set, by their places.
  let guardrailsOfMember: [[Int]]
  /// The members of the rule set that each guardrail asks for.
  package let membersOfGuardrail: [[Int]]
  let areas: [Area]
  let areaOfGuardrail: [Int]
  let memberOfGoal: [Goal: Int]
  let layouts: [VectorLayout]
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
    var choice = Choice(parts)
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

/// A guardrail that cannot be enforced, or not as a whole.
struct FaultyGuardrail: Sendable {
  /// Its place among the guardrails.
  var place: Int
  /// Whether there is no such scope, so that nobody knows where it is laid.
  var hasNoScope: Bool
  /// What it would be about; nil where nobody knows.
  var kinds: Set<ResourceKind>?
  /// What stands for the rule that is missing.
  var rule: Rule

  init(_ guardrail: Guardrail, place: Int, hasNoScope: Bool, kinds: Set<ResourceKind>?) {
    (self.place, self.hasNoScope, self.kinds) = (place, hasNoScope, kinds)
    let id = PropertyPath(root: .resource, [.key("id")])
    rule = Rule(
      id: guardrail.subject.name,
      title: "Guardrail \(guardrail.id) can be enforced",
      target: Rule.Target(kinds: []),
      requiredConfig: .leaf(Condition.Leaf(id, .exists))
    )
  }
}

extension GuardrailSet.Parts {
  /// Whether some area or exception asks for tags that begin so.
  fileprivate func areTagsAsked(_ areas: [GuardrailSet.Area], _ beginning: String = "") -> Bool {
    areas.contains { area in
      scopes.asksForTags(area.scope, beginning)
        || area.excludes.contains { selector in
          selector.terms.contains { key, names in
            key.hasPrefix("tag:" + beginning)
              || key == "scope" && names.contains { scopes.asksForTags($0, beginning) }
          }
        }
    } || exceptions.contains { scopes.asksForTags($0.scope, beginning) }
  }
}

/// Chooses goals and templates guardrail by guardrail.
private struct Choice {
  let parts: GuardrailSet.Parts
  let index: RuleIndex?
  var faults: [Int64: String] = [:]
  var faulty: [FaultyGuardrail] = []
  var goals: [Goal] = []
  var goalsOfGuardrail: [[Goal]]
  var areas: [GuardrailSet.Area] = []
  var areaOfGuardrail: [Int] = []
  var templates: [LaidTemplate] = []
  private var places: [GuardrailSet.Area: Int] = [:]

  init(_ parts: GuardrailSet.Parts) {
    self.parts = parts
    var taken: Set<String> = []
    // Of rules that share a name the first one has it.
    let rules = parts.rules.filter { rule in
      let names = [rule.id] + rule.aliases
      guard taken.isDisjoint(with: names) else { return false }
      taken.formUnion(names)
      return true
    }
    index = try? RuleIndex(rules)
    goalsOfGuardrail = Array(repeating: [], count: parts.guardrails.count)
  }

  /// Adds a guardrail as far as it can be enforced.
  mutating func add(_ guardrail: Guardrail, at place: Int) {
    let area = self.area(GuardrailSet.Area(scope: guardrail.scope, excludes: guardrail.excludes))
    areaOfGuardrail.append(area)
    let hasNoScope = !guardrail.scope.isEmpty && !parts.scopes.has(guardrail.scope)
    var kinds: Set<ResourceKind>?
    do {
      kinds = try addSubject(of: guardrail, area: area, at: place)
    } catch {
      faults[guardrail.id] = "\(error)"
    }
    if hasNoScope {
      let all = Set(goalsOfGuardrail[place].flatMap { index?[$0.rule]?.target.kinds ?? [] })
      kinds = kinds.map { $0.union(all) }
      faults[guardrail.id] =
        "there is no scope \"\(guardrail.scope)\"; plumb scopes list shows them"
    }
    guard faults[guardrail.id] != nil, kinds?.isEmpty != true else { return }
    // A template that is gone completes nothing, and holds nothing up.
    if case .template = guardrail.subject { return }
    faulty.append(
      FaultyGuardrail(guardrail, place: place, hasNoScope: hasNoScope, kinds: kinds)
    )
  }

  /// Adds what a guardrail lays on its scope, as far as that can be enforced; returns the kinds of
  /// which a part cannot, nil where nobody knows which.
  private mutating func addSubject(
    of guardrail: Guardrail,
    area: Int,
    at place: Int
  ) throws -> Set<ResourceKind>? {
    guard let index else {
      throw GuardrailError(description: "the rules cannot be read; plumb rules list tells")
    }
    switch guardrail.subject {
    case .rule(let name):
      guard let rule = index[name] else {
        if let fault = parts.unreadable[name] { throw GuardrailError(description: fault) }
        throw GoalError.noSuchRule(name)
      }
      return try add([Goal(rule: rule.id)], guardrail, index, at: place)
    case .profile(let name):
      guard let profile = AttachmentCheck.profile(name, of: parts.profiles) else {
        throw GuardrailError(
          description: "there is no profile \"\(name)\"; plumb profiles list shows them"
        )
      }
      return try add(profile.goals, guardrail, index, at: place)
    case .template(let name):
      guard let template = parts.templates.first(where: { $0.id == name }) else {
        throw GuardrailError(
          description: "there is no template \"\(name)\"; plumb templates list shows them"
        )
      }
      templates.append(LaidTemplate(template, area: area, guardrail: guardrail.id))
      return []
    }
  }

  private mutating func add(
    _ goals: [Goal],
    _ guardrail: Guardrail,
    _ index: RuleIndex,
    at place: Int
  ) throws -> Set<ResourceKind>? {
    var (faults, lost): ([any Error], Set<ResourceKind>?) = ([], [])
    var settings: [String: [String: JSONValue]] = [:]
    for (name, values) in guardrail.parameters {
      if let rule = index[name] {
        settings[rule.id, default: [:]].merge(values) { $1 }
      } else {
        faults.append(GoalError.noSuchRule(name))
      }
    }
    for goal in goals {
      do {
        let goal = goal.with(settings, index)
        guard let rule = index[goal.rule] else { throw GoalError.noSuchRule(goal.rule) }
        let values = try RuleSet.parameters(of: rule, filledBy: goal)
        goalsOfGuardrail[place].append(Goal(rule: rule.id, parameters: values))
      } catch {
        faults.append(error)
        let rule = index[goal.rule]
        lost = rule.flatMap { rule in lost.map { $0.union(rule.target.kinds) } }
      }
    }
    self.goals += goalsOfGuardrail[place]
    let used = Set(goals.compactMap { index[$0.rule]?.id })
    if let other = settings.keys.filter({ !used.contains($0) }).min() {
      faults.append(
        GuardrailError(
          description: "\(guardrail.subject.kind) \(guardrail.subject.name) has no rule \(other), "
            + "for which there is a parameter"
        )
      )
    }
    self.faults[guardrail.id] = faults.first.map { "\($0)" }
    return lost
  }

  /// The guardrails that ask something of each kind, by their places.
  func guardrailsOfKind() -> [ResourceKind: [Int]] {
    var found: [ResourceKind: [Int]] = [:]
    for (place, guardrail) in parts.guardrails.enumerated() {
      let template = parts.templates.first { guardrail.subject == .template($0.id) }
      let rules = goalsOfGuardrail[place].compactMap { index?[$0.rule] }
      let kinds = rules.flatMap(\.target.kinds) + (template?.kinds ?? [])
      for kind in Set(kinds) { found[kind, default: []].append(place) }
    }
    return found
  }

  private mutating func area(_ area: GuardrailSet.Area) -> Int {
    if let known = places[area] { return known }
    places[area] = areas.count
    areas.append(area)
    return areas.count - 1
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
    let line = Array(resource.inventoryLine.text.utf8)
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
