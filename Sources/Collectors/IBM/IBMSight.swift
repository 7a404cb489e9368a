import JSON
package import Model

/// What the caller can see of an account, going by its own policies.
///
/// Several of IBM Cloud's lists leave out what the caller may not see, with nothing to tell. Those lists
/// are taken for whole only where the caller is shown to hold the rights to see everything.
package struct IBMSight: Sendable {
  private let isOwner: Bool
  /// The policies of the caller and of its groups.
  private let policies: [JSONValue]
  /// Why the rights could not be found out.
  private let obstacle: String?
  /// How many policies IBM lists only in the newer form, which has conditions.
  private let conditional: Int

  /// Finds out what an identity can see.
  ///
  /// - Throws: `CancellationError`.
  package init(
    of identity: String,
    in account: String,
    _ caller: IBMCaller,
    home: String
  ) async throws {
    let read = Reading(caller: caller, home: home)
    let id = JSONValue.string(account)
    do {
      let owner = try await read.output("GetAccount", of: "accounts", ["account": id])
      let all = try await read.list("ListPolicies", at: "policies", ["account_id": id])
      let newer = try await read.list("ListPoliciesV2", at: "policies", ["account_id": id])
      let groups = try await read.list(
        "ListGroupsOfMember",
        at: "groups",
        ["account_id": id, "iam_id": .string(identity), "membership_type": "all"]
      )
      let subjects = Set([identity] + groups.compactMap { $0["id"]?.string })
      let value = APIPath("subjects.attributes.value")
      policies = all.filter { policy in
        value.elements(in: policy).contains { subjects.contains($0.string ?? "") }
      }
      isOwner = owner["owner_iamid"]?.string == identity
      let ids = all.compactMap { $0["id"] }
      conditional = Set(newer.compactMap { $0["id"] }).subtracting(ids).count
      obstacle = nil
    } catch let refusal as APIRefusal {
      (policies, isOwner, conditional, obstacle) = ([], false, 0, refusal.reason)
    }
  }

  /// Why kinds cannot be read in full.
  package func gaps(of kinds: [APIKind]) -> [ResourceKind: String] {
    var gaps: [ResourceKind: String] = [:]
    for kind in kinds {
      if kind.isSilent, let gap = gap(kind.listRights) { gaps[kind.kind] = gap }
      if conditional > 0, kind.readsPolicies {
        gaps[kind.kind] = "\(conditional) policies with conditions are not in IBM's older list"
      }
    }
    return gaps
  }

  private func gap(_ rights: Set<IBMRight>) -> String? {
    if let obstacle {
      return "IBM leaves out what the caller may not see, and its rights are not known: \(obstacle)"
    }
    let missing = rights.filter { !holds($0) }.sorted().map(\.description)
    guard !missing.isEmpty else { return nil }
    return "IBM leaves out what the caller may not see, and no policy gives it "
      + missing.joined(separator: " and ")
  }

  /// Whether a policy without limits gives the caller a right.
  func holds(_ right: IBMRight) -> Bool {
    isOwner || policies.contains { gives($0, right) || gives($0, right.wider) }
  }

  private func gives(_ policy: JSONValue, _ right: IBMRight) -> Bool {
    guard policy["state"]?.string ?? "active" == "active" else { return false }
    let roles = APIPath("roles.role_id").elements(in: policy).compactMap(\.string)
    guard roles.contains(where: { id in right.roles.contains { id.hasSuffix($0) } }) else {
      return false
    }
    return (policy["resources"]?.array ?? []).contains { covers($0, right) }
  }

  /// Whether what a policy is about is all of a right's service, in the whole account.
  private func covers(_ resource: JSONValue, _ right: IBMRight) -> Bool {
    guard resource["tags"]?.array?.isEmpty ?? true else { return false }
    var attributes: [String: String] = [:]
    for attribute in resource["attributes"]?.array ?? [] {
      guard let name = attribute["name"]?.string, name != "accountId" else { continue }
      attributes[name] = attribute["value"]?.asText ?? ""
    }
    return switch right.service {
    case "service": attributes == ["serviceType": "service"] || attributes.isEmpty
    case "platform_service": attributes == ["serviceType": "platform_service"]
    case let name where name.hasPrefix("iam-"):
      attributes == ["serviceName": name] || attributes == ["service_group_id": "IAM"]
    case let name: attributes == ["serviceName": name]
    }
  }

  /// Reads what sight depends on.
  private struct Reading {
    let caller: IBMCaller
    let home: String

    func output(
      _ operation: String,
      of service: String,
      _ input: JSONObject
    ) async throws -> JSONValue {
      try await caller.call(operation, of: service, input, in: home)
    }

    /// The elements of all pages of one of IAM's lists.
    func list(
      _ operation: String,
      at member: String,
      _ input: JSONObject
    ) async throws -> [JSONValue] {
      var found: [JSONValue] = []
      var token: JSONObject?
      var seen: Set<JSONObject> = []
      repeat {
        var input = input
        input["limit"] = 100
        for (name, value) in token?.members ?? [] { input[name] = value }
        let page = try await output(operation, of: "iam", input)
        found += page[member]?.array ?? []
        do {
          token = try caller.page(of: operation, service: "iam")?.next(after: page, given: token)
          if let token, !seen.insert(token).inserted { throw APIPageError.samePage }
        } catch let error as APIPageError {
          throw APIRefusal(
            .malformed,
            message: "\(error)",
            operation: "iam:\(operation)",
            region: home
          )
        }
      } while token != nil
      return found
    }
  }
}

extension APIKind {
  /// Whether the list, or a detail of it, is made of policies.
  fileprivate var readsPolicies: Bool { operations.contains("iam:ListPolicies") }
}
