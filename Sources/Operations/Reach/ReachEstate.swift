import Engine
package import JSON
package import Model
package import Store

/// Reads who has access in one provider.
protocol ReachReader: Sendable {
  /// Those who have access to a resource, or may have it, in no order.
  mutating func entries(of subject: ReachSubject, _ level: ReachLevel) -> [ReachEntry]
}

/// The resources of an estate from which it follows who has access to what.
package struct ReachEstate: Sendable {
  private let facts: [ReachFacts]
  /// The providers that can be read, with the kinds that each reads.
  private static let readers:
    [String: (kinds: Set<ResourceKind>, make: @Sendable ([Resource]) -> any ReachReader)] = [
      "aws": (AWSReach.kinds, { AWSReach($0) }), "ibm": (IBMReach.kinds, { IBMReach($0) }),
    ]

  private var subjects: [ReachSubject] = []
  private var evidence: [String: [Resource]] = [:]
  /// What was read of a kind in an account: nil where all of it was.
  private var coverage: [Spot: String?] = [:]
  /// Why some of a kind could not be listed.
  private var unlisted: [Spot: String] = [:]

  private struct Spot: Hashable {
    var account: String
    var kind: ResourceKind
  }

  /// An estate of which nothing is known yet.
  package init(_ facts: [ReachFacts]) { self.facts = facts }

  /// Whether resources of a kind matter.
  package func wants(_ kind: ResourceKind) -> Bool {
    facts.contains { facts in
      facts[kind] != nil || Self.readers[facts.provider]?.kinds.contains(kind) ?? false
    }
  }

  /// Takes a line of an inventory: a resource, or a statement of coverage.
  package mutating func add(_ line: JSONValue) {
    if let coverage = line["coverage"] {
      let kind = ResourceKind(
        service: coverage["service_name"]?.string ?? "",
        kind: coverage["resource_kind"]?.string ?? ""
      )
      let gap = coverage["complete"]?.bool == true ? nil : coverage["reason"]?.string ?? "not whole"
      note(account: coverage["account"]?.string ?? "", kind, gap: gap)
      return
    }
    guard let resource = Resource(wholeLine: line), wants(resource.kind) else { return }
    for facts in facts {
      if let kind = facts[resource.kind], Wildcard.matches(resource.id, pattern: kind.only) {
        subjects.append(ReachSubject(resource, kind))
      }
      if Self.readers[facts.provider]?.kinds.contains(resource.kind) ?? false {
        evidence[facts.provider, default: []].append(resource)
        if resource.configuration.isNull, let reason = resource.reason(of: "$root") {
          unlisted[Spot(account: resource.account, kind: resource.kind)] = reason
        }
      }
    }
  }

  /// Notes what was read of a kind in an account.
  package mutating func note(account: String, _ kind: ResourceKind, gap: String?) {
    guard wants(kind) else { return }
    coverage[Spot(account: account, kind: kind)] = .some(gap)
  }

  /// Reads what a store holds as of an instant.
  package mutating func add(_ transaction: StoreTransaction, at instant: Instant) throws {
    let places = try Places(transaction)
    func place(_ account: Int64, _ kind: Int64) -> Place {
      places.place(account, region: "", group: "", kind: kind)
    }
    for entry in try transaction.coverage(at: instant) {
      let place = place(entry.account, entry.kind)
      note(account: place.accounts.first ?? "", place.kind, gap: entry.gap)
    }
    let kinds = self
    try StoredLines.each(transaction, where: kinds.wants, at: instant) { add($0) }
  }

  /// Hands over who has access to each resource that a filter selects, by account, kind and id.
  package func answers(_ filter: ReachFilter, _ body: (ResourceReach) throws -> Void) rethrows {
    let asked = subjects.filter { filter.selects($0.resource) }.sorted {
      ($0.resource.account, $0.resource.kind, $0.resource.id)
        < ($1.resource.account, $1.resource.kind, $1.resource.id)
    }
    try answers(asked, filter, body)
  }

  private func answers(
    _ asked: [ReachSubject],
    _ filter: ReachFilter,
    _ body: (ResourceReach) throws -> Void
  ) rethrows {
    var readers: [String: any ReachReader] = [:]
    for subject in asked {
      guard let facts = facts.first(where: { $0[subject.resource.kind] != nil }) else { continue }
      let provider = facts.provider
      if readers[provider] == nil {
        readers[provider] = Self.readers[provider]?.make(evidence[provider] ?? [])
      }
      var entries: [ReachEntry] = []
      for level in ReachLevel.allCases
      where filter.levels.contains(level) && subject.gap == nil
        && !(subject.kind.rights[level] ?? []).isEmpty
      {
        entries += readers[provider]?.entries(of: subject, level) ?? []
        entries += unread(subject, level, facts)
      }
      let shown = entries.filter(filter.selects).sorted {
        ($0.level, $0.certainty, $0.holder) < ($1.level, $1.certainty, $1.holder)
      }
      let notes = subject.kind.beyond.map { "not seen: \($0)" }
      try body(
        ResourceReach(
          resource: subject.resource,
          entries: shown,
          notes: subject.gap.map { ["unread: \($0)"] } ?? notes
        )
      )
    }
  }

  /// Who has access to the resource at a place; nil where no rights over its kind are known.
  package func answer(_ place: Place) -> ResourceReach? {
    let asked = subjects.filter { subject in
      let resource = subject.resource
      return resource.id == place.id && resource.kind == place.kind
        && (resource.account.isEmpty || resource.account == place.accounts.first)
    }
    var found: ResourceReach?
    answers(asked, ReachFilter()) { found = $0 }
    return found
  }

  /// Entries for those who could not be read, and for what of the resource's policy could not be.
  private func unread(
    _ subject: ReachSubject,
    _ level: ReachLevel,
    _ facts: ReachFacts
  ) -> [ReachEntry] {
    let account = subject.resource.account
    func entry(_ name: String, _ reason: String) -> ReachEntry {
      var way = ReachWay()
      way.reasons = [reason]
      let holder = ReachHolder(type: .unread, id: name, name: name, account: account)
      return ReachEntry(level: level, holder: holder, ways: [way])
    }
    var entries = facts.principals.compactMap { kind in
      gap(kind, account).map { entry("\(kind)", $0) }
    }
    if let gap = subject.policyGap { entries.append(entry("resource policy", gap)) }
    return entries
  }

  /// Why some resources of a kind may be missing; nil where all were read.
  private func gap(_ kind: ResourceKind, _ account: String) -> String? {
    let spot = Spot(account: account, kind: kind)
    if let reason = unlisted[spot] { return reason }
    guard let known = coverage[spot] else { return "nothing says that all of them were read" }
    return known
  }
}

/// Which answers are asked for; what is empty selects everything.
package struct ReachFilter: Sendable {
  /// Patterns of resource ids, or names.
  package var resources: [String] = []
  package var kinds: [String] = []
  package var accounts: [String] = []
  /// Patterns of holders as they are printed, their ids or names.
  package var holders: [String] = []
  package var levels: Set<ReachLevel> = Set(ReachLevel.allCases)

  package init() {}

  func selects(_ resource: Resource) -> Bool {
    func fits(_ patterns: [String], _ texts: [String]) -> Bool {
      patterns.isEmpty
        || patterns.contains { pattern in
          texts.contains { Wildcard.matches($0, pattern: pattern) }
        }
    }
    return fits(resources, [resource.id, resource.name])
      && fits(kinds, ["\(resource.kind)", resource.kind.kind])
      && fits(accounts, [resource.account])
  }

  func selects(_ entry: ReachEntry) -> Bool {
    // What could not be read may be anyone.
    guard !holders.isEmpty, entry.holder.type != .unread else { return true }
    let holder = entry.holder
    return holders.contains { pattern in
      [holder.id, holder.name, "\(holder.type.rawValue)/\(holder.name)"].contains {
        Wildcard.matches($0, pattern: pattern)
      }
    }
  }
}
