import Engine
import Model
import Operations
import Store
import TestSupport
import Testing

/// Guardrails on profiles of which several versions are kept.
struct KeptProfileGuardrailTests {
  @Test(arguments: TestDatabase.all)
  func `a guardrail on a version goes by that version when later ones are kept`(
    kind: TestDatabase
  ) async throws {
    try await kind.with { database in
      let store = try await DataStore(database)
      let rules = try Kit.index().rules
      let profiles = [
        Kit.profile("house", version: "1", [Goal(rule: "bucket.encrypted")]),
        Kit.profile("house", version: "2", [Goal(rule: "bucket.kept")]),
      ]
      try await store.write(as: "ann", at: hour(0)) { transaction in
        let kept = KeptProfiles([], transaction)
        for profile in profiles { try kept.keep(profile, rules: rules) }
        for name in ["house@1", "house", "house@2", "house@3"] {
          _ = try transaction.lay(Guardrail(.profile(name), enforcement: .disallow))
        }
      }
      let (set, check) = try await store.read { transaction in
        (
          try GuardrailSet(transaction, rules: rules, profiles: [], at: hour(1)),
          try GuardrailCheck(
            Guardrail(.profile("house@1")),
            former: nil,
            transaction,
            rules: rules,
            profiles: [],
            at: hour(1)
          )
        )
      }
      #expect(set.faults.keys.sorted() == [4])
      #expect(
        (0..<3).map { set.rules(of: $0) } == [
          ["bucket.encrypted"], ["bucket.kept"], ["bucket.kept"],
        ]
      )
      #expect(check.set.rules(of: 0) == ["bucket.encrypted"])
    }
  }

  @Test func `a version that a guardrail lays on a scope is not removed`() async throws {
    try await TestDatabase.sqlite.with { database in
      let store = try await DataStore(database)
      let rules = try Kit.index().rules
      try await store.write(as: "ann", at: hour(0)) { transaction in
        let kept = KeptProfiles([], transaction)
        for version in ["1", "2"] {
          let goals = [Goal(rule: version == "1" ? "bucket.encrypted" : "bucket.kept")]
          try kept.keep(Kit.profile("house", version: version, goals), rules: rules)
        }
        _ = try transaction.lay(Guardrail(.profile("house@1")))
      }
      let laid = StoreError.conflict(
        "guardrail 1 lays profile house@1 on a scope; remove that first"
      )
      for name in ["house@1", "house"] {
        await #expect(throws: laid) {
          try await store.write(as: "ann", at: hour(1)) {
            try KeptProfiles([], $0).remove(name, at: hour(1))
          }
        }
      }
      let removed = try await store.write(as: "ann", at: hour(1)) {
        try KeptProfiles([], $0).remove("house@2", at: hour(1))
      }
      #expect(removed == ["house@2"])
    }
  }
}
