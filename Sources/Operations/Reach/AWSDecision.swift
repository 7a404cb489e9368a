import Engine
import Model

/// A resource of AWS as policies see it: a compute resource, or a role that is to be assumed.
struct AWSTarget: Sendable {
  var account: String
  var context: PolicyContext
  /// The resource's own policy; nil where it has none.
  var policy: PolicyDocument?
  var policyName = "resource policy"
  /// Why its own policy could not be read.
  var policyGap: String?
  /// Whether its own policy has to allow what it is asked: that of a role does.
  var isMandatory = false
}

/// Decides what identities of AWS may do, as IAM does, and keeps apart what is not certain.
struct AWSDecision: Sendable {
  /// Service control policies; what they are attached to is not known.
  var controls: [PolicySource] = []
  /// Accounts that service control policies do not limit.
  var uncontrolled: Set<String> = []

  /// A statement that is about a request, certainly or perhaps.
  private struct Hit {
    var source: PolicySource
    var statement: PolicyStatement
    var conditions: [String]
  }

  /// The ways by which an identity may do an action to a target; none when it may not.
  func ways(
    of identity: AWSIdentity,
    action: String,
    on pattern: PolicyPattern,
    _ target: AWSTarget
  ) -> [ReachWay] {
    let request = PolicyRequest(
      action: action,
      target: pattern,
      context: identity.context.adding(target.context)
    )
    guard let exceptions = denials(of: identity, request, target) else { return [] }
    let limit = limit(of: identity, request)
    let own = limit.truth == .no ? [] : allows(identity.sources, request)
    let granted = grants(to: identity.holder, request, target)
    let direct = granted.filter { $0.hold == .direct }.map(\.hit)
    let isOwn = identity.holder.account == target.account
    let named = PolicySource(name: target.policyName, document: target.policy)
    let others = exceptions + limit.conditions
    var ways: [ReachWay] = []
    if isOwn, !target.isMandatory {
      ways += own.map { way($0, action, others) }
    } else if let grant = granted.map(\.hit).min(by: { $0.conditions.count < $1.conditions.count })
    {
      ways += own.map { way($0, action, others + grant.conditions) }
    } else if let gap = target.policyGap {
      ways += own.map { way($0, action, others, unread: [gap]) }
    }
    if isOwn, identity.holder.type == .user || limit.truth != .no {
      // A boundary limits what a resource's policy gives to a role, not what it gives to a user.
      let conditions = identity.holder.type == .user ? exceptions : others
      ways += direct.map { hit in
        way(
          Hit(source: named, statement: hit.statement, conditions: hit.conditions),
          action,
          conditions
        )
      }
    }
    let gaps =
      identity.gaps
      + (identity.sources + [identity.boundary].compactMap { $0 }).map(\.gap)
      .filter { !$0.isEmpty }
    guard !gaps.isEmpty else { return ways }
    for index in ways.indices { ways[index].reasons = gaps + ways[index].reasons }
    let isOpen = isOwn && !target.isMandatory || !granted.isEmpty || target.policyGap != nil
    if ways.isEmpty, isOpen, limit.truth != .no {
      var way = ReachWay()
      (way.actions, way.reasons) = ([action], gaps)
      ways = [way]
    }
    return ways
  }

  /// Those outside of what was read to whom a resource's own policy gives an action.
  func outsiders(
    _ target: AWSTarget,
    actions: [String],
    on pattern: PolicyPattern,
    knowing known: Set<String>
  ) -> [(holder: ReachHolder, way: ReachWay)] {
    var found: [(holder: ReachHolder, way: ReachWay)] = []
    let statements = target.policy?.statements ?? []
    for action in actions {
      let request = PolicyRequest(action: action, target: pattern, context: target.context)
      for statement in statements where statement.isAllow {
        let match = statement.match(request)
        guard match.truth != .no, let principals = statement.principals else { continue }
        for (holder, conditions) in principals.outsiders(of: target.account, knowing: known) {
          guard let denied = denied(holder, statements, request) else { continue }
          var way = ReachWay()
          (way.policy, way.statement) = (target.policyName, statement.name)
          (way.actions, way.conditions) = ([action], match.conditions + conditions + denied)
          found.append((holder, way))
        }
      }
    }
    return found
  }

  /// What a resource's own policy denies to an outsider: nil when all, else on what it depends.
  private func denied(
    _ holder: ReachHolder,
    _ statements: [PolicyStatement],
    _ request: PolicyRequest
  ) -> [String]? {
    var conditions: [String] = []
    for statement in statements where !statement.isAllow {
      guard let principals = statement.principals else { continue }
      let match = statement.match(request)
      guard match.truth != .no, principals.hold(holder).hold != .none else { continue }
      // What is denied to everyone in some account is not denied to anyone at all.
      if match.truth == .yes, holder.type != .anyone || principals.named.contains(.anyone) {
        return nil
      }
      conditions.append("\(statement.name) does not deny it")
    }
    return conditions
  }

  /// What is denied: nil when the request certainly is, else on what that depends.
  private func denials(
    of identity: AWSIdentity,
    _ request: PolicyRequest,
    _ target: AWSTarget
  ) -> [String]? {
    var conditions: [String] = []
    func note(_ name: String, _ match: PolicyMatch, _ more: [String] = []) {
      let unless = match.conditions + more
      conditions.append("\(name) does not deny it (\(unless.joined(separator: " and ")))")
    }
    for source in identity.sources + [identity.boundary].compactMap({ $0 }) {
      for statement in source.document?.statements ?? [] where !statement.isAllow {
        let match = statement.match(request)
        if match.truth == .yes { return nil }
        if match.truth == .unknown { note("\(source.name) \(statement.name)", match) }
      }
    }
    for statement in target.policy?.statements ?? [] where !statement.isAllow {
      guard let principals = statement.principals else { continue }
      let (hold, more) = principals.hold(identity.holder)
      let match = statement.match(request)
      guard hold != .none, match.truth != .no else { continue }
      if match.truth == .yes, more.isEmpty { return nil }
      note("\(target.policyName) \(statement.name)", match, more)
    }
    guard !identity.isServiceLinked, !uncontrolled.contains(identity.holder.account) else {
      return conditions
    }
    for source in controls {
      for statement in source.document?.statements ?? [] where !statement.isAllow {
        let match = statement.match(request)
        guard match.truth != .no else { continue }
        let account = "attached to account \(identity.holder.account)"
        note("service control policy \(source.name) \(statement.name)", match, [account])
      }
    }
    return conditions
  }

  /// Whether the permissions boundary lets the request through, and on what that depends.
  private func limit(of identity: AWSIdentity, _ request: PolicyRequest) -> PolicyMatch {
    guard let boundary = identity.boundary, boundary.document != nil else {
      return PolicyMatch(truth: .yes)
    }
    let hits = allows([boundary], request)
    guard let best = hits.min(by: { $0.conditions.count < $1.conditions.count }) else {
      return PolicyMatch(truth: .no)
    }
    let conditions = best.conditions.map { "\($0) (boundary \(boundary.name))" }
    return PolicyMatch(truth: Truth(true), conditions: conditions)
  }

  private func allows(_ sources: [PolicySource], _ request: PolicyRequest) -> [Hit] {
    sources.flatMap { source in
      (source.document?.statements ?? []).compactMap { statement in
        guard statement.isAllow else { return nil }
        let match = statement.match(request)
        guard match.truth != .no else { return nil }
        return Hit(source: source, statement: statement, conditions: match.conditions)
      }
    }
  }

  /// What a resource's own policy gives to a holder, by name or through its account.
  private func grants(
    to holder: ReachHolder,
    _ request: PolicyRequest,
    _ target: AWSTarget
  ) -> [(hold: PolicyPrincipals.Hold, hit: Hit)] {
    (target.policy?.statements ?? []).compactMap { statement in
      guard statement.isAllow, let principals = statement.principals else { return nil }
      let (hold, more) = principals.hold(holder)
      // Whoever anyone can be is listed once, as anyone.
      guard hold != .none, !(principals.isAnyone && !target.isMandatory) else { return nil }
      let match = statement.match(request)
      guard match.truth != .no else { return nil }
      let source = PolicySource(name: target.policyName)
      let hit = Hit(source: source, statement: statement, conditions: match.conditions + more)
      return (principals.isAnyone ? .account : hold, hit)
    }
  }

  private func way(
    _ hit: Hit,
    _ action: String,
    _ conditions: [String],
    unread reasons: [String] = []
  ) -> ReachWay {
    var way = ReachWay()
    (way.group, way.policy, way.statement) = (hit.source.group, hit.source.name, hit.statement.name)
    (way.actions, way.reasons) = ([action], reasons)
    way.conditions = hit.conditions + conditions
    return way
  }
}

extension PolicyPrincipals {
  /// Whether the statement is about everyone.
  var isAnyone: Bool { !isNot && named.contains(.anyone) }

  /// Those that are named and not among those known, as holders.
  func outsiders(
    of account: String,
    knowing known: Set<String>
  ) -> [(holder: ReachHolder, conditions: [String])] {
    func holder(_ type: ReachHolder.Kind, _ name: String, _ account: String = "") -> ReachHolder {
      ReachHolder(type: type, id: name, name: name, account: account)
    }
    if isNot {
      return [(holder(.anyone, "*"), ["the caller is none of those that the policy leaves out"])]
    }
    return named.compactMap { name in
      switch name {
      case .anyone: return (holder(.anyone, "*"), [])
      case .account(let other): return other == account ? nil : (holder(.account, other, other), [])
      case .service(let service): return (holder(.service, service), [])
      case .federated(let provider): return (holder(.federated, provider), [])
      case .other(let text): return (holder(.other, text), [])
      case .session(let account, let role, let session):
        let arn = "arn:aws:sts::\(account):assumed-role/\(role)/\(session)"
        return known.contains("\(account) \(role)") ? nil : (holder(.role, arn, account), [])
      case .arn(let arn):
        guard !known.contains(arn) else { return nil }
        let parts = arn.split(separator: ":", omittingEmptySubsequences: false)
        let other = parts.count > 4 ? String(parts[4]) : ""
        let type: ReachHolder.Kind = arn.contains(":user/") ? .user : .role
        let conditions = other == account ? ["it is still there: it was not read"] : []
        return (holder(type, arn, other), conditions)
      }
    }
  }
}
