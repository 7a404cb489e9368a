import Foundation
import TestSupport
import Testing

/// What must end with a clear error, exit code 2 and bounded memory.
private struct BadInput: CustomTestStringConvertible, Sendable {
  var name: String
  var command: [String]
  var bytes: @Sendable () -> Data
  var message: String

  var testDescription: String { name }
}

private let plan = Data(
  #"{"format_version":"1.2","resource_changes":[{"address":"a","mode":"managed"}]}"#.utf8
)

private func nested(_ depth: Int) -> Data {
  Data((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
}

private let inputs: [BadInput] = [
  BadInput(
    name: "truncated plan",
    command: ["scan", "terraform"],
    bytes: { plan.dropLast(10) },
    message: "not valid JSON"
  ),
  BadInput(
    name: "nested plan",
    command: ["scan", "terraform"],
    bytes: { nested(10_000) },
    message: "nested deeper than 512 levels"
  ),
  BadInput(
    name: "nested manifest",
    command: ["scan", "kubernetes"],
    bytes: { nested(10_000) },
    message: "nested deeper than 512 levels"
  ),
  BadInput(
    name: "nested line",
    command: ["judge"],
    bytes: { nested(10_000) },
    message: ":1: nested deeper than 512 levels"
  ),
  BadInput(
    name: "plan with a key twice",
    command: ["scan", "terraform"],
    bytes: { Data(#"{"format_version":"1.2","format_version":"1"}"#.utf8) },
    message: "duplicate key \"format_version\""
  ),
  BadInput(
    name: "manifest with a key twice",
    command: ["scan", "kubernetes"],
    bytes: { Data("apiVersion: v1\nkind: Pod\nkind: Pod\n".utf8) },
    message: "duplicate key \"kind\""
  ),
  BadInput(
    name: "invalid UTF-8 plan",
    command: ["scan", "terraform"],
    bytes: { Data([0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D]) },
    message: "utf-8"
  ),
  BadInput(
    name: "binary manifest",
    command: ["scan", "kubernetes"],
    bytes: { Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 7) }) },
    message: "is not UTF-8 text"
  ),
  BadInput(
    name: "binary inventory",
    command: ["judge"],
    bytes: { Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 7) }) },
    message: "not valid JSON"
  ),
  BadInput(
    name: "empty plan",
    command: ["scan", "terraform"],
    bytes: { Data() },
    message: "is empty"
  ),
  BadInput(
    name: "empty manifest",
    command: ["scan", "kubernetes"],
    bytes: { Data() },
    message: "nothing to judge"
  ),
  BadInput(
    name: "empty inventory",
    command: ["judge"],
    bytes: { Data() },
    message: "holds no resources"
  ),
  BadInput(
    name: "a line of 70 MiB",
    command: ["judge"],
    bytes: { Data(repeating: 0x61, count: 70 << 20) },
    message: "longer than 64 MiB"
  ),
]

struct BadInputTests {
  @Test(arguments: inputs)
  private func `bad input ends with a clear error and exit code 2`(input: BadInput) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let file = folder.appendingPathComponent("input.json")
    try input.bytes().write(to: file)
    let run = try CommandRun(input.command + [file.path])
    #expect(run.exitCode == 2)
    #expect((run.errors + run.output).contains(input.message), "\(run.errors)")
    #expect((run.errors + run.output).contains("input.json"))
  }

  @Test func `a plan of 500 MB is refused before it is read`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let file = folder.appendingPathComponent("plan.json")
    try Data().write(to: file)
    let handle = try FileHandle(forWritingTo: file)
    try handle.truncate(atOffset: 500_000_000)
    try handle.close()
    let run = try CommandRun(["scan", "terraform", file.path])
    #expect(run.exitCode == 2)
    #expect(run.errors.contains("larger than 256 MiB"))
  }

  @Test func `what was written before a scan stays when the scan cannot be made`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let report = folder.appendingPathComponent("report.html")
    try Data("former".utf8).write(to: report)
    let run = try CommandRun(
      ["scan", "terraform", "/nonexistent.json", "--format", "html", "--output", report.path])
    #expect(run.exitCode == 2)
    #expect(try String(contentsOf: report, encoding: .utf8) == "former")
  }
}
