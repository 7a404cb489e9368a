package import Engine
import JSON
package import Model
import Store

// The one operation by which every gate decides.
extension GuardrailSet {
  /// Decides about resources, a line of an inventory each.
  ///
  /// Decisions come in the order of the lines; a line that cannot be judged has none, and a fault
  /// instead. Related resources are not seen, so that a rule that counts them is unknown unless the
  /// resource itself decides it.
  package func decide(
    lines text: [UInt8],
    at now: Instant
  ) -> (decisions: [Decision], faults: [LineFault]) {
    decide(lines: text, at: now, resolver(at: now).resolver)
  }

  /// `account` is that of resources that name none; rulings that are `brief` tell no reasons.
  func decide(
    lines text: [UInt8],
    account: String = "",
    at now: Instant,
    _ resolver: ExceptionResolver,
    isBrief: Bool = false
  ) -> (decisions: [Decision], faults: [LineFault]) {
    judges.with { pair in
      let instant = "\(now)"
      pair.verdicts.move(to: instant)
      pair.obstacles.move(to: instant)
      // With counts that are open upwards nothing waits for related resources.
      let outcome = pair.verdicts.judge(text, population: Population())
      var resolver = resolver
      let decisions = outcome.resources.map { resource in
        var resource = resource
        if resource.account.isEmpty { resource.account = account }
        return decide(resource, text, pair, now, &resolver, isBrief: isBrief)
      }
      return (decisions, outcome.summary.faults)
    }
  }

  /// Decides about one resource as its provider describes it.
  ///
  /// With `isNew` the templates in force complete its configuration first.
  package func decide(_ resource: Resource, isNew: Bool, at now: Instant) -> Decision {
    decide([resource], isNew: isNew, at: now)[0]
  }

  /// Decides about resources; a decision for each, in their order.
  package func decide(_ resources: [Resource], isNew: Bool, at now: Instant) -> [Decision] {
    decide(resources.map { ($0, isNew) }, at: now, resolver(at: now).resolver)
  }

  /// How many resources are judged at once.
  private static let atOnce = 256

  func decide(
    _ asked: [(resource: Resource, isNew: Bool)],
    at now: Instant,
    _ resolver: ExceptionResolver
  ) -> [Decision] {
    guard asked.count <= Self.atOnce else {
      return stride(from: 0, to: asked.count, by: Self.atOnce).flatMap { start in
        let part = asked[start..<min(start + Self.atOnce, asked.count)]
        return decide(Array(part), at: now, resolver)
      }
    }
    var asked = asked
    var additions: [[Template.Addition]] = []
    var writer = JSONWriter()
    for index in asked.indices {
      additions.append(asked[index].isNew ? complete(&asked[index].resource) : [])
      if index > 0 { writer.raw("\n") }
      writer.value(asked[index].resource.inventoryLine)
    }
    var (decisions, faults) = decide(lines: writer.bytes, at: now, resolver)
    if decisions.count < asked.count {
      // A line that cannot be judged has no decision.
      let found = Dictionary(grouping: decisions, by: \.resource.lineNumber)
      let faults = Dictionary(grouping: faults, by: \.line)
      decisions = asked.indices.map { index in
        let reason = faults[index + 1]?.first?.message ?? "it cannot be judged"
        return found[index + 1]?.first ?? undecided(asked[index].resource, reason, at: now)
      }
    }
    for index in asked.indices where !additions[index].isEmpty && decisions[index].fault == nil {
      decisions[index].additions = additions[index]
    }
    return decisions
  }

  /// Completes a configuration by the templates in force where the resource is.
  package func complete(_ resource: inout Resource) -> [Template.Addition] {
    guard templates.contains(where: { $0.template.kinds.contains(resource.kind) }) else {
      return []
    }
    let place = place(of: resource)
    var additions: [Template.Addition] = []
    for laid in templates
    where laid.template.kinds.contains(resource.kind)
      && scopes.contains(place, in: areas[laid.area].scope, without: areas[laid.area].excludes)
      && laid.selects(resource)
    {
      laid.template.complete(&resource.configuration, &additions)
    }
    return additions
  }

  /// The decision about a resource that was not judged: what is unknown is never passed.
  package func undecided(_ resource: Resource, _ reason: String, at now: Instant) -> Decision {
    let holds = holds(place(of: resource))
    var rulings: [Decision.Ruling] = []
    for (index, member) in ruleSet.members.enumerated()
    where member.rule.target.kinds.contains(resource.kind) {
      guard !inForce(index, holds).isEmpty else { continue }
      rulings.append(ruling(index, holds, .unknown, "not judged: \(reason)"))
    }
    rulings += rulingsOfFaulty(resource.kind, holds)
    var decision = Decision(
      resource: JudgedResource(resource),
      effect: .allowed,
      rulings: rulings,
      guardrails: count(resource.kind, holds),
      guardrailsAnywhere: enforcedCount,
      fault: reason,
      at: now
    )
    decision.settle()
    return decision
  }

  /// What guardrails that cannot be enforced say: that nobody knows.
  func rulingsOfFaulty(_ kind: ResourceKind, _ holds: [Hold]) -> [Decision.Ruling] {
    faulty.compactMap { one in
      let guardrail = guardrails[one.place]
      guard one.hasNoScope || holds[areaOfGuardrail[one.place]] != .no,
        one.kinds?.contains(kind) ?? true
      else { return nil }
      return Decision.Ruling(
        guardrails: [guardrail.id],
        enforcement: guardrail.enforcement,
        rule: one.rule,
        parameters: [:],
        verdict: .unknown,
        effect: guardrail.enforcement.effect(of: .unknown, guardrail.onFailure, isExcepted: false),
        reason: "guardrail \(guardrail.id) cannot be enforced: \(faults[guardrail.id] ?? "")",
        comparison: nil,
        location: nil,
        exception: nil,
        result: "",
        proof: nil
      )
    }
  }

  /// What the guardrails in force make of a result that a scan judged; nil where none is in force.
  package func ruling(
    of record: ResultRecord,
    at place: Place,
    _ exception: Exception?
  ) -> Decision.Ruling? {
    guard let index = memberOfGoal[record.goal] else { return nil }
    let holds = holds(place)
    guard !inForce(index, holds).isEmpty else { return nil }
    return ruling(index, holds, record.verdict, record.reason, record, exception: exception)
  }

  private func decide(
    _ resource: JudgedResource,
    _ text: [UInt8],
    _ pair: JudgePool.Pair,
    _ now: Instant,
    _ resolver: inout ExceptionResolver,
    isBrief: Bool
  ) -> Decision {
    var decision = Decision(
      resource: resource,
      effect: .allowed,
      rulings: [],
      guardrailsAnywhere: enforcedCount,
      at: now
    )
    guard guardrailsOfKind[resource.kind] != nil || !faulty.isEmpty else { return decision }
    let place = place(of: resource, in: text)
    let holds = holds(place)
    decision.guardrails = count(resource.kind, holds)
    decision.rulings = rulingsOfFaulty(resource.kind, holds)
    decision.settle()
    guard let layout = resource.layout else { return decision }
    let members = layouts[layout].members
    decision.quiet = QuietRules(
      rules: rulesOfLayout[layout],
      letters: letters(resource.verdicts, of: members, holds)
    )
    var obstacles: [Int: Verdict] = [:]
    for (index, letter) in decision.quiet.letters.utf8.enumerated() {
      guard let verdict = Verdict(letter: letter), verdict == .fail || verdict == .unknown else {
        continue
      }
      obstacles[members[index]] = verdict
    }
    guard !obstacles.isEmpty else { return decision }
    func exception(_ index: Int) -> Exception? {
      resolver.exception(rule: ruleOfMember[index], resource: resource.id) { place }
    }
    if isBrief {
      for (index, verdict) in obstacles.sorted(by: { $0.key < $1.key }) {
        decision.rulings.append(ruling(index, holds, verdict, "", exception: exception(index)))
      }
      decision.settle()
      return decision
    }
    for record in records(of: Array(text[resource.line]), pair) {
      guard let index = memberOfGoal[record.goal], obstacles.removeValue(forKey: index) != nil
      else { continue }
      decision.rulings.append(
        ruling(index, holds, record.verdict, record.reason, record, exception: exception(index))
      )
    }
    // What stood in the way stands there without a proof too.
    for index in obstacles.keys.sorted() {
      decision.rulings.append(ruling(index, holds, .unknown, "its proof could not be made"))
    }
    decision.settle()
    return decision
  }

  /// The guardrails that lay a member of the rule set where a resource is.
  private func inForce(_ member: Int, _ holds: [Hold]) -> [Int] {
    guardrailsOfMember[member].filter { holds[areaOfGuardrail[$0]] != .no }
  }

  /// The letters of verdicts; those of rules that no guardrail lays here are those of rules that do not ask.
  private func letters(_ verdicts: String, of members: [Int], _ holds: [Hold]) -> String {
    guard holds.contains(.no) else { return verdicts }
    let letters = zip(verdicts.utf8, members).map { letter, member in
      guardrailsOfMember[member].contains { holds[areaOfGuardrail[$0]] != .no }
        ? letter : Verdict.outside
    }
    return String(decoding: letters, as: UTF8.self)
  }

  /// The failures and what is unknown of one line, with reasons and proofs.
  private func records(of line: [UInt8], _ pair: JudgePool.Pair) -> [ResultRecord] {
    var outcome = pair.obstacles.judge(line)
    var lines = outcome.lines
    if !outcome.deferred.isEmpty {
      outcome = pair.obstacles.judge(outcome.deferred, population: Population())
      lines += outcome.lines
    }
    return lines.split(separator: 0x0A).compactMap { line in
      (try? pair.parser.parse(line)).flatMap { ResultRecord($0) }
    }
  }

  private func ruling(
    _ index: Int,
    _ holds: [Hold],
    _ verdict: Verdict,
    _ reason: String,
    _ record: ResultRecord? = nil,
    exception: Exception? = nil
  ) -> Decision.Ruling {
    let member = ruleSet.members[index]
    let inForce = inForce(index, holds)
    let laid = inForce.map { guardrails[$0] }
    let effects = inForce.map { place in
      let guardrail = guardrails[place]
      // Whether it fails here is as open as whether the guardrail is laid here.
      let isOpen = verdict == .fail && holds[areaOfGuardrail[place]] == .maybe
      return guardrail.enforcement.effect(
        of: isOpen ? .unknown : verdict,
        guardrail.onFailure,
        isExcepted: exception != nil
      )
    }
    let isSure = inForce.contains { holds[areaOfGuardrail[$0]] == .yes }
    return Decision.Ruling(
      guardrails: laid.map(\.id),
      enforcement: laid.map(\.enforcement).max() ?? .auditLog,
      rule: member.rule,
      parameters: member.parameters,
      verdict: verdict,
      effect: effects.max() ?? .allowed,
      reason: isSure
        ? reason
        : reason
          + "; it is not known whether it is in the scope of the guardrail, which asks for more "
          + "than is told of where it is",
      comparison: record?.proof.flatMap { DecidingComparison($0, verdict) },
      location: record?.location,
      exception: exception,
      result: record?.id ?? "",
      proof: record?.proof
    )
  }
}
