import Foundation
import JSON
import TestSupport
import Testing

/// Logs in buckets, read from moto and compared with the same files in a folder.
struct BucketCommandTests {
  private static func write(_ text: String, _ path: String, in folder: URL) throws {
    let file = folder.appendingPathComponent(path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(),
      withIntermediateDirectories: true
    )
    try Data(text.utf8).write(to: file)
  }

  private static func gzip(_ folder: URL) throws {
    let run = try CommandRun(URL(fileURLWithPath: "/bin/gzip"), ["-rn", folder.path])
    #expect(run.exitCode == 0, "\(run.errors)")
  }

  private static func flow(_ number: Int, _ file: Int) -> String {
    let start = 1_767_225_600 + file * 60 + number
    return
      "2 111122223333 eni-1 203.0.113.66 10.0.0.5 51000 \(1 + file * 40 + number) 6 1 44 \(start) \(start) REJECT OK\n"
  }

  private static let header =
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"

  @Test func `more than a page of CloudTrail's objects is read as the same files are`()
    async throws
  {
    try await MotoServer.with { server in
      let folder = try Fixtures.temporaryFolder()
      defer { Fixtures.remove(folder) }
      for number in 0..<1100 {
        let minute = 10 + number / 60 % 50
        let event =
          #"{"eventSource":"cloudtrail.amazonaws.com","eventName":"\#(number % 100 == 7 ? "StopLogging" : "DescribeTrails")","eventTime":"2026-03-02T10:\#(minute):00Z","eventID":"e-\#(number)","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","userName":"kim"},"requestParameters":{"name":"main"}}"#
        try Self.write(
          #"{"Records":[\#(event)]}"#,
          "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/02/\(number % 7)/t_\(number).json",
          in: folder
        )
      }
      try Self.gzip(folder)
      try Self.write("{}", "AWSLogs/111122223333/CloudTrail-Digest/d.json", in: folder)
      try Self.write("x", "AWSLogs/manifest.parquet", in: folder)
      // CloudTrail's own objects have this, and are gzip all the same once they are here.
      try await server.fill("trails", with: folder, encoding: "gzip")
      let local = try CommandRun(["detect", "--format", "ndjson", folder.path + "/AWSLogs/"])
      #expect(local.exitCode == 1)
      #expect(local.errors.contains("1 file passed over, by the name no log"))
      let remote = try CommandRun(
        ["detect", "--format", "ndjson", "s3://trails/AWSLogs/"],
        environment: server.environment
      )
      #expect(remote.exitCode == 1, "\(remote.errors)")
      #expect(remote.errors.contains("s3://trails/AWSLogs/manifest.parquet"))
      #expect(try Fixtures.lines(Array(local.output.utf8)).count == 11)
      let (there, here) = (
        try Self.plain(remote, "s3://trails"), try Self.plain(local, folder.path)
      )
      #expect(there == here)
    }
  }

  @Test func `flow logs of a bucket are read, and only new ones by a second run`() async throws {
    try await MotoServer.with { server in
      let folder = try Fixtures.temporaryFolder()
      defer { Fixtures.remove(folder) }
      func add(_ files: Range<Int>) throws {
        for file in files {
          let lines = (0..<40).map { Self.flow($0, file) }.joined()
          try Self.write(
            Self.header + lines,
            "flows/2026/01/01/f_20260101T00\(10 + file)Z_\(9 - file).log",
            in: folder
          )
        }
      }
      try add(0..<4)
      try Self.gzip(folder)
      try await server.fill("flow-logs", with: folder)
      let state = folder.appendingPathComponent("state").path
      func run(_ arguments: String..., place: String = "s3://flow-logs/flows/") throws -> CommandRun
      {
        try CommandRun(["flows"] + arguments + [place], environment: server.environment)
      }
      let local = try run("--format", "ndjson", place: folder.path + "/flows/")
      let remote = try run("--format", "ndjson", "--state", state)
      #expect(local.exitCode == 1 && remote.exitCode == 1, "\(remote.errors)")
      let (there, here) = (
        try Self.plain(remote, "s3://flow-logs"), try Self.plain(local, folder.path)
      )
      #expect(there == here && !here.isEmpty)
      let again = try run("--state", state)
      #expect(again.exitCode == 0)
      #expect(again.errors.contains("4 files read to the end by an earlier run"))
      // One more, and one of them anew.
      try add(4..<5)
      try Self.write(
        Self.header + Self.flow(0, 9),
        "flows/2026/01/01/f_20260101T0013Z_6.log.gz",
        in: folder
      )
      try await server.fill("flow-logs", with: folder)
      let more = try run("--state", state)
      #expect(more.output.hasPrefix("41 flows") || more.output.contains("\n41 flows"), "\(more)")
      #expect(more.errors.contains("3 files read to the end by an earlier run"))
      let records = try run("--fields", "x", place: "s3://flow-logs/flows/")
      #expect(records.exitCode == 2)
      let ocsf = try CommandRun(
        ["flows", "records", "s3://flow-logs/flows/"],
        environment: server.environment
      )
      #expect(try Fixtures.lines(Array(ocsf.output.utf8)).count == 161)
      let talks = try CommandRun(
        ["flows", "conversations", "--format", "json", "s3://flow-logs/flows/"],
        environment: server.environment
      )
      #expect(try JSONValue(parsing: talks.output).array?.isEmpty == false)
    }
  }

  @Test func `a bucket is followed`() async throws {
    try await MotoServer.with { server in
      let folder = try Fixtures.temporaryFolder()
      defer { Fixtures.remove(folder) }
      try Self.write(Self.header + Self.flow(0, 0), "flows/f_20260101T0010Z.log", in: folder)
      try await server.fill("flow-logs", with: folder)
      let plumb = try Running(
        ["flows", "--follow", "--list-every", "1", "--format", "ndjson", "s3://flow-logs/flows/"],
        output: folder.appendingPathComponent("out"),
        environment: server.environment
      )
      defer { if plumb.process.isRunning { plumb.end(SIGKILL) } }
      #expect(!plumb.waits(1) { (try? plumb.findings())?.isEmpty == false })
      let lines = (0..<40).map { Self.flow($0, 1) }.joined()
      try Self.write(Self.header + lines, "flows/f_20260101T0011Z.log", in: folder)
      try await server.fill("flow-logs", with: folder)
      let isFound = plumb.waits(180) {
        (try? plumb.findings())?.contains { $0["detection_id"] == "network.port-scan" } == true
      }
      #expect(isFound)
      plumb.end(SIGTERM)
    }
  }

  @Test(.enabled(if: MotoServer.isExpected))
  func `a bucket that is not there, and wrong options, say what is wanted`() throws {
    let server = try MotoServer.required()
    let cases: [([String], String)] = [
      (["detect", "s3://plumb-no-such-bucket/x"], "there is no such bucket"),
      (["flows", "s3://plumb-no-such-bucket/"], "there is no such bucket"),
      (["flows", "s3:///x"], "names no bucket; expected s3://bucket/prefix"),
      (["flows", "--region", "eu-de", "logs/"], "go with s3://bucket/prefix"),
      (["detect", "--endpoint-url", "http://127.0.0.1:1", "-"], "go with s3://bucket/prefix"),
      (
        ["detect", "--endpoint-url", "ftp://x", "s3://abc/"],
        "is none; it is like https://host:port"
      ),
      (["flows", "--credential", "none", "s3://abc/"], "nothing is kept in /nowhere"),
    ]
    for (arguments, message) in cases {
      let data = ["PLUMB_DATA": "/nowhere"]
      let run = try CommandRun(arguments, environment: server.environment.merging(data) { $1 })
      #expect(run.exitCode == 2, "\(arguments)")
      #expect(run.errors.contains(message), "\(arguments): \(run.errors)")
    }
  }

  @Test func `the keys of a stored credential are used, and nothing else`() throws {
    let scene = try CredentialScene()
    let server = try ReplayServer { request in
      let isKnown = request[header: "Authorization"]?.contains("AKIAHMACKEYSOFCOS") == true
      let list =
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a.log</Key><Size>0</Size>"
        + "<ETag>1</ETag></Contents></ListBucketResult>"
      return isKnown
        ? ReplayServer.Answer(body: Array(list.utf8)) : ReplayServer.Answer(403, body: [])
    }
    defer { server.stop() }
    let added = try scene.credentials(
      "add",
      "cos",
      "--provider",
      "aws",
      "--access-key-id",
      "AKIAHMACKEYSOFCOS",
      "--region",
      "eu-de",
      "--endpoint-url",
      server.url,
      input: CredentialScene.first
    )
    #expect(added.exitCode == 0, "\(added.errors)")
    let run = try scene.run(["flows", "--credential", "cos", "s3://logs/"])
    #expect(run.errors.contains("no flow record was read"), "\(run.errors)")
    let asked = server.requests.map(\.path)
    #expect(asked == ["/logs/"])
    let refused = try scene.run(["flows", "--endpoint-url", server.url, "s3://logs/"])
    #expect(refused.exitCode == 2)
    #expect(refused.errors.contains("s3:ListBucket"), "\(refused.errors)")
  }

  /// The findings without what differs between places.
  private static func plain(_ run: CommandRun, _ place: String) throws -> [String] {
    try Fixtures.lines(Array(run.output.replacing(place, with: "").utf8)).map { finding in
      var members = finding.object ?? JSONObject()
      members["id"] = nil
      return JSONValue.object(members).text
    }
  }
}
