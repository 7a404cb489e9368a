import Foundation
import JSON
import TestSupport
import Testing

/// The key that guards credentials: on a token, in a key service, and how it is exchanged.
struct CredentialKeyTests {
  private static let service = ["PLUMB_VAULT_KEY": "aws-kms:\(CredentialScene.arn)"]

  /// Commands that need the key; each has to say so when it is not there, and reach nobody.
  private func expectClosed(
    _ scene: CredentialScene,
    _ environment: [String: String],
    _ messages: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    scene.server.forget()
    for arguments in [["credentials", "test", "audit"], ["scan", "aws", "--credential", "audit"]] {
      let run = try scene.run(arguments, environment: environment)
      #expect(run.exitCode == 2, "\(run.output)", sourceLocation: sourceLocation)
      for message in ["the credential \"audit\" cannot be opened"] + messages {
        #expect(run.errors.contains(message), "\(run.errors)", sourceLocation: sourceLocation)
      }
    }
    let others = scene.server.requests.filter { $0[header: "X-Amz-Target"] == nil }
    #expect(others.isEmpty, sourceLocation: sourceLocation)
    let show = try scene.run(["credentials", "key"], environment: environment)
    #expect(show.exitCode == 2, sourceLocation: sourceLocation)
    let list = try scene.run(["credentials", "list"], environment: environment)
    #expect(list.exitCode == 0, sourceLocation: sourceLocation)
  }

  private func expectOpen(
    _ scene: CredentialScene,
    _ environment: [String: String],
    _ names: [String] = ["audit"],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for name in names {
      let run = try scene.run(["credentials", "test", name], environment: environment)
      #expect(run.exitCode == 0, "\(run.errors)", sourceLocation: sourceLocation)
    }
  }

  /// Makes a token and a key on it.
  private func made(_ soft: SoftToken, _ scene: CredentialScene) throws -> [String: String] {
    try soft.make("vault")
    let variables = soft.environment.merging(
      ["PLUMB_VAULT_KEY": soft.address("vault", "plumb")]
    ) { $1 }
    let run = try scene.run(["credentials", "key", "make"], environment: variables)
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(run.output.contains("key pkcs11:plumb/"))
    return variables
  }

  @Test(.enabled(if: SoftToken.isExpected))
  func `a key on a token guards, and nothing opens when it is taken away`() throws {
    let (scene, soft) = try (CredentialScene(), SoftToken())
    let missing = try scene.run(
      ["credentials", "add", "audit", "--provider", "aws", "--access-key-id", "AKIAFIRST"],
      CredentialScene.first,
      environment: soft.environment.merging(["PLUMB_VAULT_KEY": soft.address("vault", "k")]) { $1 }
    )
    #expect(missing.exitCode == 2)
    #expect(missing.errors.contains("pkcs11:token=vault;object=k cannot be used: there is no such"))
    let variables = try made(soft, scene)
    try scene.add("audit", "aws", environment: variables)
    try expectOpen(scene, variables)
    let show = try scene.run(["credentials", "key"], environment: variables)
    #expect(show.output.contains("guards 1 credential, and works: pkcs11:token=vault;object=plumb"))
    let twice = try scene.run(["credentials", "key", "make"], environment: variables)
    #expect(twice.exitCode == 2 && twice.errors.contains("there is a key with that label"))

    var changed = variables
    changed["PLUMB_PKCS11_PIN"] = "wrong-pin"
    try expectClosed(scene, changed, "CKR_PIN_INCORRECT (0xA0)", "correct the PIN before")
    changed["PLUMB_PKCS11_PIN"] = ""
    try expectClosed(scene, changed, "it needs a PIN; set PLUMB_PKCS11_PIN")
    changed = variables
    changed["PLUMB_VAULT_KEY"] = soft.address("vault", "another")
    try expectClosed(scene, changed, "it needs key pkcs11:plumb/", "object=another is not there")
    changed["PLUMB_VAULT_KEY"] = "pkcs11:token=vault;object=plumb?module-path=/nowhere.so"
    try expectClosed(scene, changed, "the module cannot be loaded", "correct module-path")
    changed["PLUMB_VAULT_KEY"] = nil
    try expectClosed(scene, changed, "it needs key pkcs11:plumb/", "credentials.key is not there")

    try soft.destroy("vault")
    try expectClosed(scene, variables, "there is no such token", "the module shows none")
    // A key of the same name on a token of the same name is another key.
    _ = try made(soft, scene)
    try expectClosed(scene, variables, "it needs key pkcs11:plumb/", "holds key pkcs11:plumb/")
    let lost = try scene.run(
      ["credentials", "rotate", "--key", "--lost", "--to", soft.address("vault", "plumb")],
      environment: variables
    )
    #expect(lost.exitCode == 2 && lost.errors.contains("1 of 1: the credential \"audit\" cannot"))
    let mended = try scene.run(
      ["credentials", "rotate", "audit"],
      CredentialScene.second,
      environment: variables
    )
    #expect(mended.exitCode == 0, "\(mended.errors)")
    try expectOpen(scene, variables)
  }

  @Test(.enabled(if: SoftToken.isExpected))
  func `the PIN comes from a file that only its owner reads`() throws {
    let (scene, soft) = try (CredentialScene(), SoftToken())
    var variables = try made(soft, scene)
    let file = scene.folder.appendingPathComponent("pin")
    try Data((SoftToken.pin + "\n").utf8).write(to: file)
    let files = FileManager.default
    try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    variables["PLUMB_PKCS11_PIN"] = ""
    variables["PLUMB_VAULT_KEY"] =
      soft.address("vault", "plumb") + "&pin-source=file:" + file.path
    try scene.add("audit", "aws", environment: variables)
    try expectOpen(scene, variables)
    try files.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file.path)
    try expectClosed(scene, variables, "of the PIN can be read or changed by others", "chmod 600")
    try files.removeItem(at: file)
    try expectClosed(scene, variables, "of the PIN is not there")
    let told = try scene.run(
      ["credentials", "test", "audit", "--vault-key", "pkcs11:token=t?pin-value=1234"],
      environment: variables
    )
    #expect(told.exitCode == 2 && told.errors.contains("holds no PIN, which others would see"))
    #expect(!told.errors.contains("1234"))
  }

  @Test func `a key in AWS KMS guards, and nothing opens when it is taken away`() throws {
    let scene = try CredentialScene()
    try scene.add("audit", "aws", environment: Self.service)
    try expectOpen(scene, Self.service)
    let show = try scene.run(["credentials", "show", "audit"], environment: Self.service)
    #expect(show.output.contains("sealed under key \(CredentialScene.arn)"))
    for (code, advice) in [
      ("DisabledException", "aws kms enable-key"), ("KMSInvalidStateException", "cancel-key-del"),
      ("NotFoundException", "there is no such key"), ("AccessDeniedException", "kms:Decrypt"),
    ] {
      scene.refuseKey(code)
      try expectClosed(scene, Self.service, code, advice)
    }
    scene.refuseKey(nil)
    try expectOpen(scene, Self.service)
    try expectClosed(
      scene,
      Self.service.merging(["AWS_ENDPOINT_URL_KMS": "http://127.0.0.1:9"]) { $1 },
      "cannot be reached"
    )
    let other = "aws-kms:" + CredentialScene.arn.dropLast() + "6"
    try expectClosed(
      scene,
      ["PLUMB_VAULT_KEY": other],
      "it needs key \(CredentialScene.arn), and the key at hand is \(other)"
    )
    let make = try scene.run(["credentials", "key", "make"], environment: Self.service)
    #expect(make.exitCode == 2 && make.errors.contains("aws kms create-key"))
  }

  @Test(.enabled(if: SoftToken.isExpected))
  func `keys of one kind give way to those of another, and are needed no more`() throws {
    let (scene, soft) = try (CredentialScene(), SoftToken())
    let names = ["audit", "b", "c", "d"]
    for name in names { try scene.add(name, "ibm") }
    let token = try made(soft, scene)
    let file = scene.folder.appendingPathComponent("credentials.key")

    try expectMoved(scene, soft.environment, to: token["PLUMB_VAULT_KEY"] ?? "")
    try FileManager.default.removeItem(at: file)
    try expectOpen(scene, token, names)

    try expectMoved(scene, token, to: "aws-kms:\(CredentialScene.arn)")
    try soft.destroy("vault")
    try expectOpen(scene, Self.service, names)

    let next = scene.folder.appendingPathComponent("next.key").path
    try expectMoved(scene, Self.service, to: "file:\(next)")
    scene.refuseKey("DisabledException")
    try expectOpen(scene, ["PLUMB_VAULT_KEY": "file:\(next)"], names)
    let kept = try scene.run(["credentials", "rotate", "--key"], environment: Self.service)
    #expect(kept.exitCode == 2 && kept.errors.contains("--to has to name the key"))
    #expect(try scene.run(["audit", "verify"]).exitCode == 0)
  }

  private func expectMoved(
    _ scene: CredentialScene,
    _ environment: [String: String],
    to key: String
  ) throws {
    let run = try scene.run(
      ["credentials", "rotate", "--key", "--to", key],
      environment: environment
    )
    #expect(run.exitCode == 0, "\(run.errors)")
    for line in ["1 of 4: audit", "4 of 4: d", "opens nothing here any more"] {
      #expect(run.output.contains(line), "\(run.output)")
    }
  }

  @Test func `an exchange that was cut off is told, and goes on`() throws {
    let scene = try CredentialScene()
    let names = ["audit", "b", "c", "d"]
    for name in names { try scene.add(name, "ibm") }
    let move = ["credentials", "rotate", "--key", "--to", "aws-kms:\(CredentialScene.arn)"]
    scene.refuseKey("DisabledException")
    let early = try scene.run(move)
    #expect(early.exitCode == 2 && early.errors.contains("DisabledException"))
    try scene.add("e", "ibm")
    // A sample there and back, then two credentials.
    scene.refuseKey("DisabledException", after: 4)
    let broken = try scene.run(move)
    #expect(broken.exitCode == 2 && broken.errors.contains("DisabledException"))
    #expect(broken.output.contains("2 of 5: b") && !broken.output.contains("3 of 5"))
    scene.refuseKey(nil)
    try expectOpen(scene, Self.service, ["audit", "b"])
    try expectOpen(scene, [:], ["c", "d", "e"])
    for environment in [[:], Self.service] {
      let show = try scene.run(["credentials", "key"], environment: environment)
      #expect(show.exitCode == (environment.isEmpty ? 2 : 0))
      #expect((show.output + show.errors).contains(CredentialScene.arn))
    }
    let end = try scene.run(move)
    #expect(end.exitCode == 0, "\(end.errors)")
    #expect(end.output.contains("5 of 5: e"))
    try FileManager.default.removeItem(
      at: scene.folder.appendingPathComponent("credentials.key")
    )
    try expectOpen(scene, Self.service, names + ["e"])
  }

  @Test(arguments: [
    ("vault", "expects file:/path"), ("file:relative", "is named like file:/path"),
    ("aws-kms:alias/plumb", "not by an alias"), ("pkcs11:token=t", "names the key by its label"),
    ("https://vault", "expects file:/path"),
  ])
  func `what names no key is refused`(key: String, message: String) throws {
    let scene = try CredentialScene()
    let run = try scene.credentials("key", "make", "--vault-key", key)
    #expect(run.exitCode == 2 && run.errors.contains(message), "\(run.errors)")
    #expect(run.errors.contains("--vault-key"))
    let variable = try scene.run(
      ["scan", "aws", "--credential", "x"],
      environment: ["PLUMB_VAULT_KEY": key]
    )
    #expect(variable.exitCode == 2)
    for arguments in [["rotate", "x", "--to", "file:/x"], ["rotate", "x", "--lost"]] {
      let wrong = try scene.run(["credentials"] + arguments)
      #expect(wrong.exitCode == 2 && wrong.errors.contains("belongs to --key"))
    }
  }
}
