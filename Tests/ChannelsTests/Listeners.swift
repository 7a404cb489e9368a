import Foundation
import JSON
import TestSupport
import Testing

/// Mail and syslog servers of Python's, and what they got.
struct Listeners {
  let ports: JSONValue
  private let output: FileHandle

  static func with(
    _ script: String = "listeners.py",
    _ arguments: [String] = [],
    _ body: (inout Listeners) async throws -> Void
  ) async throws {
    let (process, input, output) = (Process(), Pipe(), Pipe())
    process.executableURL = Fixtures.root.appendingPathComponent(".build/tools/bin/python")
    process.arguments =
      [Fixtures.root.appendingPathComponent("Tests/ChannelsTests/\(script)").path] + arguments
    process.standardInput = input
    process.standardOutput = output
    try process.start()
    defer {
      try? input.fileHandleForWriting.close()
      process.terminate()
    }
    var listeners = try Listeners(output.fileHandleForReading)
    try await body(&listeners)
  }

  private init(_ output: FileHandle) throws {
    self.output = output
    let first = try Self.line(output)
    ports = try #require(first, "the servers do not start; script/prepare --tests installs them")
  }

  private static func line(_ output: FileHandle) throws -> JSONValue? {
    var bytes: [UInt8] = []
    while let byte = try output.read(upToCount: 1)?.first, byte != 0x0A { bytes.append(byte) }
    return bytes.isEmpty ? nil : try JSONParser().parse(bytes)
  }

  /// What came next.
  func next() throws -> JSONValue { try #require(try Self.line(output)) }

  func address(_ scheme: String, _ name: String, host: String = "127.0.0.1") -> String {
    "\(scheme)://\(host):\(ports[name]?.whole ?? 0)"
  }
}
