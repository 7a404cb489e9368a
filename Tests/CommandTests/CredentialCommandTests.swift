import Foundation
import JSON
import TestSupport
import Testing

/// `plumb credentials`, and scans that sign in with what it keeps.
struct CredentialCommandTests {
  @Test(arguments: ["aws", "ibm"])
  func `a credential is added, tested, rotated and revoked`(provider: String) throws {
    let scene = try CredentialScene()
    try scene.add("audit", provider)
    #expect(
      try scene.credentials("list").output.contains("audit  \(provider)  version 1  untested")
    )
    let account = provider == "aws" ? "123456789012" : "acc1"
    let test = try scene.credentials("test", "audit")
    #expect(test.exitCode == 0, "\(test.errors)")
    #expect(test.output.contains("audit is accepted: account \(account), as "))
    let rotated = try scene.credentials("rotate", "audit", input: CredentialScene.second)
    #expect(rotated.exitCode == 0, "\(rotated.errors)")
    #expect(rotated.output.contains("audit has version 2: account \(account)"))
    let shown = try scene.credentials("show", "audit", "--format", "json")
    let json = try JSONParser().parse(Array(shown.output.utf8))
    #expect(json["version"] == 2 && json["state"] == "accepted")
    #expect(json["test"]?["accepted"] == true)
    let key = try scene.credentials("rotate", "--key")
    #expect(key.exitCode == 0, "\(key.errors)")
    #expect(key.output.contains("1 of 1: audit"))
    #expect(try scene.credentials("test", "audit").exitCode == 0)
    #expect(try scene.credentials("revoke", "audit").exitCode == 0)
    let gone = try scene.credentials("test", "audit")
    #expect(gone.exitCode == 2)
    #expect(gone.errors.contains("was revoked at"))
    #expect(try scene.credentials("show", "audit").output.contains("revoked"))
    let log = try scene.run(["audit", "list"])
    for verb in ["add", "test", "rotate", "key", "rewrap", "revoke"] {
      #expect(log.output.contains("ann  credential.\(verb)"), "\(verb)")
    }
    #expect(try scene.run(["audit", "verify"]).exitCode == 0)
  }

  @Test func `a new secret that is not accepted changes nothing`() throws {
    let scene = try CredentialScene()
    try scene.add("bank", "ibm")
    let refused = try scene.credentials("rotate", "bank", input: CredentialScene.stranger)
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("bank stays as it was"))
    #expect(refused.errors.contains("[secret]"))
    #expect(try scene.credentials("list").output.contains("version 1"))
    #expect(try scene.credentials("test", "bank").exitCode == 0)
    let other = try scene.credentials(
      "rotate",
      "bank",
      "--account",
      "acc2",
      input: CredentialScene.second
    )
    #expect(other.exitCode == 1)
    #expect(other.errors.contains("is for account acc2, and signs in to acc1"))
  }

  @Test func `a scan signs in with the credential and with nothing else`() throws {
    let scene = try CredentialScene()
    try scene.add("audit", "aws")
    try scene.add("bank", "ibm")
    scene.server.forget()
    let aws = try scene.run(
      ["scan", "aws", "--credential", "audit", "--region", "us-east-1", "--service", "s3"]
    )
    #expect(!aws.errors.contains("credential"), "\(aws.errors)")
    let signatures = scene.server.requests.compactMap { $0[header: "Authorization"] }
    #expect(signatures.count > 1)
    #expect(signatures.allSatisfy { $0.contains("Credential=AKIAFIRST/") })
    scene.server.forget()
    _ = try scene.run(["scan", "ibm", "--credential", "bank", "--region", "us-south"])
    let bodies = scene.server.requests.map { String(decoding: $0.body, as: UTF8.self) }
    #expect(bodies.contains { $0.contains("apikey=f1rst%2BS3cr3t") })
    for (arguments, message) in [
      (
        ["aws", "--credential", "bank"],
        "the credential \"bank\" is for ibm, not aws; name one for aws"
      ),
      (["aws", "--credential", "nobody"], "there is no credential \"nobody\""),
      (["aws", "--credential", "audit", "--role-arn", "arn:x"], "leave out --aws-profile"),
      (["ibm", "--credential", "bank", "--api-key-file", "x"], "leave out --api-key-file"),
    ] {
      let run = try scene.run(["scan"] + arguments)
      #expect(run.exitCode == 2)
      #expect(run.errors.contains(message), "\(run.errors)")
    }
  }

  @Test(arguments: ["aws", "ibm"])
  func `another account than the credential's is not read`(provider: String) throws {
    let scene = try CredentialScene()
    let added = try scene.run(
      [
        "credentials", "add", "audit", "--provider", provider, "--account", "999",
        "--endpoint-url", scene.server.url,
      ] + (provider == "aws" ? ["--access-key-id", "AKIAFIRST"] : []),
      CredentialScene.first
    )
    #expect(added.exitCode == 0, "\(added.errors)")
    let run = try scene.run(["scan", provider, "--credential", "audit"])
    #expect(run.exitCode == 2)
    #expect(run.errors.contains("is for account 999, and signs in to"), "\(run.errors)")
    #expect(run.errors.contains("plumb credentials rotate audit"), "\(run.errors)")
    #expect(scene.server.requests.count == 1)
  }

  @Test func `a secret comes alone or as the provider's tools write it`() throws {
    let scene = try CredentialScene()
    let file = scene.folder.appendingPathComponent("secret.json")
    let aws =
      #"{"AccessKey": {"AccessKeyId": "AKIAFILE", "SecretAccessKey": "\#(CredentialScene.first)"}}"#
    try Data(aws.utf8).write(to: file)
    let read = try scene.credentials(
      "add",
      "file",
      "--provider",
      "aws",
      "--secret-file",
      file.path
    )
    #expect(read.exitCode == 0, "\(read.errors)")
    #expect(try scene.credentials("show", "file").output.contains("AKIAFILE"))
    let variable = try scene.run(
      ["credentials", "add", "variable", "--provider", "ibm", "--secret-variable", "A_KEY"],
      environment: ["A_KEY": #"{"name": "x", "apikey": "\#(CredentialScene.first)"}"#]
    )
    #expect(variable.exitCode == 0, "\(variable.errors)")
    #expect(try scene.credentials("list").output.contains("2 credentials"))
  }

  @Test(arguments: [
    (["add", "x", "--provider", "azure"], "", "azure"),
    (["add", "a b", "--provider", "aws"], "", "a b"),
    (["add", "x", "--provider", "aws"], "one two", "standard input holds no secret"),
    (["add", "x", "--provider", "aws"], "", "standard input holds no secret"),
    (["add", "x", "--provider", "aws"], "{\"SecretAccessKey\": 1}", "holds no secret"),
    (["add", "x", "--provider", "aws"], "alone", "--access-key-id is missing"),
    (["add", "x", "--provider", "ibm", "--role-arn", "r"], "k", "--role-arn is for aws"),
    (["add", "x", "--provider", "ibm", "--secret-variable", "NOT_THERE"], "", "is not set"),
    (["add", "x", "--provider", "ibm", "--secret-file", "/nowhere"], "", "No such file"),
    (["rotate"], "", "expects a credential's name, or --key"),
    (["rotate", "x", "--key"], "", "expects a credential's name, or --key"),
    (["rotate", "--key"], "", "there is no credential yet"),
    (
      ["rotate", "--key", "--account", "1", "--secret-file", "f"], "",
      "out --account, --secret-file"
    ),
    (["rotate", "--key", "--ca-bundle", "f"], "", "leave out --ca-bundle"),
    (["rotate", "x"], "k", "there is no credential \"x\""),
    (["show", "x"], "", "nothing is kept in"),
    (["revoke", "x"], "", "there is no credential \"x\""),
  ])
  func `wrong usage is refused`(arguments: [String], input: String, message: String) throws {
    let scene = try CredentialScene()
    let run = try scene.run(["credentials"] + arguments, input)
    #expect(run.exitCode == 2)
    #expect(run.errors.contains(message), "\(run.errors)")
    #expect(run.output.isEmpty)
  }

  @Test func `without the key a credential says why, and all else goes on`() throws {
    let scene = try CredentialScene()
    try scene.add("audit", "aws")
    let key = scene.folder.appendingPathComponent("credentials.key").path
    let files = FileManager.default
    try files.setAttributes([.posixPermissions: 0o640], ofItemAtPath: key)
    let open = try scene.credentials("test", "audit")
    #expect(open.exitCode == 2)
    #expect(open.errors.contains("the credential \"audit\" cannot be opened"))
    #expect(open.errors.contains("chmod 600"))
    try files.removeItem(atPath: key)
    for arguments in [["credentials", "test", "audit"], ["scan", "aws", "--credential", "audit"]] {
      let run = try scene.run(arguments)
      #expect(run.exitCode == 2)
      #expect(run.errors.contains("the credential \"audit\" cannot be opened: it needs key"))
      #expect(run.errors.contains("is not there"))
    }
    #expect(!files.fileExists(atPath: key))
    for arguments in [
      ["credentials", "list"], ["credentials", "show", "audit"], ["audit", "verify"], ["doctor"],
      ["scans", "list"],
    ] {
      let run = try scene.run(arguments)
      #expect(run.exitCode == 0, "\(arguments): \(run.output)\(run.errors)")
    }
    let lost = try scene.credentials("rotate", "--key", "--lost")
    #expect(lost.exitCode == 2)
    #expect(lost.errors.contains("1 of 1: the credential \"audit\" cannot be opened"))
    let mended = try scene.credentials("rotate", "audit", input: CredentialScene.second)
    #expect(mended.exitCode == 0, "\(mended.errors)")
    #expect(try scene.credentials("test", "audit").exitCode == 0)
  }
}
