import Engine
import Foundation
import JSON
import Model
import Operations
import Store
import TestSupport

/// An estate that changes at random from scan to scan, with the rules and the people around it.
struct RandomEstate {
  /// What can differ from one scan to the next, exceptions aside.
  enum Change: CaseIterable, Hashable, Sendable {
    case configuration, came, went, unread, version, parameter, profile, scope
  }

  /// One scan of the chain.
  struct Step: Sendable {
    var instant: Instant
    /// What differs from the scan before.
    var changes: Set<Change>
    /// The scopes and profiles in the ledger.
    var parts: [Part]
  }

  struct Part: Hashable, Sendable {
    var scope = ""
    var profile = ""
  }

  private var random: SplitMix64
  private var buckets: [String: Bucket] = [:]
  private var users: [String: User] = [:]
  private var versions = (encrypted: 1, kept: 1, logged: 1)
  private var days: Int64 = 30
  private var attached: Set<Part> = []
  private var east = "region=east"
  private var open: [Int64] = []

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    for number in 0..<10 { renew("b\(number)") }
    for number in 0..<6 { users["u\(number)"] = user("u\(number)") }
  }

  private mutating func chance(_ percent: Int) -> Bool {
    Int.random(in: 0..<100, using: &random) < percent
  }

  private mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
    choices[Int.random(in: choices.indices, using: &random)]
  }

  // MARK: - Resources

  private mutating func renew(_ id: String) {
    buckets[id] = Bucket(
      id: id,
      account: id.hasSuffix("1") || id.hasSuffix("2") ? "b" : "a",
      region: pick(["east", "west"]),
      stage: pick(["prod", "test"]),
      isEncrypted: chance(60),
      isPublic: chance(40),
      isLogged: chance(50),
      retention: pick([10, 30, 45, 60, 90])
    )
  }

  private mutating func user(_ id: String) -> User {
    User(
      id: id,
      account: id.last == "3" ? "b" : "a",
      keyCreated: pick(["2025-10-06", "2025-10-08", "2025-12-30", "2025-01-01"]),
      isAdmin: chance(25)
    )
  }

  /// The inventory as it is now.
  var lines: [String] {
    buckets.values.map(\.line).sorted() + users.values.map(\.line).sorted()
      + [Settings().line, Settings(account: "b").line]
  }

  // MARK: - Content

  /// What is judged now, and for whom.
  func plan() throws -> GoalPlan {
    let index = try Kit.index([
      Kit.encrypted(version: versions.encrypted),
      Kit.kept.replacing("\"severity\"", with: "\"version\": \(versions.kept), \"severity\""),
      Kit.logged + "\nversion: \(versions.logged)", Kit.inProduction, Kit.keyAge, Kit.fewAdmins,
    ])
    let goals = index.rules.map { rule in
      Goal(rule: rule.id, parameters: rule.id == "bucket.kept" ? ["days": .integer(days)] : [:])
    }
    let profiles = [
      "base": Kit.profile("base", goals.filter { $0.rule.hasPrefix("bucket") }),
      "people": Kit.profile("people", goals.filter { !$0.rule.hasPrefix("bucket") }),
    ]
    let attachments = attached.sorted { ($0.profile, $0.scope) < ($1.profile, $1.scope) }
    return GoalPlan(
      try RuleSet(goals: goals, rules: index),
      attachments: attachments.compactMap { part in
        profiles[part.profile].map { (scope: part.scope, profile: $0) }
      }
    )
  }

  // MARK: - Changes

  private mutating func apply(_ change: Change) {
    switch change {
    case .configuration: renew(pick(buckets.keys.sorted()))
    case .came:
      let id = "b\(Int.random(in: 10..<18, using: &random))"
      if buckets[id] == nil { renew(id) }
      let other = "u\(Int.random(in: 6..<9, using: &random))"
      if chance(40), users[other] == nil { users[other] = user(other) }
    case .went:
      if buckets.count > 6 { buckets[pick(buckets.keys.sorted())] = nil }
      if users.count > 3, chance(40) { users[pick(users.keys.sorted())] = nil }
    case .unread:
      let id = pick(buckets.keys.sorted())
      let path = pick(["encryption", "public", "logging", "retention"])
      let paths = chance(50) ? [path] : []
      buckets[id]?.unread = paths
      let other = pick(users.keys.sorted())
      let facts = chance(50) ? [pick(["admin", "keyCreated"])] : []
      users[other]?.unread = facts
    case .version:
      switch Int.random(in: 0..<3, using: &random) {
      case 0: versions.encrypted = versions.encrypted % 12 + 1
      case 1: versions.kept = versions.kept % 4 + 1
      default: versions.logged = versions.logged % 4 + 1
      }
    case .parameter: days = days == 30 ? 60 : 30
    case .profile:
      let part = Part(scope: pick(["", "east", "prod"]), profile: pick(["base", "people"]))
      if attached.remove(part) == nil { attached.insert(part) }
    case .scope: east = east == "region=east" ? "region=east,account=a" : "region=east"
    }
  }

  /// Requests, approves or revokes an exception, or leaves everything as it is.
  private mutating func decide(_ bench: Bench, at instant: Instant) async throws {
    let rules = [
      "bucket.encrypted", "bucket.kept", "bucket.private-in-production", "user.key-age",
    ]
    if chance(50) {
      let request = ExceptionRequest(
        rule: pick(rules),
        resource: chance(25)
          ? "b*" : pick(["b", "u"]) + "\(Int.random(in: 0..<9, using: &random))",
        scope: pick(["", "", "east", "prod"]),
        reason: "a test",
        owner: "owner",
        compensatingControl: "none",
        expiresAt: instant.advanced(
          milliseconds: Int64.random(in: 1...4000, using: &random) * 60_000
        )
      )
      open.append(try await bench.change(as: "asker", at: instant) { try $0.request(request) })
    }
    guard !open.isEmpty, chance(60) else { return }
    let id = pick(Array(open.suffix(4)))
    let later = instant.advanced(milliseconds: 60_000)
    let isRevoked = chance(30)
    // What is not allowed in the exception's state is refused, and nothing happens.
    do {
      try await bench.change(as: "approver", at: later) { transaction in
        if isRevoked {
          try transaction.revokeException(id)
        } else {
          try transaction.approveException(id)
        }
      }
    } catch is StoreError {}
  }

  private func put(
    _ name: String,
    _ selector: String,
    _ bench: Bench,
    at instant: Instant
  ) async throws {
    let included = try Scope.Selector(selector)
    let scope = Scope(name: name, parent: "", includes: [included], excludes: [])
    try await bench.change(at: instant) { try $0.put(scope) }
  }

  /// Scans again and again, an hour apart, each time after something changed.
  mutating func scan(_ count: Int, from first: Int = 0, _ bench: Bench) async throws -> [Step] {
    var steps: [Step] = []
    if first == 0 { try await put("prod", "tag:stage=prod", bench, at: hour(0)) }
    for number in first..<first + count {
      var changes: Set<Change> = []
      // Every third step changes the version of some rule and nothing else.
      if number % 3 == 1 {
        changes = [.version]
      } else {
        for change in Change.allCases where chance(change == .configuration ? 60 : 25) {
          changes.insert(change)
        }
      }
      for change in Change.allCases where changes.contains(change) { apply(change) }
      let instant = hour(number)
      if number == 0 || changes.contains(.scope) {
        try await put("east", east, bench, at: instant)
      }
      let plan = try plan()
      try await bench.scan(lines, at: instant, plan, account: "", isOpen: true)
      let parts = plan.parts.map { Part(scope: $0.scope, profile: $0.profile) }
      steps.append(Step(instant: instant, changes: changes, parts: parts))
      try await decide(bench, at: instant.advanced(milliseconds: 20 * 60_000))
    }
    return steps
  }
}
