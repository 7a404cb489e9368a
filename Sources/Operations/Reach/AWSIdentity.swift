import Engine
import JSON
import Model

/// A policy that somebody has, and from where.
struct PolicySource: Sendable {
  var name: String
  /// The group that it comes from; empty for the holder's own.
  var group = ""
  /// The policy; nil where it could not be read.
  var document: PolicyDocument?
  /// Why it could not be read.
  var gap = ""
}

/// A user or a role of AWS with everything that decides what it may do.
struct AWSIdentity: Sendable {
  var holder: ReachHolder
  var sources: [PolicySource] = []
  var boundary: PolicySource?
  /// What of it could not be read and may decide.
  var gaps: [String] = []
  /// The policy that says who may assume a role.
  var trust: PolicySource?
  /// Whether it is a role that belongs to a service of AWS.
  var isServiceLinked = false
  var context = PolicyContext()

  /// Whether some policy allows an action to something, or may do so.
  func mayAllow(_ action: String) -> Bool {
    !gaps.isEmpty
      || sources.contains { source in
        source.document?.statements.contains { $0.isAllow && $0.names(action) } ?? true
      }
  }
}

/// Reads users, roles, groups and policies as the collector writes them.
struct AWSIdentityReader {
  /// The kinds that are read.
  static let kinds: Set<ResourceKind> = Set(
    ["user", "group", "role", "policy", "managed_policy"].map {
      ResourceKind(service: "iam", kind: $0)
    }
  )

  private var policies: [String: PolicySource] = [:]
  private var groups: [String: Resource] = [:]
  private let resources: [Resource]

  init(_ resources: [Resource]) {
    self.resources = resources.filter { !$0.configuration.isNull }
    for resource in self.resources {
      switch resource.kind.kind {
      case "policy", "managed_policy": add(policy: resource)
      case "group":
        let name = resource.configuration["GroupName"]?.string ?? resource.name
        groups["\(resource.account) \(name)"] = resource
      default: break
      }
    }
  }

  /// Every user and role.
  var identities: [AWSIdentity] {
    resources.filter { ["user", "role"].contains($0.kind.kind) }.map(identity)
  }

  private mutating func add(policy: Resource) {
    let versions = policy.configuration["PolicyVersionList"]?.array ?? []
    let current = versions.first { $0["IsDefaultVersion"]?.bool == true }?["Document"]
    let document = PolicyDocument(policy.configuration["Document"] ?? current)
    let name = policy.configuration["PolicyName"]?.string ?? Self.lastPart(policy.id)
    let gap = policy.reason(of: "Document") ?? "it is no policy that can be understood"
    // Several accounts may list one of AWS's own policies.
    if document == nil, policies[policy.id]?.document != nil { return }
    policies[policy.id] = PolicySource(
      name: "policy \(name)",
      document: document,
      gap: document == nil ? "policy \(name): \(gap)" : ""
    )
  }

  private func identity(_ resource: Resource) -> AWSIdentity {
    let isUser = resource.kind.kind == "user"
    let own = resource.configuration
    let name = own[isUser ? "UserName" : "RoleName"]?.string ?? resource.name
    let holder = ReachHolder(
      type: isUser ? .user : .role,
      id: resource.id,
      name: name,
      account: resource.account
    )
    var identity = AWSIdentity(holder: holder)
    identity.isServiceLinked = own["Path"]?.string?.hasPrefix("/aws-service-role/") ?? false
    identity.context = context(resource, holder, isUser)
    let inline = isUser ? "UserPolicyList" : "RolePolicyList"
    add(resource, inline, to: &identity)
    if isUser { addGroups(resource, to: &identity) }
    if let reason = resource.reason(of: "PermissionsBoundary") {
      identity.gaps.append("PermissionsBoundary: \(reason)")
    }
    if let arn = own.value(at: "PermissionsBoundary.PermissionsBoundaryArn")?.string {
      identity.boundary = attached(arn, Self.lastPart(arn))
    }
    if !isUser {
      let document = PolicyDocument(own["AssumeRolePolicyDocument"])
      let reason = resource.reason(of: "AssumeRolePolicyDocument") ?? "it was not read"
      identity.trust = PolicySource(
        name: "trust policy",
        document: document,
        gap: document == nil ? "trust policy of role \(name): \(reason)" : ""
      )
    }
    return identity
  }

  private func addGroups(_ user: Resource, to identity: inout AWSIdentity) {
    if let reason = user.reason(of: "GroupList") { identity.gaps.append("GroupList: \(reason)") }
    for name in PolicyCondition.texts(user.configuration["GroupList"]) {
      if let group = groups["\(user.account) \(name)"] {
        add(group, "GroupPolicyList", of: name, to: &identity)
      } else {
        identity.gaps.append("group \(name) was not read")
      }
    }
  }

  /// Adds the inline and the attached policies of a user, role or group.
  private func add(
    _ resource: Resource,
    _ inline: String,
    of group: String = "",
    to identity: inout AWSIdentity
  ) {
    for key in [inline, "AttachedManagedPolicies"] {
      if let reason = resource.reason(of: key) {
        identity.gaps.append("\(group.isEmpty ? "" : "group \(group): ")\(key): \(reason)")
      }
    }
    for entry in resource.configuration[inline]?.array ?? [] {
      let name = entry["PolicyName"]?.string ?? "?"
      let document = PolicyDocument(entry["PolicyDocument"])
      identity.sources.append(
        PolicySource(
          name: "inline policy \(name)",
          group: group,
          document: document,
          gap: document == nil ? "inline policy \(name) cannot be understood" : ""
        )
      )
    }
    for entry in resource.configuration["AttachedManagedPolicies"]?.array ?? [] {
      guard let arn = entry["PolicyArn"]?.string else {
        identity.gaps.append("an attached policy has no ARN")
        continue
      }
      var source = attached(arn, entry["PolicyName"]?.string ?? Self.lastPart(arn))
      source.group = group
      identity.sources.append(source)
    }
  }

  private func attached(_ arn: String, _ name: String) -> PolicySource {
    policies[arn] ?? PolicySource(name: "policy \(name)", gap: "policy \(name) was not read")
  }

  private func context(_ resource: Resource, _ holder: ReachHolder, _ isUser: Bool) -> PolicyContext
  {
    var context = PolicyContext()
    context.set("aws:PrincipalArn", .values([holder.id]))
    context.set("aws:PrincipalAccount", .values([holder.account]))
    context.set("aws:PrincipalIsAWSService", .values(["false"]))
    context.set("aws:PrincipalType", .values([isUser ? "User" : "AssumedRole"]))
    context.set("aws:username", isUser ? .values([holder.name]) : .absent)
    for (key, value) in resource.tags { context.set("aws:PrincipalTag/\(key)", .values([value])) }
    // A session of a role may bring tags of its own.
    context.knowsPrincipalTags = isUser && resource.configuration["Tags"]?.array != nil
    return context
  }

  private static func lastPart(_ arn: String) -> String {
    arn.split(separator: "/").last.map(String.init) ?? arn
  }
}
