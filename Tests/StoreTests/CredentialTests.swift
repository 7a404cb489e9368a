import JSON
import Model
import Store
import TestSupport
import Testing

/// Credentials as rows: what may follow what, and what is left behind.
struct CredentialTests {
  private static func secret(_ field: String, key: String = "k1", _ byte: UInt8) -> SealedSecret {
    SealedSecret(field: field, keyID: key, wrappedKey: [byte, 0, 255], sealed: [0, byte])
  }

  private static func record(_ name: String, _ secrets: SealedSecret...) -> CredentialRecord {
    CredentialRecord(
      name: name,
      provider: "aws",
      details: ["access_key_id": "AKIA", "region": "eu-west-1"],
      secrets: secrets
    )
  }

  private static func write(
    _ store: DataStore,
    at hour: Int64,
    _ body: @Sendable @escaping (StoreTransaction) throws -> Void
  ) async throws {
    try await store.write(as: "ann", at: .hour(hour), body)
  }

  private static func actions(_ store: DataStore) async throws -> [String] {
    try await store.read { transaction in
      var actions: [String] = []
      try transaction.auditLog { actions.append($0.action) }
      return actions
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a credential lives through test, rotation and revocation`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let first = Self.record("b", Self.secret("one", 1), Self.secret("two", 2))
      try await Self.write(store, at: 1) { try $0.add(first) }
      try await Self.write(store, at: 1) { try $0.add(Self.record("a", Self.secret("one", 1))) }
      var found = try await store.read { try $0.credentials() }
      #expect(found.map(\.name) == ["a", "b"])
      #expect(found[1].secrets == first.secrets)
      #expect(found[1].details == first.details)
      #expect(found[1].createdAt == .hour(1) && found[1].version == 1)

      let test = CredentialRecord.Test(at: .hour(2), isAccepted: true, outcome: "account 1")
      try await Self.write(store, at: 2) { try $0.note(test, of: "b", version: 1) }
      found = try await store.read { try $0.credentials() }
      #expect(found[1].test == test && found[0].test == nil)

      var second = Self.record("b", Self.secret("one", 3))
      second.version = 2
      let replaced = second
      try await Self.write(store, at: 3) { try $0.replace(replaced) }
      found = try await store.read { try $0.credentials() }
      #expect(found[1].secrets == second.secrets)
      #expect(found[1].test == nil && found[1].rotatedAt == .hour(3) && found[1].version == 2)

      try await Self.write(store, at: 4) { try $0.revokeCredential("b") }
      let revoked = try await store.read { try $0.credential("b") }
      #expect(revoked.secrets == [] && revoked.revokedAt == .hour(4))
      let others = try await store.read { try $0.credential("a") }
      #expect(others.secrets.count == 1)
      let actions = try await Self.actions(store)
      #expect(
        actions
          == ["add", "add", "test", "rotate", "revoke"].map { "credential.\($0)" }
      )
      let fault = try await store.read { try $0.auditFault() }
      #expect(fault == nil)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `what does not follow is refused and changes nothing`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let first = Self.record("a", Self.secret("one", 1))
      try await Self.write(store, at: 1) { try $0.add(first) }
      let test = CredentialRecord.Test(at: .hour(2), isAccepted: false, outcome: "")
      var skipped = first
      skipped.version = 3
      let third = skipped
      let wrongKey = Self.record("c", Self.secret("one", key: "k2", 1))
      var rewrapped = first
      rewrapped.secrets = [Self.secret("one", 9)]
      let changed = rewrapped
      for body: @Sendable (StoreTransaction) throws -> Void in [
        { try $0.add(first) }, { try $0.replace(third) }, { try $0.replace(first) },
        { try $0.note(test, of: "a", version: 2) }, { try $0.add(wrongKey) },
        { try $0.rewrap(changed, from: changed.secrets) },
        { _ = try $0.credential("z") }, { try $0.revokeCredential("z") },
      ] {
        await #expect(throws: StoreError.self) { try await Self.write(store, at: 2, body) }
      }
      let found = try await store.read { try $0.credentials() }
      #expect(found.map(\.secrets) == [first.secrets])
      let actions = try await Self.actions(store)
      #expect(actions == ["credential.add"])
      try await Self.write(store, at: 3) { try $0.revokeCredential("a") }
      var second = first
      second.version = 2
      let late = second
      for body: @Sendable (StoreTransaction) throws -> Void in [
        { try $0.revokeCredential("a") }, { try $0.replace(late) }, { try $0.add(first) },
      ] {
        await #expect(throws: StoreError.self) { try await Self.write(store, at: 4, body) }
      }
    }
  }
}
