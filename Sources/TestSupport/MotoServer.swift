import Foundation

/// moto, which answers AWS's API on a free port of 127.0.0.1 (`script/moto`).
package struct MotoServer: Sendable {
  /// Where every service answers.
  package let endpoint: String

  /// The account that moto stands for.
  package static let account = "123456789012"
  /// The regions that `script/moto seed` fills.
  package static let regions = ["eu-west-1", "us-east-1"]

  /// The seeded server that `PLUMB_TEST_MOTO` names; nil where there is none.
  ///
  /// Tests only read it.
  package static var seeded: MotoServer? {
    let text = ProcessInfo.processInfo.environment["PLUMB_TEST_MOTO"] ?? ""
    return text.isEmpty ? nil : MotoServer(endpoint: text)
  }

  /// Whether tests that need the server run: where there is one, and in automation, where its absence
  /// is a fault and no reason to pass over them.
  package static var isExpected: Bool {
    seeded != nil || ProcessInfo.processInfo.environment["CI"] == "true"
  }

  /// The seeded server.
  ///
  /// - Throws: why there is none.
  package static func required() throws -> MotoServer {
    if let seeded { return seeded }
    throw Failure(description: "PLUMB_TEST_MOTO names no server; script/test starts and fills one")
  }

  /// Hands over an empty server of one's own, which is stopped afterwards.
  ///
  /// - Throws: what `body` throws, and why the server does not start.
  package static func with<R>(_ body: (MotoServer) async throws -> R) async throws -> R {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let process = "\(ProcessInfo.processInfo.processIdentifier)"
    let start = try script(["start", folder.path, "--parent", process])
    guard start.exitCode == 0 else { throw Failure(description: start.errors) }
    let endpoint = start.output.trimmingCharacters(in: .whitespacesAndNewlines)
    let result: Result<R, any Error>
    do {
      result = .success(try await body(MotoServer(endpoint: endpoint)))
    } catch {
      result = .failure(error)
    }
    _ = try script(["stop", folder.path])
    return try result.get()
  }

  /// Runs `script/moto`.
  package static func script(_ arguments: [String]) throws -> CommandRun {
    try CommandRun(Fixtures.root.appendingPathComponent("script/moto"), arguments)
  }

  /// The environment that leads AWS's tools, and ours, to the server.
  package var environment: [String: String] {
    [
      "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
      "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": "/dev/null",
      "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    ]
  }

  /// Why there is no server.
  private struct Failure: Error, CustomStringConvertible { let description: String }
}
