import JSON
import Model

/// Who has access to AWS's compute resources, by the policies of users, roles and resources.
struct AWSReach: ReachReader {
  /// The kinds besides compute resources that are read.
  static let kinds = AWSIdentityReader.kinds.union(
    ["policy", "organization"].map { ResourceKind(service: "organizations", kind: $0) }
  )

  private let identities: [AWSIdentity]
  private let decision: AWSDecision
  private let known: Set<String>
  private var paths: [String: [AWSAssumption.Path]] = [:]
  /// The identities whose policies name an action, by the action.
  private var able: [String: [Int]] = [:]
  private let assumption: AWSAssumption

  init(_ resources: [Resource]) {
    identities = AWSIdentityReader(resources.filter { $0.kind.service == "iam" }).identities
    decision = Self.decision(resources.filter { $0.kind.service == "organizations" })
    known = Set(
      identities.flatMap { [$0.holder.id, "\($0.holder.account) \($0.holder.name)"] }
    )
    assumption = AWSAssumption(identities, decision, knowing: known)
  }

  private static func decision(_ resources: [Resource]) -> AWSDecision {
    var decision = AWSDecision()
    for resource in resources where !resource.configuration.isNull {
      if resource.kind.kind == "organization" {
        // The account that manages an organization is not limited by its policies.
        if let account = resource.configuration["MasterAccountId"]?.string {
          decision.uncontrolled.insert(account)
        }
      } else if let document = PolicyDocument(resource.configuration["Content"]) {
        decision.controls.append(PolicySource(name: resource.name, document: document))
      }
    }
    return decision
  }

  mutating func entries(of subject: ReachSubject, _ level: ReachLevel) -> [ReachEntry] {
    let target = AWSTarget(
      account: subject.resource.account,
      context: subject.context,
      policy: PolicyDocument(subject.policy)
    )
    var found: [ReachHolder: [ReachWay]] = [:]
    for right in subject.kind.rights[level] ?? [] {
      let action = right.name.lowercased()
      for text in right.on {
        guard let text = subject.text(text) else { continue }
        let pattern = PolicyPattern(text)
        for index in candidates(action, target) {
          let identity = identities[index]
          let ways = decision.ways(of: identity, action: right.name, on: pattern, target)
          if !ways.isEmpty { found[identity.holder, default: []] += ways }
        }
        let outsiders = decision.outsiders(
          target,
          actions: [right.name],
          on: pattern,
          knowing: known
        )
        for (holder, way) in outsiders { found[holder, default: []].append(way) }
      }
    }
    addThoseWhoAssume(to: &found)
    addRoot(subject, level, to: &found)
    return found.map { ReachEntry(level: level, holder: $0, ways: ReachWay.merged($1)) }
  }

  /// The identities that may be allowed an action, by their own policies or by the resource's.
  private mutating func candidates(_ action: String, _ target: AWSTarget) -> [Int] {
    if able[action] == nil {
      able[action] = identities.indices.filter { identities[$0].mayAllow(action) }
    }
    let own = able[action] ?? []
    guard let policy = target.policy else { return own }
    let named = policy.statements.filter(\.isAllow).compactMap(\.principals)
    let byPolicy = identities.indices.filter { index in
      named.contains { !$0.isAnyone && $0.hold(identities[index].holder).hold == .direct }
    }
    return Set(own + byPolicy).sorted()
  }

  private mutating func addThoseWhoAssume(to found: inout [ReachHolder: [ReachWay]]) {
    for (role, ways) in found where role.type == .role {
      guard let best = ReachWay.merged(ways).first else { continue }
      if paths[role.id] == nil { paths[role.id] = assumption.paths(to: role) }
      for path in paths[role.id] ?? [] {
        var way = best
        way.through = path.roles.map { $0.text(beside: path.holder.account) }
        way.conditions = path.conditions + best.conditions
        way.reasons = path.reasons + best.reasons
        found[path.holder, default: []].append(way)
      }
    }
  }

  /// An account's root user may do everything in it.
  private func addRoot(
    _ subject: ReachSubject,
    _ level: ReachLevel,
    to found: inout [ReachHolder: [ReachWay]]
  ) {
    let account = subject.resource.account
    guard !account.isEmpty, !(subject.kind.rights[level] ?? []).isEmpty else { return }
    let holder = ReachHolder(type: .root, id: "root", name: account, account: account)
    var way = ReachWay()
    way.policy = "being the account's root user"
    found[holder, default: []].append(way)
  }
}
