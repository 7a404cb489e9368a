import JSON
package import Model
package import Store

/// A scope with how much is in it as of an instant.
package struct ScopeSummary: Sendable {
  package var scope: Scope
  /// How many resources are in it.
  package var count: Int
  /// How many profiles are attached to it.
  package var attachments: Int

  /// Every scope as of an instant, by name.
  package static func all(
    _ transaction: StoreTransaction,
    at instant: Instant
  ) throws -> [ScopeSummary] {
    let scopes = try transaction.scopes(at: instant).sorted { $0.name < $1.name }
    let attachments = try transaction.attachments(at: instant)
    var membership = Membership(scopes, asking: scopes.map(\.name), try Places(transaction))
    var counts = scopes.map { _ in 0 }
    if !scopes.isEmpty {
      try membership.each(transaction, at: instant, nil) { _, found, count in
        for index in found { counts[index] += count }
      }
    }
    return zip(scopes, counts).map { scope, count in
      ScopeSummary(
        scope: scope,
        count: count,
        attachments: attachments.filter { $0.scope == scope.name }.count
      )
    }
  }
}

/// What is in one scope as of an instant, what it leaves out, and what it has to do with others.
package struct ScopeOverview: Sendable {
  /// Resources of one kind in one account and region.
  package struct Group: Sendable, Hashable {
    package var account: String
    package var region: String
    package var kind: ResourceKind
    package var count: Int
  }

  /// How many resources of a scope a scope or a selector has to do with.
  package struct Share: Sendable, Hashable {
    /// The scope's name, or the selector as it is written.
    package var name: String
    package var count: Int
  }

  package var scope: Scope
  /// How many resources are in it.
  package var count: Int
  /// What is in it, by account, region and kind.
  package var groups: [Group]
  /// The scopes right below it.
  package var parts: [Share]
  /// What each of its exclusions leaves out of what it would hold without any.
  package var exclusions: [Share]
  /// The scopes, neither above nor below it, that share resources with it.
  package var overlaps: [Share]
  /// The attachments on it.
  package var attachments: [Attachment]

  private struct Key: Hashable {
    var account: Int64
    var region: String
    var kind: Int64
  }

  /// Looks a scope over as of an instant; `cache` keeps what else has to be read.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package init(
    _ transaction: StoreTransaction,
    of name: String,
    at instant: Instant,
    _ cache: PostureCache? = nil
  ) throws {
    let scopes = try transaction.scopes(at: instant).sorted { $0.name < $1.name }
    guard let scope = scopes.first(where: { $0.name == name }) else {
      throw StoreError.notFound(kind: "scope", name: name)
    }
    let nesting = Nesting(scopes)
    let parts = scopes.filter { $0.parent == name }.map(\.name)
    let others = scopes.map(\.name).filter { $0 != name && !nesting.areNested($0, name) }
    // Scopes that nobody can name stand for what each exclusion leaves out.
    let whole = "\u{1F}"
    let excluded = scope.excludes.enumerated().map { index, selector in
      Scope(name: "\(whole)\(index)", parent: whole, includes: [selector], excludes: [])
    }
    let made =
      [Scope(name: whole, parent: scope.parent, includes: scope.includes, excludes: [])] + excluded
    let names = [name] + parts + excluded.map(\.name) + others
    let exclusionPlaces = (1 + parts.count)..<(1 + parts.count + excluded.count)
    var membership = Membership(scopes + made, asking: names, try Places(transaction))
    var totals = names.map { _ in 0 }
    var groups: [Key: Int] = [:]
    try membership.each(transaction, at: instant, cache) { place, found, count in
      let isInside = found.first == 0
      if isInside {
        let key = Key(account: place.account, region: place.region, kind: place.kind)
        groups[key, default: 0] += count
      }
      for index in found where isInside || exclusionPlaces.contains(index) {
        totals[index] += count
      }
    }
    let counts = totals
    func shares(_ labels: [String], from first: Int) -> [Share] {
      labels.enumerated().map { Share(name: $1, count: counts[first + $0]) }
    }
    self.scope = scope
    count = counts[0]
    self.groups = try Self.named(groups, transaction)
    self.parts = shares(parts, from: 1)
    exclusions = shares(scope.excludes.map(\.text), from: exclusionPlaces.lowerBound)
    overlaps = shares(others, from: exclusionPlaces.upperBound).filter { $0.count > 0 }
    attachments = try transaction.attachments(at: instant).filter { $0.scope == name }
  }

  private static func named(
    _ counts: [Key: Int],
    _ transaction: StoreTransaction
  ) throws -> [Group] {
    let accounts = try transaction.accounts()
    let kinds = try transaction.kinds()
    return counts.map { key, count in
      Group(
        account: accounts[key.account]?.account ?? "",
        region: key.region,
        kind: kinds[key.kind] ?? ResourceKind(service: "", kind: ""),
        count: count
      )
    }.sorted {
      ($0.account, $0.region, $0.kind, $0.count) < ($1.account, $1.region, $1.kind, $1.count)
    }
  }
}

/// Where scopes hold the same resources, and where that lets attachments contradict each other.
package struct ScopeConflicts: Sendable {
  /// Two scopes, neither within the other, that share resources.
  package struct Overlap: Sendable, Hashable {
    package var first: String
    package var second: String
    package var count: Int
  }

  /// Two attachments of one profile that ask different things of the same resources.
  package struct Conflict: Sendable, Hashable {
    package var first: Attachment
    package var second: Attachment
    /// How many resources both are about.
    package var count: Int
    /// What they ask differently.
    package var differences: [String]
  }

  package var overlaps: [Overlap]
  package var conflicts: [Conflict]

  /// Finds overlaps and conflicts as of an instant; `cache` keeps what else has to be read.
  package init(
    _ transaction: StoreTransaction,
    at instant: Instant,
    _ cache: PostureCache? = nil
  ) throws {
    let scopes = try transaction.scopes(at: instant).sorted { $0.name < $1.name }
    let attachments = try transaction.attachments(at: instant)
    // The empty name, which is everything, comes last.
    let names = scopes.map(\.name) + [""]
    let width = names.count
    var membership = Membership(scopes, asking: names, try Places(transaction))
    var shared = [Int](repeating: 0, count: width * width)
    try membership.each(transaction, at: instant, cache) { _, found, count in
      for (place, first) in found.enumerated() {
        for second in found[place...] { shared[first * width + second] += count }
      }
    }
    let nesting = Nesting(scopes)
    overlaps = []
    for first in scopes.indices {
      for second in scopes.indices where second > first {
        let count = shared[first * width + second]
        guard count > 0, !nesting.areNested(names[first], names[second]) else { continue }
        overlaps.append(Overlap(first: names[first], second: names[second], count: count))
      }
    }
    let places = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
    conflicts = []
    for (index, first) in attachments.enumerated() {
      for second in attachments[(index + 1)...] where first.profile == second.profile {
        guard let one = places[first.scope], let other = places[second.scope] else { continue }
        let count = shared[min(one, other) * width + max(one, other)]
        let differences = Self.differences(first, second)
        guard count > 0, !differences.isEmpty else { continue }
        conflicts.append(
          Conflict(first: first, second: second, count: count, differences: differences)
        )
      }
    }
  }

  private static func differences(_ first: Attachment, _ second: Attachment) -> [String] {
    var found: [String] = []
    if first.digest != second.digest {
      found.append(
        first.version == second.version
          ? "two texts of version \(first.version)"
          : "version \(first.version) beside \(second.version)"
      )
    }
    for rule in Set(first.parameters.keys).union(second.parameters.keys).sorted() {
      let left = first.parameters[rule] ?? [:]
      let right = second.parameters[rule] ?? [:]
      for name in Set(left.keys).union(right.keys).sorted() where left[name] != right[name] {
        let values = [left[name], right[name]].map { $0?.text ?? "not set" }
        found.append("\(rule).\(name): \(values[0]) beside \(values[1])")
      }
    }
    return found
  }
}

/// Which scopes are parts of which.
private struct Nesting {
  private let parents: [String: String]

  init(_ scopes: [Scope]) {
    parents = Dictionary(scopes.map { ($0.name, $0.parent) }) { first, _ in first }
  }

  /// Whether one of two scopes is a part of the other, however deep.
  func areNested(_ one: String, _ other: String) -> Bool {
    isPart(one, of: other) || isPart(other, of: one)
  }

  private func isPart(_ name: String, of other: String) -> Bool {
    var next = parents[name] ?? ""
    // Scopes do not contain themselves; the bound keeps damaged ones from running on.
    for _ in parents.indices where !next.isEmpty {
      if next == other { return true }
      next = parents[next] ?? ""
    }
    return false
  }
}

/// Tells in which of some scopes resources are.
private struct Membership {
  private let tree: ScopeTree
  private let names: [String]
  private let places: Places
  /// Whether some scope asks for more than account, region, group and kind.
  private let needsResources: Bool
  private var known: [StatePlace: [Int]] = [:]

  init(_ scopes: [Scope], asking names: [String], _ places: Places) {
    tree = ScopeTree(scopes)
    self.names = names
    self.places = places
    needsResources = scopes.contains { scope in
      (scope.includes + scope.excludes).contains { selector in
        selector.terms.keys.contains { $0 == "id" || $0.hasPrefix("tag:") }
      }
    }
  }

  /// Hands over, for all resources as of an instant, where so many of them are and in which scopes, by their
  /// places in the list of names, ascending.
  mutating func each(
    _ transaction: StoreTransaction,
    at instant: Instant,
    _ cache: PostureCache?,
    _ body: (StatePlace, [Int], Int) throws -> Void
  ) throws {
    if !needsResources, let columns = try cache?.verdicts.columns(transaction, at: instant) {
      for (spot, count) in zip(columns.spots, columns.spotCounts) where count > 0 {
        let place = StatePlace(
          account: spot.account,
          kind: spot.kind,
          region: spot.region,
          group: spot.group
        )
        try body(place, scopes(at: place), count)
      }
      return
    }
    try transaction.states(at: instant) { state in
      let place = StatePlace(
        account: state.account,
        kind: state.kind,
        region: state.region,
        group: state.group
      )
      let found = needsResources ? scopes(at: places.place(of: state)) : scopes(at: place)
      try body(place, found, 1)
    }
  }

  private mutating func scopes(at spot: StatePlace) -> [Int] {
    if let found = known[spot] { return found }
    let place = places.place(spot.account, region: spot.region, group: spot.group, kind: spot.kind)
    let found = scopes(at: place)
    known[spot] = found
    return found
  }

  private func scopes(at place: Place) -> [Int] {
    names.indices.filter { tree.contains(place, in: names[$0]) }
  }
}
