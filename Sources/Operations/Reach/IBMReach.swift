import JSON
import Model

/// Who has access to IBM Cloud's compute resources, by IAM's policies with roles on services.
struct IBMReach: ReachReader {
  /// The kinds besides compute resources that are read.
  static let kinds: Set<ResourceKind> = [
    ResourceKind(service: "iam-access-management", kind: "policy"),
    ResourceKind(service: "iam-groups", kind: "access_group"),
    ResourceKind(service: "iam-identity", kind: "service_id"),
    ResourceKind(service: "user-management", kind: "user"),
    ResourceKind(service: "account-management", kind: "account"),
  ]

  private let policies: [Resource]
  private let groups: [String: Resource]
  private let names: [String: String]
  /// The owner of each account, who may do everything in it.
  private let owners: [String: String]

  init(_ resources: [Resource]) {
    let read = resources.filter { !$0.configuration.isNull }
    func all(_ kind: String) -> [Resource] { read.filter { $0.kind.kind == kind } }
    policies = all("policy")
    groups = Dictionary(all("access_group").map { ($0.id, $0) }) { first, _ in first }
    let named = all("user") + all("service_id")
    names = Dictionary(named.map { ($0.id, $0.name) }) { first, _ in first }
    owners = Dictionary(
      all("account").compactMap { account in
        account.configuration["owner_iamid"]?.string.map { (account.account, $0) }
      }
    ) { first, _ in first }
  }

  mutating func entries(of subject: ReachSubject, _ level: ReachLevel) -> [ReachEntry] {
    var found: [ReachHolder: [ReachWay]] = [:]
    let account = subject.resource.account
    for policy in policies where policy.account == account {
      guard let way = way(policy, subject, level) else { continue }
      let subjects = policy.configuration["subjects"]?.array ?? []
      for attribute in subjects.flatMap({ $0["attributes"]?.array ?? [] }) {
        guard let value = attribute["value"]?.string else { continue }
        for (holder, way) in holders(attribute["name"]?.string ?? "", value, account, way) {
          found[holder, default: []].append(way)
        }
      }
    }
    if let owner = owners[account], !(subject.kind.rights[level] ?? []).isEmpty {
      var way = ReachWay()
      way.policy = "being the account's owner"
      found[holder(owner, account), default: []].append(way)
    }
    return found.map { ReachEntry(level: level, holder: $0, ways: ReachWay.merged($1)) }
  }

  /// The way that a policy gives; nil where it gives none.
  private func way(_ policy: Resource, _ subject: ReachSubject, _ level: ReachLevel) -> ReachWay? {
    let content = policy.configuration
    guard content["state"]?.string ?? "active" == "active",
      content["type"]?.string ?? "access" == "access"
    else { return nil }
    let roles = (content["roles"]?.array ?? []).filter { role in
      let id = role["role_id"]?.string ?? ""
      return (subject.kind.rights[level] ?? []).contains { id.hasSuffix(":\($0.name)") }
    }
    guard !roles.isEmpty else { return nil }
    var way = ReachWay()
    way.policy = "policy \(policy.name.isEmpty ? policy.id : policy.name)"
    way.actions = roles.compactMap { $0["display_name"]?.string ?? $0["role_id"]?.string }
    let covers = (content["resources"]?.array ?? []).compactMap { conditions($0, subject) }
    guard let best = covers.min(by: { $0.count < $1.count }) else { return nil }
    way.conditions = best
    return way
  }

  /// What has to hold for a part of a policy to be about the resource; nil where it never is.
  private func conditions(_ resource: JSONValue, _ subject: ReachSubject) -> [String]? {
    var conditions: [String] = []
    for attribute in resource["attributes"]?.array ?? [] {
      guard let name = attribute["name"]?.string else { continue }
      let value = PolicyCondition.texts(attribute["value"]).first ?? ""
      if subject.kind.never.contains(name) { return nil }
      let template = subject.kind.attributes.first { $0.name == name }?.text
      guard let text = template.flatMap(subject.text) else {
        if value != "*" { conditions.append("\(name) is \(value)") }
        continue
      }
      let isPattern = attribute["operator"]?.string == "stringMatch" || value == "*"
      if isPattern ? !PolicyPattern(value).matches(text) : value != text { return nil }
    }
    for tag in resource["tags"]?.array ?? [] {
      conditions.append("tag \(tag["name"]?.string ?? "") is \(tag["value"]?.string ?? "")")
    }
    return conditions
  }

  /// Those whom one subject of a policy stands for.
  private func holders(
    _ name: String,
    _ value: String,
    _ account: String,
    _ way: ReachWay
  ) -> [(ReachHolder, ReachWay)] {
    guard name == "access_group_id" else { return [(holder(value, account), way)] }
    guard let group = groups[value] else {
      var open = way
      open.reasons.append("access group \(value) was not read")
      return [(ReachHolder(type: .group, id: value, name: value, account: account), open)]
    }
    var inner = way
    inner.group = group.name
    let listed = ReachHolder(type: .group, id: value, name: group.name, account: account)
    var found: [(ReachHolder, ReachWay)] = []
    for member in group.configuration["members"]?.array ?? [] {
      guard let id = member["iam_id"]?.string else { continue }
      found.append((holder(id, account), inner))
    }
    if let reason = group.reason(of: "members") {
      var open = way
      open.reasons.append("members of the group: \(reason)")
      found.append((listed, open))
    }
    let rules = group.configuration["rules"]?.array ?? []
    if !rules.isEmpty || group.reason(of: "rules") != nil {
      // Who a rule puts into the group is known when somebody signs in.
      var open = way
      let names = rules.map { $0["name"]?.string ?? $0["id"]?.string ?? "?" }
      open.conditions += rules.isEmpty ? [] : ["rule \(names.joined(separator: " or ")) adds them"]
      open.reasons += group.reason(of: "rules").map { ["rules of the group: \($0)"] } ?? []
      found.append((listed, open))
    }
    return found
  }

  private func holder(_ id: String, _ account: String) -> ReachHolder {
    let type: ReachHolder.Kind =
      switch id {
      case _ where id.hasPrefix("iam-ServiceId-"): .serviceID
      case _ where id.hasPrefix("iam-Profile-"): .profile
      default: .user
      }
    return ReachHolder(type: type, id: id, name: names[id] ?? id, account: account)
  }
}
