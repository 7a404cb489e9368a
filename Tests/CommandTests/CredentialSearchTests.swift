import Foundation
import TestSupport
import Testing

/// A secret goes in and never comes out: everything that is said, logged or kept is searched.
struct CredentialSearchTests {
  /// What was said and written so far.
  private final class Heap {
    let scene: CredentialScene
    let environment: [String: String]
    var texts: [String] = []
    var bytes: [Data] = []

    init(_ scene: CredentialScene, _ environment: [String: String]) {
      (self.scene, self.environment) = (scene, environment)
    }

    /// Runs a command, and keeps what it said and what files there are then.
    func note(_ arguments: [String], _ input: String = "") throws {
      let run = try scene.run(arguments, input, environment: environment)
      texts += [run.output, run.errors]
      try noteFiles()
    }

    func noteFiles() throws {
      for path in try FileManager.default.subpathsOfDirectory(atPath: scene.folder.path) {
        let file = scene.folder.appendingPathComponent(path)
        if let found = FileManager.default.contents(atPath: file.path) { bytes.append(found) }
      }
    }
  }

  /// The forms in which a secret could be seen, whatever stands around it.
  private static func forms(_ secret: String) -> [String] {
    let unreserved = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
    let hexadecimal = secret.utf8.map { String($0, radix: 16) }.joined()
    var forms = [
      secret, secret.addingPercentEncoding(withAllowedCharacters: unreserved) ?? secret,
      secret.replacing("/", with: "\\/"), hexadecimal, hexadecimal.uppercased(),
      String(secret.reversed()),
    ]
    for shift in 0..<3 {
      // The letters that depend on nothing but the secret, at each of the three positions.
      let text = (Data(repeating: 0, count: shift) + Data(secret.utf8)).base64EncodedString()
      let inner = String(text.filter { $0 != "=" }.dropFirst(shift == 0 ? 0 : 4).dropLast(4))
      forms += [inner, inner.replacing("+", with: "-").replacing("/", with: "_")]
    }
    return forms
  }

  private func expectNoSecret(_ heap: Heap, in rows: [String], secrets: [String]) {
    let said = heap.texts.joined(separator: "\n")
    #expect(said.contains("[secret]") && said.contains("credential.revoke"))
    var places = heap.bytes
    places.append(Data(said.utf8))
    places.append(Data(rows.joined(separator: "\n").utf8))
    // What is public is found, so the search is one.
    #expect(places.count { $0.range(of: Data("AKIAFIRST".utf8)) != nil } > 1)
    for form in secrets.flatMap(Self.forms) {
      let found = places.contains { $0.range(of: Data(form.utf8)) != nil }
      #expect(!found, "\(form)")
    }
  }

  /// Does everything that there is to do with credentials, some of it wrongly.
  private func useAll(_ heap: Heap) throws {
    let (first, second) = (CredentialScene.first, CredentialScene.second)
    let stranger = CredentialScene.stranger
    for provider in ["aws", "ibm"] {
      try heap.scene.add(provider, provider, environment: heap.environment)
      let add = ["credentials", "add"]
      try heap.note(add + [provider, "--provider", provider], second)
      try heap.note(add + ["y", "--provider", provider], "{\"x\": \"\(first)\"")
      try heap.note(add + ["y", "--provider", provider], "\(first) \(second)")
      try heap.note(["credentials", "test", provider])
      try heap.note(["credentials", "rotate", provider], stranger)
      try heap.note(["credentials", "rotate", provider], second)
      try heap.note(add + ["z-\(provider)", "--provider", provider], stranger)
      for options in [["--preflight"], ["--save"], ["--format", "json"]] {
        let region = provider == "aws" ? ["--region", "us-east-1", "--service", "s3"] : []
        try heap.note(["scan", provider, "--credential", provider] + region + options)
      }
    }
    let bad = ["credentials", "add", "bad", "--provider", "ibm"]
    try heap.note(bad + ["--endpoint-url", heap.scene.server.url], stranger)
    try heap.note(["credentials", "test", "bad"])
    try heap.note(["scan", "ibm", "--credential", "bad"])
  }

  /// Exchanges keys, with a fault in between, and asks for everything that is told.
  private func exchangeKeys(_ heap: Heap) throws {
    try heap.note(["credentials", "rotate", "--key"])
    let service = "aws-kms:\(CredentialScene.arn)"
    heap.scene.refuseKey("DisabledException", after: 3)
    try heap.note(["credentials", "rotate", "--key", "--to", service])
    heap.scene.refuseKey(nil)
    try heap.note(["credentials", "rotate", "--key", "--to", service])
    try heap.note(["credentials", "test", "ibm", "--vault-key", service])
    heap.scene.refuseKey("DisabledException")
    try heap.note(["credentials", "test", "ibm", "--vault-key", service])
    heap.scene.refuseKey(nil)
    try heap.note(["credentials", "key", "--vault-key", service])
    try heap.note(["credentials", "revoke", "aws"])
    for format in ["text", "json"] {
      try heap.note(["credentials", "list", "--format", format])
      for name in ["aws", "ibm", "bad"] {
        try heap.note(["credentials", "show", name, "--format", format])
      }
      for command in ["audit", "scans", "accounts"] {
        try heap.note([command, "list", "--format", format])
      }
      try heap.note(["results", "--format", format])
      try heap.note(["status", "--format", format])
    }
    try heap.note(["doctor"])
  }

  /// What must be nowhere.
  private static let secrets = [
    CredentialScene.first, CredentialScene.second, CredentialScene.stranger,
  ]

  @Test(arguments: 0..<3)
  func `the search knows a secret in base64 and hexadecimal, wherever it begins`(shift: Int) {
    let secret = CredentialScene.first
    let text = String(repeating: "x", count: shift) + secret + "more"
    let encoded = Data(text.utf8).base64EncodedString()
    #expect(Self.forms(secret).contains { encoded.contains($0) })
    let digits = text.utf8.map { String($0, radix: 16) }.joined()
    #expect(Self.forms(secret).contains { digits.contains($0) })
  }

  @Test func `with SQLite no output, audit line, file or page ever holds a secret`() throws {
    let heap = Heap(try CredentialScene(), [:])
    try useAll(heap)
    try exchangeKeys(heap)
    #expect(heap.bytes.contains { $0.starts(with: Data("SQLite format 3".utf8)) })
    expectNoSecret(heap, in: [], secrets: Self.secrets)
  }

  @Test(.enabled(if: TestDatabase.server != nil))
  func `with PostgreSQL no output, audit line or row ever holds a secret`() async throws {
    try await TestDatabase.postgres.with { database in
      let scene = try await CredentialScene(data: TestDatabase.address(database))
      let file = scene.folder.appendingPathComponent("vault.key").path
      let heap = Heap(scene, ["PLUMB_VAULT_KEY": "file:\(file)"])
      try useAll(heap)
      let before = try await TestDatabase.rows(database)
      try exchangeKeys(heap)
      let rows = try await TestDatabase.rows(database)
      // What is searched is all there is, the sealed secrets among it.
      #expect(rows.contains { $0.contains("credential.revoke") })
      #expect(before.contains { $0.contains("secret_access_key") && $0.contains("\\x01") })
      expectNoSecret(heap, in: before + rows, secrets: Self.secrets)
    }
  }
}
