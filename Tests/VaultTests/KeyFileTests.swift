import Foundation
import Model
import TestSupport
import Testing
import Vault

/// The file of the key that wraps others.
struct KeyFileTests {
  /// Hands over a key file in a folder of its own.
  private func withFile(_ body: (KeyFile) throws -> Void) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    try body(KeyFile(folder.appendingPathComponent("credentials.key").path))
  }

  private func write(_ bytes: Int, mode: Int, to file: KeyFile) throws {
    try Data(repeating: 1, count: bytes).write(to: URL(fileURLWithPath: file.path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
  }

  @Test func `a key is made once, for its owner alone`() throws {
    try withFile { file in
      #expect(try file.read() == nil)
      let made = try file.make()
      #expect(try file.make().id == made.id)
      #expect(try file.read()?.id == made.id)
      let facts = try FileManager.default.attributesOfItem(atPath: file.path)
      #expect(facts[.posixPermissions] as? Int == 0o600)
      #expect(facts[.size] as? Int == 32)
      let folder = URL(fileURLWithPath: file.path).deletingLastPathComponent().path
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["credentials.key"])
      #expect(try file.next.make().id != made.id)
    }
  }

  @Test(arguments: [0o644, 0o640, 0o604, 0o660, 0o610, 0o601, 0o620])
  func `a file that others can use is refused, and stays`(mode: Int) throws {
    try withFile { file in
      try write(32, mode: mode, to: file)
      let refusal = #expect(throws: VaultError.self) { try file.make() }
      #expect("\(refusal, default: "")".contains("chmod 600"))
      #expect(file.ring().findings.contains("chmod 600"))
      #expect(FileManager.default.contents(atPath: file.path)?.count == 32)
    }
  }

  @Test(arguments: [0, 31, 33, 4096])
  func `a file of another length is no key`(count: Int) throws {
    try withFile { file in
      try write(count, mode: 0o600, to: file)
      let refusal = #expect(throws: VaultError.self) { try file.read() }
      #expect("\(refusal, default: "")".contains("has \(count) bytes; a key has 32"))
    }
  }

  @Test func `a folder is no key`() throws {
    try withFile { file in
      try FileManager.default.createDirectory(
        atPath: file.path,
        withIntermediateDirectories: false
      )
      #expect(throws: VaultError.self) { try file.make() }
    }
  }

  @Test func `of many who make it at once all have the same key`() async throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let file = KeyFile(folder.appendingPathComponent("key").path)
    let ids = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<16 { group.addTask { try file.make().id } }
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(ids.count == 1)
  }

  @Test func `a key in a file keeps to what every key keeps to`() async throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let file = KeyFile(folder.appendingPathComponent("key").path)
    let (key, other) = try (file.keyToWrapWith(), file.next.keyToWrapWith())
    try await #expect(KeyKit(key, other: other).faults() == [])
    #expect(file.ring().ids == [key.id, other.id])
  }
}
