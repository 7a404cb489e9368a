import Foundation
import JSON
import TestSupport
import Testing

/// `plumb credentials`, and scans that sign in with what it keeps.
struct CredentialCommandTests {
  /// Secrets that look different in an address; none is anybody's.
  private static let first = "f1rst+S3cr3t/a=not-real"
  private static let second = "s3cond+S3cr3t/b=not-real"
  private static let stranger = "str4nger+S3cr3t/c=not-real"

  /// A data folder and the providers' token services, which accept the first and second secret.
  private final class Scene: Sendable {
    let folder: URL
    let server: ReplayServer

    init() throws {
      folder = try Fixtures.temporaryFolder()
      server = try ReplayServer { Scene.answer($0) }
    }

    deinit {
      server.stop()
      Fixtures.remove(folder)
    }

    func run(
      _ arguments: [String],
      _ input: String = "",
      environment: [String: String] = [:]
    ) throws -> CommandRun {
      var variables = [
        "no_proxy": "*", "PLUMB_DATA": folder.path, "PLUMB_VAULT_KEY": "", "PLUMB_ACTOR": "ann",
        "AWS_ACCESS_KEY_ID": "AKIASURROUNDINGS", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-west-1", "IBMCLOUD_API_KEY": "",
      ]
      variables.merge(environment) { $1 }
      return try CommandRun(arguments, input: Data(input.utf8), environment: variables)
    }

    func credentials(_ arguments: String..., input: String = "") throws -> CommandRun {
      try run(["credentials"] + arguments, input)
    }

    /// Accepts what it knows, and sends back what it does not, as no good service would.
    static func answer(_ request: ReplayServer.Request) -> ReplayServer.Answer {
      let body = String(decoding: request.body, as: UTF8.self)
      if request.path.hasSuffix("/identity/token") {
        let isKnown = [first, second].contains {
          body.removingPercentEncoding?.contains($0) == true
        }
        if isKnown { return token() }
        let words: JSONValue = .string("unknown: \(body) \(body.removingPercentEncoding ?? "")")
        return ReplayServer.Answer(400, json: ["errorCode": "E1", "errorMessage": words])
      }
      if body.contains("Action=GetCallerIdentity") {
        let isKnown = request[header: "Authorization"]?.contains("Credential=AKIA") == true
        return isKnown ? identity() : refusal()
      }
      return refusal()
    }

    private static func token() -> ReplayServer.Answer {
      let now = Int64(Date().timeIntervalSince1970)
      let claims = #"{"iat":\#(now),"exp":\#(now + 3600),"iam_id":"Id-1","account":{"bss":"acc1"}}"#
      let parts = [#"{"alg":"RS256"}"#, claims, "signature"].map { part in
        Data(part.utf8).base64EncodedString().replacing("=", with: "")
      }
      let text = parts.joined(separator: ".")
      return ReplayServer.Answer(json: ["access_token": .string(text), "expires_in": 3600])
    }

    private static func identity() -> ReplayServer.Answer {
      let text = """
        <GetCallerIdentityResponse><GetCallerIdentityResult>\
        <Arn>arn:aws:iam::123456789012:user/audit</Arn><UserId>U</UserId>\
        <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>
        """
      let type = [("Content-Type", "text/xml")]
      return ReplayServer.Answer(200, headers: type, body: Array(text.utf8))
    }

    private static func refusal() -> ReplayServer.Answer {
      let text = """
        <ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>
        """
      return ReplayServer.Answer(403, body: Array(text.utf8))
    }
  }

  private func add(_ scene: Scene, _ name: String, _ provider: String) throws {
    let key = provider == "aws" ? ["--access-key-id", "AKIAFIRST"] : []
    let run = try scene.run(
      [
        "credentials", "add", name, "--provider", provider, "--endpoint-url", scene.server.url,
      ] + key,
      Self.first + "\n"
    )
    #expect(run.exitCode == 0, "\(run.errors)")
  }

  @Test(arguments: ["aws", "ibm"])
  func `a credential is added, tested, rotated and revoked`(provider: String) throws {
    let scene = try Scene()
    try add(scene, "audit", provider)
    #expect(
      try scene.credentials("list").output.contains("audit  \(provider)  version 1  untested")
    )
    let account = provider == "aws" ? "123456789012" : "acc1"
    let test = try scene.credentials("test", "audit")
    #expect(test.exitCode == 0, "\(test.errors)")
    #expect(test.output.contains("audit is accepted: account \(account), as "))
    let rotated = try scene.credentials("rotate", "audit", input: Self.second)
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
    let scene = try Scene()
    try add(scene, "bank", "ibm")
    let refused = try scene.credentials("rotate", "bank", input: Self.stranger)
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("bank stays as it was"))
    #expect(refused.errors.contains("[secret]"))
    #expect(try scene.credentials("list").output.contains("version 1"))
    #expect(try scene.credentials("test", "bank").exitCode == 0)
    let other = try scene.credentials("rotate", "bank", "--account", "acc2", input: Self.second)
    #expect(other.exitCode == 1)
    #expect(other.errors.contains("is for account acc2, and signs in to acc1"))
  }

  @Test func `a scan signs in with the credential and with nothing else`() throws {
    let scene = try Scene()
    try add(scene, "audit", "aws")
    try add(scene, "bank", "ibm")
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
    let scene = try Scene()
    let added = try scene.run(
      [
        "credentials", "add", "audit", "--provider", provider, "--account", "999",
        "--endpoint-url", scene.server.url,
      ] + (provider == "aws" ? ["--access-key-id", "AKIAFIRST"] : []),
      Self.first
    )
    #expect(added.exitCode == 0, "\(added.errors)")
    let run = try scene.run(["scan", provider, "--credential", "audit"])
    #expect(run.exitCode == 2)
    #expect(run.errors.contains("is for account 999, and signs in to"), "\(run.errors)")
    #expect(run.errors.contains("plumb credentials rotate audit"), "\(run.errors)")
    #expect(scene.server.requests.count == 1)
  }

  @Test func `a secret comes alone or as the provider's tools write it`() throws {
    let scene = try Scene()
    let file = scene.folder.appendingPathComponent("secret.json")
    let aws = #"{"AccessKey": {"AccessKeyId": "AKIAFILE", "SecretAccessKey": "\#(Self.first)"}}"#
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
      environment: ["A_KEY": #"{"name": "x", "apikey": "\#(Self.first)"}"#]
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
    let scene = try Scene()
    let run = try scene.run(["credentials"] + arguments, input)
    #expect(run.exitCode == 2)
    #expect(run.errors.contains(message), "\(run.errors)")
    #expect(run.output.isEmpty)
  }

  @Test func `without the key a credential says why, and all else goes on`() throws {
    let scene = try Scene()
    try add(scene, "audit", "aws")
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
    let mended = try scene.credentials("rotate", "audit", input: Self.second)
    #expect(mended.exitCode == 0, "\(mended.errors)")
    #expect(try scene.credentials("test", "audit").exitCode == 0)
  }

  @Test func `no output, audit line or file ever holds a secret`() throws {
    let scene = try Scene()
    var texts: [String] = []
    func note(_ arguments: [String], _ input: String = "") throws {
      let run = try scene.run(arguments, input)
      texts += [run.output, run.errors]
    }
    for provider in ["aws", "ibm"] {
      try add(scene, provider, provider)
      try note(["credentials", "add", provider, "--provider", provider], Self.second)
      try note(["credentials", "add", "y", "--provider", provider], "{\"x\": \"\(Self.first)\"")
      try note(["credentials", "add", "y", "--provider", provider], "\(Self.first) \(Self.second)")
      try note(["credentials", "test", provider])
      try note(["credentials", "rotate", provider], Self.stranger)
      try note(["credentials", "rotate", provider], Self.second)
      try note(["credentials", "add", "z-\(provider)", "--provider", provider], Self.stranger)
      try note(["scan", provider, "--credential", provider, "--preflight"])
    }
    try note(
      ["credentials", "add", "bad", "--provider", "ibm", "--endpoint-url", scene.server.url],
      Self.stranger
    )
    try note(["credentials", "test", "bad"])
    try note(["scan", "ibm", "--credential", "bad"])
    try note(["credentials", "rotate", "--key"])
    try note(["credentials", "revoke", "aws"])
    for format in ["text", "json"] {
      try note(["credentials", "list", "--format", format])
      for name in ["aws", "ibm", "bad"] {
        try note(["credentials", "show", name, "--format", format])
      }
      try note(["audit", "list", "--format", format])
    }
    try note(["doctor"])
    let said = texts.joined(separator: "\n")
    #expect(said.contains("[secret]") && said.contains("credential.revoke"))
    var found = [Data(said.utf8)]
    for path in try FileManager.default.subpathsOfDirectory(atPath: scene.folder.path) {
      let file = scene.folder.appendingPathComponent(path)
      if let bytes = FileManager.default.contents(atPath: file.path) { found.append(bytes) }
    }
    #expect(found.count >= 3)
    let unreserved = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
    for secret in [Self.first, Self.second, Self.stranger] {
      let forms = [
        secret, secret.addingPercentEncoding(withAllowedCharacters: unreserved) ?? secret,
        Data(secret.utf8).base64EncodedString(),
      ]
      for bytes in found {
        for form in forms { #expect(bytes.range(of: Data(form.utf8)) == nil, "\(form)") }
      }
    }
  }
}
