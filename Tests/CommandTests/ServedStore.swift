import Foundation
import JSON
import TestSupport
import Testing

/// A `plumb serve` over a folder of its own, and a key of its administrator.
struct ServedStore {
  let folder: URL
  let address: String
  let token: String

  /// Starts a server, hands it over, and stops it afterwards.
  static func with(
    _ more: [String] = [],
    _ body: (ServedStore) async throws -> Void
  ) async throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let data = folder.appendingPathComponent("data").path
    let (out, errors) = (folder.appendingPathComponent("out"), folder.appendingPathComponent("err"))
    for file in [out, errors] { try Data().write(to: file) }
    let link = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: link).deletingLastPathComponent()
      .appendingPathComponent("plumb")
    process.arguments =
      ["serve", "--data", data, "--port", "0", "--requests-per-second", "0"] + more
    process.currentDirectoryURL = Fixtures.root
    process.standardOutput = try FileHandle(forWritingTo: out)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.start()
    defer {
      process.terminate()
      process.waitUntilExit()
    }
    var text = ""
    let isReady = try await eventually {
      text = try String(contentsOf: out, encoding: .utf8)
      return text.contains("the first sign-in") || !process.isRunning
    }
    #expect(isReady && process.isRunning)
    let line = text.split(separator: "\n").first { $0.hasPrefix("plumb serves ") }
    let address = try #require(line.map { String($0.dropFirst("plumb serves ".count)) })
    let key = try CommandRun([
      "keys", "add", "test", "--person", "administrator", "--role", "administrator", "--data", data,
    ])
    let token = key.output.trimmingCharacters(in: .newlines)
    try await body(ServedStore(folder: folder, address: address, token: token))
  }

  /// Runs a command on the server.
  func remote(_ arguments: [String], input: String = "") throws -> CommandRun {
    try CommandRun(
      arguments,
      input: Data(input.utf8),
      environment: ["PLUMB_SERVER": address, "PLUMB_TOKEN": token]
    )
  }

  /// Runs a command on the same data without the server.
  func local(_ arguments: [String]) throws -> CommandRun {
    try CommandRun(
      arguments,
      environment: ["PLUMB_DATA": folder.appendingPathComponent("data").path]
    )
  }

  /// The JSON that a command prints on the server.
  func remoteJSON(_ arguments: [String]) throws -> JSONValue {
    let run = try remote(arguments + ["--format", "json"])
    #expect(run.exitCode == 0, "\(arguments): \(run.errors)")
    return try JSONParser().parse(Array(run.output.utf8))
  }

  /// The JSON that a command prints without the server.
  func localJSON(_ arguments: [String]) throws -> JSONValue {
    let run = try local(arguments + ["--format", "json"])
    #expect(run.exitCode == 0, "\(arguments): \(run.errors)")
    return try JSONParser().parse(Array(run.output.utf8))
  }
}
