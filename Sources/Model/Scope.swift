package import JSON

/// Where a resource is, as far as scopes ask.
package struct Place: Sendable, Hashable {
  /// The account and what stands above it in the tree, by id and name.
  package var accounts: [String]
  package var provider: String
  package var region: String
  package var group: String
  package var kind: ResourceKind
  package var id: String
  package var tags: [String: String]
  /// What of this is not known, as keys of a ``Scope/Selector``; `tag:` alone is every tag that is not
  /// among the tags.
  package var unread: Set<String> = []

  package init(
    accounts: [String],
    provider: String = "",
    region: String = "",
    group: String = "",
    kind: ResourceKind,
    id: String,
    tags: [String: String] = [:]
  ) {
    self.accounts = accounts
    self.provider = provider
    self.region = region
    self.group = group
    self.kind = kind
    self.id = id
    self.tags = tags
  }
}

extension Place {
  /// Where a resource is; `accounts` are its account and what stands above that.
  package init(_ resource: Resource, accounts: [String]) {
    self.init(
      accounts: accounts,
      provider: resource.provider,
      region: resource.region,
      group: resource.attributes.first { $0.key == "resource_group" }?.value.string ?? "",
      kind: resource.kind,
      id: resource.id,
      tags: Dictionary(resource.tags.map { ($0.key, $0.value) }) { $1 }
    )
    noteUnread(resource.unread.map(\.path), account: resource.account)
  }

  /// Notes what paths that were not read leave open, and an account that nobody named.
  package mutating func noteUnread(_ paths: [String], account: String) {
    if account.isEmpty { unread.insert("account") }
    for path in paths where path.hasPrefix("$resource.") {
      let name = path.dropFirst("$resource.".count)
      if name == "region" || name == "account" || name == "provider" { unread.insert(String(name)) }
      if name.hasPrefix("attributes") { unread.insert("group") }
      guard name.hasPrefix("tags") else { continue }
      let tag = name.dropFirst("tags.".count)
      if tag == Self.ofNamespace {
        unread.insert("tag:\(tag)")
        continue
      }
      let isPlain = name.hasPrefix("tags.") && tag.allSatisfy { $0.isLetter || $0.isNumber }
      unread.insert(isPlain ? "tag:\(tag)" : "tag:")
    }
  }

  fileprivate func isUnread(_ key: String) -> Bool {
    guard !unread.isEmpty else { return false }
    guard key.hasPrefix("tag:") else { return unread.contains(key) }
    let tag = key.dropFirst(4)
    guard tags[String(tag)] == nil else { return false }
    return unread.contains(key) || unread.contains("tag:")
      || tag.hasPrefix(Self.ofNamespace) && unread.contains("tag:\(Self.ofNamespace)")
  }

  /// What a tag begins with that is a label of a Kubernetes object's namespace.
  package static let ofNamespace = "namespace:"
}

/// A named section of the business: what it includes, less what it excludes, within its parent.
package struct Scope: Sendable, Hashable {
  package var name: String
  /// The scope that it is a part of; empty where it is part of none.
  package var parent: String
  /// It includes what any of these selects; everything where there are none.
  package var includes: [Selector]
  /// It leaves out what any of these selects.
  package var excludes: [Selector]

  package init(name: String, parent: String, includes: [Selector], excludes: [Selector]) {
    self.name = name
    self.parent = parent
    self.includes = includes
    self.excludes = excludes
  }

  /// Terms that must all hold, such as `account=prod-*,tag:env=live`; several values of one key
  /// stand for any of them.
  package struct Selector: Sendable, Hashable {
    /// Patterns by key: `provider`, `account`, `region`, `group`, `service`, `kind`, `id`, `scope`
    /// or `tag:NAME`.
    package var terms: [String: [String]]

    package init(terms: [String: [String]]) { self.terms = terms }

    /// The keys beside `tag:NAME`.
    package static let keys = [
      "provider", "account", "region", "group", "service", "kind", "id", "scope",
    ]

    /// Reads `key=pattern` terms set apart by commas.
    ///
    /// - Throws: ``ScopeError`` that names the term at fault.
    package init(_ text: String) throws(ScopeError) {
      terms = [:]
      for term in text.split(separator: ",") {
        let parts = term.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, !parts[1].isEmpty else {
          throw ScopeError("\"\(term)\" is no term; expected key=pattern")
        }
        let isTag = parts[0].hasPrefix("tag:") && parts[0].count > 4
        guard isTag || Self.keys.contains(parts[0]) else {
          throw ScopeError(
            "\"\(parts[0])\" is no key; expected \(Self.keys.joined(separator: ", ")) or tag:NAME"
          )
        }
        terms[parts[0], default: []].append(parts[1])
      }
      if terms.isEmpty { throw ScopeError("a selector needs at least one term, key=pattern") }
    }

    /// The terms as they are written.
    package var text: String {
      terms.sorted { $0.key < $1.key }
        .flatMap { key, patterns in patterns.map { "\(key)=\($0)" } }.joined(separator: ",")
    }
  }

  /// The definition as JSON.
  package var definition: JSONValue {
    [
      "parent": .string(parent),
      "includes": .array(includes.map { .string($0.text) }),
      "excludes": .array(excludes.map { .string($0.text) }),
    ]
  }

  /// Reads a definition back.
  ///
  /// - Throws: ``ScopeError``.
  package init(name: String, definition: JSONValue) throws(ScopeError) {
    self.name = name
    parent = definition["parent"]?.string ?? ""
    includes = []
    excludes = []
    for entry in definition["includes"]?.array ?? [] {
      includes.append(try Selector(entry.string ?? ""))
    }
    for entry in definition["excludes"]?.array ?? [] {
      excludes.append(try Selector(entry.string ?? ""))
    }
  }
}

/// What is wrong with a scope.
package struct ScopeError: Error, Equatable, CustomStringConvertible {
  package var description: String

  init(_ description: String) { self.description = description }
}

/// The scopes by name, which may name each other.
package struct ScopeTree: Sendable {
  let scopes: [String: Scope]

  package init(_ scopes: [Scope]) {
    self.scopes = Dictionary(scopes.map { ($0.name, $0) }) { _, last in last }
  }

  /// Whether there is a scope of a name.
  package func has(_ name: String) -> Bool { scopes[name] != nil }

  /// A fault of the tree: a name that is no scope, or scopes that contain themselves.
  package func check() throws(ScopeError) {
    for scope in scopes.values.sorted(by: { $0.name < $1.name }) {
      try check(scope, path: [scope.name])
    }
  }

  private func check(_ scope: Scope, path: [String]) throws(ScopeError) {
    let named = (scope.includes + scope.excludes).flatMap { $0.terms["scope"] ?? [] }
    for name in named + (scope.parent.isEmpty ? [] : [scope.parent]) {
      guard let next = scopes[name] else {
        throw ScopeError("scope \"\(scope.name)\" names the scope \"\(name)\", which is not there")
      }
      if path.contains(name) {
        throw ScopeError(
          "scope \"\(name)\" contains itself: \((path + [name]).joined(separator: " > "))"
        )
      }
      try check(next, path: path + [name])
    }
  }

  /// Whether a place is in a scope; the empty name is everything, an unknown one nothing.
  ///
  /// What is not known of the place puts it outside, see ``mayContain(_:in:without:)``.
  package func contains(_ place: Place, in name: String) -> Bool {
    contains(place, in: name, ifUnread: false)
  }

  /// `ifUnread` is what a term counts as that asks for what is not known.
  private func contains(_ place: Place, in name: String, ifUnread: Bool) -> Bool {
    if name.isEmpty { return true }
    guard let scope = scopes[name] else { return false }
    if !scope.parent.isEmpty, !contains(place, in: scope.parent, ifUnread: ifUnread) {
      return false
    }
    let isIncluded =
      scope.includes.isEmpty || scope.includes.contains { selects($0, place, ifUnread: ifUnread) }
    return isIncluded && !scope.excludes.contains { selects($0, place, ifUnread: !ifUnread) }
  }

  /// Whether a place is in a scope and none of some selectors leaves it out, or may be so, going by
  /// what is known of it.
  package func mayContain(
    _ place: Place,
    in name: String,
    without excludes: [Scope.Selector]
  ) -> Bool {
    contains(place, in: name, ifUnread: true)
      && !excludes.contains { selects($0, place, ifUnread: false) }
  }

  /// Whether a place is in a scope and none of some selectors leaves it out.
  package func contains(_ place: Place, in name: String, without excludes: [Scope.Selector]) -> Bool
  {
    contains(place, in: name) && !excludes.contains { selects($0, place, ifUnread: true) }
  }

  /// Whether a scope, or one that it names, asks for tags that begin so.
  package func asksForTags(_ name: String, _ beginning: String = "") -> Bool {
    asks(name) { $0.hasPrefix("tag:" + beginning) }
  }

  /// Whether a scope, or one that it names, asks for tags or ids.
  package func asksForResources(_ name: String) -> Bool {
    asks(name) { $0 == "id" || $0.hasPrefix("tag:") }
  }

  /// How many scopes a scope is a part of, itself among them; everything is of depth 0.
  package func depth(of name: String) -> Int {
    var depth = 0
    var next = scopes[name]
    while let scope = next, depth < 64 {
      depth += 1
      next = scopes[scope.parent]
    }
    return depth
  }

  /// Every scope, by name.
  package var all: [Scope] { scopes.values.sorted { $0.name < $1.name } }

  /// Whether some resource at a place, whatever its id and tags, may be in a scope.
  package func mayContain(_ place: Place, in name: String) -> Bool {
    asksForResources(name) || contains(place, in: name)
  }

  private func asks(_ name: String, depth: Int = 0, _ test: (String) -> Bool) -> Bool {
    guard let scope = scopes[name], depth < 64 else { return false }
    let selectors = scope.includes + scope.excludes
    if selectors.contains(where: { $0.terms.keys.contains(where: test) }) { return true }
    let named = selectors.flatMap { $0.terms["scope"] ?? [] } + [scope.parent]
    return named.contains { asks($0, depth: depth + 1, test) }
  }

  private func selects(_ selector: Scope.Selector, _ place: Place, ifUnread: Bool) -> Bool {
    selector.terms.allSatisfy { key, patterns in
      func any(_ texts: [String]) -> Bool {
        texts.contains { text in patterns.contains { Wildcard.matches(text, pattern: $0) } }
      }
      let isSelected =
        switch key {
        case "provider": any([place.provider])
        case "account": any(place.accounts)
        case "region": any([place.region])
        case "group": any([place.group])
        case "service": any([place.kind.service])
        case "kind": any([place.kind.kind, "\(place.kind)"])
        case "id": any([place.id])
        case "scope": patterns.contains { contains(place, in: $0, ifUnread: ifUnread) }
        default: place.tags[String(key.dropFirst(4))].map { any([$0]) } ?? false
        }
      // What stands above an account may be unknown though the account itself is not.
      return isSelected || ifUnread && place.isUnread(key)
    }
  }
}
