import Engine
import JSON
import Model
import Operations
import Testing

/// Whether a guardrail holds where a request does not tell all that its scope asks for.
struct UnreadPlaceTests {
  /// What is known of a bucket that fails.
  struct Known: Sendable {
    var name: String
    var tags: [String: String] = [:]
    var region = "east"
    var account = "prod-1"
    var unread: [String] = []
    var includes: [String] = []
    var excludes: [String] = []
    /// What guardrails that disallow make of it, open and closed; nil where none is laid there.
    var effects: (open: Effect, closed: Effect)?
  }

  private static let cases: [Known] = [
    Known(
      name: "tags were not read",
      unread: ["$resource.tags"],
      includes: ["tag:stage=prod"],
      effects: (.warned, .refused)
    ),
    Known(
      name: "that tag was not read",
      tags: ["team": "pay"],
      unread: ["$resource.tags.stage"],
      includes: ["tag:stage=prod"],
      effects: (.warned, .refused)
    ),
    Known(
      name: "another tag was not read",
      unread: ["$resource.tags.team"],
      includes: ["tag:stage=prod"]
    ),
    Known(
      name: "the tag is known although others were not read",
      tags: ["stage": "prod"],
      unread: ["$resource.tags"],
      includes: ["tag:stage=prod"],
      effects: (.refused, .refused)
    ),
    Known(
      name: "the tag is known to be another",
      tags: ["stage": "test"],
      unread: ["$resource.tags"],
      includes: ["tag:stage=prod"]
    ),
    Known(name: "there is no such tag", includes: ["tag:stage=prod"]),
    Known(
      name: "the region was not read",
      region: "",
      unread: ["$resource.region"],
      includes: ["region=east"],
      effects: (.warned, .refused)
    ),
    Known(
      name: "the region was not read, and the account is outside",
      region: "",
      account: "test-1",
      unread: ["$resource.region"],
      includes: ["region=east,account=prod-*"]
    ),
    Known(
      name: "nobody named the account",
      account: "",
      includes: ["account=prod-*"],
      effects: (.warned, .refused)
    ),
    Known(
      name: "nobody named the account, and nothing asks for it",
      account: "",
      includes: ["region=east"],
      effects: (.refused, .refused)
    ),
    Known(
      name: "an exclusion asks for tags that were not read",
      unread: ["$resource.tags"],
      excludes: ["tag:stage=test"],
      effects: (.warned, .refused)
    ),
    Known(
      name: "an exclusion holds whatever the rest",
      unread: ["$resource.tags"],
      includes: ["tag:stage=prod"],
      excludes: ["account=prod-1"]
    ),
  ]

  @Test(arguments: cases.indices, [false, true])
  func `what is not told is neither inside nor outside`(index: Int, isInner: Bool) throws {
    let known = Self.cases[index]
    var scopes = [
      Scope(
        name: "part",
        parent: "",
        includes: try known.includes.map { try Scope.Selector($0) },
        excludes: []
      )
    ]
    if isInner {
      // The same through a scope within it and one that names it.
      scopes.append(Scope(name: "within", parent: "part", includes: [], excludes: []))
      let named = [try Scope.Selector("scope=within")]
      scopes.append(Scope(name: "naming", parent: "", includes: named, excludes: []))
    }
    let excludes = try known.excludes.map { try Scope.Selector($0) }
    for choice in FailureChoice.allCases {
      let guardrail = Guardrail(
        id: 1,
        .rule("bucket.encrypted"),
        scope: isInner ? "naming" : "part",
        excludes: excludes,
        enforcement: .disallow,
        onFailure: choice
      )
      let set = GuardrailSet(
        GuardrailSet.Parts(
          guardrails: [guardrail],
          rules: try Kit.index(Kit.rules).rules,
          scopes: ScopeTree(scopes)
        )
      )
      #expect(set.faults.isEmpty)
      let bad = set.decide(try Self.resource(known, isEncrypted: false), isNew: true, at: hour(1))
      let expected = known.effects.map { choice == .open ? $0.open : $0.closed }
      #expect(bad.effect == expected ?? .allowed, "\(known.name), \(choice)")
      #expect(bad.guardrails == (expected == nil ? 0 : 1), "\(known.name)")
      #expect(bad.guardrailsAnywhere == 1)
      if known.effects?.open == .warned {
        #expect(bad.rulings[0].reason.contains("not known whether it is in the scope"))
      }
      let good = set.decide(try Self.resource(known, isEncrypted: true), isNew: true, at: hour(1))
      #expect(good.effect == .allowed, "\(known.name): what passes anyway is allowed")
    }
  }

  private static func resource(_ known: Known, isEncrypted: Bool) throws -> Resource {
    var resource = try GuardrailTests.resource(Bucket(id: "b", isEncrypted: isEncrypted))
    resource.tags = known.tags.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    (resource.region, resource.account) = (known.region, known.account)
    resource.unread = known.unread.map { ($0, "denied") }
    return resource
  }
}
