import Foundation
import JSON
import Model
import Operations
import Store
import TestSupport
import Testing
import Vault

/// Credentials sealed, opened, replaced, and their keys exchanged, on both databases.
struct CredentialKeeperTests {
  private static let now = Instant(milliseconds: 1_767_225_600_000)
  private static let secrets = [
    "api_key": Secret("first-S3CR3T"), "token": Secret("second-S3CR3T"),
  ]

  /// A store, its key file and a keeper, with two credentials.
  private struct Scene {
    let store: DataStore
    let file: KeyFile
    let keeper: CredentialKeeper

    func record(_ name: String) async throws -> CredentialRecord {
      try await store.read { try $0.credential(name) }
    }

    func tenant() async throws -> String {
      try await store.read { try $0.credentialTenant() } ?? ""
    }

    func opened(_ name: String) async throws -> [String: Secret] {
      try await keeper.open(try await record(name))
    }

    /// Why a credential does not open; nil where it does.
    func fault(_ name: String) async throws -> String? {
      do {
        _ = try await opened(name)
        return nil
      } catch let error as CredentialError {
        return "\(error)"
      }
    }

    func replaceKey(isLost: Bool = false) async throws -> [String] {
      var lines: [String] = []
      _ = try await keeper.replaceKey(of: file, by: "ann", at: now, isLost: isLost) {
        lines.append("\($0)/\($1) \($2)" + ($3 == nil ? "" : " closed"))
      }
      return lines
    }

    func add(_ name: String) async throws {
      try await keeper.add(
        name,
        provider: "ibm",
        details: ["account": "acc1"],
        secrets: secrets,
        by: "ann",
        at: now
      )
    }
  }

  private func withScene(_ kind: TestDatabase, _ body: (Scene) async throws -> Void) async throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    try await kind.with { database in
      let store = try await DataStore(database)
      let file = KeyFile(folder.appendingPathComponent("credentials.key").path)
      let scene = Scene(store: store, file: file, keeper: CredentialKeeper(store, file))
      try await scene.add("a")
      try await scene.add("b")
      try await body(scene)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `what is kept opens, and a new secret takes its place`(kind: TestDatabase) async throws {
    try await withScene(kind) { scene in
      try await #expect(scene.opened("a") == Self.secrets)
      let record = try await scene.record("a")
      try await scene.keeper.replace(
        record,
        details: ["account": "acc2"],
        secrets: ["api_key": Secret("third")],
        test: CredentialRecord.Test(at: Self.now, isAccepted: true, outcome: "well"),
        by: "ann",
        at: Self.now
      )
      try await #expect(scene.opened("a") == ["api_key": Secret("third")])
      let replaced = try await scene.record("a")
      #expect(replaced.version == 2 && replaced.test?.outcome == "well")
      await #expect(throws: StoreError.self) {
        try await scene.keeper.replace(
          record,
          details: [:],
          secrets: [:],
          test: nil,
          by: "ann",
          at: Self.now
        )
      }
    }
  }

  @Test(
    arguments: TestDatabase.all,
    [
      "UPDATE credentials SET version = 2 WHERE name = 'a'",
      "UPDATE credentials SET provider = 'aws' WHERE name = 'a'",
      "UPDATE credentials SET details = '{\"endpoint\":\"https://else.where\"}' WHERE name = 'a'",
      "UPDATE credential_secrets SET sealed = (SELECT sealed FROM credential_secrets WHERE "
        + "credential = 'b' AND field = 'token'), wrapped_key = (SELECT wrapped_key FROM "
        + "credential_secrets WHERE credential = 'b' AND field = 'token') "
        + "WHERE credential = 'a' AND field = 'token'",
      "UPDATE credential_secrets SET field = 'x' WHERE credential = 'a' AND field = 'token'",
    ]
  )
  func `a row that was changed or moved does not open, and others do`(
    kind: TestDatabase,
    statement: String
  ) async throws {
    try await withScene(kind) { scene in
      _ = try await scene.store.database.write { try $0.run(statement) }
      let fault = try await scene.fault("a")
      #expect(fault?.contains("\"a\" cannot be opened: what is stored was changed") == true)
      try await #expect(scene.fault("b") == nil)
      let listed = try await scene.store.read { try $0.credentials() }
      #expect(listed.count == 2)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `keys are exchanged, and the former opens nothing`(kind: TestDatabase) async throws {
    try await withScene(kind) { scene in
      let former = try #require(try scene.file.read())
      let before = try await scene.record("a")
      try await #expect(scene.replaceKey() == ["1/2 a", "2/2 b"])
      let key = try #require(try scene.file.read())
      #expect(key.id != former.id)
      #expect(try scene.file.next.read() == nil)
      try await #expect(scene.opened("a") == Self.secrets)
      try await #expect(scene.opened("b") == Self.secrets)
      let after = try await scene.record("a")
      #expect(after.keyIDs == [key.id])
      #expect(after.secrets.map(\.sealed) == before.secrets.map(\.sealed))
      await #expect(throws: VaultError.changed) {
        try await SecretBox.open(after.secrets[0], at: after.place(scene.tenant()), under: former)
      }
      try await scene.add("c")
      try await #expect(scene.opened("c") == Self.secrets)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an exchange that was cut off loses nothing and goes on`(kind: TestDatabase) async throws {
    try await withScene(kind) { scene in
      // As it is left behind in the middle: the next key is made and named, one credential has it.
      let (former, next) = (try scene.file.make(), try scene.file.next.make())
      try await scene.store.write(as: "ann", at: Self.now) { try $0.useCredentialKey(next.id) }
      let record = try await scene.record("a")
      var renewed = record
      renewed.secrets = []
      for secret in record.secrets {
        renewed.secrets.append(
          try await SecretBox.rewrap(
            secret,
            at: record.place(scene.tenant()),
            from: former,
            to: next
          )
        )
      }
      let changed = renewed
      try await scene.store.write(as: "ann", at: Self.now) {
        try $0.rewrap(changed, from: record.secrets)
      }
      for name in ["a", "b"] { try await #expect(scene.opened(name) == Self.secrets) }
      try await scene.add("c")
      try await #expect(scene.replaceKey() == ["1/3 a", "2/3 b", "3/3 c"])
      #expect(try scene.file.read()?.id == next.id)
      for name in ["a", "b", "c"] { try await #expect(scene.opened(name) == Self.secrets) }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `without its key a credential says why, and a new secret mends it`(
    kind: TestDatabase
  ) async throws {
    try await withScene(kind) { scene in
      let id = try #require(try scene.file.read()).id
      try FileManager.default.removeItem(atPath: scene.file.path)
      try await #expect(
        scene.fault("a")?.contains("needs key \(id), and \(scene.file.path) is not there") == true
      )
      await #expect(throws: CredentialError.self) { try await scene.add("c") }
      #expect(try scene.file.read() == nil)
      await #expect(throws: CredentialError.self) { try await scene.replaceKey() }

      // Another database's key is neither used nor removed.
      let other = try scene.file.make()
      try await #expect(scene.fault("a")?.contains("holds key \(other.id)") == true)
      await #expect(throws: CredentialError.self) { try await scene.add("c") }
      await #expect(throws: CredentialError.self) { try await scene.replaceKey(isLost: true) }
      #expect(try scene.file.read()?.id == other.id)

      try FileManager.default.removeItem(atPath: scene.file.path)
      try await #expect(scene.replaceKey(isLost: true) == ["1/2 a closed", "2/2 b closed"])
      let record = try await scene.record("a")
      try await scene.keeper.replace(
        record,
        details: record.details,
        secrets: Self.secrets,
        test: nil,
        by: "ann",
        at: Self.now
      )
      try await #expect(scene.opened("a") == Self.secrets)
      try await #expect(scene.fault("b") != nil)
    }
  }

  @Test func `no byte of the database, its log or its audit log is a secret`() async throws {
    try await withScene(.sqlite) { scene in
      _ = try await scene.replaceKey()
      let key = try Data(contentsOf: URL(fileURLWithPath: scene.file.path))
      let record = try await scene.record("a")
      try await scene.keeper.replace(
        record,
        details: [:],
        secrets: Self.secrets,
        test: nil,
        by: "ann",
        at: Self.now
      )
      try await scene.store.write(as: "ann", at: Self.now) { try $0.revokeCredential("b") }
      var searched = 0
      for suffix in ["", "-wal"] {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: scene.store.database.name + suffix))
        searched += bytes.count
        #expect(bytes.range(of: Data("acc1".utf8)) != nil || suffix.isEmpty)
        for secret in Self.secrets.values {
          #expect(bytes.range(of: Data(secret.revealed.utf8)) == nil)
          #expect(
            bytes.range(of: Data(Data(secret.revealed.utf8).base64EncodedString().utf8)) == nil
          )
        }
        #expect(bytes.range(of: key) == nil)
      }
      #expect(searched > 100_000)
    }
  }
}
