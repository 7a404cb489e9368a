package import Model
package import Store

/// Which stored results are asked for; what is empty selects everything.
package struct ResultFilter: Sendable, Hashable {
  package var scope = ""
  package var profile = ""
  package var verdicts: Set<Verdict> = []
  /// The least severity.
  package var threshold = Severity.low
  /// This severity only, where there is one.
  package var band: Severity?
  /// Patterns of rule ids.
  package var rules: [String] = []
  /// Patterns of resource ids.
  package var resources: [String] = []
  package var kinds: [String] = []
  package var accounts: [String] = []
  /// Values that marks must have.
  package var marks: [Mark.Kind: String] = [:]
  /// Whether failures under an exception are left out.
  package var leavesOutExcepted = false

  package init() {}

  func selects(rule: String) -> Bool {
    rules.isEmpty || rules.contains { Wildcard.matches(rule, pattern: $0) }
  }

  func selects(_ place: Place) -> Bool {
    (resources.isEmpty || resources.contains { Wildcard.matches(place.id, pattern: $0) })
      && maySelect(place)
  }

  /// Whether the filter selects some resource of a kind in an account.
  func maySelect(_ place: Place) -> Bool {
    (kinds.isEmpty
      || kinds.contains { Wildcard.matches("\(place.kind)", pattern: $0) || $0 == place.kind.kind })
      && (accounts.isEmpty
        || accounts.contains { pattern in
          place.accounts.contains { Wildcard.matches($0, pattern: pattern) }
        })
  }
}

/// The marks of resources, from their own and their scopes'.
package struct MarkIndex: Sendable {
  private let marks: [Mark]
  private let tree: ScopeTree

  /// The marks that hold, and the scopes that some of them name.
  package init(_ marks: [Mark], _ tree: ScopeTree) {
    // A resource's own mark counts before its scope's, a later one before an earlier.
    self.marks = marks.reversed().sorted { $0.subject == .resource && $1.subject == .scope }
    self.tree = tree
  }

  /// Whether there is no mark at all.
  package var isEmpty: Bool { marks.isEmpty }

  /// What a mark says of the resource at a place; nil where nothing does.
  package func value(_ kind: Mark.Kind, of place: Place) -> String? {
    marks.first { mark in
      mark.kind == kind
        && (mark.subject == .scope
          ? tree.contains(place, in: mark.name)
          : Wildcard.matches(place.id, pattern: mark.name))
    }?.value
  }

  /// Everything that marks say of the resource at a place.
  package func values(of place: Place) -> [Mark.Kind: String] {
    var values: [Mark.Kind: String] = [:]
    for kind in Mark.Kind.allCases { values[kind] = value(kind, of: place) }
    return values
  }
}
