import JSON
package import Model
package import Store

/// How each control of an attached profile stands over a scope at an instant.
package struct ControlOverview: Sendable {
  /// One control with what is known of it.
  package struct Entry: Sendable {
    package var control: Profile.Control
    /// How it stands by its goals' results; `manual` for one without goals.
    package var state: ControlState
    /// Results by verdict, in the order of ``Verdict/allCases``; excepted failures apart.
    package var counts: [Int]
    package var excepted: Int
    /// The attestation in force, if any.
    package var attestation: Attestation?
  }

  package var profile: Profile
  package var entries: [Entry]

  /// Reads the profile in the version that is attached at the instant.
  ///
  /// `cache` keeps what was counted; `isPresent` is whether the instant is now.
  /// - Throws: ``StoreError/notFound(kind:name:)`` when it is not attached to the scope.
  package init(
    _ transaction: StoreTransaction,
    profile id: String,
    scope: String,
    at instant: Instant,
    isPresent: Bool = false,
    _ cache: PostureCache = PostureCache()
  ) throws {
    let attached = try transaction.attachments(at: instant).first {
      $0.profile == id && $0.scope == scope
    }
    guard let attached, let document = try transaction.profileDocument(attached.digest) else {
      let place = scope.isEmpty ? "all" : scope
      throw StoreError.conflict(
        "profile \(id) is not attached to \(place) as of \(instant); plumb attach \(id) \(place) does it"
      )
    }
    let location = SourceLocation(file: "attachment \(attached.id)")
    profile = try ProfileDecoder.profile(DocumentNode(document, at: location))
    var filter = ResultFilter()
    filter.scope = scope
    var counts: [String: [Goal: (counts: [Int], excepted: Int)]] = [:]
    var digests: [String: String] = [:]
    var reader = try ResultReader(transaction, at: instant, isPresent: isPresent)
    let rules = Set(profile.goals.map(\.rule))
    for (_, found) in try reader.figures(filter, cache).goals.sorted(by: { $0.key < $1.key })
    where rules.contains(found.goal.rule) {
      let goal = Goal(rule: found.goal.rule, parameters: found.goal.parameters)
      digests[goal.rule] = found.goal.digest
      var entry = counts[goal.rule]?[goal] ?? ([0, 0, 0, 0], 0)
      for place in entry.counts.indices { entry.counts[place] += found.counts.verdicts[place] }
      entry.excepted += found.counts.excepted
      counts[goal.rule, default: [:]][goal] = entry
    }
    var defaults: [String: [String: JSONValue]] = [:]
    for (rule, digest) in digests {
      for (name, parameter) in try transaction.ruleDocument(digest)?["parameters"]?.object?.members
        ?? []
      {
        defaults[rule, default: [:]][name] = parameter["default"]
      }
    }
    let unseen = try Unseen(transaction, rules: rules, scope: scope, at: instant)
    let attestations = try transaction.attestations().filter {
      $0.profile == id && ($0.scope == scope || $0.scope.isEmpty) && $0.isInForce(at: instant)
    }
    entries = profile.controls.map { control in
      var sum = [0, 0, 0, 0]
      var excepted = 0
      for goal in control.goals {
        let asked = goal.parameters.merging(attached.parameters[goal.rule] ?? [:]) { $1 }
        let before = sum
        // A stored goal has every parameter filled; those that the profile sets must agree.
        for (stored, entry) in counts[goal.rule] ?? [:]
        where stored.parameters.allSatisfy({
          (asked[$0.key] ?? defaults[goal.rule]?[$0.key]) == $0.value
        }) {
          for index in sum.indices { sum[index] += entry.counts[index] }
          excepted += entry.excepted
        }
        // Where nobody looked, or not everywhere, that there is nothing is not known.
        if sum == before, excepted == 0, unseen.holds(goal.rule) { sum[2] += 1 }
      }
      return Entry(
        control: control,
        state: ControlState(control, counts: sum),
        counts: sum,
        excepted: excepted,
        attestation: attestations.last { $0.control == control.id }
      )
    }
  }
}

/// Of which rules it is not known whether there is anything that they judge.
private struct Unseen {
  /// Rules that no kept scan judged by.
  private var unjudged: Set<String>
  /// Rules of kinds that were not fully read.
  private var unread: Set<String> = []

  init(
    _ transaction: StoreTransaction,
    rules: Set<String>,
    scope: String,
    at instant: Instant
  ) throws {
    let goals = try transaction.goals().values.filter { rules.contains($0.rule) }
    unjudged = rules.subtracting(goals.map(\.rule))
    let places = try Places(transaction)
    let tree = ScopeTree(try transaction.scopes(at: instant))
    let gaps = Set(
      try transaction.coverage(at: instant).filter { $0.gap != nil }
        .map { row in
          var place = places.place(row.account, region: "", group: "", kind: row.kind)
          place.unread = ["region", "group", "id", "tag:"]
          return place
        }
        .filter { tree.mayContain($0, in: scope, without: []) }.map(\.kind)
    )
    guard !gaps.isEmpty else { return }
    // The version that judged last says what it is about.
    let newest = Dictionary(goals.map { ($0.rule, $0) }) { $0.id > $1.id ? $0 : $1 }
    for (name, goal) in newest {
      guard let document = try transaction.ruleDocument(goal.digest) else { continue }
      let node = DocumentNode(document, at: SourceLocation(file: "rule \(name)"))
      let rule = try RuleDecoder.rule(node, name: name)
      if !gaps.isDisjoint(with: rule.target.kinds) { unread.insert(name) }
    }
  }

  func holds(_ rule: String) -> Bool { unjudged.contains(rule) || unread.contains(rule) }
}
