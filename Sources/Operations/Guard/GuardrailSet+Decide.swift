package import Engine
import JSON
package import Model

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

  /// `account` is that of resources that name none.
  func decide(
    lines text: [UInt8],
    account: String = "",
    at now: Instant,
    _ resolver: ExceptionResolver
  ) -> (decisions: [Decision], faults: [LineFault]) {
    judges.with { pair in
      let instant = "\(now)"
      pair.verdicts.move(to: instant)
      // With counts that are open upwards nothing waits for related resources.
      let outcome = pair.verdicts.judge(text, population: Population())
      var resolver = resolver
      let decisions = outcome.resources.map { resource in
        var resource = resource
        if resource.account.isEmpty { resource.account = account }
        return decide(resource, text, pair, now, &resolver)
      }
      return (decisions, outcome.summary.faults)
    }
  }

  /// Decides about one resource as its provider describes it.
  ///
  /// With `isNew` the templates in force complete its configuration first.
  package func decide(_ resource: Resource, isNew: Bool, at now: Instant) -> Decision {
    decide(resource, isNew: isNew, at: now, resolver(at: now).resolver)
  }

  func decide(
    _ resource: Resource,
    isNew: Bool,
    at now: Instant,
    _ resolver: ExceptionResolver
  ) -> Decision {
    var resource = resource
    let additions = isNew ? complete(&resource) : []
    var (decisions, faults) = decide(
      lines: Array(resource.inventoryLine.text.utf8),
      at: now,
      resolver
    )
    guard var decision = decisions.popLast() else {
      return undecided(resource, faults.first?.message ?? "it cannot be judged", at: now)
    }
    decision.additions = additions
    return decision
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
      let inForce = guardrailsOfMember[index].filter { holds[areaOfGuardrail[$0]] != .no }
      guard !inForce.isEmpty else { continue }
      rulings.append(
        ruling(member, inForce, holds, .unknown, reason: "not judged: \(reason)", record: nil, nil)
      )
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
    let inForce = guardrailsOfMember[index].filter { holds[areaOfGuardrail[$0]] != .no }
    guard !inForce.isEmpty else { return nil }
    return ruling(
      ruleSet.members[index],
      inForce,
      holds,
      record.verdict,
      reason: record.reason,
      record: record,
      exception
    )
  }

  private func decide(
    _ resource: JudgedResource,
    _ text: [UInt8],
    _ pair: JudgePool.Pair,
    _ now: Instant,
    _ resolver: inout ExceptionResolver
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
    var obstacles: [Int: [Int]] = [:]
    for (index, letter) in resource.verdicts.utf8.enumerated() {
      guard let verdict = Verdict(letter: letter) else { continue }
      let inForce = guardrailsOfMember[members[index]]
      guard inForce.contains(where: { holds[areaOfGuardrail[$0]] != .no }) else { continue }
      switch verdict {
      case .pass: decision.rulesPassed.append(ruleOfMember[members[index]])
      case .notApplicable: decision.rulesNotApplicable.append(ruleOfMember[members[index]])
      case .fail, .unknown:
        obstacles[members[index]] = inForce.filter { holds[areaOfGuardrail[$0]] != .no }
      }
    }
    guard !obstacles.isEmpty else { return decision }
    pair.obstacles.move(to: "\(now)")
    let line = Array(text[resource.line])
    for record in records(of: line, pair.obstacles) {
      guard let index = memberOfGoal[record.goal],
        let inForce = obstacles.removeValue(forKey: index)
      else { continue }
      let member = ruleSet.members[index]
      let exception = resolver.exception(rule: member.rule.id, resource: resource.id) { place }
      decision.rulings.append(
        ruling(
          member,
          inForce,
          holds,
          record.verdict,
          reason: record.reason,
          record: record,
          exception
        )
      )
    }
    // What stood in the way stands there without a proof too.
    for (index, inForce) in obstacles.sorted(by: { $0.key < $1.key }) {
      let reason = "its proof could not be made"
      decision.rulings.append(
        ruling(ruleSet.members[index], inForce, holds, .unknown, reason: reason, record: nil, nil)
      )
    }
    decision.settle()
    return decision
  }

  /// The failures and what is unknown of one line, with reasons and proofs.
  private func records(of line: [UInt8], _ judge: Judge) -> [ResultRecord] {
    var outcome = judge.judge(line)
    var lines = outcome.lines
    if !outcome.deferred.isEmpty {
      outcome = judge.judge(outcome.deferred, population: Population())
      lines += outcome.lines
    }
    let parser = JSONParser()
    return lines.split(separator: 0x0A).compactMap { line in
      (try? parser.parse(line)).flatMap { ResultRecord($0) }
    }
  }

  private func ruling(
    _ member: RuleSet.Member,
    _ inForce: [Int],
    _ holds: [Hold],
    _ verdict: Verdict,
    reason: String,
    record: ResultRecord?,
    _ exception: Exception?
  ) -> Decision.Ruling {
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

  // MARK: - Where a resource is

  /// Where a resource is.
  package func place(of resource: Resource) -> Place {
    var place = Place(resource, accounts: accounts[resource.account] ?? [resource.account])
    noteAccount(resource.account, &place)
    return place
  }

  /// Notes that it is not known what stands above an account that the tree does not have.
  private func noteAccount(_ account: String, _ place: inout Place) {
    if !accounts.isEmpty, accounts[account] == nil { place.unread.insert("account") }
  }

  /// Where a resource of some lines is; `hasTags` asks for its tags though no guardrail does.
  func place(of resource: JudgedResource, in text: [UInt8], hasTags: Bool = false) -> Place {
    var tags: [String: String] = [:]
    if isAskingForTags || hasTags, !resource.tags.isEmpty {
      for (key, value) in (try? JSONValue(parsing: resource.tags))?.object?.members ?? [] {
        tags[key] = value.string
      }
    }
    var place = Place(
      accounts: accounts[resource.account] ?? [resource.account],
      provider: resource.provider,
      region: resource.region,
      group: resource.group,
      kind: resource.kind,
      id: resource.id,
      tags: tags
    )
    place.noteUnread(unread(of: text[resource.line]), account: resource.account)
    noteAccount(resource.account, &place)
    return place
  }

  /// The paths of a line that were not read, where some are of the resource rather than of its
  /// configuration.
  private func unread(of line: ArraySlice<UInt8>) -> [String] {
    guard line.holds(Self.ofResource),
      let paths = (try? JSONParser().parse(Array(line)))?["unread"]?.object
    else { return [] }
    return paths.members.map(\.key)
  }

  private static let ofResource = Array("\"$resource.".utf8)
}
