package import JSON
package import Model

/// How sure an answer is.
package enum ReachCertainty: String, Sendable, CaseIterable, Comparable {
  case certain
  /// It depends on what only the request tells.
  case conditional
  /// Something that decides could not be read.
  case unknown

  /// The surer stands first.
  package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

  private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Who has access, or may have it.
package struct ReachHolder: Sendable, Hashable, Comparable {
  /// What a holder is.
  package enum Kind: String, Sendable {
    case user, role, root, account, service, federated, anyone, other
    case serviceID = "service_id"
    case group, profile
    /// Those that could not be read.
    case unread
  }

  package var type: Kind
  package var id: String
  package var name: String
  package var account: String

  package init(type: Kind, id: String, name: String, account: String) {
    self.type = type
    self.id = id
    self.name = name
    self.account = account
  }

  /// Holders of one kind stand together, then by name.
  package static func < (left: Self, right: Self) -> Bool {
    (left.type.rawValue, left.name, left.id) < (right.type.rawValue, right.name, right.id)
  }

  /// The holder for people, beside a resource of an account.
  package func text(beside account: String) -> String {
    if type == .anyone { return "anyone" }
    let isNear = [self.account, account].contains("") || self.account == account
    return "\(type.rawValue)/\(name)" + (isNear || type == .account ? "" : " of \(self.account)")
  }
}

/// One way by which somebody has access: which policy gives it, through what, and if what.
package struct ReachWay: Sendable, Equatable {
  /// The roles that are assumed on the way, the first one first.
  package var through: [String] = []
  /// The group whose policy it is; empty for the holder's own.
  package var group = ""
  /// The policy's name; empty where none is known.
  package var policy = ""
  package var statement = ""
  /// The actions or roles that it gives.
  package var actions: [String] = []
  /// What has to hold.
  package var conditions: [String] = []
  /// What could not be read and may decide otherwise.
  package var reasons: [String] = []

  package init() {}

  /// How sure the way is.
  package var certainty: ReachCertainty {
    reasons.isEmpty ? conditions.isEmpty ? .certain : .conditional : .unknown
  }

  /// The way for people.
  package var text: String {
    var parts: [String] = []
    if !through.isEmpty { parts.append("through " + through.joined(separator: ", then ")) }
    if !policy.isEmpty { parts.append("by \(policy)\(statement.isEmpty ? "" : " \(statement)")") }
    if !group.isEmpty { parts.append("of group \(group)") }
    if !conditions.isEmpty { parts.append("if " + conditions.joined(separator: " and ")) }
    if !reasons.isEmpty { parts.append("unread: " + reasons.joined(separator: "; ")) }
    return parts.joined(separator: " ")
  }

  /// The way as reports have it.
  package var json: JSONValue {
    func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
    var object: JSONObject = ["certainty": .string(certainty.rawValue)]
    for (key, text) in [("group", group), ("policy", policy), ("statement", statement)]
    where !text.isEmpty {
      object[key] = .string(text)
    }
    for (key, texts) in [
      ("through", through), ("actions", actions), ("conditions", conditions), ("unread", reasons),
    ] where !texts.isEmpty {
      object[key] = list(texts)
    }
    return .object(object)
  }

  /// The ways with those that differ only in their actions made one, the surest first.
  static func merged(_ ways: [ReachWay]) -> [ReachWay] {
    var merged: [ReachWay] = []
    var places: [[String]: Int] = [:]
    for way in ways {
      let key = way.through + ["", way.group, way.policy, way.statement]
      guard let place = places[key] else {
        places[key] = merged.count
        merged.append(way)
        continue
      }
      let actions =
        merged[place].actions + way.actions.filter { !merged[place].actions.contains($0) }
      // A way that is sure for one action is sure.
      if way.certainty < merged[place].certainty { merged[place] = way }
      merged[place].actions = actions
    }
    return merged.enumerated().sorted {
      ($0.element.certainty, $0.element.through.count, $0.offset)
        < ($1.element.certainty, $1.element.through.count, $1.offset)
    }.map(\.element)
  }
}

/// One who has access to a resource, or may have it.
package struct ReachEntry: Sendable, Equatable {
  package var level: ReachLevel
  package var holder: ReachHolder
  /// Every way, the surest first; never empty.
  package var ways: [ReachWay]

  package init(level: ReachLevel, holder: ReachHolder, ways: [ReachWay]) {
    self.level = level
    self.holder = holder
    self.ways = ways
  }

  /// How sure the surest way is.
  package var certainty: ReachCertainty { ways.map(\.certainty).min() ?? .unknown }
}

/// Who has access to one compute resource.
package struct ResourceReach: Sendable {
  /// The resource without its configuration.
  package var resource: Resource
  package var entries: [ReachEntry]
  /// Ways in that no policy tells of, and what of the resource could not be read.
  package var notes: [String]

  package init(resource: Resource, entries: [ReachEntry], notes: [String]) {
    self.resource = resource
    self.entries = entries
    self.notes = notes
  }
}
