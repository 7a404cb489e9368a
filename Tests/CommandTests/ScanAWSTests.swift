import Foundation
import JSON
import TestSupport
import Testing

/// `plumb scan aws` and `plumb collectors` as commands.
struct ScanAWSTests {
  /// An environment without any way to credentials.
  private static let nobody = [
    "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "",
    "AWS_ENDPOINT_URL": "", "AWS_PROFILE": "",
  ]

  private static let somebody = Self.nobody.merging(
    ["AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"]
  ) { $1 }

  @Test func `the policy of a profile allows reading, and less than that of everything`() throws {
    func actions(_ arguments: [String]) throws -> Set<String> {
      let run = try CommandRun(["collectors", "policy", "aws"] + arguments)
      #expect(run.exitCode == 0, "\(run.errors)")
      let policy = try JSONParser().parse(Array(run.output.utf8))
      #expect(policy["Version"] == "2012-10-17")
      let statement = try #require(policy["Statement"]?.array?.first)
      #expect(statement["Effect"] == "Allow")
      return Set((statement["Action"]?.array ?? []).compactMap(\.string))
    }
    let all = try actions([])
    let some = try actions(["--profile", "best-practices"])
    #expect(some.isStrictSubset(of: all))
    #expect(some.contains("s3:GetBucketPolicy") && !some.contains("kinesis:ListStreams"))
    let reads = ["Get", "List", "Describe", "BatchGet", "Generate", "GET"]
    for action in all {
      let name = action.split(separator: ":").last ?? ""
      #expect(reads.contains { name.hasPrefix($0) }, "\(action)")
    }
  }

  @Test func `the kinds are listed with their calls`() throws {
    let run = try CommandRun(["collectors", "kinds", "aws"])
    #expect(run.exitCode == 0)
    #expect(run.output.split(separator: "\n").count >= 85)
    #expect(run.output.contains("s3:ListBuckets, s3:GetBucketAcl"))
  }

  @Test func `without credentials it says where it looked`() throws {
    let run = try CommandRun(["scan", "aws"], environment: Self.nobody)
    #expect(run.exitCode == 2)
    #expect(run.errors.contains("no AWS credentials were found; set AWS_PROFILE"))
    #expect(run.output.isEmpty)
  }

  @Test func `an endpoint that is down is named`() throws {
    let down = ["scan", "aws", "--endpoint-url", "http://127.0.0.1:1"]
    let run = try CommandRun(down, environment: Self.somebody)
    #expect(run.exitCode == 2)
    #expect(run.errors.contains("127.0.0.1:1 cannot be reached"))
  }

  @Test(arguments: [
    (["--region", "Frankfurt"], "--region \"Frankfurt\" is no region"),
    (["--max-rps", "0"], "--max-rps expects a number above 0"),
    (["--concurrency", "0"], "--concurrency expects a number from 1 to 256"),
    (["--aws-profile", "auditor"], "there is no profile \"auditor\""),
    (["--endpoint-url", "ftp://x"], "is none; it is like https://host:port"),
    (["--profile", "nothing"], "there is no profile \"nothing\""),
  ])
  func `wrong options are refused`(options: [String], message: String) throws {
    let run = try CommandRun(["scan", "aws"] + options, environment: Self.somebody)
    #expect(run.exitCode == 2)
    #expect(run.errors.contains(message), "\(run.errors)")
  }

  @Test(.enabled(if: MotoServer.isExpected))
  func `an account is judged, what could not be read is named`() throws {
    let server = try MotoServer.required()
    let run = try CommandRun(
      [
        "scan", "aws", "--region", "us-east-1", "--service", "s3", "--service", "macie",
        "--service", "account", "--format", "ndjson",
      ],
      environment: Self.nobody.merging(server.environment) { $1 }
    )
    #expect(run.exitCode == 1, "\(run.errors)")
    let results = try Fixtures.lines(Array(run.output.utf8))
    func verdicts(_ rule: String) -> Set<String> {
      Set(results.filter { $0["rule"]?.string == rule }.compactMap { $0["verdict"]?.string })
    }
    #expect(verdicts("aws.s3.tls-only") == ["pass", "fail"])
    #expect(results.allSatisfy { $0["resource"]?["account"]?.string == MotoServer.account })
    // A rule stands in several goals of this profile.
    let preflight = try CommandRun(
      ["scan", "aws", "--region", "us-east-1", "--profile", "cis-aws", "--preflight"],
      environment: Self.nobody.merging(server.environment) { $1 }
    )
    #expect(preflight.exitCode == 1, "\(preflight.errors)")
    #expect(preflight.output.contains("A scan makes about"))
    #expect(preflight.output.contains("accessanalyzer:ListAnalyzers"))
    let wrong = try CommandRun(
      ["scan", "aws", "--service", "s4"],
      environment: Self.nobody.merging(server.environment) { $1 }
    )
    #expect(wrong.exitCode == 2)
    #expect(wrong.errors.contains("--service \"s4\" is none of"))
  }

  @Test(.enabled(if: MotoServer.isExpected))
  func `a scan that is killed goes on where it was, and comes to the same`() throws {
    let server = try MotoServer.required()
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    func arguments(_ place: String) -> [String] {
      [
        "scan", "aws", "--region", "us-east-1", "--region", "eu-west-1", "--save",
        "--now", "2026-11-21T12:00:00Z", "--data", folder.appendingPathComponent(place).path,
      ]
    }
    func results(_ place: String) throws -> String {
      let data = folder.appendingPathComponent(place).path
      let run = try CommandRun(["results", "--data", data, "--format", "csv"])
      #expect(run.exitCode == 0, "\(run.errors)")
      return run.output
    }
    let environment = Self.nobody.merging(server.environment) { $1 }
    let lists = try kill(
      arguments("killed"),
      environment,
      in: folder.appendingPathComponent("killed")
    )
    #expect(lists >= 5)
    let resumed = try CommandRun(arguments("killed"), environment: environment)
    #expect(resumed.exitCode == 1, "\(resumed.errors)")
    #expect(resumed.errors.contains("going on with what was read since"))
    let whole = try CommandRun(arguments("whole"), environment: environment)
    #expect(whole.exitCode == 1, "\(whole.errors)")
    let expected = try results("whole")
    #expect(expected.split(separator: "\n").count > 500)
    #expect(try results("killed") == expected)
  }

  /// Starts a scan and kills it when it has read some lists; returns how many.
  ///
  /// Waits without giving up its thread, so that it is in time on a busy machine.
  private func kill(
    _ arguments: [String],
    _ environment: [String: String],
    in folder: URL
  ) throws -> Int {
    let process = Process()
    let binary = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    process.executableURL = URL(fileURLWithPath: binary).deletingLastPathComponent()
      .appendingPathComponent("plumb")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.start()
    let spool = folder.appendingPathComponent("spool")
    var lists = 0
    while process.isRunning, lists < 5 {
      Thread.sleep(forTimeInterval: 0.02)
      let files = (try? FileManager.default.contentsOfDirectory(atPath: spool.path)) ?? []
      guard let name = files.first(where: { $0.hasSuffix(".lists") }) else { continue }
      let text = try? String(contentsOf: spool.appendingPathComponent(name), encoding: .utf8)
      lists = max(0, (text ?? "").split(separator: "\n").count - 1)
    }
    #expect(process.isRunning)
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    return lists
  }
}
