import Engine
import JSON
import Model

/// Chooses goals and templates guardrail by guardrail.
struct GuardrailChoice {
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
  func areTagsAsked(_ areas: [GuardrailSet.Area], _ beginning: String = "") -> Bool {
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
