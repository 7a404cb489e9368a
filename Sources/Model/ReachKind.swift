/// How far somebody reaches into a compute resource.
package enum ReachLevel: String, Sendable, CaseIterable, Comparable {
  /// Into it: log in, invoke, execute.
  case access
  /// Over it: change, stop, delete, put other code into it.
  case manage

  /// Access stands before management.
  package static func < (left: Self, right: Self) -> Bool { left == .access && right == .manage }
}

/// What means access to one kind of compute resource, and what means to manage it.
package struct ReachKind: Sendable {
  /// A right: an action, or the end of a role's id.
  package struct Right: Sendable {
    package var name: String
    /// Texts with `$id` and the like: the ARNs it is asked for, one of which is enough.
    package var on: [String]

    package init(name: String, on: [String] = ["$id"]) {
      self.name = name
      self.on = on
    }
  }

  package var kind: ResourceKind
  /// A pattern of ids; others are left out.
  package var only: String
  package var rights: [ReachLevel: [Right]]
  /// The path of the resource's own policy; empty where the kind has none.
  package var policy: String
  /// What the resource says about conditions: a key and a path.
  package var known: [(key: String, path: String)]
  /// What a policy may say about the resource: a name and a text with `$id` and the like.
  package var attributes: [(name: String, text: String)]
  /// Attributes that only policies about something else have.
  package var never: Set<String>
  /// Ways in that no policy tells of, for people.
  package var beyond: [String]
}

/// What means access in one provider: its kinds of compute resources.
package struct ReachFacts: Sendable {
  package var provider: String
  /// The kinds without which some of those who may have access are not seen.
  package var principals: [ResourceKind]
  package var kinds: [ReachKind]

  package init(provider: String, principals: [ResourceKind], kinds: [ReachKind]) {
    self.provider = provider
    self.principals = principals
    self.kinds = kinds
  }

  /// The entry of a kind.
  package subscript(kind: ResourceKind) -> ReachKind? { kinds.first { $0.kind == kind } }
}
