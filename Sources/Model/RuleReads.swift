extension Rule {
  /// The members of configurations that the rule reads, by kind; `*` stands for the whole.
  ///
  /// Only the first step of a path counts: collectors read a configuration member by member.
  package var reads: [ResourceKind: Set<String>] {
    var reads: [ResourceKind: Set<String>] = [:]
    for kind in target.kinds { reads[kind] = [] }
    var judged: Set<String> = []
    var walk = MemberWalk()
    for leaf in target.attributes { walk.note(leaf.property, into: &judged) }
    for condition in [applies, requiredConfig].compactMap({ $0 }) {
      walk.condition(condition, current: .judged, into: &judged)
    }
    for kind in target.kinds { reads[kind, default: []].formUnion(judged) }
    for (kind, members) in walk.related { reads[kind, default: []].formUnion(members) }
    return reads
  }
}

/// Walks the conditions of a rule and notes which members they read.
private struct MemberWalk {
  /// What a path without a root starts at.
  enum Current {
    case judged
    /// A resource of another kind.
    case related(ResourceKind)
    /// An element of a list that is noted already.
    case element
  }

  var related: [ResourceKind: Set<String>] = [:]

  mutating func condition(
    _ condition: Condition,
    current: Current,
    into judged: inout Set<String>
  ) {
    switch condition {
    case .and(let parts), .or(let parts):
      for part in parts { self.condition(part, current: current, into: &judged) }
    case .not(let part): self.condition(part, current: current, into: &judged)
    case .leaf(let leaf):
      for path in [leaf.property, leaf.fallback].compactMap({ $0 }) {
        note(path, current: current, into: &judged)
      }
    case .quantifier(let quantifier): self.quantifier(quantifier, current: current, into: &judged)
    }
  }

  private mutating func quantifier(
    _ quantifier: Condition.Quantifier,
    current: Current,
    into judged: inout Set<String>
  ) {
    let inner: Current
    switch quantifier.range {
    case .elements(let path):
      note(path, current: current, into: &judged)
      inner = .element
    case .related(let range):
      related[range.kind, default: []].formUnion([])
      if let join = range.join {
        note(join.equals, current: current, into: &judged)
        note(join.property, current: .related(range.kind), into: &judged)
      }
      inner = .related(range.kind)
    }
    if let satisfy = quantifier.satisfy { condition(satisfy, current: inner, into: &judged) }
  }

  private mutating func note(
    _ path: PropertyPath,
    current: Current,
    into judged: inout Set<String>
  ) {
    switch (path.root, current) {
    case (.resource, _), (.current, .element): break
    case (.configuration, _), (.current, .judged): note(path, into: &judged)
    case (.current, .related(let kind)): note(path, into: &related[kind, default: []])
    }
  }

  /// Notes the first step of a path.
  func note(_ path: PropertyPath, into members: inout Set<String>) {
    guard path.root != .resource else { return }
    if case .key(let key)? = path.components.first {
      members.insert(key)
    } else {
      members.insert("*")
    }
  }
}
