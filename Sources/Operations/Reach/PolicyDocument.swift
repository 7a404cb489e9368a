import Engine
import JSON
import Model

/// A policy of AWS's language, read.
struct PolicyDocument: Sendable {
  let statements: [PolicyStatement]

  /// Reads a policy; nil where the value is none.
  init?(_ value: JSONValue?) {
    guard let value, value.object != nil, let list = value["Statement"] else { return nil }
    let nodes = list.array ?? [list]
    var statements: [PolicyStatement] = []
    for (index, node) in nodes.enumerated() {
      guard let statement = PolicyStatement(node, index: index) else { return nil }
      statements.append(statement)
    }
    self.statements = statements
  }
}

/// What is asked, which is whether this action may be done to this resource.
struct PolicyRequest: Sendable {
  /// The action in small letters.
  let action: String
  let target: PolicyPattern
  let context: PolicyContext

  init(action: String, target: PolicyPattern, context: PolicyContext) {
    self.action = action.lowercased()
    self.target = target
    self.context = context
  }
}

/// Whether a statement is about a request, and on what that depends.
struct PolicyMatch: Sendable, Equatable {
  var truth: Truth
  /// What has to hold, where it is not certain.
  var conditions: [String] = []
}

/// One statement of a policy.
struct PolicyStatement: Sendable {
  let index: Int
  let sid: String
  let isAllow: Bool
  let principals: PolicyPrincipals?
  private let actions: PolicyActions
  private let isNotAction: Bool
  /// The texts, read beforehand where they hold no variable.
  private let resources: [(text: String, pattern: PolicyPattern?)]
  private let isNotResource: Bool
  private let conditions: [PolicyCondition]

  /// Reads a statement; nil where it is none.
  init?(_ value: JSONValue, index: Int) {
    guard let effect = value["Effect"]?.string, ["Allow", "Deny"].contains(effect) else {
      return nil
    }
    self.index = index
    sid = value["Sid"]?.string ?? ""
    isAllow = effect == "Allow"
    isNotAction = value["NotAction"] != nil
    let named = PolicyCondition.texts(value[isNotAction ? "NotAction" : "Action"])
    guard !named.isEmpty else { return nil }
    actions = PolicyActions(named)
    isNotResource = value["NotResource"] != nil
    resources = PolicyCondition.texts(value[isNotResource ? "NotResource" : "Resource"])
      .map { ($0, $0.contains("${") ? nil : PolicyPattern($0)) }
    conditions = PolicyCondition.all(value["Condition"])
    principals = PolicyPrincipals(value)
  }

  /// The statement for people: its sid, or its place.
  var name: String { sid.isEmpty ? "statement \(index)" : "statement \(index) (\(sid))" }

  /// Whether the statement names the action.
  func names(_ action: String) -> Bool {
    actions.contains(action) != isNotAction
  }

  /// Whether the statement is about a request, whoever makes it.
  func match(_ request: PolicyRequest) -> PolicyMatch {
    guard names(request.action) else { return PolicyMatch(truth: .no) }
    var match = resourceMatch(request)
    if match.truth == .no { return match }
    for condition in conditions {
      let truth = condition.truth(request.context)
      if truth == .no { return PolicyMatch(truth: .no) }
      match.truth = .and(match.truth, truth)
      if truth == .unknown { match.conditions.append(condition.text) }
    }
    return match
  }

  private func resourceMatch(_ request: PolicyRequest) -> PolicyMatch {
    // Trust policies name no resource: they are about the role that they stand at.
    if resources.isEmpty { return PolicyMatch(truth: isNotResource ? .no : .yes) }
    var best = PolicyPattern.Cover.none
    var partial: [String] = []
    for (text, pattern) in resources {
      let pattern = pattern ?? PolicyPattern(text, request.context)
      switch pattern.cover(of: request.target) {
      case .all: best = .all
      case .some:
        if best == .none { best = .some }
        partial.append(text)
      case .none: break
      }
    }
    switch best {
    case .all: return PolicyMatch(truth: Truth(!isNotResource))
    case .none: return PolicyMatch(truth: Truth(isNotResource))
    case .some:
      let verb = isNotResource ? "the resource is not" : "the resource is"
      return PolicyMatch(
        truth: .unknown,
        conditions: ["\(verb) \(partial.joined(separator: " or "))"]
      )
    }
  }
}

/// The actions that a statement names, found by their service: AWS's own policies name hundreds.
struct PolicyActions: Sendable {
  private var exact: Set<String> = []
  /// Patterns by the service before the colon; those that leave it open stand under an empty text.
  private var patterns: [String: [PolicyPattern]] = [:]

  init(_ names: [String]) {
    for name in names.map({ $0.lowercased() }) {
      guard name.contains(where: { "*?".contains($0) }) else {
        exact.insert(name)
        continue
      }
      let service = Self.service(name)
      let isOpen = service.contains { "*?".contains($0) }
      patterns[isOpen ? "" : service, default: []].append(PolicyPattern(name))
    }
  }

  /// Whether an action, in small letters, is one of them.
  func contains(_ action: String) -> Bool {
    if exact.contains(action) { return true }
    return [Self.service(action), ""].contains { service in
      patterns[service]?.contains { $0.matches(action) } ?? false
    }
  }

  private static func service(_ action: String) -> String {
    action.firstIndex(of: ":").map { String(action[..<$0]) } ?? ""
  }
}
