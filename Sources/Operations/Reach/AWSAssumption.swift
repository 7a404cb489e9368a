import Model

/// Who may take on which role, directly and from role to role.
struct AWSAssumption: Sendable {
  /// One who reaches a role: through which roles, the role itself last, and if what.
  struct Path: Sendable {
    var holder: ReachHolder
    var roles: [ReachHolder]
    var conditions: [String]
    var reasons: [String]

    var certainty: ReachCertainty {
      reasons.isEmpty ? conditions.isEmpty ? .certain : .conditional : .unknown
    }
  }

  private static let actions = [
    "sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity",
  ]

  /// Those who may take on a role directly, by the role's id.
  private var direct: [String: [Path]] = [:]

  /// Finds out who may assume each role.
  init(_ identities: [AWSIdentity], _ decision: AWSDecision, knowing known: Set<String>) {
    let able = identities.filter { $0.mayAllow("sts:assumerole") }
    let others = Dictionary(
      identities.filter { !$0.mayAllow("sts:assumerole") }.map { ($0.holder.id, $0) }
    ) { first, _ in first }
    for role in identities {
      guard let trust = role.trust else { continue }
      let named = (trust.document?.statements ?? []).flatMap { $0.principals?.named ?? [] }
      let byName = Set(named).compactMap { name -> AWSIdentity? in
        switch name {
        case .arn(let arn): others[arn]
        case .session(let account, let role, _):
          others["arn:aws:iam::\(account):role/\(role)"]
        default: nil
        }
      }
      let target = Self.target(role, trust)
      let pattern = PolicyPattern(literal: role.holder.id)
      var paths: [Path] = []
      for identity in able + byName where identity.holder != role.holder {
        let ways = decision.ways(of: identity, action: Self.actions[0], on: pattern, target)
        guard let best = ReachWay.merged(ways).first else { continue }
        paths.append(Self.path(identity.holder, role.holder, best))
      }
      let outsiders = decision.outsiders(
        target,
        actions: Self.actions,
        on: pattern,
        knowing: known
      )
      paths += outsiders.map { Self.path($0.holder, role.holder, $0.way) }
      if trust.document == nil {
        let name = "whoever may assume role/\(role.holder.name)"
        let holder = ReachHolder(
          type: .unread,
          id: role.holder.id,
          name: name,
          account: role.holder.account
        )
        paths.append(
          Path(holder: holder, roles: [role.holder], conditions: [], reasons: [trust.gap])
        )
      }
      direct[role.holder.id] = paths
    }
  }

  private static func target(_ role: AWSIdentity, _ trust: PolicySource) -> AWSTarget {
    var context = PolicyContext()
    context.set("aws:ResourceAccount", .values([role.holder.account]))
    return AWSTarget(
      account: role.holder.account,
      context: context,
      policy: trust.document,
      policyName: "trust policy of role/\(role.holder.name)",
      policyGap: trust.document == nil ? trust.gap : nil,
      isMandatory: true
    )
  }

  private static func path(_ holder: ReachHolder, _ role: ReachHolder, _ way: ReachWay) -> Path {
    Path(holder: holder, roles: [role], conditions: way.conditions, reasons: way.reasons)
  }

  /// Everyone who reaches a role, each once, by the surest and then the shortest way.
  func paths(to role: ReachHolder) -> [Path] {
    var found: [Path] = []
    var seen: Set<ReachHolder> = [role]
    var open = direct[role.id] ?? []
    while !open.isEmpty {
      var best = 0
      for index in open.indices
      where (open[index].certainty, open[index].roles.count)
        < (open[best].certainty, open[best].roles.count)
      {
        best = index
      }
      let path = open.remove(at: best)
      guard seen.insert(path.holder).inserted else { continue }
      found.append(path)
      guard path.holder.type == .role else { continue }
      open += (direct[path.holder.id] ?? []).filter { !seen.contains($0.holder) }.map { step in
        Path(
          holder: step.holder,
          roles: step.roles + path.roles,
          conditions: step.conditions + path.conditions,
          reasons: step.reasons + path.reasons
        )
      }
    }
    return found
  }
}
