/// A right in IBM Cloud: a role on a service, as `service:Role` in the data.
///
/// `service` stands for all IAM-enabled services, `platform_service` for all account management
/// services, as in IAM's policies.
package struct IBMRight: Sendable, Hashable, Comparable {
  package let service: String
  package let role: String

  init(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    service = parts.first ?? ""
    role = parts.count > 1 ? parts[1] : ""
  }

  /// By service, then by role.
  package static func < (left: IBMRight, right: IBMRight) -> Bool {
    (left.service, left.role) < (right.service, right.role)
  }

  /// The services that IAM counts as account management.
  private static let management: Set<String> = [
    "platform_service", "iam-access-management", "iam-groups", "iam-identity", "user-management",
    "billing", "context-based-restrictions", "account-management", "atracker", "support",
  ]

  /// Whether the service is one of account management.
  var isManagement: Bool { Self.management.contains(service) }

  /// The wider right that includes this one.
  var wider: IBMRight { IBMRight("\(isManagement ? "platform_service" : "service"):\(role)") }

  /// The roles that include this one; each ends the id of a role.
  var roles: [String] {
    switch role {
    case "Viewer": ["Viewer", "Operator", "Editor", "Administrator"].map { ":role:\($0)" }
    case "Reader": ["Reader", "Writer", "Manager"].map { ":serviceRole:\($0)" }
    default: [":serviceRole:ConfigReader", ":serviceRole:Manager"]
    }
  }

  /// The right in words.
  package var description: String {
    switch service {
    case "service": "\(role) on all IAM-enabled services"
    case "platform_service": "\(role) on all account management services"
    default: "\(role) on \(service)"
    }
  }

  /// What of IBM Cloud's command line grants it.
  package var options: String {
    let role = role.contains(" ") ? "\"\(role)\"" : role
    return switch service {
    case "service": "--roles \(role)"
    case "platform_service": "--roles \(role) --account-management"
    default: "--roles \(role) --service-name \(service)"
    }
  }
}

extension APIKind {
  /// The rights that allow the list.
  var listRights: Set<IBMRight> { Set(list.actions.map(IBMRight.init)) }

  /// The rights that allow the list and those details that are wanted.
  func rights(wanted: Set<String>?) -> Set<IBMRight> {
    var actions = list.actions + details(wanted: wanted).flatMap(\.allActions)
    if case .listed(let list)? = parents { actions += list.call.actions }
    return Set(actions.map(IBMRight.init))
  }
}

extension APIDetail {
  fileprivate var allActions: [String] { call.actions + each.flatMap(\.allActions) }
}
