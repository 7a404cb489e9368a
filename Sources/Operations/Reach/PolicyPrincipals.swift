import JSON
import Model

/// Whom a statement of a resource's policy is about.
struct PolicyPrincipals: Sendable {
  /// One that is named.
  enum Named: Sendable, Hashable {
    case anyone
    /// An account, which lets its own policies decide.
    case account(String)
    case arn(String)
    /// One session of a role.
    case session(account: String, role: String, name: String)
    case service(String)
    case federated(String)
    case other(String)
  }

  /// How a statement reaches a principal.
  enum Hold: Sendable, Equatable {
    case none
    /// Through its account: its own policies have to allow it as well.
    case account
    case direct
  }

  let named: [Named]
  let isNot: Bool

  /// Reads `Principal` or `NotPrincipal`; nil where a statement has neither.
  init?(_ statement: JSONValue) {
    guard let value = statement["Principal"] ?? statement["NotPrincipal"] else { return nil }
    isNot = statement["Principal"] == nil
    if value.string == "*" {
      named = [.anyone]
      return
    }
    named = (value.object?.members ?? []).flatMap { type, list in
      PolicyCondition.texts(list).map { Self.named(type, $0) }
    }
  }

  private static func named(_ type: String, _ text: String) -> Named {
    switch type {
    case "Service": return .service(text)
    case "Federated": return .federated(text)
    case "AWS": break
    default: return .other("\(type) \(text)")
    }
    if text == "*" { return .anyone }
    if text.count == 12, text.allSatisfy(\.isNumber) { return .account(text) }
    let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0] == "arn" else { return .other(text) }
    let account = String(parts[4])
    if parts[5] == "root" { return .account(account) }
    let names = parts[5].split(separator: "/").map(String.init)
    if parts[2] == "sts", names.count == 3, names[0] == "assumed-role" {
      return .session(account: account, role: names[1], name: names[2])
    }
    return .arn(text)
  }

  /// How the statement reaches a principal, and on what that depends.
  func hold(_ holder: ReachHolder) -> (hold: Hold, conditions: [String]) {
    var best = (hold: Hold.none, conditions: [String]())
    for name in named {
      switch name {
      case .anyone: best = (.direct, [])
      case .arn(let arn) where arn == holder.id: best = (.direct, [])
      case .service(let service) where holder.type == .service && service == holder.name:
        best = (.direct, [])
      case .federated(let provider) where holder.type == .federated && provider == holder.name:
        best = (.direct, [])
      case .account(let account) where account == holder.account && best.hold == .none:
        best = (.account, [])
      case .session(let account, let role, let session)
      where holder.type == .role && account == holder.account && role == holder.name
        && best.hold != .direct:
        best = (.direct, ["the session is \(session)"])
      default: break
      }
    }
    guard isNot else { return best }
    return best.hold == .none ? (.direct, []) : (.none, [])
  }
}
