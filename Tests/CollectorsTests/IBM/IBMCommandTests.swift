import Foundation
import JSON
import TestSupport
import Testing

/// `plumb scan ibm` as it is typed.
struct IBMCommandTests {
  private func run(
    _ scene: IBMScene,
    _ arguments: [String],
    key: String? = IBMScene.key
  ) throws -> CommandRun {
    var variables = ["no_proxy": "*", "IBMCLOUD_API_KEY": ""]
    if let key { variables["IBMCLOUD_API_KEY"] = key }
    return try CommandRun(
      ["scan", "ibm", "--endpoint-url", scene.server.url] + arguments,
      environment: variables
    )
  }

  @Test func `a scan reports and its exit code tells that something failed`() throws {
    let scene = try IBMScene("good", "bad")
    let run = try run(scene, ["--region", "us-south", "--format", "json"])
    #expect(run.exitCode == 1, "\(run.errors)")
    let report = try JSONParser().parse(Array(run.output.utf8))
    let results = report["results"]?.array ?? []
    let failed = results.filter { $0["verdict"] == "fail" }.compactMap { $0["rule"]?.string }
    #expect(
      Set(failed).isSuperset(of: ["ibm.registry.iam-authz", "ibm.iam.user-mfa"]),
      "\(failed)"
    )
    #expect(results.allSatisfy { $0["resource"]?["account"] == "acc1" })
    #expect(!run.output.contains(IBMScene.key))
  }

  @Test func `a preflight tells calls, time and what may not be read`() throws {
    let scene = try IBMScene("good")
    let whole = try run(scene, ["--region", "us-south", "--preflight"])
    #expect(whole.exitCode == 0, "\(whole.errors)\(whole.output)")
    #expect(whole.output.contains("IBM Cloud account acc1, as iam-ServiceId-audit"))
    scene.fail { request, _ in
      request.path.hasSuffix("/auth") ? ReplayServer.Answer(403, json: ["message": "no"]) : nil
    }
    let partly = try run(scene, ["--region", "us-south", "--preflight"])
    #expect(partly.exitCode == 1)
    #expect(partly.output.contains("ibm.registry.private-only"))
    #expect(partly.output.contains("denied: container-registry:GetAuth in us-south"))
    #expect(partly.output.contains("plumb collectors policy ibm"))
  }

  @Test func `the key is from the environment or a file, alone or as ibmcloud writes it`() throws {
    let scene = try IBMScene("good")
    let arguments = ["--region", "us-south", "--service", "container-registry"]
    try #expect(run(scene, arguments).exitCode == 0)
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    for text in ["\(IBMScene.key)\n", #"{"name": "audit", "apikey": "\#(IBMScene.key)"}"#] {
      let file = folder.appendingPathComponent("key")
      try Data(text.utf8).write(to: file)
      try #expect(run(scene, arguments + ["--api-key-file", file.path], key: nil).exitCode == 0)
    }
    let none = try run(scene, arguments, key: nil)
    #expect(none.exitCode == 2)
    #expect(none.errors.contains("IBMCLOUD_API_KEY"))
    let wrong = try run(scene, arguments, key: "another")
    #expect(wrong.exitCode == 2)
    #expect(wrong.errors.contains("does not accept the API key"))
    #expect(!wrong.errors.contains("another"))
  }

  @Test func `a region and a service that are none are refused`() throws {
    let scene = try IBMScene("good")
    try #expect(run(scene, ["--region", "mars-1"]).errors.contains("us-south"))
    try #expect(run(scene, ["--service", "s3"]).errors.contains("container-registry"))
  }

  @Test func `a scan can be kept, and the next knows what changed`() throws {
    let scene = try IBMScene("good")
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let arguments = ["--region", "us-south", "--region", "eu-de", "--save", "--data", folder.path]
    let first = try run(scene, arguments)
    #expect(first.exitCode < 2, "\(first.errors)")
    let second = try run(scene, arguments)
    #expect(second.exitCode < 2, "\(second.errors)")
    let scans = try CommandRun(["scans", "list", "--data", folder.path, "--format", "json"])
    #expect(scans.exitCode == 0, "\(scans.errors)")
    let list = try JSONParser().parse(Array(scans.output.utf8))
    #expect((list["scans"] ?? list).array?.count == 2, "\(scans.output)")
  }
}
