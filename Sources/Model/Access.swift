/// What somebody may do.
package enum Permission: String, Sendable, CaseIterable {
  /// See resources, results, scores and what people decided.
  case read
  /// Read the audit log.
  case audit
  /// Scan, and test credentials.
  case run
  /// Change scopes, attachments, marks; request exceptions; attest controls.
  case edit
  /// Approve what somebody else requested.
  case approve
  /// Change who may do what, credentials and collectors.
  case administer
  /// Hand in what was read near the resources.
  case collect
}

/// A set of permissions that is granted together.
package enum Role: String, Sendable, CaseIterable {
  case viewer, `operator`, editor, administrator, auditor, collector

  /// What the role may do.
  package var permissions: Set<Permission> {
    switch self {
    case .viewer: [.read]
    case .operator: [.read, .run]
    case .editor: [.read, .run, .edit]
    case .administrator: [.read, .audit, .run, .edit, .approve, .administer]
    case .auditor: [.read, .audit]
    case .collector: [.collect]
    }
  }

  /// Whether it is only for machines.
  package var isService: Bool { self == .collector }

  /// Whether it has to end some day.
  package var isTimeBoxed: Bool { self == .auditor }
}

/// On what a role is granted.
package enum Extent: Sendable, Hashable {
  case everything
  /// An account or a group of accounts, by id, and what is below it.
  case account(String)
  /// A scope by name.
  case scope(String)

  /// The kind as a word: `everything`, `account` or `scope`.
  package var kind: String {
    switch self {
    case .everything: "everything"
    case .account: "account"
    case .scope: "scope"
    }
  }

  /// The account's id or the scope's name; empty for everything.
  package var name: String {
    switch self {
    case .everything: ""
    case .account(let name), .scope(let name): name
    }
  }

  /// Reads kind and name back; nil where the kind is no kind, or a name is missing or too much.
  package init?(kind: String, name: String) {
    switch (kind, name.isEmpty) {
    case ("everything", true): self = .everything
    case ("account", false): self = .account(name)
    case ("scope", false): self = .scope(name)
    default: return nil
    }
  }
}

/// A role on an extent, which somebody has until an instant.
package struct Grant: Sendable, Hashable {
  package var id: Int64
  package var role: Role
  package var extent: Extent
  /// When it ends by itself; ``Instant/never`` for not at all.
  package var expiresAt: Instant

  package init(id: Int64 = 0, role: Role, extent: Extent, expiresAt: Instant = .never) {
    (self.id, self.role, self.extent, self.expiresAt) = (id, role, extent, expiresAt)
  }
}

/// Who asks, and what that one may do where.
package struct Principal: Sendable, Hashable {
  /// What the audit log and separation of duties call the one who acts: a person's name, whether
  /// signed in or by a key of theirs.
  package var name: String
  /// The person's number; nil for the machine's own user and for services.
  package var person: Int64?
  /// The grants in force.
  package var grants: [Grant]
  /// The one grant to which an API key limits its person; nil for no limit.
  package var limit: Grant?

  package init(name: String, person: Int64? = nil, grants: [Grant], limit: Grant? = nil) {
    (self.name, self.person, self.grants, self.limit) = (name, person, grants, limit)
  }

  /// The machine's own user, who can read the database anyway.
  package static func owner(_ name: String) -> Principal {
    Principal(name: name, grants: [Grant(role: .administrator, extent: .everything)])
  }

  /// Where the principal has a permission.
  package func sight(_ permission: Permission) -> Sight {
    let own = Sight(grants.filter { $0.role.permissions.contains(permission) }.map(\.extent))
    guard let limit else { return own }
    guard limit.role.permissions.contains(permission) else { return .nothing }
    return own.limited(to: limit.extent)
  }
}

/// Where somebody has a permission.
package struct Sight: Sendable, Hashable {
  /// A place is in sight when it is in any of these.
  private var extents: [Extent]
  /// And, where there is one, in this.
  private var limit: Extent

  /// What lies in any of some extents.
  package init(_ extents: [Extent]) { (self.extents, limit) = (extents, .everything) }

  /// No place at all.
  package static let nothing = Sight([])
  /// Every place.
  package static let everything = Sight([.everything])

  func limited(to extent: Extent) -> Sight {
    var sight = self
    sight.limit = extent
    return sight
  }

  /// Whether there is no place in sight.
  package var isEmpty: Bool { extents.isEmpty }

  /// Whether every place is in sight, those to come included.
  package var isEverything: Bool { limit == .everything && extents.contains(.everything) }

  /// Whether it depends on more than the account.
  package var asksForScopes: Bool {
    ([limit] + extents).contains { if case .scope = $0 { true } else { false } }
  }

  /// Whether it depends on a resource's own tags or id.
  package func asksForResources(_ tree: ScopeTree) -> Bool {
    ([limit] + extents).contains {
      if case .scope(let name) = $0 { tree.asksForResources(name) } else { false }
    }
  }

  /// Whether a place is in sight.
  package func contains(_ place: Place, _ tree: ScopeTree) -> Bool {
    extents.contains { Self.contains(place, in: $0, tree) }
      && Self.contains(place, in: limit, tree)
  }

  /// Whether some resource at a place, whatever its id and tags, may be in sight.
  package func mayContain(_ place: Place, _ tree: ScopeTree) -> Bool {
    extents.contains { Self.mayContain(place, in: $0, tree) }
      && Self.mayContain(place, in: limit, tree)
  }

  /// Whether all of an account is in sight.
  ///
  /// `accounts` is the account's id and those of what stands above it.
  package func containsAccount(_ accounts: [String]) -> Bool {
    func holds(_ extent: Extent) -> Bool {
      switch extent {
      case .everything: true
      case .account(let id): accounts.contains(id)
      case .scope: false
      }
    }
    return extents.contains(where: holds) && holds(limit)
  }

  /// Whether all of a scope is in sight: it is granted itself, or everything is.
  package func containsScope(_ name: String) -> Bool {
    func holds(_ extent: Extent) -> Bool {
      extent == .everything || (!name.isEmpty && extent == .scope(name))
    }
    return extents.contains(where: holds) && holds(limit)
  }

  private static func contains(_ place: Place, in extent: Extent, _ tree: ScopeTree) -> Bool {
    switch extent {
    case .everything: true
    case .account(let id): place.accounts.contains(id)
    case .scope(let name): !name.isEmpty && tree.contains(place, in: name)
    }
  }

  private static func mayContain(_ place: Place, in extent: Extent, _ tree: ScopeTree) -> Bool {
    switch extent {
    case .scope(let name): !name.isEmpty && tree.has(name) && tree.mayContain(place, in: name)
    default: contains(place, in: extent, tree)
    }
  }
}
